// The kernel's fibers. A fiber that waits chooses its successor itself and switches straight to it; the main stack is
// visited only for callbacks, observers and errors. Stepped fibers always go back to the main stack.
#include <cxxabi.h>

#include <cstring>
#include <exception>
#include <utility>

#include "engine/base/assert.h"
#include "sim/kernel/activation.h"
#include "sim/kernel/fiber.h"
#include "sim/kernel/kernel.h"

namespace dvt::sim {
namespace {

// What __cxa_get_globals() points to (Itanium C++ ABI: caught exceptions, number of uncaught ones).
struct ExceptionGlobals {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

// Idle stacks kept for new fibers; further ones go back to the system.
constexpr std::size_t kIdleStacksMax = 8192;
// A fiber that goes on parking this often while it is being killed will never end.
constexpr unsigned kKillsSwallowedMax = 1000;

// The stack top of a parked fiber is cold when thousands take turns: fetched while the fiber before it runs. More lines
// than this one gain nothing (measured).
void prefetch(const Fiber* fiber) {
  if (fiber != nullptr) __builtin_prefetch(fiber->parked_at);
}

}  // namespace

Fiber* Kernel::find(FiberId id) const {
  const std::uint64_t index = (id.value & 0xffff'ffff) - 1;
  if (!id || index >= fibers_.size()) return nullptr;
  Fiber* const fiber = fibers_[index].get();
  return fiber->generation == id.value >> 32 && fiber->state != FiberState::free ? fiber : nullptr;
}

Fiber& Kernel::new_fiber(std::string name, std::function<void()> body) {
  assert_not_observing();
  DVT_ASSERT(static_cast<bool>(body), "a fiber without a body");
  Fiber* fiber = nullptr;
  auto& idle = free_with_stack_.empty() ? free_without_stack_ : free_with_stack_;
  if (idle.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
    fiber = fibers_.back().get();
    fiber->index = static_cast<std::uint32_t>(fibers_.size() - 1);
    fiber->kernel = this;
  } else {
    fiber = idle.back();
    idle.pop_back();
  }
  fiber->name = std::move(name);
  fiber->body = std::move(body);
  fiber->state = FiberState::created;
  fiber->retires = false;
  ++fibers_alive_;
  return *fiber;
}

FiberId Kernel::spawn(std::string name, std::function<void()> body) {
  return new_fiber(std::move(name), std::move(body)).id();
}

FiberId Kernel::spawn_queued(std::string name, std::function<void()> body) {
  Fiber& fiber = new_fiber(std::move(name), std::move(body));
  make_ready(fiber);
  return fiber.id();
}

bool Kernel::alive(FiberId fiber) const {
  return find(fiber) != nullptr;
}

FiberId Kernel::current() const {
  return current_ == nullptr ? FiberId{} : current_->id();
}

void Kernel::make_ready(Fiber& fiber) {
  fiber.state = FiberState::ready;
  ready_.push({&fiber, fiber.generation});
}

void Kernel::wake(FiberId id) {
  assert_not_observing();
  Fiber* const fiber = find(id);
  if (fiber == nullptr) return;
  if (fiber->state == FiberState::parked || fiber->state == FiberState::created) make_ready(*fiber);
}

bool Kernel::run(FiberId id) {
  assert_not_observing();
  DVT_ASSERT(current_ == nullptr, "run(fiber) was called from inside a fiber");
  Fiber* const fiber = find(id);
  if (fiber == nullptr) return false;
  DVT_ASSERT(fiber->state == FiberState::parked || fiber->state == FiberState::created,
             "run(fiber) of a fiber that is ready, asleep or joining");
  step(*fiber);
  return alive(id);
}

void Kernel::kill(FiberId id) {
  assert_not_observing();
  DVT_ASSERT(current_ == nullptr, "kill(fiber) was called from inside a fiber");
  Fiber* const fiber = find(id);
  if (fiber == nullptr) return;
  if (!fiber->started) {
    fiber->body = nullptr;
    release(*fiber);
    return;
  }
  if (fiber->state == FiberState::sleeping) queue_.cancel(fiber->timer);
  fiber->killed = true;
  step(*fiber);
  DVT_ASSERT(!alive(id), "a killed fiber is still alive");
}

// Runs `fiber` until it waits or ends, and comes back.
void Kernel::step(Fiber& fiber) {
  const Activation activation(*this);
  DVT_ASSERT(on_own_thread(), "a kernel is used outside its thread");
  fiber.queued = false;
  stepping_ = true;
  switch_to(&fiber);
  stepping_ = false;
  collect_ended(kCollectBatch);
  rethrow_pending();
}

// From the main stack: lets the queued fibers run, starting with this one, until the main stack is needed.
void Kernel::resume_queued(Fiber& fiber) {
  fiber.queued = true;
  switch_to(&fiber);
  rethrow_pending();
}

void Kernel::rethrow_pending() {
  if (pending_exception_) std::rethrow_exception(std::exchange(pending_exception_, nullptr));
}

// Null when none is left.
Fiber* Kernel::next_ready() {
  while (!ready_.empty()) {
    ReadyQueue::Entry entry;
    if (options_.schedule == TieBreak::shuffled && ready_.size() > 1) {
      std::uint64_t words[4];
      options_.random->words(Purpose::shuffle, ++ready_picks_, 1, 0, 0, words);
      entry = ready_.pop_at(words[0] % ready_.size());
    } else {
      entry = ready_.pop();
    }
    if (entry.fiber->generation != entry.generation || entry.fiber->state != FiberState::ready) continue;
    ++events_total_;
    instant_open_ = true;
    return entry.fiber;
  }
  return nullptr;
}

// On a fiber's stack: who goes on. Null: the main stack. The order is the loop's own.
Fiber* Kernel::pick_next() {
  if (events_total_ >= attention_at_ || pending_exception_) return nullptr;
  Fiber* next = ready_.empty() ? nullptr : next_ready();
  if (next == nullptr) {
    if (queue_.empty() || queue_.next_token() == nullptr) return nullptr;
    const Instant when = queue_.next_time();
    if (when > fast_until_) return nullptr;
    if (when > now_) advance(when);
    next = static_cast<Fiber*>(queue_.pop().token);
    next->timer = {};
    ++events_total_;
    instant_open_ = true;
    prefetch(static_cast<const Fiber*>(queue_.likely_next_token()));
  }
  next->queued = true;
  return next;
}

// Every switch saves and clears the exception state of the context that leaves, and restores it when it is back;
// otherwise a fiber parked in a catch block would leave its exception to the others (design §3).
void Kernel::switch_to(Fiber* target) {
  ExceptionGlobals saved;
  std::memcpy(&saved, exception_globals_, sizeof saved);
  const ExceptionGlobals clear;
  std::memcpy(exception_globals_, &clear, sizeof clear);
  if (target != nullptr && target->context == nullptr) create_context(*target);
  Fiber* const self = std::exchange(current_, target);
  void** const fake_stack = self == nullptr ? &main_fake_stack_ : &self->fake_stack;
  if (target == nullptr) {
    about_to_switch(fake_stack, main_stack_);
    thread_.main_context()->resume();
  } else {
    about_to_switch(fake_stack, {target->stack_bottom, target->stack_size});
    target->context->resume();
  }
  has_switched(*fake_stack);
  std::memcpy(exception_globals_, &saved, sizeof saved);
}

// The running context ends; Boost resumes the successor.
void Kernel::leave_for(Fiber* target) {
  if (target != nullptr && target->context == nullptr) create_context(*target);
  current_ = target;
  if (target == nullptr) {
    thread_.set_successor(thread_.main_context());
    about_to_switch(nullptr, main_stack_);
  } else {
    thread_.set_successor(target->context);
    about_to_switch(nullptr, {target->stack_bottom, target->stack_size});
  }
}

void Kernel::create_context(Fiber& fiber) {
  StackSlab::Stack stack;
  fiber.context = thread_.create(slab_, &Kernel::fiber_main, &fiber, stack);
  fiber.stack_bottom = stack.bottom;
  fiber.stack_size = static_cast<std::size_t>(stack.top - stack.bottom);
}

// A context's life: one body after another, idle in between.
void Kernel::fiber_main(void* argument) {
  auto& fiber = *static_cast<Fiber*>(argument);
  Kernel& kernel = *fiber.kernel;
  const StackBounds left = has_switched(nullptr);
  if (kernel.main_stack_.bottom == nullptr) kernel.main_stack_ = left;  // the first switch is from the main stack
  while (!fiber.retires) {
    kernel.run_body(fiber);
    Fiber* const next = kernel.finish(fiber);
    if (fiber.retires) {
      kernel.leave_for(next);
      return;
    }
    kernel.switch_to(next);
  }
  kernel.leave_for(nullptr);  // woken from idleness to end
}

void Kernel::run_body(Fiber& fiber) {
  fiber.state = FiberState::running;
  fiber.started = true;
  try {
    fiber.body();
  } catch (const FiberKilled&) {  // fiber entry: the end that was asked for
  } catch (...) {                 // fiber entry: main rethrows it; a kill was caught above
    pending_exception_ = std::current_exception();
  }
  DVT_ASSERT(StackSlab::intact(fiber.stack_bottom), "a fiber overran its stack");
  fiber.body = nullptr;
}

// Releases the fiber that runs and returns who goes on.
Fiber* Kernel::finish(Fiber& fiber) {
  release(fiber);
  return stepping_ ? nullptr : pick_next();
}

void Kernel::release(Fiber& fiber) {
  const std::vector<FiberId> joiners = std::exchange(fiber.joiners, {});
  for (const FiberId id : joiners) {
    Fiber* const joiner = find(id);
    if (joiner == nullptr) continue;  // killed while it waited
    DVT_ASSERT(joiner->state == FiberState::joining, "a joiner goes on before its turn");
    make_ready(*joiner);
  }
  fiber.state = FiberState::free;
  ++fiber.generation;
  // Only the context that runs can end; one that was never started stays idle.
  fiber.retires = fiber.started && free_with_stack_.size() >= kIdleStacksMax;
  fiber.started = false;
  fiber.killed = false;
  fiber.kills_swallowed = 0;
  fiber.name.clear();
  --fibers_alive_;
  if (fiber.retires) {
    fiber.context = nullptr;
    if (++ended_uncollected_ >= kCollectBatch) attention_at_ = 0;
  }
  (fiber.context != nullptr ? free_with_stack_ : free_without_stack_).push_back(&fiber);
}

void Kernel::collect_ended(std::size_t at_least) {
  if (ended_uncollected_ < at_least) return;
  thread_.collect();
  ended_uncollected_ = 0;
}

void Kernel::throw_killed(Fiber& fiber) {
  // A second exception during an unwinding would end the program without a word.
  DVT_ASSERT(std::uncaught_exceptions() == 0, "a destructor waits while its fiber is being killed");
  DVT_ASSERT(++fiber.kills_swallowed < kKillsSwallowedMax, "a fiber swallows FiberKilled and goes on");
  throw FiberKilled{};
}

// Marks the running fiber as waiting; throws when it is being killed.
Fiber& Kernel::begin_wait(FiberState state, const char* waits_for) {
  DVT_ASSERT(current_ != nullptr, "only a fiber may wait");
  Fiber& fiber = *current_;
  if (fiber.killed) [[unlikely]]
    throw_killed(fiber);
  fiber.state = state;
  fiber.waits_for = waits_for;
  fiber.since = now_;
  return fiber;
}

void Kernel::suspend(Fiber& fiber) {
  DVT_ASSERT(StackSlab::intact(fiber.stack_bottom), "a fiber overran its stack");
  fiber.parked_at = __builtin_frame_address(0);
  Fiber* const next = stepping_ ? nullptr : pick_next();
  if (next != &fiber) switch_to(next);
  fiber.state = FiberState::running;
  if (fiber.killed) [[unlikely]]
    throw_killed(fiber);
}

void Kernel::park(const char* waits_for) {
  suspend(begin_wait(FiberState::parked, waits_for));
}

void Kernel::sleep_for(Duration duration) {
  DVT_ASSERT(duration.ns >= 0, "a sleep of negative length");
  Fiber& fiber = begin_wait(FiberState::sleeping, "a sleep to end");
  fiber.timer = queue_.push_token(now_ + duration, &fiber);
  suspend(fiber);
}

void Kernel::join(FiberId id) {
  DVT_ASSERT(current_ != nullptr, "only a fiber may join another");
  DVT_ASSERT(id != current(), "a fiber joins itself");
  Fiber* const other = find(id);
  if (other == nullptr) return;
  Fiber& fiber = begin_wait(FiberState::joining, "a fiber to end");
  fiber.joins = id;
  other->joiners.push_back(fiber.id());
  suspend(fiber);
}

void Kernel::end_all_fibers() {
  // Unwinding may spawn or wake others, hence the outer loop.
  while (fibers_alive_ > 0) {
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
      if (fibers_[i]->state == FiberState::free) continue;
      try {
        kill(fibers_[i]->id());
      } catch (...) {  // fiber entry: on the main stack; the kernel is going and nobody is left to hear of it
      }
    }
  }
  for (Fiber* const fiber : std::exchange(free_with_stack_, {})) {
    fiber->retires = true;
    ++ended_uncollected_;
    switch_to(fiber);
  }
  collect_ended(1);
}

}  // namespace dvt::sim
