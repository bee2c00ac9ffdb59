// Who suffers when a fault strikes: finds a fault's target among the world's parts and switches it. One place that
// knows which kinds work where today; the scenario reader refuses the rest.
#pragma once

#include <memory>
#include <vector>

#include "adapters/warehouse/warehouse.h"
#include "engine/ports/worker_processes.h"
#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/world/disk_faults.h"
#include "sim/world/reader_faults.h"
#include "sim/world/store_faults.h"

namespace dvt::sim {

/// A task queue's workers as faults see them.
struct WorkerGroup {
  std::string queue;
  std::uint32_t first = 0;  // index over all workers
  std::uint32_t count = 0;
  std::uint32_t zones = 1;  // worker i stands in zone i mod zones
  Distribution restart_delay;
};

class Targets final : public FaultActions {
 public:
  Targets(Timers& timers, const Random& random, const Scenario& scenario, WorkerProcesses& workers,
          std::vector<WorkerGroup> groups, adapters::Warehouses& warehouses, StoreModel& store, ReaderFaults& readers,
          DiskFaults& disk);

  std::uint32_t begin(const Fault& fault, Episode episode) override;
  void end(const Fault& fault, Episode episode) override;

 private:
  std::uint32_t kill_workers(const Fault& fault, Episode episode);
  void restart_later(const WorkerGroup& group, std::uint32_t worker);
  std::uint32_t warehouse_index(const std::string& name) const;

  Timers& timers_;
  const Random& random_;
  const Scenario& scenario_;
  WorkerProcesses& workers_;
  std::vector<WorkerGroup> groups_;
  adapters::Warehouses& warehouses_;
  StoreFaults store_;
  ReaderFaults& readers_;
  DiskFaults& disk_;
  std::vector<std::unique_ptr<LatencyWindow>> warehouse_latency_;  // by warehouse
  std::vector<std::uint32_t> warehouse_outages_;                   // open outages by warehouse
  std::vector<std::uint32_t> lives_;                               // by worker: how often it was killed
};

}  // namespace dvt::sim
