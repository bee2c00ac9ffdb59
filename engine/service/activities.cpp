// Activities on the server: dispatch, the four timeouts, retries, and the late ActivityTaskStarted.
#include <algorithm>

#include "engine/service/attempts.h"
#include "engine/service/service.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {
namespace {

constexpr std::string_view kForcedTimeout = "FORCED_TIMEOUT";

}  // namespace

PendingActivity* Service::find_activity(Execution& execution, EventId scheduled) {
  for (PendingActivity& activity : execution.activities)
    if (activity.scheduled == scheduled) return &activity;
  return nullptr;
}

ActivityFact Service::activity_fact(const Open& open, const PendingActivity& activity) const {
  ActivityFact fact;
  fact.run = run_of_facts(open.execution.key);
  fact.plan = open.plan;
  fact.activity = open.activities_before + activity.activity_id;
  fact.attempt = activity.attempt;
  fact.type = activity.type.text();
  fact.kind = activity.step_work ? ActivityKind::step : ActivityKind::control;
  fact.step = activity.step;
  fact.scheduled_at = activity.scheduled_at;
  fact.started_at = activity.started_at;
  fact.at = timers_.now();
  return fact;
}

// Makes the present attempt available to workers.
void Service::dispatch_activity(Open& open, PendingActivity& activity) {
  Execution& execution = open.execution;
  activity.scheduled_at = timers_.now();
  telemetry_.activity_scheduled(activity_fact(open, activity));
  if (activity.options->schedule_to_start.ns > 0) {
    activity.attempt_timer =
        timers_.call_after(activity.options->schedule_to_start,
                           [this, key = execution.key, scheduled = activity.scheduled, attempt = activity.attempt] {
                             on_activity_timeout(key, scheduled, attempt, TimeoutType::schedule_to_start);
                           });
  }
  if (execution.hold_activities && activity.type == held_type_) {
    execution.held.push_back(activity.scheduled);
    return;
  }
  matching_.add_activity_task(matching_.queue_index(activity.options->task_queue),
                              {execution.key, activity.scheduled, activity.attempt});
}

bool Service::begin_activity_task(const ActivityTaskRef& ref, WorkerRef worker) {
  Open* open = find(ref.execution);
  if (open == nullptr) return false;
  Execution& execution = open->execution;
  PendingActivity* activity = find_activity(execution, ref.scheduled);
  if (activity == nullptr || activity->attempt != ref.attempt || activity->machine.state() != ActivityState::scheduled)
    return false;
  if (execution.hold_activities && activity->type == held_type_) {
    execution.held.push_back(ref.scheduled);
    return false;
  }
  activity->machine.must(ActivityEvent::dispatched);
  activity->started_at = timers_.now();
  activity->worker = worker;
  timers_.cancel(activity->attempt_timer);
  const auto arm = [&](Duration after, TimeoutType type) {
    return timers_.call_after(after, [this, key = ref.execution, scheduled = ref.scheduled, attempt = ref.attempt,
                                      type] { on_activity_timeout(key, scheduled, attempt, type); });
  };
  activity->attempt_timer = {};
  if (activity->options->start_to_close.ns > 0)
    activity->attempt_timer = arm(activity->options->start_to_close, TimeoutType::start_to_close);
  if (activity->options->heartbeat.ns > 0)
    activity->heartbeat_timer = arm(activity->options->heartbeat, TimeoutType::heartbeat);
  telemetry_.activity_started(activity_fact(*open, *activity));

  ActivityTaskDelivery delivery;
  delivery.token = {ref.execution, ref.scheduled, ref.attempt, worker};
  delivery.chain_activity = open->activities_before + activity->activity_id;
  Draws draws(random_, Purpose::poll, ref.execution.stream(), delivery.chain_activity, ref.attempt);
  const Duration drawn = options_.poll_latency.sample(draws);
  const Duration way = poll_way(drawn, {ref.execution.stream(), delivery.chain_activity, ref.attempt});
  timers_.call_after(way, [this, token = delivery.token] {
    host_->when_awake(token.worker.worker, [this, token] { activity_task_arrives(token); });
  });
  return true;
}

