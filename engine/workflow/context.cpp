#include "engine/workflow/context.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dvt::engine {

void WorkflowContext::emit(CommandBody body, std::source_location where) {
  if (unwinding_) return;  // destructors of killed workflow code command nothing
  outgoing_.push_back({std::move(body), where});
}

void WorkflowContext::yield(const char* waits_for) {
  fibers_.park(waits_for);
}

// Workflow code that goes on and on without waiting holds its worker for ever (Temporal: "potential deadlock"). Its
// fiber stops here until it is destroyed, which even code that swallows every exception cannot help. A handler runs on
// the main stack and can only be left by an exception.
void WorkflowContext::stop_endless_task() const {
  endless_ = true;
  if (!fibers_.current()) throw EndlessTask();
  while (true) fibers_.park("nothing: the workflow code did not wait");
}

void WorkflowContext::throw_if_cancelled() const {
  if (cancelled_) throw CancelledFailure();
}

WorkflowContext::ActivitySlot* WorkflowContext::slot(std::uint32_t activity_id) {
  for (ActivitySlot& slot : activities_)
    if (slot.activity_id == activity_id) return &slot;
  return nullptr;
}

ActivityHandle WorkflowContext::start_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                                               Where where) {
  note(where);
  throw_if_cancelled();
  const std::uint32_t id = next_activity_id_++;
  activities_.push_back({id, 0, false, {}});
  emit(ScheduleActivity{id, type, std::move(input), options}, where);
  return {id};
}

bool WorkflowContext::ready(ActivityHandle activity, Where where) const {
  note(where);
  for (const ActivitySlot& slot : activities_)
    if (slot.activity_id == activity.activity_id) return slot.done;
  return false;
}

ActivityResult WorkflowContext::wait(ActivityHandle activity, Where where) {
  note(where);
  while (true) {
    ActivitySlot* found = slot(activity.activity_id);
    DVT_ASSERT(found != nullptr, "an activity's result is taken twice");
    if (found->done) {
      ActivityResult result = std::move(found->result);
      activities_.erase(activities_.begin() + (found - activities_.data()));
      return result;
    }
    throw_if_cancelled();
    yield("an activity");
  }
}

Payload WorkflowContext::execute_activity(Symbol type, const ActivityOptionsRef& options, Payload input, Where where) {
  ActivityResult result = wait(start_activity(type, options, std::move(input), where), where);
  if (!result.ok) throw ActivityFailure(result.failure);
  return std::move(result.value);
}

std::uint32_t WorkflowContext::start_timer(Duration duration, std::source_location where) {
  const std::uint32_t id = next_timer_id_++;
  timers_.push_back({id, 0, false});
  emit(StartTimer{id, duration}, where);
  return id;
}

void WorkflowContext::drop_timer(std::uint32_t timer_id, std::source_location where) {
  const auto found =
      std::find_if(timers_.begin(), timers_.end(), [&](const TimerSlot& t) { return t.timer_id == timer_id; });
  DVT_ASSERT(found != timers_.end(), "no such timer");
  if (!found->fired) emit(CancelTimer{timer_id}, where);
  timers_.erase(found);
}

void WorkflowContext::sleep(Duration duration, Where where) {
  await([] { return false; }, duration, where);
}

void WorkflowContext::await(const std::function<bool()>& condition, Where where) {
  note(where);
  while (!condition()) {
    throw_if_cancelled();
    yield("a condition");
  }
}

bool WorkflowContext::await(const std::function<bool()>& condition, Duration timeout, Where where) {
  note(where);
  if (condition()) return true;
  throw_if_cancelled();
  const std::uint32_t id = start_timer(timeout, where);
  while (true) {
    const bool fired =
        std::any_of(timers_.begin(), timers_.end(), [&](const TimerSlot& t) { return t.timer_id == id && t.fired; });
    const bool holds = condition();
    if (holds || fired || cancelled_) {
      drop_timer(id, where);
      if (!holds && cancelled_) throw CancelledFailure();
      return holds;
    }
    yield("a condition or a timer");
  }
}

void WorkflowContext::on_signal(Symbol name, std::function<void(const Payload&)> handler) {
  std::vector<Payload> early;
  std::erase_if(unhandled_signals_, [&](std::pair<Symbol, Payload>& signal) {
    if (signal.first != name) return false;
    early.push_back(std::move(signal.second));
    return true;
  });
  signal_handlers_.emplace_back(name, std::move(handler));
  for (const Payload& payload : early) signal_handlers_.back().second(payload);
}

void WorkflowContext::on_query(Symbol name, std::function<Payload()> handler) {
  query_handlers_.emplace_back(name, std::move(handler));
}

void WorkflowContext::continue_as_new(Payload input, Where where) {
  throw ContinueAsNewThrown{std::move(input), where};
}

bool WorkflowContext::patched(Symbol change, Where where) {
  note(where);
  if (std::find(patches_.begin(), patches_.end(), change) != patches_.end()) return true;
  const bool recorded =
      std::find(recorded_patches_.begin(), recorded_patches_.end(), change) != recorded_patches_.end();
  if (replaying_ && !recorded) return false;  // old code went past this point
  patches_.push_back(change);
  emit(RecordMarker{change, nullptr}, where);
  return true;
}

std::uint64_t WorkflowContext::random(Where where) {
  note(where);
  const std::uint64_t index = next_random_++;
  std::uint64_t words[4];
  random_.words(Purpose::workflow_random, key_.run.value, random_chain_, index / 4, 0, words);
  return words[index % 4];
}

}  // namespace dvt::engine
