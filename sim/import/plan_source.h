// From a scenario's plan specification to a plan with its notes. The one place that knows all forms a plan can have:
// inline steps, synthetic, plan file, dbt project.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/plan/sim_notes.h"
#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/workload.h"

namespace dvt::sim {

struct SyntheticShape {
  std::uint32_t steps = 1;
  std::uint32_t layers = 1;  // 1 to steps
  std::string kind = "dbt";
  engine::StepSize size = engine::StepSize::small;
};

/// `steps` steps in exactly `layers` layers of equal width, the first layers taking the remainder; steps are declared
/// layer by layer and named `l<layer>s<position>`, both from 1. Each step depends on the one step above it (same
/// position, previous layer), so that under `dataflow` the columns run independently and only the `layers` interpreter
/// puts a barrier between them; steps of the first layer have an empty dependsOn. Precondition: 1 <= layers <= steps.
engine::AnnotatedPlan synthetic_plan(std::string plan_id, const SyntheticShape& shape);

struct LoadedPlan {
  engine::AnnotatedPlan annotated;
  std::vector<std::string> warnings;
};

/// Builds the plan that `spec` describes. Its plan id is the spec's name, its version 1; a plan file keeps its own.
/// A failure lists every error as text, in the words of plan_json.h and dbt.h. Throws dvt::Error when a file cannot be
/// read. The plan of an `unchecked` spec may be invalid. Precondition: `spec` is no WorkflowPlan.
Result<LoadedPlan, std::vector<std::string>> load_plan(const PlanSpec& spec);

/// Opens and reads every file that a plan names (plan files, dbt manifests and run results) and says everything that
/// would keep the world from using it, at the key that names the file.
std::vector<Diagnostic> check_plan_files(const Scenario& scenario);

/// A whole file. Throws dvt::Error with the path when it cannot be read.
std::string read_file(const std::string& path);

}  // namespace dvt::sim
