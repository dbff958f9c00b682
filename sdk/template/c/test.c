/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the plugin in the smallest host that can: three operators over arrays of doubles.
 */
#include <assert.h>
#include <dlfcn.h>
#include <lethe/lethe.h>
#include <stdio.h>
#include <string.h>

#undef NDEBUG
#define N 4

typedef struct array { double at[N]; } array;
static array arena[16];
static int used;

static lethe_tensor make(void) { return (lethe_tensor)(void *)&arena[used++]; }
static double *at(lethe_value v) { return ((array *)(void *)v.as.t)->at; }

static lethe_status resolve(lethe_ctx ctx, const char *schema, lethe_op *out, lethe_error *err) {
  static char handles[3];
  static const char *const known[] = {LETHE_ATEN_GE_SCALAR, LETHE_ATEN_FULL_LIKE, LETHE_ATEN_MASKED_FILL_SCALAR};
  (void)ctx;
  for (int i = 0; i < 3; i++) {
    if (strcmp(schema, known[i]) != 0) continue;
    handles[i] = (char)i;
    *out = (lethe_op)(void *)&handles[i];
    return LETHE_OK;
  }
  return lethe_fail(err, LETHE_E_NOT_FOUND, schema);
}

static lethe_status call(lethe_ctx ctx, lethe_op op, const lethe_value *args, uint32_t n_args, lethe_value *rets,
                         uint32_t n_rets, lethe_error *err) {
  (void)ctx, (void)err;
  assert(n_rets == 1 && n_args >= 2);
  rets[0] = lethe_of_tensor(make());
  for (int i = 0; i < N; i++) {
    switch (*(const char *)(const void *)op) {
      case 0: at(rets[0])[i] = at(args[0])[i] >= args[1].as.f; break;
      case 1: at(rets[0])[i] = args[1].as.f; break;
      default: at(rets[0])[i] = at(args[1])[i] != 0 ? args[2].as.f : at(args[0])[i];
    }
  }
  return LETHE_OK;
}

static const lethe_ops ops = {.size = sizeof ops, .resolve = resolve, .call = call};
static const void *service(const lethe_host *host, const char *id) {
  (void)host;
  return strcmp(id, LETHE_OPS) == 0 ? &ops : NULL;
}
static const lethe_host host = {.size = sizeof host, .name = "test", .version = "0", .service = service};

int main(int argc, char **argv) {
  assert(argc == 2);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  lethe_plugin_abi0_fn enter;
  *(void **)&enter = dlsym(library, "lethe_plugin_abi0");
  assert(enter != NULL);

  const lethe_plugin *plugin = NULL;
  assert(enter(&host, &plugin, NULL) == LETHE_OK && plugin->strategy_count == 1);
  const lethe_host old = {.size = 8};
  assert(enter(&old, &plugin, NULL) == LETHE_E_PRECONDITION);

  const lethe_strategy *strategy = plugin->strategies;
  assert(strcmp(strategy->id, "org.example.cap") == 0);
  const lethe_value cap = lethe_of_float(2.0);
  const lethe_create_info info = {.size = sizeof info, .param_count = 1, .host = &host, .params = &cap,
                                  .strategy = strategy};
  lethe_self self = NULL;
  assert(strategy->create(NULL, &info, &self, NULL) == LETHE_OK);
  assert(strategy->prepare(self, NULL, NULL) == LETHE_OK);

  const lethe_reweighter *table = strategy->table;
  lethe_value losses = lethe_of_tensor(make());
  const double values[N] = {0.5, 2.0, 1.999, 7.0}, expected[N] = {0.25, 0, 0.25, 0};
  memcpy(at(losses), values, sizeof values);
  lethe_reweigh_in in = {.size = sizeof in, .set = LETHE_SET_FORGET, .count = N};
  in.losses = in.clean_losses = losses.as.t;
  lethe_tensor weights = NULL;
  assert(table->weigh(self, NULL, &in, &weights, NULL) == LETHE_OK && weights != NULL);
  assert(memcmp(at(lethe_of_tensor(weights)), expected, sizeof expected) == 0);

  in.set = LETHE_SET_RETAIN;
  weights = NULL;
  assert(table->weigh(self, NULL, &in, &weights, NULL) == LETHE_OK && weights == NULL);
  strategy->destroy(self);
  puts("cap: ok");
  return 0;
}
