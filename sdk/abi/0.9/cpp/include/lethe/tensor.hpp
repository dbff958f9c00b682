// SPDX-License-Identifier: Apache-2.0
//
// lethe/tensor.hpp - tensors: what they are, their values in and out, how long they live. Their arithmetic is in
// functions.hpp.
#ifndef LETHE_TENSOR_HPP
#define LETHE_TENSOR_HPP

#include <lethe/call.hpp>

#include <type_traits>

namespace lethe {

/// Element types, numbered as LibTorch numbers them.
enum class DType : int32_t {
  uint8 = LETHE_DTYPE_UINT8,
  int8 = LETHE_DTYPE_INT8,
  int16 = LETHE_DTYPE_INT16,
  int32 = LETHE_DTYPE_INT32,
  int64 = LETHE_DTYPE_INT64,
  float16 = LETHE_DTYPE_FLOAT16,
  float32 = LETHE_DTYPE_FLOAT32,
  float64 = LETHE_DTYPE_FLOAT64,
  boolean = LETHE_DTYPE_BOOL,
  bfloat16 = LETHE_DTYPE_BFLOAT16,
};

/// Bytes of an element. Throws where the type is unknown.
inline size_t bytes(DType dtype) {
  switch (dtype) {
    case DType::uint8: case DType::int8: case DType::boolean: return 1;
    case DType::int16: case DType::float16: case DType::bfloat16: return 2;
    case DType::int32: case DType::float32: return 4;
    case DType::int64: case DType::float64: return 8;
  }
  throw Failure("the element type " + std::to_string(static_cast<int32_t>(dtype)) + " is unknown");
}

/// Whether an element is eight or sixteen bits of floating point: too few to sum or exponentiate in.
constexpr bool isHalf(DType dtype) noexcept { return dtype == DType::float16 || dtype == DType::bfloat16; }

/// The element type of a C++ type that goes into and comes out of tensors as it is: float, double, int64_t.
template <class Element>
constexpr DType dtypeOf() noexcept {
  constexpr bool isKnown =
      std::is_same_v<Element, float> || std::is_same_v<Element, double> || std::is_same_v<Element, int64_t>;
  static_assert(isKnown, "elements are float, double or int64_t");
  if (std::is_same_v<Element, float>) return DType::float32;
  return std::is_same_v<Element, double> ? DType::float64 : DType::int64;
}

/// A generator of LibTorch, valid during the callback.
class Generator {
 public:
  /// Made by `Call::generator`.
  explicit Generator(lethe_rng handle) noexcept : handle_(handle) {}
  /// For the C functions that the kit has no word for.
  lethe_rng handle() const noexcept { return handle_; }

 private:
  lethe_rng handle_;
};

/// A tensor that belongs to the strategy until this object is gone, from any thread. Moves, does not copy.
class KeptTensor {
 public:
  /// None.
  KeptTensor() noexcept = default;
  /// Made by `Tensor::keep`.
  KeptTensor(lethe_tensor handle, void (*drop)(lethe_tensor)) noexcept : handle_(handle), drop_(drop) {}
  /// Takes over; the other has none then.
  KeptTensor(KeptTensor &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)), drop_(other.drop_) {}
  /// Gives the old one back and takes over.
  KeptTensor &operator=(KeptTensor &&other) noexcept {
    KeptTensor taken(std::move(other));
    std::swap(handle_, taken.handle_);
    std::swap(drop_, taken.drop_);
    return *this;
  }
  KeptTensor(const KeptTensor &) = delete;
  KeptTensor &operator=(const KeptTensor &) = delete;
  /// Gives it back.
  ~KeptTensor() {
    if (handle_ != nullptr && drop_ != nullptr) drop_(handle_);
  }

  /// Whether there is one.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /// The tensor, for use in this callback. Throws where there is none.
  Tensor tensor(const Call &call) const;

 private:
  lethe_tensor handle_ = nullptr;
  void (*drop_)(lethe_tensor) = nullptr;
};

/// A tensor of the host: a small value that names it. It lives until the callback returns; see `keep`. Results that
/// nobody uses are a mistake, hence the attribute.
class [[nodiscard]] Tensor {
 public:
  /// Made by the kit; the handle is not NULL.
  Tensor(lethe_tensor handle, const Call &call) noexcept : handle_(handle), call_(call) {}

