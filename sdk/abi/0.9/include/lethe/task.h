/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/task.h - "lethe.task/1": what the model is for, and the task's own loss, so that nobody writes it differently.
 */
#ifndef LETHE_TASK_H
#define LETHE_TASK_H

#include "base.h"
#include "objective.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_TASK "lethe.task/1"

typedef struct lethe_task_info {
  uint32_t size;
  uint32_t reserved0;
  const char *kind; /* "classification" or "diffusion" */
  int64_t classes;  /* number of classes C of the data */
  int64_t forget;   /* samples in the forget set */
  int64_t retain;   /* samples in the retain set */
} lethe_task_info;

/* The losses of a batch. */
typedef struct lethe_task_losses {
  uint32_t size;
  uint32_t reserved0;
  lethe_tensor losses;    /* float [n], part of the graph */
  lethe_tensor timesteps; /* int64 [n] where the task has any; else NULL */
} lethe_task_losses;

typedef struct lethe_task {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Fills `out` up to the size that the caller wrote into it. */
  lethe_status (*describe)(lethe_ctx, lethe_task_info *out, lethe_error *);
  /* [call] Classification: the loss of each sample, never reduced: cross-entropy -z_y + logsumexp(z) of float logits
   * [n, C] and int64 labels [n] gives [n]. Elsewhere LETHE_E_PRECONDITION. */
  lethe_status (*losses)(lethe_ctx, lethe_tensor outputs, lethe_tensor labels, lethe_tensor *out, lethe_error *);
  /* [call] Passes a batch through a model as training does and gives the task's loss of each sample, never
   * reduced: cross-entropy with the true labels; for diffusion |eps - eps_theta(x_t, t)|^2 at timesteps and noise drawn
   * for the set, the step and the micro-batch. For objectives that serve every task. Set `out->size` first. */
  lethe_status (*batch_losses)(lethe_ctx, lethe_model, const lethe_batch *, lethe_task_losses *out,
                               lethe_error *);
} lethe_task;

#ifdef __cplusplus
}
#endif
#endif
