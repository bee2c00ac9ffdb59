// Workflows and their tasks: dispatch, timeouts, retries, updates. What follows an update is the decider's business.
#include "adapters/conductor/server.h"

#include <algorithm>

#include "engine/service/attempts.h"
#include "engine/workflow/failures.h"

namespace dvt::adapters {

using namespace dvt::engine;

namespace {

FailureRef timeout_failure(TimeoutType type) {
  return make_failure("task timed out: " + std::string(to_string(type)), names::timeout_error);
}

}  // namespace

ConductorServer::ConductorServer(Timers& timers, const Random& random, Telemetry& telemetry,
                                 ConductorServerOptions options)
    : timers_(timers), random_(random), telemetry_(telemetry), options_(std::move(options)), queues_(timers, *this) {
  ActivityOptions unlimited = *options_.control;
  unlimited.retry.maximum_attempts = 0;
  until_written_ = std::make_shared<const ActivityOptions>(std::move(unlimited));
}

ConductorServer::Workflow* ConductorServer::find(RunOrdinal run) {
  const auto found = workflows_.find(run.value);
  return found == workflows_.end() ? nullptr : found->second.get();
}

ConductorServer::Task* ConductorServer::find_task(Workflow& w, std::uint32_t id) {
  for (Task& task : w.tasks)
    if (task.id == id) return &task;
  return nullptr;
}

std::optional<WorkflowState> ConductorServer::state(RunOrdinal run) const {
  const auto found = workflows_.find(run.value);
  if (found == workflows_.end()) return std::nullopt;
  const Workflow& w = *found->second;
  if (!w.paused) return WorkflowState::running;
  const bool runs = std::any_of(w.tasks.begin(), w.tasks.end(), [](const Task& task) {
    return task.role == TaskRole::step && task.status == TaskStatus::in_progress;
  });
  return w.pause == Pause::draining || (w.pause == Pause::telling && runs) ? WorkflowState::paused_draining
                                                                           : WorkflowState::paused;
}

void ConductorServer::start_workflow(RunIdentityRef run, std::shared_ptr<const PlanRunInput> input,
                                     const WorkflowDefinition& definition) {
  DVT_ASSERT(!is_open(run->run), "a run was started twice");
  auto workflow = std::make_unique<Workflow>();
  Workflow& w = *workflow;
  w.run = std::move(run);
  w.input = std::move(input);
  w.definition = &definition;
  workflows_[w.run->run.value] = std::move(workflow);
  decide(w);
}

ActivityFact ConductorServer::fact(const Workflow& w, const Task& task) const {
  ActivityFact fact;
  fact.run = w.run->run;
  fact.plan = w.run->plan;
  fact.activity = task.id;
  fact.attempt = task.attempt;
  fact.kind = task.role == TaskRole::step ? ActivityKind::step : ActivityKind::control;
  fact.type = task.type.text();
  fact.step = task.step;
  fact.scheduled_at = task.scheduled_at;
  fact.started_at = task.started_at;
  fact.at = timers_.now();
  return fact;
}

void ConductorServer::schedule(Workflow& w, TaskRole role, Symbol type, Payload input, StepIndex step) {
  Task task;
  task.id = w.next_task++;
  task.role = role;
  task.type = type;
  task.step = step;
  task.input = std::move(input);
  task.options = role == TaskRole::step          ? options_.step_options(w.run->plan, step)
                 : role == TaskRole::tell_cancel ? until_written_
                                                 : options_.control;
  const auto isolated = role == TaskRole::step ? options_.isolation(w.run->tenant) : std::nullopt;
  const auto domain = isolated ? isolated : queues_.find_domain(task.options->task_queue);
  DVT_ASSERT(domain.has_value(), "a task's queue has workers");
  task.domain = *domain;
  // Known fault 9: one timeout for every task, whatever it does.
  task.timeout =
      role == TaskRole::step && options_.timeout_by_kind ? task.options->start_to_close : options_.task_timeout;
  task.first_scheduled_at = timers_.now();
  if (task.options->schedule_to_close.ns > 0) {
    const TaskRef ref{w.run->run, task.id, 0};
    task.total_timer = timers_.call_after(task.options->schedule_to_close,
                                          [this, ref] { on_timeout(ref, TimeoutType::schedule_to_close); });
  }
  w.tasks.push_back(std::move(task));
  dispatch(w, w.tasks.back());
}

void ConductorServer::emit(Workflow& w, TaskRole role, EventType type, StepIndex step, std::uint32_t ordinal) {
  schedule(w, role, names::emit_event, make_payload<EmitEventInput>(w.input, type, step, ordinal), step);
}

// Makes the present attempt available to polls.
void ConductorServer::dispatch(Workflow& w, Task& task) {
  task.status = TaskStatus::scheduled;
  task.scheduled_at = timers_.now();
  telemetry_.activity_scheduled(fact(w, task));
  const TaskRef ref{w.run->run, task.id, task.attempt};
  if (task.options->schedule_to_start.ns > 0)
    task.attempt_timer = timers_.call_after(task.options->schedule_to_start,
                                            [this, ref] { on_timeout(ref, TimeoutType::schedule_to_start); });
  if (w.hold && task.role == TaskRole::step) {
    w.held.push_back(ref);
    return;
  }
  queues_.push(task.domain, ref);
}

bool ConductorServer::begin_task(const TaskRef& ref, WorkerRef worker) {
  Workflow* w = find(ref.run);
  Task* task = w == nullptr ? nullptr : find_task(*w, ref.task);
  if (task == nullptr || task->attempt != ref.attempt || task->status != TaskStatus::scheduled) return false;
  if (w->hold && task->role == TaskRole::step) {
    w->held.push_back(ref);
    return false;
  }
  task->status = TaskStatus::in_progress;
  task->started_at = timers_.now();
  task->delivered_at = task->started_at;
  task->worker = worker;
  timers_.cancel(task->attempt_timer);
  task->attempt_timer = {};
  if (task->timeout.ns > 0)
    task->attempt_timer =
        timers_.call_after(task->timeout, [this, ref] { on_timeout(ref, TimeoutType::start_to_close); });
  telemetry_.activity_started(fact(*w, *task));

  Draws draws(random_, Purpose::poll, ref.run.value, ref.task, ref.attempt);
  const Duration way = options_.poll_latency.sample(draws);
  timers_.call_after(way, [this, ref, worker] {
    if (!queues_.is_up(worker)) return;
    Workflow* owner = find(ref.run);
    Task* arrived = owner == nullptr ? nullptr : find_task(*owner, ref.task);
    if (arrived == nullptr || arrived->attempt != ref.attempt || arrived->status != TaskStatus::in_progress) {
      queues_.slot_freed(worker);  // cancelled on its way: the worker finds nothing to do
      return;
    }
    arrived->delivered_at = timers_.now();
    host_->deliver_task({ref, worker, arrived->type, arrived->input, arrived->scheduled_at, arrived->started_at});
  });
  return true;
}

void ConductorServer::update_task(const TaskRef& ref, WorkerRef worker, ActivityAnswer answer) {
  queues_.slot_freed(worker);
  Workflow* w = find(ref.run);
  if (w == nullptr) return;
  const auto orphan = std::find(w->orphans.begin(), w->orphans.end(), ref);
  if (orphan != w->orphans.end()) {  // policy reject: the update changes nothing and is audited
    w->orphans.erase(orphan);
    telemetry_.notice(
        {"ORPHANED_TASK", ref.run, "the update of a task that a forced pause gave up was refused", timers_.now()});
    return;
  }
  Task* task = find_task(*w, ref.task);
  if (task == nullptr || task->attempt != ref.attempt || task->status != TaskStatus::in_progress) return;
  if (answer.failure != nullptr) {
    fail_or_retry(*w, *task, answer.failure, std::nullopt);
    return;
  }
  close(*w, *task, ActivityOutcome::completed, {});
  const Task ended = take(*w, ref.task);
  task_ended(*w, ended, answer);
}

// `attempt` 0: the timeout covers all attempts.
void ConductorServer::on_timeout(TaskRef ref, TimeoutType type) {
  Workflow* w = find(ref.run);
  Task* task = w == nullptr ? nullptr : find_task(*w, ref.task);
  if (task == nullptr || (ref.attempt != 0 && task->attempt != ref.attempt)) return;
  fail_or_retry(*w, *task, timeout_failure(type), type);
}

void ConductorServer::fail_or_retry(Workflow& w, Task& task, const FailureRef& failure,
                                    std::optional<TimeoutType> timeout) {
  const Instant now = timers_.now();
  const RetryPolicy& policy = task.options->retry;
  // The last event was not written: the CANCEL that waited for it takes effect. After a timeout it may have been.
  if (w.cancel_waits != 0 && task.role != TaskRole::step && !timeout) cancel_now(w, std::exchange(w.cancel_waits, 0));
  const bool retryable = is_retryable(policy, failure, timeout);
  const bool attempts_left = policy.maximum_attempts == 0 || task.attempt < policy.maximum_attempts;
  const Duration delay =
      failure->next_retry_delay.ns > 0 ? failure->next_retry_delay : backoff_after(policy, task.attempt);
  const bool in_time = task.options->schedule_to_close.ns == 0 ||
                       now + delay <= task.first_scheduled_at + task.options->schedule_to_close;
  const std::string_view code = timeout ? to_string(*timeout) : failure->type.text();
  const bool wanted = w.ending != Ending::cancelling || task.role == TaskRole::tell_cancel;
  if (!retryable || !attempts_left || !in_time || !wanted) {
    close(w, task, timeout ? timeout_outcome(*timeout) : ActivityOutcome::failed, code);
    const Task ended = take(w, task.id);
    task_ended(w, ended, {nullptr, failure});
    return;
  }
  close(w, task, timeout ? timeout_outcome(*timeout) : ActivityOutcome::failed_retryable, code);
  telemetry_.activity_retry(fact(w, task), timeout ? "timeout" : failure->type.text(), now + delay,
                            policy.maximum_attempts);
  task.status = TaskStatus::waiting;
  const TaskRef ref{w.run->run, task.id, task.attempt};
  task.attempt_timer = timers_.call_after(delay, [this, ref] {
    Workflow* owner = find(ref.run);
    Task* due = owner == nullptr ? nullptr : find_task(*owner, ref.task);
    if (due == nullptr || due->attempt != ref.attempt) return;
    ++due->attempt;
    due->attempt_timer = {};
    dispatch(*owner, *due);
  });
  // A step that failed runs no more: a draining pause may be over.
  if (w.pause == Pause::draining) decide_later(w, task);
}

void ConductorServer::close(Workflow& w, Task& task, ActivityOutcome outcome, std::string_view code) {
  timers_.cancel(task.attempt_timer);
  task.attempt_timer = {};
  telemetry_.activity_closed(fact(w, task), outcome, code);
}

ConductorServer::Task ConductorServer::take(Workflow& w, std::uint32_t id) {
  const auto found = std::find_if(w.tasks.begin(), w.tasks.end(), [id](const Task& task) { return task.id == id; });
  DVT_ASSERT(found != w.tasks.end(), "a task ended twice");
  timers_.cancel(found->attempt_timer);
  timers_.cancel(found->total_timer);
  Task taken = std::move(*found);
  w.tasks.erase(found);
  return taken;
}

void ConductorServer::worker_lost(WorkerRef worker) {
  std::vector<std::uint32_t> runs;
  for (const auto& [run, workflow] : workflows_)  // order-free: sorted below
    for (const Task& task : workflow->tasks)
      if (task.status == TaskStatus::in_progress && task.worker == worker && task.options->heartbeat.ns > 0) {
        runs.push_back(run);
        break;
      }
  std::sort(runs.begin(), runs.end());
  const Instant now = timers_.now();
  for (const std::uint32_t run : runs) {
    for (Task& task : workflows_.at(run)->tasks) {
      if (task.status != TaskStatus::in_progress || !(task.worker == worker) || task.options->heartbeat.ns == 0)
        continue;
      // Heartbeats come twice in their timeout.
      const Duration every = task.options->heartbeat / 2;
      const Instant last = task.delivered_at + every * ((now - task.delivered_at).ns / every.ns);
      const Instant due = std::max(now, last + task.options->heartbeat);
      if (task.timeout.ns > 0 && due >= task.started_at + task.timeout) continue;
      timers_.cancel(task.attempt_timer);
      const TaskRef ref{{run}, task.id, task.attempt};
      task.attempt_timer = timers_.call_at(due, [this, ref] { on_timeout(ref, TimeoutType::heartbeat); });
    }
  }
}

}  // namespace dvt::adapters
