// Checks among sections other than plans and operations.
#include "sim/scenario/validate.h"

#include "engine/base/format.h"

#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/key_table.h"
#include "sim/scenario/scalars.h"
#include "sim/scenario/words.h"

namespace dvt::sim {

const Node& node_at(const Node& root, std::initializer_list<std::string_view> parts) {
  const Node* node = &root;
  for (std::string_view part : parts) {
    const Node* next = node->find(part);
    if (node->is_sequence()) {
      const auto index = parse_integer(part, 1'000'000'000);
      if (index.has_value() && index.value() < node->items.size()) next = &node->items[index.value()];
    }
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

void error_at(Reading& reading, const Node& root, std::initializer_list<std::string_view> parts, std::string message) {
  for (std::string_view part : parts) reading.path_parts().emplace_back(part);
  reading.error(node_at(root, parts).mark, std::move(message));
  for (std::size_t i = 0; i < parts.size(); ++i) reading.path_parts().pop_back();
}

namespace {

void check_times(const Scenario& scenario, const Node& root, Reading& reading) {
  if (root.find("duration") != nullptr && scenario.duration.ns > 0 && scenario.warmup >= scenario.duration) {
    error_at(reading, root, {"warmup"},
             fmt::format("warm-up ({}) leaves nothing of the duration ({})", format_value(scenario.warmup),
                         format_value(scenario.duration)));
  }
}

void check_interpreter(const Scenario& scenario, const Node& root, Reading& reading) {
  const InterpreterSpec& interpreter = scenario.topology.interpreter;
  if (interpreter.kind == InterpreterKind::dataflow && interpreter.continue_as_new_after_layers > 0)
    error_at(reading, root, {"topology", "interpreter", "continueAsNewAfterLayers"},
             "kind: dataflow has no layers after which it could continue as new");
}

void check_provenance(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const auto& [path, provenance] : scenario.provenance) {
    std::string nearest;
    if (is_key_path(path, nearest)) continue;
    error_at(reading, root, {"provenance", path},
             fmt::format("no such key{}", nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest)));
  }
}

// tq-isolation-{tenant}: all steps of that tenant; tenants are tenant-1, tenant-2, …
void check_isolation(const Scenario& scenario, const TaskQueueSpec& queue, const Node& root, Reading& reading) {
  if (scenario.topology.adapter.kind != AdapterKind::conductor) {
    error_at(reading, root, {"topology", "taskQueues", queue.name},
             "isolation queues are modelled with adapter.kind: conductor only");
    return;
  }
  if (isolated_tenant(queue.name, scenario.workload.tenants.count)) return;
  error_at(reading, root, {"topology", "taskQueues", queue.name},
           fmt::format("expected tq-isolation-tenant-1 to tq-isolation-tenant-{}", scenario.workload.tenants.count));
}

void check_queues(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const TaskQueueSpec& queue : scenario.topology.task_queues) {
    if (queue.name == "tq-control" || queue.name == "tq-data") continue;
    if (queue.name.starts_with("tq-isolation-")) {
      check_isolation(scenario, queue, root, reading);
    } else {
      error_at(reading, root, {"topology", "taskQueues", queue.name},
               "no activity goes to this queue" + Reading::suggestion(queue.name, {"tq-control", "tq-data"}));
    }
  }
}

// What Conductor has no way to do, and Temporal's workflow does.
void check_conductor(const Scenario& scenario, const Node& root, Reading& reading) {
  const Topology& topology = scenario.topology;
  if (topology.adapter.kind != AdapterKind::conductor) return;
  for (const PlanSpec& plan : scenario.workload.plans)
    if (std::holds_alternative<WorkflowPlan>(plan.body))
      error_at(reading, root, {"workload", "plans", plan.name, "workflow"},
               "workflow code runs on Temporal only: Conductor takes plans");
  for (const PlanSpec& plan : scenario.workload.plans) {
    if (plan.unchecked)
      error_at(reading, root, {"workload", "plans", plan.name, "unchecked"},
               "what Conductor makes of an invalid plan is not modelled");
  }
  if (topology.interpreter.kind != InterpreterKind::layers)
    error_at(reading, root, {"topology", "interpreter", "kind"}, "Conductor runs plans as layers only");
  if (topology.interpreter.on_step_failure != OnStepFailure::fail)
    error_at(reading, root, {"topology", "interpreter", "onStepFailure"},
             "hold needs the signals RETRY_STEP and SKIP_STEP, which Conductor does not have");
  if (topology.interpreter.continue_as_new_after_layers > 0)
    error_at(reading, root, {"topology", "interpreter", "continueAsNewAfterLayers"},
             "Conductor keeps no history, so that nothing is continued as new");
}

std::vector<std::string_view> all_kinds(const Scenario& scenario) {
  std::vector<std::string_view> kinds;
  for (const WarehouseSpec& warehouse : scenario.warehouses) {
    for (const std::string& kind : warehouse.kinds) kinds.push_back(kind);
  }
  return kinds;
}

void check_activity_options(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const ActivityOptionsEntry& entry : scenario.topology.activity_options) {
    const std::string_view kind = std::string_view(entry.name).substr(0, entry.name.find('/'));
    if (kind == "default" || scenario.warehouse_for(kind) != nullptr) continue;
    std::vector<std::string_view> known = all_kinds(scenario);
    known.insert(known.begin(), "default");
    error_at(reading, root, {"topology", "activityOptions", entry.name},
             fmt::format("no warehouse runs kind \"{}\"{}", kind, Reading::suggestion(kind, known)));
  }
}

bool has_virtual_disk(const StateStoreSpec& store) {
  return store.backend == StoreBackend::file && store.commit == CommitMode::per_append;
}

// The fold of the log copes with a StepStarted out of order, and with no other event.
void check_store(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const EventType type : scenario.topology.state_store.fail_open)
    if (type != EventType::step_started)
      error_at(reading, root, {"topology", "stateStore", "failOpen"},
               fmt::format("{} cannot fail open: only StepStarted may be written late, the others are critical",
                           to_string(type)));
  const StateStoreSpec& store = scenario.topology.state_store;
  if (store.disk_size.count > 0 && !has_virtual_disk(store))
    error_at(reading, root, {"topology", "stateStore", "diskSize"},
             "only a virtual disk has a size: backend: file with commit: per-append");
}

