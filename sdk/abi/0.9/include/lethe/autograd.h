/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/autograd.h - "lethe.autograd/1": gradients, and scopes without a graph.
 */
#ifndef LETHE_AUTOGRAD_H
#define LETHE_AUTOGRAD_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_AUTOGRAD "lethe.autograd/1"

#define LETHE_GRAD_RETAIN_GRAPH 1u /* more gradients will be taken from the same graph */
#define LETHE_GRAD_CREATE_GRAPH 2u /* the gradients are differentiable themselves */
#define LETHE_GRAD_ALLOW_UNUSED 4u /* an input that no output depends on gives NULL instead of an error */

typedef struct lethe_autograd {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Gradients of sum_k <seed_k, output_k> with respect to the inputs, written to `grads` (`n_inputs` entries).
   * `seeds` may be NULL where every output has one element. */
  lethe_status (*gradient)(lethe_ctx, const lethe_tensor *outputs, const lethe_tensor *seeds, uint32_t n_outputs,
                           const lethe_tensor *inputs, uint32_t n_inputs, uint32_t flags, lethe_tensor *grads,
                           lethe_error *);
  /* [call] Turns recording off (1) or on (0) until the callback returns; gives what it was. */
  int32_t (*set_no_grad)(lethe_ctx, int32_t off);
} lethe_autograd;

#ifdef __cplusplus
}
#endif
#endif
