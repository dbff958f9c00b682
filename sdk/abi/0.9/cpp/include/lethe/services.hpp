// SPDX-License-Identifier: Apache-2.0
//
// lethe/services.hpp - the host's tables, and the operators behind the kit's functions.
#ifndef LETHE_SERVICES_HPP
#define LETHE_SERVICES_HPP

#include <lethe/aten.h>
#include <lethe/autograd.h>
#include <lethe/core.h>
#include <lethe/data.h>
#include <lethe/diffusion.h>
#include <lethe/dlpack.h>
#include <lethe/evaluate.h>
#include <lethe/failure.hpp>
#include <lethe/host.h>
#include <lethe/metric.h>
#include <lethe/model.h>
#include <lethe/ops.h>
#include <lethe/rng.h>
#include <lethe/task.h>
#include <lethe/tensors.h>
#include <lethe/updater.h>

#include <array>

namespace lethe {
namespace detail {

/// The operators of functions.hpp.
enum class Aten : size_t {
  add, addScalar, sub, subScalar, mul, mulScalar, div, divScalar, neg, abs, sign, sqrt, exp, log, pow, remainder, clamp,
  minimum, maximum, sigmoid, relu, round,
  equal, equalScalar, atLeast, greater, greaterScalar, less, lessScalar, both, negation, choose, chooseScalar,
  sum, sumAlong, mean, meanAlong, largest, smallest, argmax, norm, softmax, logSoftmax, logSumExp,
  reshape, unsqueeze, squeeze, cat, stack, narrow, indexSelect, gather,
  zerosLike, onesLike, fullLike, emptyLike, clone, detach, requiresGrad, convert, oneHot,
  addInPlace, subInPlace, mulInPlace, mulScalarInPlace, copyInPlace, fillInPlace, lerpInPlace,
  randomInPlace, uniformInPlace, normalInPlace, matmul,
  last = matmul
};

constexpr const char *schema(Aten aten) noexcept {
  switch (aten) {
    case Aten::add: return LETHE_ATEN_ADD_TENSOR;
    case Aten::addScalar: return LETHE_ATEN_ADD_SCALAR;
    case Aten::sub: return LETHE_ATEN_SUB_TENSOR;
    case Aten::subScalar: return "aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor";
    case Aten::mul: return LETHE_ATEN_MUL_TENSOR;
    case Aten::mulScalar: return LETHE_ATEN_MUL_SCALAR;
    case Aten::div: return LETHE_ATEN_DIV_TENSOR;
    case Aten::divScalar: return LETHE_ATEN_DIV_SCALAR;
    case Aten::neg: return LETHE_ATEN_NEG;
    case Aten::abs: return LETHE_ATEN_ABS;
    case Aten::sign: return LETHE_ATEN_SIGN;
    case Aten::sqrt: return LETHE_ATEN_SQRT;
    case Aten::exp: return LETHE_ATEN_EXP;
    case Aten::log: return LETHE_ATEN_LOG;
    case Aten::pow: return LETHE_ATEN_POW_TENSOR_SCALAR;
    case Aten::remainder: return LETHE_ATEN_REMAINDER_SCALAR;
    case Aten::clamp: return LETHE_ATEN_CLAMP;
    case Aten::minimum: return LETHE_ATEN_MINIMUM;
    case Aten::maximum: return LETHE_ATEN_MAXIMUM;
    case Aten::sigmoid: return LETHE_ATEN_SIGMOID;
    case Aten::relu: return LETHE_ATEN_RELU;
    case Aten::round: return LETHE_ATEN_ROUND;
    case Aten::equal: return LETHE_ATEN_EQ_TENSOR;
    case Aten::equalScalar: return LETHE_ATEN_EQ_SCALAR;
    case Aten::atLeast: return LETHE_ATEN_GE_SCALAR;
    case Aten::greater: return LETHE_ATEN_GT_TENSOR;
    case Aten::greaterScalar: return LETHE_ATEN_GT_SCALAR;
    case Aten::less: return LETHE_ATEN_LT_TENSOR;
    case Aten::lessScalar: return LETHE_ATEN_LT_SCALAR;
    case Aten::both: return LETHE_ATEN_LOGICAL_AND;
    case Aten::negation: return LETHE_ATEN_LOGICAL_NOT;
    case Aten::choose: return LETHE_ATEN_WHERE_SELF;
    case Aten::chooseScalar: return LETHE_ATEN_WHERE_SCALAROTHER;
    case Aten::sum: return LETHE_ATEN_SUM;
    case Aten::sumAlong: return LETHE_ATEN_SUM_DIM_INTLIST;
    case Aten::mean: return LETHE_ATEN_MEAN;
    case Aten::meanAlong: return LETHE_ATEN_MEAN_DIM;
    case Aten::largest: return LETHE_ATEN_AMAX;
    case Aten::smallest: return LETHE_ATEN_AMIN;
    case Aten::argmax: return LETHE_ATEN_ARGMAX;
    case Aten::norm: return LETHE_ATEN_LINALG_VECTOR_NORM;
    case Aten::softmax: return LETHE_ATEN_SOFTMAX_INT;
    case Aten::logSoftmax: return LETHE_ATEN_LOG_SOFTMAX_INT;
    case Aten::logSumExp: return LETHE_ATEN_LOGSUMEXP;
    case Aten::reshape: return LETHE_ATEN_RESHAPE;
    case Aten::unsqueeze: return LETHE_ATEN_UNSQUEEZE;
    case Aten::squeeze: return LETHE_ATEN_SQUEEZE_DIM;
    case Aten::cat: return LETHE_ATEN_CAT;
    case Aten::stack: return LETHE_ATEN_STACK;
    case Aten::narrow: return LETHE_ATEN_NARROW;
    case Aten::indexSelect: return LETHE_ATEN_INDEX_SELECT;
    case Aten::gather: return LETHE_ATEN_GATHER;
    case Aten::zerosLike: return LETHE_ATEN_ZEROS_LIKE;
    case Aten::onesLike: return LETHE_ATEN_ONES_LIKE;
    case Aten::fullLike: return LETHE_ATEN_FULL_LIKE;
    case Aten::emptyLike: return LETHE_ATEN_EMPTY_LIKE;
    case Aten::clone: return LETHE_ATEN_CLONE;
    case Aten::detach: return LETHE_ATEN_DETACH;
    case Aten::requiresGrad: return LETHE_ATEN_REQUIRES_GRAD_IN_PLACE;
    case Aten::convert: return LETHE_ATEN_TO_DTYPE;
    case Aten::oneHot: return LETHE_ATEN_ONE_HOT;
    case Aten::addInPlace: return LETHE_ATEN_ADD_IN_PLACE_TENSOR;
    case Aten::subInPlace: return LETHE_ATEN_SUB_IN_PLACE_TENSOR;
    case Aten::mulInPlace: return LETHE_ATEN_MUL_IN_PLACE_TENSOR;
    case Aten::mulScalarInPlace: return LETHE_ATEN_MUL_IN_PLACE_SCALAR;
    case Aten::copyInPlace: return LETHE_ATEN_COPY_IN_PLACE;
    case Aten::fillInPlace: return LETHE_ATEN_FILL_IN_PLACE_SCALAR;
    case Aten::lerpInPlace: return LETHE_ATEN_LERP_IN_PLACE_SCALAR;
    case Aten::randomInPlace: return LETHE_ATEN_RANDOM_IN_PLACE_FROM;
    case Aten::uniformInPlace: return LETHE_ATEN_UNIFORM_IN_PLACE;
    case Aten::normalInPlace: return LETHE_ATEN_NORMAL_IN_PLACE;
    case Aten::matmul: return LETHE_ATEN_MATMUL;
  }
  return "";
}

}  // namespace detail

/// The host's tables as this plugin knows them; a function that the host lacks is NULL. One for each instance, used on
/// the run's thread. The kit's functions check each slot before they call it.
class Services {
 public:
  /// Looks the tables up. A service that is not there gives an empty table.
  explicit Services(const lethe_host *host)
      : core(table<lethe_core>(host, LETHE_CORE)),
        tensors(table<lethe_tensors>(host, LETHE_TENSORS)),
        ops(table<lethe_ops>(host, LETHE_OPS)),
        autograd(table<lethe_autograd>(host, LETHE_AUTOGRAD)),
        models(table<lethe_models>(host, LETHE_MODEL)),
        task(table<lethe_task>(host, LETHE_TASK)),
        random(table<lethe_rngs>(host, LETHE_RNG)),
        evaluate(table<lethe_evaluate>(host, LETHE_EVALUATE)),
        steps(table<lethe_steps>(host, LETHE_STEP)),
        dlpack(table<lethe_dlpack>(host, LETHE_DLPACK)),
        diffusion(table<lethe_diffusion>(host, LETHE_DIFFUSION)),
        data(table<lethe_data>(host, LETHE_DATA)) {}

