/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/host.h - the host as a plugin sees it: one function that finds a table of functions by its id.
 */
#ifndef LETHE_HOST_H
#define LETHE_HOST_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Given to the entry function and to every `create`. Lives until the process ends. */
typedef struct lethe_host {
  uint32_t size;
  uint32_t abi_minor;
  const char *name;
  const char *version;
  /* [any] The table with that id, for instance "lethe.ops/1"; NULL where the host does not offer it. The table lives
   * until the process ends. Name what you cannot do without in the manifest's "requires": then it is never NULL. */
  const void *(*service)(const struct lethe_host *host, const char *id);
} lethe_host;

#ifdef __cplusplus
}
#endif
#endif
