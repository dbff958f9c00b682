/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/objective.h - role "lethe.objective/1": which differentiable losses a step has.
 *
 * An objective is shown the step's batches and adds terms. A term is a loss for each sample; the objective never reduces
 * over samples. The host weighs (reweighter), sums, takes gradients, masks, combines (updater) and steps:
 *
 *   loss = sum over terms of  coefficient * sum_i weight_i * importance_i * losses_i      weight_i = 1/n by default
 */
#ifndef LETHE_OBJECTIVE_H
#define LETHE_OBJECTIVE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_OBJECTIVE "lethe.objective/1"

/* Samples that go through the model together. Those of the forget set come first, then those of the retain set; under
 * the schedules `sequential`, `forget-only` and `retain-only` one of the two counts is 0, under `paired` neither. Under
 * `pairs` those counted as retain are drawn from both sets. */
typedef struct lethe_batch {
  uint32_t size;
  uint32_t reserved0;
  int64_t forget_count;
  int64_t retain_count;
  lethe_tensor inputs;  /* float [n, C, H, W], augmented, n = forget_count + retain_count; in [0, 1], or for diffusion [-1, 1] */
  lethe_tensor labels;  /* int64 [n], the true labels */
  lethe_tensor indices; /* int64 [n], position of each sample in the training data */
} lethe_batch;

#define LETHE_TERM_NO_CLEAN_LOSS 1u /* the samples' own loss is not known: no reweighter can be told it */

/* One term of the loss. `losses` is part of the graph, the other tensors are not. */
typedef struct lethe_term {
  uint32_t size;
  uint32_t set;             /* LETHE_SET_FORGET, LETHE_SET_RETAIN, or 0 for a penalty */
  const char *name;         /* [a-z][a-z0-9_-]*, unique in the step */
  double coefficient;       /* finite. Under the schedule `joint` the host multiplies it by the set's share of the batch */
  lethe_tensor losses;      /* float [n], n > 0; NULL for a penalty */
  lethe_tensor clean_losses; /* [n]: the task's loss with the true labels, where `losses` is something else; or NULL */
  lethe_tensor importance;  /* [n], >= 0, multiplies the weights; or NULL for 1 */
  lethe_tensor timesteps;   /* int64 [n], diffusion; or NULL */
  lethe_tensor indices;     /* int64 [n]; or NULL */
  lethe_tensor penalty;     /* a penalty's scalar, part of the graph, with `losses` NULL; or NULL */
  uint32_t flags;           /* LETHE_TERM_* */
  uint32_t reserved0;
} lethe_term;

typedef struct lethe_term_sink {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Takes a term. The struct is yours and may live on your stack; its tensors are held until the step is done. */
  lethe_status (*add)(lethe_ctx, const lethe_term *, lethe_error *);
} lethe_term_sink;

typedef struct lethe_objective_in {
  uint32_t size;
  uint32_t sets; /* which sets' terms are wanted, a bit set; others may be added and are ignored */
  const lethe_progress *progress;
  lethe_model model;
  const lethe_batch *batches;
  uint32_t batch_count;
  uint32_t batch_stride;
  const char *schedule; /* how the batches were drawn, a word of the manifest's "schedules"; or NULL */
  uint32_t micro_batch; /* which one of the step it is, from 0 */
  uint32_t reserved0;
} lethe_objective_in;

typedef struct lethe_objective {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Adds the terms of one step to `sink`; at least one. Called once a micro-batch, and again where an updater
   * evaluates terms at other weights: what it adds depends on what it is shown and on nothing that it kept. */
  lethe_status (*terms)(lethe_self, lethe_ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                        lethe_error *);
} lethe_objective;

/* The batch at `i`, whatever this header's sizeof. */
static inline const lethe_batch *lethe_batch_at(const lethe_objective_in *in, uint32_t i) {
  return (const lethe_batch *)(const void *)((const char *)in->batches + (size_t)i * in->batch_stride);
}

#ifdef __cplusplus
}
#endif
#endif
