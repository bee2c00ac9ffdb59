// Workflow tasks: one outstanding at most; sticky first, then the common queue; transient after a failure there.
#include <algorithm>

#include "engine/service/service.h"

namespace dvt::engine {
namespace {

// Temporal gives a task that keeps failing more time: from the fourth attempt on, 5 s more, doubling up to 10 min more.
// (The server spreads this by a jitter of up to a fifth; here it is the nominal figure.)
Duration start_to_close_timeout(Duration ordinary, std::uint32_t attempt) {
  constexpr std::uint32_t kOrdinaryAttempts = 3;
  constexpr Duration kMaximum = minutes(10);
  if (attempt <= kOrdinaryAttempts) return ordinary;
  Duration more = seconds(5);
  for (std::uint32_t i = kOrdinaryAttempts + 1; i < attempt && more < kMaximum; ++i) more = more * 2;
  return ordinary + std::min(more, kMaximum);
}

}  // namespace

WorkflowTaskFact Service::task_fact(const Open& open) const {
  const Execution& execution = open.execution;
  WorkflowTaskFact fact;
  fact.run = run_of_facts(execution.key);
  fact.task = open.tasks_before + execution.task.ordinal;
  fact.history_events = execution.history.last_id();
  fact.queue = execution.queue;
  fact.worker = execution.task.worker.worker;
  fact.scheduled_at = execution.task.scheduled_at;
  fact.at = timers_.now();
  return fact;
}

void Service::schedule_workflow_task(Open& open, bool speculative) {
  Execution& execution = open.execution;
  WorkflowTask& task = execution.task;
  if (execution.closed) return;
  // Too much waits for the started task: it is failed, so that the events are written, and another one scheduled.
  if (task.machine.state() == WorkflowTaskState::started && execution.buffered.size() > options_.limits.buffered_events)
    force_close_task(open);
  if (task.machine.state() != WorkflowTaskState::none) return;
  if (execution.in_commands) {  // its events must follow those of the commands
    execution.task_wanted = true;
    return;
  }
  task.machine.must(WorkflowTaskEvent::schedule);
  ++task.ordinal;
  task.scheduled_at = timers_.now();
  task.started = 0;
  task.sticky = task.transient() ? std::nullopt : execution.sticky;
  task.scheduled = 0;
  task.start_to_close = start_to_close_timeout(execution.info->workflow_task_timeout, task.attempt);
  task.speculative = speculative && !task.transient();
  if (!task.transient() && !task.speculative) record_task_scheduled(execution, timers_.now());
  task.history_end = execution.history.last_id();
  telemetry_.workflow_task_scheduled(task_fact(open));
  const WorkflowTaskRef ref{execution.key, task.ordinal};
  if (!task.sticky) {
    matching_.add_workflow_task(execution.queue, ref);
    return;
  }
  matching_.add_sticky_task(*task.sticky, ref);
  if (task.machine.state() == WorkflowTaskState::scheduled) {
    task.timer =
        timers_.call_after(options_.sticky_schedule_to_start,
                           [this, key = execution.key, ordinal = task.ordinal] { on_sticky_timeout(key, ordinal); });
  }
}

void Service::record_task_scheduled(Execution& execution, Instant at) {
  WorkflowTask& task = execution.task;
  task.scheduled = execution.history.append(
      at,
      WorkflowTaskScheduled{execution.info->task_queue, task.attempt,
                            task.sticky ? static_cast<std::int32_t>(task.sticky->worker) : -1, task.start_to_close});
}

void Service::record_task_started(Execution& execution) {
  WorkflowTask& task = execution.task;
  task.started = execution.history.append(
      task.started_at,
      WorkflowTaskStarted{task.scheduled, task.worker.worker, task.suggest_continue_as_new, task.history_bytes});
}

// Nobody took the sticky task: back to the common queue, where another worker replays the whole history.
void Service::on_sticky_timeout(ExecutionKey key, std::uint32_t ordinal) {
  Open* open = find(key);
  if (open == nullptr) return;
  Execution& execution = open->execution;
  if (execution.task.ordinal != ordinal || execution.task.machine.state() != WorkflowTaskState::scheduled) return;
  record_speculative_task(execution);
  execution.task.machine.must(WorkflowTaskEvent::time_out);
  execution.sticky.reset();
  execution.history.append(timers_.now(),
                           WorkflowTaskTimedOut{execution.task.scheduled, 0, TimeoutType::schedule_to_start});
  telemetry_.workflow_task_failed(task_fact(*open), "SCHEDULE_TO_START");
  schedule_workflow_task(*open);
}

bool Service::begin_workflow_task(const WorkflowTaskRef& ref, WorkerRef worker) {
  Open* open = find(ref.execution);
  if (open == nullptr) return false;
  Execution& execution = open->execution;
  WorkflowTask& task = execution.task;
  if (task.ordinal != ref.task || task.machine.state() != WorkflowTaskState::scheduled) return false;
  const bool sticky = task.sticky.has_value();
  if (sticky && *task.sticky != worker) return false;
  timers_.cancel(task.timer);
  if (execution.history.last_id() >= options_.limits.history_events) {
    // Who asks for the match may still hold the execution: it is terminated when they are done.
    timers_.post([this, key = execution.key] {
      if (Open* found = find(key)) exceeds_limits(*found, 1);
    });
    return false;
  }
  task.started_at = timers_.now();
  task.worker = worker;
  if (task.transient() && execution.history.last_id() != task.history_end) {
    // Events came since it was scheduled: it is an ordinary task now.
    task.attempt = 1;
    record_task_scheduled(execution, task.started_at);
  }
  task.history_bytes = execution.history.bytes();
  task.suggest_continue_as_new = task.history_bytes >= options_.limits.suggest_bytes ||
                                 execution.history.last_id() + 1 >= options_.limits.suggest_events;
  if (!task.transient() && !task.speculative) record_task_started(execution);
  task.machine.must(WorkflowTaskEvent::start);
  for (PendingSignal& signal : execution.signals) signal.machine.must(SignalEvent::task_started);
  for (PendingUpdate& update : execution.updates) update.machine.apply(UpdateEvent::task_started);
  telemetry_.workflow_task_started(task_fact(*open));

  task.timer = timers_.call_after(task.start_to_close, [this, key = execution.key, ordinal = task.ordinal] {
    on_workflow_task_timeout(key, ordinal);
  });
  Draws draws(random_, Purpose::poll, execution.key.stream(), std::uint64_t{open->tasks_before} + task.ordinal, 0);
  const Duration drawn = options_.poll_latency.sample(draws);
  const Duration way = poll_way(drawn, {execution.key.stream(), std::uint64_t{open->tasks_before} + task.ordinal, 0});
  const WorkflowTaskToken token{execution.key, task.ordinal, worker};
  timers_.call_after(way, [this, token, sticky] {
    host_->when_awake(token.worker.worker, [this, token, sticky] { workflow_task_arrives(token, sticky); });
  });
  return true;
}

void Service::workflow_task_arrives(const WorkflowTaskToken& token, bool sticky) {
  if (!matching_.is_up(token.worker)) return;  // died with the task on its way
  matching_.poller_returned(token.worker, true);
  Open* found = find(token.execution);
  if (found == nullptr || found->execution.task.ordinal != token.task ||
      found->execution.task.machine.state() != WorkflowTaskState::started) {
    matching_.slot_freed(token.worker, true);  // closed or timed out meanwhile: the worker's answer would be refused
    return;
  }
  const Execution& running = found->execution;
  WorkflowTaskDelivery delivery;
  delivery.token = token;
  delivery.plan = found->plan;
  delivery.execution = &running;
  delivery.sticky = sticky;
  delivery.first_event = sticky ? running.last_completed_started + 1 : 1;
  delivery.attempt = running.task.attempt;
  for (const PendingUpdate& update : running.updates) {
    if (update.machine.state() == UpdateState::sent)
      delivery.updates.push_back(
          {update.request, running.task.started == 0 ? running.history.last_id() + 1 : running.task.started - 1});
  }
  host_->deliver_workflow_task(delivery);
}

void Service::signals_not_completed(Execution& execution) {
  for (PendingSignal& signal : execution.signals) signal.machine.apply(SignalEvent::task_not_completed);
  for (PendingUpdate& update : execution.updates) update.machine.apply(UpdateEvent::task_not_completed);
}

// A task that did not complete. On the sticky queue it costs the stickiness; on the common queue it costs an attempt,
// unless new events came meanwhile (then the next task is an ordinary one again).
void Service::fail_workflow_task(Open& open, WorkflowTaskEvent event, Attributes recorded) {
  Execution& execution = open.execution;
  WorkflowTask& task = execution.task;
  timers_.cancel(task.timer);
  const bool was_transient = task.transient();
  task.machine.must(event);
  if (!was_transient) execution.history.append(timers_.now(), std::move(recorded));
  if (execution.sticky) {
    execution.sticky.reset();
    task.attempt = 1;
  } else {
    ++task.attempt;
  }
  if (flush_buffer(execution)) task.attempt = 1;
  signals_not_completed(execution);
}

void Service::on_workflow_task_timeout(ExecutionKey key, std::uint32_t ordinal) {
  Open* open = find(key);
  if (open == nullptr) return;
  WorkflowTask& task = open->execution.task;
  if (task.ordinal != ordinal || task.machine.state() != WorkflowTaskState::started) return;
  record_speculative_task(open->execution);
  telemetry_.workflow_task_failed(task_fact(*open), "START_TO_CLOSE");
  fail_workflow_task(*open, WorkflowTaskEvent::time_out,
                     WorkflowTaskTimedOut{task.scheduled, task.started, TimeoutType::start_to_close});
  schedule_workflow_task(*open);
}

// Terminate or timeout while a task is started (spec: FORCE_CLOSE_COMMAND).
void Service::force_close_task(Open& open) {
  record_speculative_task(open.execution);
  const WorkflowTask& task = open.execution.task;
  telemetry_.workflow_task_failed(task_fact(open), to_string(WorkflowTaskFailedCause::force_close_command));
  fail_workflow_task(
      open, WorkflowTaskEvent::fail,
      WorkflowTaskFailed{task.scheduled, task.started, WorkflowTaskFailedCause::force_close_command, nullptr, nullptr});
}

void Service::respond_workflow_task_failed(const WorkflowTaskToken& token, WorkflowTaskFailedCause cause,
                                           FailureRef failure) {
  matching_.slot_freed(token.worker, true);
  Open* open = find(token.execution);
  if (open == nullptr) return;
  WorkflowTask& task = open->execution.task;
  if (task.ordinal != token.task || task.machine.state() != WorkflowTaskState::started) return;
  record_speculative_task(open->execution);
  telemetry_.workflow_task_failed(task_fact(*open), to_string(cause));
  fail_workflow_task(*open, WorkflowTaskEvent::fail,
                     WorkflowTaskFailed{task.scheduled, task.started, cause, std::move(failure), nullptr});
  schedule_workflow_task(*open);
}

void Service::sticky_lost(const ExecutionKey& key, std::uint32_t worker) {
  Open* open = find(key);
  if (open == nullptr) return;
  std::optional<WorkerRef>& sticky = open->execution.sticky;
  if (sticky && sticky->worker == worker) sticky.reset();
}

TaskAnswer Service::respond_workflow_task_completed(const WorkflowTaskToken& token, std::vector<Command> commands,
                                                    std::uint32_t replayed_events, bool new_task,
                                                    std::vector<UpdateRejection> rejections) {
  matching_.slot_freed(token.worker, true);
  Open* open = find(token.execution);
  if (open == nullptr) return TaskAnswer::refused;
  Execution& execution = open->execution;
  WorkflowTask& task = execution.task;
  if (task.ordinal != token.task || task.machine.state() != WorkflowTaskState::started || task.worker != token.worker)
    return TaskAnswer::refused;

  if (task.speculative && commands.empty() && !new_task) {
    // It brought updates that the code refused, and nothing else: no trace of it.
    timers_.cancel(task.timer);
    task.machine.must(WorkflowTaskEvent::complete);
    task.speculative = false;
    execution.last_completed_started = execution.history.last_id();  // what the cache has seen
    execution.sticky = token.worker;
    telemetry_.workflow_task_completed(task_fact(*open));
    reject_updates(execution, rejections);
    deliver_updates(*open);
    return TaskAnswer::forgotten;
  }
  record_speculative_task(execution);
  if (std::optional<Refusal> refused = refusal(execution, commands)) {
    // As Temporal does: a retried task's answer that is refused is dropped, and the task times out.
    if (task.transient() && refused->cause != WorkflowTaskFailedCause::unhandled_command) return TaskAnswer::refused;
    telemetry_.workflow_task_failed(task_fact(*open), to_string(refused->cause));
    fail_workflow_task(
        *open, WorkflowTaskEvent::fail,
        WorkflowTaskFailed{task.scheduled, task.started, refused->cause, std::move(refused->failure), nullptr});
    schedule_workflow_task(*open);
    return TaskAnswer::refused;
  }
  const bool closes = !commands.empty() && commands.back().closes_execution();
  const auto events = static_cast<std::uint32_t>((task.transient() ? 3 : 1) + commands.size());
  if (!closes && exceeds_limits(*open, events)) return TaskAnswer::refused;
  timers_.cancel(task.timer);
  if (task.transient()) {  // now it is worth recording
    record_task_scheduled(execution, task.scheduled_at);
    record_task_started(execution);
  }
  const EventId started = task.started;
  task.machine.must(WorkflowTaskEvent::complete);
  task.attempt = 1;
  const EventId completed =
      execution.history.append(timers_.now(), WorkflowTaskCompleted{task.scheduled, started, token.worker.worker});
  execution.last_completed_started = started;
  execution.sticky = token.worker;
  WorkflowTaskFact fact = task_fact(*open);
  fact.replayed_events = replayed_events;
  execution.rebuilt = execution.rebuilt || replayed_events > 0;
  telemetry_.workflow_task_completed(fact);
  // Signals recorded before the task started are applied now; later ones sit in the buffer and stay received.
  std::erase_if(execution.signals, [&](PendingSignal& signal) {
    if (!signal.machine.apply(SignalEvent::task_completed)) return false;
    if (signal.signal != kSignalOfAWorkflow) listener_->signal_applied(execution.key.run, signal.signal, timers_.now());
    return true;
  });
  reject_updates(execution, rejections);
  const ExecutionKey key = execution.key;
  execution.in_commands = true;
  execution.task_wanted = false;
  for (Command& command : commands) {
    apply_command(*open, command, completed);
    if (find(key) != open) return TaskAnswer::taken;  // closed: the state is gone
  }
  execution.in_commands = false;
  dispatch_scheduled(*open);
  const bool flushed = flush_buffer(execution);
  if (flushed || execution.task_wanted || new_task) schedule_workflow_task(*open);
  deliver_updates(*open);
  return TaskAnswer::taken;
}

}  // namespace dvt::engine
