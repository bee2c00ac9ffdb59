#include "sim/measure/use_ledger.h"

#include <algorithm>

namespace dvt::sim {

namespace {

constexpr std::size_t kClosedKept = 1'024;

std::vector<ResourceUse> entries(std::vector<std::string> names, std::size_t queues) {
  std::vector<ResourceUse> out;
  names.emplace_back("other");
  for (std::string& name : names) {
    out.push_back({std::move(name), 0, std::vector<std::int64_t>(queues, 0), 0, 0});
  }
  return out;
}

std::int64_t slot_time(const ResourceUse& use) {
  std::int64_t sum = 0;
  for (const std::int64_t ns : use.slot_ns) sum += ns;
  return sum;
}

}  // namespace

UseLedger::UseLedger(std::vector<std::string> plans, std::vector<std::string> tenants, std::size_t queues)
    : plans_(entries(std::move(plans), queues)), tenants_(entries(std::move(tenants), queues)), told_(plans_) {}

void UseLedger::held_slot(Owner owner, std::uint32_t queue, Duration time) {
  ResourceUse& of_plan = plan(owner);
  if (queue >= of_plan.slot_ns.size()) return;
  of_plan.slot_ns[queue] += time.ns;
  tenant(owner).slot_ns[queue] += time.ns;
}

void UseLedger::stored(Owner owner, std::uint64_t bytes) {
  plan(owner).stored_bytes += bytes;
  tenant(owner).stored_bytes += bytes;
}

void UseLedger::moved(Owner owner, std::uint64_t bytes) {
  plan(owner).moved_bytes += bytes;
  tenant(owner).moved_bytes += bytes;
}

void UseLedger::completed(Owner owner) {
  ++plan(owner).completed;
  ++tenant(owner).completed;
}

void UseLedger::remember(RunOrdinal run, Owner owner) {
  closed_[run.value] = owner;
  closed_order_.push_back(run.value);
  if (closed_order_.size() <= kClosedKept) return;
  closed_.erase(closed_order_.front());
  closed_order_.pop_front();
}

UseLedger::Owner UseLedger::recall(RunOrdinal run) const {
  const auto found = closed_.find(run.value);
  return found == closed_.end() ? Owner{} : found->second;
}

void UseLedger::estimate(Duration interval, const UsePrices& prices, std::vector<double>& out) {
  const std::size_t plans = plans_.size() - 1;
  out.assign(plans, -1.0);
  std::int64_t all = 0;
  for (std::size_t i = 0; i < plans_.size(); ++i) all += slot_time(plans_[i]) - slot_time(told_[i]);
  const double provisioned = static_cast<double>(prices.replicas) * static_cast<double>(prices.replica_hour) *
                             static_cast<double>(interval.ns) / 3.6e12;
  const double months = static_cast<double>(prices.retention.ns) / static_cast<double>(hours(30 * 24).ns);
  for (std::size_t i = 0; i < plans; ++i) {
    const std::uint64_t runs = plans_[i].completed - told_[i].completed;
    if (runs == 0) continue;
    const auto slots = static_cast<double>(slot_time(plans_[i]) - slot_time(told_[i]));
    double nanos = all > 0 ? provisioned * slots / static_cast<double>(all) : 0.0;
    nanos += static_cast<double>(plans_[i].stored_bytes - told_[i].stored_bytes) * 1e-9 * months *
             static_cast<double>(prices.gb_month);
    nanos +=
        static_cast<double>(plans_[i].moved_bytes - told_[i].moved_bytes) * 1e-9 * static_cast<double>(prices.gb_moved);
    out[i] = nanos / static_cast<double>(runs) * 1e-9;
  }
  told_ = plans_;
}

}  // namespace dvt::sim
