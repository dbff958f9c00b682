/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/plugin.h - what a plugin provides: strategies, and the one exported symbol that hands them over.
 *
 *   created --prepare--> ready --(the role's calls)*--> ready --finish--> done --destroy--> gone
 *      |                   |   save_state, load_state and retune in ready, between steps
 *      +----- destroy -----+   a failed `create` leaves no instance and is followed by nothing
 *
 * All calls come from the run's one thread. A failed call is followed by `destroy` only.
 */
#ifndef LETHE_PLUGIN_H
#define LETHE_PLUGIN_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lethe_strategy;

typedef struct lethe_create_info {
  uint32_t size;
  uint32_t param_count;
  const lethe_host *host;
  /* One value for each parameter of the manifest, in its order, with its type: defaults filled in, ranges checked.
   * A parameter without default that was not given is LETHE_T_NONE. Strings live as long as the process. */
  const lethe_value *params;
  /* Which strategy is wanted: the address of its entry in the plugin's own array, so that one `create` can serve all
   * and find what the plugin keeps behind the entry (strategy_stride may be larger than the struct). */
  const struct lethe_strategy *strategy;
} lethe_create_info;

/* A method, or a part of one. The id and the role are those of the manifest, which says everything else. */
typedef struct lethe_strategy {
  uint32_t size;
  uint32_t state_version; /* of what save_state writes */
  const char *id;
  const char *role;  /* LETHE_ROLE_* */
  const void *table; /* the role's table: lethe_objective, lethe_reweighter, ... */
  /* [call] Cheap; checks what the manifest cannot say (detail = index of the parameter); touches no tensor. */
  lethe_status (*create)(lethe_ctx, const lethe_create_info *, lethe_self *out, lethe_error *);
  /* [call] Frees the instance. */
  void (*destroy)(lethe_self);
  /* [call, created] Optional. Sees the models, may compute at length, polls for cancellation. */
  lethe_status (*prepare)(lethe_self, lethe_ctx, lethe_error *);
  /* [call, ready] Optional. After the last step. */
  lethe_status (*finish)(lethe_self, lethe_ctx, lethe_error *);
  /* [call, ready] Optional, both or neither. All that a resumed instance needs to go on bit for bit. Without them the
   * strategy has no state: whatever it does depends on its parameters and on what it is shown. */
  lethe_status (*save_state)(lethe_self, lethe_ctx, const lethe_stream *out, lethe_error *);
  lethe_status (*load_state)(lethe_self, lethe_ctx, uint32_t version, const lethe_stream *in, lethe_error *);
  /* [call, ready] Optional. New values for tunable parameters; all values are given, as in `create`. */
  lethe_status (*retune)(lethe_self, lethe_ctx, const lethe_create_info *, lethe_error *);
} lethe_strategy;

/* Constant, and alive until the process ends. */
typedef struct lethe_plugin {
  uint32_t size;
  uint32_t strategy_count;
  const char *id;
  const char *version;
  const lethe_strategy *strategies;
  uint32_t strategy_stride;
  uint32_t reserved0;
} lethe_plugin;

/* The only symbol a plugin exports. Gives the same table every time. */
LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *host, const lethe_plugin **out, lethe_error *err);
typedef lethe_status (*lethe_plugin_abi1_fn)(const lethe_host *host, const lethe_plugin **out, lethe_error *err);

#ifdef __cplusplus
}
#endif
#endif
