/* A plugin with a strategy of every role. DOOM="ROLE.CALL DEED N" makes the callback do to its process what the deed says when
 * it is called for the N-th time: SEGV, ABRT, HANG, DEVOUR or EXIT. Otherwise it does the least that its role asks for. */
#include <lethe/lethe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LETHE_MANIFEST_FILE("manifest.json");

static const lethe_host *host;
static const lethe_tensors *tensors(void) { return host->service(host, LETHE_TENSORS); }

#define TRY(call) \
  do { \
    const lethe_status status_ = (call); \
    if (status_ != LETHE_OK) return status_; \
  } while (0)

static void meet(const char *role, const char *call) {
  static int times;
  char here[64], doomed[64] = "", deed[16] = "";
  int after = 1;
  const char *told = getenv("DOOM");
  if (told == NULL || sscanf(told, "%63s %15s %d", doomed, deed, &after) < 2) return;
  snprintf(here, sizeof here, "%s.%s", role, call);
  if (strcmp(here, doomed) != 0 || ++times < after) return;
  if (strcmp(deed, "SEGV") == 0) *(volatile int *)8 = 1;
  if (strcmp(deed, "ABRT") == 0) abort();
  if (strcmp(deed, "EXIT") == 0) exit(0);
  if (strcmp(deed, "HANG") == 0) for (volatile int spin = 1; spin;) {}
  if (strcmp(deed, "DEVOUR") == 0)
    for (int gibibyte = 0; gibibyte < 40; gibibyte++) {
      char *block = malloc((size_t)1 << 30);
      if (block) memset(block, 1, (size_t)1 << 30);
    }
}

/* ----------------------------------------------------------------------------------------------------- common calls */

/* The instance is its role's name. */
static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx, (void)err;
  const char *role = info->strategy->id + strlen("doom.");
  meet(role, "create");
  *out = (lethe_self)(uintptr_t)role;
  return LETHE_OK;
}

static void destroy(lethe_self s) { meet((const char *)s, "destroy"); }

static lethe_status prepare(lethe_self s, lethe_ctx ctx, lethe_error *err) {
  (void)ctx, (void)err;
  meet((const char *)s, "prepare");
  return LETHE_OK;
}

static lethe_status finish(lethe_self s, lethe_ctx ctx, lethe_error *err) {
  (void)ctx, (void)err;
  meet((const char *)s, "end");
  return LETHE_OK;
}

static lethe_status save(lethe_self s, lethe_ctx ctx, const lethe_stream *out, lethe_error *err) {
  (void)ctx, (void)err;
  meet((const char *)s, "save_state");
  return out->write(out->ctx, "x", 1) == 1 ? LETHE_OK : LETHE_E_INTERNAL;
}

static lethe_status load(lethe_self s, lethe_ctx ctx, uint32_t version, const lethe_stream *in, lethe_error *err) {
  (void)ctx, (void)version, (void)err;
  meet((const char *)s, "load_state");
  char byte;
  return in->read(in->ctx, &byte, 1) == 1 ? LETHE_OK : LETHE_E_INTERNAL;
}

static lethe_status retune(lethe_self s, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)info, (void)err;
  meet((const char *)s, "retune");
  return LETHE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ roles */

static lethe_status terms(lethe_self s, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  (void)s;
  meet("objective", "terms");
  const lethe_task *task = host->service(host, LETHE_TASK);
  const lethe_batch *batch = lethe_batch_at(in, 0);
  lethe_task_losses losses = {sizeof losses, 0, NULL, NULL};
  TRY(task->batch_losses(ctx, in->model, batch, &losses, err));
  const int forgets = batch->forget_count > 0;
  lethe_term term = {.size = sizeof term, .set = forgets ? LETHE_SET_FORGET : LETHE_SET_RETAIN,
                     .name = forgets ? "forget" : "retain", .coefficient = 1, .losses = losses.losses};
  return sink->add(ctx, &term, err);
}

static lethe_status weigh(lethe_self s, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_tensor *weights,
                          lethe_error *err) {
  (void)s, (void)ctx, (void)in, (void)weights, (void)err;
  meet("reweighter", "weigh");
  return LETHE_OK;
}

static int64_t dims[64][8];
static uint32_t ranks[64];

static lethe_status mask_begin(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *parameters, lethe_walk *walk,
                               lethe_error *err) {
  (void)s, (void)walk;
  meet("mask", "begin");
  for (uint32_t i = 0; i < parameters->count && i < 64; i++)
    TRY(tensors()->shape(ctx, parameters->tensors[i], dims[i], 8, &ranks[i], err));
  return LETHE_OK;
}

