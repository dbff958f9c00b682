/* The fixture's objective, mask and updater. */
#include "diffusion.h"

#ifndef CLASSES
#define CLASSES 3
#endif

/* -------------------------------------------------------------------------------------------------------- objective */

static lethe_status test_terms(lethe_self s, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                               lethe_error *err) {
  instance *self = (instance *)s;
  TRY(fail_as_told(self->mode, err));
  if (is(self, "no terms")) return LETHE_OK;
  TRY(resize_as_told(self, ctx, "late", err));
  NEED(in->batch_count == 1, "another number of batches");
  if (strncmp(self->mode, "diffusion", 9) == 0 || strncmp(self->mode, "batch", 5) == 0)
    return diffusion_terms(self, ctx, in, sink, err);
  const lethe_batch *batch = lethe_batch_at(in, 0);
  lethe_forward forward = {sizeof forward, 0, batch->inputs};
  if (is(self, "bad flags")) forward.flags = 64;
  if (is(self, "no gradient")) autograd()->set_no_grad(ctx, 1);
  lethe_tensor logits, losses;
  lethe_model model = in->model;
  if (is(self, "unlisted model")) TRY(models()->find(ctx, "teacher", &model, err));
  if (is(self, "original")) TRY(models()->find(ctx, "original", &model, err));
  TRY(models()->forward(ctx, model, &forward, &logits, err));
  TRY(task()->losses(ctx, logits, batch->labels, &losses, err));
  if (is(self, "no gradient")) autograd()->set_no_grad(ctx, 0);
  lethe_task_info info = {sizeof info, 0, NULL, 0, 0, 0};
  TRY(task()->describe(ctx, &info, err));
  NEED(info.classes == CLASSES && strcmp(info.kind, "classification") == 0, "another task");
  lethe_term term = {sizeof term, batch->forget_count > 0 ? LETHE_SET_FORGET : LETHE_SET_RETAIN,
                     "forget", 1.0, losses, NULL, NULL, NULL, batch->indices, NULL, 0, 0};
  if (is(self, "bad name")) term.name = "Forget It";
  if (is(self, "bad set")) term.set = 3;
  if (is(self, "bad coefficient")) term.coefficient = INFINITY;
  if (is(self, "bad losses")) term.losses = logits;
  if (is(self, "bad indices")) term.indices = losses;
  if (is(self, "both")) term.penalty = losses;
  if (is(self, "unset size")) term.size = 0;
  if (is(self, "term flags")) term.flags = 2;
  if (is(self, "no clean loss")) term.flags = LETHE_TERM_NO_CLEAN_LOSS;
  if (is(self, "other set")) term.set = LETHE_SET_RETAIN;
  if (is(self, "penalty")) {
    lethe_named_tensors parameters = {sizeof parameters, 0, NULL, NULL};
    TRY(models()->parameters(ctx, model, &parameters, err));
    NEED(parameters.count == 2 && strcmp(parameters.names[0], "weight") == 0, "other parameters");
    lethe_op norm;
    TRY(ops()->resolve(ctx, "aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", &norm, err));
    const lethe_value args[1] = {lethe_of_tensor(parameters.tensors[0])};
    lethe_term penalty = {sizeof penalty, 0, "decay", 0.1, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0};
    TRY(lethe_call(ops(), ctx, norm, args, 1, &penalty.penalty, err));
    TRY(sink->add(ctx, &penalty, err));
  }
  TRY(sink->add(ctx, &term, err));
  if (is(self, "twice")) return sink->add(ctx, &term, err);
  core()->log(ctx, LETHE_LOG_INFO, "added the terms");
  return LETHE_OK;
}

static const lethe_objective test_objective = {sizeof test_objective, 0, test_terms};

/* ------------------------------------------------------------------------------------------------------------- mask */

static lethe_tensor sums[8];

