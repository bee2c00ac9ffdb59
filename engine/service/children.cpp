// Child workflows, and requests from one execution to another. The server answers them a moment later, as Temporal's
// transfer tasks do: at the same instant, after everything already due.
#include "engine/service/service.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {

// All that a child needs to begin; the parent may have closed by then, and with `abandon` the child starts all the
// same.
struct Service::ChildStart {
  ExecutionKey parent;
  EventId initiated = 0;
  EventId completed = 0;
  ExecutionKey key;
  PlanOrdinal plan;
  ChildInfoRef info;
  Payload input;
  ParentInfo parent_info;
  std::shared_ptr<std::uint32_t> children_of_run;
};

bool Service::apply_child_command(Open& open, Command& command, EventId completed) {
  Execution& execution = open.execution;
  const Instant now = timers_.now();
  if (auto* start = std::get_if<StartChild>(&command.body)) {
    initiate_child(open, *start, completed);
  } else if (auto* cancel = std::get_if<CancelExternal>(&command.body)) {
    const EventId initiated = execution.history.append(
        now, RequestCancelExternalWorkflowExecutionInitiated{std::move(cancel->target), completed});
    timers_.post([this, key = execution.key, initiated] { deliver_cancel(key, initiated); });
  } else if (auto* signal = std::get_if<SignalExternal>(&command.body)) {
    const EventId initiated =
        execution.history.append(now, SignalExternalWorkflowExecutionInitiated{std::move(signal->target), signal->name,
                                                                               std::move(signal->input), completed});
    timers_.post([this, key = execution.key, initiated] { deliver_signal(key, initiated); });
  } else {
    return false;
  }
  return true;
}

void Service::initiate_child(Open& open, StartChild& command, EventId completed) {
  Execution& execution = open.execution;
  if (execution.children_of_run == nullptr) execution.children_of_run = std::make_shared<std::uint32_t>(0);
  PendingChild child;
  child.info = command.child;
  child.key = {execution.key.run, 0, ++*execution.children_of_run};
  child.initiated = execution.history.append(
      timers_.now(), StartChildWorkflowExecutionInitiated{command.child, command.input, completed});
  auto start =
      std::make_unique<ChildStart>(ChildStart{execution.key,
                                              child.initiated,
                                              completed,
                                              child.key,
                                              open.plan,
                                              std::move(command.child),
                                              std::move(command.input),
                                              {execution.info->workflow_id, execution.info->run_id, child.initiated},
                                              execution.children_of_run});
  execution.children.push_back(std::move(child));
  timers_.post([this, held = std::move(start)] { begin_child(*held); });
}

void Service::begin_child(const ChildStart& start) {
  Open* parent = find(start.parent);
  if (parent == nullptr && start.info->close_policy != ParentClosePolicy::abandon) return;
  PendingChild* pending = nullptr;
  if (parent != nullptr) {
    for (PendingChild& child : parent->execution.children)
      if (child.initiated == start.initiated) pending = &child;
  }
  if (by_id_.contains(start.info->workflow_id)) {
    if (pending == nullptr) return;
    pending->machine.must(ChildEvent::start_failed);
    std::erase_if(parent->execution.children,
                  [&](const PendingChild& child) { return child.initiated == start.initiated; });
    write_arrival(*parent, StartChildWorkflowExecutionFailed{start.info, start.initiated, start.completed});
    return;
  }
  std::uint64_t words[4];
  random_.words(Purpose::run_id, start.key.stream(), 0, 1, 0, words);
  auto known = std::make_shared<ChildInfo>(*start.info);
  known->run_id = uuid_v4_from(words[0], words[1]);
  ExecutionInfo info;
  info.workflow_id = known->workflow_id;
  info.run_id = known->run_id;
  info.first_run_id = known->run_id;
  info.workflow_type = known->type;
  info.task_queue = known->task_queue;
  info.workflow_task_timeout = known->workflow_task_timeout;
  info.run_timeout = known->run_timeout;
  info.parent = std::make_shared<const ParentInfo>(start.parent_info);
  const auto shared = std::make_shared<const ExecutionInfo>(std::move(info));
  Open& child = open(start.key, start.plan, shared, start.input);
  write(child.execution, WorkflowExecutionStarted{shared, start.input});
  child.execution.parent = ParentLink{start.parent, start.initiated};
  child.execution.children_of_run = start.children_of_run;
  arm_run_timer(child.execution);
  telemetry_.child_started({start.key.run, start.key.child, child.execution.info->workflow_type.text(), timers_.now()});
  if (pending != nullptr) {
    pending->machine.must(ChildEvent::start);
    pending->info = known;
    write_arrival(*parent, ChildWorkflowExecutionStarted{std::move(known), start.initiated});
  }
  schedule_workflow_task(child);
}

