/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/helpers.h - small inline helpers, so that authors do not write the risky parts by hand. Optional.
 */
#ifndef LETHE_HELPERS_H
#define LETHE_HELPERS_H

#include "core.h"
#include "ops.h"
#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes an error and gives its code back: `return lethe_fail(err, LETHE_E_..., "why");` */
static inline lethe_status lethe_fail(lethe_error *err, lethe_status code, const char *message) {
  if (LETHE_HAS(err, message)) {
    uint32_t length = 0;
    while (message[length] != 0) length++;
    err->code = code;
    err->message_len = length;
    if (err->message != NULL && err->message_cap > 0) {
      const uint32_t n = length < err->message_cap - 1u ? length : err->message_cap - 1u;
      for (uint32_t i = 0; i < n; i++) err->message[i] = message[i];
      err->message[n] = 0;
    }
  }
  return code;
}

static inline lethe_value lethe_none(void) {
  lethe_value v = {LETHE_T_NONE, 0, {0}};
  return v;
}
static inline lethe_value lethe_of_tensor(lethe_tensor t) {
  lethe_value v = {LETHE_T_TENSOR, 0, {0}};
  v.as.t = t;
  return v;
}
static inline lethe_value lethe_of_int(int64_t i) {
  lethe_value v = {LETHE_T_INT, 0, {0}};
  v.as.i = i;
  return v;
}
static inline lethe_value lethe_of_bool(int32_t b) {
  lethe_value v = {LETHE_T_BOOL, 0, {0}};
  v.as.i = b != 0;
  return v;
}
static inline lethe_value lethe_of_float(double f) {
  lethe_value v = {LETHE_T_FLOAT, 0, {0}};
  v.as.f = f;
  return v;
}
static inline lethe_value lethe_of_ints(const int64_t *values, uint32_t count) {
  lethe_value v = {LETHE_T_INTS, 0, {0}};
  v.count = count;
  v.as.is = values;
  return v;
}

/* Calls an operator that gives one tensor. */
static inline lethe_status lethe_call(const lethe_ops *ops, lethe_ctx ctx, lethe_op op, const lethe_value *args,
                                      uint32_t n_args, lethe_tensor *out, lethe_error *err) {
  lethe_value ret = lethe_none();
  const lethe_status status = ops->call(ctx, op, args, n_args, &ret, 1, err);
  if (status != LETHE_OK) return status;
  if (ret.tag != LETHE_T_TENSOR) return lethe_fail(err, LETHE_E_INTERNAL, "operator gave no tensor");
  *out = ret.as.t;
  return LETHE_OK;
}

/* Defines the one exported symbol. */
#define LETHE_DEFINE_PLUGIN(plugin)                                                                                   \
  LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *host, const lethe_plugin **out, lethe_error *err) {   \
    if (!LETHE_HAS(host, service) || host->service == NULL)                                                           \
      return lethe_fail(err, LETHE_E_PRECONDITION, "the host is older than this plugin");                             \
    *out = &(plugin);                                                                                                 \
    return LETHE_OK;                                                                                                  \
  }

#ifdef __cplusplus
}
#endif
#endif
