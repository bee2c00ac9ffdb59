// The loop: ready fibers first, then the queue's events of this instant, then the observers, then time moves.
#include "sim/kernel/kernel.h"

#include <cxxabi.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/assert.h"
#include "sim/kernel/activation.h"
#include "sim/kernel/fiber.h"

namespace dvt::sim {
namespace {

constexpr Instant kNever{std::numeric_limits<std::int64_t>::max()};

std::string describe(Instant when, const std::vector<WaitingFiber>& waiting) {
  std::string text = "deadlock at " + format_duration({when.ns}) + ": no event is left and " +
                     std::to_string(waiting.size()) + (waiting.size() == 1 ? " fiber waits:" : " fibers wait:");
  for (const WaitingFiber& fiber : waiting) {
    text += "\n  '" + fiber.name + "' waits for " + fiber.waits_for + " since " + format_duration({fiber.since.ns});
  }
  return text;
}

}  // namespace

DeadlockError::DeadlockError(Instant when, std::vector<WaitingFiber> waiting)
    : Error(describe(when, waiting)), when_(when), waiting_(std::move(waiting)) {}

LivelockError::LivelockError(Instant when, std::uint64_t events)
    : Error("livelock at " + format_duration({when.ns}) + ": " + std::to_string(events) +
            " events at this instant and time does not move"),
      when_(when) {}

Kernel::Kernel(KernelOptions options)
    : queue_(options.schedule, options.random),
      options_(options),
      thread_(FiberThread::of_this_thread()),
      exception_globals_(abi::__cxa_get_globals()) {
  DVT_ASSERT(options_.events_per_instant_max > 0, "no event would be allowed");
  Activation::install();
}

Kernel::~Kernel() {
  DVT_ASSERT(!running_ && current_ == nullptr, "a kernel is destroyed while it runs");
  end_all_fibers();
}

TimerId Kernel::call_at(Instant when, Callback&& callback) {
  assert_not_observing();
  DVT_ASSERT(when >= now_, "a timer in the past");
  return queue_.push(when, std::move(callback));
}

bool Kernel::cancel(TimerId timer) {
  assert_not_observing();
  return queue_.cancel(timer);
}

RunStatus Kernel::run_until(Instant end) {
  DVT_ASSERT(end >= now_, "the end of the run lies in the past");
  return loop(end, EndOfRun::at_end);
}

bool Kernel::on_own_thread() const {
  return abi::__cxa_get_globals() == exception_globals_;
}

RunStatus Kernel::run() {
  return loop(kNever, EndOfRun::when_drained);
}

RunStatus Kernel::loop(Instant end, EndOfRun end_of_run) {
  DVT_ASSERT(!running_ && current_ == nullptr, "run was called from inside a run");
  DVT_ASSERT(on_own_thread(), "a kernel is used outside its thread");
  const Activation activation(*this);
  struct Running {
    Kernel& kernel;
    ~Running() {
      kernel.running_ = false;
      kernel.fast_until_ = Instant{-1};
    }
  } const running{*this};
  running_ = true;
  end_ = end;
  allow_fast();
  attention_at_ = events_total_;
  for (;;) {
    if (events_total_ >= attention_at_ && attend()) return RunStatus::stopped;
    if (!ready_.empty()) {
      if (Fiber* const fiber = next_ready()) {
        resume_queued(*fiber);
        continue;
      }
    }
    if (!queue_.empty()) {
      const Instant next = queue_.next_time();
      if (next <= fast_until_) {
        if (next > now_) advance(next);
        fire();
        continue;
      }
    }
    if (close_instant()) continue;
    if (std::exchange(stop_at_instant_end_, false)) return RunStatus::stopped;
    const bool drained = queue_.empty();
    if (drained) {
      throw_if_deadlocked();
      if (end_of_run == EndOfRun::when_drained) return RunStatus::drained;
    }
    const Instant next = std::min(drained ? kNever : queue_.next_time(), next_grid());
    if (next > end) {
      advance(end);
      return drained ? RunStatus::drained : RunStatus::reached_end;
    }
    advance(next);
    allow_fast();
    // A stretch of grid points alone counts no events, so it would never come to attend().
    if (stop_requested_.load(std::memory_order_relaxed)) attention_at_ = events_total_;
  }
}

void Kernel::fire() {
  const TimerQueue::Due due = queue_.pop();
  ++events_total_;
  instant_open_ = true;
  if (due.token == nullptr) {
    queue_.invoke(due);
    return;
  }
  auto& fiber = *static_cast<Fiber*>(due.token);
  fiber.timer = {};
  resume_queued(fiber);
}

void Kernel::advance(Instant to) {
  now_ = to;
  instant_start_total_ = events_total_;
}

// Without an instant-end hook nothing has to happen between two events until the next grid point.
void Kernel::allow_fast() {
  fast_until_ = instant_end_hook_ || stop_at_instant_end_ ? now_ : std::max(now_, std::min(end_, next_grid()));
}

// True when the run must stop.
bool Kernel::attend() {
  const std::uint64_t events_here = events_total_ - instant_start_total_;
  if (events_here > options_.events_per_instant_max) throw LivelockError(now_, events_here);
  collect_ended(kCollectBatch);
  if (progress_hook_ && events_total_ >= progress_at_) {
    progress_at_ = events_total_ + progress_every_;
    observe([this] { progress_hook_(); });
  }
  if (stop_requested_.exchange(false, std::memory_order_relaxed)) return true;
  attention_at_ =
      std::min(events_total_ + kAttentionEvents, instant_start_total_ + options_.events_per_instant_max + 1);
  if (progress_hook_) attention_at_ = std::min(attention_at_, std::max(progress_at_, events_total_ + 1));
  return false;
}

// Runs the observers that are due. True if one of them made events for this same instant.
bool Kernel::close_instant() {
  if (std::exchange(instant_open_, false) && instant_end_hook_) observe([this] { instant_end_hook_(now_); });
  for (std::size_t i = 0; i < grids_.size(); ++i) {
    if (grids_[i].next != now_) continue;
    grids_[i].next = grids_[i].next + grids_[i].interval;
    observe([this, i] { grids_[i].observer(now_); });
  }
  if (after_observers_.empty()) return false;
  for (Callback& callback : std::exchange(after_observers_, {})) queue_.push(now_, std::move(callback));
  return true;
}

void Kernel::observe(const std::function<void()>& observers) {
  struct Observing {
    bool& flag;
    ~Observing() { flag = false; }
  } const observing{observing_};
  observing_ = true;
  observers();
}

Instant Kernel::next_grid() const {
  Instant next = kNever;
  for (const Grid& grid : grids_) next = std::min(next, grid.next);
  return next;
}

void Kernel::set_instant_end_hook(Observer observer) {
  assert_not_observing();
  instant_end_hook_ = std::move(observer);
  fast_until_ = std::min(fast_until_, now_);
}

void Kernel::add_sample_grid(Instant first, Duration interval, Observer observer) {
  assert_not_observing();
  DVT_ASSERT(interval.ns > 0, "a sample grid needs an interval above zero");
  DVT_ASSERT(static_cast<bool>(observer), "a sample grid needs an observer");
  if (first < now_) {
    const std::int64_t missed = ((now_ - first).ns + interval.ns - 1) / interval.ns;
    first = first + interval * missed;
  }
  grids_.push_back({first, interval, std::move(observer)});
  fast_until_ = std::min(fast_until_, first);
}

void Kernel::call_after_observers(Callback callback) {
  DVT_ASSERT(observing_, "only observers may ask for this");
  after_observers_.push_back(std::move(callback));
}

void Kernel::stop_at_instant_end() {
  stop_at_instant_end_ = true;
  fast_until_ = std::min(fast_until_, now_);
}

void Kernel::set_progress_hook(std::uint64_t events, std::function<void()> hook) {
  DVT_ASSERT(events > 0, "progress after no events");
  progress_every_ = events;
  progress_at_ = events_total_ + events;
  progress_hook_ = std::move(hook);
  attention_at_ = std::min(attention_at_, progress_at_);
}

void Kernel::throw_if_deadlocked() const {
  std::vector<WaitingFiber> waiting;
  for (const auto& fiber : fibers_) {
    if (fiber->state == FiberState::joining) {
      const Fiber* const other = find(fiber->joins);
      DVT_ASSERT(other != nullptr, "a fiber joins one that has ended");
      waiting.push_back({fiber->id(), fiber->name, "the end of fiber '" + other->name + "'", fiber->since});
    } else if (fiber->state == FiberState::parked && fiber->queued) {
      waiting.push_back({fiber->id(), fiber->name, fiber->waits_for, fiber->since});
    }
  }
  if (!waiting.empty()) throw DeadlockError(now_, std::move(waiting));
}

}  // namespace dvt::sim
