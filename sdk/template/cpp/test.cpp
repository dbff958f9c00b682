// SPDX-License-Identifier: Apache-2.0
//
// Runs the plugin in the smallest host that can: three operators over arrays of doubles.
#undef NDEBUG
#include <dlfcn.h>
#include <lethe/lethe.h>

#include <array>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>

namespace {

using Array = std::array<double, 4>;
std::deque<Array> arena;
const std::array<const char *, 3> known = {LETHE_ATEN_MUL_SCALAR, LETHE_ATEN_EXP, LETHE_ATEN_DIV_SCALAR};

lethe_tensor lend(const Array &values) {
  arena.push_back(values);
  return reinterpret_cast<lethe_tensor>(&arena.back());
}
const Array &values(lethe_tensor tensor) { return *reinterpret_cast<const Array *>(tensor); }
double number(const lethe_value &value) {
  return value.tag == LETHE_T_INT ? static_cast<double>(value.as.i) : value.as.f;
}

lethe_status resolve(lethe_ctx, const char *schema, lethe_op *out, lethe_error *error) {
  for (size_t index = 0; index < known.size(); index++) {
    if (std::strcmp(schema, known[index]) != 0) continue;
    *out = reinterpret_cast<lethe_op>(index + 1);
    return LETHE_OK;
  }
  return lethe_fail(error, LETHE_E_NOT_FOUND, schema);
}

lethe_status call(lethe_ctx, lethe_op op, const lethe_value *args, uint32_t, lethe_value *rets, uint32_t n_rets,
                  lethe_error *) {
  assert(n_rets == 1);
  Array result = values(args[0].as.t);
  for (double &x : result) {
    switch (reinterpret_cast<size_t>(op)) {
      case 1: x *= number(args[1]); break;
      case 2: x = std::exp(x); break;
      default: x /= number(args[1]);
    }
  }
  rets[0] = lethe_of_tensor(lend(result));
  return LETHE_OK;
}

const lethe_ops ops = {sizeof ops, 0, resolve, call};
const void *everything(const lethe_host *, const char *id) { return std::strcmp(id, LETHE_OPS) == 0 ? &ops : nullptr; }
const void *nothing(const lethe_host *, const char *) { return nullptr; }
const lethe_host host = {sizeof host, LETHE_ABI_MINOR, "test", "0", everything};
const lethe_host bare = {sizeof bare, LETHE_ABI_MINOR, "test", "0", nothing};

}  // namespace

int main(int argc, char **argv) {
  assert(argc == 2);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const auto enter = reinterpret_cast<lethe_plugin_abi0_fn>(dlsym(library, "lethe_plugin_abi0"));
  assert(enter != nullptr);

  const lethe_plugin *plugin = nullptr;
  assert(enter(&host, &plugin, nullptr) == LETHE_OK && plugin->strategy_count == 1);
  const lethe_host old = {8, 0, nullptr, nullptr, nullptr};
  assert(enter(&old, &plugin, nullptr) == LETHE_E_PRECONDITION);

  const lethe_strategy *strategy = plugin->strategies;
  assert(std::strcmp(strategy->id, "org.example.fade") == 0);
  assert(strategy->prepare == nullptr && strategy->save_state == nullptr && strategy->retune != nullptr);
  const auto context = reinterpret_cast<lethe_ctx>(&arena);
  const auto *table = static_cast<const lethe_reweighter *>(strategy->table);
  const lethe_value gamma = lethe_of_float(2);
  lethe_create_info info = {sizeof info, 1, &host, &gamma, strategy};
  lethe_self self = nullptr;
  assert(strategy->create(context, &info, &self, nullptr) == LETHE_OK);

  const Array losses = {0.5, 2.0, 0, 7.0};
  lethe_reweigh_in in = {};
  in.size = sizeof in;
  in.set = LETHE_SET_FORGET;
  in.count = static_cast<int64_t>(losses.size());
  in.losses = in.clean_losses = lend(losses);
  lethe_tensor weights = nullptr;
  assert(table->weigh(self, context, &in, &weights, nullptr) == LETHE_OK && weights != nullptr);
  for (size_t index = 0; index < losses.size(); index++) {
    assert(std::fabs(values(weights)[index] - std::exp(-2 * losses[index]) / 4) < 1e-15);
  }
  in.set = LETHE_SET_RETAIN;
  weights = nullptr;
  assert(table->weigh(self, context, &in, &weights, nullptr) == LETHE_OK && weights == nullptr);
  strategy->destroy(self);

  // Whatever goes wrong comes back as a status and a sentence.
  char message[64] = "";
  lethe_error error = {sizeof error, 0, sizeof message, 0, message, 0};
  info.param_count = 0;
  assert(strategy->create(context, &info, &self, &error) == LETHE_E_INVALID_ARGUMENT && error.detail == 0);
  info.param_count = 1;
  info.host = &bare;
  assert(strategy->create(context, &info, &self, &error) == LETHE_OK);
  in.set = LETHE_SET_FORGET;
  assert(table->weigh(self, context, &in, &weights, &error) == LETHE_E_UNIMPLEMENTED);
  assert(std::strcmp(message, "the host does not offer lethe.ops/1 call") == 0);
  strategy->destroy(self);
  std::puts("fade: ok");
  return 0;
}
