// SPDX-License-Identifier: Apache-2.0
//
// lethe/functions.hpp - what most methods need, with LibTorch's rules for shapes (broadcasting) and element types. All
// are recorded for gradients as usual and throw what the host says. Anything else: `Call::resolve`.
#ifndef LETHE_FUNCTIONS_HPP
#define LETHE_FUNCTIONS_HPP

#include <lethe/operator.hpp>

namespace lethe {

namespace detail {

inline Tensor unary(Aten aten, const Tensor &x) { return x.call().apply(aten, {x}); }
inline Tensor binary(Aten aten, const Tensor &x, const lethe_value &y) { return x.call().apply(aten, {x, y}); }
inline lethe_value truth(bool value) noexcept { return lethe_of_bool(value ? 1 : 0); }
inline lethe_value ints(const std::vector<int64_t> &list) noexcept {
  return lethe_of_ints(list.data(), static_cast<uint32_t>(list.size()));
}

}  // namespace detail

// Arithmetic, element by element.

/// The sum.
inline Tensor operator+(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::add, a, b); }
/// The sum.
inline Tensor operator+(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::addScalar, a, b); }
/// The sum.
inline Tensor operator+(Scalar a, const Tensor &b) { return b + a; }
/// The difference.
inline Tensor operator-(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::sub, a, b); }
/// The difference.
inline Tensor operator-(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::subScalar, a, b); }
/// The other sign.
inline Tensor operator-(const Tensor &x) { return detail::unary(detail::Aten::neg, x); }
/// The difference.
inline Tensor operator-(Scalar a, const Tensor &b) { return -b + a; }
/// The product.
inline Tensor operator*(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::mul, a, b); }
/// The product.
inline Tensor operator*(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::mulScalar, a, b); }
/// The product.
inline Tensor operator*(Scalar a, const Tensor &b) { return b * a; }
/// The quotient.
inline Tensor operator/(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::div, a, b); }
/// The quotient.
inline Tensor operator/(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::divScalar, a, b); }
/// The remainder with the sign of the divisor: in [0, divisor) for a positive one.
inline Tensor operator%(const Tensor &a, Scalar divisor) { return detail::binary(detail::Aten::remainder, a, divisor); }
/// |x|.
inline Tensor abs(const Tensor &x) { return detail::unary(detail::Aten::abs, x); }
/// -1, 0 or 1.
inline Tensor sign(const Tensor &x) { return detail::unary(detail::Aten::sign, x); }
/// The square root.
inline Tensor sqrt(const Tensor &x) { return detail::unary(detail::Aten::sqrt, x); }
/// e^x.
inline Tensor exp(const Tensor &x) { return detail::unary(detail::Aten::exp, x); }
/// The natural logarithm.
inline Tensor log(const Tensor &x) { return detail::unary(detail::Aten::log, x); }
/// x^exponent.
inline Tensor pow(const Tensor &x, Scalar exponent) { return detail::binary(detail::Aten::pow, x, exponent); }
/// 1 / (1 + e^-x).
inline Tensor sigmoid(const Tensor &x) { return detail::unary(detail::Aten::sigmoid, x); }
/// max(x, 0).
inline Tensor relu(const Tensor &x) { return detail::unary(detail::Aten::relu, x); }
/// To the nearest whole number; halves to the even one.
inline Tensor round(const Tensor &x) { return detail::unary(detail::Aten::round, x); }
/// The smaller one.
inline Tensor minimum(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::minimum, a, b); }
/// The larger one.
inline Tensor maximum(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::maximum, a, b); }
/// Values held between two bounds; none is no bound. NaN stays.
inline Tensor clamp(const Tensor &x, std::optional<Scalar> least, std::optional<Scalar> most = std::nullopt) {
  return x.call().apply(detail::Aten::clamp, {x, least.has_value() ? static_cast<lethe_value>(*least) : lethe_none(),
                                              most.has_value() ? static_cast<lethe_value>(*most) : lethe_none()});
}
/// The matrix product of the last two dimensions.
inline Tensor matmul(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::matmul, a, b); }

// Comparison and choice, element by element; truth values.

