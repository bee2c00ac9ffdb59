// The arguments and results of the plan workflow and its activities (domain §6, "Activity contracts"): typed values
// that render to exactly that JSON. Members that are no part of the contract are not rendered.
#pragma once

#include <string>
#include <vector>

#include "engine/base/event_type.h"
#include "engine/base/symbol.h"
#include "engine/history/payload.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/run_identity.h"
#include "engine/ports/telemetry.h"

namespace dvt::engine {

/// {planRef, ctx, continueAsNewAfterLayerCount?, resumeFromLayerIndex?, continuedAsNewCount?}
class PlanRunInput final : public PayloadBody {
 public:
  PlanRunInput(RunIdentityRef run_, PlanEntryRef plan_, std::string adapter_, std::uint32_t after_layers,
               std::uint32_t resume_from, std::uint32_t continued, std::vector<std::string> skips = {})
      : run(std::move(run_)),
        plan(std::move(plan_)),
        target_adapter(std::move(adapter_)),
        continue_as_new_after_layers(after_layers),
        resume_from_layer(resume_from),
        continued_count(continued),
        skip_steps(std::move(skips)) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;

  const RunIdentityRef run;
  const PlanEntryRef plan;  // the workflow reads only `plan->ref`; the plan itself comes from fetchPlan
  const std::string target_adapter;
  const std::uint32_t continue_as_new_after_layers;
  const std::uint32_t resume_from_layer;
  const std::uint32_t continued_count;
  const std::vector<std::string> skip_steps;  // SKIP_STEPs still to come; written as skipSteps when there are any
};

/// {runId, status, continuedAsNewCount}
class PlanRunResult final : public PayloadBody {
 public:
  PlanRunResult(RunIdentityRef run_, RunOutcome outcome_, ErrorClass error_class_, Symbol code, std::uint32_t continued)
      : run(std::move(run_)),
        outcome(outcome_),
        error_class(error_class_),
        error_code(code),
        continued_count(continued) {}
  void write_json(std::string& out) const override;

  const RunIdentityRef run;
  const RunOutcome outcome;
  const ErrorClass error_class;  // not part of the contract
  const Symbol error_code;       // not part of the contract
  const std::uint32_t continued_count;
};

class SaveRunMetadataInput final : public PayloadBody {
 public:
  SaveRunMetadataInput(RunIdentityRef run_, PlanEntryRef plan_) : run(std::move(run_)), plan(std::move(plan_)) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;
  const RunIdentityRef run;
  const PlanEntryRef plan;
};

/// {ctx, planRef, eventType, stepId?, logicalAttemptId?}
class EmitEventInput final : public StepSubject {
 public:
  EmitEventInput(std::shared_ptr<const PlanRunInput> input_, EventType type_, StepIndex step_,
                 std::uint32_t logical_attempt_)
      : input(std::move(input_)), type(type_), subject(step_), logical_attempt(logical_attempt_) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;
  StepIndex step() const override { return subject; }
  bool is_step_work() const override { return false; }

  const std::shared_ptr<const PlanRunInput> input;
  const EventType type;
  const StepIndex subject;
  const std::uint32_t logical_attempt;  // 0: absent, which means 1
};

class FetchPlanInput final : public PayloadBody {
 public:
  FetchPlanInput(RunIdentityRef run_, PlanRef ref_) : run(std::move(run_)), ref(std::move(ref_)) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;
  const RunIdentityRef run;
  const PlanRef ref;
};

/// The fetched plan: {metadata, steps}.
class FetchedPlan final : public PayloadBody {
 public:
  explicit FetchedPlan(PlanEntryRef plan_) : plan(std::move(plan_)) {}
  void write_json(std::string& out) const override { out += plan->bytes; }
  std::uint64_t approximate_bytes() const override { return plan->bytes.size(); }
  const PlanEntryRef plan;
};

/// {step, ctx}
class ExecuteStepInput final : public StepSubject {
 public:
  ExecuteStepInput(std::shared_ptr<const PlanRunInput> input_, PlanEntryRef plan_, StepIndex step_,
                   std::uint32_t logical_attempt_ = 1)
      : input(std::move(input_)), plan(std::move(plan_)), subject(step_), logical_attempt(logical_attempt_) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;
  StepIndex step() const override { return subject; }
  bool is_step_work() const override { return true; }

  const std::shared_ptr<const PlanRunInput> input;
  const PlanEntryRef plan;
  const StepIndex subject;
  const std::uint32_t logical_attempt;  // from 1; not part of the contract
};

/// {stepId, status: "COMPLETED"} or {stepId, status: "FAILED", retriable?, error?}
class StepResult final : public PayloadBody {
 public:
  StepResult(PlanEntryRef plan_, StepIndex step_, bool completed_, Symbol error_)
      : plan(std::move(plan_)), step(step_), completed(completed_), error(error_) {}
  void write_json(std::string& out) const override;
  std::uint64_t approximate_bytes() const override;
  const PlanEntryRef plan;
  const StepIndex step;
  const bool completed;
  const Symbol error;
};

/// Payload of the signals `retryStep` and `skipStep`: {stepId}. The names and the form are dvtsim's: the production
/// workflow has no such signals (domain §6, `onStepFailure`).
class StepSignal final : public PayloadBody {
 public:
  explicit StepSignal(std::string step_id_) : step_id(std::move(step_id_)) {}
  void write_json(std::string& out) const override;
  const std::string step_id;
};

/// Payload of the signal `cancel`: the reason, a JSON string.
class CancelSignal final : public PayloadBody {
 public:
  explicit CancelSignal(std::string reason_) : reason(std::move(reason_)) {}
  void write_json(std::string& out) const override;
  const std::string reason;
};

/// Whose failure a step's is (domain §13): its own code, its timeouts and permanent errors are the user's, exhausted
/// infrastructure errors the engine's. `by_result`: the activity completed and its result says FAILED.
ErrorClass step_error_class(Symbol code, bool by_result);

namespace names {
// Interned once; the names are the production engine's.
extern const Symbol run_plan_workflow, save_run_metadata, emit_event, fetch_plan, execute_step;
extern const Symbol pause, resume, cancel, retry_step, skip_step, status;
extern const Symbol permanent_step_error, transient_step_error, timeout_error, plan_integrity, plan_uri_not_allowed,
    invalid_plan, store_write_failed;
}  // namespace names

}  // namespace dvt::engine
