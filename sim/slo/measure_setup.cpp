// Scenario → MeasureConfig.
#include "sim/slo/measure_setup.h"

#include <algorithm>

#include "sim/slo/alerts.h"

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

MeasureConfig measure_config(const Scenario& scenario, std::vector<MeasureConfig::Plan> plans) {
  MeasureConfig config;
  config.start = scenario.start;
  config.warmup_end = Instant{} + scenario.warmup;
  config.sample_interval = scenario.sample_interval;
  config.keep_samples = std::max(config.keep_samples, longest_reach(alert_rules(scenario)));
  config.plans = std::move(plans);
  for (const TaskQueueSpec& queue : scenario.topology.task_queues) {
    config.queues.push_back({queue.name, static_cast<std::uint32_t>(queue.workers)});
  }
  for (const SubscriptionSpec& subscription : scenario.topology.bus.subscriptions) {
    config.subscriptions.push_back(subscription.name);
  }
  config.warehouses = static_cast<std::uint32_t>(scenario.warehouses.size());
  for (const Fault& fault : scenario.faults) config.faults.push_back(fault_info(scenario, fault));
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
