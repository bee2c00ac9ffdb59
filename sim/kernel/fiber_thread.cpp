// The seam to Boost.Fiber.
#include "sim/kernel/fiber_thread.h"

#include <boost/fiber/operations.hpp>
#include <boost/fiber/scheduler.hpp>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::sim {
namespace {

thread_local FiberThread* t_fiber_thread = nullptr;

}  // namespace

boost::context::stack_context SlabStackAllocator::allocate() {
  last_ = slab_->allocate();
  boost::context::stack_context context;
  context.sp = last_.top;
  context.size = static_cast<std::size_t>(last_.top - last_.bottom);
  return context;
}

void SlabStackAllocator::deallocate(boost::context::stack_context& context) noexcept {
  auto* const top = static_cast<std::byte*>(context.sp);
  slab_->release({top - context.size, top});
}

FiberThread& FiberThread::of_this_thread() {
  if (t_fiber_thread == nullptr) {
    Context* const active = Context::active();
    DVT_ASSERT(active->is_context(boost::fibers::type::main_context), "the first kernel was made inside a fiber");
    auto* const algorithm = new FiberThread;  // the scheduler takes it over
    algorithm->main_ = active;
    active->get_scheduler()->set_algo(algorithm);
    DVT_ASSERT(algorithm->dispatcher_ != nullptr, "Boost.Fiber handed over no dispatcher");
    t_fiber_thread = algorithm;
  }
  return *t_fiber_thread;
}

FiberThread::Context* FiberThread::create(StackSlab& slab, void (*body)(void*), void* argument,
                                          StackSlab::Stack& stack) {
  SlabStackAllocator allocator(slab);
  const auto owner =
      boost::fibers::make_worker_context(boost::fibers::launch::post, allocator, [body, argument] { body(argument); });
  stack = allocator.last();
  Context::active()->attach(owner.get());
  return owner.get();  // one more reference is the scheduler's, until the context has ended and is collected
}

void FiberThread::collect() {
  DVT_ASSERT(Context::active() == main_, "fibers are collected on the main stack");
  successor_ = main_;
  dispatcher_ready_ = false;
  dispatcher_->resume();
}

void FiberThread::awakened(Context* context) noexcept {
  DVT_ASSERT(context->is_context(boost::fibers::type::dispatcher_context),
             "Boost.Fiber's own synchronisation was used; only park and wake are allowed");
  dispatcher_ = context;
  dispatcher_ready_ = true;
}

FiberThread::Context* FiberThread::pick_next() noexcept {
  if (successor_ != nullptr) return std::exchange(successor_, nullptr);
  // No kernel asks: the thread is ending, and its main context waits for the dispatcher.
  return std::exchange(dispatcher_ready_, false) ? dispatcher_ : nullptr;
}

void FiberThread::suspend_until(const std::chrono::steady_clock::time_point&) noexcept {
  DVT_ASSERT(false, "Boost's dispatcher has nobody to resume (a kernel outlives its thread?)");
}

}  // namespace dvt::sim