/// a == b.
inline Tensor isEqual(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::equal, a, b); }
/// a == b.
inline Tensor isEqual(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::equalScalar, a, b); }
/// a > b.
inline Tensor isGreater(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::greater, a, b); }
/// a > b.
inline Tensor isGreater(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::greaterScalar, a, b); }
/// a < b.
inline Tensor isLess(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::less, a, b); }
/// a < b.
inline Tensor isLess(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::lessScalar, a, b); }
/// a >= b.
inline Tensor isAtLeast(const Tensor &a, Scalar b) { return detail::binary(detail::Aten::atLeast, a, b); }
/// Where both hold.
inline Tensor both(const Tensor &a, const Tensor &b) { return detail::binary(detail::Aten::both, a, b); }
/// Where it does not hold.
inline Tensor negation(const Tensor &x) { return detail::unary(detail::Aten::negation, x); }
/// `a` where the condition holds, `b` elsewhere.
inline Tensor where(const Tensor &condition, const Tensor &a, const Tensor &b) {
  return a.call().apply(detail::Aten::choose, {condition, a, b});
}
/// `a` where the condition holds, a number elsewhere.
inline Tensor where(const Tensor &condition, const Tensor &a, Scalar b) {
  return a.call().apply(detail::Aten::chooseScalar, {condition, a, b});
}

// Reduction: of all elements, a scalar, or along one dimension, which goes.

/// The sum.
inline Tensor sum(const Tensor &x) { return detail::unary(detail::Aten::sum, x); }
/// The sum.
inline Tensor sum(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::sumAlong, x, lethe_of_ints(&dimension, 1));
}
/// The mean.
inline Tensor mean(const Tensor &x) { return detail::unary(detail::Aten::mean, x); }
/// The mean.
inline Tensor mean(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::meanAlong, x, lethe_of_ints(&dimension, 1));
}
/// The largest element.
inline Tensor largest(const Tensor &x) { return detail::unary(detail::Aten::largest, x); }
/// The largest element.
inline Tensor largest(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::largest, x, lethe_of_ints(&dimension, 1));
}
/// The smallest element.
inline Tensor smallest(const Tensor &x) { return detail::unary(detail::Aten::smallest, x); }
/// The smallest element.
inline Tensor smallest(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::smallest, x, lethe_of_ints(&dimension, 1));
}
/// The index of the largest element along a dimension, int64.
inline Tensor argmax(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::argmax, x, lethe_of_int(dimension));
}
/// (sum |x|^order)^(1/order) of all elements.
inline Tensor norm(const Tensor &x, Scalar order = 2) { return detail::binary(detail::Aten::norm, x, order); }
/// exp(x) / sum exp(x) along a dimension; the largest element is subtracted first.
inline Tensor softmax(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::softmax, x, lethe_of_int(dimension));
}
/// The logarithm of `softmax`.
inline Tensor logSoftmax(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::logSoftmax, x, lethe_of_int(dimension));
}
/// log sum exp(x) along a dimension.
inline Tensor logSumExp(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::logSumExp, x, lethe_of_ints(&dimension, 1));
}

// Shape.

/// The same elements in another shape; one dimension may be -1.
inline Tensor reshape(const Tensor &x, const std::vector<int64_t> &shape) {
  return detail::binary(detail::Aten::reshape, x, detail::ints(shape));
}
/// A dimension of one, put in.
inline Tensor unsqueeze(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::unsqueeze, x, lethe_of_int(dimension));
}
/// A dimension of one, taken out.
inline Tensor squeeze(const Tensor &x, int64_t dimension) {
  return detail::binary(detail::Aten::squeeze, x, lethe_of_int(dimension));
}
/// `count` rows from `start` on, without a copy.
inline Tensor narrow(const Tensor &x, int64_t start, int64_t count, int64_t dimension = 0) {
  return x.call().apply(detail::Aten::narrow,
                        {x, lethe_of_int(dimension), lethe_of_int(start), lethe_of_int(count)});
}
/// The entries at these int64 indices along a dimension.
inline Tensor indexSelect(const Tensor &x, const Tensor &indices, int64_t dimension = 0) {
  return x.call().apply(detail::Aten::indexSelect, {x, lethe_of_int(dimension), indices});
}
/// One entry for each int64 index: `out[i][j] = x[i][indices[i][j]]` along dimension 1.
inline Tensor gather(const Tensor &x, const Tensor &indices, int64_t dimension) {
  return x.call().apply(detail::Aten::gather, {x, lethe_of_int(dimension), indices});
}

namespace detail {

inline Tensor joined(Aten aten, const std::vector<Tensor> &list, int64_t dimension) {
  if (list.empty()) throw Failure("there are no tensors to join");
  return list[0].call().apply(aten, {Argument(list).value(), lethe_of_int(dimension)});
}

}  // namespace detail

