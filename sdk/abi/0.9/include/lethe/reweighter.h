/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/reweighter.h - role "lethe.reweighter/1": how much each sample of a term counts.
 */
#ifndef LETHE_REWEIGHTER_H
#define LETHE_REWEIGHTER_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_REWEIGHTER "lethe.reweighter/1"

/* One term as a reweighter sees it: numbers without a graph, all [n]. */
typedef struct lethe_reweigh_in {
  uint32_t size;
  uint32_t set; /* LETHE_SET_FORGET or LETHE_SET_RETAIN; penalties are never shown */
  const lethe_progress *progress;
  const char *term;          /* the term's name */
  int64_t count;             /* n */
  lethe_tensor losses;       /* float32 or float64 [n] */
  lethe_tensor clean_losses; /* loss with the true labels; the same handle as `losses` where the term has no other;
                              * NULL where nobody knows it (LETHE_TERM_NO_CLEAN_LOSS) */
  lethe_tensor importance;   /* [n] or NULL */
  lethe_tensor timesteps;    /* int64 [n] or NULL */
  lethe_tensor indices;      /* int64 [n] or NULL */
} lethe_reweigh_in;

typedef struct lethe_reweighter {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Gives weights [n] of the losses' type and device. The manifest's "output" says what they promise:
   * "normalised" (they sum to 1 within 1e-5), "free" (finite, >= 0) or "signed" (finite). Leaving `*weights` NULL means
   * uniform weights 1/n. The weights are constants: no gradient flows through them. */
  lethe_status (*weigh)(lethe_self, lethe_ctx, const lethe_reweigh_in *in, lethe_tensor *weights, lethe_error *);
} lethe_reweighter;

#ifdef __cplusplus
}
#endif
#endif
