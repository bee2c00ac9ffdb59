#include "engine/plan/dataflow_workflow.h"

#include "engine/plan/step_scheduler.h"

namespace dvt::engine {
namespace {

class DataflowRun final : public PlanRun {
 public:
  DataflowRun(WorkflowContext& ctx, const InterpreterOptions& options, std::shared_ptr<const PlanRunInput> input)
      : PlanRun(ctx, options, std::move(input)) {}

 private:
  StepsEnded run_steps() override {
    StepScheduler steps(*this, step_limit());
    for (std::uint32_t i = 0; i < plan_->waits_for.size(); ++i) steps.add(StepIndex{i}, plan_->waits_for[i]);
    return steps.run();
  }
};

}  // namespace

WorkflowFunction dataflow_workflow(InterpreterOptions options) {
  return plan_workflow<DataflowRun>(std::move(options));
}

}  // namespace dvt::engine
