#include "engine/worker/plan_activities.h"

#include "engine/base/idempotency.h"

namespace dvt::engine {
namespace {

// Callbacks are small and fixed in size; what an activity needs later travels in one allocation.
template <class T>
struct Pending {
  T value;
  ActivityDone done;
};

}  // namespace

NewEvent EventMaker::make(const RunIdentity& run, const PlanEntry& plan, EventType type, StepIndex step,
                          std::uint32_t logical_attempt, std::uint32_t engine_attempt, std::uint32_t activity,
                          std::uint64_t source) const {
  NewEvent event;
  event.run = run.run;
  event.type = type;
  event.step = step;
  event.logical_attempt = logical_attempt;
  event.engine_attempt = engine_attempt;
  std::uint64_t words[4];
  random_.words(Purpose::event_id, run.run.value, activity, source, 0, words);
  event.event_id = uuid_v4_from(words[0], words[1]);
  event.emitted_at = clock_.now();
  EventKeyFields fields;
  fields.run_id = run.run_id_text;
  if (step != kNoStep) fields.step_id = plan.plan.steps[step.value].step_id;
  fields.logical_attempt = logical_attempt;
  fields.type = type;
  fields.plan_id = plan.plan.metadata.plan_id;
  fields.plan_version = plan.plan.metadata.plan_version;
  event.idempotency_key = idempotency_key(fields);
  return event;
}

void SaveRunMetadataActivity::start(const ActivityInvocation& invocation, ActivityDone done) {
  auto pending = std::make_unique<Pending<int>>(Pending<int>{0, std::move(done)});
  store_.save_metadata(invocation.run, invocation.key(), [held = std::move(pending)](bool ok) {
    held->done(ok ? ActivityAnswer{}
                  : ActivityAnswer{
                        nullptr, make_failure("run metadata could not be written", names::store_write_failed, false)});
  });
}

void EmitEventActivity::start(const ActivityInvocation& invocation, ActivityDone done) {
  const auto& input = payload_as<EmitEventInput>(invocation.input);
  NewEvent event = maker_.make(*input.input->run, *input.input->plan, input.type, input.subject,
                               input.logical_attempt == 0 ? 1 : input.logical_attempt, invocation.attempt,
                               invocation.activity, invocation.source());
  if (clocks_ != nullptr) event.emitted_at = event.emitted_at + clocks_->ahead(invocation.worker);
  struct Write {
    EventType type;
    DrawKey key;
    std::uint32_t worker = 0;
    std::uint32_t life = 0;  // of the worker
    NewEvent event;          // kept for the spool, when its type may fail open
  };
  Write write{input.type, invocation.key(), invocation.worker, 0, {}};
  if (spool_ != nullptr && spool_->takes(input.type, StoreError::timeout)) {
    write.life = spool_->life(invocation.worker);
    write.event = event;
  }
  auto pending = std::make_unique<Pending<Write>>(Pending<Write>{std::move(write), std::move(done)});
  const RunOrdinal run = invocation.run;
  store_.append(std::move(event), invocation.key(),
                [this, run, held = std::move(pending)](const AppendOutcome& outcome) {
                  Write& told = held->value;
                  if (outcome.ok && told.type == EventType::run_paused) telemetry_.run_paused(run, clock_.now());
                  if (outcome.ok && told.type == EventType::run_resumed) telemetry_.run_resumed(run, clock_.now());
                  const bool fails_open = !outcome.ok && spool_ != nullptr && spool_->takes(told.type, outcome.error) &&
                                          spool_->life(told.worker) == told.life;
                  if (fails_open) spool_->keep(told.worker, std::move(told.event), told.key);
                  held->done(outcome.ok || fails_open
                                 ? ActivityAnswer{}
                                 : ActivityAnswer{nullptr, make_failure(std::string("event could not be stored: ") +
                                                                            to_string(outcome.error),
                                                                        names::store_write_failed, false)});
                });
}

void FetchPlanActivity::start(const ActivityInvocation& invocation, ActivityDone done) {
  const auto& input = payload_as<FetchPlanInput>(invocation.input);
  if (check_uri(input.ref.uri, policy_) != UriViolation::none) {  // before any fetch
    done({nullptr, make_failure(input.ref.uri, names::plan_uri_not_allowed, true)});
    return;
  }
  auto pending = std::make_unique<Pending<PlanRef>>(Pending<PlanRef>{input.ref, std::move(done)});
  const std::string uri = input.ref.uri;
  source_.fetch(uri, invocation.key(), [this, held = std::move(pending)](const std::string* bytes) {
    const PlanRef& ref = held->value;
    if (bytes == nullptr) {
      held->done({nullptr, make_failure("no plan at " + ref.uri, names::transient_step_error, false)});
    } else if (!verify(*bytes, ref).has_value()) {
      held->done(
          {nullptr, make_failure("the plan's bytes do not have the promised hash", names::plan_integrity, true)});
    } else {
      // The bytes are the catalogue's, so its parsed form is theirs.
      held->done({make_payload<FetchedPlan>(catalogue_.find(ref.uri)), nullptr});
    }
  });
}

void ExecuteStepActivity::start(const ActivityInvocation& invocation, ActivityDone done) {
  const auto& input = payload_as<ExecuteStepInput>(invocation.input);
  StepRequest request{invocation.run,      input.plan->ordinal, input.subject,
                      invocation.activity, invocation.attempt,  input.logical_attempt};
  struct Subject {
    PlanEntryRef plan;
    StepIndex step;
  };
  auto pending = std::make_unique<Pending<Subject>>(Pending<Subject>{{input.plan, input.subject}, std::move(done)});
  executor_.submit(request, [held = std::move(pending)](const StepAnswer& answer) {
    const Subject& step = held->value;
    switch (answer.outcome) {
      case StepOutcome::completed:
        held->done({make_payload<StepResult>(step.plan, step.step, true, Symbol{}), nullptr});
        return;
      case StepOutcome::failed:
        held->done({make_payload<StepResult>(step.plan, step.step, false, Symbol::intern(answer.code)), nullptr});
        return;
      case StepOutcome::transient_error:
        held->done({nullptr, make_failure(std::string(answer.code), Symbol::intern(answer.code), false)});
        return;
      case StepOutcome::permanent_error:
        held->done({nullptr, make_failure(std::string(answer.code), names::permanent_step_error, true)});
        return;
    }
  });
}

}  // namespace dvt::engine
