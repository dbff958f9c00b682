// SPDX-License-Identifier: Apache-2.0
import CLethe

/// The operators behind `Tensor`'s functions.
enum Aten: Int, CaseIterable {
  case add, addScalar, sub, mul, mulScalar, div, neg, abs, sign, exp, log, sqrt, relu, sigmoid, clamp, remainder, round
  case equal, greater, choose
  case sum, sumAlong, mean, softmax, logSoftmax, argmax
  case reshape, narrow, indexSelect, gather, cat
  case zerosLike, fullLike, emptyLike, clone, detach, convert, requiresGrad
  case addInPlace, mulInPlace, copyInPlace, randomInPlace, uniformInPlace, normalInPlace

  var schema: String {
    switch self {
    case .add: LETHE_ATEN_ADD_TENSOR
    case .addScalar: LETHE_ATEN_ADD_SCALAR
    case .sub: LETHE_ATEN_SUB_TENSOR
    case .mul: LETHE_ATEN_MUL_TENSOR
    case .mulScalar: LETHE_ATEN_MUL_SCALAR
    case .div: LETHE_ATEN_DIV_TENSOR
    case .neg: LETHE_ATEN_NEG
    case .abs: LETHE_ATEN_ABS
    case .sign: LETHE_ATEN_SIGN
    case .exp: LETHE_ATEN_EXP
    case .log: LETHE_ATEN_LOG
    case .sqrt: LETHE_ATEN_SQRT
    case .relu: LETHE_ATEN_RELU
    case .sigmoid: LETHE_ATEN_SIGMOID
    case .clamp: LETHE_ATEN_CLAMP
    case .remainder: LETHE_ATEN_REMAINDER_SCALAR
    case .round: LETHE_ATEN_ROUND
    case .requiresGrad: LETHE_ATEN_REQUIRES_GRAD_IN_PLACE
    case .equal: LETHE_ATEN_EQ_TENSOR
    case .greater: LETHE_ATEN_GT_SCALAR
    case .choose: LETHE_ATEN_WHERE_SCALAROTHER
    case .sum: LETHE_ATEN_SUM
    case .sumAlong: LETHE_ATEN_SUM_DIM_INTLIST
    case .mean: LETHE_ATEN_MEAN
    case .softmax: LETHE_ATEN_SOFTMAX_INT
    case .logSoftmax: LETHE_ATEN_LOG_SOFTMAX_INT
    case .argmax: LETHE_ATEN_ARGMAX
    case .reshape: LETHE_ATEN_RESHAPE
    case .narrow: LETHE_ATEN_NARROW
    case .indexSelect: LETHE_ATEN_INDEX_SELECT
    case .gather: LETHE_ATEN_GATHER
    case .cat: LETHE_ATEN_CAT
    case .zerosLike: LETHE_ATEN_ZEROS_LIKE
    case .fullLike: LETHE_ATEN_FULL_LIKE
    case .emptyLike: LETHE_ATEN_EMPTY_LIKE
    case .clone: LETHE_ATEN_CLONE
    case .detach: LETHE_ATEN_DETACH
    case .convert: LETHE_ATEN_TO_DTYPE
    case .addInPlace: LETHE_ATEN_ADD_IN_PLACE_TENSOR
    case .mulInPlace: LETHE_ATEN_MUL_IN_PLACE_TENSOR
    case .copyInPlace: LETHE_ATEN_COPY_IN_PLACE
    case .randomInPlace: LETHE_ATEN_RANDOM_IN_PLACE_FROM
    case .uniformInPlace: LETHE_ATEN_UNIFORM_IN_PLACE
    case .normalInPlace: LETHE_ATEN_NORMAL_IN_PLACE
    }
  }
}
