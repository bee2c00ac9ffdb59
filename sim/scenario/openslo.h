// Objectives from OpenSLO v1 files (`objectives: {file: slo.yaml}`): one document of kind SLO, whose indicator names
// series of this program. What has no counterpart here is refused, never read differently.
#pragma once

#include <vector>

#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// Reads the scenario's OpenSLO file, if it names one, and appends what it defines to `objectives.added`. Says what is
/// wrong with the file, at its lines; then nothing is appended.
///
///   spec.indicator.spec.thresholdMetric: the query is a metric, the objective's `value` its threshold (`op: lte`)
///   spec.indicator.spec.ratioMetric: `bad` and `total` select from one metric; bad adds label matchers
///   spec.timeWindow: one, rolling (`duration: 30d`); spec.budgetingMethod: Occurrences | Timeslices
///   spec.objectives: each with `target` (0.99) or `targetPercent`, `timeSliceWindow` for Timeslices
/// With several objectives each is named SLO-NAME-1, SLO-NAME-2 …
std::vector<Diagnostic> add_objectives_of_file(Scenario& scenario);

}  // namespace dvt::sim
