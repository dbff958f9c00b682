/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/updater.h - role "lethe.updater/1": how the gradients of the terms become one direction, and what happens after
 * the optimizer's step; with the service "lethe.step/1" that shows it the step.
 */
#ifndef LETHE_UPDATER_H
#define LETHE_UPDATER_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_UPDATER "lethe.updater/1"
#define LETHE_STEP "lethe.step/1"

typedef struct lethe_updater {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Optional. Reads the terms' gradients through "lethe.step/1" and sets a direction with set_direction.
   * Without it the host takes the gradient of the summed loss, in one backward pass. */
  lethe_status (*combine)(lethe_self, lethe_ctx, const lethe_progress *progress, lethe_error *);
  /* [call, ready] Optional. Runs after the optimizer's step and before masked weights are restored; the parameters
   * ("lethe.model/1") may be changed in place. Recording is off. */
  lethe_status (*after_step)(lethe_self, lethe_ctx, const lethe_progress *progress, lethe_error *);
  /* [call, ready] Optional, beside `combine`: a way past one backward pass for each term where the
   * direction is a sum of the terms' gradients with factors that are known beforehand. Called once a micro-batch, before
   * any gradient is taken. `scales` has an entry for each of the `n` terms, in the order of lethe_steps.term, all NULL:
   *   left as they are     each term's gradient is taken and `combine` is called;
   *   all set to scalars   (float tensors of one element on the run's device, without a graph) one backward pass of
   *                        sum_i scales_i * term_i, which is the direction; `combine` is not called in this step.
   * The same choice in all micro-batches of a step. Do not read values: that would wait for the device. */
  lethe_status (*scale_terms)(lethe_self, lethe_ctx, const lethe_progress *progress, uint32_t n, lethe_tensor *scales,
                              lethe_error *);
} lethe_updater;

/* A term of the step under way. */
typedef struct lethe_step_term {
  uint32_t size;
  uint32_t set;
  const char *name;
  double coefficient;
  lethe_tensor loss; /* scalar, without a graph: coefficient * sum_i weight_i * losses_i, over all micro-batches; in
                      * `scale_terms` of this micro-batch alone */
} lethe_step_term;

#define LETHE_EVALUATE_LOSSES 1u /* values only: no gradient can be asked for, and none is prepared */
#define LETHE_ADVANCE_SHARED 1u  /* with the moments of the run's optimizer, which keep what they gather */

/* What is evaluated once more. */
typedef struct lethe_evaluation {
  uint32_t size;
  uint32_t sets;  /* whose terms, a bit set of LETHE_SET_*; penalties come along */
  uint32_t round; /* 0: the step's own batches and random numbers. 1 to LETHE_ROUNDS: other batches, drawn as the step's
                   * were, and other numbers, the same ones for the same step and round */
  uint32_t flags; /* LETHE_EVALUATE_* */
} lethe_evaluation;

#define LETHE_ROUNDS 1000u

/* For `combine`. `scale_terms` sees the terms, but no gradients and sets no direction; learning_rate is for `after_step`
 * too. Gradients include the coefficient and are masked. A term that only some micro-batches had is there once. */
typedef struct lethe_steps {
  uint32_t size;
  uint32_t reserved0;
  /* [call] How many terms the step has. */
  lethe_status (*count)(lethe_ctx, uint32_t *out, lethe_error *);
  /* [call] Fills `out` up to the size that the caller wrote into it. */
  lethe_status (*term)(lethe_ctx, uint32_t index, lethe_step_term *out, lethe_error *);
  /* [call] Gradients of one term in parameter order. The arrays live as long as the callback. Set `out->size` first. */
  lethe_status (*gradient)(lethe_ctx, uint32_t index, lethe_named_tensors *out, lethe_error *);
  /* [call] What the optimizer gets: one tensor of the parameter's shape for each of the `n` parameters. */
  lethe_status (*set_direction)(lethe_ctx, const lethe_tensor *direction, uint32_t n, lethe_error *);
  /* [call] sum over all tensors of <a_i, b_i>, as a scalar tensor in float32; NULL entries count as zero. */
  lethe_status (*dot)(lethe_ctx, const lethe_tensor *a, const lethe_tensor *b, uint32_t n, lethe_tensor *out,
                      lethe_error *);
  /* [call] out_i = a_i + scale * b_i with a scalar tensor `scale`; NULL entries count as zero. */
  lethe_status (*axpy)(lethe_ctx, const lethe_tensor *a, lethe_tensor scale, const lethe_tensor *b, uint32_t n,
                       lethe_tensor *out, lethe_error *);
  /* [call] The learning rate of this step. */
  lethe_status (*learning_rate)(lethe_ctx, double *out, lethe_error *);

  /* Weights on trial, for `combine`: the objective is evaluated again, and steps are taken that do not stay. Whatever
   * these three did, the weights and running statistics are as they were when `combine` returns. */

  /* [call] Evaluates the objective's terms, the reweighter's weights included, at the weights as they are now.
   * `count`, `term` and `gradient` show these terms until the next `evaluate` or `restore`; there may be none, where
   * no sample of the batches is of these sets. Tensors that were read before stay valid. */
  lethe_status (*evaluate)(lethe_ctx, const lethe_evaluation *in, lethe_error *);
  /* [call] One optimizer step along `direction` (one tensor for each of the `n` parameters, NULL for
   * zeros), by the run's rule and at this learning rate, but not clipped. Masked weights keep their bits. Its moments
   * begin at zero with the first such step of a `combine`; with LETHE_ADVANCE_SHARED they are the run's own. A direction
   * that is not finite makes the whole step a bad one. */
  lethe_status (*advance)(lethe_ctx, const lethe_tensor *direction, uint32_t n, double learning_rate, uint32_t flags,
                          lethe_error *);
  /* [call] Puts weights, running statistics and the step's own terms back. */
  lethe_status (*restore)(lethe_ctx, lethe_error *);
} lethe_steps;

#ifdef __cplusplus
}
#endif
#endif