void check_warehouses(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const WarehouseSpec& warehouse : scenario.warehouses) {
    std::vector<std::string> known{"small",       "medium", "large", "view",    "table",
                                   "incremental", "test",   "seed",  "snapshot"};
    for (const std::string& kind : warehouse.kinds) {
      for (const char* size : {"small", "medium", "large"}) known.push_back(fmt::format("{}/{}", kind, size));
    }
    const std::vector<std::string_view> views(known.begin(), known.end());
    if (node_at(root, {"warehouses", warehouse.name}).find("duration") == nullptr) continue;
    for (const auto& [key, dist] : warehouse.duration) {
      bool found = false;
      for (const std::string& name : known) found = found || name == key;
      if (found) continue;
      const std::string nearest = Reading::suggestion(key, views);
      error_at(reading, root, {"warehouses", warehouse.name, "duration", key},
               "expected a size, kind/size with a kind it runs, or a materialization" + nearest);
    }
  }
}

// Where a fault stands: in `faults`, or as what a release may do.
struct FaultPlace {
  const Fault& fault;
  const Node& root;
  Reading& reading;
  bool of_release = false;

  void error(std::string_view key, std::string message) const {
    if (of_release) {
      error_at(reading, root, {"releases", fault.name, "incident", key}, std::move(message));
    } else {
      error_at(reading, root, {"faults", fault.name, key}, std::move(message));
    }
  }
  /// Of the fault as a whole.
  void error(std::string message) const {
    if (of_release) {
      error_at(reading, root, {"releases", fault.name, "incident"}, std::move(message));
    } else {
      error_at(reading, root, {"faults", fault.name}, std::move(message));
    }
  }
};

void check_members(const FaultPlace& place, std::int64_t members, std::string_view what) {
  const Fault& fault = place.fault;
  const bool index = fault.target.members == Target::Members::index;
  const bool random = fault.target.members == Target::Members::random;
  if ((index && fault.target.index >= members) || (random && fault.target.index > members)) {
    place.error("target", random ? fmt::format("only {} {} exist", members, what)
                                 : fmt::format("only {} {} exist, counted from 0", members, what));
  }
}

