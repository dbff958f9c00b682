// SPDX-License-Identifier: Apache-2.0
//
// lethe/operator.hpp - any ATen operator, by the text of its schema.
#ifndef LETHE_OPERATOR_HPP
#define LETHE_OPERATOR_HPP

#include <lethe/tensor.hpp>

namespace lethe {

/// A number as operators take it: an integer stays one, so adding 1 to int64 labels gives int64.
class Scalar {
 public:
  /// From any number but a truth value.
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>, int> = 0>
  Scalar(Number number) noexcept {
    if constexpr (std::is_integral_v<Number>) {
      value_ = lethe_of_int(static_cast<int64_t>(number));
    } else {
      value_ = lethe_of_float(static_cast<double>(number));
    }
  }
  /// As an argument of an operator.
  operator lethe_value() const noexcept { return value_; }

 private:
  lethe_value value_;
};

/// An argument of an operator, made from what it is called with. It owns lists and outlives the call.
class Argument {
 public:
  /// None, for optional arguments that get their default.
  Argument(std::nullopt_t) noexcept : value_(lethe_none()) {}
  /// A tensor.
  Argument(const Tensor &tensor) noexcept : value_(tensor) {}
  /// A tensor or none.
  Argument(const std::optional<Tensor> &tensor) noexcept
      : value_(tensor.has_value() ? static_cast<lethe_value>(*tensor) : lethe_none()) {}
  /// Several tensors.
  Argument(const std::vector<Tensor> &tensors) : value_(), tensors_(detail::handles(tensors)) {
    value_.tag = LETHE_T_TENSORS;
    value_.count = static_cast<uint32_t>(tensors_.size());
  }
  /// A number; also for a Scalar, also an integer.
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>, int> = 0>
  Argument(Number number) noexcept : value_(Scalar(number)) {}
  /// A truth value.
  template <class Truth, std::enable_if_t<std::is_same_v<Truth, bool>, char> = 0>
  Argument(Truth truth) noexcept : value_(lethe_of_bool(truth ? 1 : 0)) {}
  /// Integers: sizes, dimensions.
  Argument(std::vector<int64_t> ints) noexcept : value_(), ints_(std::move(ints)) {
    value_.tag = LETHE_T_INTS;
    value_.count = static_cast<uint32_t>(ints_.size());
  }
  /// An element type.
  Argument(DType dtype) noexcept : value_(lethe_of_int(static_cast<int64_t>(dtype))) { value_.tag = LETHE_T_DTYPE; }
  /// A generator.
  Argument(const Generator &generator) noexcept : value_() {
    value_.tag = LETHE_T_RNG;
    value_.as.g = generator.handle();
  }

  /// The C value; lists in it are this object's.
  lethe_value value() const noexcept {
    lethe_value value = value_;
    if (value.tag == LETHE_T_TENSORS) value.as.ts = tensors_.data();
    if (value.tag == LETHE_T_INTS) value.as.is = ints_.data();
    return value;
  }

 private:
  lethe_value value_;
  std::vector<lethe_tensor> tensors_;
  std::vector<int64_t> ints_;
};

/// An ATen operator that the kit has no function for: `call.resolve(LETHE_ATEN_TOPK)`, or with any schema's text.
/// Resolve it once, in `prepare`; it lives as long as the process. Recorded for gradients as usual.
class Operator {
 public:
  /// None yet; calling it throws.
  Operator() noexcept = default;
  /// Made by `Call::resolve`.
  explicit Operator(lethe_op handle) noexcept : handle_(handle) {}

  /// Calls it with arguments in the order of its schema; trailing ones may be left out where they have defaults.
  /// Gives its one tensor, and throws where it gives something else.
  template <class... Arguments>
  Tensor operator()(const Call &call, const Arguments &...arguments) const {
    lethe_value result = lethe_none();
    apply(call, {Argument(arguments)...}, &result, 1);
    if (result.tag != LETHE_T_TENSOR) throw Failure("the operator gave no tensor", LETHE_E_INTERNAL);
    return call.tensor(result.as.t);
  }

  /// Calls an operator that returns `count` values; none where one is no tensor.
  template <class... Arguments>
  std::vector<std::optional<Tensor>> several(const Call &call, size_t count, const Arguments &...arguments) const {
    std::vector<lethe_value> results(count, lethe_none());
    apply(call, {Argument(arguments)...}, results.data(), count);
    std::vector<std::optional<Tensor>> found;
    found.reserve(count);
    for (const lethe_value &result : results) {
      found.push_back(result.tag == LETHE_T_TENSOR ? call.optional(result.as.t) : std::nullopt);
    }
    return found;
  }

  /// Calls an operator that returns one list of tensors, `Tensor[]`, and throws where it gives something else.
  template <class... Arguments>
  std::vector<Tensor> list(const Call &call, const Arguments &...arguments) const {
    lethe_value result = lethe_none();
    apply(call, {Argument(arguments)...}, &result, 1);
    if (result.tag != LETHE_T_TENSORS) throw Failure("the operator gave no list of tensors", LETHE_E_INTERNAL);
    std::vector<Tensor> found;
    found.reserve(result.count);
    for (uint32_t index = 0; index < result.count; index++) found.push_back(call.tensor(result.as.ts[index]));
    return found;
  }

 private:
  void apply(const Call &call, std::initializer_list<Argument> arguments, lethe_value *results, size_t count) const {
    if (handle_ == nullptr) throw Failure("an operator was called before it was resolved", LETHE_E_INTERNAL);
    const auto apply = detail::offered(call.services().ops.call, "lethe.ops/1 call");
    std::vector<lethe_value> values;
    values.reserve(arguments.size());
    for (const Argument &argument : arguments) values.push_back(argument.value());
    detail::ask([&](lethe_error *error) {
      return apply(call.context(), handle_, values.data(), static_cast<uint32_t>(values.size()), results,
                   static_cast<uint32_t>(count), error);
    });
  }

  lethe_op handle_ = nullptr;
};

inline Operator Call::resolve(const char *schema) const { return Operator(services_->resolve(context_, schema)); }

inline Tensor Call::apply(detail::Aten aten, std::initializer_list<lethe_value> arguments) const {
  const auto apply = detail::offered(services_->ops.call, "lethe.ops/1 call");
  const lethe_op handle = (*services_)(context_, aten);
  lethe_value result = lethe_none();
  detail::ask([&](lethe_error *error) {
    return apply(context_, handle, arguments.begin(), static_cast<uint32_t>(arguments.size()), &result, 1, error);
  });
  if (result.tag != LETHE_T_TENSOR) throw Failure("the operator gave no tensor", LETHE_E_INTERNAL);
  return tensor(result.as.t);
}

}  // namespace lethe

#endif
