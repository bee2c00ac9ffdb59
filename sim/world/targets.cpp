#include "sim/world/targets.h"

#include <algorithm>
#include <utility>

namespace dvt::sim {

Targets::Targets(Timers& timers, const Random& random, const Scenario& scenario, ControlFaults& control,
                 adapters::Warehouses& warehouses, StoreModel& store, ReaderFaults& readers, DiskFaults& disk)
    : timers_(timers),
      scenario_(scenario),
      control_(control),
      warehouses_(warehouses),
      store_(timers, random, store, static_cast<std::uint32_t>(warehouses.count())),
      readers_(readers),
      disk_(disk),
      warehouse_outages_(warehouses.count(), 0) {
  for (std::uint32_t i = 0; i < warehouses.count(); ++i) {
    warehouse_latency_.push_back(std::make_unique<LatencyWindow>(timers, random, i));
    warehouses_.set_scale(i, warehouse_latency_.back().get());
  }
}

std::uint32_t Targets::warehouse_index(const std::string& name) const {
  for (std::size_t i = 0; i < scenario_.warehouses.size(); ++i)
    if (scenario_.warehouses[i].name == name) return static_cast<std::uint32_t>(i);
  DVT_ASSERT(false, "the reader lets only known warehouses pass");
  return 0;
}

std::uint32_t Targets::begin(const Fault& fault, Episode episode) {
  if (fault.target.kind == TargetKind::store_disk) return disk_.begin(fault, episode);
  if (ReaderFaults::owns(fault.target.kind)) return readers_.begin(fault, episode);
  if (StoreFaults::owns(fault))
    return fault.kind == FaultKind::corrupt ? disk_.alter_snapshots(true) : store_.begin(fault, episode);
  if (ControlFaults::owns(fault.target.kind)) return control_.begin(fault, episode);
  return begin_on_warehouse(fault, episode);
}

void Targets::end(const Fault& fault, Episode episode) {
  if (fault.target.kind == TargetKind::store_disk) return disk_.end(fault, episode);
  if (ReaderFaults::owns(fault.target.kind)) return readers_.end(fault, episode);
  if (StoreFaults::owns(fault)) {
    if (fault.kind != FaultKind::corrupt) return store_.end(fault, episode);
    disk_.alter_snapshots(false);
    return;
  }
  if (ControlFaults::owns(fault.target.kind)) return control_.end(fault, episode);
  end_on_warehouse(fault, episode);
}

std::uint32_t Targets::begin_on_warehouse(const Fault& fault, Episode episode) {
  const std::uint32_t index = warehouse_index(fault.target.name);
  switch (fault.kind) {
    case FaultKind::latency:
      warehouse_latency_[index]->begin(effect_of(fault, episode, timers_.now()));
      return 1;
    case FaultKind::outage:
      if (warehouse_outages_[index]++ == 0) warehouses_.set_outage(index, true);
      return 1;
    default:
      warehouse_faults_.push_back({episode, &fault});
      weaken(index);
      return 1;
  }
}

void Targets::end_on_warehouse(const Fault& fault, Episode episode) {
  const std::uint32_t index = warehouse_index(fault.target.name);
  switch (fault.kind) {
    case FaultKind::latency:
      return warehouse_latency_[index]->end(episode.fault);
    case FaultKind::outage:
      if (--warehouse_outages_[index] == 0) warehouses_.set_outage(index, false);
      return;
    default:
      std::erase_if(warehouse_faults_, [&](const Open& open) {
        return open.episode.fault == episode.fault && open.episode.number == episode.number;
      });
      return weaken(index);
  }
}

// Errors and throttles on the warehouse, from all that are open: shares strike independently, factors multiply.
void Targets::weaken(std::uint32_t index) {
  constexpr std::int64_t kAll = 1'000'000'000;
  std::int64_t failing = 0;
  double factor = 1;
  for (const Open& open : warehouse_faults_) {
    if (warehouse_index(open.fault->target.name) != index) continue;
    if (open.fault->kind == FaultKind::throttle) {
      factor *= open.fault->factor;
    } else {
      failing += open.fault->share.ppb - failing * open.fault->share.ppb / kAll;
    }
  }
  warehouses_.set_failing(index, failing);
  const double places = static_cast<double>(warehouses_.concurrency(index)) / factor;
  warehouses_.set_places(index, factor == 1 ? 0 : static_cast<std::uint32_t>(std::max(1.0, places)));
}

}  // namespace dvt::sim
