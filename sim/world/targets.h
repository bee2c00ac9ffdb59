// Who suffers when a fault strikes: finds a fault's target among the world's parts and switches it. One place that
// knows which kinds work where today; the scenario reader refuses the rest.
#pragma once

#include <memory>
#include <vector>

#include "adapters/warehouse/warehouse.h"
#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/world/control_faults.h"
#include "sim/world/disk_faults.h"
#include "sim/world/reader_faults.h"
#include "sim/world/store_faults.h"

namespace dvt::sim {

class Targets final : public FaultActions {
 public:
  Targets(Timers& timers, const Random& random, const Scenario& scenario, ControlFaults& control,
          adapters::Warehouses& warehouses, StoreModel& store, ReaderFaults& readers, DiskFaults& disk);

  std::uint32_t begin(const Fault& fault, Episode episode) override;
  void end(const Fault& fault, Episode episode) override;

 private:
  std::uint32_t begin_on_warehouse(const Fault& fault, Episode episode);
  void end_on_warehouse(const Fault& fault, Episode episode);
  void weaken(std::uint32_t warehouse);
  std::uint32_t warehouse_index(const std::string& name) const;

  Timers& timers_;
  const Scenario& scenario_;
  ControlFaults& control_;
  adapters::Warehouses& warehouses_;
  StoreFaults store_;
  ReaderFaults& readers_;
  DiskFaults& disk_;
  std::vector<std::unique_ptr<LatencyWindow>> warehouse_latency_;  // by warehouse
  std::vector<std::uint32_t> warehouse_outages_;                   // open outages by warehouse
  struct Open {
    Episode episode;
    const Fault* fault;
  };
  std::vector<Open> warehouse_faults_;  // error and throttle
};

}  // namespace dvt::sim
