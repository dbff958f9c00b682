/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/rng.h - "lethe.rng/1": random numbers that are a function of (run seed, strategy instance, label, step), so that
 * nothing about them has to be saved and a resumed run draws what the first one would have.
 */
#ifndef LETHE_RNG_H
#define LETHE_RNG_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_RNG "lethe.rng/1"

typedef struct lethe_rngs {
  uint32_t size;
  uint32_t reserved0;
  /* [call] The stream named `label` at this step. Asking again in the same step gives the same stream from its start. */
  lethe_status (*stream)(lethe_ctx, const char *label, lethe_rng *out, lethe_error *);
  /* [call] The next `n` words of Philox 4x32-10 (lethe_philox below), the same in every language. */
  lethe_status (*bits)(lethe_ctx, lethe_rng, uint32_t *out, uint64_t n, lethe_error *);
  /* [call] LibTorch's own generator on the run's device, seeded from the same key: pass the value to operators that
   * take a Generator. It gives other numbers than `bits`. */
  lethe_status (*generator)(lethe_ctx, const char *label, lethe_rng *out, lethe_error *);
} lethe_rngs;

/* One block of Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3. 2011). */
static inline void lethe_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
  uint32_t k0 = key[0], k1 = key[1];
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

#ifdef __cplusplus
}
#endif
#endif
