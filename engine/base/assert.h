// DVT_ASSERT: a programmer's error, checked in release builds too. It prints the expression, the place and
// whatever context the kernel registered (virtual time and fiber), then aborts.
#pragma once

#include <string>

namespace dvt {

/// Called by a failing assertion to describe where the simulation stands. Set by the kernel; may be null.
using AssertContext = std::string (*)();
void set_assert_context(AssertContext context) noexcept;

[[noreturn]] void assertion_failed(const char* expression, const char* message, const char* file, int line);

}  // namespace dvt

#define DVT_ASSERT(expression, message)                                  \
  do {                                                                   \
    if (!(expression)) [[unlikely]]                                      \
      ::dvt::assertion_failed(#expression, message, __FILE__, __LINE__); \
  } while (false)
