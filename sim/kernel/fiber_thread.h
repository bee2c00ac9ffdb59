// FiberThread: the one scheduling algorithm this thread's Boost.Fiber scheduler gets. It schedules nothing itself:
// kernels switch from context to context directly, and name the successor where Boost asks (a context that ends, and
// the dispatcher). So any number of kernels share a thread. Boost never sleeps or reads a clock that matters here.
#pragma once

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <chrono>
#include <functional>

#include "sim/kernel/stack_slab.h"

namespace dvt::sim {

/// Boost's StackAllocator over a slab.
class SlabStackAllocator {
 public:
  explicit SlabStackAllocator(StackSlab& slab) : slab_(&slab) {}
  boost::context::stack_context allocate();
  void deallocate(boost::context::stack_context& context) noexcept;
  /// The stack of the last allocate() of this copy.
  StackSlab::Stack last() const { return last_; }

 private:
  StackSlab* slab_;
  StackSlab::Stack last_{};
};

/// Owned by the thread's Boost scheduler, which lives until the thread ends. Installed by the first of_this_thread().
class FiberThread final : public boost::fibers::algo::algorithm {
 public:
  using Context = boost::fibers::context;

  FiberThread() = default;
  /// The first call on a thread must come from its main stack.
  static FiberThread& of_this_thread();

  Context* main_context() const { return main_; }
  /// Creates a suspended context that will run `body` on a stack from `slab`. When `body` returns, the successor named
  /// last is resumed and the context waits for collect().
  Context* create(StackSlab& slab, void (*body)(void*), void* argument, StackSlab::Stack& stack);
  /// Who goes on when the running context ends.
  void set_successor(Context* context) { successor_ = context; }
  /// Runs Boost's dispatcher once, which frees the ended contexts and their stacks. From the main stack.
  void collect();

  // What Boost calls.
  void awakened(Context* context) noexcept override;
  Context* pick_next() noexcept override;
  bool has_ready_fibers() const noexcept override { return dispatcher_ready_; }
  void suspend_until(const std::chrono::steady_clock::time_point& /*never reached*/) noexcept override;
  void notify() noexcept override {}

 private:
  Context* main_ = nullptr;
  Context* dispatcher_ = nullptr;
  Context* successor_ = nullptr;
  bool dispatcher_ready_ = false;
};

}  // namespace dvt::sim
