/* SPDX-License-Identifier: Apache-2.0
 *
 * Fine-tuning, or naive deletion: train on, but only on what is to be kept.
 *
 *   L(theta) = mean over (x, y) in D_r of  CE(theta; x, y)
 */
#include <lethe/lethe.h>

/* The services, looked up once: they are the same for every instance. */
static const lethe_models *models;
static const lethe_task *task;

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  static char nothing; /* an instance has nothing to remember; its address only has to be one */
  (void)ctx;
  models = info->host->service(info->host, LETHE_MODEL);
  task = info->host->service(info->host, LETHE_TASK);
  if (!LETHE_HAS(models, forward) || !LETHE_HAS(task, losses))
    return lethe_fail(err, LETHE_E_PRECONDITION, "the host lacks lethe.model/1 or lethe.task/1");
  *out = (lethe_self)(void *)&nothing;
  return LETHE_OK;
}

static void destroy(lethe_self self) { (void)self; }

static lethe_status terms(lethe_self self, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  (void)self;
  for (uint32_t i = 0; i < in->batch_count; i++) {
    const lethe_batch *batch = lethe_batch_at(in, i);
    if (batch->retain_count == 0 || batch->forget_count != 0)
      return lethe_fail(err, LETHE_E_PRECONDITION, "fine-tune wants batches of the retain set alone");

    const lethe_forward input = {sizeof input, 0, batch->inputs};
    lethe_tensor logits, losses;
    lethe_status status = models->forward(ctx, in->model, &input, &logits, err);
    if (status == LETHE_OK) status = task->losses(ctx, logits, batch->labels, &losses, err);
    if (status != LETHE_OK) return status;

    lethe_term term = {.size = sizeof term, .set = LETHE_SET_RETAIN, .name = "retain", .coefficient = 1};
    term.losses = losses;
    term.indices = batch->indices;
    status = sink->add(ctx, &term, err);
    if (status != LETHE_OK) return status;
  }
  return LETHE_OK;
}

static const lethe_objective objective = {.size = sizeof objective, .terms = terms};

static const lethe_strategy strategies[] = {{.size = sizeof(lethe_strategy),
                                             .id = "fine-tune",
                                             .role = LETHE_ROLE_OBJECTIVE,
                                             .table = &objective,
                                             .create = create,
                                             .destroy = destroy}};

static const lethe_plugin plugin = {.size = sizeof plugin,
                                    .id = "lethe.fine-tune",
                                    .version = "0.1.0",
                                    .strategies = strategies,
                                    .strategy_count = 1,
                                    .strategy_stride = sizeof strategies[0]};

LETHE_DEFINE_PLUGIN(plugin)
