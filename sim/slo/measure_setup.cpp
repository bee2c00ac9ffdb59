// Scenario → MeasureConfig.
#include "sim/slo/measure_setup.h"

#include <algorithm>
#include <array>

#include "sim/slo/alerts.h"
#include "sim/slo/cost.h"

namespace dvt::sim {

namespace {

template <class Entries>
std::uint32_t index_of(const Entries& entries, const std::string& name) {
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name == name) return i;
  }
  return FaultInfo::kEvery;
}

RecoveryBy recovery_of(TargetKind target) {
  switch (target) {
    case TargetKind::projector:
      return RecoveryBy::projection;
    case TargetKind::link_worker_store:
      return RecoveryBy::store;
    case TargetKind::store:
      return RecoveryBy::store;
    case TargetKind::store_disk:
      return RecoveryBy::store;
    case TargetKind::warehouse:
      return RecoveryBy::warehouse;
    case TargetKind::worker:
      return RecoveryBy::workers;
    case TargetKind::outbox:
      return RecoveryBy::delivery;
    case TargetKind::bus:
      return RecoveryBy::delivery;
    case TargetKind::adapter:
      return RecoveryBy::adapter;
    case TargetKind::api:
      return RecoveryBy::api;
    case TargetKind::signals:
      return RecoveryBy::at_heal;
    case TargetKind::clock_worker:
      return RecoveryBy::at_heal;
    case TargetKind::plans:
      return RecoveryBy::at_heal;
  }
  return RecoveryBy::at_heal;
}

}  // namespace

FaultInfo fault_info(const Scenario& scenario, const Fault& fault) {
  FaultInfo info;
  info.name = fault.name;
  info.recovery = recovery_of(fault.target.kind);
  info.index = info.recovery == RecoveryBy::warehouse ? index_of(scenario.warehouses, fault.target.name)
               : info.recovery == RecoveryBy::workers ? index_of(scenario.topology.task_queues, fault.target.name)
                                                      : 0;
  info.recovers_from_injection = fault.kind == FaultKind::kill || fault.kind == FaultKind::restart;
  return info;
}

Duration data_plane_target(std::string_view kind, std::string_view size) {
  struct Row {
    std::string_view kind;
    std::string_view size;
    Duration p99;
  };
  static constexpr std::array<Row, 6> kTable{{{"dbt", "small", seconds(30)},
                                              {"dbt", "medium", minutes(2)},
                                              {"dbt", "large", minutes(10)},
                                              {"spark", "small", minutes(5)},
                                              {"spark", "medium", minutes(20)},
                                              {"spark", "large", hours(1)}}};
  for (const Row& row : kTable) {
    if (row.kind == kind && row.size == size) return row.p99;
  }
  return {};
}

namespace {

std::uint32_t step_class(std::vector<MeasureConfig::StepClass>& classes, const PlanToMeasure::Step& step) {
  for (std::uint32_t i = 0; i < classes.size(); ++i) {
    if (classes[i].kind == step.kind && classes[i].size == step.size) return i;
  }
  classes.push_back({step.kind, step.size, data_plane_target(step.kind, step.size)});
  return static_cast<std::uint32_t>(classes.size() - 1);
}

std::uint64_t replicas_of(const Scenario& scenario) {
  std::uint64_t sum = 0;
  for (const Provisioned& part : provisioned(scenario)) sum += part.replicas;
  return sum;
}

}  // namespace

MeasureConfig measure_config(const Scenario& scenario, const std::vector<PlanToMeasure>& plans) {
  MeasureConfig config;
  config.start = scenario.start;
  config.warmup_end = Instant{} + scenario.warmup;
  config.sample_interval = scenario.sample_interval;
  AlertReach reach = alert_reach(alert_rules(scenario), config.keep_samples);
  config.keep_samples = std::max(config.keep_samples, reach.near_reach);
  config.keep_far = reach.far_reach;
  config.far_series = std::move(reach.far_series);
  for (const TaskQueueSpec& queue : scenario.topology.task_queues) {
    if (queue.name == "tq-control") config.control_queue = static_cast<std::uint32_t>(config.queues.size());
    config.queues.push_back({queue.name, static_cast<std::uint32_t>(queue.workers)});
  }
  for (const PlanToMeasure& plan : plans) {
    MeasureConfig::Plan& out = config.plans.emplace_back();
    out.plan_id = plan.plan_id;
    out.plan_version = plan.plan_version;
    for (const PlanToMeasure::Step& step : plan.steps) {
      out.step_ids.push_back(step.step_id);
      out.steps.push_back({index_of(scenario.topology.task_queues, std::string(queue_for_step(step.kind))),
                           step_class(config.step_classes, step)});
    }
  }
  config.prices = {scenario.cost.replica_hour.nano_dollars, scenario.cost.gb_month.nano_dollars,
                   scenario.cost.gb_moved.nano_dollars, scenario.topology.state_store.retention, replicas_of(scenario)};
  for (const SubscriptionSpec& subscription : scenario.topology.bus.subscriptions) {
    config.subscriptions.push_back(subscription.name);
  }
  config.warehouses = static_cast<std::uint32_t>(scenario.warehouses.size());
  for (const Fault& fault : scenario.faults) config.faults.push_back(fault_info(scenario, fault));
  for (const Release& release : scenario.releases) {
    if (const auto fault = release.fault()) config.faults.push_back(fault_info(scenario, *fault));
  }
  config.hold_failed_steps = scenario.topology.interpreter.on_step_failure == OnStepFailure::hold;
  config.step_labels = scenario.metrics.step_labels;
  switch (scenario.topology.adapter.kind) {
    case AdapterKind::temporal:
      config.adapter = "temporal";
      break;
    case AdapterKind::mock:
      config.adapter = "mock";
      break;
    case AdapterKind::conductor:
      config.adapter = "conductor";
      config.thresholds.pause = seconds(5);  // domain §10
      config.drain_timeout = scenario.topology.conductor.drain_timeout;
      config.standing = Standing::holds_its_queue;
      break;
  }
  return config;
}

}  // namespace dvt::sim
