// Where steps really run: the warehouse, behind the executeStep activity.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/function.h"
#include "engine/ports/run_identity.h"

namespace dvt {

struct StepRequest {
  RunOrdinal run;
  PlanOrdinal plan;
  StepIndex step;
  std::uint32_t activity = 0;  // with `attempt`, names the request
  std::uint32_t attempt = 1;   // engine attempt
  std::uint32_t logical_attempt = 1;
};

enum class StepOutcome : std::uint8_t {
  completed,
  failed,           // the step's own code failed: reported as a result, not retried
  transient_error,  // infrastructure error, retryable
  permanent_error,  // PermanentStepError, not retryable
};

struct StepAnswer {
  StepOutcome outcome = StepOutcome::completed;
  std::string_view code;  // error code with static lifetime, e.g. "timeout"
};
using StepDone = InplaceFunction<void(const StepAnswer&), 48>;

class StepExecutor {
 public:
  virtual ~StepExecutor() = default;
  /// `done` runs exactly once, later, even if nobody waits for it any more.
  virtual void submit(const StepRequest& request, StepDone done) = 0;
};

}  // namespace dvt
