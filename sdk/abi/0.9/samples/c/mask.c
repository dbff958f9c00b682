/* Only the weights that the forget set pulls at may move:
 *
 *   score_k = sum over batches b of D_f of  n_b * | d/d theta_k  mean over b of CE |
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_tensors *tensors;
  lethe_op detach, zeros_like, abs, add;
  lethe_tensor *sums; /* kept: they outlive the callbacks */
  uint32_t count;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->tensors = info->host->service(info->host, LETHE_TENSORS);
  *out = self;
  return LETHE_OK;
}

static void forget_sums(lethe_self self) {
  for (uint32_t i = 0; i < self->count; i++) self->tensors->drop(self->sums[i]);
  free(self->sums);
  self->sums = NULL;
  self->count = 0;
}

static void destroy(lethe_self self) {
  forget_sums(self);
  free(self);
}

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_DETACH, &self->detach, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ZEROS_LIKE, &self->zeros_like, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ABS, &self->abs, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ADD_IN_PLACE_TENSOR, &self->add, err);
  return status;
}

static lethe_status begin(lethe_self self, lethe_ctx ctx, const lethe_named_tensors *parameters, lethe_walk *walk,
                          lethe_error *err) {
  (void)walk; /* the host's defaults: running statistics, no steps */
  forget_sums(self);
  self->sums = calloc(parameters->count, sizeof *self->sums);
  if (self->sums == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  for (uint32_t i = 0; i < parameters->count; i++) {
    lethe_tensor values, zeros;
    const lethe_value parameter[] = {lethe_of_tensor(parameters->tensors[i])};
    lethe_status status = lethe_call(self->ops, ctx, self->detach, parameter, 1, &values, err);
    if (status != LETHE_OK) return status;
    const lethe_value like[] = {lethe_of_tensor(values)};
    status = lethe_call(self->ops, ctx, self->zeros_like, like, 1, &zeros, err);
    if (status == LETHE_OK) status = self->tensors->keep(ctx, zeros, &self->sums[i], err);
    if (status != LETHE_OK) return status;
    self->count = i + 1;
  }
  return LETHE_OK;
}

static lethe_status accumulate(lethe_self self, lethe_ctx ctx, const lethe_named_tensors *gradients, int64_t count,
                               lethe_error *err) {
  if (gradients->count != self->count) return lethe_fail(err, LETHE_E_INTERNAL, "another number of parameters");
  for (uint32_t i = 0; i < self->count; i++) {
    if (gradients->tensors[i] == NULL) continue; /* a gradient of zero */
    lethe_tensor magnitude, sum;
    const lethe_value gradient[] = {lethe_of_tensor(gradients->tensors[i])};
    lethe_status status = lethe_call(self->ops, ctx, self->abs, gradient, 1, &magnitude, err);
    if (status != LETHE_OK) return status;
    const lethe_value add[] = {lethe_of_tensor(self->sums[i]), lethe_of_tensor(magnitude), lethe_of_float((double)count)};
    status = lethe_call(self->ops, ctx, self->add, add, 3, &sum, err);
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static lethe_status finish(lethe_self self, lethe_ctx ctx, lethe_tensor *scores, uint32_t n, lethe_error *err) {
  (void)ctx;
  if (n != self->count) return lethe_fail(err, LETHE_E_INTERNAL, "another number of parameters");
  for (uint32_t i = 0; i < n; i++) scores[i] = self->sums[i];
  return LETHE_OK;
}

static const lethe_mask mask = {.size = sizeof mask, .begin = begin, .accumulate = accumulate, .finish = finish};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_MASK,
                                        .table = &mask,
                                        .create = create,
                                        .destroy = destroy,
                                        .prepare = prepare};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.my-method",
                                    .version = "0.1.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
