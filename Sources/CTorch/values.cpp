#include "values.h"

#include <cstring>
#include <memory>

#include "guard.h"
#include "handles.h"

namespace ct {
namespace {

const char *tagName(uint32_t tag) {
  static const char *const names[] = {"none", "bool",   "int",     "float", "text",   "tensor",
                                      "ints", "floats", "tensors", "dtype", "device", "generator"};
  return tag < 12 ? names[tag] : "an unknown tag";
}

const char *kindName(Kind kind) {
  static const char *const names[] = {"tensor", "tensors", "tensors", "int",  "ints",  "float",  "floats",    "bool",
                                      "ints",   "number",  "numbers", "text", "dtype", "device", "generator", "none"};
  return names[static_cast<int>(kind)];
}

template <class Element, class Source>
c10::IValue list(const Source *source, uint32_t count) {
  c10::List<Element> out;
  out.reserve(count);
  for (uint32_t i = 0; i < count; i++) out.push_back(static_cast<Element>(source[i]));
  return out;
}

c10::IValue optionalTensors(const ct_value &value) {
  c10::List<std::optional<at::Tensor>> out;
  out.reserve(value.count);
  for (uint32_t i = 0; i < value.count; i++) {
    auto tensor = borrow(value.as.ts[i]);
    out.push_back(tensor.defined() ? std::optional<at::Tensor>(std::move(tensor)) : std::nullopt);
  }
  return out;
}

c10::IValue tensors(const ct_value &value, const Slot &slot, const std::string &op) {
  c10::List<at::Tensor> out;
  out.reserve(value.count);
  for (uint32_t i = 0; i < value.count; i++) {
    if (value.as.ts[i] == nullptr) {
      throw Refusal(CT_E_ARGUMENT, op + ": tensor " + std::to_string(i) + " of argument '" + slot.name + "' is none");
    }
    out.push_back(borrow(value.as.ts[i]));
  }
  return out;
}

/// The boxed value, or no value when the tag does not fit.
std::optional<c10::IValue> convert(const ct_value &value, const Slot &slot, const std::string &op) {
  const auto tag = value.tag;
  const bool isWhole = tag == CT_INT;
  switch (slot.kind) {
    case Kind::tensor:
      if (tag == CT_TENSOR && value.as.t != nullptr) return c10::IValue(borrow(value.as.t));
      break;
    case Kind::tensors:
      if (tag == CT_TENSORS) return tensors(value, slot, op);
      break;
    case Kind::optionalTensors:
      if (tag == CT_TENSORS) return optionalTensors(value);
      break;
    case Kind::integer:
      if (isWhole) return c10::IValue(value.as.i);
      break;
    case Kind::integers:
      if (tag == CT_INTS) return list<int64_t>(value.as.is, value.count);
      break;
    case Kind::floating:
      if (tag == CT_FLOAT) return c10::IValue(value.as.f);
      if (isWhole) return c10::IValue(static_cast<double>(value.as.i));
      break;
    case Kind::floats:
      if (tag == CT_FLOATS) return list<double>(value.as.fs, value.count);
      break;
    case Kind::boolean:
      if (tag == CT_BOOL) return c10::IValue(value.as.i != 0);
      break;
    case Kind::booleans:
      if (tag == CT_INTS) return list<bool>(value.as.is, value.count);
      break;
    case Kind::scalar:
      if (tag == CT_FLOAT) return c10::IValue(value.as.f);
      if (isWhole) return c10::IValue(value.as.i);
      if (tag == CT_BOOL) return c10::IValue(value.as.i != 0);
      break;
    case Kind::scalars: {
      if (tag != CT_FLOATS && tag != CT_INTS) break;
      c10::List<at::Scalar> out;
      for (uint32_t i = 0; i < value.count; i++) {
        out.push_back(tag == CT_FLOATS ? at::Scalar(value.as.fs[i]) : at::Scalar(value.as.is[i]));
      }
      return c10::IValue(out);
    }
    case Kind::string:
      if (tag == CT_STR) return c10::IValue(std::string(value.as.s, value.count));
      break;
    case Kind::dtype:
      if (tag == CT_DTYPE || isWhole) return c10::IValue(value.as.i);
      break;
    case Kind::device:
      if (tag == CT_DEVICE) return c10::IValue(at::Device(std::string(value.as.s)));
      break;
    case Kind::generator:
      if (tag == CT_RNG && value.as.g != nullptr) return c10::IValue(value.as.g->value);
      break;
    case Kind::unsupported:
      break;
  }
  return std::nullopt;
}

Kind listKind(const c10::TypePtr &element) {
  switch (element->kind()) {
    case c10::TypeKind::TensorType: return Kind::tensors;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Kind::integers;
    case c10::TypeKind::FloatType: return Kind::floats;
    case c10::TypeKind::BoolType: return Kind::booleans;
    case c10::TypeKind::NumberType: return Kind::scalars;
    case c10::TypeKind::OptionalType: {
      const auto inner = element->expectRef<c10::OptionalType>().getElementType();
      return inner->kind() == c10::TypeKind::TensorType ? Kind::optionalTensors : Kind::unsupported;
    }
    default: return Kind::unsupported;
  }
}

template <class Element, class List>
const Element *copy(const List &source, uint32_t &count) {
  count = static_cast<uint32_t>(source.size());
  auto out = std::make_unique<Element[]>(count);
  for (uint32_t i = 0; i < count; i++) out[i] = source.get(i);
  return out.release();
}

}  // namespace

Kind kind(const c10::TypePtr &type, bool &isOptional) {
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      isOptional = true;
      return kind(type->expectRef<c10::OptionalType>().getElementType(), isOptional);
    case c10::TypeKind::ListType: return listKind(type->expectRef<c10::ListType>().getElementType());
    case c10::TypeKind::TensorType: return Kind::tensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Kind::integer;
    case c10::TypeKind::FloatType: return Kind::floating;
    case c10::TypeKind::BoolType: return Kind::boolean;
    case c10::TypeKind::NumberType: return Kind::scalar;
    case c10::TypeKind::StringType: return Kind::string;
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType: return Kind::dtype;
    case c10::TypeKind::DeviceObjType: return Kind::device;
    case c10::TypeKind::GeneratorType: return Kind::generator;
    default: return Kind::unsupported;
  }
}

