// runPlanWorkflow with the `dataflow` interpreter: a step starts when its own dependencies are done. The activities and
// their contracts are those of `layers` (domain §6); what differs is the order, and that events of different steps do
// not wait for each other.
#pragma once

#include "engine/plan/interpreter_options.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

/// The workflow function to register as `runPlanWorkflow`. It never continues as new: there are no layers to count.
WorkflowFunction dataflow_workflow(InterpreterOptions options);

}  // namespace dvt::engine
