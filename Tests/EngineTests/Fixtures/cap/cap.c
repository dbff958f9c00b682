/* SPDX-License-Identifier: Apache-2.0
 *
 * A complete reweighter. Once the model's loss on a forget sample has reached `cap`, the sample counts no more:
 *
 *   w_i = 1/n where loss_i < cap, else 0          loss_i with the true label; other terms keep uniform weights
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  lethe_op ge, full_like, masked_fill;
  double cap;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->cap = info->params[0].as.f; /* the manifest's first parameter: its type, range and default are the host's work */
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_GE_SCALAR, &self->ge, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_FULL_LIKE, &self->full_like, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_MASKED_FILL_SCALAR, &self->masked_fill, err);
  return status;
}

static lethe_status weigh(lethe_self self, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_tensor *weights,
                          lethe_error *err) {
  if (in->set != LETHE_SET_FORGET) return LETHE_OK; /* no weights: uniform */
  lethe_tensor reached, uniform;
  const lethe_value compare[] = {lethe_of_tensor(in->clean_losses), lethe_of_float(self->cap)};
  lethe_status status = lethe_call(self->ops, ctx, self->ge, compare, 2, &reached, err);
  if (status != LETHE_OK) return status;
  const lethe_value fill[] = {lethe_of_tensor(in->losses), lethe_of_float(1.0 / (double)in->count)};
  status = lethe_call(self->ops, ctx, self->full_like, fill, 2, &uniform, err);
  if (status != LETHE_OK) return status;
  const lethe_value mask[] = {lethe_of_tensor(uniform), lethe_of_tensor(reached), lethe_of_float(0)};
  return lethe_call(self->ops, ctx, self->masked_fill, mask, 3, weights, err);
}

static const lethe_reweighter reweighter = {.size = sizeof reweighter, .weigh = weigh};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.cap",
                                        .role = LETHE_ROLE_REWEIGHTER,
                                        .table = &reweighter,
                                        .create = create,
                                        .destroy = destroy,
                                        .prepare = prepare};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.cap",
                                    .version = "1.0.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
