/* An objective built against headers of a later minor than the host's: `.ci/kept-versions` patches a field `tomorrow` into
 * the structs. It looks before it reads what is new, finds none of it, and gives the host more than it knows. */
#include <lethe/lethe.h>
#include <stdlib.h>
#include <string.h>

struct lethe_self_ {
  const lethe_ops *ops;
  const lethe_task *task;
};

static lethe_status tomorrow(lethe_ctx ctx, lethe_error *err) {
  (void)ctx;
  return lethe_fail(err, LETHE_E_INTERNAL, "the host called what it does not know");
}

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  if (info->host->abi_minor + 1 != LETHE_ABI_MINOR)
    return lethe_fail(err, LETHE_E_PRECONDITION, "the host is not of the minor before these headers");
  if (LETHE_HAS(info, tomorrow)) return lethe_fail(err, LETHE_E_INTERNAL, "lethe_create_info has a slot of tomorrow");
  lethe_self self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "no memory");
  self->ops = info->host->service(info->host, LETHE_OPS);
  self->task = info->host->service(info->host, LETHE_TASK);
  *out = self;
  if (LETHE_HAS(self->ops, tomorrow)) return lethe_fail(err, LETHE_E_INTERNAL, "lethe_ops has a slot of tomorrow");
  if (info->host->service(info->host, "lethe.tomorrow/1") != NULL)
    return lethe_fail(err, LETHE_E_INTERNAL, "there is a service of tomorrow");
  return LETHE_OK;
}

static void destroy(lethe_self self) { free(self); }

static lethe_status terms(lethe_self self, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  if (LETHE_HAS(in, tomorrow) || LETHE_HAS(sink, tomorrow) || LETHE_HAS(err, tomorrow))
    return lethe_fail(err, LETHE_E_INTERNAL, "a struct of the call has a field of tomorrow");
  for (uint32_t i = 0; i < in->batch_count; i++) {
    const lethe_batch *batch = lethe_batch_at(in, i);
    lethe_task_losses found = {.size = sizeof found};
    const lethe_status status = self->task->batch_losses(ctx, in->model, batch, &found, err);
    if (status != LETHE_OK) return status;
    lethe_term term = {.size = sizeof term, .set = LETHE_SET_RETAIN, .name = "retain", .coefficient = 1,
                       .losses = found.losses, .indices = batch->indices};
    memset(term.tomorrow, 0xA5, sizeof term.tomorrow);
    const lethe_status added = sink->add(ctx, &term, err);
    if (added != LETHE_OK) return added;
  }
  return LETHE_OK;
}

static const lethe_objective objective = {.size = sizeof(lethe_objective), .terms = terms, .tomorrow = tomorrow};

static const lethe_strategy strategies[] = {{
    .size = sizeof(lethe_strategy), .id = ID, .role = LETHE_ROLE_OBJECTIVE, .table = &objective,
    .create = create, .destroy = destroy, .tomorrow = tomorrow}};

static const lethe_plugin plugin = {
    .size = sizeof(lethe_plugin), .strategy_count = 1, .id = ID, .version = "1.0.0", .strategies = strategies,
    .strategy_stride = sizeof(lethe_strategy), .tomorrow = tomorrow};

LETHE_DEFINE_PLUGIN(plugin)
LETHE_MANIFEST_FILE("manifest.json");
