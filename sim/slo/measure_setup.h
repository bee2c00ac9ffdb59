// How a scenario is measured: the recorder's plain configuration, read off the scenario in one place, so that the
// thresholds, the meaning of recovery and the reach of the alert rules cannot differ between callers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/measure/recorder.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// A plan as the world built it.
struct PlanToMeasure {
  struct Step {
    std::string step_id;
    std::string kind;
    std::string size;
  };
  std::string plan_id;
  std::string plan_version;
  std::vector<Step> steps;  // by StepIndex
};

/// `plans` by PlanOrdinal. Queues, subscriptions and warehouses keep the scenario's order.
MeasureConfig measure_config(const Scenario& scenario, const std::vector<PlanToMeasure>& plans);

/// The document's p99 of a step kind and size (SLOs §2); zero where it has none.
Duration data_plane_target(std::string_view kind, std::string_view size);

/// What recovery from a fault of the scenario means (fault_log.h).
FaultInfo fault_info(const Scenario& scenario, const Fault& fault);

}  // namespace dvt::sim