void Service::activity_task_arrives(const ActivityTaskToken& token) {
  if (!matching_.is_up(token.worker)) return;
  matching_.poller_returned(token.worker, false);
  Open* found = nullptr;
  PendingActivity* arrived = current_attempt(token, found);
  if (arrived == nullptr) {
    matching_.slot_freed(token.worker, false);
    return;
  }
  ActivityTaskDelivery out;
  out.token = token;
  out.plan = found->plan;
  out.activity_id = arrived->activity_id;
  out.chain_activity = found->activities_before + arrived->activity_id;
  out.type = arrived->type;
  out.input = arrived->input;
  out.options = arrived->options;
  out.scheduled_at = arrived->scheduled_at;
  out.started_at = arrived->started_at;
  out.heartbeat_details = arrived->heartbeat_details;
  host_->deliver_activity_task(out);
}

// The activity a token speaks of, if that attempt is still the one the server waits for.
PendingActivity* Service::current_attempt(const ActivityTaskToken& token, Open*& open) {
  open = find(token.execution);
  if (open == nullptr) return nullptr;
  PendingActivity* activity = find_activity(open->execution, token.scheduled);
  if (activity == nullptr || activity->attempt != token.attempt ||
      activity->machine.state() != ActivityState::started || activity->worker != token.worker)
    return nullptr;
  return activity;
}

PendingActivity* Service::answered_attempt(const ActivityTaskToken& token, Open*& open) {
  PendingActivity* activity = current_attempt(token, open);
  if (activity == nullptr) telemetry_.completion_refused(token.execution.run, token.attempt, timers_.now());
  return activity;
}

void Service::cancel_activity_timers(PendingActivity& activity) {
  timers_.cancel(activity.schedule_to_close);
  timers_.cancel(activity.attempt_timer);
  timers_.cancel(activity.heartbeat_timer);
}

void Service::finish_activity(Open& open, EventId scheduled) {
  auto& activities = open.execution.activities;
  const auto found = std::find_if(activities.begin(), activities.end(), [scheduled](const PendingActivity& activity) {
    return activity.scheduled == scheduled;
  });
  DVT_ASSERT(found != activities.end(), "an activity was finished twice");
  cancel_activity_timers(*found);
  activities.erase(found);
  schedule_workflow_task(open);
}

// The started event is written only now, with its real time; then the close that refers to it.
void Service::write_activity_close(Open& open, PendingActivity& activity, Attributes close) {
  Execution& execution = open.execution;
  if (activity.machine.state() != ActivityState::started) {  // never dispatched, or between two attempts
    write(execution, std::move(close));
    return;
  }
  const bool buffering = execution.task.machine.state() == WorkflowTaskState::started;
  const auto buffered_at = static_cast<std::int32_t>(execution.buffered.size());
  write_at(execution, activity.started_at,
           ActivityTaskStarted{activity.scheduled, activity.attempt, activity.worker.worker, activity.last_failure});
  if (buffering) {
    execution.buffered.push_back({timers_.now(), std::move(close), buffered_at});
    return;
  }
  set_started(close, execution.history.last_id());
  write(execution, std::move(close));
}

void Service::respond_activity_completed(const ActivityTaskToken& token, Payload result) {
  matching_.slot_freed(token.worker, false);
  Open* open = nullptr;
  PendingActivity* activity = answered_attempt(token, open);
  if (activity == nullptr || arrivals_exceed_limits(*open, 2)) return;
  const ActivityFact fact = activity_fact(*open, *activity);
  write_activity_close(*open, *activity,
                       ActivityTaskCompleted{activity->scheduled, 0, activity->worker.worker, std::move(result)});
  activity->machine.must(ActivityEvent::closed);
  telemetry_.activity_closed(fact, ActivityOutcome::completed, {});
  finish_activity(*open, token.scheduled);
}

