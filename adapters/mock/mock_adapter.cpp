#include "adapters/mock/mock_adapter.h"

namespace dvt::adapters {

void MockAdapter::start_run(RunIdentityRef identity) {
  auto run = std::make_unique<Run>();
  const engine::PlanEntry& plan = *plans_.at(identity->plan);
  run->todo.push_back({EventType::run_started, kNoStep});
  for (const auto& layer : plan.layers) {
    for (const StepIndex step : layer) run->todo.push_back({EventType::step_started, step});
    for (const StepIndex step : layer) run->todo.push_back({EventType::step_completed, step});
  }
  run->todo.push_back({plan.errors.empty() ? EventType::run_completed : EventType::run_failed, kNoStep});
  run->identity = identity;
  telemetry_.run_started(identity->run, identity->plan, timers_.now());
  const RunOrdinal ordinal = identity->run;
  runs_[ordinal.value] = std::move(run);
  go_on(ordinal);
}

void MockAdapter::write(Run& run, EventType type, StepIndex step, std::uint32_t logical_attempt) {
  ++run.written;
  run.tries = 0;
  run.last = {type, step};
  run.last_attempt = logical_attempt;
  run.writing = true;
  put(run);
}

void MockAdapter::put(Run& run) {
  const RunOrdinal ordinal = run.identity->run;
  const EventType type = run.last.type;
  NewEvent event =
      maker_.make(*run.identity, *plans_.at(run.identity->plan), type, run.last.step, run.last_attempt, 1, run.written);
  const DrawKey key{ordinal.value, run.written, 1 + (std::uint64_t{run.tries++} << 8)};
  store_.append(std::move(event), key, [this, ordinal, type](const AppendOutcome& outcome) {
    Run& written = *runs_.at(ordinal.value);
    written.unsettled = !outcome.ok && (written.unsettled || is_outcome_unknown(outcome.error));
    if (written.unsettled) {  // it may be stored: asked until it is known
      timers_.call_after(kUnknownRetry, [this, ordinal] { put(*runs_.at(ordinal.value)); });
      return;
    }
    written.writing = false;
    if (!outcome.ok) {  // a provider without retries: the run fails
      runs_.erase(ordinal.value);
      listener_->run_ended(ordinal, RunOutcome::failed, ErrorClass::engine, to_string(outcome.error));
      return;
    }
    if (type == EventType::run_failed) {  // its plan is invalid
      runs_.erase(ordinal.value);
      listener_->run_ended(ordinal, RunOutcome::failed, ErrorClass::user, "INVALID_PLAN_SCHEMA");
      return;
    }
    if (type == EventType::run_completed || type == EventType::run_cancelled) {
      runs_.erase(ordinal.value);
      const bool completed = type == EventType::run_completed;
      listener_->run_ended(ordinal, completed ? RunOutcome::completed : RunOutcome::cancelled, ErrorClass::none,
                           completed ? "NONE" : "CANCELLED");
      return;
    }
    if (type == EventType::run_paused) telemetry_.run_paused(ordinal, timers_.now());
    if (type == EventType::run_resumed) telemetry_.run_resumed(ordinal, timers_.now());
    go_on(ordinal);
  });
}

void MockAdapter::go_on(RunOrdinal ordinal) {
  Run& run = *runs_.at(ordinal.value);
  if (run.writing) return;
  if (run.killed) {
    runs_.erase(ordinal.value);
    listener_->run_ended(ordinal, RunOutcome::terminated, ErrorClass::engine, "TERMINATED_BY_OPERATOR");
    return;
  }
  if (run.cancelled) return write(run, EventType::run_cancelled, kNoStep, 1);
  if (run.paused && !run.paused_told && run.next > 0) {
    run.paused_told = true;
    return write(run, EventType::run_paused, kNoStep, run.pauses);
  }
  if (run.paused && run.next > 0) return;
  if (run.paused_told) {
    run.paused_told = false;
    return write(run, EventType::run_resumed, kNoStep, run.pauses);
  }
  const Todo next = run.todo[run.next++];
  write(run, next.type, next.step, 1);
}

void MockAdapter::signal(const ProviderSignal& signal) {
  const auto found = runs_.find(signal.run.value);
  if (found == runs_.end()) {
    listener_->signal_lost(signal.signal, timers_.now());
    return;
  }
  Run& run = *found->second;
  if (signal.type == SignalType::pause && !run.paused) {
    run.paused = true;
    if (!run.paused_told) ++run.pauses;
  }
  if (signal.type == SignalType::resume) run.paused = false;
  if (signal.type == SignalType::cancel || signal.type == SignalType::emergency_stop) run.cancelled = true;
  if (signal.type == SignalType::emergency_stop) run.killed = signal.force;
  listener_->signal_applied(signal.signal, timers_.now());
  go_on(signal.run);
}

}  // namespace dvt::adapters
