// What each command of a workflow task writes into the history and sets going.
#include "engine/service/service.h"

namespace dvt::engine {
namespace {

Duration shorter(Duration a, Duration b) {
  return b.ns > 0 && (a.ns == 0 || b < a) ? b : a;
}

// Temporal's filling and capping (spec, "Timeouts and retries"). The run timeout bounds everything; 0 means none.
ActivityOptionsRef effective_options(const ActivityOptionsRef& asked, Duration run_timeout) {
  const ActivityOptions& a = *asked;
  ActivityOptions out = a;
  out.schedule_to_close = shorter(a.schedule_to_close, run_timeout);
  const Duration bound = out.schedule_to_close;
  if (a.schedule_to_close.ns > 0) {
    out.schedule_to_start = shorter(a.schedule_to_start.ns > 0 ? a.schedule_to_start : bound, bound);
    out.start_to_close = shorter(a.start_to_close.ns > 0 ? a.start_to_close : bound, bound);
  } else {
    // start-to-close alone: schedule-to-close becomes the run timeout (0 if none)
    out.schedule_to_start = shorter(a.schedule_to_start.ns > 0 ? a.schedule_to_start : bound, bound);
    out.start_to_close = shorter(a.start_to_close, bound);
  }
  out.heartbeat = a.heartbeat.ns > 0 ? shorter(a.heartbeat, out.start_to_close) : Duration{};
  if (out.retry.maximum_interval.ns == 0) out.retry.maximum_interval = out.retry.initial_interval * 100;
  const bool same = out.schedule_to_close == a.schedule_to_close && out.schedule_to_start == a.schedule_to_start &&
                    out.start_to_close == a.start_to_close && out.heartbeat == a.heartbeat &&
                    out.retry.maximum_interval == a.retry.maximum_interval;
  return same ? asked : std::make_shared<const ActivityOptions>(std::move(out));
}

}  // namespace

void Service::apply_command(Open& open, Command& command, EventId completed) {
  Execution& execution = open.execution;
  const Instant now = timers_.now();
  if (auto* schedule = std::get_if<ScheduleActivity>(&command.body)) {
    DVT_ASSERT(schedule->options->start_to_close.ns > 0 || schedule->options->schedule_to_close.ns > 0,
               "an activity needs start-to-close or schedule-to-close");
    DVT_ASSERT(execution.activities.size() < options_.pending_activities_max, "too many pending activities");
    PendingActivity activity;
    activity.activity_id = schedule->activity_id;
    activity.type = schedule->type;
    activity.options = effective_options(schedule->options, execution.info->run_timeout);
    activity.input = schedule->input;
    if (const auto* subject = payload_if<StepSubject>(activity.input)) {
      activity.step = subject->step();
      activity.step_work = subject->is_step_work();
    }
    activity.first_scheduled_at = now;
    activity.scheduled =
        execution.history.append(now, ActivityTaskScheduled{schedule->activity_id, completed, schedule->type,
                                                            std::move(schedule->input), activity.options});
    execution.next_activity_id = schedule->activity_id + 1;
    execution.activities.push_back(std::move(activity));
    PendingActivity& added = execution.activities.back();
    if (added.options->schedule_to_close.ns > 0) {
      added.schedule_to_close = timers_.call_after(
          added.options->schedule_to_close, [this, key = execution.key, scheduled = added.scheduled] {
            on_activity_timeout(key, scheduled, 0, TimeoutType::schedule_to_close);
          });
    }
    dispatch_activity(open, added);
  } else if (auto* cancel = std::get_if<CancelActivity>(&command.body)) {
    cancel_unstarted_or_request(open, cancel->activity_id, completed);
  } else if (auto* start = std::get_if<StartTimer>(&command.body)) {
    PendingTimer timer;
    timer.timer_id = start->timer_id;
    timer.started = execution.history.append(now, TimerStarted{start->timer_id, completed, start->after});
    timer.due = now + start->after;
    timer.timer =
        timers_.call_at(timer.due, [this, key = execution.key, id = start->timer_id] { on_timer_fired(key, id); });
    execution.timers.push_back(std::move(timer));
  } else if (auto* stop = std::get_if<CancelTimer>(&command.body)) {
    for (std::size_t i = 0; i < execution.timers.size(); ++i) {
      PendingTimer& timer = execution.timers[i];
      if (timer.timer_id != stop->timer_id || !timer.machine.apply(TimerEvent::cancel)) continue;
      timers_.cancel(timer.timer);
      execution.history.append(now, TimerCanceled{timer.timer_id, timer.started, completed});
      execution.timers.erase(execution.timers.begin() + static_cast<std::ptrdiff_t>(i));
      break;
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
  }
}

void Service::on_timer_fired(ExecutionKey key, std::uint32_t timer_id) {
  Open* open = find(key);
  if (open == nullptr) return;
  Execution& execution = open->execution;
  for (std::size_t i = 0; i < execution.timers.size(); ++i) {
    PendingTimer& timer = execution.timers[i];
    if (timer.timer_id != timer_id || !timer.machine.apply(TimerEvent::fire)) continue;
    telemetry_.timer_fired(key.run, timer.due, timers_.now());
    write(execution, TimerFired{timer_id, timer.started});
    execution.timers.erase(execution.timers.begin() + static_cast<std::ptrdiff_t>(i));
    schedule_workflow_task(*open);
    return;
  }
}

}  // namespace dvt::engine
