#include "engine/plan/layers_workflow.h"

#include <optional>

#include "engine/plan/step_scheduler.h"

namespace dvt::engine {
namespace {

class LayersRun final : public PlanRun {
 public:
  LayersRun(WorkflowContext& ctx, const InterpreterOptions& options, std::shared_ptr<const PlanRunInput> input)
      : PlanRun(ctx, options, std::move(input)) {}

 private:
  StepsEnded run_steps() override {
    const std::size_t layers = plan_->layers.size();
    const std::uint32_t continue_after = input_->continue_as_new_after_layers;
    std::uint32_t layers_done = 0;
    for (std::uint32_t at = input_->resume_from_layer; at < layers; ++at) {
      if (stops_at_gate()) return cancelled();
      const StepsEnded ended = step_limit() > 0 ? run_bounded(plan_->layers[at]) : run_layer(plan_->layers[at]);
      if (ended.outcome != RunOutcome::completed) return ended;
      ++layers_done;
      if (at + 1 < layers && continue_after > 0 && layers_done >= continue_after) {
        tell_short_pauses();
        // Known fault 2: what came since the last gate is forgotten with this execution.
        while (options_.gate_before_continue && (cancelled_ || paused_))
          if (stops_at_gate()) return cancelled();
        // A request of the provider's own, which came while the layer's end was being told.
        if (options_.gate_before_continue && ctx_.cancelled()) throw CancelledFailure();
        ctx_.continue_as_new(make_payload<PlanRunInput>(input_->run, input_->plan, input_->target_adapter,
                                                        continue_after, at + 1, input_->continued_count + 1,
                                                        skips_to_come()));
      }
    }
    tell_short_pauses();  // of the last layer, which has no gate behind it
    // Known fault 3: nobody looks once more.
    if (options_.gate_before_complete && cancelled_) return cancelled();
    return {};
  }

  // The gate before each layer; true when the run was cancelled.
  bool stops_at_gate() {
    if (cancelled_) return true;
    tell_short_pauses();
    if (!paused_ || cancelled_) return cancelled_;
    begin_pause();
    ctx_.await([this] { return !paused_ || cancelled_; });
    if (cancelled_) return true;
    // A cancel that comes while RunResumed is being written waits for the next gate, as in production: it is looked for
    // before a layer and at the end of a pause, nowhere else.
    end_pause();
    return false;
  }

  // A layer in parallel: its StepStarted one after the other, all executeStep, then what came of them, told in
  // declaration order up to the first failed one.
  StepsEnded run_layer(const std::vector<StepIndex>& layer) {
    std::vector<StepIndex> steps;
    std::vector<ActivityHandle> told;
    for (const StepIndex step : layer) {
      const bool skipped = take_skip(step);
      if (!skipped) steps.push_back(step);
      tell(told, skipped ? EventType::step_skipped : EventType::step_started, step);
    }
    finish_all(told);
    std::vector<ActivityHandle> handles;
    handles.reserve(steps.size());
    for (const StepIndex step : steps) handles.push_back(start_step(step, 1));
    std::vector<ActivityResult> results;
    results.reserve(steps.size());
    for (const ActivityHandle handle : handles) results.push_back(ctx_.wait(handle));

    std::optional<StepScheduler> held;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool step_broke = step_failed(results[i]);
      if (step_broke) forget_retries(steps[i]);
      tell(told, step_broke ? EventType::step_failed : EventType::step_completed, steps[i]);
      if (!step_broke) continue;
      if (!options_.hold_failed_steps) {
        finish_all(told);
        return failed();
      }
      if (!held) held.emplace(*this, step_limit());
      held->add_held(steps[i]);
    }
    finish_all(told);
    return held ? held->run() : StepsEnded{};
  }

  // Known fault 10: every event waits for the one before.
  void tell(std::vector<ActivityHandle>& told, EventType type, StepIndex step) {
    if (options_.tell_layers_together) {
      told.push_back(start_event(type, step));
    } else {
      emit(type, step);
    }
  }
  void finish_all(std::vector<ActivityHandle>& told) {
    for (const ActivityHandle event : told) finish_event(event);
    told.clear();
  }

  StepsEnded run_bounded(const std::vector<StepIndex>& layer) {
    StepScheduler steps(*this, step_limit());
    for (const StepIndex step : layer) steps.add(step, {});
    return steps.run();
  }
};

}  // namespace

WorkflowFunction layers_workflow(InterpreterOptions options) {
  return plan_workflow<LayersRun>(std::move(options));
}

}  // namespace dvt::engine
