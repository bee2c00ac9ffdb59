// What the control plane cost after warm-up, in integer nano-dollars (domain §13, cost-per-run; SLOs §6): provisioned
// replica-hours, stored bytes over their retention, bytes moved. Everything adds up exactly: parts to the total; plans,
// tenants and what nobody used to the same total. Prices and counts are the scenario's; sizes of messages and rows are
// assumptions (measure/use_ledger.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// Nano-dollars.
struct CostParts {
  std::int64_t compute = 0;
  std::int64_t storage = 0;
  std::int64_t network = 0;
  std::int64_t total() const { return compute + storage + network; }
  bool operator==(const CostParts&) const = default;
};

/// SLOs §6: per run, phase 1.
inline constexpr CostParts kCostTargets{5'000'000, 3'000'000, 2'000'000};

/// Replicas that the topology provisions. Parts without a number of their own (API, the engine's service, the
/// StateStore) count as one each.
struct Provisioned {
  std::string name;
  std::uint64_t replicas = 0;
  std::uint32_t slots = 0;  // of one replica, for activities; 0: no worker
};
/// The task queues in the scenario's order first.
std::vector<Provisioned> provisioned(const Scenario& scenario);

struct ReplicaCost {
  std::string name;
  double replicas = 0;    // mean after warm-up
  std::int64_t cost = 0;  // provisioned
  std::int64_t busy = 0;  // of that: slots held, or busy server time; 0 where no busy time is modelled
};

/// What runs of a plan or tenant caused: the compute they kept busy, the bytes they stored and moved.
struct CostShare {
  std::string name;  // the last one, `other`: probes, reads, signals, and what belongs to no run that is known
  std::uint64_t completed = 0;
  CostParts marginal;
};

struct CostResult {
  std::uint64_t completed = 0;  // runs after warm-up
  CostParts total;
  CostParts per_run;                  // each part rounded; zero without completed runs
  std::int64_t idle = 0;              // compute that nobody kept busy
  std::int64_t marginal_per_run = 0;  // without what is idle
  std::vector<ReplicaCost> replicas;
  std::vector<CostShare> by_plan;    // marginal costs: with `idle` they add up to the total
  std::vector<CostShare> by_tenant;  // likewise
  double idle_share() const {
    return total.compute > 0 ? static_cast<double>(idle) / static_cast<double>(total.compute) : 0.0;
  }
};

CostResult cost_of(const Measurements& measured, const Scenario& scenario);

/// `total` divided by `weights` in whole units that add up to it; all of it to the last one when the weights are zero.
std::vector<std::int64_t> apportion(std::int64_t total, std::span<const std::uint64_t> weights);

}  // namespace dvt::sim
