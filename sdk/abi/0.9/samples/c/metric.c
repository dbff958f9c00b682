/* How sure a model is of the true class, set by set:
 *
 *   confidence(D) = mean over D of  exp(-CE(theta; x, y))
 */
#include <lethe/lethe.h>
#include <math.h>
#include <stdlib.h>

#define SETS 4 /* forget, retain, test, validation: bits 0 to 3 of LETHE_SET_* */

struct lethe_self_ {
  const lethe_core *core;
  const lethe_tensors *tensors;
  double sums[SETS];
  int64_t counts[SETS];
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->core = info->host->service(info->host, LETHE_CORE);
  self->tensors = info->host->service(info->host, LETHE_TENSORS);
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status begin(lethe_self self, lethe_ctx ctx, const lethe_metric_begin *in, lethe_error *err) {
  (void)ctx, (void)in, (void)err;
  for (int i = 0; i < SETS; i++) self->sums[i] = 0, self->counts[i] = 0;
  return LETHE_OK;
}

static lethe_status update(lethe_self self, lethe_ctx ctx, const lethe_metric_in *in, lethe_error *err) {
  const uint64_t bytes = (uint64_t)in->count * sizeof(double);
  double *losses = self->core->scratch(ctx, bytes, sizeof(double));
  if (losses == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  const lethe_status status = self->tensors->read(ctx, in->losses, LETHE_DTYPE_FLOAT64, losses, bytes, err);
  if (status != LETHE_OK) return status;
  for (int i = 0; i < SETS; i++) {
    if (in->set != 1u << i) continue;
    for (int64_t k = 0; k < in->count; k++) self->sums[i] += exp(-losses[k]);
    self->counts[i] += in->count;
  }
  return LETHE_OK;
}

static lethe_status finish(lethe_self self, lethe_ctx ctx, const lethe_result_sink *sink, lethe_error *err) {
  for (int i = 0; i < SETS; i++) {
    if (self->counts[i] == 0) continue;
    const lethe_result result = {.size = sizeof result,
                                 .name = "confidence",
                                 .value = self->sums[i] / (double)self->counts[i],
                                 .direction = LETHE_DIRECTION_RETRAINED,
                                 .set = 1u << i,
                                 .samples = self->counts[i]};
    const lethe_status status = sink->report(ctx, &result, err);
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static const lethe_metric metric = {.size = sizeof metric, .begin = begin, .update = update, .finish = finish};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_METRIC,
                                        .table = &metric,
                                        .create = create,
                                        .destroy = destroy};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.my-method",
                                    .version = "0.1.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
