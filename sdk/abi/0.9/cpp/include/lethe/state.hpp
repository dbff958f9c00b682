// SPDX-License-Identifier: Apache-2.0
//
// lethe/state.hpp - what a strategy saves between steps, in little-endian bytes.
#ifndef LETHE_STATE_HPP
#define LETHE_STATE_HPP

#include <lethe/tensor.hpp>

namespace lethe {

/// Where a strategy writes its state. Valid during `save`; throws where the host takes no more.
class StateWriter {
 public:
  /// Made by the kit.
  explicit StateWriter(const lethe_stream *stream) : stream_(detail::snapshot<lethe_stream>(stream)) {
    detail::offered(stream_.write, "a stream to write to");
  }

  /// Writes a number: an integer or a truth value as int64, anything else as double.
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  void write(Number number) {
    const std::conditional_t<std::is_integral_v<Number>, int64_t, double> wide = number;
    write(&wide, sizeof wide);
  }

  /// Writes a tensor: element type, shape, elements. Waits for the device.
  void write(const Tensor &tensor) {
    const auto dtype = tensor.dtype();
    const auto shape = tensor.shape();
    std::vector<char> elements(static_cast<size_t>(tensor.count()) * bytes(dtype));
    tensor.read(dtype, elements.data(), elements.size());
    write(static_cast<int64_t>(dtype));
    write(shape.size());
    for (const int64_t dimension : shape) write(dimension);
    write(elements.data(), elements.size());
  }

  /// Writes bytes as they are.
  void write(const void *source, size_t size) {
    if (stream_.write(stream_.ctx, source, size) < 0) throw Failure("the state could not be written", LETHE_E_UNKNOWN);
  }

 private:
  lethe_stream stream_;
};

/// Where a strategy reads its state from. Valid during `load`; throws where the state ends too early.
class StateReader {
 public:
  /// Made by the kit.
  explicit StateReader(const lethe_stream *stream) : stream_(detail::snapshot<lethe_stream>(stream)) {
    detail::offered(stream_.read, "a stream to read from");
  }

  /// Reads an integer.
  int64_t integer() {
    int64_t number = 0;
    read(&number, sizeof number);
    return number;
  }

  /// Reads a number.
  double number() {
    double number = 0;
    read(&number, sizeof number);
    return number;
  }

  /// Reads a tensor that must have the element type and the shape of `expected`.
  Tensor tensorLike(const Tensor &expected) {
    const auto dtype = expected.dtype();
    const auto shape = expected.shape();
    bool fits = integer() == static_cast<int64_t>(dtype) && integer() == static_cast<int64_t>(shape.size());
    for (size_t index = 0; fits && index < shape.size(); index++) fits = integer() == shape[index];
    if (!fits) throw Failure("the saved state is of a model of another shape", LETHE_E_INVALID_ARGUMENT);
    std::vector<char> elements(static_cast<size_t>(expected.count()) * bytes(dtype));
    read(elements.data(), elements.size());
    return expected.call().tensor(dtype, shape, elements.data(), elements.size());
  }

  /// Reads exactly `size` bytes.
  void read(void *target, size_t size) {
    auto *rest = static_cast<char *>(target);
    while (size > 0) {
      const int64_t count = stream_.read(stream_.ctx, rest, size);
      if (count <= 0 || static_cast<uint64_t>(count) > size) {
        throw Failure("the saved state ends too early", LETHE_E_INVALID_ARGUMENT);
      }
      rest += count;
      size -= static_cast<size_t>(count);
    }
  }

 private:
  lethe_stream stream_;
};

}  // namespace lethe

#endif
