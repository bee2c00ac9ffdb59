// What the interpreters of a plan may be told: the activities' options, and which known faults of the production design
// (domain §19) are mended. The defaults are the production engine's.
#pragma once

#include <functional>

#include "engine/base/ids.h"
#include "engine/history/events.h"

namespace dvt::engine {

/// `step_options` and `step_limit` answer for one plan; equal on every worker.
struct InterpreterOptions {
  ActivityOptionsRef control;
  std::function<ActivityOptionsRef(PlanOrdinal, StepIndex)> step_options;
  /// At most so many steps of a run at once (a dbt project's threads); 0, or empty: no bound.
  std::function<std::uint32_t(PlanOrdinal)> step_limit;
  /// onStepFailure: hold. A failed step waits for RETRY_STEP, SKIP_STEP or the end of the run.
  bool hold_failed_steps = false;

  bool tell_native_cancel = false;    // 1 fixed: a clean-up out of its reach writes RunCancelled
  bool gate_before_continue = false;  // 2 fixed: PAUSE and CANCEL are looked at before continue-as-new
  bool gate_before_complete = false;  // 3 fixed: CANCEL is looked at before RunCompleted
  bool close_invalid_plans = false;   // 4 fixed: an invalid plan fails the run instead of its workflow task
  bool trace_short_pauses = false;    // 5 fixed: a pause and resume inside one layer are emitted
  bool number_pauses = false;         // 7 fixed: the pause's ordinal as logicalAttemptId
  bool tell_layers_together = false;  // 10 fixed: a layer's StepStarted go out together, and so do its StepCompleted
};

}  // namespace dvt::engine
