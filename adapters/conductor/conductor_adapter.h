// The `conductor` adapter: runs are Conductor workflows compiled from their plans, PAUSE drains, CANCEL is forced
// (domain §7, §10). Every call pays the adapter's RPC latency.
#pragma once

#include <unordered_set>
#include <vector>

#include "adapters/conductor/server.h"
#include "adapters/provider_calls.h"

namespace dvt::adapters {

struct ConductorOptions {
  Distribution rpc_latency;
  Duration call_gap;              // at least between two of the control plane's calls; 0: none
  bool hold_at_decision = false;  // known fault 6 mended: no step starts between a PAUSE's acceptance and its effect
};

class ConductorAdapter final : public ProviderAdapter {
 public:
  /// Compiles every plan of the catalogue, which must be complete.
  ConductorAdapter(ConductorServer& server, Timers& timers, const Random& random, Telemetry& telemetry,
                   const engine::PlanCatalogue& plans, ConductorOptions options);

  ProviderCalls& calls() { return calls_; }
  const char* name() const override { return "conductor"; }
  void attach(RunListener& listener) override;
  void start_run(RunIdentityRef run) override;
  void signal(const ProviderSignal& signal) override;
  std::size_t open_runs() const override { return starting_.size() + server_.open(); }
  bool is_open(RunOrdinal run) const override { return server_.is_open(run); }

 private:
  void deliver(const ProviderSignal& signal, Instant accepted_at);

  ConductorServer& server_;
  Timers& timers_;
  Telemetry& telemetry_;
  ConductorOptions options_;
  std::vector<WorkflowDefinition> definitions_;  // by plan
  ProviderCalls calls_;
  RunListener* listener_ = nullptr;
  std::unordered_set<std::uint32_t> starting_;  // runs whose call has not arrived; looked up only
};

}  // namespace dvt::adapters
