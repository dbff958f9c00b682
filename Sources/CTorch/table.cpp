#include <ATen/DLConvertor.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include "context.h"
#include "guard.h"
#include "handles.h"
#include "operators.h"
#include "tensors.h"
#include "values.h"

using ct::guard;

namespace {

#define CT_TEXT_OF(x) #x
#define CT_TEXT(x) CT_TEXT_OF(x)

ct_table make() {
  ct_table t{};
  t.size = sizeof(ct_table);
  t.version = 1;
  t.torch_version = [] {
    return CT_TEXT(TORCH_VERSION_MAJOR) "." CT_TEXT(TORCH_VERSION_MINOR) "." CT_TEXT(TORCH_VERSION_PATCH);
  };
  t.message = [] { return ct::message(); };
  t.details = [] { return ct::details(); };

  t.op_resolve = [](const char *schema, const ct_op **out) { return guard([&] { *out = ct::resolve(schema); }); };
  t.op_info = [](const ct_op *op, ct_op_info *out) { ct::describe(op, out); };
  t.op_call = [](const ct_op *op, const ct_value *args, uint32_t count, ct_value *returns, uint32_t capacity) {
    return guard([&] { ct::call(op, args, count, returns, capacity); });
  };
  t.values_free = [](ct_value *values, uint32_t count, int withTensors) { ct::free(values, count, withTensors != 0); };

  t.tensor_make = [](const void *source, uint64_t bytes, const int64_t *dims, uint32_t rank, int32_t dtype,
                     int32_t device, ct_tensor **out) {
    return guard([&] { *out = ct::make(source, bytes, dims, rank, dtype, device); });
  };
  t.tensor_read = [](const ct_tensor *tensor, void *target, uint64_t bytes) {
    return guard([&] { ct::read(tensor, target, bytes); });
  };
  t.tensor_item = [](const ct_tensor *tensor, ct_value *out) { return guard([&] { *out = ct::item(tensor); }); };
  t.tensor_info = [](const ct_tensor *tensor, ct_tensor_info *out) { ct::describe(tensor, out); };
  t.tensor_retain = [](const ct_tensor *tensor) { return ct::give(ct::borrow(tensor)); };
  t.tensor_free = [](ct_tensor *tensor) { ct::drop(tensor); };
  t.tensor_set_requires_grad = [](ct_tensor *tensor, int value) {
    return guard([&] { ct::borrow(tensor).set_requires_grad(value != 0); });
  };
  t.tensor_is_same = [](const ct_tensor *a, const ct_tensor *b) { return a == b ? 1 : 0; };

  t.gradients = [](ct_tensor *const *outputs, ct_tensor *const *seeds, uint32_t outputCount, ct_tensor *const *inputs,
                   uint32_t inputCount, int retainGraph, int createGraph, int allowUnused, ct_tensor **out) {
    return guard([&] {
      ct::gradients(outputs, seeds, outputCount, inputs, inputCount, retainGraph != 0, createGraph != 0,
                    allowUnused != 0, out);
    });
  };
  t.grad_mode = [] { return c10::GradMode::is_enabled() ? 1 : 0; };
  t.set_grad_mode = [](int enabled) { c10::GradMode::set_enabled(enabled != 0); };

  t.autocast = [](int32_t device, int *enabled, int32_t *dtype) {
    return guard([&] { ct::getAutocast(device, enabled, dtype); });
  };
  t.set_autocast = [](int32_t device, int enabled, int32_t dtype) {
    return guard([&] { ct::setAutocast(device, enabled != 0, dtype); });
  };
  t.autocast_enter = [] { at::autocast::increment_nesting(); };
  t.autocast_leave = [] {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  };

  t.seed_all = [](uint64_t seed) { return guard([&] { ct::seedAll(seed); }); };
  t.generator_make = [](uint64_t seed, int32_t device, ct_generator **out) {
    return guard([&] { *out = ct::makeGenerator(seed, device); });
  };
  t.generator_seed = [](ct_generator *generator, uint64_t seed) { return guard([&] { ct::seed(generator, seed); }); };
  t.generator_free = [](ct_generator *generator) {
    if (generator == nullptr) return;
    ct::counters.generators.fetch_sub(1, std::memory_order_relaxed);
    delete generator;
  };

  t.threads = [] { return at::get_num_threads(); };
  t.set_threads = [](int count) { return guard([&] { at::set_num_threads(count); }); };
  t.set_deterministic = [](int enabled) { return guard([&] { ct::setDeterministic(enabled != 0); }); };

  t.cuda_open = [](const char *folder) { return guard([&] { ct::openCUDA(folder); }); };
  t.cuda_count = [] { return ct::countCUDA(); };
  t.synchronize = [](int32_t device) { return guard([&] { ct::synchronize(device); }); };

  t.dlpack_export = [](const ct_tensor *tensor, DLManagedTensorVersioned **out) {
    return guard([&] { *out = at::toDLPackVersioned(ct::borrow(tensor)); });
  };
  t.dlpack_import = [](DLManagedTensorVersioned *source, ct_tensor **out) {
    return guard([&] { *out = ct::give(at::fromDLPackVersioned(source)); });
  };

  t.counters = [](ct_counters *out) {
    *out = {ct::counters.tensors.load(), ct::counters.generators.load(), ct::counters.calls.load(),
            ct::counters.gradients.load()};
  };
  return t;
}

}  // namespace

// glibc gives every block above 32 MiB back to the system when it is freed, and the system clears each page of the next
// one: activations of a batch are that large, and clearing them took longer than the convolutions (decision 74).
static bool keep_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  return true;
}

extern "C" const ct_table *ct_open(void) {
  static const bool kept = keep_memory();
  (void)kept;
  static const ct_table table = make();
  return &table;
}
