/* Samples with a large loss count more:
 *
 *   w_i = exp(loss_i / temperature) / sum over the term's samples of exp(loss_j / temperature)
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  lethe_op div, softmax;
  double temperature;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->temperature = info->params[0].as.f; /* its type, range and default are the host's work */
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status retune(lethe_self self, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)err;
  self->temperature = info->params[0].as.f;
  return LETHE_OK;
}

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_DIV_SCALAR, &self->div, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_SOFTMAX_INT, &self->softmax, err);
  return status;
}

static lethe_status weigh(lethe_self self, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_tensor *weights,
                          lethe_error *err) {
  lethe_tensor scaled;
  const lethe_value divide[] = {lethe_of_tensor(in->losses), lethe_of_float(self->temperature)};
  const lethe_status status = lethe_call(self->ops, ctx, self->div, divide, 2, &scaled, err);
  if (status != LETHE_OK) return status;
  const lethe_value normalise[] = {lethe_of_tensor(scaled), lethe_of_int(0)};
  return lethe_call(self->ops, ctx, self->softmax, normalise, 2, weights, err);
}

static const lethe_reweighter reweighter = {.size = sizeof reweighter, .weigh = weigh};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_REWEIGHTER,
                                        .table = &reweighter,
                                        .create = create,
                                        .destroy = destroy,
                                        .prepare = prepare,
                                        .retune = retune};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.my-method",
                                    .version = "0.1.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
