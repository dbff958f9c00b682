/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/tensors.h - "lethe.tensors/1": what a tensor is, its values in and out, and how long it lives.
 */
#ifndef LETHE_TENSORS_H
#define LETHE_TENSORS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_TENSORS "lethe.tensors/1"

typedef struct lethe_tensors {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Writes min(rank, cap) dimensions and the rank. */
  lethe_status (*shape)(lethe_ctx, lethe_tensor, int64_t *dims, uint32_t cap, uint32_t *rank, lethe_error *);
  /* [call] LETHE_DTYPE_*. */
  lethe_status (*dtype)(lethe_ctx, lethe_tensor, int32_t *dtype, lethe_error *);
  /* [call] Copies all elements, in row-major order and converted to `dtype`, to `dst` of exactly `bytes` bytes. Waits
   * for the device: not for the inside of a step. */
  lethe_status (*read)(lethe_ctx, lethe_tensor, int32_t dtype, void *dst, uint64_t bytes, lethe_error *);
  /* [call] A tensor on the run's device made of a copy of `bytes` row-major bytes; a NULL `src` gives zeros. */
  lethe_status (*make)(lethe_ctx, int32_t dtype, const int64_t *dims, uint32_t rank, const void *src, uint64_t bytes,
                       lethe_tensor *out, lethe_error *);
  /* [call] A second handle to the same tensor that outlives the callback and belongs to the instance, until `drop` or
   * `destroy`. It keeps no graph: what is kept is detached. */
  lethe_status (*keep)(lethe_ctx, lethe_tensor, lethe_tensor *owned, lethe_error *);
  /* [any] Gives a kept tensor back. NULL and stale handles do nothing. */
  void (*drop)(lethe_tensor owned);
  /* [call] A mark in the callback's arena, for loops that make many tensors. */
  uint64_t (*mark)(lethe_ctx);
  /* [call] Frees every tensor made after the mark. */
  lethe_status (*release_to)(lethe_ctx, uint64_t mark, lethe_error *);
} lethe_tensors;

#ifdef __cplusplus
}
#endif
#endif
