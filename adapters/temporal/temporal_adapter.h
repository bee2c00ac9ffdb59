// The `temporal` adapter: native signals, native cancel (known faults 1 to 3 of domain §19 come with it), runs are
// executions of runPlanWorkflow. Every call pays the adapter's RPC latency.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "adapters/provider_calls.h"
#include "engine/plan/contracts.h"
#include "engine/ports/provider_adapter.h"
#include "engine/service/service.h"
#include "engine/worker/worker.h"

namespace dvt::adapters {

struct TemporalOptions {
  Distribution rpc_latency;
  Duration call_gap;  // at least between two of the control plane's calls; 0: none
  std::uint32_t continue_as_new_after_layers = 0;
  bool cancel_by_signal = false;   // CANCEL is the workflow signal `cancel` instead of the provider's own request
  bool hold_queued_steps = false;  // known fault 6 fixed: a paused run's queued steps and retries wait
  Symbol control_queue;
  /// By plan: the workflow that runs instead of the plan's interpreter, and its input. No type, or no entry: none.
  struct Workflow {
    Symbol type;
    engine::Payload input;
  };
  std::vector<Workflow> workflows;
  /// Called with each execution that closed, before it is freed (recording, replay checks).
  std::function<void(const engine::Execution&, engine::CloseStatus)> on_closed;
};

class TemporalAdapter final : public ProviderAdapter, public engine::ServiceListener {
 public:
  TemporalAdapter(engine::Service& service, engine::Workers& workers, Timers& timers, const Random& random,
                  Telemetry& telemetry, const engine::PlanCatalogue& plans, TemporalOptions options);

  ProviderCalls& calls() { return calls_; }
  const char* name() const override { return "temporal"; }
  void attach(RunListener& listener) override { listener_ = &listener; }
  void start_run(RunIdentityRef run) override;
  void signal(const ProviderSignal& signal) override;
  std::size_t open_runs() const override { return starting_.size() + service_.open_executions(); }
  bool is_open(RunOrdinal run) const override { return service_.is_open(run); }

  // ServiceListener
  void execution_closed(const engine::Execution& execution, engine::CloseStatus status, const engine::Payload& result,
                        const engine::FailureRef& failure) override;
  void signal_applied(RunOrdinal run, std::uint64_t signal, Instant at) override;
  void signal_lost(RunOrdinal run, std::uint64_t signal, Instant at) override;

 private:
  void deliver(const ProviderSignal& signal);
  const TemporalOptions::Workflow* workflow_of(PlanOrdinal plan) const;

  engine::Service& service_;
  engine::Workers& workers_;
  Timers& timers_;
  Telemetry& telemetry_;
  const engine::PlanCatalogue& plans_;
  TemporalOptions options_;
  ProviderCalls calls_;
  RunListener* listener_ = nullptr;
  std::unordered_set<std::uint32_t> starting_;  // runs whose call has not arrived; looked up only
};

}  // namespace dvt::adapters
