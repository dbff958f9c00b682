/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/aten.h - schemas to hand to `ops->resolve`, as LibTorch 2.11.0 writes them. Any other ATen operator works too;
 * these are the ones that we promise to keep. Made by scripts/reference/aten_schemas.py.
 *
 * LETHE_ATEN_<NAME>[_<OVERLOAD>]; an operator that writes to its first argument has _IN_PLACE behind its name.
 */
#ifndef LETHE_ATEN_H
#define LETHE_ATEN_H

/* arithmetic */
#define LETHE_ATEN_ADD_TENSOR \
  "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
#define LETHE_ATEN_ADD_SCALAR \
  "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor"
#define LETHE_ATEN_SUB_TENSOR \
  "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
#define LETHE_ATEN_MUL_TENSOR \
  "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_MUL_SCALAR \
  "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_DIV_TENSOR \
  "aten::div.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_DIV_SCALAR \
  "aten::div.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_NEG \
  "aten::neg(Tensor self) -> Tensor"
#define LETHE_ATEN_ABS \
  "aten::abs(Tensor self) -> Tensor"
#define LETHE_ATEN_SIGN \
  "aten::sign(Tensor self) -> Tensor"
#define LETHE_ATEN_SQRT \
  "aten::sqrt(Tensor self) -> Tensor"
#define LETHE_ATEN_EXP \
  "aten::exp(Tensor self) -> Tensor"
#define LETHE_ATEN_LOG \
  "aten::log(Tensor self) -> Tensor"
#define LETHE_ATEN_POW_TENSOR_SCALAR \
  "aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor"
#define LETHE_ATEN_REMAINDER_SCALAR \
  "aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_CLAMP \
  "aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor"
#define LETHE_ATEN_MINIMUM \
  "aten::minimum(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_MAXIMUM \
  "aten::maximum(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_SIGMOID \
  "aten::sigmoid(Tensor self) -> Tensor"
#define LETHE_ATEN_RELU \
  "aten::relu(Tensor self) -> Tensor"
#define LETHE_ATEN_ROUND \
  "aten::round(Tensor self) -> Tensor"

/* comparison and choice */
#define LETHE_ATEN_EQ_TENSOR \
  "aten::eq.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_EQ_SCALAR \
  "aten::eq.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_NE_TENSOR \
  "aten::ne.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_GE_SCALAR \
  "aten::ge.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_GT_TENSOR \
  "aten::gt.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_GT_SCALAR \
  "aten::gt.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_LT_TENSOR \
  "aten::lt.Tensor(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_LT_SCALAR \
  "aten::lt.Scalar(Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_LOGICAL_AND \
  "aten::logical_and(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_LOGICAL_NOT \
  "aten::logical_not(Tensor self) -> Tensor"
#define LETHE_ATEN_ISFINITE \
  "aten::isfinite(Tensor self) -> Tensor"
#define LETHE_ATEN_WHERE_SELF \
  "aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_WHERE_SCALAROTHER \
  "aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor"
#define LETHE_ATEN_MASKED_FILL_SCALAR \
  "aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor"

/* reduction */
#define LETHE_ATEN_SUM \
  "aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_SUM_DIM_INTLIST \
  "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_MEAN \
  "aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_MEAN_DIM \
  "aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_AMAX \
  "aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor"
#define LETHE_ATEN_AMIN \
  "aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor"
#define LETHE_ATEN_ARGMAX \
  "aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor"
#define LETHE_ATEN_MAX_DIM \
  "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"
#define LETHE_ATEN_VAR_CORRECTION \
  "aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor"
#define LETHE_ATEN_CUMSUM \
  "aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_SORT \
  "aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)"
#define LETHE_ATEN_KTHVALUE \
  "aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)"
#define LETHE_ATEN_TOPK \
  "aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)"
#define LETHE_ATEN_LINALG_VECTOR_NORM \
  "aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_FOREACH_NORM_SCALAR \
  "aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]"
#define LETHE_ATEN_SOFTMAX_INT \
  "aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_LOG_SOFTMAX_INT \
  "aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor"
