/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/dlpack.h - "lethe.dlpack/1": tensors to and from other libraries, by DLPack 1.x.
 */
#ifndef LETHE_DLPACK_H
#define LETHE_DLPACK_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_DLPACK "lethe.dlpack/1"

/* DLPack's own struct; include its header to look inside. */
struct DLManagedTensorVersioned;

typedef struct lethe_dlpack {
  uint32_t size;
  uint32_t reserved0;
  /* [call] A read-only view of the tensor's memory without its graph. You call its deleter, once. */
  lethe_status (*export_tensor)(lethe_ctx, lethe_tensor, struct DLManagedTensorVersioned **out, lethe_error *);
  /* [call] Takes the tensor over on success: the host calls its deleter, once, when the last use is gone. */
  lethe_status (*import_tensor)(lethe_ctx, struct DLManagedTensorVersioned *, lethe_tensor *out, lethe_error *);
} lethe_dlpack;

#ifdef __cplusplus
}
#endif
#endif