void Service::respond_activity_failed(const ActivityTaskToken& token, FailureRef failure) {
  matching_.slot_freed(token.worker, false);
  Open* open = nullptr;
  PendingActivity* activity = answered_attempt(token, open);
  if (activity != nullptr) fail_or_retry(*open, *activity, failure, std::nullopt);
}

void Service::respond_activity_cancelled(const ActivityTaskToken& token) {
  matching_.slot_freed(token.worker, false);
  Open* open = nullptr;
  PendingActivity* activity = answered_attempt(token, open);
  if (activity == nullptr || !activity->cancel_requested || arrivals_exceed_limits(*open, 2)) return;
  const ActivityFact fact = activity_fact(*open, *activity);
  write_activity_close(*open, *activity,
                       ActivityTaskCanceled{activity->scheduled, 0, activity->cancel_requested_event});
  activity->machine.must(ActivityEvent::closed);
  telemetry_.activity_closed(fact, ActivityOutcome::cancelled, {});
  finish_activity(*open, token.scheduled);
}

Service::HeartbeatAnswer Service::record_heartbeat(const ActivityTaskToken& token, Payload details) {
  Open* open = nullptr;
  PendingActivity* activity = current_attempt(token, open);
  if (activity == nullptr) return HeartbeatAnswer::not_found;
  activity->heartbeat_details = std::move(details);
  if (activity->options->heartbeat.ns > 0) {
    timers_.cancel(activity->heartbeat_timer);
    activity->heartbeat_timer =
        timers_.call_after(activity->options->heartbeat,
                           [this, key = token.execution, scheduled = token.scheduled, attempt = token.attempt] {
                             on_activity_timeout(key, scheduled, attempt, TimeoutType::heartbeat);
                           });
  }
  return activity->cancel_requested ? HeartbeatAnswer::cancel_requested : HeartbeatAnswer::go_on;
}

// `attempt` 0: the timeout covers all attempts (schedule-to-close).
void Service::on_activity_timeout(ExecutionKey key, EventId scheduled, std::uint32_t attempt, TimeoutType type) {
  Open* open = find(key);
  if (open == nullptr) return;
  PendingActivity* activity = find_activity(open->execution, scheduled);
  if (activity == nullptr || (attempt != 0 && activity->attempt != attempt)) return;
  fail_or_retry(*open, *activity, make_failure("activity " + std::string(to_string(type)) + " timeout", {}), type);
}

std::size_t Service::fail_started_activities(RunOrdinal run, Symbol type, const std::string& reason) {
  Open* open = find_run(run);
  if (open == nullptr) return 0;
  std::vector<EventId> hanging;
  for (const PendingActivity& activity : open->execution.activities)
    if (activity.type == type && activity.machine.state() == ActivityState::started)
      hanging.push_back(activity.scheduled);
  const FailureRef failure = make_failure(reason, Symbol::intern(kForcedTimeout));
  std::size_t failed = 0;
  for (const EventId scheduled : hanging) {
    open = find_run(run);  // a limit may have ended it
    if (open == nullptr) break;
    if (PendingActivity* activity = find_activity(open->execution, scheduled)) {
      fail_or_retry(*open, *activity, failure, std::nullopt);
      ++failed;
    }
  }
  return failed;
}

