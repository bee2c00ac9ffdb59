#include "sim/world/store_faults.h"

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

StoreFaults::Switch StoreFaults::switch_of(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::outage:
      return Switch::outage;
    case FaultKind::failover:
      return Switch::failover;
    case FaultKind::commit_unknown:
      return Switch::commit_unknown;
    case FaultKind::error:
      return Switch::error;
    case FaultKind::pool_exhaustion:
      return Switch::pool_taken;
    case FaultKind::partition:
      return Switch::link_partition;
    case FaultKind::loss:
      return Switch::link_loss;
    case FaultKind::duplicate:
      return Switch::link_duplicate;
    case FaultKind::ack_lost:
      return Switch::acks_lost;
    default:
      DVT_ASSERT(false, "the reader lets only modelled fault kinds pass");
      return Switch::count;
  }
}

void StoreFaults::set(Switch which, bool on) {
  switch (which) {
    case Switch::outage:
      return store_.set_outage(on);
    case Switch::failover:
      return store_.set_failover(on);
    case Switch::commit_unknown:
      return store_.set_commit_unknown(on);
    case Switch::error:
      return store_.set_error(on);
    case Switch::pool_taken:
      return store_.set_pool_taken(on);
    case Switch::link_partition:
      return store_.set_link_partition(on);
    case Switch::link_loss:
      return store_.set_link_loss(on);
    case Switch::link_duplicate:
      return store_.set_link_duplicate(on);
    case Switch::acks_lost:
      return store_.set_acks_lost(on);
    case Switch::count:
      return;
  }
}

std::uint32_t StoreFaults::begin(const Fault& fault, Episode episode) {
  if (LatencyWindow* window = window_of(fault)) {
    window->begin(effect_of(fault, episode, timers_.now()));
    return 1;
  }
  const Switch which = switch_of(fault);
  // Each failover breaks the connections anew.
  if (open_[static_cast<std::size_t>(which)]++ == 0 || which == Switch::failover) set(which, true);
  return 1;
}

void StoreFaults::end(const Fault& fault, Episode episode) {
  if (LatencyWindow* window = window_of(fault)) return window->end(episode.fault);
  const Switch which = switch_of(fault);
  if (--open_[static_cast<std::size_t>(which)] == 0) set(which, false);
}

}  // namespace dvt::sim
