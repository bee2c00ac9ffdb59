// runPlanWorkflow with the `layers` interpreter: the production engine's sequence of activities, in its order (domain
// §6), known faults included (domain §19). Real histories replay against this order: change nothing lightly.
#pragma once

#include "engine/plan/interpreter_options.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

/// The workflow function to register as `runPlanWorkflow`.
WorkflowFunction layers_workflow(InterpreterOptions options);

}  // namespace dvt::engine