c10::IValue box(const ct_value &value, const Slot &slot, const std::string &op) {
  if (value.tag == CT_NONE && slot.isOptional) return {};
  if (auto boxed = convert(value, slot, op)) return *std::move(boxed);
  throw Refusal(CT_E_ARGUMENT, op + ": argument '" + slot.name + "' wants " + kindName(slot.kind) +
                                   (slot.isOptional ? " or none" : "") + ", not " + tagName(value.tag));
}

ct_value unbox(c10::IValue &&value, const std::string &op) {
  ct_value out{};
  if (value.isTensor()) {
    out.as.t = give(std::move(value).toTensor());
    out.tag = out.as.t == nullptr ? CT_NONE : CT_TENSOR;
  } else if (value.isTensorList()) {
    auto list = std::move(value).toTensorVector();
    auto handles = std::make_unique<ct_tensor *[]>(list.size());
    for (size_t i = 0; i < list.size(); i++) handles[i] = give(std::move(list[i]));
    out = {CT_TENSORS, static_cast<uint32_t>(list.size()), {}};
    out.as.ts = handles.release();
  } else if (value.isNone()) {
    out.tag = CT_NONE;
  } else if (value.isInt()) {
    out.tag = CT_INT;
    out.as.i = value.toInt();
  } else if (value.isDouble()) {
    out.tag = CT_FLOAT;
    out.as.f = value.toDouble();
  } else if (value.isBool()) {
    out.tag = CT_BOOL;
    out.as.i = value.toBool() ? 1 : 0;
  } else if (value.isIntList()) {
    out.tag = CT_INTS;
    out.as.is = copy<int64_t>(value.toIntList(), out.count);
  } else if (value.isDoubleList()) {
    out.tag = CT_FLOATS;
    out.as.fs = copy<double>(value.toDoubleList(), out.count);
  } else if (value.isString()) {
    const auto &text = value.toStringRef();
    auto bytes = std::make_unique<char[]>(text.size() + 1);
    std::memcpy(bytes.get(), text.c_str(), text.size() + 1);
    out = {CT_STR, static_cast<uint32_t>(text.size()), {}};
    out.as.s = bytes.release();
  } else {
    throw Refusal(CT_E_SCHEMA, op + ": returns a value of type " + value.tagKind() + ", which cannot be handed on");
  }
  return out;
}

void free(ct_value *values, uint32_t count, bool withTensors) noexcept {
  for (uint32_t i = 0; i < count; i++) {
    auto &value = values[i];
    switch (value.tag) {
      case CT_TENSOR:
        if (withTensors) drop(value.as.t);
        break;
      case CT_TENSORS:
        if (withTensors) {
          for (uint32_t k = 0; k < value.count; k++) drop(value.as.ts[k]);
        }
        delete[] value.as.ts;
        break;
      case CT_INTS: delete[] value.as.is; break;
      case CT_FLOATS: delete[] value.as.fs; break;
      case CT_STR: delete[] value.as.s; break;
      default: break;
    }
    value = ct_value{};
  }
}

}  // namespace ct
