#include "engine/base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace dvt {
namespace {
std::atomic<AssertContext> g_context{nullptr};
}

void set_assert_context(AssertContext context) noexcept {
  g_context.store(context);
}

void assertion_failed(const char* expression, const char* message, const char* file, int line) {
  std::fprintf(stderr, "dvtsim: internal error: %s (%s) at %s:%d\n", message, expression, file, line);
  if (AssertContext context = g_context.load()) std::fprintf(stderr, "  %s\n", context().c_str());
  std::abort();
}

}  // namespace dvt
