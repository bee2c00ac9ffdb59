#include "sim/slo/cost.h"

#include <algorithm>
#include <numeric>

#include "engine/base/assert.h"

namespace dvt::sim {

namespace {

__extension__ using Wide = __int128;

std::int64_t rounded(Wide numerator, Wide denominator) {
  return static_cast<std::int64_t>((numerator + denominator / 2) / denominator);
}

std::int64_t replica_cost(Wide replica_ns, Money price) {
  return rounded(replica_ns * price.nano_dollars, hours(1).ns);
}

Duration month() {
  return hours(30 * 24);
}

const LoadFigures* load_of(const Measurements& measured, std::string_view resource) {
  const auto found = std::ranges::find(measured.capacity, resource, &CapacityResult::resource);
  return found == measured.capacity.end() ? nullptr : &found->load;
}

std::uint64_t sum_of(const std::vector<ResourceUse>& uses, std::uint64_t ResourceUse::*member) {
  std::uint64_t sum = 0;
  for (const ResourceUse& use : uses) sum += use.*member;
  return sum;
}

/// The same total cut by plan and by tenant.
std::vector<CostShare> shares(const std::vector<ResourceUse>& uses, const std::vector<ReplicaCost>& replicas,
                              std::size_t queues, const CostParts& total) {
  std::vector<CostShare> out;
  for (const ResourceUse& use : uses) out.push_back({use.name, use.completed, {}});
  if (uses.empty()) return out;
  std::vector<std::uint64_t> stored;
  std::vector<std::uint64_t> moved;
  for (const ResourceUse& use : uses) {
    stored.push_back(use.stored_bytes);
    moved.push_back(use.moved_bytes);
  }
  const auto give = [&](std::int64_t amount, std::span<const std::uint64_t> weights, std::int64_t CostParts::*part) {
    const std::vector<std::int64_t> given = apportion(amount, weights);
    for (std::size_t i = 0; i < out.size(); ++i) out[i].marginal.*part += given[i];
  };
  for (std::size_t queue = 0; queue < replicas.size(); ++queue) {
    if (replicas[queue].busy == 0) continue;
    std::vector<std::uint64_t> weights;
    for (const ResourceUse& use : uses)
      weights.push_back(queue < queues ? static_cast<std::uint64_t>(use.slot_ns[queue]) : use.stored_bytes);
    give(replicas[queue].busy, weights, &CostParts::compute);
  }
  give(total.storage, stored, &CostParts::storage);
  give(total.network, moved, &CostParts::network);
  return out;
}

}  // namespace

std::vector<std::int64_t> apportion(std::int64_t total, std::span<const std::uint64_t> weights) {
  std::vector<std::int64_t> out(weights.size(), 0);
  if (weights.empty()) return out;
  Wide sum = 0;
  for (const std::uint64_t weight : weights) sum += weight;
  if (sum == 0) {
    out.back() = total;
    return out;
  }
  Wide so_far = 0;
  std::int64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    so_far += weights[i];
    const std::int64_t until_here = rounded(so_far * total, sum);
    out[i] = until_here - given;
    given = until_here;
  }
  return out;
}

std::vector<Provisioned> provisioned(const Scenario& scenario) {
  std::vector<Provisioned> out;
  const auto count = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  for (const TaskQueueSpec& queue : scenario.topology.task_queues)
    out.push_back({queue.name, count(queue.workers), static_cast<std::uint32_t>(queue.slots)});
  out.push_back({"projector", count(scenario.topology.projector.replicas), 0});
  out.push_back({"outbox", count(scenario.topology.outbox.relays), 0});
  out.push_back({"signals", count(scenario.topology.signals.processors), 0});
  for (const char* one : {"api", "engine", "store"}) out.push_back({one, 1, 0});
  return out;
}

CostResult cost_of(const Measurements& measured, const Scenario& scenario) {
  CostResult out;
  const Duration span = measured.end - measured.warmup_end;
  if (span.ns <= 0) return out;
  out.completed = sum_of(measured.use_by_plan, &ResourceUse::completed);
  const std::size_t queues = scenario.topology.task_queues.size();
  for (const Provisioned& part : provisioned(scenario)) {
    ReplicaCost cost;
    cost.name = part.name;
    const LoadFigures* load = load_of(measured, part.name);
    if (part.name == "store") load = nullptr;  // its servers are connections
    cost.replicas = load != nullptr ? load->servers : static_cast<double>(part.replicas);
    const Wide replica_ns =
        load != nullptr ? static_cast<Wide>(load->servers * static_cast<double>(span.ns) + 0.5)  // it may have scaled
                        : static_cast<Wide>(part.replicas) * span.ns;
    cost.cost = replica_cost(replica_ns, scenario.cost.replica_hour);
    if (part.slots > 0) {
      Wide held = 0;
      const std::size_t queue = out.replicas.size();
      for (const ResourceUse& use : measured.use_by_plan) held += use.slot_ns[queue];
      cost.busy = std::min(cost.cost, rounded(held * scenario.cost.replica_hour.nano_dollars,
                                              static_cast<Wide>(hours(1).ns) * part.slots));
    } else if (part.name == "projector" && load != nullptr) {
      cost.busy = std::min(cost.cost, static_cast<std::int64_t>(static_cast<double>(cost.cost) * load->utilisation));
    }
    out.total.compute += cost.cost;
    out.idle += cost.cost - cost.busy;
    out.replicas.push_back(std::move(cost));
  }
  constexpr Wide kGb = 1'000'000'000;
  out.total.storage = rounded(static_cast<Wide>(sum_of(measured.use_by_plan, &ResourceUse::stored_bytes)) *
                                  scenario.cost.gb_month.nano_dollars * scenario.topology.state_store.retention.ns,
                              kGb * month().ns);
  out.total.network = rounded(
      static_cast<Wide>(sum_of(measured.use_by_plan, &ResourceUse::moved_bytes)) * scenario.cost.gb_moved.nano_dollars,
      kGb);
  if (out.completed > 0) {
    const auto n = static_cast<Wide>(out.completed);
    out.per_run = {rounded(out.total.compute, n), rounded(out.total.storage, n), rounded(out.total.network, n)};
    out.marginal_per_run = rounded(out.total.total() - out.idle, n);
  }
  out.by_plan = shares(measured.use_by_plan, out.replicas, queues, out.total);
  out.by_tenant = shares(measured.use_by_tenant, out.replicas, queues, out.total);
  return out;
}

}  // namespace dvt::sim
