#include "engine/worker/step_activity.h"

#include "engine/plan/contracts.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {

void StepActivity::start(const ActivityInvocation& invocation, ActivityDone done) {
  const std::optional<StepIndex> step = find_step(plans_.at(invocation.plan)->plan, type_);
  DVT_ASSERT(step.has_value(), "a registered workflow calls an activity that it does not name");
  StepRequest request{invocation.run, invocation.plan, *step, invocation.activity, invocation.attempt};
  auto held = std::make_unique<ActivityDone>(std::move(done));
  executor_.submit(request, [callback = std::move(held)](const StepAnswer& answer) {
    const std::string code(answer.code);
    switch (answer.outcome) {
      case StepOutcome::completed:
        (*callback)({make_payload<JsonPayload>(R"({"status":"COMPLETED"})"), nullptr});
        return;
      case StepOutcome::transient_error:
        (*callback)({nullptr, make_failure(code, Symbol::intern(code))});
        return;
      case StepOutcome::failed:
      case StepOutcome::permanent_error:
        (*callback)({nullptr, make_failure(code, names::permanent_step_error, true)});
        return;
    }
  });
}

}  // namespace dvt::engine
