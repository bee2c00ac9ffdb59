#include "engine/service/schedules.h"
#include "engine/workflow/failures.h"

#include <algorithm>

namespace dvt::engine {

Schedules::Schedules(Service& service, Timers& timers, const Random& random, UnixNanos start,
                     std::function<RunOrdinal()> next_run)
    : service_(service), timers_(timers), random_(random), start_(start), next_run_(std::move(next_run)) {}

// Due times are whole multiples of the interval since 1970, and the offset.
Instant Schedules::next_after(const ScheduleOptions& options, Instant now) const {
  const std::int64_t since_first = start_.ns + now.ns - options.offset.ns;
  const std::int64_t interval = options.interval.ns;
  std::int64_t passed = since_first / interval;
  if (since_first % interval < 0) --passed;  // before 1970 and the offset: round down all the same
  return Instant{(passed + 1) * interval + options.offset.ns - start_.ns};
}

bool Schedules::create(ScheduleOptions options) {
  DVT_ASSERT(options.interval.ns > 0, "a schedule needs an interval");
  DVT_ASSERT(options.offset.ns >= 0 && options.offset < options.interval, "a schedule's offset lies in its interval");
  std::string id = options.id;
  const auto [made, fresh] = schedules_.try_emplace(id);
  if (!fresh) return false;
  made->second.options = std::move(options);
  made->second.next = next_after(made->second.options, timers_.now());
  if (available_) arm(id, made->second);
  return true;
}

void Schedules::arm(const std::string& id, Schedule& schedule) {
  schedule.timer = timers_.call_at(std::max(schedule.next, timers_.now()),
                                   [this, held = std::make_unique<std::string>(id)] { due(*held); });
}

bool Schedules::pause(std::string_view id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return false;
  found->second.machine.apply(ScheduleEvent::pause);
  return true;
}

bool Schedules::unpause(std::string_view id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return false;
  found->second.machine.apply(ScheduleEvent::unpause);
  if (available_) work(found->second);
  return true;
}

bool Schedules::trigger(std::string_view id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return false;
  found->second.buffer.push_back({timers_.now(), true});
  if (available_) work(found->second);
  return true;
}

bool Schedules::remove(std::string_view id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return false;
  timers_.cancel(found->second.timer);
  schedules_.erase(found);
  return true;
}

std::optional<ScheduleInfo> Schedules::describe(std::string_view id) const {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return std::nullopt;
  ScheduleInfo info = found->second.info;
  info.buffered = found->second.buffer.size();
  info.paused = found->second.machine.state() == ScheduleState::paused;
  return info;
}

void Schedules::set_available(bool available) {
  if (available_ == available) return;
  available_ = available;
  for (auto& [id, schedule] : schedules_) {
    if (available) {
      due(id);
    } else {
      timers_.cancel(schedule.timer);
    }
  }
}

// Everything up to now that has not been looked at yet.
void Schedules::due(const std::string& id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return;
  Schedule& schedule = found->second;
  const Instant now = timers_.now();
  for (; schedule.next <= now; schedule.next = schedule.next + schedule.options.interval) {
    if (schedule.machine.state() == ScheduleState::paused) continue;
    if (now - schedule.next > schedule.options.catchup_window) {
      ++schedule.info.missed_catchup_window;
    } else if (schedule.buffer.size() >= kScheduleBufferMax) {
      ++schedule.info.buffer_dropped;
    } else {
      schedule.buffer.push_back({schedule.next, false});
    }
  }
  arm(id, schedule);
  work(schedule);
}

// Goes through the buffer in order. What closes meanwhile posts its own look at it.
void Schedules::work(Schedule& schedule) {
  const std::vector<Start> buffer = std::exchange(schedule.buffer, {});
  std::vector<Start> waiting;
  for (const Start& start : buffer) {
    const bool held = schedule.machine.state() == ScheduleState::paused && !start.manual;
    if (held || !take(schedule, start, waiting)) waiting.push_back(start);
  }
  schedule.buffer = std::move(waiting);
}

// False: it has to wait. `waiting` are those before it that do.
bool Schedules::take(Schedule& schedule, const Start& start, std::vector<Start>& waiting) {
  const OverlapPolicy overlap = schedule.options.overlap;
  if (overlap == OverlapPolicy::allow_all || schedule.info.running.empty()) {
    start_workflow(schedule, start);
    return true;
  }
  const std::vector<RunOrdinal> running = schedule.info.running;
  switch (overlap) {
    case OverlapPolicy::skip:
      ++schedule.info.overlap_skipped;
      return true;
    case OverlapPolicy::buffer_one:
      if (waiting.empty()) return false;
      ++schedule.info.overlap_skipped;
      return true;
    case OverlapPolicy::buffer_all:
      return false;
    case OverlapPolicy::cancel_other:
      schedule.info.overlap_skipped += waiting.size();  // only the latest is of interest
      waiting.clear();
      for (const RunOrdinal run : running) service_.request_cancel(run);
      return false;
    case OverlapPolicy::terminate_other: {
      const FailureRef reason = make_failure("terminated by schedule overlap policy", {});
      for (const RunOrdinal run : running) service_.terminate(run, reason);
      start_workflow(schedule, start);
      return true;
    }
    case OverlapPolicy::allow_all:
      break;
  }
  return true;
}

void Schedules::start_workflow(Schedule& schedule, const Start& start) {
  const ScheduleOptions& options = schedule.options;
  const RunOrdinal run = next_run_();
  std::uint64_t words[4];
  random_.words(Purpose::run_id, run.value, 0, 0, 0, words);
  ExecutionInfo info;
  info.workflow_id = options.id + "-";
  append_rfc3339(info.workflow_id, start_ + (start.nominal - Instant{}), 0);
  info.run_id = uuid_v4_from(words[0], words[1]);
  info.first_run_id = info.run_id;
  info.workflow_type = options.workflow_type;
  info.task_queue = options.task_queue;
  info.run_timeout = options.run_timeout;
  // Known as running before it starts: it may close at once.
  schedule.info.running.push_back(run);
  ++schedule.info.actions;
  const bool started = service_.start_workflow(
      {run, options.plan, std::make_shared<const ExecutionInfo>(std::move(info)), options.input});
  if (started) return;
  std::erase(schedule.info.running, run);  // somebody else's workflow has this id
  --schedule.info.actions;
  ++schedule.info.overlap_skipped;
}

void Schedules::execution_closed(const Execution& execution, CloseStatus status) {
  if (execution.key.child != 0 || status == CloseStatus::continued_as_new) return;
  for (auto& [id, schedule] : schedules_) {
    if (std::erase(schedule.info.running, execution.key.run) == 0) continue;
    const bool failed = status == CloseStatus::failed || status == CloseStatus::timed_out;
    if (failed && schedule.options.pause_on_failure) schedule.machine.apply(ScheduleEvent::pause);
    if (!available_) return;
    // Not from inside the close: the listener's other business comes first.
    timers_.post([this, held = std::make_unique<std::string>(id)] {
      const auto found = schedules_.find(*held);
      if (found != schedules_.end() && available_) work(found->second);
    });
    return;
  }
}

}  // namespace dvt::engine
