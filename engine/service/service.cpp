// The frontend's half of the service: start, signal, cancel, terminate, query, and the closing of executions.
#include "engine/service/service.h"
#include "engine/workflow/failures.h"

#include <algorithm>
#include <cstring>

namespace dvt::engine {

class Service::RunFacts final : public Telemetry {
 public:
  explicit RunFacts(Telemetry& listener) : listener_(listener) {}
  void activity_scheduled(const ActivityFact& fact) override {
    if (fact.run != kNoRun) listener_.activity_scheduled(fact);
  }
  void activity_started(const ActivityFact& fact) override {
    if (fact.run != kNoRun) listener_.activity_started(fact);
  }
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view code) override {
    if (fact.run != kNoRun) listener_.activity_closed(fact, outcome, code);
  }
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                      std::uint32_t max_attempts) override {
    if (fact.run != kNoRun) listener_.activity_retry(fact, cause, next_at, max_attempts);
  }
  void workflow_task_scheduled(const WorkflowTaskFact& fact) override {
    if (fact.run != kNoRun) listener_.workflow_task_scheduled(fact);
  }
  void workflow_task_started(const WorkflowTaskFact& fact) override {
    if (fact.run != kNoRun) listener_.workflow_task_started(fact);
  }
  void workflow_task_completed(const WorkflowTaskFact& fact) override {
    if (fact.run != kNoRun) listener_.workflow_task_completed(fact);
  }
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override {
    if (fact.run != kNoRun) listener_.workflow_task_failed(fact, cause);
  }
  void completion_refused(RunOrdinal run, std::uint32_t attempt, Instant at) override {
    listener_.completion_refused(run, attempt, at);
  }
  void timer_fired(RunOrdinal run, Instant due, Instant at) override { listener_.timer_fired(run, due, at); }
  void child_started(const ChildFact& fact) override { listener_.child_started(fact); }
  void child_closed(const ChildFact& fact, ChildEnd end) override { listener_.child_closed(fact, end); }

 private:
  Telemetry& listener_;
};

Service::Service(Timers& timers, const Random& random, Telemetry& telemetry, ServiceOptions options)
    : timers_(timers),
      random_(random),
      run_facts_(std::make_unique<RunFacts>(telemetry)),
      telemetry_(*run_facts_),
      options_(std::move(options)),
      matching_(*this) {}

Service::~Service() = default;

void Service::attach(WorkerHost& host, ServiceListener& listener) {
  host_ = &host;
  listener_ = &listener;
}

Service::Open* Service::find_stream(std::uint64_t stream) {
  auto found = executions_.find(stream);
  return found == executions_.end() ? nullptr : found->second.get();
}

Service::Open* Service::find(const ExecutionKey& key) {
  Open* open = find_stream(key.stream());
  return open != nullptr && open->execution.key == key ? open : nullptr;
}

Service::Open* Service::find_id(std::string_view workflow_id) {
  const auto found = by_id_.find(workflow_id);
  return found == by_id_.end() ? nullptr : find_stream(found->second);
}

const Execution* Service::execution_of(std::uint64_t stream) const {
  auto found = executions_.find(stream);
  return found == executions_.end() ? nullptr : &found->second->execution;
}

const Execution* Service::execution_with_id(std::string_view workflow_id) const {
  const auto found = by_id_.find(workflow_id);
  return found == by_id_.end() ? nullptr : execution_of(found->second);
}

std::vector<ExecutionKey> Service::open_keys() const {
  std::vector<ExecutionKey> keys;
  keys.reserve(executions_.size());
  for (const auto& [stream, open] : executions_) keys.push_back(open->execution.key);  // order-free: sorted below
  std::sort(keys.begin(), keys.end(), [](const ExecutionKey& a, const ExecutionKey& b) {
    return a.run != b.run ? a.run < b.run : a.child < b.child;
  });
  return keys;
}