void Service::fail_or_retry(Open& open, PendingActivity& activity, const FailureRef& failure,
                            std::optional<TimeoutType> timeout) {
  const Instant now = timers_.now();
  const RetryPolicy& policy = activity.options->retry;
  const bool attempts_left = policy.maximum_attempts == 0 || activity.attempt < policy.maximum_attempts;
  const Duration delay =
      failure->next_retry_delay.ns > 0 ? failure->next_retry_delay : backoff_after(policy, activity.attempt);
  const bool in_time = activity.options->schedule_to_close.ns == 0 ||
                       now + delay <= activity.first_scheduled_at + activity.options->schedule_to_close;
  const ActivityFact fact = activity_fact(open, activity);
  const std::string_view code = timeout ? to_string(*timeout) : failure->type.text();
  const bool may_retry = is_retryable(policy, failure, timeout) && attempts_left && !activity.cancel_requested;
  if (may_retry && in_time) {
    timers_.cancel(activity.attempt_timer);
    timers_.cancel(activity.heartbeat_timer);
    activity.heartbeat_timer = {};
    telemetry_.activity_closed(fact, timeout ? timeout_outcome(*timeout) : ActivityOutcome::failed_retryable, code);
    activity.machine.must(ActivityEvent::retry_decided);
    activity.last_failure = failure;
    telemetry_.activity_retry(fact, timeout || code == kForcedTimeout ? "timeout" : failure->type.text(), now + delay,
                              policy.maximum_attempts);
    activity.attempt_timer =
        timers_.call_after(delay, [this, key = open.execution.key, scheduled = activity.scheduled,
                                   attempt = activity.attempt] { on_retry_due(key, scheduled, attempt); });
    return;
  }
  if (arrivals_exceed_limits(open, 2)) return;
  if (timeout) {
    // Only the expiry stood against another attempt: then it is schedule-to-close that ran out.
    const TimeoutType recorded = may_retry ? TimeoutType::schedule_to_close : *timeout;
    write_activity_close(
        open, activity,
        ActivityTaskTimedOut{activity.scheduled, 0, recorded, activity.last_failure, activity.heartbeat_details});
  } else {
    write_activity_close(open, activity, ActivityTaskFailed{activity.scheduled, 0, activity.worker.worker, failure});
  }
  activity.machine.must(ActivityEvent::closed);
  telemetry_.activity_closed(fact, timeout ? timeout_outcome(*timeout) : ActivityOutcome::failed, code);
  finish_activity(open, activity.scheduled);
}

void Service::on_retry_due(ExecutionKey key, EventId scheduled, std::uint32_t attempt) {
  Open* open = find(key);
  if (open == nullptr) return;
  PendingActivity* activity = find_activity(open->execution, scheduled);
  if (activity == nullptr || activity->attempt != attempt || !activity->machine.apply(ActivityEvent::retry_due)) return;
  ++activity->attempt;
  activity->attempt_timer = {};
  dispatch_activity(*open, *activity);
}

// A cancel request: an activity that is not running is cancelled on the spot, a running one is told at its heartbeat.
// The request is an event of the command. ActivityTaskCanceled is not: it joins the events that the task's close
// flushes, and is lost with them when a later command closes the execution.
void Service::cancel_unstarted_or_request(Open& open, std::uint32_t activity_id, EventId completed) {
  Execution& execution = open.execution;
  for (PendingActivity& activity : execution.activities) {
    if (activity.activity_id != activity_id || activity.cancel_requested) continue;
    activity.cancel_requested = true;
    activity.cancel_requested_event =
        execution.history.append(timers_.now(), ActivityTaskCancelRequested{activity.scheduled, completed});
    if (activity.machine.state() == ActivityState::started) return;
    const ActivityFact fact = activity_fact(open, activity);
    execution.buffered.push_back(
        {timers_.now(), ActivityTaskCanceled{activity.scheduled, 0, activity.cancel_requested_event}, -1});
    activity.machine.must(ActivityEvent::closed);
    telemetry_.activity_closed(fact, ActivityOutcome::cancelled, {});
    finish_activity(open, activity.scheduled);
    return;
  }
  // It closed during the task: the request is recorded all the same, and nothing comes of it.
  for (const BufferedEvent& event : execution.buffered) {
    const EventId scheduled = scheduled_of_close(event.attributes);
    if (scheduled == 0) continue;
    const auto& attributes = std::get<ActivityTaskScheduled>(execution.history.at(scheduled).attributes);
    if (attributes.activity_id != activity_id) continue;
    execution.history.append(timers_.now(), ActivityTaskCancelRequested{scheduled, completed});
    return;
  }
}

}  // namespace dvt::engine
