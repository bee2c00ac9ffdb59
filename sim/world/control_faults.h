// Faults of the control plane's own processes: API, signal processors, adapter, workers and their clocks, the store of
// plans (domain §1, §8, §11, §17).
//
// What a part suffers is computed anew from all open episodes whenever one begins or ends, so overlaps need no care. A
// fault of a worker's process (stall, process-pause, heartbeat-drop) ends with that process: whoever takes its place
// never had it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/provider_calls.h"
#include "engine/api/front.h"
#include "engine/ports/worker_processes.h"
#include "engine/worker/plan_activities.h"
#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/scenario/scenario.h"
#include "sim/world/plan_fetcher.h"

namespace dvt::sim {

/// A task queue's workers as faults see them.
struct WorkerGroup {
  std::string queue;
  std::uint32_t first = 0;  // index over all workers
  std::uint32_t count = 0;
  std::uint32_t zones = 1;  // worker i stands in zone i mod zones
  Distribution restart_delay;
};

class ControlFaults final : public FaultActions, public WorkerClocks {
 public:
  /// What it acts on; everything must outlive it. `calls` is null where there is no provider to call (mock).
  struct Parts {
    engine::ApiFront& api;
    adapters::ProviderCalls* calls;
    WorkerProcesses& workers;
    PlanFetcher& plans;
    engine::EmitEventActivity& events;
  };
  ControlFaults(Timers& timers, const Random& random, const Scenario& scenario, Parts parts,
                std::vector<WorkerGroup> groups);

  static bool owns(TargetKind target);
  std::uint32_t begin(const Fault& fault, Episode episode) override;
  void end(const Fault& fault, Episode episode) override;

  /// An operator restarts the workers of a queue, one of them, or the signal processors, in an orderly way.
  void restart(const Target& target);

  /// Whether the adapter's heartbeat that is due now does not arrive.
  bool heartbeat_lost() const;
  Duration ahead(std::uint32_t worker) const override;

 private:
  struct Struck {
    std::uint32_t worker;  // over all queues
    std::uint32_t life;
  };
  struct Open {
    Episode episode;
    const Fault* fault;
    std::vector<Struck> workers;
  };

  bool suffers(TargetKind target, FaultKind kind) const;
  std::int64_t share_of(TargetKind target, FaultKind kind) const;
  LatencyWindow* window_of(const Fault& fault);
  void apply();
  void apply_processors();
  void processors_go_down();

  const WorkerGroup& group_of(const std::string& queue) const;
  std::uint32_t struck_now(const WorkerGroup& group) const;
  std::vector<std::uint32_t> choose(const WorkerGroup& group, const Fault& fault, Episode episode) const;
  bool strike(const WorkerGroup& group, std::uint32_t worker, FaultKind kind);
  void relieve(const Open& open);
  void drain(const WorkerGroup& group, std::uint32_t worker);
  void start_later(const WorkerGroup& group, std::uint32_t worker);

  Timers& timers_;
  const Random& random_;
  Parts parts_;
  std::vector<WorkerGroup> groups_;
  Distribution processors_restart_;
  LatencyWindow api_latency_, api_throttle_, signals_slow_, adapter_latency_, adapter_throttle_, plans_latency_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> lives_;     // by worker: how often its process has gone
  std::vector<std::uint32_t> draining_;  // by worker: the life in which it drains, plus 1
  bool unreachable_ = false;
  bool processors_stopped_ = false;
  std::uint32_t processors_down_ = 0;  // restarts under way
  std::uint32_t processor_deaths_ = 0;
};

}  // namespace dvt::sim
