#include "sim/world/store_faults.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dvt::sim {

StoreFaults::StoreFaults(Timers& timers, const Random& random, StoreModel& store, std::uint32_t first_window)
    : timers_(timers),
      store_(store),
      latency_(timers, random, first_window),
      throttle_(timers, random, first_window + 1),
      link_latency_(timers, random, first_window + 2) {
  store_.set_scale(&latency_);
  store_.set_throttle(&throttle_);
  store_.set_link_scale(&link_latency_);
}

bool StoreFaults::owns(const Fault& fault) {
  return fault.target.kind == TargetKind::store || fault.target.kind == TargetKind::link_worker_store;
}

LatencyWindow* StoreFaults::window_of(const Fault& fault) {
  if (fault.kind == FaultKind::throttle) return &throttle_;
  if (fault.kind != FaultKind::latency) return nullptr;
  return fault.target.kind == TargetKind::store ? &latency_ : &link_latency_;
}

const std::array<StoreFaults::Switch, 9> StoreFaults::kSwitches{{
    {FaultKind::outage, &StoreModel::set_outage},
    {FaultKind::failover, &StoreModel::set_failover},
    {FaultKind::commit_unknown, &StoreModel::set_commit_unknown},
    {FaultKind::error, &StoreModel::set_error},
    {FaultKind::pool_exhaustion, &StoreModel::set_pool_taken},
    {FaultKind::partition, &StoreModel::set_link_partition},
    {FaultKind::loss, &StoreModel::set_link_loss},
    {FaultKind::duplicate, &StoreModel::set_link_duplicate},
    {FaultKind::ack_lost, &StoreModel::set_acks_lost},
}};

std::size_t StoreFaults::switch_of(const Fault& fault) {
  const auto found = std::ranges::find(kSwitches, fault.kind, &Switch::kind);
  DVT_ASSERT(found != kSwitches.end(), "the reader lets only modelled fault kinds pass");
  return static_cast<std::size_t>(found - kSwitches.begin());
}

std::uint32_t StoreFaults::begin(const Fault& fault, Episode episode) {
  if (LatencyWindow* window = window_of(fault)) {
    window->begin(effect_of(fault, episode, timers_.now()));
    return 1;
  }
  const std::size_t which = switch_of(fault);
  // Each failover breaks the connections anew.
  if (open_[which]++ == 0 || fault.kind == FaultKind::failover) (store_.*kSwitches[which].set)(true);
  return 1;
}

void StoreFaults::end(const Fault& fault, Episode episode) {
  if (LatencyWindow* window = window_of(fault)) return window->end(episode.fault);
  const std::size_t which = switch_of(fault);
  if (--open_[which] == 0) (store_.*kSwitches[which].set)(false);
}

}  // namespace dvt::sim
