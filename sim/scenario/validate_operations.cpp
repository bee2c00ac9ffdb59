// Selections, background signals and operations: names they refer to, and the order among operations.
#include "engine/base/format.h"

#include <map>

#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/validate.h"
#include "sim/scenario/words.h"

namespace dvt::sim {
namespace {

const Operation* find_operation(const Scenario& scenario, std::string_view name) {
  for (const Operation& operation : scenario.operations) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

std::vector<std::string_view> operation_names(const Scenario& scenario) {
  std::vector<std::string_view> names;
  for (const Operation& operation : scenario.operations) names.push_back(operation.name);
  return names;
}

void check_select(const Scenario& scenario, const Select& select, const Node& root, std::string_view section,
                  std::string_view parent, std::string_view name, Reading& reading) {
  const auto fail = [&](std::string_view key, std::string message) {
    if (section.empty()) {
      error_at(reading, root, {parent, name, "select", key}, std::move(message));
    } else {
      error_at(reading, root, {section, parent, name, "select", key}, std::move(message));
    }
  };
  if (select.plan != "any" && !scenario.workload.plans.empty()) {
    std::vector<std::string_view> plans{"any"};
    bool found = false;
    for (const PlanSpec& plan : scenario.workload.plans) {
      plans.push_back(plan.name);
      found = found || plan.name == select.plan;
    }
    if (!found) fail("plan", fmt::format("no plan \"{}\"{}", select.plan, Reading::suggestion(select.plan, plans)));
  }
  if (select.tenant && *select.tenant >= scenario.workload.tenants.count) {
    fail("tenant", fmt::format("only {} tenants exist, counted from 0", scenario.workload.tenants.count));
  }
  if (!select.same_as.empty() && (find_operation(scenario, select.same_as) == nullptr || select.same_as == name)) {
    fail("sameAs", fmt::format("no other operation \"{}\"{}", select.same_as,
                               Reading::suggestion(select.same_as, operation_names(scenario))));
  }
}

// The operation that must have acted before this one: `after`, or, without it, the one whose runs are taken over.
std::string_view predecessor(const Operation& operation) {
  return operation.after ? std::string_view(operation.after->operation) : std::string_view(operation.select.same_as);
}

// Each operation has at most one predecessor: follow it, at most once around.
void check_order(const Scenario& scenario, const Node& root, Reading& reading) {
  std::map<std::string_view, const Operation*> by_name;
  for (const Operation& operation : scenario.operations) by_name.emplace(operation.name, &operation);
  for (const Operation& operation : scenario.operations) {
    const Operation* at = &operation;
    for (std::size_t steps = 0; at != nullptr && steps <= scenario.operations.size(); ++steps) {
      const std::string_view next = predecessor(*at);
      if (next == operation.name) {
        error_at(reading, root, {"operations", operation.name, operation.after ? "after" : "select"},
                 "operations wait for each other in a circle");
        break;
      }
      const auto found = by_name.find(next);
      at = found == by_name.end() ? nullptr : found->second;
    }
  }
}

// set-timeout: a kind that some warehouse runs, or kind/size.
void check_timeout_kind(const Scenario& scenario, const Operation& operation, const Node& root, Reading& reading) {
  if (operation.kind.empty()) return;
  const std::string_view text = operation.kind;
  const std::size_t slash = text.find('/');
  const std::string_view kind = text.substr(0, slash);
  const auto fail = [&](std::string message) {
    error_at(reading, root, {"operations", operation.name, "kind"}, std::move(message));
  };
  if (scenario.warehouse_for(kind) == nullptr) {
    std::vector<std::string_view> kinds;
    for (const WarehouseSpec& warehouse : scenario.warehouses)
      for (const std::string& known : warehouse.kinds) kinds.push_back(known);
    return fail(fmt::format("no warehouse runs the kind \"{}\"{}", kind, Reading::suggestion(kind, kinds)));
  }
  if (slash == std::string_view::npos) return;
  const std::string_view size = text.substr(slash + 1);
  if (size != "small" && size != "medium" && size != "large")
    fail(fmt::format("no size \"{}\"{}", size, Reading::suggestion(size, {"small", "medium", "large"})));
}

// Which parts each action can take hold of today.
void check_action_target(const Scenario& scenario, const Operation& operation, const Node& root, Reading& reading) {
  if (!operation.action || operation.target.empty()) return;
  const auto fail = [&](std::string message) {
    error_at(reading, root, {"operations", operation.name, "target"}, std::move(message));
  };
  const auto parsed = parse_target(operation.target);
  if (!parsed.has_value()) return fail(parsed.error());
  const Target& target = parsed.value();
  const bool scales = *operation.action == OperatorAction::scale;
  const bool replays = *operation.action == OperatorAction::replay_from_snapshot;
  const bool restarts = *operation.action == OperatorAction::restart;
  if (restarts && target.kind == TargetKind::worker) {
    std::vector<std::string_view> queues;
    for (const TaskQueueSpec& queue : scenario.topology.task_queues) queues.push_back(queue.name);
    const TaskQueueSpec* queue = scenario.topology.task_queue(target.name);
    if (queue == nullptr)
      return fail(fmt::format("no task queue \"{}\"{}", target.name, Reading::suggestion(target.name, queues)));
    if (target.members == Target::Members::index && target.index >= queue->workers)
      return fail(fmt::format("only {} workers exist, counted from 0", queue->workers));
    if (scenario.topology.adapter.kind != AdapterKind::temporal)
      return fail("restarting workers needs adapter.kind: temporal");
    return;
  }
  if (restarts && target.kind == TargetKind::signals) return;
  const bool known = target.kind == TargetKind::projector || target.kind == TargetKind::outbox ||
                     (replays && target.kind == TargetKind::bus);
  if (!known)
    return fail(fmt::format("action: {} on \"{}\" is not modelled yet", word(*operation.action), operation.target));
  if ((scales || replays) && target.members != Target::Members::whole)
    return fail(fmt::format("action: {} takes all of it: {}", word(*operation.action),
                            target.kind == TargetKind::projector ? "projector" : "outbox"));
  if (target.kind == TargetKind::bus && !target.name.empty()) {
    std::vector<std::string_view> names;
    for (const SubscriptionSpec& subscription : scenario.topology.bus.subscriptions) {
      if (subscription.name == target.name) return;
      names.push_back(subscription.name);
    }
    fail(fmt::format("no subscription \"{}\"{}", target.name, Reading::suggestion(target.name, names)));
  }
}

void check_operation(const Scenario& scenario, const Operation& operation, const Node& root, Reading& reading) {
  check_select(scenario, operation.select, root, "", "operations", operation.name, reading);
  if (operation.after && operation.after->operation != operation.name) {
    const Operation* before = find_operation(scenario, operation.after->operation);
    if (before == nullptr) {
      error_at(reading, root, {"operations", operation.name, "after", "operation"},
               fmt::format("no operation \"{}\"{}", operation.after->operation,
                           Reading::suggestion(operation.after->operation, operation_names(scenario))));
    } else if (operation.after->until == After::Until::drained && before->signal != SignalType::pause) {
      error_at(reading, root, {"operations", operation.name, "after", "until"},
               fmt::format("drained needs a PAUSE, and \"{}\" sends none", before->name));
    }
  }
  check_action_target(scenario, operation, root, reading);
  if (!operation.fault.empty()) {
    std::vector<std::string_view> faults;
    bool found = false;
    for (const Fault& fault : scenario.faults) {
      faults.push_back(fault.name);
      found = found || fault.name == operation.fault;
    }
    if (!found)
      error_at(reading, root, {"operations", operation.name, "fault"},
               fmt::format("no fault \"{}\"{}", operation.fault, Reading::suggestion(operation.fault, faults)));
  }
  check_timeout_kind(scenario, operation, root, reading);
  if (operation.action == OperatorAction::force_timeout && scenario.topology.adapter.kind != AdapterKind::temporal)
    error_at(reading, root, {"operations", operation.name, "action"},
             "force-timeout takes hold of Temporal's activities: it needs topology.adapter.kind: temporal");
  if (operation.at && operation.spread.ns > 0 && operation.spread > scenario.duration) {
    error_at(reading, root, {"operations", operation.name, "spread"}, "longer than the run");
  }
}

}  // namespace

void validate_operations(const Scenario& scenario, const Node& root, Reading& reading) {
  for (const BackgroundSignal& signal : scenario.workload.signals) {
    check_select(scenario, signal.select, root, "workload", "signals", "PAUSE", reading);
    if (!signal.select.same_as.empty())
      error_at(reading, root, {"workload", "signals", "PAUSE", "select", "sameAs"},
               "background signals draw their runs: sameAs belongs to operations");
  }
  constexpr std::size_t kMaxOperations = 2'000;
  if (scenario.operations.size() > kMaxOperations) {
    error_at(reading, root, {"operations"},
             fmt::format("{} operations; at most {} are allowed", scenario.operations.size(), kMaxOperations));
    return;
  }
  for (const Operation& operation : scenario.operations) check_operation(scenario, operation, root, reading);
  check_order(scenario, root, reading);
}

}  // namespace dvt::sim
