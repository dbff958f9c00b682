/* One long step up the forget loss: the forget set's task vector is subtracted, to first order.
 *
 *   theta_u = theta_o + rate * d/d theta  mean over D_f of CE(theta_o; x, y)          running statistics
 */
#include <lethe/lethe.h>
#include <stdlib.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_core *core;
  const lethe_tensors *tensors;
  const lethe_models *models;
  const lethe_task *task;
  const lethe_autograd *autograd;
  const lethe_data *data;
  lethe_op sum, add, detach, zeros_like;
  double rate;
  int64_t batch;
};

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  const lethe_host *host = info->host;
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = host->service(host, LETHE_OPS);
  self->core = host->service(host, LETHE_CORE);
  self->tensors = host->service(host, LETHE_TENSORS);
  self->models = host->service(host, LETHE_MODEL);
  self->task = host->service(host, LETHE_TASK);
  self->autograd = host->service(host, LETHE_AUTOGRAD);
  self->data = host->service(host, LETHE_DATA);
  self->rate = info->params[0].as.f; /* in the manifest's order: type, range and default are the host's work */
  self->batch = info->params[1].as.i;
  *out = self;
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status prepare(lethe_self self, lethe_ctx ctx, lethe_error *err) {
  lethe_status status = self->ops->resolve(ctx, LETHE_ATEN_SUM, &self->sum, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ADD_IN_PLACE_TENSOR, &self->add, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_DETACH, &self->detach, err);
  if (status == LETHE_OK) status = self->ops->resolve(ctx, LETHE_ATEN_ZEROS_LIKE, &self->zeros_like, err);
  return status;
}

/* a += factor * b */
static lethe_status add(lethe_self self, lethe_ctx ctx, lethe_tensor a, double factor, lethe_tensor b, lethe_error *err) {
  const lethe_value args[] = {lethe_of_tensor(a), lethe_of_tensor(b), lethe_of_float(factor)};
  lethe_tensor same;
  return lethe_call(self->ops, ctx, self->add, args, 3, &same, err);
}

/* Adds the gradient of the summed loss of one batch to `sums`. */
static lethe_status add_gradient(lethe_self self, lethe_ctx ctx, lethe_model model, const lethe_batch *batch,
                                 const lethe_named_tensors *parameters, lethe_tensor *gradients,
                                 const lethe_tensor *sums, lethe_error *err) {
  const lethe_forward pass = {.size = sizeof pass, .flags = LETHE_FORWARD_EVAL, .inputs = batch->inputs};
  lethe_tensor logits, losses, loss;
  lethe_status status = self->models->forward(ctx, model, &pass, &logits, err);
  if (status == LETHE_OK) status = self->task->losses(ctx, logits, batch->labels, &losses, err);
  if (status != LETHE_OK) return status;
  const lethe_value all[] = {lethe_of_tensor(losses)};
  status = lethe_call(self->ops, ctx, self->sum, all, 1, &loss, err);
  if (status == LETHE_OK)
    status = self->autograd->gradient(ctx, &loss, NULL, 1, parameters->tensors, parameters->count,
                                      LETHE_GRAD_ALLOW_UNUSED, gradients, err);
  for (uint32_t i = 0; i < parameters->count && status == LETHE_OK; i++)
    if (gradients[i] != NULL) status = add(self, ctx, sums[i], 1, gradients[i], err);
  return status;
}

static lethe_status move(lethe_self self, lethe_ctx ctx, lethe_model model, const lethe_named_tensors *parameters,
                         lethe_tensor *gradients, lethe_tensor *sums, lethe_error *err) {
  lethe_status status = LETHE_OK;
  for (uint32_t i = 0; i < parameters->count && status == LETHE_OK; i++) {
    const lethe_value parameter[] = {lethe_of_tensor(parameters->tensors[i])};
    lethe_tensor values;
    status = lethe_call(self->ops, ctx, self->detach, parameter, 1, &values, err);
    if (status != LETHE_OK) return status;
    const lethe_value like[] = {lethe_of_tensor(values)};
    status = lethe_call(self->ops, ctx, self->zeros_like, like, 1, &sums[i], err);
  }
  lethe_task_info task = {.size = sizeof task};
  if (status == LETHE_OK) status = self->task->describe(ctx, &task, err);
  if (status != LETHE_OK) return status;
  const lethe_pass pass = {.size = sizeof pass, .set = LETHE_SET_FORGET, .batch = self->batch};
  const int64_t batches = (task.forget + self->batch - 1) / self->batch;
  for (int64_t number = 0; number < batches; number++) {
    if (self->core->cancelled(ctx)) return lethe_fail(err, LETHE_E_CANCELLED, "the run was asked to stop");
    const uint64_t mark = self->tensors->mark(ctx);
    lethe_batch batch = {.size = sizeof batch};
    status = self->data->batch(ctx, &pass, number, &batch, err);
    if (status == LETHE_OK) status = add_gradient(self, ctx, model, &batch, parameters, gradients, sums, err);
    if (status == LETHE_OK) status = self->tensors->release_to(ctx, mark, err);
    if (status != LETHE_OK) return status;
    self->data->progress(ctx, number + 1, batches);
  }
  const int32_t before = self->autograd->set_no_grad(ctx, 1);
  for (uint32_t i = 0; i < parameters->count && status == LETHE_OK; i++)
    status = add(self, ctx, parameters->tensors[i], self->rate / (double)task.forget, sums[i], err);
  self->autograd->set_no_grad(ctx, before);
  return status;
}

static lethe_status run(lethe_self self, lethe_ctx ctx, const lethe_procedure_in *in, lethe_error *err) {
  lethe_named_tensors parameters = {.size = sizeof parameters};
  const lethe_status status = self->models->parameters(ctx, in->model, &parameters, err);
  if (status != LETHE_OK) return status;
  lethe_tensor *lists = self->core->scratch(ctx, 2 * parameters.count * sizeof *lists, sizeof(void *));
  if (lists == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  return move(self, ctx, in->model, &parameters, lists, lists + parameters.count, err);
}

static const lethe_procedure procedure = {.size = sizeof procedure, .run = run};
static const lethe_strategy strategy = {.size = sizeof strategy,
                                        .id = "org.example.my-method",
                                        .role = LETHE_ROLE_PROCEDURE,
                                        .table = &procedure,
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
