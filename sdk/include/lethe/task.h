/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/task.h - "lethe.task/1": what the model is for, and the task's own loss, so that nobody writes it differently.
 */
#ifndef LETHE_TASK_H
#define LETHE_TASK_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_TASK "lethe.task/1"

typedef struct lethe_task_info {
  uint32_t size;
  uint32_t reserved0;
  const char *kind; /* "classification" */
  int64_t classes;  /* classification: number of classes C */
  int64_t forget;   /* samples in the forget set */
  int64_t retain;   /* samples in the retain set */
} lethe_task_info;

typedef struct lethe_task {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Fills `out` up to the size that the caller wrote into it. */
  lethe_status (*describe)(lethe_ctx, lethe_task_info *out, lethe_error *);
  /* [call] The loss of each sample, never reduced: cross-entropy -z_y + logsumexp(z) of float logits [n, C] and int64
   * labels [n] gives [n]. */
  lethe_status (*losses)(lethe_ctx, lethe_tensor outputs, lethe_tensor labels, lethe_tensor *out, lethe_error *);
} lethe_task;

#ifdef __cplusplus
}
#endif
#endif
