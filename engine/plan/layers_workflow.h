// runPlanWorkflow with the `layers` interpreter: the production engine's sequence of activities, in its order (domain
// §6), known faults included (domain §19). Real histories replay against this order: change nothing lightly.
#pragma once

#include "engine/plan/contracts.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

/// Options of the plan activities. `step_options` answers for one step of a plan; equal on every worker.
struct InterpreterOptions {
  ActivityOptionsRef control;
  std::function<ActivityOptionsRef(PlanOrdinal, StepIndex)> step_options;
  bool trace_short_pauses = false;  // known fault 5 fixed: a pause and resume inside one layer are emitted
  bool number_pauses = false;       // known fault 7 fixed: the pause's ordinal as logicalAttemptId
};

/// The workflow function to register as `runPlanWorkflow`.
WorkflowFunction layers_workflow(InterpreterOptions options);

}  // namespace dvt::engine