static lethe_status accumulate(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *gradients, int64_t count,
                               lethe_error *err) {
  (void)s, (void)ctx, (void)gradients, (void)count, (void)err;
  meet("mask", "accumulate");
  return LETHE_OK;
}

static lethe_status scores(lethe_self s, lethe_ctx ctx, lethe_tensor *out, uint32_t n, lethe_error *err) {
  (void)s;
  meet("mask", "finish");
  for (uint32_t i = 0; i < n; i++) {
    uint64_t count = 1;
    for (uint32_t k = 0; k < ranks[i]; k++) count *= (uint64_t)dims[i][k];
    float *zeros = calloc(count, sizeof *zeros);
    const lethe_status status =
        tensors()->make(ctx, LETHE_DTYPE_FLOAT32, dims[i], ranks[i], zeros, count * sizeof *zeros, &out[i], err);
    free(zeros);
    TRY(status);
  }
  return LETHE_OK;
}

static lethe_status combine(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)s, (void)progress;
  meet("updater", "combine");
  const lethe_steps *steps = host->service(host, LETHE_STEP);
  lethe_named_tensors first = {sizeof first, 0, NULL, NULL};
  TRY(steps->gradient(ctx, 0, &first, err));
  return steps->set_direction(ctx, first.tensors, first.count, err);
}

static lethe_status after_step(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)s, (void)ctx, (void)progress, (void)err;
  meet("updater", "after_step");
  return LETHE_OK;
}

static lethe_status scale_terms(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, uint32_t n,
                                lethe_tensor *scales, lethe_error *err) {
  (void)s, (void)ctx, (void)progress, (void)n, (void)scales, (void)err;
  meet("updater", "scale_terms");
  return LETHE_OK;
}

static lethe_status metric_begin(lethe_self s, lethe_ctx ctx, const lethe_metric_begin *in, lethe_error *err) {
  (void)s, (void)ctx, (void)in, (void)err;
  meet("metric", "begin");
  return LETHE_OK;
}

static lethe_status update(lethe_self s, lethe_ctx ctx, const lethe_metric_in *in, lethe_error *err) {
  (void)s, (void)ctx, (void)in, (void)err;
  meet("metric", "update");
  return LETHE_OK;
}

static lethe_status results(lethe_self s, lethe_ctx ctx, const lethe_result_sink *sink, lethe_error *err) {
  (void)s;
  meet("metric", "finish");
  lethe_result result = {.size = sizeof result, .name = "nothing", .value = 0};
  return sink->report(ctx, &result, err);
}

static lethe_status run(lethe_self s, lethe_ctx ctx, const lethe_procedure_in *in, lethe_error *err) {
  (void)s, (void)ctx, (void)in, (void)err;
  meet("procedure", "run");
  return LETHE_OK;
}

static const lethe_objective objective = {sizeof objective, 0, terms};
static const lethe_reweighter reweighter = {sizeof reweighter, 0, weigh};
static const lethe_mask mask = {sizeof mask, 0, mask_begin, accumulate, scores};
static const lethe_updater updater = {sizeof updater, 0, combine, after_step, scale_terms};
static const lethe_metric metric = {sizeof metric, 0, metric_begin, update, results};
static const lethe_procedure procedure = {sizeof procedure, 0, run};

#define STRATEGY(name, role, table) \
  {sizeof(lethe_strategy), 1, "doom." name, role, table, create, destroy, prepare, finish, save, load, retune}

static const lethe_strategy strategies[] = {
    STRATEGY("objective", LETHE_ROLE_OBJECTIVE, &objective), STRATEGY("reweighter", LETHE_ROLE_REWEIGHTER, &reweighter),
    STRATEGY("mask", LETHE_ROLE_MASK, &mask),                STRATEGY("updater", LETHE_ROLE_UPDATER, &updater),
    STRATEGY("metric", LETHE_ROLE_METRIC, &metric),          STRATEGY("procedure", LETHE_ROLE_PROCEDURE, &procedure),
};

static const lethe_plugin plugin = {sizeof plugin, 6, "test.doom", "1.0.0", strategies, sizeof(lethe_strategy), 0};

__attribute__((constructor)) static void constructor(void) { meet("plugin", "constructor"); }

LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *given, const lethe_plugin **out, lethe_error *err) {
  if (!LETHE_HAS(given, service)) return lethe_fail(err, LETHE_E_PRECONDITION, "the host is older than this plugin");
  meet("plugin", "entry");
  host = given;
  *out = &plugin;
  return LETHE_OK;
}
