/* Forgetting does not work against keeping. With the gradients f and r of the forget and of the retain term:
 *
 *   direction = f + r - min(0, <f, r>) / max(<r, r>, floor) * r
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_steps *steps;
  lethe_op clamp, div, neg, add;
  double floor;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->steps = info->host->service(info->host, LETHE_STEP);
  self->floor = info->params[0].as.f; /* its type, range and default are the host's work */
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_CLAMP, &self->clamp, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_DIV_TENSOR, &self->div, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_NEG, &self->neg, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ADD_SCALAR, &self->add, err);
  return status;
}

/* 1 - min(0, <f, r>) / max(<r, r>, floor), a scalar that no host waits for. */
static lethe_status scale(lethe_self self, lethe_ctx ctx, const lethe_named_tensors *f, const lethe_named_tensors *r,
                          lethe_tensor *out, lethe_error *err) {
  lethe_tensor across, along, share, least;
  lethe_status status = self->steps->dot(ctx, f->tensors, r->tensors, r->count, &across, err);
  if (status == LETHE_OK) status = self->steps->dot(ctx, r->tensors, r->tensors, r->count, &along, err);
  if (status != LETHE_OK) return status;
  const lethe_value most[] = {lethe_of_tensor(across), lethe_none(), lethe_of_float(0)};
  status = lethe_call(self->ops, ctx, self->clamp, most, 3, &across, err);
  if (status != LETHE_OK) return status;
  const lethe_value bound[] = {lethe_of_tensor(along), lethe_of_float(self->floor)};
  status = lethe_call(self->ops, ctx, self->clamp, bound, 2, &least, err);
  if (status != LETHE_OK) return status;
  const lethe_value divide[] = {lethe_of_tensor(across), lethe_of_tensor(least)};
  status = lethe_call(self->ops, ctx, self->div, divide, 2, &share, err);
  if (status != LETHE_OK) return status;
  const lethe_value negate[] = {lethe_of_tensor(share)};
  status = lethe_call(self->ops, ctx, self->neg, negate, 1, &share, err);
  if (status != LETHE_OK) return status;
  const lethe_value plus[] = {lethe_of_tensor(share), lethe_of_float(1)};
  return lethe_call(self->ops, ctx, self->add, plus, 2, out, err);
}

static lethe_status combine(lethe_self self, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)progress;
  uint32_t count = 0;
  lethe_status status = self->steps->count(ctx, &count, err);
  if (status != LETHE_OK) return status;
  if (count != 2) return lethe_fail(err, LETHE_E_PRECONDITION, "my-method joins a forget and a retain term, no others");
  lethe_named_tensors f = {.size = sizeof f}, r = {.size = sizeof r};
  for (uint32_t i = 0; i < 2; i++) {
    lethe_step_term term = {.size = sizeof term};
    status = self->steps->term(ctx, i, &term, err);
    if (status == LETHE_OK) status = self->steps->gradient(ctx, i, term.set == LETHE_SET_FORGET ? &f : &r, err);
    if (status != LETHE_OK) return status;
  }
  if (f.tensors == NULL || r.tensors == NULL)
    return lethe_fail(err, LETHE_E_PRECONDITION, "my-method joins a forget and a retain term, no others");
  lethe_tensor factor;
  status = scale(self, ctx, &f, &r, &factor, err);
  if (status != LETHE_OK) return status;
  lethe_tensor *direction = calloc(r.count, sizeof *direction);
  if (direction == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  status = self->steps->axpy(ctx, f.tensors, factor, r.tensors, r.count, direction, err);
  if (status == LETHE_OK) status = self->steps->set_direction(ctx, direction, r.count, err);
  free(direction);
  return status;
}

static const lethe_updater updater = {.size = sizeof updater, .combine = combine};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_UPDATER,
                                        .table = &updater,
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
