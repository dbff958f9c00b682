/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/ops.h - "lethe.ops/1": every ATen operator, by the schema text that you wrote your code against.
 */
#ifndef LETHE_OPS_H
#define LETHE_OPS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_OPS "lethe.ops/1"

typedef struct lethe_ops {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Finds the operator that `schema` describes, for instance
   *   "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor".
   * Each argument named there must exist with a compatible type, the host's other arguments must have defaults, the
   * returns must match; the error names the argument that does not. Costs tens of microseconds: resolve in `prepare`.
   * The handle lives until the process ends. */
  lethe_status (*resolve)(lethe_ctx, const char *schema, lethe_op *out, lethe_error *);
  /* [call] Calls it with values in the order of the schema given to `resolve`; trailing arguments may be left out where
   * they have defaults. Returns go to `rets`; their tensors belong to the callback's arena. Autograd records as usual. */
  lethe_status (*call)(lethe_ctx, lethe_op, const lethe_value *args, uint32_t n_args, lethe_value *rets,
                       uint32_t n_rets, lethe_error *);
} lethe_ops;

#ifdef __cplusplus
}
#endif
#endif