/// Joins tensors along a dimension. At least one.
inline Tensor cat(const std::vector<Tensor> &list, int64_t dimension = 0) {
  return detail::joined(detail::Aten::cat, list, dimension);
}
/// Joins tensors of one shape along a new dimension. At least one.
inline Tensor stack(const std::vector<Tensor> &list, int64_t dimension = 0) {
  return detail::joined(detail::Aten::stack, list, dimension);
}
/// The tensors of a list without their names.
inline std::vector<Tensor> tensors(const std::vector<NamedTensor> &named) {
  std::vector<Tensor> list;
  list.reserve(named.size());
  for (const NamedTensor &entry : named) list.push_back(entry.tensor);
  return list;
}

// Making: the shape, type and device are those of `x`.

/// Zeros.
inline Tensor zerosLike(const Tensor &x) { return detail::unary(detail::Aten::zerosLike, x); }
/// Ones.
inline Tensor onesLike(const Tensor &x) { return detail::unary(detail::Aten::onesLike, x); }
/// One number in every element.
inline Tensor fullLike(const Tensor &x, Scalar number) { return detail::binary(detail::Aten::fullLike, x, number); }
/// A copy with memory of its own.
inline Tensor clone(const Tensor &x) { return detail::unary(detail::Aten::clone, x); }
/// The same elements without the graph.
inline Tensor detach(const Tensor &x) { return detail::unary(detail::Aten::detach, x); }
/// The same elements as the beginning of a graph: what gradients can be taken with respect to.
inline Tensor asLeaf(const Tensor &x) {
  return detail::binary(detail::Aten::requiresGrad, detach(x), detail::truth(true));
}
/// The elements in another type; the tensor itself where it has that type.
inline Tensor convert(const Tensor &x, DType dtype) {
  return detail::binary(detail::Aten::convert, x, Argument(dtype).value());
}
/// int64 [n, classes] of int64 labels [n]: 1 at the label, 0 elsewhere.
inline Tensor oneHot(const Tensor &labels, int64_t classes) {
  return detail::binary(detail::Aten::oneHot, labels, lethe_of_int(classes));
}
/// Integers drawn uniformly from `from` to `to`, which is not among them.
inline Tensor randomLike(const Tensor &x, int64_t from, int64_t to, const Generator &generator) {
  return x.call().apply(detail::Aten::randomInPlace, {detail::unary(detail::Aten::emptyLike, x), lethe_of_int(from),
                                                      lethe_of_int(to), Argument(generator).value()});
}
/// Numbers drawn uniformly from [0, 1).
inline Tensor uniformLike(const Tensor &x, const Generator &generator) {
  return x.call().apply(detail::Aten::uniformInPlace, {detail::unary(detail::Aten::emptyLike, x), lethe_of_float(0),
                                                       lethe_of_float(1), Argument(generator).value()});
}
/// Numbers drawn from N(0, 1).
inline Tensor normalLike(const Tensor &x, const Generator &generator) {
  return x.call().apply(detail::Aten::normalInPlace, {detail::unary(detail::Aten::emptyLike, x), lethe_of_float(0),
                                                      lethe_of_float(1), Argument(generator).value()});
}

// In place: the elements change, for everyone who has the tensor.

/// Adds.
inline void operator+=(const Tensor &x, const Tensor &y) { (void)detail::binary(detail::Aten::addInPlace, x, y); }
/// Subtracts.
inline void operator-=(const Tensor &x, const Tensor &y) { (void)detail::binary(detail::Aten::subInPlace, x, y); }
/// Multiplies.
inline void operator*=(const Tensor &x, const Tensor &y) { (void)detail::binary(detail::Aten::mulInPlace, x, y); }
/// Multiplies by a number.
inline void operator*=(const Tensor &x, Scalar y) { (void)detail::binary(detail::Aten::mulScalarInPlace, x, y); }
/// Copies the elements of `source`.
inline void copyInto(const Tensor &x, const Tensor &source) {
  (void)detail::binary(detail::Aten::copyInPlace, x, source);
}
/// Puts one number in every element.
inline void fill(const Tensor &x, Scalar number) { (void)detail::binary(detail::Aten::fillInPlace, x, number); }
/// x + weight * (end - x).
inline void lerp(const Tensor &x, const Tensor &end, double weight) {
  (void)x.call().apply(detail::Aten::lerpInPlace, {x, end, lethe_of_float(weight)});
}

}  // namespace lethe

#endif
