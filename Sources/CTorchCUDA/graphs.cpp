#include "CTorchCUDA.h"

#if __has_include(<cuda_runtime_api.h>)

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <memory>

#include "guard.h"
#include "handles.h"

struct ct_stream {
  c10::DeviceIndex deviceBefore;
  c10::cuda::CUDAStream before;
};

struct ct_graph {
  at::cuda::CUDAGraph value;
  bool isWhole = false;
};

namespace {

using ct::guard;

/// The thread's stream beside a device's default one: always the same, as cuBLAS keeps memory for each that it was used on.
c10::cuda::CUDAStream own(c10::DeviceIndex device) {
  static thread_local std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  auto found = streams.find(device);
  if (found == streams.end()) found = streams.emplace(device, c10::cuda::getStreamFromPool(false, device)).first;
  return found->second;
}

ct_stream *enter(int32_t number) {
  const auto device = static_cast<c10::DeviceIndex>(number);
  auto stream = std::make_unique<ct_stream>(
      ct_stream{c10::cuda::current_device(), c10::cuda::getCurrentCUDAStream(device)});
  c10::cuda::set_device(device);
  c10::cuda::device_synchronize();
  c10::cuda::setCurrentCUDAStream(own(device));
  return stream.release();
}

void leave(ct_stream *handle) {
  const std::unique_ptr<ct_stream> stream(handle);
  // Put back first: what is left is left even where the device has failed and waiting throws.
  c10::cuda::setCurrentCUDAStream(stream->before);
  c10::cuda::device_synchronize();
  c10::cuda::set_device(stream->deviceBefore);
}

ct_graph *begin(const ct_generator *const *generators, int64_t count, ct_graph *beside) {
  c10::cuda::device_synchronize();
  // The graph keeps memory of its own, as much as a step; what the steps before it used is not left lying beside that.
  c10::cuda::CUDACachingAllocator::emptyCache();
  // Not freed where it fails, here and below: the allocator may go on asking a graph what it records.
  auto *graph = new ct_graph;
  for (int64_t i = 0; i < count; i++) graph->value.register_generator_state(generators[i]->value);
  // What other threads ask of the device meanwhile is not recorded, and does no harm.
  graph->value.capture_begin(
      beside == nullptr ? c10::MempoolId_t{0, 0} : beside->value.pool(), cudaStreamCaptureModeThreadLocal);
  return graph;
}

void end(ct_graph *graph) {
  graph->value.capture_end();
  graph->isWhole = true;
}

void free(ct_graph *graph) {
  if (!graph->isWhole) return;
  (void)guard([] { c10::cuda::device_synchronize(); });
  delete graph;
}

ct_cuda_table make() {
  ct_cuda_table t{};
  t.size = sizeof(ct_cuda_table);
  t.version = 2;
  t.message = [] { return ct::message(); };
  t.details = [] { return ct::details(); };
  t.stream_enter = [](int32_t device, ct_stream **out) { return guard([&] { *out = enter(device); }); };
  t.stream_leave = [](ct_stream *stream) { return guard([&] { leave(stream); }); };
  t.capture_begin = [](const ct_generator *const *generators, int64_t count, ct_graph *beside, ct_graph **out) {
    return guard([&] { *out = begin(generators, count, beside); });
  };
  t.capture_end = [](ct_graph *graph) { return guard([&] { end(graph); }); };
  t.replay = [](ct_graph *graph) { return guard([&] { graph->value.replay(); }); };
  t.graph_free = [](ct_graph *graph) { (void)guard([&] { free(graph); }); };
  return t;
}

}  // namespace

extern "C" const ct_cuda_table *ct_cuda_open(void) {
  static const ct_cuda_table table = make();
  return &table;
}

#else

extern "C" const ct_cuda_table *ct_cuda_open(void) { return nullptr; }

#endif
