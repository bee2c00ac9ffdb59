#include "adapters/temporal/temporal_adapter.h"

#include "engine/workflow/failures.h"
#include "engine/workflow/registry.h"

namespace dvt::adapters {

using namespace dvt::engine;

namespace {

const char* method_of(const ProviderSignal& signal, bool cancel_by_signal) {
  if (signal.type == SignalType::cancel && !cancel_by_signal) return "RequestCancelWorkflowExecution";
  if (signal.type == SignalType::emergency_stop)
    return signal.force ? "TerminateWorkflowExecution" : "RequestCancelWorkflowExecution";
  return "SignalWorkflowExecution";
}

FailureRef stopped_by_operator(const std::string& reason) {
  return make_failure(reason, Symbol::intern("TERMINATED_BY_OPERATOR"), true);
}

}  // namespace

TemporalAdapter::TemporalAdapter(Service& service, Workers& workers, Timers& timers, const Random& random,
                                 Telemetry& telemetry, const PlanCatalogue& plans, TemporalOptions options)
    : service_(service),
      workers_(workers),
      timers_(timers),
      telemetry_(telemetry),
      plans_(plans),
      options_(std::move(options)),
      calls_(timers, random, telemetry, options_.rpc_latency, options_.call_gap) {
  service_.attach(workers_, *this);
  service_.set_held_type(names::execute_step);
}

const TemporalOptions::Workflow* TemporalAdapter::workflow_of(PlanOrdinal plan) const {
  if (plan.value >= options_.workflows.size()) return nullptr;
  const TemporalOptions::Workflow& workflow = options_.workflows[plan.value];
  return workflow.type ? &workflow : nullptr;
}

void TemporalAdapter::start_run(RunIdentityRef run) {
  // Handed over anew because it did not begin in time: the first call is still being made, and one run begins once.
  if (!starting_.insert(run->run.value).second) return;
  const DrawKey key{run->run.value, 0, 0};
  calls_.call("StartWorkflowExecution", key, [this, identity = std::move(run)] {
    starting_.erase(identity->run.value);
    ExecutionInfo info;
    info.workflow_id = identity->run_id_text;
    info.run_id = identity->run_id;
    info.first_run_id = identity->run_id;
    const TemporalOptions::Workflow* registered = workflow_of(identity->plan);
    info.workflow_type = registered != nullptr ? registered->type : names::run_plan_workflow;
    info.task_queue = options_.control_queue;
    StartWorkflow request;
    request.run = identity->run;
    request.plan = identity->plan;
    request.info = std::make_shared<const ExecutionInfo>(std::move(info));
    auto input = std::make_shared<const PlanRunInput>(identity, plans_.at(identity->plan), std::string(name()),
                                                      options_.continue_as_new_after_layers, 0u, 0u);
    if (registered != nullptr) {
      request.input = make_payload<RegisteredRunInput>(std::move(input), registered->input);
    } else {
      request.input = std::move(input);
    }
    telemetry_.run_started(identity->run, identity->plan, timers_.now());
    service_.start_workflow(request);
  });
}

void TemporalAdapter::signal(const ProviderSignal& signal) {
  // Fixed fault 6: the hold is set by the same decision that accepts the signal, not after another round trip.
  if (options_.hold_queued_steps && signal.type == SignalType::pause) service_.hold_activities(signal.run, true);
  auto held = std::make_unique<ProviderSignal>(signal);
  calls_.call(method_of(signal, options_.cancel_by_signal), {signal.run.value, signal.signal, 1},
              [this, copy = std::move(held)] { deliver(*copy); });
}

void TemporalAdapter::deliver(const ProviderSignal& signal) {
  bool delivered = false;
  switch (signal.type) {
    case SignalType::pause:
      delivered = service_.signal_workflow(signal.run, names::pause, nullptr, signal.signal);
      break;
    case SignalType::resume:
      if (options_.hold_queued_steps) service_.hold_activities(signal.run, false);
      delivered = service_.signal_workflow(signal.run, names::resume, nullptr, signal.signal);
      break;
    case SignalType::cancel:
      if (options_.cancel_by_signal) {
        delivered = service_.signal_workflow(signal.run, names::cancel, make_payload<CancelSignal>(signal.reason),
                                             signal.signal);
        break;
      }
      // Known fault 1: the cancel is native; nothing will write RunCancelled.
      delivered = service_.request_cancel(signal.run);
      if (delivered) listener_->signal_applied(signal.signal, timers_.now());
      break;
    case SignalType::retry_step:
    case SignalType::skip_step:
      delivered = service_.signal_workflow(signal.run,
                                           signal.type == SignalType::retry_step ? names::retry_step : names::skip_step,
                                           make_payload<StepSignal>(signal.step_id), signal.signal);
      break;
    case SignalType::emergency_stop:
      // Asked to end like a CANCEL; with forceKill the server ends it without asking, side effects and all.
      delivered = signal.force ? service_.terminate(signal.run, stopped_by_operator(signal.reason))
                               : service_.request_cancel(signal.run);
      if (delivered) listener_->signal_applied(signal.signal, timers_.now());
      break;
    default:
      break;
  }
  if (!delivered) listener_->signal_lost(signal.signal, timers_.now());
}

void TemporalAdapter::signal_applied(RunOrdinal, std::uint64_t signal, Instant at) {
  listener_->signal_applied(signal, at);
}

void TemporalAdapter::signal_lost(RunOrdinal, std::uint64_t signal, Instant at) {
  listener_->signal_lost(signal, at);
}

void TemporalAdapter::execution_closed(const Execution& execution, CloseStatus status, const Payload& result,
                                       const FailureRef& failure) {
  workers_.forget(execution.key, execution.sticky);
  if (options_.on_closed) options_.on_closed(execution, status);
  if (execution.key.child != 0) return;  // a child's end is its parent's business
  const RunOrdinal run = execution.key.run;
  switch (status) {
    case CloseStatus::continued_as_new:
    case CloseStatus::reset:
      return;  // another execution of the run goes on
    case CloseStatus::completed: {
      const auto& answer = payload_as<PlanRunResult>(result);
      const bool completed = answer.outcome == RunOutcome::completed;
      listener_->run_ended(run, answer.outcome, answer.error_class,
                           completed ? std::string_view("NONE") : answer.error_code.text());
      return;
    }
    case CloseStatus::failed:
      // Invalid plans are the user's (domain §13).
      listener_->run_ended(
          run, RunOutcome::failed,
          failure != nullptr && failure->type == names::invalid_plan ? ErrorClass::user : ErrorClass::engine,
          failure != nullptr && failure->type ? failure->type.text() : std::string_view("WORKFLOW_FAILED"));
      return;
    case CloseStatus::cancelled:
      listener_->run_ended(run, RunOutcome::cancelled, ErrorClass::none, "CANCELLED");
      return;
    case CloseStatus::terminated:
      listener_->run_ended(
          run, RunOutcome::terminated, ErrorClass::engine,
          failure != nullptr && failure->type ? failure->type.text() : std::string_view("TERMINATED_BY_OPERATOR"));
      return;
    case CloseStatus::timed_out:
      listener_->run_ended(run, RunOutcome::failed, ErrorClass::engine, "WORKFLOW_TIMED_OUT");
      return;
  }
}

}  // namespace dvt::adapters