// Told to the execution that started the child; when that one has continued as new, nobody waits any more.
void Service::child_closed(const ParentLink& link, CloseStatus status, const Payload& result,
                           const FailureRef& failure) {
  struct Close {
    ParentLink link;
    CloseStatus status;
    Payload result;
    FailureRef failure;
  };
  auto close = std::make_unique<Close>(Close{link, status, result, failure});
  timers_.post([this, held = std::move(close)] {
    Open* parent = find(held->link.parent);
    if (parent == nullptr) return;
    Execution& execution = parent->execution;
    for (std::size_t i = 0; i < execution.children.size(); ++i) {
      PendingChild& child = execution.children[i];
      const EventId initiated = child.initiated;
      if (initiated != held->link.initiated) continue;
      child.machine.must(ChildEvent::close);
      const ChildInfoRef info = child.info;
      execution.children.erase(execution.children.begin() + static_cast<std::ptrdiff_t>(i));
      Attributes event = ChildWorkflowExecutionCompleted{info, initiated, 0, held->result};
      if (held->status == CloseStatus::failed) event = ChildWorkflowExecutionFailed{info, initiated, 0, held->failure};
      if (held->status == CloseStatus::cancelled) event = ChildWorkflowExecutionCanceled{info, initiated, 0};
      if (held->status == CloseStatus::timed_out) event = ChildWorkflowExecutionTimedOut{info, initiated, 0};
      if (held->status == CloseStatus::terminated) event = ChildWorkflowExecutionTerminated{info, initiated, 0};
      // In the buffer the flush finds the start.
      if (execution.task.machine.state() != WorkflowTaskState::started) set_child_started(event, execution.history);
      write_arrival(*parent, std::move(event));
      return;
    }
  });
}

// The parent closed, also by continuing as new.
void Service::apply_close_policies(const Execution& parent) {
  for (const PendingChild& child : parent.children) {
    const std::uint64_t stream = child.key.stream();
    switch (child.info->close_policy) {
      case ParentClosePolicy::abandon:
        break;
      case ParentClosePolicy::terminate:
        timers_.post([this, stream] {
          Open* open = find_stream(stream);
          if (open == nullptr) return;
          terminate_open(*open, make_failure("by parent close policy", {}));
        });
        break;
      case ParentClosePolicy::request_cancel:
        timers_.post([this, stream, caller = caller_of(parent, child.initiated)] {
          if (Open* open = find_stream(stream)) request_cancel_of(*open, caller);
        });
        break;
    }
  }
}

ExternalCallerRef Service::caller_of(const Execution& execution, EventId initiated) const {
  return std::make_shared<const ExternalCaller>(
      ExternalCaller{execution.info->workflow_id, execution.info->run_id, initiated});
}

// The open execution that a request names; one for children only finds the caller's own children.
Service::Open* Service::find_target(const ExecutionKey& caller, const ExternalTarget& target) {
  Open* found = find_id(target.workflow_id);
  if (found == nullptr || !target.child_only) return found;
  const std::optional<ParentLink>& parent = found->execution.parent;
  return parent && parent->parent == caller ? found : nullptr;
}

void Service::deliver_cancel(const ExecutionKey& caller, EventId initiated) {
  Open* from = find(caller);
  if (from == nullptr) return;
  const auto& request =
      std::get<RequestCancelExternalWorkflowExecutionInitiated>(from->execution.history.at(initiated).attributes);
  const ExternalTargetRef target = request.target;
  const EventId completed = request.task_completed;
  Open* to = find_target(caller, *target);
  Attributes answer = RequestCancelExternalWorkflowExecutionFailed{target, initiated, completed};
  if (to != nullptr && request_cancel_of(*to, caller_of(from->execution, initiated)))
    answer = ExternalWorkflowExecutionCancelRequested{target, initiated};
  from = find(caller);  // it may have been its own target, and over its limits
  if (from != nullptr) write_arrival(*from, std::move(answer));
}

void Service::deliver_signal(const ExecutionKey& caller, EventId initiated) {
  Open* from = find(caller);
  if (from == nullptr) return;
  const auto request =
      std::get<SignalExternalWorkflowExecutionInitiated>(from->execution.history.at(initiated).attributes);
  Open* to = find_target(caller, *request.target);
  Attributes answer = SignalExternalWorkflowExecutionFailed{request.target, initiated, request.task_completed};
  if (to != nullptr &&
      signal_execution(*to, request.name, request.input, kSignalOfAWorkflow, caller_of(from->execution, initiated)))
    answer = ExternalWorkflowExecutionSignaled{request.target, initiated};
  from = find(caller);  // as above
  if (from != nullptr) write_arrival(*from, std::move(answer));
}

// After a reset: children that the copied history has started, and not seen the end of, belong to the copy.
void Service::reconnect_children(Open& next, std::vector<PendingChild> children, const History& base, EventId last) {
  for (PendingChild& child : children) {
    if (child.initiated > last) continue;  // the copy will start its own
    Open* open = find_stream(child.key.stream());
    if (open != nullptr && open->execution.parent) open->execution.parent->parent = next.execution.key;
    EventId started = 0;
    for (EventId id = child.initiated; id <= base.last_id() && started == 0; ++id) {
      const auto* event = std::get_if<ChildWorkflowExecutionStarted>(&base.at(id).attributes);
      if (event != nullptr && event->initiated == child.initiated) started = id;
    }
    if (started > last) next.execution.history.append(timers_.now(), base.at(started).attributes);
    next.execution.children.push_back(std::move(child));
  }
}

}  // namespace dvt::engine
