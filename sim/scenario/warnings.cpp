// What `check` says that is no error: settings that are allowed and probably not meant.
#include "engine/base/format.h"

#include <set>

#include "sim/scenario/reader.h"
#include "sim/scenario/reading.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {
namespace {

class Warnings {
 public:
  explicit Warnings(const Scenario& scenario) : scenario_(scenario) {}

  std::vector<Diagnostic> run() {
    check_timeouts();
    check_warehouses();
    check_windows();
    check_conductor();
    check_capabilities();
    if (scenario_.record.histories != Record::Histories::none &&
        scenario_.topology.adapter.kind != AdapterKind::temporal)
      add({}, "record.histories",
          fmt::format("the {} adapter has no workflow histories: none will be kept",
                      scenario_.topology.adapter.kind == AdapterKind::mock ? "mock" : "Conductor"));
    for (const auto& [name, reason] : scenario_.invariants.except) {
      if (reason.empty())
        add({}, "invariants.except", fmt::format("\"{}\" is left out without a reason; write {}: \"why\"", name, name));
    }
    return std::move(found_);
  }

 private:
  void add(Source source, std::string path, std::string message) {
    Diagnostic diagnostic;
    diagnostic.severity = Severity::warning;
    diagnostic.file = scenario_.file_name;
    diagnostic.line = source.line;
    diagnostic.column = source.column;
    diagnostic.path = std::move(path);
    diagnostic.message = std::move(message);
    found_.push_back(std::move(diagnostic));
  }

  void check_timeouts() {
    std::set<std::string> said;
    const auto check = [&](Source source, const std::string& plan, std::string_view kind, std::string_view size,
                           std::string_view materialization) {
      const auto message = timeout_warning(scenario_, kind, size, materialization);
      if (message && said.insert(*message).second) add(source, fmt::format("workload.plans.{}", plan), *message);
    };
    for (const PlanSpec& plan : scenario_.workload.plans) {
      if (const auto* body = std::get_if<InlinePlan>(&plan.body)) {
        for (const PlanStep& step : body->steps)
          check(step.source, plan.name, step.kind, step.size, step.materialization);
      } else if (const auto* synthetic = std::get_if<SyntheticPlan>(&plan.body)) {
        check(plan.source, plan.name, synthetic->kind, synthetic->size, "");
      }
    }
  }

  void check_capabilities() {
    for (const PlanSpec& plan : scenario_.workload.plans) {
      if (std::holds_alternative<PlanFile>(plan.body)) continue;
      for (const std::string& line : scenario_.judge(plan).report())
        add(plan.source, fmt::format("workload.plans.{}.requiresCapabilities", plan.name), line);
    }
  }

  void check_conductor() {
    const Topology& topology = scenario_.topology;
    if (topology.adapter.kind == AdapterKind::conductor) return;
    if (!(topology.conductor == ConductorSpec{}))
      add({}, "topology.conductor", "has no effect: topology.adapter.kind is not conductor");
    for (const TaskQueueSpec& queue : topology.task_queues)
      if (queue.poll_interval.ns > 0)
        add(queue.source, fmt::format("topology.taskQueues.{}.pollInterval", queue.name),
            "has no effect: only Conductor's workers poll at intervals");
  }

  void check_warehouses() {
    std::set<std::string> kinds;
    for (const WarehouseSpec& warehouse : scenario_.warehouses) {
      for (const std::string& kind : warehouse.kinds) {
        if (kinds.insert(kind).second) continue;
        add(warehouse.source, fmt::format("warehouses.{}.kinds", warehouse.name),
            fmt::format("{} is run by {} already: the first one runs it", kind, scenario_.warehouse_for(kind)->name));
      }
      for (const auto& [code, share] : warehouse.errors.codes) {
        const std::vector<std::string_view> known{"timeout", "transient_error", "resource_exhausted"};
        bool found = false;
        for (std::string_view name : known) found = found || name == code;
        if (!found)
          add(warehouse.source, fmt::format("warehouses.{}.errors.codes.{}", warehouse.name, code),
              "no cause of dvt_step_retries_total" + Reading::suggestion(code, known));
      }
    }
  }

  void check_windows() {
    const Duration end = scenario_.duration;
    const auto late = [&](Source source, std::string path, Duration at) {
      if (at >= end)
        add(source, std::move(path),
            fmt::format("{} is not before the end of the run ({})", format_value(at), format_value(end)));
    };
    for (const Fault& fault : scenario_.faults) late(fault.source, fmt::format("faults.{}.at", fault.name), fault.at);
    for (const Operation& operation : scenario_.operations) {
      if (operation.at) late(operation.source, fmt::format("operations.{}.at", operation.name), *operation.at);
    }
    Duration stages;
    for (const Stage& stage : scenario_.workload.stages) {
      late(stage.source, "workload.stages", stages);
      if (stages >= end) return;
      stages += stage.length;
    }
  }

  const Scenario& scenario_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::optional<std::string> timeout_warning(const Scenario& scenario, std::string_view kind, std::string_view size,
                                           std::string_view materialization) {
  const Topology& topology = scenario.topology;
  // Known fault 9: Conductor's one task timeout stands in the place of the kind's own.
  const bool one_timeout = topology.adapter.kind == AdapterKind::conductor && !scenario.known_faults.fixed(9);
  const Duration limit = one_timeout ? topology.conductor.task_timeout
                                     : scenario.activity_options(kind, size, materialization).start_to_close;
  const WarehouseSpec* warehouse = scenario.warehouse_for(kind);
  const Dist* duration = warehouse == nullptr ? nullptr : warehouse->duration_for(kind, size, materialization);
  if (limit.ns == 0 || duration == nullptr) return std::nullopt;
  const auto p99 = duration->p99();
  if (!p99 || *p99 <= limit) return std::nullopt;
  return fmt::format(
      "{}/{} steps have a p99 of {}, longer than their {} timeout of {}: such a step can never finish "
      "(known fault {})",
      kind, size, format_value(*p99), one_timeout ? "task" : "start-to-close", format_value(limit),
      one_timeout ? 9 : 8);
}

std::vector<Diagnostic> scenario_warnings(const Scenario& scenario) {
  return Warnings(scenario).run();
}

}  // namespace dvt::sim
