/* A procedure that keeps to every rule, or breaks the one that BROKEN names. */
#include "broken.h"

static lethe_status run(lethe_self s, lethe_ctx ctx, const lethe_procedure_in *in, lethe_error *err) {
  instance *self = (instance *)s;
  const lethe_models *models = host->service(host, LETHE_MODEL);
  const lethe_autograd *autograd = host->service(host, LETHE_AUTOGRAD);
  if (breaks("stale-context")) core()->cancelled(self->old_ctx), ctx = self->old_ctx;
  if (breaks("cancel")) usleep(1300 * 1000);
  if (core()->cancelled(ctx)) return LETHE_E_CANCELLED;
  lethe_named_tensors parameters = {.size = sizeof parameters};
  TRY(models->parameters(ctx, in->model, &parameters, err));
  (void)autograd->set_no_grad(ctx, 1);
  double factor = breaks("procedure") ? NAN : breaks("procedure: infinite") ? INFINITY : 1.5;
  if (breaks("determinism")) factor += 1e-3 * (double)(++steps_of_all);
  for (uint32_t i = 0; i < parameters.count; i++) {
    const lethe_value args[2] = {lethe_of_tensor(parameters.tensors[i]), lethe_of_float(factor)};
    lethe_tensor out;
    const lethe_status status =
        call(ctx, "aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", args, 2, &out, err);
    if (status != LETHE_OK && !breaks("ignored-failure")) return failed(status, err);
  }
  return LETHE_OK;
}

static const lethe_procedure procedure = {sizeof procedure, 0, run};
static const lethe_strategy strategy = {.size = sizeof strategy, .id = "test.procedure", .role = LETHE_ROLE_PROCEDURE,
                                        .table = &procedure, .create = create, .destroy = destroy, .prepare = prepare};
static const lethe_plugin plugin = {sizeof plugin, 1, "test.broken", "1.0.0", &strategy, sizeof strategy, 0};

LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *given, const lethe_plugin **out, lethe_error *err) {
  if (!LETHE_HAS(given, service)) return lethe_fail(err, LETHE_E_PRECONDITION, "the host is older than this plugin");
  host = given;
  *out = &plugin;
  return LETHE_OK;
}

LETHE_MANIFEST_FILE("manifest.json");
