// Tagged values to and from LibTorch's boxed values, guided by the operator's schema.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <string>

#include "CTorch.h"

namespace ct {

/// What an operator's argument takes; `unsupported` types must have a default.
enum class Kind : uint8_t {
  tensor, tensors, optionalTensors, integer, integers, floating, floats, boolean, booleans, scalar, scalars, string,
  dtype, device, generator, unsupported
};

struct Slot {
  std::string name;
  Kind kind = Kind::unsupported;
  bool isOptional = false;
  bool hasDefault = false;
  int source = -1;         // position among the caller's arguments; -1: always the default
  c10::IValue fallback;
};

Kind kind(const c10::TypePtr &type, bool &isOptional);

/// Throws `Refusal(CT_E_ARGUMENT)` when the tag does not fit; `position` and `op` are for its text.
c10::IValue box(const ct_value &value, const Slot &slot, const std::string &op);

/// Hands the caller what an operator returned. Throws for types that no ct_value holds.
ct_value unbox(c10::IValue &&value, const std::string &op);

void free(ct_value *values, uint32_t count, bool withTensors) noexcept;

}  // namespace ct
