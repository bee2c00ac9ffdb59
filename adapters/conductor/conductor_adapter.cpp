#include "adapters/conductor/conductor_adapter.h"

#include <memory>

namespace dvt::adapters {

using namespace dvt::engine;

ConductorAdapter::ConductorAdapter(ConductorServer& server, Timers& timers, const Random& random, Telemetry& telemetry,
                                   const PlanCatalogue& plans, ConductorOptions options)
    : server_(server),
      timers_(timers),
      telemetry_(telemetry),
      options_(std::move(options)),
      calls_(timers, random, telemetry, options_.rpc_latency, options_.call_gap) {
  for (const PlanEntryRef& plan : plans.entries()) definitions_.push_back(compile(plan));
}

void ConductorAdapter::attach(RunListener& listener) {
  listener_ = &listener;
  server_.attach(listener);
}

void ConductorAdapter::start_run(RunIdentityRef run) {
  // Handed over anew because it did not begin in time: the first call is still being made, and one run begins once.
  if (!starting_.insert(run->run.value).second) return;
  const DrawKey key{run->run.value, 0, 0};
  calls_.call("StartWorkflow", key, [this, identity = std::move(run)] {
    starting_.erase(identity->run.value);
    const WorkflowDefinition& definition = definitions_.at(identity->plan.value);
    auto input = std::make_shared<const PlanRunInput>(identity, definition.plan, std::string(name()), 0u, 0u, 0u);
    telemetry_.run_started(identity->run, identity->plan, timers_.now());
    server_.start_workflow(identity, std::move(input), definition);
  });
}

void ConductorAdapter::signal(const ProviderSignal& signal) {
  if (options_.hold_at_decision && signal.type == SignalType::pause) server_.hold(signal.run);
  const char* method = "";
  switch (signal.type) {
    case SignalType::pause:
      method = "PauseWorkflow";
      break;
    case SignalType::resume:
      method = "ResumeWorkflow";
      break;
    case SignalType::cancel:
    case SignalType::emergency_stop:  // Conductor's cancel is forced: there is nothing stronger
      method = "TerminateWorkflow";
      break;
    default:
      // Conductor has no signals of its own: what is no such call reaches no workflow.
      timers_.post([this, ordinal = signal.signal] { listener_->signal_lost(ordinal, timers_.now()); });
      return;
  }
  auto held = std::make_unique<ProviderSignal>(signal);
  calls_.call(method, {signal.run.value, signal.signal, 1},
              [this, copy = std::move(held), accepted_at = timers_.now()] { deliver(*copy, accepted_at); });
}

void ConductorAdapter::deliver(const ProviderSignal& signal, Instant accepted_at) {
  bool delivered = false;
  switch (signal.type) {
    case SignalType::pause:
      delivered = server_.pause(signal.run, signal.signal, accepted_at);
      break;
    case SignalType::resume:
      delivered = server_.resume(signal.run, signal.signal);
      break;
    default:
      delivered = server_.terminate(signal.run, signal.signal);
      break;
  }
  if (!delivered) listener_->signal_lost(signal.signal, timers_.now());
}

}  // namespace dvt::adapters
