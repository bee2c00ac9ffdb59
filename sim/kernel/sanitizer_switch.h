// Tells AddressSanitizer which stack it is on. Debian's Boost.Context is built without these calls; without them ASan
// takes a throw on a fiber for one on the main stack. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define DVT_ASAN_FIBERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DVT_ASAN_FIBERS 1
#endif
#endif

#if defined(DVT_ASAN_FIBERS)
#include <sanitizer/common_interface_defs.h>
#endif

namespace dvt::sim {

struct StackBounds {
  const void* bottom = nullptr;
  std::size_t size = 0;
};

/// Before a switch to the stack `to`. `fake_stack` null: the running stack is left for good.
inline void about_to_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] StackBounds to) {
#if defined(DVT_ASAN_FIBERS)
  __sanitizer_start_switch_fiber(fake_stack, to.bottom, to.size);
#endif
}

/// After a switch; returns the stack that was left.
inline StackBounds has_switched([[maybe_unused]] void* fake_stack) {
  StackBounds left;
#if defined(DVT_ASAN_FIBERS)
  __sanitizer_finish_switch_fiber(fake_stack, &left.bottom, &left.size);
#endif
  return left;
}

}  // namespace dvt::sim