static lethe_status test_begin(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *parameters, lethe_walk *walk,
                               lethe_error *err) {
  instance *self = (instance *)s;
  TRY(fail_as_told(self->mode, err));
  walk->batch = is(self, "bad walk") ? 0 : walk->batch / 2;
  lethe_op zeros;
  TRY(ops()->resolve(ctx, "aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, "
                          "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
                     &zeros, err));
  for (uint32_t i = 0; i < parameters->count && i < 8; i++) {
    const lethe_value args[1] = {lethe_of_tensor(parameters->tensors[i])};
    lethe_tensor made;
    TRY(lethe_call(ops(), ctx, zeros, args, 1, &made, err));
    TRY(tensors()->keep(ctx, made, &sums[i], err));
  }
  return LETHE_OK;
}

static lethe_status test_accumulate(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *gradients, int64_t count,
                                    lethe_error *err) {
  (void)s, (void)count;
  lethe_op absolute, add;
  TRY(ops()->resolve(ctx, "aten::abs(Tensor self) -> Tensor", &absolute, err));
  TRY(ops()->resolve(ctx, "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", &add, err));
  for (uint32_t i = 0; i < gradients->count; i++) {
    if (gradients->tensors[i] == NULL) continue;
    const lethe_value one[1] = {lethe_of_tensor(gradients->tensors[i])};
    lethe_tensor size;
    TRY(lethe_call(ops(), ctx, absolute, one, 1, &size, err));
    const lethe_value two[2] = {lethe_of_tensor(sums[i]), lethe_of_tensor(size)};
    TRY(ops()->call(ctx, add, two, 2, NULL, 0, err));
  }
  return LETHE_OK;
}

static lethe_status test_scores(lethe_self s, lethe_ctx ctx, lethe_tensor *scores, uint32_t n, lethe_error *err) {
  instance *self = (instance *)s;
  const int64_t one = 1;
  for (uint32_t i = 0; i < n; i++) scores[i] = sums[i];
  if (is(self, "no scores")) scores[n - 1] = NULL;
  if (is(self, "wrong shape")) TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, &one, 1, NULL, 4, &scores[0], err));
  if (is(self, "negative") || is(self, "not finite")) {
    int64_t dims[4];
    uint32_t rank;
    TRY(tensors()->shape(ctx, sums[0], dims, 4, &rank, err));
    float values[64];
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) count *= dims[i];
    for (int i = 0; i < 64; i++) values[i] = is(self, "negative") ? -1.0f : INFINITY;
    TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, dims, rank, values, (uint64_t)count * 4, &scores[0], err));
  }
  return LETHE_OK;
}

static const lethe_mask test_mask = {sizeof test_mask, 0, test_begin, test_accumulate, test_scores};

/* ---------------------------------------------------------------------------------------------------------- updater */

/* Evaluates at moved weights and puts them back; or asks for what is refused. */
static lethe_status try_as_told(const instance *self, lethe_ctx ctx, lethe_error *err) {
  lethe_evaluation asked = {sizeof asked, LETHE_SET_FORGET, 0, 0};
  uint32_t count = 0;
  if (is(self, "trial: sets")) asked.sets = 4;
  if (is(self, "trial: round")) asked.round = LETHE_ROUNDS + 1;
  if (is(self, "trial: flags")) asked.flags = 2;
  if (is(self, "trial: size")) asked.size = 8;
  lethe_named_tensors own = {sizeof own, 0, NULL, NULL}, again = {sizeof again, 0, NULL, NULL};
  TRY(steps()->gradient(ctx, 1, &own, err));
  autograd()->set_no_grad(ctx, 1);
  TRY(steps()->evaluate(ctx, &asked, err));
  NEED(autograd()->set_no_grad(ctx, 0) == 1, "recording was switched");
  TRY(steps()->count(ctx, &count, err));
  NEED(count == 1, "the terms of the evaluation are not shown");
  TRY(steps()->gradient(ctx, 0, &again, err));
  if (is(self, "trial: many")) again.count = 1;
  if (is(self, "trial: shape")) again.tensors = own.tensors + 1, again.count = 2;
  TRY(steps()->advance(ctx, again.tensors, again.count, is(self, "trial: rate") ? -1 : 0.25,
                       is(self, "trial: shared") ? LETHE_ADVANCE_SHARED : is(self, "trial: advance flags") ? 8 : 0, err));
  asked.round = 3;
  asked.flags = LETHE_EVALUATE_LOSSES;
  TRY(steps()->evaluate(ctx, &asked, err));
  if (!is(self, "trial: left")) TRY(steps()->restore(ctx, err));
  if (is(self, "trial: left")) return steps()->set_direction(ctx, own.tensors, own.count, err);
  TRY(steps()->count(ctx, &count, err));
  NEED(count == 2, "the step's own terms are not back");
  return steps()->set_direction(ctx, own.tensors, own.count, err);
}