  /// For the C functions that the kit has no word for.
  lethe_tensor handle() const noexcept { return handle_; }
  /// The callback that it came with.
  const Call &call() const noexcept { return call_; }
  /// As an argument of an operator.
  operator lethe_value() const noexcept { return lethe_of_tensor(handle_); }

  /// The dimensions.
  std::vector<int64_t> shape() const {
    const auto shape = detail::offered(call_.services().tensors.shape, "lethe.tensors/1 shape");
    std::vector<int64_t> dims(8);
    uint32_t rank = 0;
    const auto read = [&](lethe_error *error) {
      return shape(call_.context(), handle_, dims.data(), static_cast<uint32_t>(dims.size()), &rank, error);
    };
    detail::ask(read);
    if (rank > dims.size()) {
      dims.resize(rank);
      detail::ask(read);
    }
    dims.resize(rank);
    return dims;
  }

  /// How many elements there are.
  int64_t count() const {
    int64_t product = 1;
    for (const int64_t dimension : shape()) product *= dimension;
    return product;
  }

  /// The element type.
  DType dtype() const {
    const auto dtype = detail::offered(call_.services().tensors.dtype, "lethe.tensors/1 dtype");
    int32_t number = 0;
    detail::ask([&](lethe_error *error) { return dtype(call_.context(), handle_, &number, error); });
    return static_cast<DType>(number);
  }

  /// All elements in row-major order, converted to float, double or int64_t. Waits for the device: not for the inside
  /// of a step.
  template <class Element>
  std::vector<Element> values() const {
    std::vector<Element> values(static_cast<size_t>(count()));
    read(dtypeOf<Element>(), values.data(), values.size() * sizeof(Element));
    return values;
  }

  /// The same as raw bytes of `dtype`; `size` must be exact.
  void read(DType dtype, void *target, size_t size) const {
    const auto read = detail::offered(call_.services().tensors.read, "lethe.tensors/1 read");
    detail::ask([&](lethe_error *error) {
      return read(call_.context(), handle_, static_cast<int32_t>(dtype), target, size, error);
    });
  }

  /// A second handle to the same tensor that outlives the callback, detached from any graph. It sees what is written to
  /// the tensor later: `clone` first where that is not wanted.
  KeptTensor keep() const {
    const auto keep = detail::offered(call_.services().tensors.keep, "lethe.tensors/1 keep");
    lethe_tensor owned = nullptr;
    detail::ask([&](lethe_error *error) { return keep(call_.context(), handle_, &owned, error); });
    return KeptTensor(detail::offered(owned, "a kept tensor"), call_.services().tensors.drop);
  }

 private:
  lethe_tensor handle_;
  Call call_;
};

/// A tensor and the name that the model has for it, both valid during the callback.
struct NamedTensor {
  std::string_view name;  ///< For instance "conv1.weight".
  Tensor tensor;          ///< The tensor.
};

namespace detail {

inline lethe_tensor handle(const Tensor &tensor) noexcept { return tensor.handle(); }
inline lethe_tensor handle(const std::optional<Tensor> &tensor) noexcept {
  return tensor.has_value() ? tensor->handle() : nullptr;
}

/// The handles of a list; NULL for none.
template <class Some>
std::vector<lethe_tensor> handles(const std::vector<Some> &tensors) {
  std::vector<lethe_tensor> list;
  list.reserve(tensors.size());
  for (const Some &tensor : tensors) list.push_back(handle(tensor));
  return list;
}

/// The tensors of a list; none where the host has none.
inline std::vector<std::optional<Tensor>> tensors(const Call &call, const lethe_tensor *list, size_t count) {
  std::vector<std::optional<Tensor>> found;
  found.reserve(count);
  for (size_t index = 0; index < count; index++) found.push_back(call.optional(list[index]));
  return found;
}

/// Names and tensors of one of the host's lists, in its order.
inline std::vector<NamedTensor> named(const Call &call, const lethe_named_tensors &list) {
  std::vector<NamedTensor> found;
  if (list.names == nullptr || list.tensors == nullptr) return found;
  found.reserve(list.count);
  for (uint32_t index = 0; index < list.count; index++) {
    if (list.names[index] == nullptr || list.tensors[index] == nullptr) continue;
    found.push_back({list.names[index], Tensor(list.tensors[index], call)});
  }
  return found;
}

}  // namespace detail

