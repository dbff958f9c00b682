/* SPDX-License-Identifier: Apache-2.0
 *
 * Expected calibration error (Guo et al., On calibration of modern neural networks, ICML 2017, equation 3):
 *
 *   confidence_i = max_c softmax(z_i)_c        B_m = { i : (m-1)/M < confidence_i <= m/M }
 *   ECE = sum_m |B_m| / n * | share of B_m that is right - mean confidence of B_m |
 */
#include <lethe/lethe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4 /* forget, retain, test, validation: bits 0 to 3 of LETHE_SET_* */

typedef struct {
  double right, confidence, count;
} bin;

struct lethe_self_ {
  const lethe_core *core;
  const lethe_tensors *tensors;
  int64_t bins, classes;
  bin *table; /* SETS rows of `bins` */
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->core = info->host->service(info->host, LETHE_CORE);
  self->tensors = info->host->service(info->host, LETHE_TENSORS);
  self->bins = info->params[0].as.i;
  self->table = calloc((size_t)self->bins * SETS, sizeof *self->table);
  if (self->table == NULL) {
    free(self);
    return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  }
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) {
  free(self->table);
  free(self);
}

static lethe_status begin(lethe_self self, lethe_ctx ctx, const lethe_metric_begin *in, lethe_error *err) {
  (void)ctx, (void)err;
  self->classes = in->classes;
  memset(self->table, 0, (size_t)self->bins * SETS * sizeof *self->table);
  return LETHE_OK;
}

/* Sorts one sample into its bin. */
static void sort(bin *row, int64_t bins, const double *logits, int64_t classes, int64_t label) {
  int64_t best = 0;
  for (int64_t c = 1; c < classes; c++)
    if (logits[c] > logits[best]) best = c;
  double sum = 0;
  for (int64_t c = 0; c < classes; c++) sum += exp(logits[c] - logits[best]);
  const double confidence = 1 / sum;
  int64_t m = (int64_t)ceil(confidence * (double)bins) - 1;
  if (!(m >= 0)) m = 0; /* logits that are not finite land here, and make the result one that is not */
  if (m >= bins) m = bins - 1;
  row[m].right += best == label;
  row[m].confidence += confidence;
  row[m].count += 1;
}

static lethe_status update(lethe_self self, lethe_ctx ctx, const lethe_metric_in *in, lethe_error *err) {
  const uint64_t n = (uint64_t)in->count, logit_bytes = n * (uint64_t)self->classes * sizeof(double);
  double *logits = self->core->scratch(ctx, logit_bytes, sizeof(double));
  int64_t *labels = self->core->scratch(ctx, n * sizeof(int64_t), sizeof(int64_t));
  if (logits == NULL || labels == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  lethe_status status = self->tensors->read(ctx, in->outputs, LETHE_DTYPE_FLOAT64, logits, logit_bytes, err);
  if (status == LETHE_OK)
    status = self->tensors->read(ctx, in->labels, LETHE_DTYPE_INT64, labels, n * sizeof(int64_t), err);
  if (status != LETHE_OK) return status;
  for (int set = 0; set < SETS; set++) {
    if (in->set != 1u << set) continue;
    for (uint64_t i = 0; i < n; i++)
      sort(self->table + set * self->bins, self->bins, logits + i * (uint64_t)self->classes, self->classes, labels[i]);
  }
  return LETHE_OK;
}

static lethe_status finish(lethe_self self, lethe_ctx ctx, const lethe_result_sink *sink, lethe_error *err) {
  for (int set = 0; set < SETS; set++) {
    double error = 0, count = 0;
    for (int64_t m = 0; m < self->bins; m++) {
      const bin *found = self->table + set * self->bins + m;
      error += fabs(found->right - found->confidence);
      count += found->count;
    }
    if (count == 0) continue;
    /* Without a `protocol` the host writes the parameters behind the id: bins=15. */
    const lethe_result result = {.size = sizeof result,
                                 .name = "ece",
                                 .value = 100 * error / count,
                                 .unit = "%",
                                 .direction = LETHE_DIRECTION_RETRAINED,
                                 .set = 1u << set,
                                 .samples = (int64_t)count};
    const lethe_status status = sink->report(ctx, &result, err);
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static const lethe_metric metric = {.size = sizeof metric, .begin = begin, .update = update, .finish = finish};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.ece",
                                        .role = LETHE_ROLE_METRIC,
                                        .table = &metric,
                                        .create = create,
                                        .destroy = destroy};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.calibration",
                                    .version = "1.0.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