void check_fault_names(const Scenario& scenario, const FaultPlace& place) {
  const Fault& fault = place.fault;
  const auto unknown = [&](std::string_view what, const std::vector<std::string_view>& known) {
    place.error("target",
                fmt::format("no {} \"{}\"{}", what, fault.target.name, Reading::suggestion(fault.target.name, known)));
  };
  std::vector<std::string_view> known;
  switch (fault.target.kind) {
    case TargetKind::warehouse: {
      for (const WarehouseSpec& warehouse : scenario.warehouses) known.push_back(warehouse.name);
      bool found = false;
      for (std::string_view name : known) found = found || name == fault.target.name;
      if (!found) unknown("warehouse", known);
      return;
    }
    case TargetKind::worker: {
      const TaskQueueSpec* queue = scenario.topology.task_queue(fault.target.name);
      for (const TaskQueueSpec& entry : scenario.topology.task_queues) known.push_back(entry.name);
      if (queue == nullptr) return unknown("task queue", known);
      if (fault.kind != FaultKind::kill && scenario.topology.adapter.kind != AdapterKind::temporal)
        place.error(
            "kind",
            fmt::format("kind: {} on workers needs adapter.kind: temporal; those of other providers can only be "
                        "killed",
                        word(fault.kind)));
      return check_members(place, queue->workers, "workers");
    }
    case TargetKind::bus: {
      bool found = fault.target.name.empty();
      for (const SubscriptionSpec& subscription : scenario.topology.bus.subscriptions) {
        known.push_back(subscription.name);
        found = found || subscription.name == fault.target.name;
      }
      if (!found) unknown("subscription", known);
      if (fault.kind == FaultKind::throttle && scenario.topology.bus.throughput.is_zero())
        place.error("kind", "nothing to divide: topology.bus.throughput has no limit");
      return;
    }
    case TargetKind::adapter:
      if (scenario.topology.adapter.kind == AdapterKind::mock)
        place.error("target", "adapter.kind: mock has no provider behind it");
      if (fault.kind == FaultKind::throttle && scenario.topology.adapter.capacity.is_zero())
        place.error("kind", "nothing to divide: topology.adapter.capacity has no limit");
      if (fault.kind == FaultKind::heartbeat_drop &&
          (fault.group != FaultGroup::none || fault.max_down != Fault{}.max_down))
        place.error("group and maxDown need workers as their target");
      return;
    case TargetKind::plans:
    case TargetKind::clock_worker:
      if (scenario.topology.adapter.kind == AdapterKind::mock)
        place.error("target", "adapter.kind: mock has no workers, who fetch plans and whose clocks are off");
      return;
    case TargetKind::projector:
      return check_members(place, scenario.topology.projector.replicas, "replicas");
    case TargetKind::outbox:
      return check_members(place, scenario.topology.outbox.relays, "relays");
    case TargetKind::link_worker_store:
      if (scenario.topology.adapter.kind == AdapterKind::mock)
        place.error("target", "adapter.kind: mock has no workers: its events are written without that link");
      return;
    case TargetKind::store:
      if (fault.kind == FaultKind::corrupt && scenario.topology.state_store.backend == StoreBackend::memory)
        place.error("kind",
                    "the memory store keeps no hashes; corrupt needs topology.stateStore.backend: ':memory:' or file");
      return;
    case TargetKind::store_disk:
      if (!has_virtual_disk(scenario.topology.state_store)) {
        place.error(
            "target",
            fmt::format("disk faults need topology.stateStore {{backend: file, commit: per-append}}, found "
                        "{{backend: {}, commit: {}}}",
                        word(scenario.topology.state_store.backend), word(scenario.topology.state_store.commit)));
      }
      return;
    default:
      return;
  }
}

}  // namespace

void validate(const Scenario& scenario, const Node& root, Reading& reading) {
  check_times(scenario, root, reading);
  check_interpreter(scenario, root, reading);
  check_provenance(scenario, root, reading);
  check_queues(scenario, root, reading);
  check_conductor(scenario, root, reading);
  check_activity_options(scenario, root, reading);
  check_store(scenario, root, reading);
  check_warehouses(scenario, root, reading);
  validate_plans(scenario, root, reading);
  for (const Fault& fault : scenario.faults) {
    if (!fault.target.text.empty()) check_fault_names(scenario, {fault, root, reading});
  }
  for (const Release& release : scenario.releases) {
    if (!release.incident || !parse_target(release.incident->target).has_value()) continue;
    const Fault fault = *release.fault();
    check_fault_names(scenario, {fault, root, reading, true});
  }
  validate_operations(scenario, root, reading);
}

}  // namespace dvt::sim
