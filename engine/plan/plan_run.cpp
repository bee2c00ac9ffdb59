#include "engine/plan/plan_run.h"
#include "engine/workflow/failures.h"

#include <stdexcept>

namespace dvt::engine {
namespace {

// Ordinals of pauses stay distinct over a continue-as-new chain.
constexpr std::uint32_t kPausesPerExecution = 1'000;

/// Known fault 4: production throws a plain error here, which fails the workflow task and not the workflow.
class InvalidPlan : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

bool take(std::vector<std::string>& list, const std::string& step_id) {
  const auto found = std::find(list.begin(), list.end(), step_id);
  if (found == list.end()) return false;
  list.erase(found);
  return true;
}

}  // namespace

// Activities that write the run's story. Mended, a cancel request neither stops them nor what waits for them, so that
// the log's order is the workflow's; whoever calls meets the request before the next one.
template <class Call>
auto PlanRun::control(Call call) {
  if (!options_.tell_native_cancel) return call();
  if (ctx_.cancelled() && run_started_ && !ending_) throw CancelledFailure();
  return ctx_.non_cancellable(call);
}

Payload PlanRun::run() {
  listen();
  std::exception_ptr why;  // handlers must not wait: they are left before anything is told
  try {
    begin();
    const StepsEnded ended = run_steps();
    return finish(ended);
  } catch (const CancelledFailure&) {
    why = std::current_exception();
  } catch (const ActivityFailure&) {
    why = std::current_exception();
  } catch (const InvalidPlan&) {
    why = std::current_exception();
  }
  abandon(why);
}

void PlanRun::begin() {
  if (input_->continued_count == 0) {
    control([this] {
      return ctx_.execute_activity(names::save_run_metadata, options_.control,
                                   make_payload<SaveRunMetadataInput>(input_->run, input_->plan));
    });
    emit(EventType::run_started);
  }
  run_started_ = true;
  const Payload fetched = ctx_.execute_activity(names::fetch_plan, options_.control,
                                                make_payload<FetchPlanInput>(input_->run, input_->plan->ref));
  plan_ = payload_as<FetchedPlan>(fetched).plan;
  if (!plan_->errors.empty()) throw InvalidPlan(plan_->errors.front().text());
  for (const std::string& skip : input_->skip_steps) skips_.push_back(skip);
}

Payload PlanRun::finish(const StepsEnded& ended) {
  const EventType event = ended.outcome == RunOutcome::completed   ? EventType::run_completed
                          : ended.outcome == RunOutcome::cancelled ? EventType::run_cancelled
                                                                   : EventType::run_failed;
  if (ctx_.cancelled() && options_.tell_native_cancel) throw CancelledFailure();
  ending_ = true;
  emit(event);
  return make_payload<PlanRunResult>(input_->run, ended.outcome, ended.error_class, ended.error_code,
                                     input_->continued_count);
}

// The run cannot go on. Production tells RunFailed as well as it can; a cancelled run tells nothing (known fault 1),
// because the same request that ended it forbids every further activity.
void PlanRun::abandon(std::exception_ptr why) {
  const bool was_cancelled = ctx_.cancelled();
  if (was_cancelled && !options_.tell_native_cancel) std::rethrow_exception(why);
  const bool ending = ending_;  // that event could not be stored, or was cancelled: nobody knows whether it was
  ending_ = true;
  bool invalid = false;
  try {
    std::rethrow_exception(why);
  } catch (const InvalidPlan&) {
    invalid = true;
  } catch (const std::exception&) {
  }
  try {
    control([this] {
      while (!events_.empty()) {
        ctx_.wait(events_.back());
        events_.pop_back();
      }
      return 0;
    });
    if (run_started_ && !ending) emit(was_cancelled ? EventType::run_cancelled : EventType::run_failed);
  } catch (const ActivityFailure&) {  // as well as it can
  } catch (const CancelledFailure&) {
  }
  if (invalid && options_.close_invalid_plans) {
    throw WorkflowFailure(make_failure(plan_->errors.front().text(), names::invalid_plan, true));
  }
  std::rethrow_exception(why);
}

void PlanRun::listen() {
  ctx_.on_signal(names::pause, [this](const Payload&) {
    ++signals_;
    if (paused_) return;
    paused_ = true;
    ++pauses_;
  });
  ctx_.on_signal(names::resume, [this](const Payload&) {
    ++signals_;
    paused_ = false;
  });
  ctx_.on_signal(names::cancel, [this](const Payload&) {
    ++signals_;
    cancelled_ = true;
  });
  const auto keep = [this](std::vector<std::string>& list) {
    return [this, &list](const Payload& payload) {
      ++signals_;
      if (const auto* signal = payload_if<StepSignal>(payload)) list.push_back(signal->step_id);
    };
  };
  ctx_.on_signal(names::retry_step, keep(retries_));
  ctx_.on_signal(names::skip_step, keep(skips_));
  ctx_.on_query(names::status, [this]() -> Payload {
    return make_payload<JsonPayload>(cancelled_ ? "\"CANCELLING\"" : standing_ ? "\"PAUSED\"" : "\"RUNNING\"");
  });
}

ActivityHandle PlanRun::start_event(EventType type, StepIndex step, std::uint32_t logical_attempt) {
  const ActivityHandle handle = control([&] {
    return ctx_.start_activity(names::emit_event, options_.control,
                               make_payload<EmitEventInput>(input_, type, step, logical_attempt));
  });
  events_.push_back(handle);
  return handle;
}

void PlanRun::finish_event(ActivityHandle event) {
  const auto wait = [&] { return ctx_.wait(event); };
  const ActivityResult result = options_.tell_native_cancel ? ctx_.non_cancellable(wait) : wait();
  std::erase_if(events_, [&](ActivityHandle other) { return other.activity_id == event.activity_id; });
  if (!result.ok) throw ActivityFailure(result.failure);
}

void PlanRun::emit(EventType type, StepIndex step, std::uint32_t logical_attempt) {
  finish_event(start_event(type, step, logical_attempt));
}

// Known fault 7: without an ordinal the second pause has the first one's idempotency key.
std::uint32_t PlanRun::pause_ordinal() const {
  return options_.number_pauses ? input_->continued_count * kPausesPerExecution + pauses_emitted_ : 0;
}

void PlanRun::begin_pause() {
  ++pauses_told_;
  if (!options_.trace_short_pauses) pauses_told_ = pauses_;
  ++pauses_emitted_;
  emit(EventType::run_paused, kNoStep, pause_ordinal());
  standing_ = true;
}

void PlanRun::end_pause() {
  standing_ = false;
  emit(EventType::run_resumed, kNoStep, pause_ordinal());
}

void PlanRun::tell_short_pauses() {
  while (options_.trace_short_pauses && pauses_told_ + (paused_ ? 1 : 0) < pauses_) {
    begin_pause();
    if (cancelled_) return;
    end_pause();
  }
}

ActivityHandle PlanRun::start_step(StepIndex step, std::uint32_t logical_attempt) {
  return ctx_.start_activity(names::execute_step, options_.step_options(plan_->ordinal, step),
                             make_payload<ExecuteStepInput>(input_, plan_, step, logical_attempt));
}

bool PlanRun::step_failed(const ActivityResult& result) {
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

bool PlanRun::take_skip(StepIndex step) {
  return !skips_.empty() && take(skips_, step_id(step));
}

bool PlanRun::take_retry(StepIndex step) {
  return !retries_.empty() && take(retries_, step_id(step));
}

}  // namespace dvt::engine
