#include "engine/plan/layers_workflow.h"

namespace dvt::engine {
namespace {

// One execution of the workflow; lives on the workflow's fiber.
class LayersRun {
 public:
  LayersRun(WorkflowContext& ctx, const InterpreterOptions& options, std::shared_ptr<const PlanRunInput> input)
      : ctx_(ctx), options_(options), input_(std::move(input)) {}

  Payload run() {
    listen();
    if (input_->continued_count == 0) {
      ctx_.execute_activity(names::save_run_metadata, options_.control,
                            make_payload<SaveRunMetadataInput>(input_->run, input_->plan));
      emit(EventType::run_started);
    }
    const Payload fetched = ctx_.execute_activity(names::fetch_plan, options_.control,
                                                  make_payload<FetchPlanInput>(input_->run, input_->plan->ref));
    plan_ = payload_as<FetchedPlan>(fetched).plan;

    std::uint32_t layers_done = 0;
    for (std::uint32_t at = input_->resume_from_layer; at < plan_->layers.size(); ++at) {
      if (stops_before_layer()) return finish(EventType::run_cancelled, RunOutcome::cancelled, ErrorClass::none, {});
      const std::vector<StepIndex>& layer = plan_->layers[at];
      for (const StepIndex step : layer) emit(EventType::step_started, step);
      if (const StepIndex* failed = execute(layer)) {
        emit(EventType::step_failed, *failed);
        return finish(EventType::run_failed, RunOutcome::failed, failed_class_, failed_code_);
      }
      ++layers_done;
      const bool more = at + 1 < plan_->layers.size();
      if (more && input_->continue_as_new_after_layers > 0 && layers_done >= input_->continue_as_new_after_layers) {
        ctx_.continue_as_new(make_payload<PlanRunInput>(input_->run, input_->plan, input_->target_adapter,
                                                        input_->continue_as_new_after_layers, at + 1,
                                                        input_->continued_count + 1));
      }
    }
    tell_short_pauses();  // of the last layer, which has no gate behind it
    return finish(EventType::run_completed, RunOutcome::completed, ErrorClass::none, {});
  }

 private:
  void listen() {
    ctx_.on_signal(names::pause, [this](const Payload&) {
      if (paused_) return;
      paused_ = true;
      ++pauses_;
    });
    ctx_.on_signal(names::resume, [this](const Payload&) { paused_ = false; });
    ctx_.on_signal(names::cancel, [this](const Payload&) { cancelled_ = true; });
    ctx_.on_query(names::status, [this]() -> Payload {
      return make_payload<JsonPayload>(cancelled_ ? "\"CANCELLING\"" : standing_ ? "\"PAUSED\"" : "\"RUNNING\"");
    });
  }

  // The gate before each layer; true when the run was cancelled.
  bool stops_before_layer() {
    if (cancelled_) return true;
    // Known fault 5: what happened between two gates and is over again leaves no trace, unless it is fixed.
    tell_short_pauses();
    if (paused_) {
      tell_pause([this] {
        standing_ = true;
        ctx_.await([this] { return !paused_ || cancelled_; });
        standing_ = false;
      });
    }
    return cancelled_;
  }

  void tell_short_pauses() {
    while (options_.trace_short_pauses && pauses_told_ + (paused_ ? 1 : 0) < pauses_) tell_pause([] {});
  }

  template <class Wait>
  void tell_pause(Wait wait) {
    ++pauses_told_;
    if (!options_.trace_short_pauses) pauses_told_ = pauses_;
    // Known fault 7: without an ordinal the second pause has the first one's idempotency key.
    const std::uint32_t ordinal =
        options_.number_pauses ? input_->continued_count * kPausesPerExecution + ++pauses_emitted_ : 0;
    emit(EventType::run_paused, kNoStep, ordinal);
    wait();
    if (!cancelled_) emit(EventType::run_resumed, kNoStep, ordinal);
  }

  void emit(EventType type, StepIndex step = kNoStep, std::uint32_t logical_attempt = 0) {
    ctx_.execute_activity(names::emit_event, options_.control,
                          make_payload<EmitEventInput>(input_, type, step, logical_attempt));
  }

  // Runs a layer in parallel and tells its completions in declaration order; the first failed step, or null.
  const StepIndex* execute(const std::vector<StepIndex>& layer) {
    std::vector<ActivityHandle> handles;
    handles.reserve(layer.size());
    for (const StepIndex step : layer) {
      handles.push_back(ctx_.start_activity(names::execute_step, options_.step_options(plan_->ordinal, step),
                                            make_payload<ExecuteStepInput>(input_, plan_, step)));
    }
    std::vector<ActivityResult> results;
    results.reserve(layer.size());
    for (const ActivityHandle handle : handles) results.push_back(ctx_.wait(handle));
    for (std::size_t i = 0; i < layer.size(); ++i) {
      if (step_failed(results[i])) return &layer[i];
      emit(EventType::step_completed, layer[i]);
    }
    return nullptr;
  }

  // A result that says FAILED and an activity that failed for good count alike (domain §6).
  bool step_failed(const ActivityResult& result) {
    if (result.ok) {
      const auto& answer = payload_as<StepResult>(result.value);
      if (answer.completed) return false;
      failed_code_ = answer.error;
    } else {
      failed_code_ = result.failure->type ? result.failure->type : names::transient_step_error;
    }
    failed_class_ = step_error_class(failed_code_, result.ok);
    return true;
  }

  Payload finish(EventType event, RunOutcome outcome, ErrorClass error_class, Symbol code) {
    emit(event);
    return make_payload<PlanRunResult>(input_->run, outcome, error_class, code, input_->continued_count);
  }

  // Ordinals of pauses stay distinct over a continue-as-new chain.
  static constexpr std::uint32_t kPausesPerExecution = 1'000;

  WorkflowContext& ctx_;
  const InterpreterOptions& options_;
  std::shared_ptr<const PlanRunInput> input_;
  PlanEntryRef plan_;
  bool paused_ = false;
  bool cancelled_ = false;
  bool standing_ = false;
  std::uint32_t pauses_ = 0;       // PAUSE signals that took effect
  std::uint32_t pauses_told_ = 0;  // of those, handled at a gate
  std::uint32_t pauses_emitted_ = 0;
  ErrorClass failed_class_ = ErrorClass::engine;
  Symbol failed_code_;
};

}  // namespace

WorkflowFunction layers_workflow(InterpreterOptions options) {
  return [options = std::move(options)](WorkflowContext& ctx, const Payload& input) {
    auto typed = std::dynamic_pointer_cast<const PlanRunInput>(input);
    DVT_ASSERT(typed != nullptr, "runPlanWorkflow takes a PlanRunInput");
    return LayersRun(ctx, options, std::move(typed)).run();
  };
}

}  // namespace dvt::engine
