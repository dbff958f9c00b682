/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/procedure.h - role "lethe.procedure/1": a method that is no loop of optimizer steps.
 *
 * A procedure changes the model's parameters itself, once: influence functions, closed forms. It takes the place of
 * objective, reweighter, updater and optimizer; a mask goes with it: the host puts masked weights back after `run`.
 */
#ifndef LETHE_PROCEDURE_H
#define LETHE_PROCEDURE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_PROCEDURE "lethe.procedure/1"

typedef struct lethe_procedure_in {
  uint32_t size;
  uint32_t reserved0;
  lethe_model model; /* the model to change: its parameters, in place, with no graph */
} lethe_procedure_in;

typedef struct lethe_procedure {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Called once. Reads data through lethe.data/1, polls `cancelled`; a run that is stopped meanwhile starts
   * again from its beginning. A parameter that is not finite afterwards is an error, and the original model stays. */
  lethe_status (*run)(lethe_self, lethe_ctx, const lethe_procedure_in *in, lethe_error *);
} lethe_procedure;

#ifdef __cplusplus
}
#endif
#endif