static lethe_status test_combine(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)progress;
  instance *self = (instance *)s;
  TRY(fail_as_told(self->mode, err));
  if (is(self, "no direction")) return LETHE_OK;
  uint32_t count = 0;
  double rate = 0;
  TRY(steps()->count(ctx, &count, err));
  TRY(steps()->learning_rate(ctx, &rate, err));
  NEED(count == 2 && rate == 0.5, "another step");
  if (strncmp(self->mode, "trial", 5) == 0) return try_as_told(self, ctx, err);
  lethe_step_term term = {sizeof term, 0, NULL, 0, NULL};
  TRY(steps()->term(ctx, 1, &term, err));
  NEED(strcmp(term.name, "retain") == 0 && term.set == LETHE_SET_RETAIN && term.coefficient == 2, "another term");
  lethe_named_tensors a = {sizeof a, 0, NULL, NULL}, b = {sizeof b, 0, NULL, NULL};
  TRY(steps()->gradient(ctx, 0, &a, err));
  TRY(steps()->gradient(ctx, 1, &b, err));
  if (is(self, "too many")) return steps()->set_direction(ctx, a.tensors, 1, err);
  lethe_tensor product, out[8];
  TRY(steps()->dot(ctx, a.tensors, b.tensors, a.count, &product, err));
  TRY(steps()->axpy(ctx, a.tensors, product, b.tensors, a.count, out, err));
  if (is(self, "wrong shape")) out[0] = product;
  return steps()->set_direction(ctx, out, a.count, err);
}

static lethe_status test_after(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)progress;
  instance *self = (instance *)s;
  uint32_t count = 0;
  NEED(steps()->count(ctx, &count, NULL) == LETHE_E_PRECONDITION, "the step was open after it");
  NEED(autograd()->set_no_grad(ctx, 1) == 1, "recording was on");
  lethe_model model;
  lethe_named_tensors parameters = {sizeof parameters, 0, NULL, NULL};
  TRY(models()->find(ctx, "model", &model, err));
  TRY(models()->parameters(ctx, model, &parameters, err));
  lethe_op multiply;
  TRY(ops()->resolve(ctx, "aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", &multiply, err));
  for (uint32_t i = 0; i < parameters.count; i++) {
    const lethe_value args[2] = {lethe_of_tensor(parameters.tensors[i]), lethe_of_float(0.5)};
    TRY(ops()->call(ctx, multiply, args, 2, NULL, 0, err));
  }
  double reference = 0;
  if (is(self, "late trial")) return steps()->restore(ctx, err);
  if (is(self, "late reference")) return evaluate()->reference_loss(ctx, LETHE_SET_FORGET, &reference, err);
  return LETHE_OK;
}

static lethe_status test_scale(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, uint32_t n,
                               lethe_tensor *scales, lethe_error *err) {
  (void)progress;
  return scales_as_told((instance *)s, ctx, n, scales, err);
}

static const lethe_updater test_updater = {sizeof test_updater, 0, test_combine, test_after, test_scale};
