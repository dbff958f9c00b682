#include "context.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <atomic>
#include <mutex>

#include "guard.h"
#include "handles.h"

namespace ct {
namespace {

// LibTorch keeps the first answer to "is there CUDA?" for ever: nothing here asks before the library was opened.
std::atomic<bool> isCUDAOpen{false};

void seed(at::Generator generator, uint64_t seed) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
}

}  // namespace

void seedAll(uint64_t number) {
  seed(at::detail::getDefaultCPUGenerator(), number);
  for (int i = 0; i < countCUDA(); i++) {
    seed(at::globalContext().defaultGenerator(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(i))), number);
  }
}

ct_generator *makeGenerator(uint64_t number, int32_t place) {
  at::Generator generator;
  if (place < 0) {
    generator = at::detail::createCPUGenerator(number);
  } else {
    if (place >= countCUDA()) throw Refusal(CT_E_MISSING, "there is no CUDA device " + std::to_string(place));
    at::globalContext().lazyInitDevice(at::kCUDA);
    generator = at::detail::getCUDAHooks().getNewGenerator(static_cast<c10::DeviceIndex>(place));
    seed(generator, number);
  }
  counters.generators.fetch_add(1, std::memory_order_relaxed);
  return new ct_generator{std::move(generator)};
}

void seed(ct_generator *generator, uint64_t number) { seed(generator->value, number); }

void getAutocast(int32_t place, int *enabled, int32_t *dtype) {
  const auto type = device(place).type();
  *enabled = at::autocast::is_autocast_enabled(type) ? 1 : 0;
  *dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(type));
}

void setAutocast(int32_t place, bool enabled, int32_t dtype) {
  const auto type = device(place).type();
  at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
  at::autocast::set_autocast_enabled(type, enabled);
}

void openCUDA(const char *folder) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (isCUDAOpen) return;
  const auto path = std::string(folder) + "/libtorch_cuda.so";
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw Refusal(CT_E_MISSING, "cannot open '" + path + "': " + dlerror());
  }
  if (!at::globalContext().hasCUDA()) {
    throw Refusal(CT_E_MISSING, "'" + path + "' was opened, but LibTorch finds no CUDA device");
  }
  isCUDAOpen = true;
}

int countCUDA() noexcept {
  if (!isCUDAOpen) return 0;
  return static_cast<int>(at::detail::getCUDAHooks().deviceCount());
}

void synchronize(int32_t place) {
  if (place < 0) return;
  if (place >= countCUDA()) throw Refusal(CT_E_MISSING, "there is no CUDA device " + std::to_string(place));
  at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(place));
}

void setDeterministic(bool enabled) {
  auto &context = at::globalContext();
  context.setDeterministicAlgorithms(enabled, false);
  context.setDeterministicCuDNN(enabled);
  context.setBenchmarkCuDNN(false);
}

}  // namespace ct
