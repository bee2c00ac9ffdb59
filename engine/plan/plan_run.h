// PlanRun: what the interpreters of a plan share. How a run begins and ends, its signals, its pauses and events, and
// what a step's result means. An interpreter derives from it and says in which order the steps run.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/plan/contracts.h"
#include "engine/plan/interpreter_options.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

/// How the steps of a run came to their end.
struct StepsEnded {
  RunOutcome outcome = RunOutcome::completed;
  ErrorClass error_class = ErrorClass::none;
  Symbol error_code;
};

/// One execution of the workflow; lives on the workflow's fiber.
class PlanRun {
 public:
  virtual ~PlanRun() = default;
  PlanRun(const PlanRun&) = delete;
  PlanRun& operator=(const PlanRun&) = delete;

  /// The workflow from its first activity to its result.
  Payload run();

 protected:
  PlanRun(WorkflowContext& ctx, const InterpreterOptions& options, std::shared_ptr<const PlanRunInput> input)
      : ctx_(ctx), options_(options), input_(std::move(input)) {}

  /// Runs the steps. What it leaves to run(): the event of the run's end.
  virtual StepsEnded run_steps() = 0;

  // Events. Those that were started and not waited for are waited for before the run ends in any way.
  void emit(EventType type, StepIndex step = kNoStep, std::uint32_t logical_attempt = 0);
  ActivityHandle start_event(EventType type, StepIndex step = kNoStep, std::uint32_t logical_attempt = 0);
  /// Throws ActivityFailure when the event could not be stored.
  void finish_event(ActivityHandle event);
  bool event_told(ActivityHandle event) const { return ctx_.ready(event); }

  // Pauses. Known fault 5: what happened between two gates and is over again leaves no trace, unless it is fixed.
  void begin_pause();
  void end_pause();
  void tell_short_pauses();

  ActivityHandle start_step(StepIndex step, std::uint32_t logical_attempt);
  /// A result that says FAILED and an activity that failed for good count alike (domain §6). Keeps why.
  bool step_failed(const ActivityResult& result);
  StepsEnded failed() const { return {RunOutcome::failed, failed_class_, failed_code_}; }
  static StepsEnded cancelled() { return {RunOutcome::cancelled, ErrorClass::none, {}}; }

  std::uint32_t step_limit() const { return options_.step_limit ? options_.step_limit(plan_->ordinal) : 0; }
  /// True, once, when SKIP_STEP was asked for this step.
  bool take_skip(StepIndex step);
  bool take_retry(StepIndex step);
  /// RETRY_STEP of a step that had not failed yet means nothing.
  void forget_retries(StepIndex step) { std::erase(retries_, step_id(step)); }
  /// Step ids of skips that are still to come; for continue-as-new.
  const std::vector<std::string>& skips_to_come() const { return skips_; }

  WorkflowContext& ctx_;
  const InterpreterOptions& options_;
  std::shared_ptr<const PlanRunInput> input_;
  PlanEntryRef plan_;
  bool paused_ = false;     // by the signals
  bool cancelled_ = false;  // by the signal; a native cancel is an exception
  bool standing_ = false;   // RunPaused was told and RunResumed was not

 private:
  friend class StepScheduler;

  void listen();
  void begin();
  Payload finish(const StepsEnded& ended);
  [[noreturn]] void abandon(std::exception_ptr why);
  template <class Call>
  auto control(Call call);
  std::uint32_t pause_ordinal() const;
  const std::string& step_id(StepIndex step) const { return plan_->plan.steps[step.value].step_id; }

  std::uint64_t signals_ = 0;      // met so far
  std::uint32_t pauses_ = 0;       // PAUSE signals that took effect
  std::uint32_t pauses_told_ = 0;  // of those, handled at a gate
  std::uint32_t pauses_emitted_ = 0;
  std::vector<std::string> skips_, retries_;  // step ids, as the signals came
  std::vector<ActivityHandle> events_;        // started and not waited for
  bool run_started_ = false;                  // the log holds RunStarted
  bool ending_ = false;                       // the event of the run's end is under way: it comes too late for a cancel
  ErrorClass failed_class_ = ErrorClass::engine;
  Symbol failed_code_;
};

/// The workflow whose executions are `Run`s, a PlanRun.
template <class Run>
WorkflowFunction plan_workflow(InterpreterOptions options) {
  return [options = std::move(options)](WorkflowContext& ctx, const Payload& input) {
    auto typed = std::dynamic_pointer_cast<const PlanRunInput>(input);
    DVT_ASSERT(typed != nullptr, "runPlanWorkflow takes a PlanRunInput");
    return Run(ctx, options, std::move(typed)).run();
  };
}

}  // namespace dvt::engine
