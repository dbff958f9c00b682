/* A metric that says what it was shown of a diffusion model: the mean loss and the mean timestep of each set, how many
 * images were drawn, and how far their pixels go from zero. */
#include <lethe/lethe.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

LETHE_MANIFEST_FILE("manifest.json");

struct lethe_self_ {
  const lethe_tensors *tensors;
  double losses[4], timesteps[4], shown[4], drawn, farthest;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->tensors = info->host->service(info->host, LETHE_TENSORS);
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status begin(lethe_self self, lethe_ctx ctx, const lethe_metric_begin *in, lethe_error *err) {
  (void)ctx, (void)in, (void)err;
  const lethe_tensors *tensors = self->tensors;
  memset(self, 0, sizeof *self);
  self->tensors = tensors;
  return LETHE_OK;
}

static lethe_status read(lethe_self self, lethe_ctx ctx, lethe_tensor tensor, double **out, uint64_t *count,
                         lethe_error *err) {
  int64_t dims[4];
  uint32_t rank;
  lethe_status status = self->tensors->shape(ctx, tensor, dims, 4, &rank, err);
  *count = 1;
  for (uint32_t i = 0; status == LETHE_OK && i < rank; i++) *count *= (uint64_t)dims[i];
  *out = status == LETHE_OK ? malloc(*count * sizeof **out) : NULL;
  if (status == LETHE_OK) status = self->tensors->read(ctx, tensor, LETHE_DTYPE_FLOAT64, *out, *count * sizeof **out, err);
  return status;
}

static lethe_status update(lethe_self self, lethe_ctx ctx, const lethe_metric_in *in, lethe_error *err) {
  double *values = NULL;
  uint64_t count = 0;
  lethe_status status = LETHE_OK;
  if (in->samples != NULL) {
    status = read(self, ctx, in->samples, &values, &count, err);
    for (uint64_t i = 0; status == LETHE_OK && i < count; i++) self->farthest = fmax(self->farthest, fabs(values[i]));
    self->drawn += (double)in->count;
    free(values);
    return status;
  }
  for (int set = 0; set < 4 && status == LETHE_OK; set++) {
    if (in->set != 1u << set) continue;
    status = read(self, ctx, in->losses, &values, &count, err);
    for (uint64_t i = 0; status == LETHE_OK && i < count; i++) self->losses[set] += values[i];
    free(values);
    values = NULL;
    if (status == LETHE_OK) status = read(self, ctx, in->timesteps, &values, &count, err);
    for (uint64_t i = 0; status == LETHE_OK && i < count; i++) self->timesteps[set] += values[i];
    free(values);
    self->shown[set] += (double)in->count;
  }
  return status;
}

static lethe_status finish(lethe_self self, lethe_ctx ctx, const lethe_result_sink *sink, lethe_error *err) {
  for (int set = 0; set < 4; set++) {
    if (self->shown[set] == 0) continue;
    lethe_result result = {.size = sizeof result, .name = "mean-loss", .set = 1u << set,
                           .value = self->losses[set] / self->shown[set], .samples = (int64_t)self->shown[set]};
    lethe_status status = sink->report(ctx, &result, err);
    result.name = "mean-timestep";
    result.value = self->timesteps[set] / self->shown[set];
    if (status == LETHE_OK) status = sink->report(ctx, &result, err);
    if (status != LETHE_OK) return status;
  }
  lethe_result result = {.size = sizeof result, .name = "drawn", .value = self->drawn};
  const lethe_status status = sink->report(ctx, &result, err);
  if (status != LETHE_OK) return status;
  result.name = "farthest";
  result.value = self->farthest;
  return sink->report(ctx, &result, err);
}

static const lethe_metric metric = {sizeof metric, 0, begin, update, finish};
static const lethe_strategy strategy = {.size = sizeof strategy, .id = "org.example.looks", .role = LETHE_ROLE_METRIC,
                                        .table = &metric, .create = create, .destroy = destroy};
static const lethe_plugin plugin = {sizeof plugin, 1, "org.example.looking", "1.0.0", &strategy, sizeof strategy, 0};

LETHE_DEFINE_PLUGIN(plugin)
