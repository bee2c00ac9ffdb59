// What each command of a workflow task writes into the history and sets going, and which commands the server refuses.
#include <algorithm>

#include "engine/base/format.h"
#include "engine/service/service.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {
namespace {

Duration shorter(Duration a, Duration b) {
  return b.ns > 0 && (a.ns == 0 || b < a) ? b : a;
}

// Temporal's filling and capping (spec, "Timeouts and retries"). The run timeout bounds everything; 0 means none, and
// then the chain's takes its place.
ActivityOptionsRef effective_options(const ActivityOptionsRef& asked, const ExecutionInfo& info) {
  const Duration run_timeout = shorter(info.run_timeout, info.execution_timeout);
  const ActivityOptions& a = *asked;
  // With start-to-close alone, schedule-to-close becomes the run timeout (0 if none).
  const Duration bound = shorter(a.schedule_to_close, run_timeout);
  const Duration schedule_to_start = shorter(a.schedule_to_start.ns > 0 ? a.schedule_to_start : bound, bound);
  const bool fills = a.schedule_to_close.ns > 0 && a.start_to_close.ns == 0;
  const Duration start_to_close = shorter(fills ? bound : a.start_to_close, bound);
  const Duration heartbeat = a.heartbeat.ns > 0 ? shorter(a.heartbeat, start_to_close) : Duration{};
  const Duration maximum_interval =
      a.retry.maximum_interval.ns > 0 ? a.retry.maximum_interval : a.retry.initial_interval * 100;
  const bool same = bound == a.schedule_to_close && schedule_to_start == a.schedule_to_start &&
                    start_to_close == a.start_to_close && heartbeat == a.heartbeat &&
                    maximum_interval == a.retry.maximum_interval;
  if (same) return asked;  // nearly always: a copy would cost an allocation for each activity
  ActivityOptions out = a;
  out.schedule_to_close = bound;
  out.schedule_to_start = schedule_to_start;
  out.start_to_close = start_to_close;
  out.heartbeat = heartbeat;
  out.retry.maximum_interval = maximum_interval;
  return std::make_shared<const ActivityOptions>(std::move(out));
}

}  // namespace

// The commands are looked at in their order, as if they were applied, so that nothing is undone when one is refused.
std::optional<Service::Refusal> Service::refusal(const Execution& execution,
                                                 const std::vector<Command>& commands) const {
  std::size_t pending = execution.activities.size();
  std::size_t buffered = execution.buffered.size();
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Command& command = commands[i];
    if (const auto* schedule = std::get_if<ScheduleActivity>(&command.body)) {
      const ActivityOptions& options = *schedule->options;
      if (options.start_to_close.ns <= 0 && options.schedule_to_close.ns <= 0) {
        return Refusal{
            WorkflowTaskFailedCause::bad_schedule_activity_attributes,
            make_failure(fmt::format("activity {} '{}' has neither a start-to-close nor a schedule-to-close timeout",
                                     schedule->activity_id, schedule->type.text()),
                         {})};
      }
      if (pending >= options_.limits.pending_activities) {
        return Refusal{
            WorkflowTaskFailedCause::pending_activities_limit_exceeded,
            make_failure(fmt::format("the number of pending activities, {}, has reached the execution's limit of {}",
                                     pending, options_.limits.pending_activities),
                         {})};
      }
      ++pending;
    } else if (const auto* cancel = std::get_if<CancelActivity>(&command.body)) {
      const bool running = std::any_of(
          execution.activities.begin(), execution.activities.end(), [cancel](const PendingActivity& activity) {
            return activity.activity_id == cancel->activity_id && activity.machine.state() == ActivityState::started;
          });
      const bool closed = std::none_of(
          execution.activities.begin(), execution.activities.end(),
          [cancel](const PendingActivity& activity) { return activity.activity_id == cancel->activity_id; });
      if (!running && !closed) --pending;  // cancelled on the spot
    } else if (const auto* stop = std::get_if<CancelTimer>(&command.body)) {
      const auto is_it = [stop](const PendingTimer& timer) { return timer.timer_id == stop->timer_id; };
      if (std::any_of(execution.timers.begin(), execution.timers.end(), is_it)) continue;
      const bool started_here = std::any_of(commands.begin(), commands.begin() + static_cast<std::ptrdiff_t>(i),
                                            [stop](const Command& earlier) {
                                              const auto* start = std::get_if<StartTimer>(&earlier.body);
                                              return start != nullptr && start->timer_id == stop->timer_id;
                                            });
      if (started_here) continue;
      const bool fired =
          std::any_of(execution.buffered.begin(), execution.buffered.end(), [stop](const BufferedEvent& event) {
            const auto* timer = std::get_if<TimerFired>(&event.attributes);
            return timer != nullptr && timer->timer_id == stop->timer_id;
          });
      if (!fired) {
        return Refusal{WorkflowTaskFailedCause::bad_cancel_timer_attributes,
                       make_failure(fmt::format("there is no timer {} to cancel", stop->timer_id), {})};
      }
      --buffered;
    } else if (command.closes_execution() && buffered > 0) {
      return Refusal{WorkflowTaskFailedCause::unhandled_command, nullptr};
    }
  }
  return std::nullopt;
}

