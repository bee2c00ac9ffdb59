#include "engine/base/run_state.h"

#include <algorithm>

namespace dvt {
namespace {

// Run transitions (domain §2): PENDING → APPROVED → RUNNING ⇄ PAUSED → a terminal state. Approval is optional: without
// a planner in the scenario RUNNING follows PENDING. A paused run may be cancelled, and may fail (a running step of a
// draining pause, an operator's termination), but cannot complete without resuming first.
bool run_transition_allowed(RunStatus from, EventType type) {
  switch (type) {
    case EventType::run_queued:
    case EventType::run_approved:
      return from == RunStatus::pending;
    case EventType::run_started:
      return from == RunStatus::pending || from == RunStatus::approved;
    case EventType::run_paused:
    case EventType::run_completed:
      return from == RunStatus::running;
    case EventType::run_resumed:
      return from == RunStatus::paused;
    case EventType::run_failed:
    case EventType::run_cancelled:
      return from == RunStatus::running || from == RunStatus::paused;
    default:
      return false;
  }
}

RunStatus status_after(EventType type) {
  switch (type) {
    case EventType::run_approved:
      return RunStatus::approved;
    case EventType::run_started:
    case EventType::run_resumed:
      return RunStatus::running;
    case EventType::run_paused:
      return RunStatus::paused;
    case EventType::run_completed:
      return RunStatus::completed;
    case EventType::run_failed:
      return RunStatus::failed;
    case EventType::run_cancelled:
      return RunStatus::cancelled;
    default:
      return RunStatus::pending;
  }
}

Transition apply_run_event(RunState& state, EventType type, Instant at) {
  if (!run_transition_allowed(state.status, type)) return Transition::invalid;
  state.status = status_after(type);
  state.paused = state.status == RunStatus::paused;
  if (type == EventType::run_started) {
    state.has_started = true;
    state.started_at = at;
  }
  if (is_terminal(state.status)) {
    state.has_completed = true;
    state.completed_at = at;
  }
  return Transition::applied;
}

// Step attempts (domain §2): PENDING → RUNNING → SUCCESS | FAILED, PENDING → SKIPPED, FAILED → a new attempt. Only the
// current attempt can end; a failed step that waits under hold may be skipped.
bool step_transition_allowed(const StepState& step, EventType type, std::uint32_t attempt) {
  switch (type) {
    case EventType::step_started:
      return (step.status == StepStatus::pending || step.status == StepStatus::failed) && attempt > step.attempts;
    case EventType::step_completed:
    case EventType::step_failed:
      return step.status == StepStatus::running && attempt == step.attempts;
    case EventType::step_skipped:
      return step.status == StepStatus::pending || (step.status == StepStatus::failed && attempt >= step.attempts);
    default:
      return false;
  }
}

// A StepStarted may fail open and be written late (domain §3). So an attempt may end in the log before it has started,
// and its start may come when the attempt, the step or the run is over. Such a start adds its time, where the attempt
// is still the step's, and changes no status.
bool ends_before_its_start(const StepState& step, EventType type, std::uint32_t attempt) {
  return (type == EventType::step_completed || type == EventType::step_failed) &&
         step_transition_allowed(step, EventType::step_started, attempt);
}

bool starts_late(const RunState& state, const StepState& step, std::uint32_t attempt, Instant at) {
  if (attempt == step.attempts && !step.has_started && step.has_completed) return true;
  if (attempt < step.attempts) return step.has_started ? at <= step.started_at : at <= step.completed_at;
  if (step.status == StepStatus::skipped) return at <= step.completed_at;
  return is_terminal(state.status) && step.status != StepStatus::running && step.status != StepStatus::completed &&
         at <= state.completed_at;
}

Transition apply_step_event(RunState& state, EventType type, StepIndex index, std::uint32_t attempt, Instant at) {
  if (index == kNoStep) return Transition::invalid;
  // Steps move while the run is under way; a draining pause still finishes what runs.
  const bool under_way = state.status == RunStatus::running || state.status == RunStatus::paused;
  const StepState unseen;
  const StepState& now = index.value < state.steps.size() ? state.steps[index.value] : unseen;
  const bool in_order = under_way && step_transition_allowed(now, type, attempt);
  const bool early_end = under_way && !in_order && ends_before_its_start(now, type, attempt);
  if (!in_order && !early_end) {
    if (type != EventType::step_started || !starts_late(state, now, attempt, at)) return Transition::invalid;
    if (attempt == now.attempts && !now.has_started) {
      state.steps[index.value].started_at = at;
      state.steps[index.value].has_started = true;
    }
    return Transition::late;
  }

  if (index.value >= state.steps.size()) state.steps.resize(index.value + std::size_t{1});
  StepState& step = state.steps[index.value];
  if (type == EventType::step_started) {
    step = StepState{};
    step.status = StepStatus::running;
    step.attempts = attempt;
    step.started_at = at;
    step.has_started = true;
    return Transition::applied;
  }
  if (early_end) {
    step = StepState{};
    step.attempts = attempt;
  }
  step.status = type == EventType::step_completed ? StepStatus::completed
                : type == EventType::step_failed  ? StepStatus::failed
                                                  : StepStatus::skipped;
  step.has_completed = true;
  step.completed_at = at;
  return early_end ? Transition::late : Transition::applied;
}

}  // namespace

bool is_terminal(RunStatus status) {
  return status == RunStatus::completed || status == RunStatus::failed || status == RunStatus::cancelled;
}

Transition apply_event(RunState& state, EventType type, StepIndex step, std::uint32_t logical_attempt,
                       Instant emitted_at) {
  if (static_cast<std::size_t>(type) >= kEventTypeCount) return Transition::applied;  // tolerant reader
  const Transition outcome = is_step_event(type) ? apply_step_event(state, type, step, logical_attempt, emitted_at)
                                                 : apply_run_event(state, type, emitted_at);
  if (outcome == Transition::invalid) state.inconsistent = true;
  return outcome;
}

}  // namespace dvt
