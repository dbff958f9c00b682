// Handles: a `ct_tensor *` is LibTorch's own reference-counted object, so that giving and taking one allocates nothing.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <atomic>

#include "CTorch.h"

struct ct_generator {
  at::Generator value;
};

namespace ct {

struct Counters {
  std::atomic<int64_t> tensors{0};
  std::atomic<int64_t> generators{0};
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> gradients{0};
};

inline Counters counters;

/// Gives the caller a handle of its own; an undefined tensor is NULL.
inline ct_tensor *give(at::Tensor tensor) {
  if (!tensor.defined()) return nullptr;
  counters.tensors.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<ct_tensor *>(tensor.unsafeReleaseTensorImpl());
}

inline c10::TensorImpl *impl(const ct_tensor *handle) {
  return reinterpret_cast<c10::TensorImpl *>(const_cast<ct_tensor *>(handle));
}

/// A tensor that shares a borrowed handle.
inline at::Tensor borrow(const ct_tensor *handle) {
  if (handle == nullptr) return {};
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(impl(handle)));
}

/// Takes a handle back from the caller.
inline void drop(ct_tensor *handle) {
  if (handle == nullptr) return;
  counters.tensors.fetch_sub(1, std::memory_order_relaxed);
  c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(impl(handle));
}

/// -1 is the CPU, n >= 0 the CUDA device n.
inline at::Device device(int32_t number) {
  if (number < 0) return at::Device(at::kCPU);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(number));
}

inline int32_t number(const at::Device &device) {
  if (device.is_cpu()) return -1;
  return device.has_index() ? device.index() : 0;
}

}  // namespace ct
