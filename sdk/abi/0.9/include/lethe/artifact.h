/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/artifact.h - "lethe.artifact/1": tensors that a long `prepare` made, found again when an interrupted run
 * goes on, so that the work is done once.
 */
#ifndef LETHE_ARTIFACT_H
#define LETHE_ARTIFACT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ARTIFACT "lethe.artifact/1"

/* For `prepare`; LETHE_E_PRECONDITION elsewhere. What is stored belongs to one part of one run: the host keeps it in the run's
 * folder under the key hashed with the plan, the strategy and its parameters, until the run is finished. A run without a
 * folder keeps nothing. */
typedef struct lethe_artifacts {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Writes the `n` tensors stored under `key` ([a-z][a-z0-9_.-]*) to `out`, on the run's device. LETHE_E_NOT_FOUND
   * where there are none; another number than `n` is an error. */
  lethe_status (*find)(lethe_ctx, const char *key, lethe_tensor *out, uint32_t n, lethe_error *);
  /* [call] Stores `n` tensors under `key`, in the place of what was there. Waits for the device. */
  lethe_status (*store)(lethe_ctx, const char *key, const lethe_tensor *tensors, uint32_t n, lethe_error *);
} lethe_artifacts;

#ifdef __cplusplus
}
#endif
#endif
