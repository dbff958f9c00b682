/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/evaluate.h - "lethe.evaluate/1": how a model does on a whole set, computed once and remembered by the host.
 */
#ifndef LETHE_EVALUATE_H
#define LETHE_EVALUATE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_EVALUATE "lethe.evaluate/1"

typedef struct lethe_evaluate {
  uint32_t size;
  uint32_t reserved0;
  /* [prepare] Mean of the task's per-sample loss of the original model over LETHE_SET_FORGET or LETHE_SET_RETAIN, with
   * running statistics and without augmentation. A whole pass over the set the first time. */
  lethe_status (*reference_loss)(lethe_ctx, uint32_t set, double *out, lethe_error *);
  /* [prepare] Diffusion: the same at each of `n` timesteps, with fixed noise, over at most 256 samples of
   * the set. LETHE_E_PRECONDITION in a run on a classifier. */
  lethe_status (*reference_curve)(lethe_ctx, uint32_t set, const int64_t *timesteps, uint32_t n, double *out,
                                  lethe_error *);
} lethe_evaluate;

#ifdef __cplusplus
}
#endif
#endif
