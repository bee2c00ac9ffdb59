// How a scenario is measured: the recorder's plain configuration, read off the scenario in one place, so that the
// thresholds, the meaning of recovery and the reach of the alert rules cannot differ between callers.
#pragma once

#include <vector>

#include "sim/measure/recorder.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// `plans` by PlanOrdinal, as the world built them. Queues, subscriptions and warehouses keep the scenario's order.
MeasureConfig measure_config(const Scenario& scenario, std::vector<MeasureConfig::Plan> plans);

/// What recovery from a fault of the scenario means (fault_log.h).
FaultInfo fault_info(const Scenario& scenario, const Fault& fault);

}  // namespace dvt::sim
