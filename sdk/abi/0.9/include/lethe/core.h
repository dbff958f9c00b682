/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/core.h - "lethe.core/1": log, cancellation, scratch memory.
 */
#ifndef LETHE_CORE_H
#define LETHE_CORE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_CORE "lethe.core/1"

#define LETHE_LOG_DEBUG 0
#define LETHE_LOG_INFO 1
#define LETHE_LOG_WARNING 2

typedef struct lethe_core {
  uint32_t size;
  uint32_t reserved0;
  /* [any] One line of text for the run's record, at LETHE_LOG_*. The host adds plugin, call and step. `ctx` may be NULL
   * outside a callback. Never write to stdout or stderr yourself. */
  void (*log)(lethe_ctx ctx, int32_t level, const char *message);
  /* [any] 1 once the run was asked to stop. Long loops poll it and return LETHE_E_CANCELLED within a second. */
  int32_t (*cancelled)(lethe_ctx ctx);
  /* [call] `bytes` zeroed bytes, aligned to `align` (a power of two, at most 64), freed when the callback returns.
   * NULL when there is no memory. */
  void *(*scratch)(lethe_ctx ctx, uint64_t bytes, uint64_t align);
  /* [call] Records a number or text about this step under `key` ([a-z][a-z0-9_.]*). A number may be a tensor of one
   * element: it is read when the next event is due, so that no step waits for the device. */
  lethe_status (*report)(lethe_ctx ctx, const char *key, const lethe_value *value, lethe_error *err);
} lethe_core;

#ifdef __cplusplus
}
#endif
#endif
