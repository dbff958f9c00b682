/* SPDX-License-Identifier: Apache-2.0
 *
 * A reweighting as a plain C function, without a plugin around it. A forget sample whose loss has reached `cap`
 * counts no more; samples of other sets count as always.
 */
#include <math.h>
#include <stdint.h>

/* Called once a sample; the names of the arguments say what they are bound to. `set` is 1 for forget, 2 for retain. */
double cap_weight(double clean_loss, double cap, int64_t n, int32_t set) {
  return set == 1 && clean_loss >= cap ? 0.0 : 1.0 / (double)n;
}

/* The same for a whole batch at once. */
void cap_weights(int64_t n, const float *clean_loss, double cap, int32_t set, float *weight) {
  for (int64_t i = 0; i < n; i++) weight[i] = (float)cap_weight(clean_loss[i], cap, n, set);
}

/* LoReUn's forget weights before normalisation: exp(-eta * loss). The host divides by their sum (`normalise: batch`). */
double loreun_forget(double clean_loss, double eta) { return exp(-eta * clean_loss); }
