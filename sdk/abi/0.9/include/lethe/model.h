/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/model.h - "lethe.model/1": the model that is being unlearned, and the frozen original.
 */
#ifndef LETHE_MODEL_H
#define LETHE_MODEL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_MODEL "lethe.model/1"

#define LETHE_FORWARD_EVAL 1u    /* running statistics, no dropout; without it: batch statistics, which are updated */
#define LETHE_FORWARD_NO_GRAD 2u /* no graph */

/* What goes into a forward pass. */
typedef struct lethe_forward {
  uint32_t size;
  uint32_t flags;
  lethe_tensor inputs; /* classification: float [n, C, H, W] in [0, 1]; normalisation is the model's */
} lethe_forward;

typedef struct lethe_models {
  uint32_t size;
  uint32_t reserved0;
  /* [call] "model" is the one being unlearned; "original" the model as it was before, frozen, where the manifest lists
   * it under "models". */
  lethe_status (*find)(lethe_ctx, const char *name, lethe_model *out, lethe_error *);
  /* [call] Classification: logits, float [n, classes]. */
  lethe_status (*forward)(lethe_ctx, lethe_model, const lethe_forward *in, lethe_tensor *out, lethe_error *);
  /* [call] The trainable parameters in a stable order, leaves of the graph. Write to them only in `after_step`, with
   * in-place operators and no graph. Arrays and names live as long as the callback. Set `out->size` first. */
  lethe_status (*parameters)(lethe_ctx, lethe_model, lethe_named_tensors *out, lethe_error *);
  /* [call] Running statistics and counters, in a stable order. Set `out->size` first. */
  lethe_status (*buffers)(lethe_ctx, lethe_model, lethe_named_tensors *out, lethe_error *);
  /* [call] Gives a parameter of "model" another size along its first dimension, and a copy of `value`'s
   * elements: how an output is added or taken away. For an objective's `prepare` at the beginning of a run and its
   * `finish` at the end; LETHE_E_PRECONDITION elsewhere. The handle of the parameter stays valid. */
  lethe_status (*resize)(lethe_ctx, lethe_model, const char *parameter, lethe_tensor value, lethe_error *);
} lethe_models;

#ifdef __cplusplus
}
#endif
#endif
