// Every entry of the table runs inside `guard`: no exception leaves the library.
#pragma once

#include <stdexcept>
#include <string>

#include "CTorch.h"

namespace ct {

/// A refusal of our own, with the code that the entry returns.
struct Refusal : std::runtime_error {
  int code;
  Refusal(int code, const std::string &message) : std::runtime_error(message), code(code) {}
};

/// Turns the exception in flight into a code, and keeps its texts for this thread.
int caught() noexcept;
const char *message() noexcept;
const char *details() noexcept;

template <class Body>
int guard(Body &&body) noexcept {
  try {
    body();
    return CT_OK;
  } catch (...) {
    return caught();
  }
}

}  // namespace ct