Service::Open& Service::open(const ExecutionKey& key, PlanOrdinal plan, ExecutionInfoRef info, const Payload& input) {
  auto owned = std::make_unique<Open>();
  Open& opened = *owned;
  opened.plan = plan;
  Execution& execution = opened.execution;
  execution.key = key;
  execution.info = std::move(info);
  execution.input = input;
  execution.queue = matching_.queue_index(execution.info->task_queue);
  executions_[key.stream()] = std::move(owned);
  by_id_[execution.info->workflow_id] = key.stream();
  if (key.child == 0) ++open_runs_;
  return opened;
}

bool Service::start_workflow(const StartWorkflow& request) {
  DVT_ASSERT(!is_open(request.run), "a run is started twice");
  if (by_id_.contains(request.info->workflow_id)) return false;
  Open& opened = open({request.run, 0, 0}, request.plan, request.info, request.input);
  write(opened.execution, WorkflowExecutionStarted{request.info, request.input});
  arm_run_timer(opened.execution);
  if (request.info->execution_timeout.ns > 0) {
    opened.execution.execution_timer = timers_.call_after(request.info->execution_timeout,
                                                          [this, key = opened.execution.key] { time_out(key, true); });
  }
  schedule_workflow_task(opened);
  return true;
}

void Service::arm_run_timer(Execution& execution) {
  if (execution.info->run_timeout.ns > 0) {
    execution.run_timer =
        timers_.call_after(execution.info->run_timeout, [this, key = execution.key] { time_out(key, false); });
  }
}

void Service::time_out(ExecutionKey key, bool whole_chain) {
  Open* open = whole_chain ? find_stream(key.stream()) : find(key);
  if (open == nullptr) return;
  if (open->execution.task.machine.state() == WorkflowTaskState::started) force_close_task(*open);
  write(open->execution, WorkflowExecutionTimedOut{});
  close(*open, CloseStatus::timed_out, nullptr, nullptr);
}

void Service::terminate_open(Open& open, FailureRef reason) {
  if (open.execution.task.machine.state() == WorkflowTaskState::started) force_close_task(open);
  write(open.execution, WorkflowExecutionTerminated{reason});
  close(open, CloseStatus::terminated, nullptr, reason);
}

// Asked before `events` events come from outside: while a task is started they are buffered and count later, otherwise
// a task is scheduled for them unless one is.
bool Service::arrivals_exceed_limits(Open& open, std::uint32_t events) {
  switch (open.execution.task.machine.state()) {
    case WorkflowTaskState::started:
      return exceeds_limits(open, 0);
    case WorkflowTaskState::scheduled:
      return exceeds_limits(open, events);
    case WorkflowTaskState::none:
      break;
  }
  return exceeds_limits(open, events + 1);
}

// Asked before `events` are written for an open execution. True: they were too many, or the history too big already;
// the change is dropped and the execution is gone.
bool Service::exceeds_limits(Open& open, std::uint32_t events) {
  const Execution& execution = open.execution;
  const ExecutionLimits& limits = options_.limits;
  const bool count = execution.history.last_id() + events > limits.history_events;
  if (!count && execution.history.bytes() <= limits.history_bytes) return false;
  terminate_open(open,
                 make_failure(count ? "Workflow history count exceeds limit." : "Workflow history size exceeds limit.",
                              Symbol::intern("HISTORY_LIMIT_EXCEEDED")));
  return true;
}

// An event that is not of a command: buffered while a workflow task is started.
void Service::write(Execution& execution, Attributes attributes) {
  write_at(execution, timers_.now(), std::move(attributes));
}

void Service::write_at(Execution& execution, Instant time, Attributes attributes) {
  if (execution.task.speculative) record_speculative_task(execution);
  if (execution.task.machine.state() == WorkflowTaskState::started) {
    execution.buffered.push_back({time, std::move(attributes), -1});
  } else {
    execution.history.append(time, std::move(attributes));
  }
}