  /// "lethe.core/1".
  const lethe_core core;
  /// "lethe.tensors/1".
  const lethe_tensors tensors;
  /// "lethe.ops/1".
  const lethe_ops ops;
  /// "lethe.autograd/1".
  const lethe_autograd autograd;
  /// "lethe.model/1".
  const lethe_models models;
  /// "lethe.task/1".
  const lethe_task task;
  /// "lethe.rng/1".
  const lethe_rngs random;
  /// "lethe.evaluate/1".
  const lethe_evaluate evaluate;
  /// "lethe.step/1".
  const lethe_steps steps;
  /// "lethe.dlpack/1".
  const lethe_dlpack dlpack;
  /// "lethe.diffusion/1".
  const lethe_diffusion diffusion;
  /// "lethe.data/1".
  const lethe_data data;

  /// The operator that a schema describes. Throws what the host says where there is none.
  lethe_op resolve(lethe_ctx context, const char *schema) const {
    const auto resolve = detail::offered(ops.resolve, "lethe.ops/1 resolve");
    lethe_op found = nullptr;
    detail::ask([&](lethe_error *error) { return resolve(context, schema, &found, error); });
    return detail::offered(found, "an operator's handle");
  }

  /// One of the kit's own operators, resolved at its first use.
  lethe_op operator()(lethe_ctx context, detail::Aten aten) {
    lethe_op &known = operators_[static_cast<size_t>(aten)];
    if (known == nullptr) known = resolve(context, detail::schema(aten));
    return known;
  }

 private:
  template <class Table>
  static Table table(const lethe_host *host, const char *id) {
    const auto service = detail::snapshot<lethe_host>(host).service;
    return detail::snapshot<Table>(service == nullptr ? nullptr : service(host, id));
  }

  std::array<lethe_op, static_cast<size_t>(detail::Aten::last) + 1> operators_{};
};

}  // namespace lethe

#endif