#define LETHE_ATEN_LOGSUMEXP \
  "aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor"

/* shape */
#define LETHE_ATEN_RESHAPE \
  "aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)"
#define LETHE_ATEN_VIEW \
  "aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)"
#define LETHE_ATEN_FLATTEN_USING_INTS \
  "aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)"
#define LETHE_ATEN_PERMUTE \
  "aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)"
#define LETHE_ATEN_UNSQUEEZE \
  "aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)"
#define LETHE_ATEN_SQUEEZE_DIM \
  "aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)"
#define LETHE_ATEN_EXPAND \
  "aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"
#define LETHE_ATEN_CAT \
  "aten::cat(Tensor[] tensors, int dim=0) -> Tensor"
#define LETHE_ATEN_STACK \
  "aten::stack(Tensor[] tensors, int dim=0) -> Tensor"
#define LETHE_ATEN_NARROW \
  "aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)"
#define LETHE_ATEN_SELECT_INT \
  "aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)"
#define LETHE_ATEN_SLICE_TENSOR \
  "aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)"
#define LETHE_ATEN_INDEX_SELECT \
  "aten::index_select(Tensor self, int dim, Tensor index) -> Tensor"
#define LETHE_ATEN_GATHER \
  "aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor"

/* making */
#define LETHE_ATEN_ZEROS_LIKE \
  "aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_ONES_LIKE \
  "aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_FULL_LIKE \
  "aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_EMPTY_LIKE \
  "aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_RAND_LIKE \
  "aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_RANDN_LIKE \
  "aten::randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_CLONE \
  "aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor"
#define LETHE_ATEN_DETACH \
  "aten::detach(Tensor(a) self) -> Tensor(a)"
#define LETHE_ATEN_TO_DTYPE \
  "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)"
#define LETHE_ATEN_ONE_HOT \
  "aten::one_hot(Tensor self, int num_classes=-1) -> Tensor"
#define LETHE_ATEN_REQUIRES_GRAD_IN_PLACE \
  "aten::requires_grad_(Tensor(a!) self, bool requires_grad=True) -> Tensor(a!)"

/* in place */
#define LETHE_ATEN_ADD_IN_PLACE_TENSOR \
  "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)"
#define LETHE_ATEN_ADD_IN_PLACE_SCALAR \
  "aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)"
#define LETHE_ATEN_SUB_IN_PLACE_TENSOR \
  "aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)"
#define LETHE_ATEN_MUL_IN_PLACE_TENSOR \
  "aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)"
#define LETHE_ATEN_MUL_IN_PLACE_SCALAR \
  "aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)"
#define LETHE_ATEN_COPY_IN_PLACE \
  "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)"
#define LETHE_ATEN_ZERO_IN_PLACE \
  "aten::zero_(Tensor(a!) self) -> Tensor(a!)"
#define LETHE_ATEN_FILL_IN_PLACE_SCALAR \
  "aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)"
#define LETHE_ATEN_LERP_IN_PLACE_SCALAR \
  "aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)"
#define LETHE_ATEN_RANDOM_IN_PLACE_FROM \
  "aten::random_.from(Tensor(a!) self, int from, int? to, *, Generator? generator=None) -> Tensor(a!)"
#define LETHE_ATEN_UNIFORM_IN_PLACE \
  "aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)"
#define LETHE_ATEN_NORMAL_IN_PLACE \
  "aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)"
#define LETHE_ATEN_BERNOULLI_IN_PLACE_FLOAT \
  "aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)"

/* network */
#define LETHE_ATEN_LINEAR \
  "aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"
#define LETHE_ATEN_CONV2D \
  "aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor"
#define LETHE_ATEN_MATMUL \
  "aten::matmul(Tensor self, Tensor other) -> Tensor"
#define LETHE_ATEN_MSE_LOSS \
  "aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor"
#define LETHE_ATEN_BINARY_CROSS_ENTROPY_WITH_LOGITS \
  "aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor"

#endif
