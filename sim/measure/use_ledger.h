// Who used what of the control plane after warm-up: slot time of workers, bytes stored, bytes moved, by plan and by
// tenant. Integers, so that what it costs (slo/cost.h) adds up exactly. Sizes of messages and rows are assumptions,
// below; the model moves no bytes of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

/// Assumed sizes in bytes. The row is measured (design §5: 214 B an event in SQLite), the rest are round figures.
inline constexpr std::uint64_t kEventRowBytes = 214;         // beside its payload
inline constexpr std::uint64_t kEventMessageBytes = 512;     // the envelope of domain §2 as JSON, beside its payload
inline constexpr std::uint64_t kSnapshotBytes = 160;         // the snapshot of domain §3 without its steps
inline constexpr std::uint64_t kSnapshotStepBytes = 110;     // one of its steps
inline constexpr std::uint64_t kAttemptMessageBytes = 2048;  // an activity attempt's task and its answer
inline constexpr std::uint64_t kRequestMessageBytes = 2048;  // a request to the API and its answer
/// An event travels to the store, to the projector, to a relay and to the bus; then once to each subscription.
inline constexpr std::uint64_t kEventHops = 4;

/// For the live estimate (dvt_run_cost_estimate); nano-dollars.
struct UsePrices {
  std::int64_t replica_hour = 0;
  std::int64_t gb_month = 0;
  std::int64_t gb_moved = 0;
  Duration retention = hours(90 * 24);
  std::uint64_t replicas = 0;  // provisioned
};

class UseLedger {
 public:
  struct Owner {
    std::uint32_t plan = UINT32_MAX;
    std::uint32_t tenant = UINT32_MAX;
  };

  UseLedger(std::vector<std::string> plans, std::vector<std::string> tenants, std::size_t queues);

  void held_slot(Owner owner, std::uint32_t queue, Duration time);
  void stored(Owner owner, std::uint64_t bytes);
  void moved(Owner owner, std::uint64_t bytes);
  void completed(Owner owner);
  /// The owner of a run that has closed, while it is remembered: its last snapshot comes later.
  void remember(RunOrdinal run, Owner owner);
  Owner recall(RunOrdinal run) const;

  const std::vector<ResourceUse>& by_plan() const { return plans_; }
  const std::vector<ResourceUse>& by_tenant() const { return tenants_; }

  /// Mean cost in dollars of a run of each plan that completed since the last call, of which `interval` has passed:
  /// the provisioned replicas by slot time, and its own bytes. Negative: no run of it completed.
  void estimate(Duration interval, const UsePrices& prices, std::vector<double>& out);

 private:
  ResourceUse& plan(Owner owner) { return plans_[std::min<std::size_t>(owner.plan, plans_.size() - 1)]; }
  ResourceUse& tenant(Owner owner) { return tenants_[std::min<std::size_t>(owner.tenant, tenants_.size() - 1)]; }

  std::vector<ResourceUse> plans_;                   // the last one: of nobody known
  std::vector<ResourceUse> tenants_;                 // likewise
  std::unordered_map<std::uint32_t, Owner> closed_;  // looked up only
  std::deque<std::uint32_t> closed_order_;
  std::vector<ResourceUse> told_;  // plans_ at the last estimate
};

}  // namespace dvt::sim
