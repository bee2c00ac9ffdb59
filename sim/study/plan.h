// From a study file (or a scenario and a few words on the command line) to what is to be run: cells, each a scenario of
// its own, and the paths of the result that are kept of each run.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/study_spec.h"

namespace dvt::sim {

/// A path of the result that is kept of each run.
struct StudyMeasure {
  std::string path;
  ValueKind kind = ValueKind::number;
  bool operator==(const StudyMeasure&) const = default;
};

/// One combination of the varied values, under one variant.
struct StudyCell {
  std::string variant;                 // empty: the study has none
  std::vector<SetOverride> varied;     // of the grid
  std::vector<SetOverride> overrides;  // all, in the order in which they apply
  Scenario scenario;
  /// `freeze, topology.projector.replicas=3`; the scenario's name when nothing varies.
  std::string label() const;
  /// `topology.projector.replicas=3, …`; empty without a grid.
  std::string grid_label() const;
};

struct StudyPlan {
  std::string name;
  std::vector<StudyCell> cells;  // variants one after the other inside each point of the grid
  std::vector<StudyMeasure> measures;
  Replications replications;
  std::optional<CompareSpec> compare;
  std::optional<SearchSpec> search;
  /// For search: the study's scenario without any cell's overrides, and what `--set` adds.
  std::string scenario_file;
  std::vector<SetOverride> overrides;
};

/// Reads every cell; what is wrong with any of them is said once. `overrides` apply before the study's own. Throws
/// dvt::Error when a file cannot be opened, or when there are more than 10,000 cells.
Result<StudyPlan, std::vector<Diagnostic>> plan_study(const Study& study, const std::vector<SetOverride>& overrides,
                                                      const std::vector<std::string>& more_measures = {});

/// Scenario files side by side, the first of them the baseline: each is a variant of its file's name.
Result<StudyPlan, std::vector<Diagnostic>> plan_comparison(const std::vector<std::string>& files,
                                                           const std::vector<SetOverride>& overrides,
                                                           const std::vector<std::string>& measures);

}  // namespace dvt::sim
