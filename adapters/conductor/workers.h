// Worker processes of the Conductor adapter: they run the same activities as the Temporal workers do, as tasks. A
// worker that dies takes the tasks in its hands with it: their updates never come, and they time out.
#pragma once

#include <utility>
#include <vector>

#include "adapters/conductor/server.h"
#include "engine/ports/worker_processes.h"
#include "engine/worker/standstill.h"

namespace dvt::adapters {

class ConductorWorkers final : public TaskHost, public WorkerProcesses {
 public:
  ConductorWorkers(ConductorServer& server, Timers& timers, const Random& random, Telemetry& telemetry,
                   Distribution respond_latency);

  /// Not owned; must outlive the workers.
  void register_activity(Symbol type, engine::Activity& activity) { activities_.emplace_back(type, &activity); }

  // WorkerProcesses
  void start(std::uint32_t worker) override;
  void kill(std::uint32_t worker) override;
  bool up(std::uint32_t worker) const override { return server_.queues().up(worker); }

  void unreachable(bool on) override { on ? standstill_.begin_all() : standstill_.end_all(); }
  void set_scale(const LatencyScale* scale) override { scale_ = scale; }

  // TaskHost
  void deliver_task(const TaskDelivery& delivery) override;

 private:
  void tell(std::uint32_t worker, bool up);
  void run_task(const TaskDelivery& delivery);

  ConductorServer& server_;
  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  Distribution respond_latency_;  // an update's way to the server
  std::vector<std::pair<Symbol, engine::Activity*>> activities_;
  engine::Standstill standstill_;
  const LatencyScale* scale_ = nullptr;
};

}  // namespace dvt::adapters
