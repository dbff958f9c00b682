/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/diffusion.h - "lethe.diffusion/1": noise, timesteps and the network of a run on a diffusion model. Every function
 * gives LETHE_E_PRECONDITION in a run on a classifier.
 *
 * An image x in [-1, 1] at timestep t is  x_t = gamma_t x + sigma_t eps,  gamma_t^2 + sigma_t^2 = 1,  eps ~ N(0, I);
 * the network predicts eps (Ho et al., Denoising diffusion probabilistic models, 2020).
 */
#ifndef LETHE_DIFFUSION_H
#define LETHE_DIFFUSION_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_DIFFUSION "lethe.diffusion/1"

#define LETHE_TIMESTEPS_ANTITHETIC 1u /* pairs t, T-1-t */

#define LETHE_DENOISE_DROP_CONDITION 4u /* beside LETHE_FORWARD_*: forgets conditions at the rate of the model's training */

typedef struct lethe_diffusion_info {
  uint32_t size;
  uint32_t reserved0;
  int64_t timesteps;  /* T; a timestep is 0 ... T-1 */
  int64_t dimensions; /* d = C*H*W of an image */
  int64_t conditions; /* classes that the network is conditioned on; 0: none */
  lethe_tensor gamma; /* float32 [T] */
  lethe_tensor sigma; /* float32 [T] */
} lethe_diffusion_info;

/* What goes into a forward pass of the network. */
typedef struct lethe_denoise {
  uint32_t size;
  uint32_t flags;          /* LETHE_FORWARD_EVAL: no dropout; LETHE_FORWARD_NO_GRAD; LETHE_DENOISE_DROP_CONDITION */
  lethe_tensor noisy;      /* float [n, C, H, W] */
  lethe_tensor timesteps;  /* int64 [n] */
  lethe_tensor conditions; /* int64 [n], -1 for the null condition; NULL for a network without conditions */
  double guidance;         /* s in (1+s) eps(c) - s eps(null); 0 for eps(c) alone */
} lethe_denoise;

typedef struct lethe_diffusion {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Fills `out` up to the size that the caller wrote into it. */
  lethe_status (*describe)(lethe_ctx, lethe_diffusion_info *out, lethe_error *);
  /* [call] int64 [n], uniform over 0 ... T-1, from the stream named `label` (see lethe/rng.h). */
  lethe_status (*draw_timesteps)(lethe_ctx, const char *label, int64_t n, uint32_t flags, lethe_tensor *out,
                                 lethe_error *);
  /* [call] Standard normal noise of the shape of `like`, from the stream named `label`. */
  lethe_status (*draw_noise)(lethe_ctx, const char *label, lethe_tensor like, lethe_tensor *out, lethe_error *);
  /* [call] gamma_t x + sigma_t eps: x and eps float [n, C, H, W], t int64 [n]. */
  lethe_status (*add_noise)(lethe_ctx, lethe_tensor clean, lethe_tensor noise, lethe_tensor timesteps,
                            lethe_tensor *out, lethe_error *);
  /* [call] The network's prediction, float32 [n, C, H, W]. */
  lethe_status (*denoise)(lethe_ctx, lethe_model, const lethe_denoise *in, lethe_tensor *out, lethe_error *);
  /* [call] |prediction - target|^2 of each sample, [n]: summed over the d elements, or their mean where the recipe says
   * `diffusion.reduction: mean`. Part of the graph of both. */
  lethe_status (*losses)(lethe_ctx, lethe_tensor prediction, lethe_tensor target, lethe_tensor *out, lethe_error *);
} lethe_diffusion;

#ifdef __cplusplus
}
#endif
#endif
