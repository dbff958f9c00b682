// SPDX-License-Identifier: Apache-2.0
//
// lethe/failure.hpp - errors: an exception inside a plugin, a status and a message outside of it.
#ifndef LETHE_FAILURE_HPP
#define LETHE_FAILURE_HPP

#include <lethe/base.h>

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace lethe {

/// Why a call failed. The host's refusals arrive as one; thrown out of a callback, it is what the run reports.
///
/// Wording: lower case, what is wrong and what would be right, no full stop. The host adds plugin, call and step.
class Failure : public std::exception {
 public:
  /// A failure with a sentence of yours; `detail` counts with `LETHE_E_INVALID_ARGUMENT` only.
  explicit Failure(std::string message, lethe_status status = LETHE_E_PRECONDITION, int64_t detail = 0)
      : message_(std::move(message)), status_(status == LETHE_OK ? LETHE_E_UNKNOWN : status), detail_(detail) {}

  /// The parameter at this index (in the manifest's order) cannot have this value.
  static Failure parameter(uint32_t index, std::string message) {
    return Failure(std::move(message), LETHE_E_INVALID_ARGUMENT, index);
  }

  /// The run was asked to stop.
  static Failure cancelled() { return Failure("cancelled", LETHE_E_CANCELLED); }

  /// The sentence.
  const char *what() const noexcept override { return message_.c_str(); }
  /// One of `LETHE_E_*`, never `LETHE_OK`.
  lethe_status status() const noexcept { return status_; }
  /// With `LETHE_E_INVALID_ARGUMENT` the index of the parameter or argument.
  int64_t detail() const noexcept { return detail_; }

 private:
  std::string message_;
  lethe_status status_;
  int64_t detail_;
};

namespace detail {

/// Copies the message into the caller's buffer, cut between two characters where it is too long, and gives the status.
inline lethe_status report(lethe_error *error, lethe_status status, int64_t detail, std::string_view text) noexcept {
  if (!LETHE_HAS(error, detail)) return status;
  error->code = status;
  error->detail = detail;
  error->message_len = static_cast<uint32_t>(text.size());
  if (error->message == nullptr || error->message_cap == 0) return status;
  size_t count = text.size() < error->message_cap ? text.size() : error->message_cap - 1u;
  while (count > 0 && count < text.size() && (static_cast<unsigned char>(text[count]) & 0xC0u) == 0x80u) count--;
  std::memcpy(error->message, text.data(), count);
  error->message[count] = 0;
  return status;
}

/// Runs what the host called. No exception passes: each becomes a status and a message.
template <class Body>
lethe_status fenced(lethe_error *error, const Body &body) noexcept {
  try {
    body();
    return LETHE_OK;
  } catch (const Failure &failure) {
    return report(error, failure.status(), failure.detail(), failure.what());
  } catch (const std::bad_alloc &) {
    return report(error, LETHE_E_EXHAUSTED, 0, "there is no memory");
  } catch (const std::exception &exception) {
    return report(error, LETHE_E_UNKNOWN, 0, exception.what());
  } catch (...) {
    return report(error, LETHE_E_UNKNOWN, 0, "an exception that says nothing; throw a lethe::Failure");
  }
}

/// Throws what the host said.
[[noreturn]] inline void refuse(lethe_status status, const lethe_error &error) {
  const size_t length = std::strlen(error.message);
  throw Failure(length > 0 ? std::string(error.message, length) : "the host gave status " + std::to_string(status),
                status, error.detail);
}

/// Calls the host with a buffer for its message, and throws what it says.
template <class Body>
void ask(const Body &body) {
  char message[1024];
  message[0] = message[sizeof message - 1] = 0;
  lethe_error error{};
  error.size = sizeof error;
  error.message_cap = sizeof message;
  error.message = message;
  const lethe_status status = body(&error);
  if (status != LETHE_OK) refuse(status, error);
}

/// A function of a service, or a handle; or the error that this host does not offer it.
template <class Pointer>
Pointer offered(Pointer pointer, const char *name) {
  if (pointer == nullptr) throw Failure(std::string("the host does not offer ") + name, LETHE_E_UNIMPLEMENTED);
  return pointer;
}

/// Copies a growable struct: what its owner did not know stays zero, so a missing slot reads as NULL.
template <class Struct>
Struct snapshot(const void *source) noexcept {
  Struct copy{};
  if (source == nullptr) return copy;
  uint32_t size = 0;
  std::memcpy(&size, source, sizeof size);
  std::memcpy(static_cast<void *>(&copy), source, size < sizeof copy ? size : sizeof copy);
  return copy;
}

}  // namespace detail
}  // namespace lethe

#endif
