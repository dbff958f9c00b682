/* Descent on what is kept, ascent on what is forgotten:
 *
 *   L(theta) = mean over D_r of CE(theta; x, y)  -  ascent * mean over D_f of CE(theta; x, y)
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_task *task;
  lethe_op narrow;
  double ascent;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->task = info->host->service(info->host, LETHE_TASK);
  self->ascent = info->params[0].as.f; /* the manifest's first parameter: its type, range and default are the host's work */
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status retune(lethe_self self, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)err;
  self->ascent = info->params[0].as.f;
  return LETHE_OK;
}

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  return self->ops->resolve(ctx, LETHE_ATEN_NARROW, &self->narrow, err);
}

/* Rows start ... start + count of a tensor. */
static lethe_status rows(lethe_self self, lethe_ctx ctx, lethe_tensor tensor, int64_t start, int64_t count,
                         lethe_tensor *out, lethe_error *err) {
  const lethe_value args[] = {lethe_of_tensor(tensor), lethe_of_int(0), lethe_of_int(start), lethe_of_int(count)};
  return lethe_call(self->ops, ctx, self->narrow, args, 4, out, err);
}

static lethe_status terms(lethe_self self, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  for (uint32_t i = 0; i < in->batch_count; i++) {
    const lethe_batch *batch = lethe_batch_at(in, i);
    lethe_task_losses found = {.size = sizeof found};
    lethe_status status = self->task->batch_losses(ctx, in->model, batch, &found, err);
    /* The samples to forget come first in a batch. */
    const lethe_term both[] = {
        {.size = sizeof(lethe_term), .set = LETHE_SET_FORGET, .name = "forget", .coefficient = -self->ascent},
        {.size = sizeof(lethe_term), .set = LETHE_SET_RETAIN, .name = "retain", .coefficient = 1}};
    const int64_t counts[] = {batch->forget_count, batch->retain_count};
    for (int64_t k = 0, start = 0; k < 2; start += counts[k], k++) {
      if (counts[k] == 0 || (in->sets & both[k].set) == 0) continue;
      lethe_term term = both[k];
      if (status == LETHE_OK) status = rows(self, ctx, found.losses, start, counts[k], &term.losses, err);
      if (status == LETHE_OK) status = rows(self, ctx, batch->indices, start, counts[k], &term.indices, err);
      if (status == LETHE_OK) status = sink->add(ctx, &term, err);
    }
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static const lethe_objective objective = {.size = sizeof objective, .terms = terms};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_OBJECTIVE,
                                        .table = &objective,
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
