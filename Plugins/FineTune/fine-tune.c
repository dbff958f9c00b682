/* SPDX-License-Identifier: Apache-2.0
 *
 * Fine-tuning, or naive deletion: train on, but only on what is to be kept.
 *
 *   L(theta) = mean over the retain set of the task's own loss:
 *              CE(theta; x, y), or for diffusion |eps - eps_theta(x_t, t)|^2 with t and eps drawn anew
 */
#include <lethe/lethe.h>

/* The service, looked up once: it is the same for every instance. */
static const lethe_task *task;

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  static char nothing; /* an instance has nothing to remember; its address only has to be one */
  (void)ctx;
  task = info->host->service(info->host, LETHE_TASK);
  if (!LETHE_HAS(task, batch_losses))
    return lethe_fail(err, LETHE_E_PRECONDITION, "the host's lethe.task/1 lacks batch_losses");
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

    lethe_task_losses found = {.size = sizeof found};
    lethe_status status = task->batch_losses(ctx, in->model, batch, &found, err);
    if (status != LETHE_OK) return status;

    lethe_term term = {.size = sizeof term, .set = LETHE_SET_RETAIN, .name = "retain", .coefficient = 1};
    term.losses = found.losses;
    term.timesteps = found.timesteps;
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
