// Plans that are registered C++ workflows (`workflow: order-saga`): what a scenario may name, and how such a workflow
// looks to the parts that know plans only.
#pragma once

#include <vector>

#include "engine/history/payload.h"
#include "engine/plan/sim_notes.h"
#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// What is wrong with the scenario's workflows: names that nothing is registered under, an adapter that runs no
/// workflows, no warehouse for their activities.
std::vector<Diagnostic> check_workflows(const Scenario& scenario);

/// A plan with a step for each activity of the workflow, of kind `custom`. `spec` is a WorkflowPlan with a known name.
engine::AnnotatedPlan plan_of_workflow(const PlanSpec& spec);

/// The workflow's input. Throws dvt::Error for one that check_workflows() would have told of.
engine::Payload workflow_input(const PlanSpec& spec);

}  // namespace dvt::sim
