// An activity of a registered workflow: executed where steps are, as the step that has its name.
#pragma once

#include "engine/plan/catalogue.h"
#include "engine/ports/step_executor.h"
#include "engine/worker/worker.h"

namespace dvt::engine {

class StepActivity final : public Activity {
 public:
  /// `plans` has, for every run that calls it, an entry with a step of that name.
  StepActivity(StepExecutor& executor, const PlanCatalogue& plans, std::string type)
      : executor_(executor), plans_(plans), type_(std::move(type)) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override;

 private:
  StepExecutor& executor_;
  const PlanCatalogue& plans_;
  const std::string type_;
};

}  // namespace dvt::engine