// The flush reorders: closes of activities and children go after everything else (spec, "Ordering rules").
bool Service::flush_buffer(Execution& execution) {
  if (execution.buffered.empty()) return false;
  std::vector<EventId> ids(execution.buffered.size(), 0);
  for (std::size_t i = 0; i < execution.buffered.size(); ++i) {
    BufferedEvent& event = execution.buffered[i];
    if (!is_activity_close(event.attributes) && !is_child_close(event.attributes))
      ids[i] = execution.history.append(event.time, std::move(event.attributes));
  }
  for (BufferedEvent& event : execution.buffered) {
    if (is_child_close(event.attributes)) {
      set_child_started(event.attributes, execution.history);
    } else if (!is_activity_close(event.attributes)) {
      continue;
    } else if (event.started_in_buffer >= 0) {
      set_started(event.attributes, ids[static_cast<std::size_t>(event.started_in_buffer)]);
    }
    execution.history.append(event.time, std::move(event.attributes));
  }
  execution.buffered.clear();
  return true;
}

// Takes back the firing of a timer that workflow code has cancelled meanwhile; returns the timer's started event.
EventId Service::drop_buffered_timer_fired(Execution& execution, std::uint32_t timer_id) {
  for (std::size_t i = 0; i < execution.buffered.size(); ++i) {
    const auto* fired = std::get_if<TimerFired>(&execution.buffered[i].attributes);
    if (fired == nullptr || fired->timer_id != timer_id) continue;
    const EventId started = fired->started;
    execution.buffered.erase(execution.buffered.begin() + static_cast<std::ptrdiff_t>(i));
    for (BufferedEvent& event : execution.buffered)
      if (event.started_in_buffer > static_cast<std::int32_t>(i)) --event.started_in_buffer;
    return started;
  }
  DVT_ASSERT(false, "a timer is cancelled that neither runs nor has just fired");
  return 0;
}

bool Service::signal_workflow(RunOrdinal run, Symbol name, Payload input, std::uint64_t signal) {
  Open* open = find_run(run);
  return open != nullptr && signal_execution(*open, name, std::move(input), signal, nullptr);
}

bool Service::signal_execution(Open& open, Symbol name, Payload input, std::uint64_t signal, ExternalCallerRef caller) {
  if (open.execution.signal_count >= options_.limits.signals || arrivals_exceed_limits(open, 1)) return false;
  ++open.execution.signal_count;
  write(open.execution, WorkflowExecutionSignaled{name, std::move(input), signal, std::move(caller)});
  open.execution.signals.push_back({signal, name, SignalMachine{SignalState::received}});
  schedule_workflow_task(open);
  return true;
}

// An event from elsewhere that needs a workflow task.
void Service::write_arrival(Open& open, Attributes attributes) {
  if (arrivals_exceed_limits(open, 1)) return;
  write(open.execution, std::move(attributes));
  schedule_workflow_task(open);
}

bool Service::request_cancel(RunOrdinal run) {
  Open* open = find_run(run);
  return open != nullptr && request_cancel_of(*open, nullptr);
}

bool Service::request_cancel_of(Open& open, ExternalCallerRef caller) {
  if (!open.execution.cancellation.apply(CancellationEvent::request)) return true;  // requested already
  if (arrivals_exceed_limits(open, 1)) return false;
  write(open.execution, WorkflowExecutionCancelRequested{std::move(caller)});
  schedule_workflow_task(open);
  return true;
}

bool Service::terminate(RunOrdinal run, FailureRef reason) {
  Open* open = find_run(run);
  if (open == nullptr) return false;
  terminate_open(*open, std::move(reason));
  return true;
}

void Service::hold_activities(RunOrdinal run, bool hold) {
  Open* open = find_run(run);
  if (open == nullptr || open->execution.hold_activities == hold) return;
  Execution& execution = open->execution;
  execution.hold_activities = hold;
  if (hold) return;
  const std::vector<std::uint32_t> held = std::move(execution.held);
  execution.held.clear();
  for (const EventId scheduled : held) {
    PendingActivity* activity = find_activity(execution, scheduled);
    if (activity != nullptr && activity->machine.state() == ActivityState::scheduled)
      matching_.add_activity_task(matching_.queue_index(activity->options->task_queue),
                                  {execution.key, scheduled, activity->attempt});
  }
}

