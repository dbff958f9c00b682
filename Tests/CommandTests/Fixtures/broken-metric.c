/* A metric that keeps to every rule, or breaks the one that BROKEN names. */
#include "broken.h"

static double sums[4], means[4], counts[4], batches[4];

static lethe_status begin(lethe_self s, lethe_ctx ctx, const lethe_metric_begin *in, lethe_error *err) {
  (void)in, (void)err;
  ((instance *)s)->old_ctx = ctx;
  if (breaks("begin-again")) return LETHE_OK;
  for (int i = 0; i < 4; i++) sums[i] = means[i] = counts[i] = batches[i] = 0;
  return LETHE_OK;
}

static lethe_status update(lethe_self s, lethe_ctx ctx, const lethe_metric_in *in, lethe_error *err) {
  instance *self = (instance *)s;
  if (breaks("lent-tensors")) {
    lethe_tensor out;
    const lethe_value args[] = {lethe_of_tensor(in->losses), lethe_of_float(1)};
    TRY(call(ctx, ADD_IN_PLACE, args, 2, &out, err));
  }
  if (breaks("kept-handles")) {
    lethe_tensor kept;
    TRY(tensors()->keep(ctx, in->losses, &kept, err));
  }
  if (breaks("stale-context")) core()->cancelled(self->old_ctx), ctx = self->old_ctx;
  double *losses = core()->scratch(ctx, (uint64_t)in->count * 8, 8);
  if (losses == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "there is no memory");
  TRY(tensors()->read(ctx, in->losses, LETHE_DTYPE_FLOAT64, losses, (uint64_t)in->count * 8, err));
  for (int i = 0; i < 4; i++) {
    if (in->set != 1u << i) continue;
    double sum = 0;
    for (int64_t k = 0; k < in->count; k++) sum += losses[k];
    sums[i] += sum;
    means[i] += breaks("batch-of-one") ? sum / (double)(in->count - 1) : sum / (double)in->count;
    counts[i] += (double)in->count;
    batches[i] += 1;
  }
  return LETHE_OK;
}

static lethe_status finish(lethe_self s, lethe_ctx ctx, const lethe_result_sink *sink, lethe_error *err) {
  (void)s;
  if (breaks("results: nothing")) return LETHE_OK;
  for (int i = 0; i < 4; i++) {
    if (counts[i] == 0) continue;
    lethe_result result = {.size = sizeof result, .name = "loss", .set = 1u << i, .value = sums[i] / counts[i]};
    if (breaks("batch-size") || breaks("batch-of-one")) result.value = means[i] / batches[i];
    if (breaks("results: name")) result.name = "Mean loss";
    if (breaks("results: no name")) result.name = NULL;
    if (breaks("results: nan")) result.value = NAN;
    if (breaks("results: direction")) result.direction = 9;
    if (breaks("results: set")) result.set = 64;
    if (breaks("results: two sets")) result.set = 3;
    if (breaks("results: flags")) result.flags = 8;
    if (breaks("results: unit")) result.unit = "a\nline";
    if (breaks("results: protocol")) result.protocol = "with a space";
    if (breaks("results: samples")) result.samples = -1;
    if (breaks("results: size")) result.size = 8;
    if (breaks("results: interval")) result.flags = LETHE_RESULT_INTERVAL, result.lower = 5, result.upper = 4;
    if (breaks("results: infinite")) result.flags = LETHE_RESULT_INTERVAL, result.lower = -INFINITY;
    if (breaks("ignored-failure")) {
      (void)sink->report(ctx, &result, err);
      continue;
    }
    TRY(sink->report(ctx, &result, err));
    if (breaks("results: twice")) TRY(sink->report(ctx, &result, err));
  }
  return LETHE_OK;
}

static const lethe_metric metric = {sizeof metric, 0, begin, update, finish};
static const lethe_strategy strategy = {.size = sizeof strategy, .id = "test.metric", .role = LETHE_ROLE_METRIC,
                                        .table = &metric, .create = create, .destroy = destroy, .prepare = prepare};
static const lethe_plugin plugin = {sizeof plugin, 1, "test.broken", "1.0.0", &strategy, sizeof strategy, 0};

LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *given, const lethe_plugin **out, lethe_error *err) {
  if (!LETHE_HAS(given, service)) return lethe_fail(err, LETHE_E_PRECONDITION, "the host is older than this plugin");
  host = given;
  *out = &plugin;
  return LETHE_OK;
}
LETHE_MANIFEST_FILE("manifest.json");
