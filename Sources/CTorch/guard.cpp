#include "guard.h"

#include <c10/util/Exception.h>

#include <new>

namespace ct {
namespace {

thread_local std::string shortText;
thread_local std::string longText;

int keep(int code, const std::string &text, const std::string &whole) noexcept {
  try {
    constexpr size_t limit = 400;
    auto line = text.substr(0, text.find('\n'));
    if (line.size() > limit) line = line.substr(0, limit) + "…";
    shortText = line;
    longText = whole;
  } catch (...) {
    shortText.clear();
    longText.clear();
    return CT_E_MEMORY;
  }
  return code;
}

}  // namespace

int caught() noexcept {
  try {
    throw;
  } catch (const Refusal &refusal) {
    return keep(refusal.code, refusal.what(), refusal.what());
  } catch (const c10::OutOfMemoryError &error) {
    return keep(CT_E_MEMORY, error.what_without_backtrace(), error.what());
  } catch (const c10::Error &error) {
    const std::string text = error.what_without_backtrace();
    const bool full = text.find("can't allocate memory") != std::string::npos;
    return keep(full ? CT_E_MEMORY : CT_E_TORCH, text, error.what());
  } catch (const std::bad_alloc &) {
    return keep(CT_E_MEMORY, "out of memory", "out of memory");
  } catch (const std::exception &error) {
    return keep(CT_E_OTHER, error.what(), error.what());
  } catch (...) {
    return keep(CT_E_OTHER, "an exception that is no std::exception", "");
  }
}

const char *message() noexcept { return shortText.c_str(); }
const char *details() noexcept { return longText.c_str(); }

}  // namespace ct