Payload Service::query_workflow(RunOrdinal run, Symbol query) {
  Open* open = find_run(run);
  if (open == nullptr) return nullptr;
  std::optional<WorkerRef> worker = open->execution.sticky;
  if (worker && !matching_.is_up(*worker)) worker.reset();
  for (std::uint32_t i = 0; !worker && i < matching_.worker_count(); ++i)
    if (matching_.worker_queue(i) == open->execution.queue && matching_.is_up(matching_.ref(i)))
      worker = matching_.ref(i);
  return worker ? host_->answer_query(worker->worker, open->execution, query) : nullptr;
}

namespace {

ChildEnd child_end(CloseStatus status) {
  switch (status) {
    case CloseStatus::completed:
      return ChildEnd::completed;
    case CloseStatus::failed:
      return ChildEnd::failed;
    case CloseStatus::cancelled:
      return ChildEnd::cancelled;
    case CloseStatus::timed_out:
      return ChildEnd::timed_out;
    case CloseStatus::terminated:
    case CloseStatus::continued_as_new:
    case CloseStatus::reset:
      break;
  }
  return ChildEnd::terminated;
}

}  // namespace

void Service::close(Open& open, CloseStatus status, const Payload& result, const FailureRef& failure) {
  Execution& execution = open.execution;
  execution.closed = true;
  timers_.cancel(execution.task.timer);
  timers_.cancel(execution.run_timer);
  const bool run_goes_on = status == CloseStatus::continued_as_new || status == CloseStatus::reset;
  if (!run_goes_on) timers_.cancel(execution.execution_timer);
  for (PendingActivity& activity : execution.activities) cancel_activity_timers(activity);
  for (PendingTimer& timer : execution.timers) timers_.cancel(timer.timer);
  // A known fault of the production interpreter (domain §19.2): signals do not cross continue-as-new.
  for (PendingSignal& signal : execution.signals) {
    if (status != CloseStatus::reset && signal.machine.apply(SignalEvent::execution_closed) &&
        signal.signal != kSignalOfAWorkflow)
      listener_->signal_lost(execution.key.run, signal.signal, timers_.now());
  }
  auto node = executions_.extract(execution.key.stream());  // keeps the state alive while listeners read it
  by_id_.erase(execution.info->workflow_id);
  if (execution.key.child == 0) --open_runs_;
  end_updates(execution);
  listener_->execution_closed(execution, status, result, failure);
  if (execution.key.child != 0 && !run_goes_on) {
    telemetry_.child_closed(
        {execution.key.run, execution.key.child, execution.info->workflow_type.text(), timers_.now()},
        child_end(status));
  }
  if (status == CloseStatus::reset) return;  // its children go on with the copy
  apply_close_policies(execution);
  if (status == CloseStatus::continued_as_new) {
    continue_as_new(open, result);
  } else if (execution.parent) {
    child_closed(*execution.parent, status, result, failure);
  }
}

Uuid Service::next_run_id(const Execution& execution) const {
  std::uint64_t words[4];
  random_.words(Purpose::run_id, execution.key.stream(), execution.key.chain + 1, 1, 0, words);
  return uuid_v4_from(words[0], words[1]);
}

void Service::continue_as_new(Open& old, const Payload& input) {
  const Execution& before = old.execution;
  ExecutionInfo info = *before.info;
  info.continued_from = before.info->run_id;
  info.run_id = next_run_id(before);
  info.chain = before.key.chain + 1;
  const auto shared = std::make_shared<const ExecutionInfo>(std::move(info));
  Open& next = open({before.key.run, shared->chain, before.key.child}, old.plan, shared, input);
  write(next.execution, WorkflowExecutionStarted{shared, input});
  arm_run_timer(next.execution);
  next.execution.execution_timer = before.execution_timer;
  next.execution.hold_activities = before.hold_activities;
  next.execution.parent = before.parent;
  next.execution.children_of_run = before.children_of_run;
  next.execution.search_attributes = before.search_attributes;
  next.activities_before = old.activities_before + before.next_activity_id - 1;
  next.tasks_before = old.tasks_before + before.task.ordinal;
  schedule_workflow_task(next);
}

}  // namespace dvt::engine
