// Defaults and look-ups of the topology and the warehouses.
#include "sim/scenario/topology.h"

#include "engine/base/format.h"

#include "sim/scenario/scalars.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

std::vector<SubscriptionSpec> default_subscriptions() {
  std::vector<SubscriptionSpec> list(3);
  list[0].name = "ui";
  list[0].latency = Dist::lognormal(milliseconds(20), milliseconds(200));
  list[1].name = "audit";
  list[1].latency = Dist::constant(milliseconds(50));
  list[2].name = "webhooks";
  list[2].latency = Dist::lognormal(milliseconds(200), seconds(4));
  return list;
}

std::vector<TaskQueueSpec> default_task_queues() {
  std::vector<TaskQueueSpec> list(2);
  list[0].name = "tq-control";
  list[1].name = "tq-data";
  list[1].workers = 10;
  list[1].slots = 8;
  return list;
}

NamedValues<Dist> default_step_durations() {
  return {{"small", Dist::lognormal(seconds(3), seconds(30))},
          {"medium", Dist::lognormal(seconds(20), minutes(2))},
          {"large", Dist::lognormal(minutes(2), minutes(10))},
          {"spark/small", Dist::lognormal(minutes(1), minutes(5))},
          {"spark/medium", Dist::lognormal(minutes(5), minutes(20))},
          {"spark/large", Dist::lognormal(minutes(20), hours(1))},
          {"view", Dist::lognormal_log(-0.33, 0.32, seconds(1))},
          {"table", Dist::lognormal_log(0.95, 0.22, seconds(1))},
          {"incremental", Dist::lognormal_log(2.06, 0.39, seconds(1))},
          {"test", Dist::lognormal_log(0, 0.24, seconds(1))}};
}

std::vector<WarehouseSpec> default_warehouses() {
  std::vector<WarehouseSpec> list(1);
  list[0].name = "default";
  return list;
}

ActivityOptions Topology::options_for(std::string_view kind, std::string_view size, ActivityOptions unwritten) const {
  ActivityOptions options = unwritten;
  const std::string sized = fmt::format("{}/{}", kind, size);
  const auto apply = [](auto& slot, const auto& written) {
    if (written) slot = *written;
  };
  for (std::string_view name : {std::string_view("default"), kind, std::string_view(sized)}) {
    for (const ActivityOptionsEntry& entry : activity_options) {
      if (entry.name != name) continue;
      apply(options.start_to_close, entry.start_to_close);
      apply(options.schedule_to_start, entry.schedule_to_start);
      apply(options.schedule_to_close, entry.schedule_to_close);
      apply(options.heartbeat, entry.heartbeat);
      apply(options.max_attempts, entry.max_attempts);
      apply(options.initial_interval, entry.initial_interval);
      apply(options.coefficient, entry.coefficient);
      apply(options.max_interval, entry.max_interval);
    }
  }
  return options;
}

engine::TargetAdapter target_of(AdapterKind kind) {
  switch (kind) {
    case AdapterKind::temporal:
      return engine::TargetAdapter::temporal;
    case AdapterKind::conductor:
      return engine::TargetAdapter::conductor;
    case AdapterKind::mock:
      return engine::TargetAdapter::mock;
  }
  return engine::TargetAdapter::any;
}

std::int64_t conductor_workers(std::string_view queue) {
  return queue == "tq-control" ? 10 : queue == "tq-data" ? 5 : 2;
}

std::optional<std::int64_t> isolated_tenant(std::string_view queue, std::int64_t tenants) {
  constexpr std::string_view kPrefix = "tq-isolation-tenant-";
  if (!queue.starts_with(kPrefix)) return std::nullopt;
  const auto number = parse_integer(queue.substr(kPrefix.size()), static_cast<std::uint64_t>(tenants));
  if (!number.has_value() || number.value() == 0) return std::nullopt;
  return static_cast<std::int64_t>(number.value()) - 1;
}

Duration Topology::poll_interval_of(const TaskQueueSpec& queue) const {
  if (queue.poll_interval.ns > 0) return queue.poll_interval;
  return conductor.poll_interval * (queue.name == "tq-control" ? 1 : queue.name == "tq-data" ? 5 : 2);
}

const TaskQueueSpec* Topology::task_queue(std::string_view name) const {
  for (const TaskQueueSpec& queue : task_queues) {
    if (queue.name == name) return &queue;
  }
  return nullptr;
}

bool WarehouseSpec::runs(std::string_view kind) const {
  for (const std::string& known : kinds) {
    if (known == kind) return true;
  }
  return false;
}

const Dist* WarehouseSpec::duration_for(std::string_view kind, std::string_view size,
                                        std::string_view materialization) const {
  const std::string sized = fmt::format("{}/{}", kind, size);
  for (std::string_view key : {materialization, std::string_view(sized), size}) {
    if (key.empty()) continue;
    for (const auto& [written, dist] : duration) {
      if (written == key) return &dist;
    }
  }
  return nullptr;
}

engine::PlanMetadata PlanSpec::metadata() const {
  engine::PlanMetadata metadata;
  metadata.plan_id = name;
  metadata.plan_version = "1";
  metadata.target_adapter = target;
  metadata.fallback_behavior = fallback;
  metadata.requires_capabilities = requires_capabilities;
  return metadata;
}

engine::PlanVerdict Scenario::judge(const PlanSpec& plan) const {
  return engine::judge_plan({plan.metadata(), {}}, 0, target_of(topology.adapter.kind));
}

const WarehouseSpec* Scenario::warehouse_for(std::string_view kind) const {
  for (const WarehouseSpec& warehouse : warehouses) {
    if (warehouse.runs(kind)) return &warehouse;
  }
  return nullptr;
}

// Known fault 8, fixed: a dead worker is noticed by its missing heartbeats, so start-to-close need only be longer than
// any step of the kind and size takes.
ActivityOptions Scenario::activity_options(std::string_view kind, std::string_view size,
                                           std::string_view materialization) const {
  ActivityOptions unwritten;
  if (!known_faults.fixed(8)) return topology.options_for(kind, size);
  unwritten.heartbeat = seconds(20);
  const WarehouseSpec* warehouse = kind.empty() ? nullptr : warehouse_for(kind);
  const Dist* takes = warehouse == nullptr ? nullptr : warehouse->duration_for(kind, size, materialization);
  const auto p99 = takes == nullptr ? std::nullopt : takes->p99();
  if (p99 && *p99 * 3 > unwritten.start_to_close) unwritten.start_to_close = *p99 * 3;
  return topology.options_for(kind, size, unwritten);
}

std::string_view queue_for_step(std::string_view kind) {
  return kind == "dbt" || kind == "spark" ? "tq-data" : "tq-control";
}

std::string Scenario::location(Source source) const {
  return source.line == 0 ? file_name : fmt::format("{}:{}:{}", file_name, source.line, source.column);
}

bool Scenario::operator==(const Scenario& o) const {
  return metadata == o.metadata && seed == o.seed && start == o.start && duration == o.duration && warmup == o.warmup &&
         sample_interval == o.sample_interval && schedule == o.schedule && known_faults == o.known_faults &&
         record == o.record && provenance == o.provenance && workload == o.workload && topology == o.topology &&
         warehouses == o.warehouses && faults == o.faults && operations == o.operations && releases == o.releases &&
         budget_policy == o.budget_policy && objectives == o.objectives && alerts == o.alerts &&
         escalation == o.escalation && invariants == o.invariants && cost == o.cost && metrics == o.metrics &&
         assertions == o.assertions;
}

}  // namespace dvt::sim
