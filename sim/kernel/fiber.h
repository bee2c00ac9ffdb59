// Fiber: the kernel's record of one fiber. Records are reused, and so, while it is among the idle ones, is the
// record's stack with its Boost context; the generation tells the fibers that shared a record apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/ports/fibers.h"
#include "engine/ports/timers.h"
#include "sim/kernel/fiber_thread.h"

namespace dvt::sim {

class Kernel;

enum class FiberState : std::uint8_t {
  free,     // ended or never used; the record waits to be reused
  created,  // spawned, not yet run or queued
  ready,    // in the ready queue
  running,
  parked,    // in park()
  sleeping,  // in sleep_for()
  joining,   // in join()
};

struct alignas(64) Fiber {
  // First the cache line that a wake needs.
  FiberThread::Context* context = nullptr;  // null: has no stack yet
  const void* parked_at = nullptr;          // where on its stack it parked, for prefetching
  std::byte* stack_bottom = nullptr;
  const char* waits_for = nullptr;
  Instant since{};
  TimerId timer{};  // while sleeping
  std::uint32_t index = 0;
  std::uint32_t generation = 1;
  FiberState state = FiberState::free;
  bool started = false;
  bool queued = false;  // the kernel, not run(), resumed it last
  bool killed = false;
  bool retires = false;  // its context ends with it instead of staying idle
  std::uint16_t kills_swallowed = 0;

  Kernel* kernel = nullptr;
  std::string name;
  std::function<void()> body;
  FiberId joins{};
  std::vector<FiberId> joiners;
  std::size_t stack_size = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's, while it is not running

  FiberId id() const { return {std::uint64_t{generation} << 32 | (index + std::uint64_t{1})}; }
};

}  // namespace dvt::sim
