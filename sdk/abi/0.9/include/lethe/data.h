/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/data.h - "lethe.data/1": walks over the forget and the retain set.
 */
#ifndef LETHE_DATA_H
#define LETHE_DATA_H

#include "base.h"
#include "objective.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_DATA "lethe.data/1"

#define LETHE_PASS_AUGMENT 1u /* crops and flips as in training; drawn for the set and the batch's number */

/* One walk over a set in dataset order. */
typedef struct lethe_pass {
  uint32_t size;
  uint32_t set;   /* LETHE_SET_FORGET or LETHE_SET_RETAIN; one that the manifest lists under "streams" */
  uint32_t flags; /* LETHE_PASS_* */
  uint32_t reserved0;
  int64_t batch; /* samples a batch, > 0; the last one may be short */
} lethe_pass;

/* For `prepare` of any strategy and `run` of a procedure; LETHE_E_PRECONDITION elsewhere. */
typedef struct lethe_data {
  uint32_t size;
  uint32_t reserved0;
  /* [call] The batch of that number, from 0. Set `out->size` first. LETHE_E_CANCELLED once the run was asked to stop. */
  lethe_status (*batch)(lethe_ctx, const lethe_pass *pass, int64_t number, lethe_batch *out, lethe_error *);
  /* [call] Tells the user how far the work is, in parts of your own; shown at most ten times a second. */
  void (*progress)(lethe_ctx, int64_t done, int64_t total);
} lethe_data;

#ifdef __cplusplus
}
#endif
#endif
