#include "sim/report/assumptions.h"

#include "engine/base/format.h"

#include "sim/report/text_table.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {
namespace {

std::string show(const Dist& dist) {
  switch (dist.form) {
    case Dist::Form::constant:
      return show_duration(dist.a);
    case Dist::Form::lognormal_quantiles:
      return fmt::format("p50 {}, p99 {}", show_duration(dist.a), show_duration(dist.b));
    case Dist::Form::uniform:
      return fmt::format("{} to {}", show_duration(dist.a), show_duration(dist.b));
    case Dist::Form::empirical_list:
      return fmt::format("{} recorded values", dist.values.size());
    case Dist::Form::empirical_file:
      return "values of " + dist.file.path;
    default:
      break;
  }
  const auto p99 = dist.p99();
  return p99 ? "p99 " + show_duration(*p99) : std::string("a distribution");
}

// The mark of the path itself or of the nearest key above it; unmarked values are the baseline's or the scenario's.
std::string origin(const Scenario& scenario, const std::string& path, bool is_default) {
  const std::pair<std::string, Provenance>* best = nullptr;
  for (const auto& mark : scenario.provenance) {
    const std::string& at = mark.first;
    const bool covers = path == at || (path.starts_with(at) && path[at.size()] == '.');
    if (covers && (best == nullptr || at.size() > best->first.size())) best = &mark;
  }
  if (best != nullptr) {
    switch (best->second) {
      case Provenance::measured:
        return "measured";
      case Provenance::assumed:
        return "assumed";
      case Provenance::unchanged:
        return "default";
    }
  }
  return is_default ? "default" : "scenario";
}

}  // namespace

std::vector<Assumption> assumptions(const Scenario& scenario) {
  const Topology& topology = scenario.topology;
  const Topology baseline;
  std::vector<Assumption> out;
  const auto add = [&](const std::string& path, std::string value, const char* feeds, bool is_default) {
    out.push_back({path, std::move(value), feeds, origin(scenario, path, is_default)});
  };
  add("topology.api.latency", show(topology.api.latency), "plan-persisted",
      topology.api.latency == baseline.api.latency);
  add("topology.stateStore.writeLatency", show(topology.state_store.write_latency), "statestore-write",
      topology.state_store.write_latency == baseline.state_store.write_latency);
  add("topology.adapter.rpcLatency", show(topology.adapter.rpc_latency), "completion",
      topology.adapter.rpc_latency == baseline.adapter.rpc_latency);
  add("topology.projector.throughput",
      fmt::format("{} replicas × {}", topology.projector.replicas, format_value(topology.projector.throughput)),
      "ui-refresh", topology.projector == baseline.projector);
  for (const SubscriptionSpec& subscription : topology.bus.subscriptions) {
    bool is_default = false;
    for (const SubscriptionSpec& known : baseline.bus.subscriptions) {
      is_default = is_default || (known.name == subscription.name && known.latency == subscription.latency);
    }
    add("topology.bus.subscriptions." + subscription.name + ".latency", show(subscription.latency), "outbox-delivery",
        is_default);
  }
  const std::vector<WarehouseSpec> usual = default_warehouses();
  for (const WarehouseSpec& warehouse : scenario.warehouses) {
    const Dist* small = warehouse.duration_for("dbt", "small", "");
    const bool is_default = !usual.empty() && warehouse.duration == usual.front().duration;
    add("warehouses." + warehouse.name + ".duration",
        small != nullptr ? "small: " + show(*small) : std::string("by step"), "warehouse load", is_default);
  }
  return out;
}

}  // namespace dvt::sim
