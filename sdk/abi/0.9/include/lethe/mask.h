/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/mask.h - role "lethe.mask/1": which weights may move.
 *
 * The host walks over the sets that the manifest's "streams" names, takes the gradient of the mean loss of every batch
 * and hands it over. The plugin answers with a score for every weight; the host keeps the best-scoring floor(keep * P)
 * of all P (ties: the lower index in parameter order), and promises that every other weight keeps its bits.
 */
#ifndef LETHE_MASK_H
#define LETHE_MASK_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_MASK "lethe.mask/1"

#define LETHE_WALK_TRAIN 1u /* batch statistics; without it running statistics */
#define LETHE_WALK_STEP 2u  /* an optimizer step on a copy of the model after every batch, undone at the end */

/* How the host is to walk. The host fills in its defaults before it calls `begin`. */
typedef struct lethe_walk {
  uint32_t size;
  uint32_t flags; /* LETHE_WALK_* */
  int64_t batch;  /* samples a batch; > 0 */
  double guidance; /* s, so that the loss is that of (1+s) eps(c) - s eps(null) on a network that is
                    * conditioned on classes; 0: the task's loss */
} lethe_walk;

typedef struct lethe_mask {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Starts a walk over parameters of these shapes; may change `walk`. */
  lethe_status (*begin)(lethe_self, lethe_ctx, const lethe_named_tensors *parameters, lethe_walk *walk, lethe_error *);
  /* [call, ready] The gradients of the mean loss over one batch of `count` samples, in parameter order. They may be
   * changed in place. A NULL entry is a gradient of zero. */
  lethe_status (*accumulate)(lethe_self, lethe_ctx, const lethe_named_tensors *gradients, int64_t count, lethe_error *);
  /* [call, ready] Writes one tensor of scores for each parameter into `scores` (`n` entries): the parameter's shape,
   * float, finite, >= 0, higher means kept first. With "output": "mask" in the manifest they are 0 or 1 and `keep` does
   * not apply. */
  lethe_status (*finish)(lethe_self, lethe_ctx, lethe_tensor *scores, uint32_t n, lethe_error *);
} lethe_mask;

#ifdef __cplusplus
}
#endif
#endif
