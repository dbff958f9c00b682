#include "tensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstring>

#include "guard.h"
#include "handles.h"

namespace ct {
namespace {

at::ScalarType scalarType(int32_t number) {
  if (number < 0 || number >= static_cast<int32_t>(at::ScalarType::Undefined)) {
    throw Refusal(CT_E_ARGUMENT, "there is no element type " + std::to_string(number));
  }
  return static_cast<at::ScalarType>(number);
}

torch::autograd::variable_list list(ct_tensor *const *handles, uint32_t count) {
  torch::autograd::variable_list out;
  out.reserve(count);
  for (uint32_t i = 0; i < count; i++) out.push_back(borrow(handles[i]));
  return out;
}

}  // namespace

ct_tensor *make(const void *source, uint64_t bytes, const int64_t *dims, uint32_t rank, int32_t dtype, int32_t place) {
  const at::NoGradGuard noGrad;
  const auto type = scalarType(dtype);
  const at::IntArrayRef shape(dims, rank);
  uint64_t wanted = c10::elementSize(type);
  for (const auto extent : shape) {
    if (extent < 0) throw Refusal(CT_E_ARGUMENT, "a tensor cannot have the negative extent " + std::to_string(extent));
    if (__builtin_mul_overflow(wanted, static_cast<uint64_t>(extent), &wanted)) {
      throw Refusal(CT_E_ARGUMENT, "a tensor of this shape has more than 2^64 bytes");
    }
  }
  if (source == nullptr) return give(at::zeros(shape, at::TensorOptions(type).device(device(place))));
  if (wanted != bytes) {
    throw Refusal(CT_E_ARGUMENT, "a tensor of this shape and type has " + std::to_string(wanted) + " bytes, not " +
                                     std::to_string(bytes));
  }
  auto tensor = at::empty(shape, at::TensorOptions(type));
  if (bytes > 0) std::memcpy(tensor.mutable_data_ptr(), source, bytes);
  return give(place < 0 ? tensor : tensor.to(device(place)));
}

void read(const ct_tensor *handle, void *target, uint64_t bytes) {
  const at::NoGradGuard noGrad;
  const auto tensor = borrow(handle).detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous();
  if (tensor.nbytes() != bytes) {
    throw Refusal(CT_E_ARGUMENT, "the tensor has " + std::to_string(tensor.nbytes()) + " bytes, not " +
                                     std::to_string(bytes));
  }
  if (bytes > 0) std::memcpy(target, tensor.const_data_ptr(), bytes);
}

ct_value item(const ct_tensor *handle) {
  const auto scalar = borrow(handle).item();
  ct_value out{};
  if (scalar.isBoolean()) {
    out.tag = CT_BOOL;
    out.as.i = scalar.toBool() ? 1 : 0;
  } else if (scalar.isIntegral(false)) {
    out.tag = CT_INT;
    out.as.i = scalar.toLong();
  } else if (scalar.isFloatingPoint()) {
    out.tag = CT_FLOAT;
    out.as.f = scalar.toDouble();
  } else {
    throw Refusal(CT_E_ARGUMENT, "a complex number is no single value");
  }
  return out;
}

void describe(const ct_tensor *handle, ct_tensor_info *out) {
  const auto tensor = borrow(handle);
  *out = ct_tensor_info{};
  out->dims = impl(handle)->sizes().data();
  out->strides = impl(handle)->strides().data();
  out->data = tensor.has_storage() ? const_cast<void *>(tensor.const_data_ptr()) : nullptr;
  out->elements = tensor.numel();
  out->version = tensor.is_inference() ? 0 : tensor._version();
  out->rank = static_cast<int32_t>(tensor.dim());
  out->dtype = static_cast<int32_t>(tensor.scalar_type());
  out->device = number(tensor.device());
  out->element_bytes = static_cast<int32_t>(tensor.element_size());
  out->requires_grad = tensor.requires_grad();
  out->is_leaf = tensor.is_leaf();
  out->is_contiguous = tensor.is_contiguous();
  out->is_channels_last = tensor.dim() == 4 && tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

void gradients(ct_tensor *const *outputs, ct_tensor *const *seeds, uint32_t outputCount, ct_tensor *const *inputs,
               uint32_t inputCount, bool retainGraph, bool createGraph, bool allowUnused, ct_tensor **out) {
  counters.gradients.fetch_add(1, std::memory_order_relaxed);
  auto found = torch::autograd::grad(list(outputs, outputCount), list(inputs, inputCount),
                                     seeds == nullptr ? torch::autograd::variable_list{} : list(seeds, outputCount),
                                     retainGraph, createGraph, allowUnused);
  for (uint32_t i = 0; i < inputCount; i++) out[i] = give(std::move(found[i]));
}

}  // namespace ct
