/* What is forgotten should look like nothing that the model knows: every class as likely as any other.
 *
 *   L(theta) = mean over D_r of CE(theta; x, y)  -  strength/C * mean over D_f of  sum_c log p_c(x)
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_task *task;
  const lethe_models *models;
  lethe_op narrow, log_softmax, sum, scale, detach;
  double strength;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->task = info->host->service(info->host, LETHE_TASK);
  self->models = info->host->service(info->host, LETHE_MODEL);
  self->strength = info->params[0].as.f; /* the manifest's first parameter: its type, range and default are the host's work */
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status retune(lethe_self self, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)err;
  self->strength = info->params[0].as.f;
  return LETHE_OK;
}

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_NARROW, &self->narrow, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_LOG_SOFTMAX_INT, &self->log_softmax, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_SUM_DIM_INTLIST, &self->sum, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_MUL_SCALAR, &self->scale, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_DETACH, &self->detach, err);
  return status;
}

/* Rows start ... start + count of a tensor. */
static lethe_status rows(lethe_self self, lethe_ctx ctx, lethe_tensor tensor, int64_t start, int64_t count,
                         lethe_tensor *out, lethe_error *err) {
  const lethe_value args[] = {lethe_of_tensor(tensor), lethe_of_int(0), lethe_of_int(start), lethe_of_int(count)};
  return lethe_call(self->ops, ctx, self->narrow, args, 4, out, err);
}

/* -1/C sum_c log p_c of each row of outputs [n, C]. */
static lethe_status flat_losses(lethe_self self, lethe_ctx ctx, lethe_tensor outputs, lethe_tensor *out,
                                lethe_error *err) {
  static const int64_t classes[] = {1};
  lethe_task_info task = {.size = sizeof task};
  lethe_status status = self->task->describe(ctx, &task, err);
  lethe_tensor found = NULL;
  const lethe_value logarithms[] = {lethe_of_tensor(outputs), lethe_of_int(1)};
  if (status == LETHE_OK) status = lethe_call(self->ops, ctx, self->log_softmax, logarithms, 2, &found, err);
  const lethe_value summed[] = {lethe_of_tensor(found), lethe_of_ints(classes, 1)};
  if (status == LETHE_OK) status = lethe_call(self->ops, ctx, self->sum, summed, 2, &found, err);
  const lethe_value scaled[] = {lethe_of_tensor(found), lethe_of_float(-1.0 / (double)task.classes)};
  if (status == LETHE_OK) status = lethe_call(self->ops, ctx, self->scale, scaled, 2, out, err);
  return status;
}

static lethe_status terms(lethe_self self, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  for (uint32_t i = 0; i < in->batch_count; i++) {
    const lethe_batch *batch = lethe_batch_at(in, i);
    const int64_t n = batch->forget_count, m = batch->retain_count;
    const lethe_forward forward = {.size = sizeof forward, .inputs = batch->inputs};
    lethe_tensor outputs = NULL, losses = NULL, known = NULL;
    lethe_status status = self->models->forward(ctx, in->model, &forward, &outputs, err);
    if (status == LETHE_OK) status = self->task->losses(ctx, outputs, batch->labels, &losses, err);
    if (status == LETHE_OK && n > 0 && (in->sets & LETHE_SET_FORGET) != 0) {
      lethe_term term = {.size = sizeof term, .set = LETHE_SET_FORGET, .name = "forget", .coefficient = self->strength};
      /* The samples to forget come first in a batch. */
      status = rows(self, ctx, outputs, 0, n, &outputs, err);
      if (status == LETHE_OK) status = flat_losses(self, ctx, outputs, &term.losses, err);
      if (status == LETHE_OK) status = rows(self, ctx, losses, 0, n, &known, err);
      /* Reweighters ask how well a sample is known: that is its loss with the true label. */
      const lethe_value detached[] = {lethe_of_tensor(known)};
      if (status == LETHE_OK) status = lethe_call(self->ops, ctx, self->detach, detached, 1, &term.clean_losses, err);
      if (status == LETHE_OK) status = rows(self, ctx, batch->indices, 0, n, &term.indices, err);
      if (status == LETHE_OK) status = sink->add(ctx, &term, err);
    }
    if (status == LETHE_OK && m > 0 && (in->sets & LETHE_SET_RETAIN) != 0) {
      lethe_term term = {.size = sizeof term, .set = LETHE_SET_RETAIN, .name = "retain", .coefficient = 1};
      status = rows(self, ctx, losses, n, m, &term.losses, err);
      if (status == LETHE_OK) status = rows(self, ctx, batch->indices, n, m, &term.indices, err);
      if (status == LETHE_OK) status = sink->add(ctx, &term, err);
    }
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static const lethe_objective objective = {.size = sizeof objective, .terms = terms};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.flatten",
                                        .role = LETHE_ROLE_OBJECTIVE,
                                        .table = &objective,
                                        .create = create,
                                        .destroy = destroy,
                                        .prepare = prepare,
                                        .retune = retune};
static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "org.example.flatten",
                                    .version = "0.1.0",
                                    .strategies = &strategy,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategy};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