void Service::add_activity(Open& open, PendingActivity activity) {
  Execution& execution = open.execution;
  if (const auto* subject = payload_if<StepSubject>(activity.input)) {
    activity.step = subject->step();
    activity.step_work = subject->is_step_work();
  }
  activity.first_scheduled_at = timers_.now();
  if (activity.options->schedule_to_close.ns > 0) {
    activity.schedule_to_close = timers_.call_after(
        activity.options->schedule_to_close, [this, key = execution.key, scheduled = activity.scheduled] {
          on_activity_timeout(key, scheduled, 0, TimeoutType::schedule_to_close);
        });
  }
  execution.activities.push_back(std::move(activity));
  execution.to_dispatch.push_back(execution.activities.back().scheduled);
}

void Service::dispatch_scheduled(Open& open) {
  const std::vector<EventId> ids = std::move(open.execution.to_dispatch);
  open.execution.to_dispatch.clear();
  for (const EventId scheduled : ids)
    if (PendingActivity* activity = find_activity(open.execution, scheduled)) dispatch_activity(open, *activity);
}

void Service::add_timer(Execution& execution, PendingTimer timer) {
  timer.timer =
      timers_.call_at(timer.due, [this, key = execution.key, id = timer.timer_id] { on_timer_fired(key, id); });
  execution.timers.push_back(std::move(timer));
}

void Service::apply_command(Open& open, Command& command, EventId completed) {
  Execution& execution = open.execution;
  const Instant now = timers_.now();
  if (auto* schedule = std::get_if<ScheduleActivity>(&command.body)) {
    PendingActivity activity;
    activity.activity_id = schedule->activity_id;
    activity.type = schedule->type;
    activity.options = effective_options(schedule->options, *execution.info);
    activity.input = schedule->input;
    activity.scheduled =
        execution.history.append(now, ActivityTaskScheduled{schedule->activity_id, completed, schedule->type,
                                                            std::move(schedule->input), activity.options});
    execution.next_activity_id = schedule->activity_id + 1;
    add_activity(open, std::move(activity));
  } else if (auto* cancel = std::get_if<CancelActivity>(&command.body)) {
    cancel_unstarted_or_request(open, cancel->activity_id, completed);
  } else if (auto* start = std::get_if<StartTimer>(&command.body)) {
    PendingTimer timer;
    timer.timer_id = start->timer_id;
    timer.started = execution.history.append(now, TimerStarted{start->timer_id, completed, start->after});
    timer.due = now + start->after;
    add_timer(execution, std::move(timer));
  } else if (auto* stop = std::get_if<CancelTimer>(&command.body)) {
    const auto timer = std::find_if(execution.timers.begin(), execution.timers.end(),
                                    [stop](const PendingTimer& running) { return running.timer_id == stop->timer_id; });
    if (timer != execution.timers.end()) {
      timer->machine.must(TimerEvent::cancel);
      timers_.cancel(timer->timer);
      execution.history.append(now, TimerCanceled{timer->timer_id, timer->started, completed});
      execution.timers.erase(timer);
    } else {  // it fired during the task: the workflow code never hears of it
      const EventId started = drop_buffered_timer_fired(execution, stop->timer_id);
      execution.history.append(now, TimerCanceled{stop->timer_id, started, completed});
    }
  } else if (auto* marker = std::get_if<RecordMarker>(&command.body)) {
    execution.history.append(now, MarkerRecorded{marker->name, std::move(marker->details), completed});
  } else if (auto* complete = std::get_if<CompleteWorkflow>(&command.body)) {
    execution.history.append(now, WorkflowExecutionCompleted{complete->result, completed});
    close(open, CloseStatus::completed, complete->result, nullptr);
  } else if (auto* fail = std::get_if<FailWorkflow>(&command.body)) {
    execution.history.append(now, WorkflowExecutionFailed{fail->failure, completed});
    close(open, CloseStatus::failed, nullptr, fail->failure);
  } else if (std::holds_alternative<CancelWorkflow>(command.body)) {
    execution.history.append(now, WorkflowExecutionCanceled{completed});
    close(open, CloseStatus::cancelled, nullptr, nullptr);
  } else if (auto* again = std::get_if<ContinueAsNew>(&command.body)) {
    execution.history.append(now, WorkflowExecutionContinuedAsNew{next_run_id(execution), again->input, completed});
    close(open, CloseStatus::continued_as_new, again->input, nullptr);
  } else {
    const bool known = apply_child_command(open, command, completed) || apply_update_command(open, command, completed);
    DVT_ASSERT(known, "a command that the server does not know");
  }
}

void Service::on_timer_fired(ExecutionKey key, std::uint32_t timer_id) {
  Open* open = find(key);
  if (open == nullptr) return;
  Execution& execution = open->execution;
  for (std::size_t i = 0; i < execution.timers.size(); ++i) {
    PendingTimer& timer = execution.timers[i];
    if (timer.timer_id != timer_id || !timer.machine.apply(TimerEvent::fire)) continue;
    if (arrivals_exceed_limits(*open, 1)) return;
    if (key.child == 0) telemetry_.timer_fired(key.run, timer.due, timers_.now());
    write(execution, TimerFired{timer_id, timer.started});
    execution.timers.erase(execution.timers.begin() + static_cast<std::ptrdiff_t>(i));
    schedule_workflow_task(*open);
    return;
  }
}

}  // namespace dvt::engine
