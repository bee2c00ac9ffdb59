// Reset: an execution is terminated and another goes on from one of its workflow tasks, with a copy of the history up
// to there. What Temporal's resetter does: the task fails with RESET_WORKFLOW, activities and timers that were open at
// that point are started again, signals recorded after it are recorded again. (Activities that ran at that point look
// unstarted in the copy, because ActivityTaskStarted is written late.)
#include <algorithm>

#include "engine/service/service.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {
namespace {

/// Whether the copy may end at `last`: at a scheduled or started workflow task.
bool is_reset_point(const History& history, EventId last) {
  if (last < 2 || last > history.last_id()) return false;
  const Attributes& attributes = history.at(last).attributes;
  return std::holds_alternative<WorkflowTaskScheduled>(attributes) ||
         std::holds_alternative<WorkflowTaskStarted>(attributes);
}

}  // namespace

Service::ResetAnswer Service::reset_workflow(RunOrdinal run, EventId task_finished, const std::string& reason) {
  Open* found = find_run(run);
  if (found == nullptr) return ResetAnswer::not_open;
  if (task_finished == 0 || !is_reset_point(found->execution.history, task_finished - 1))
    return ResetAnswer::no_workflow_task_there;
  Open& old = *found;
  const FailureRef why = make_failure(reason, {});

  if (old.execution.task.machine.state() == WorkflowTaskState::started) force_close_task(old);
  write(old.execution, WorkflowExecutionTerminated{why});
  const History base = old.execution.history;
  const ExecutionKey key = old.execution.key;
  ExecutionInfo info = *old.execution.info;
  auto point = std::make_shared<ResetPoint>();
  point->base_run_id = info.run_id;
  point->new_chain = key.chain + 1;
  info.run_id = next_run_id(old.execution);
  info.chain = point->new_chain;
  point->new_run_id = info.run_id;
  const auto shared = std::make_shared<const ExecutionInfo>(std::move(info));
  const PlanOrdinal plan = old.plan;
  const Payload input = old.execution.input;
  std::vector<PendingChild> children = std::move(old.execution.children);
  old.execution.children.clear();
  const auto children_of_run = old.execution.children_of_run;
  const std::vector<PendingSignal> signals = std::move(old.execution.signals);
  old.execution.signals.clear();  // they go on with the new execution
  const TimerId execution_timer = old.execution.execution_timer;
  const bool hold = old.execution.hold_activities;
  const std::uint32_t activities_before = old.activities_before + old.execution.next_activity_id - 1;
  const std::uint32_t tasks_before = old.tasks_before + old.execution.task.ordinal;
  close(old, CloseStatus::reset, nullptr, why);

  Open& next = open({run, key.chain + 1, 0}, plan, shared, input);
  Execution& execution = next.execution;
  next.activities_before = activities_before;
  next.tasks_before = tasks_before;
  execution.hold_activities = hold;
  execution.execution_timer = execution_timer;
  arm_run_timer(execution);
  rebuild(next, base, task_finished - 1);
  WorkflowTask& task = execution.task;
  execution.history.append(
      timers_.now(),
      WorkflowTaskFailed{task.scheduled, task.started, WorkflowTaskFailedCause::reset_workflow, why, std::move(point)});
  task.machine.must(WorkflowTaskEvent::fail);
  for (EventId id = task_finished; id <= base.last_id(); ++id) {
    if (const auto* signal = std::get_if<WorkflowExecutionSignaled>(&base.at(id).attributes)) {
      ++execution.signal_count;
      execution.history.append(timers_.now(), *signal);
    }
  }
  execution.children_of_run = children_of_run;
  reconnect_children(next, std::move(children), base, task_finished - 1);
  for (PendingSignal signal : signals) {
    signal.machine.apply(SignalEvent::task_not_completed);
    execution.signals.push_back(std::move(signal));
  }
  dispatch_scheduled(next);
  schedule_workflow_task(next);
  return ResetAnswer::done;
}

// The server's state after the first `last` events of `base`, the last of them a workflow task that is started.
void Service::rebuild(Open& open, const History& base, EventId last) {
  Execution& execution = open.execution;
  std::vector<PendingActivity> activities;
  std::vector<PendingTimer> timers;
  const auto drop_activity = [&activities](EventId scheduled) {
    std::erase_if(activities, [scheduled](const PendingActivity& activity) { return activity.scheduled == scheduled; });
  };
  const auto drop_timer = [&timers](std::uint32_t id) {
    std::erase_if(timers, [id](const PendingTimer& timer) { return timer.timer_id == id; });
  };
  EventId task_scheduled = 0;
  for (EventId id = 1; id <= last; ++id) {
    const HistoryEvent& event = base.at(id);
    execution.history.append(event.time, event.attributes);
    if (const auto* scheduled = std::get_if<ActivityTaskScheduled>(&event.attributes)) {
      PendingActivity activity;
      activity.scheduled = id;
      activity.activity_id = scheduled->activity_id;
      activity.type = scheduled->type;
      activity.input = scheduled->input;
      activity.options = scheduled->options;
      activities.push_back(std::move(activity));
      execution.next_activity_id = scheduled->activity_id + 1;
    } else if (const auto* asked = std::get_if<ActivityTaskCancelRequested>(&event.attributes)) {
      for (PendingActivity& activity : activities) {
        if (activity.scheduled != asked->scheduled) continue;
        activity.cancel_requested = true;
        activity.cancel_requested_event = id;
      }
    } else if (is_activity_close(event.attributes)) {
      drop_activity(scheduled_of_close(event.attributes));
    } else if (const auto* started = std::get_if<TimerStarted>(&event.attributes)) {
      PendingTimer timer;
      timer.timer_id = started->timer_id;
      timer.started = id;
      timer.due = std::max(event.time + started->after, timers_.now());
      timers.push_back(std::move(timer));
    } else if (const auto* fired = std::get_if<TimerFired>(&event.attributes)) {
      drop_timer(fired->timer_id);
    } else if (const auto* cancelled = std::get_if<TimerCanceled>(&event.attributes)) {
      drop_timer(cancelled->timer_id);
    } else if (std::holds_alternative<WorkflowExecutionSignaled>(event.attributes)) {
      ++execution.signal_count;
    } else if (const auto* upsert = std::get_if<UpsertWorkflowSearchAttributes>(&event.attributes)) {
      set_search_attributes(execution, *upsert->attributes);
    } else if (std::holds_alternative<WorkflowExecutionCancelRequested>(event.attributes)) {
      execution.cancellation.apply(CancellationEvent::request);
    } else if (std::holds_alternative<WorkflowTaskScheduled>(event.attributes)) {
      task_scheduled = id;
    } else if (const auto* completed = std::get_if<WorkflowTaskCompleted>(&event.attributes)) {
      execution.last_completed_started = completed->started;
    }
  }
  for (PendingActivity& activity : activities) add_activity(open, std::move(activity));
  for (PendingTimer& timer : timers) add_timer(execution, std::move(timer));

  WorkflowTask& task = execution.task;
  task.machine.must(WorkflowTaskEvent::schedule);
  task.machine.must(WorkflowTaskEvent::start);
  task.scheduled = task_scheduled;
  task.started = last;
  if (task_scheduled == last) {  // it was not started then: now it is, in order to fail
    task.started_at = timers_.now();
    record_task_started(execution);
  }
}

}  // namespace dvt::engine