inline void Call::report(const char *key, const lethe_value &value) const {
  const auto report = detail::offered(services_->core.report, "lethe.core/1 report");
  detail::ask([&](lethe_error *error) { return report(context_, key, &value, error); });
}

inline void Call::report(const char *key, const Tensor &value) const {
  report(key, static_cast<lethe_value>(value));
}

inline Tensor Call::tensor(lethe_tensor handle) const { return Tensor(detail::offered(handle, "a tensor"), *this); }

inline std::optional<Tensor> Call::optional(lethe_tensor handle) const {
  return handle == nullptr ? std::nullopt : std::make_optional<Tensor>(handle, *this);
}

inline Tensor Call::tensor(DType dtype, const std::vector<int64_t> &shape, const void *values, size_t size) const {
  const auto make = detail::offered(services_->tensors.make, "lethe.tensors/1 make");
  lethe_tensor made = nullptr;
  detail::ask([&](lethe_error *error) {
    return make(context_, static_cast<int32_t>(dtype), shape.data(), static_cast<uint32_t>(shape.size()), values, size,
                &made, error);
  });
  return tensor(made);
}

template <class Element>
Tensor Call::tensor(const std::vector<Element> &values, const std::vector<int64_t> &shape) const {
  int64_t room = 1;
  for (const int64_t dimension : shape) room *= dimension;
  if (room != static_cast<int64_t>(values.size())) {
    throw Failure(std::to_string(values.size()) + " values do not fill a shape of " + std::to_string(room),
                  LETHE_E_INVALID_ARGUMENT);
  }
  return tensor(dtypeOf<Element>(), shape, values.data(), values.size() * sizeof(Element));
}

template <class Body>
void Call::freeingTensors(const Body &body) const {
  const uint64_t mark = detail::offered(services_->tensors.mark, "lethe.tensors/1 mark")(context_);
  const auto release = detail::offered(services_->tensors.release_to, "lethe.tensors/1 release_to");
  body();
  detail::ask([&](lethe_error *error) { return release(context_, mark, error); });
}

inline Generator Call::generator(const char *label) const {
  const auto generator = detail::offered(services_->random.generator, "lethe.rng/1 generator");
  lethe_rng found = nullptr;
  detail::ask([&](lethe_error *error) { return generator(context_, label, &found, error); });
  return Generator(detail::offered(found, "a generator"));
}

inline std::vector<uint32_t> Call::randomBits(const char *label, size_t count) const {
  const auto stream = detail::offered(services_->random.stream, "lethe.rng/1 stream");
  const auto bits = detail::offered(services_->random.bits, "lethe.rng/1 bits");
  lethe_rng found = nullptr;
  detail::ask([&](lethe_error *error) { return stream(context_, label, &found, error); });
  std::vector<uint32_t> words(count);
  detail::ask([&](lethe_error *error) { return bits(context_, found, words.data(), words.size(), error); });
  return words;
}

inline std::vector<std::optional<Tensor>> Call::gradient(const Tensor &output, const std::vector<Tensor> &inputs,
                                                         uint32_t flags) const {
  const auto gradient = detail::offered(services_->autograd.gradient, "lethe.autograd/1 gradient");
  const lethe_tensor outputs[] = {output.handle()};
  const auto handles = detail::handles(inputs);
  std::vector<lethe_tensor> found(inputs.size(), nullptr);
  detail::ask([&](lethe_error *error) {
    return gradient(context_, outputs, nullptr, 1, handles.data(), static_cast<uint32_t>(handles.size()),
                    flags | LETHE_GRAD_ALLOW_UNUSED, found.data(), error);
  });
  return detail::tensors(*this, found.data(), found.size());
}

template <class Body>
decltype(auto) Call::withoutGraph(const Body &body) const {
  struct Scope {
    decltype(lethe_autograd::set_no_grad) set;
    lethe_ctx context;
    int32_t before;
    ~Scope() { set(context, before); }
  };
  const auto set = detail::offered(services_->autograd.set_no_grad, "lethe.autograd/1 set_no_grad");
  const Scope scope{set, context_, set(context_, 1)};
  return body();
}

inline Tensor KeptTensor::tensor(const Call &call) const {
  if (handle_ == nullptr) throw Failure("there is no kept tensor", LETHE_E_INTERNAL);
  return Tensor(handle_, call);
}

}  // namespace lethe

#endif
