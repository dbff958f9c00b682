/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/metric.h - role "lethe.metric/1": a number that a report has of every model.
 *
 * After the last step the host measures the original, the retrained and the unlearned model. For each of them it makes an
 * instance, passes the sets through the model, once for all metrics, shows every batch, and asks for the results:
 *
 *   create -> prepare -> begin -> update* -> finish -> (the strategy's finish) -> destroy
 *
 * The manifest says what a metric is shown: "sees" lists `outputs`, `losses`, `inputs` and `samples` (below), "sets" the
 * sets it is shown (all that the recipe evaluates, where it says nothing), "models" further models that it needs, `original`
 * or `retrained`. A metric changes nothing: neither the model nor what it is shown.
 */
#ifndef LETHE_METRIC_H
#define LETHE_METRIC_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LETHE_ROLE_METRIC "lethe.metric/1"

/* Beside LETHE_SET_FORGET and LETHE_SET_RETAIN. */
#define LETHE_SET_TEST 4u
#define LETHE_SET_VALIDATION 8u

/* The model that is measured. */
typedef struct lethe_metric_begin {
  uint32_t size;
  uint32_t sets;    /* the sets that will be shown, a bit set of LETHE_SET_* */
  lethe_model model; /* for lethe.model/1: always with running statistics and without dropout */
  const char *name; /* "original", "retrained" or "unlearned" */
  int64_t classes;  /* number of classes C of the data */
} lethe_metric_begin;

/* One batch of one set, in dataset order, without augmentation. Set after set, never mixed. What the manifest's "sees"
 * does not list is NULL; nothing has a graph. */
typedef struct lethe_metric_in {
  uint32_t size;
  uint32_t set;        /* one of LETHE_SET_*; 0 for samples that the model drew */
  int64_t count;       /* n > 0 */
  lethe_tensor labels;  /* int64 [n], the true labels; of drawn samples the class each was drawn as, or NULL */
  lethe_tensor indices; /* int64 [n], position in the data that the set is of; NULL for drawn samples */
  lethe_tensor outputs; /* "outputs", classification: float32 [n, C] logits */
  lethe_tensor losses;  /* "losses": float32 [n]. Classification: cross-entropy. Diffusion: the mean over an image's elements
                         * of (eps - eps_theta(x_t, t))^2, at the timesteps below, with noise that is the same for every
                         * model; at most 256 images of a set are shown, each once a timestep */
  lethe_tensor timesteps; /* int64 [n], beside the losses of diffusion; else NULL */
  lethe_tensor inputs;  /* "inputs": float [n, C, H, W] in [0, 1], or for diffusion [-1, 1] */
  lethe_tensor samples; /* "samples", diffusion: float [n, C, H, W] in [-1, 1], images that the model drew */
} lethe_metric_in;

/* Which way of a number is good. */
#define LETHE_DIRECTION_NEUTRAL 0u  /* none: it says what is, not how good it is */
#define LETHE_DIRECTION_HIGHER 1u
#define LETHE_DIRECTION_LOWER 2u
#define LETHE_DIRECTION_RETRAINED 3u /* as near to the retrained model's as can be */

#define LETHE_RESULT_INTERVAL 1u /* `lower` and `upper` are the ends of a 95 % interval */

/* A number for the report. */
typedef struct lethe_result {
  uint32_t size;
  uint32_t direction;   /* LETHE_DIRECTION_* */
  const char *name;     /* [a-z][a-z0-9_-]*, up to 64 bytes; with `set` unique among what an instance reports */
  double value;         /* finite; a number that is not there is not reported */
  const char *unit;     /* "%", "bits"; up to 32 bytes; NULL or empty for none */
  const char *protocol; /* all that the number depends on and that is not in its name, "bins=15": the same text, comparable
                         * numbers. Printable ASCII without spaces, up to 200 bytes. NULL: the parameters and their values */
  uint32_t set;         /* the one of the shown sets it was measured on; 0 where it is of several or of none */
  uint32_t flags;       /* LETHE_RESULT_* */
  double lower;         /* finite; lower <= value <= upper */
  double upper;
  int64_t samples;      /* how many samples it was measured on; 0 where that says nothing */
} lethe_result;

typedef struct lethe_result_sink {
  uint32_t size;
  uint32_t reserved0;
  /* [call] Takes a number. The struct and its texts are yours and may live on your stack. */
  lethe_status (*report)(lethe_ctx, const lethe_result *, lethe_error *);
} lethe_result_sink;

typedef struct lethe_metric {
  uint32_t size;
  uint32_t reserved0;
  /* [call, ready] Starts to measure a model. Forgets what was shown before. */
  lethe_status (*begin)(lethe_self, lethe_ctx, const lethe_metric_begin *in, lethe_error *);
  /* [call, ready] Is shown a batch. Keep sums as kept tensors or read them once a batch: `tensors->read` waits for the
   * device. */
  lethe_status (*update)(lethe_self, lethe_ctx, const lethe_metric_in *in, lethe_error *);
  /* [call, ready] Reports its numbers, at least one where it was shown anything. */
  lethe_status (*finish)(lethe_self, lethe_ctx, const lethe_result_sink *sink, lethe_error *);
} lethe_metric;

#ifdef __cplusplus
}
#endif
#endif
