// The decider: looks at a workflow's state and schedules what follows; and what PAUSE, RESUME and CANCEL do to it.
#include <algorithm>

#include "adapters/conductor/server.h"

namespace dvt::adapters {

using namespace dvt::engine;

// One evaluation of the graph takes its time after each update; several may be under way, each finds what is left.
void ConductorServer::decide_later(const Workflow& w, const Task& task) {
  Draws draws(random_, Purpose::workflow_task, w.run->run.value, task.id, task.attempt);
  const Duration takes = options_.decide.sample(draws);
  timers_.call_after(takes, [this, run = w.run->run] {
    if (Workflow* open = find(run)) decide(*open);
  });
}

// May end the workflow: `w` is not to be used afterwards.
void ConductorServer::decide(Workflow& w) {
  if (w.ending == Ending::failing) return;  // its last events are under way
  if (w.ending == Ending::cancelling) {
    if (w.tasks.empty()) emit(w, TaskRole::tell_cancel, EventType::run_cancelled);
    return;
  }
  while (advance(w)) {
  }
  settle_pause(w);
}

// True when the stage is over and the next one begins.
bool ConductorServer::advance(Workflow& w) {
  const Stage& at = stage(w);
  bool over = false;
  switch (at.kind) {
    case StageKind::save_metadata:
      if (!w.stage_busy)
        schedule(w, TaskRole::stage, names::save_run_metadata,
                 make_payload<SaveRunMetadataInput>(w.run, w.definition->plan));
      w.stage_busy = true;
      break;
    case StageKind::run_started:
    case StageKind::run_completed:
      if (!w.stage_busy)
        emit(w, TaskRole::stage, at.kind == StageKind::run_started ? EventType::run_started : EventType::run_completed);
      w.stage_busy = true;
      break;
    case StageKind::fetch_plan:
      if (!w.stage_busy)
        schedule(w, TaskRole::stage, names::fetch_plan, make_payload<FetchPlanInput>(w.run, w.definition->plan->ref));
      w.stage_busy = true;
      break;
    case StageKind::gate:
      over = pass_gate(w, false);
      break;
    case StageKind::last_gate:
      over = pass_gate(w, true);
      break;
    case StageKind::announce:
      over = w.cursor == w.definition->steps(at).size();
      if (!over && !w.stage_busy) {
        emit(w, TaskRole::stage, EventType::step_started, w.definition->steps(at)[w.cursor]);
        w.stage_busy = true;
      }
      break;
    case StageKind::fork:
      over = fork(w);
      break;
    case StageKind::record:
      over = record(w);
      break;
  }
  if (!over) return false;
  ++w.stage;
  w.cursor = 0;
  return true;
}

// A pause that has been told, or is being told, holds the run here; so does a draining one, which is told here: its
// layer has ended and is recorded, nothing runs.
bool ConductorServer::pass_gate(Workflow& w, bool last) {
  if (w.pause == Pause::telling || w.pause == Pause::standing || w.pause == Pause::resuming || w.stage_busy)
    return false;
  // Known fault 5 mended: a pause that was over before it could be told is told all the same.
  const std::uint32_t untold = w.pauses - w.pauses_told - (w.paused ? 1 : 0);
  if (options_.trace_short_pauses && (untold > 0 || w.short_paused)) {
    if (!w.short_paused && options_.number_pauses) w.ordinal = ++w.ordinals;
    emit(w, TaskRole::tell_short, w.short_paused ? EventType::run_resumed : EventType::run_paused, kNoStep, w.ordinal);
    w.stage_busy = true;
    return false;
  }
  if (w.pause == Pause::draining) {
    if (!last) {
      tell_pause(w);
      return false;
    }
    // Nothing is left to hold back: the run ends, as under the production interpreter.
    w.pause = Pause::none;
    timers_.cancel(w.drain_timer);
  }
  return true;
}

bool ConductorServer::fork(Workflow& w) {
  if (w.layer.empty()) {
    for (const StepIndex step : w.definition->steps(stage(w))) w.layer.push_back({step, Slot::State::waiting, {}});
  }
  bool all_ended = true;
  for (Slot& slot : w.layer) {
    // A paused run schedules nothing: neither the layer it came to, nor an orphan's step anew.
    if (slot.state == Slot::State::waiting && w.pause == Pause::none) {
      slot.state = Slot::State::open;
      schedule(w, TaskRole::step, names::execute_step,
               make_payload<ExecuteStepInput>(w.input, w.definition->plan, slot.step), slot.step);
    }
    all_ended = all_ended && (slot.state == Slot::State::completed || slot.state == Slot::State::failed);
  }
  return all_ended;
}

bool ConductorServer::record(Workflow& w) {
  if (w.stage_busy) return false;
  if (w.cursor == w.layer.size()) {
    w.layer.clear();
    return true;
  }
  const Slot& slot = w.layer[w.cursor];
  if (slot.state == Slot::State::completed) {
    emit(w, TaskRole::stage, EventType::step_completed, slot.step);
    w.stage_busy = true;
    return false;
  }
  // No word of a pause may come after the run's last one.
  if (w.pause == Pause::telling || w.pause == Pause::resuming) return false;
  w.ending = Ending::failing;
  w.error_class = slot.error_class;
  w.error_code = slot.code;
  timers_.cancel(w.drain_timer);
  emit(w, TaskRole::tell_failure, EventType::step_failed, slot.step);
  return false;
}

// A draining pause amid a layer is over when none of its steps runs: what is queued or waits for a retry is held.
void ConductorServer::settle_pause(Workflow& w) {
  if (w.pause != Pause::draining || w.ending != Ending::none || stage(w).kind != StageKind::fork) return;
  for (const Task& task : w.tasks)
    if (task.status == TaskStatus::in_progress) return;
  tell_pause(w);
}

void ConductorServer::step_ended(Workflow& w, const Task& task, const ActivityAnswer& answer) {
  const auto slot =
      std::find_if(w.layer.begin(), w.layer.end(), [&](const Slot& candidate) { return candidate.step == task.step; });
  DVT_ASSERT(slot != w.layer.end(), "a step ended outside its layer");
  const StepResult* result = payload_if<StepResult>(answer.result);
  slot->state = result != nullptr && result->completed ? Slot::State::completed : Slot::State::failed;
  if (slot->state == Slot::State::completed) return;
  slot->code = result != nullptr      ? result->error
               : answer.failure->type ? answer.failure->type
                                      : names::transient_step_error;
  slot->error_class = step_error_class(slot->code, result != nullptr);
}

void ConductorServer::task_ended(Workflow& w, const Task& task, const ActivityAnswer& answer) {
  if (task.role == TaskRole::step) {
    step_ended(w, task, answer);
    decide_later(w, task);
    return;
  }
  if (answer.failure != nullptr) {
    control_failed(w, task, answer.failure);
    return;
  }
  switch (task.role) {
    case TaskRole::stage:
      if (stage(w).kind == StageKind::run_completed) {
        if (w.cancel_waits != 0) listener_->signal_lost(w.cancel_waits, timers_.now());
        end(w, RunOutcome::completed, ErrorClass::none, "NONE");
        return;
      }
      w.stage_busy = false;
      if (stage(w).kind == StageKind::announce || stage(w).kind == StageKind::record) {
        ++w.cursor;
      } else {
        ++w.stage;
      }
      break;
    case TaskRole::tell_pause:
      pause_told(w);
      break;
    case TaskRole::tell_resume:
      resume_told(w);
      break;
    case TaskRole::tell_short:
      w.stage_busy = false;
      if (w.short_paused) ++w.pauses_told;
      w.short_paused = !w.short_paused;
      break;
    case TaskRole::tell_failure: {
      const auto& told = payload_as<EmitEventInput>(task.input);
      if (told.type == EventType::step_failed && w.ending == Ending::failing) {
        emit(w, TaskRole::tell_failure, EventType::run_failed);
        return;
      }
      if (told.type == EventType::run_failed) {
        if (w.cancel_waits != 0) listener_->signal_lost(w.cancel_waits, timers_.now());
        end(w, RunOutcome::failed, w.error_class, w.error_code.text());
        return;
      }
      break;
    }
    case TaskRole::tell_cancel:
      end(w, RunOutcome::cancelled, ErrorClass::none, "CANCELLED");
      return;
    case TaskRole::step:
      return;
  }
  decide_later(w, task);
}

// A control task that failed for good ends the run; a plan that cannot be fetched leaves a RunFailed.
void ConductorServer::control_failed(Workflow& w, const Task& task, const FailureRef& failure) {
  if (w.cancel_waits != 0) cancel_now(w, std::exchange(w.cancel_waits, 0));
  if (w.ending == Ending::cancelling) {
    decide_later(w, task);
    return;
  }
  w.error_class = ErrorClass::engine;
  w.error_code = failure->type ? failure->type : Symbol::intern("TASK_FAILED");
  if (task.type == names::fetch_plan) {
    w.ending = Ending::failing;
    emit(w, TaskRole::tell_failure, EventType::run_failed);
    return;
  }
  end(w, RunOutcome::failed, w.error_class, w.error_code.text());
}

void ConductorServer::end(Workflow& w, RunOutcome outcome, ErrorClass error_class, std::string_view code) {
  const RunOrdinal run = w.run->run;
  const Symbol code_kept = Symbol::intern(code);
  timers_.cancel(w.drain_timer);
  while (!w.tasks.empty()) {
    close(w, w.tasks.back(), ActivityOutcome::cancelled, {});
    take(w, w.tasks.back().id);
  }
  const std::vector<std::uint64_t> too_late = std::move(w.too_late);
  workflows_.erase(run.value);
  for (const std::uint64_t signal : too_late) listener_->signal_lost(signal, timers_.now());
  listener_->run_ended(run, outcome, error_class, code_kept.text());
}

// ---- PAUSE and RESUME ----

// Its end is being written: the signal is lost with the run, and not before.
bool ConductorServer::take_too_late(Workflow& w, std::uint64_t signal) {
  w.too_late.push_back(signal);
  return true;
}

bool ConductorServer::hold(RunOrdinal run) {
  Workflow* w = find(run);
  if (w != nullptr) w->hold = true;
  return w != nullptr;
}

bool ConductorServer::pause(RunOrdinal run, std::uint64_t signal, Instant accepted_at) {
  Workflow* w = find(run);
  if (w == nullptr) return false;
  if (w->ending == Ending::cancelling) return take_too_late(*w, signal);
  w->hold = true;
  if (!w->paused) {
    w->paused = true;
    ++w->pauses;
    w->pause_accepted_at = accepted_at;
    if (w->pause == Pause::none) begin_drain(*w);
  }
  listener_->signal_applied(signal, timers_.now());
  decide(*w);
  return true;
}

void ConductorServer::begin_drain(Workflow& w) {
  w.pause = Pause::draining;
  const Instant deadline = std::max(timers_.now(), w.pause_accepted_at + options_.drain_timeout);
  w.drain_timer = timers_.call_at(deadline, [this, run = w.run->run] {
    if (Workflow* open = find(run)) drain_timed_out(*open);
  });
}

void ConductorServer::drain_timed_out(Workflow& w) {
  w.drain_timer = {};
  if (w.ending != Ending::none || (w.pause != Pause::draining && w.pause != Pause::telling)) return;
  telemetry_.notice({"PAUSE_DRAIN_TIMEOUT", w.run->run, "the pause is forced", timers_.now()});
  if (w.pause == Pause::telling) return;
  if (options_.orphan_policy == OrphanPolicy::reject) {
    for (std::size_t i = 0; i < w.tasks.size();) {
      Task& task = w.tasks[i];
      if (task.role != TaskRole::step || task.status != TaskStatus::in_progress) {
        ++i;
        continue;
      }
      close(w, task, ActivityOutcome::cancelled, "ORPHANED_TASK");
      w.orphans.push_back({w.run->run, task.id, task.attempt});
      for (Slot& slot : w.layer)
        if (slot.step == task.step) slot.state = Slot::State::waiting;
      take(w, task.id);
    }
  }
  tell_pause(w);
}

void ConductorServer::tell_pause(Workflow& w) {
  w.pause = Pause::telling;
  ++w.pauses_told;
  if (!options_.trace_short_pauses) w.pauses_told = w.pauses;
  // Known fault 7: without an ordinal the second pause has the first one's idempotency key.
  w.ordinal = options_.number_pauses ? ++w.ordinals : 0;
  emit(w, TaskRole::tell_pause, EventType::run_paused, kNoStep, w.ordinal);
}

void ConductorServer::pause_told(Workflow& w) {
  timers_.cancel(w.drain_timer);
  w.drain_timer = {};
  w.pause = Pause::standing;
  if (!w.paused && w.ending == Ending::none) tell_resume(w);
}

bool ConductorServer::resume(RunOrdinal run, std::uint64_t signal) {
  Workflow* w = find(run);
  if (w == nullptr) return false;
  if (w->ending == Ending::cancelling) return take_too_late(*w, signal);
  listener_->signal_applied(signal, timers_.now());
  if (!w->paused) {
    if (w->pause == Pause::none) release(*w);  // a hold whose PAUSE never came
    return true;
  }
  w->paused = false;
  if (w->pause == Pause::draining) {  // known fault 5: it leaves no trace
    timers_.cancel(w->drain_timer);
    w->pause = Pause::none;
    release(*w);
  } else if (w->pause == Pause::standing && w->ending == Ending::none) {
    tell_resume(*w);
  }
  decide(*w);
  return true;
}

void ConductorServer::tell_resume(Workflow& w) {
  w.pause = Pause::resuming;
  emit(w, TaskRole::tell_resume, EventType::run_resumed, kNoStep, w.ordinal);
}

void ConductorServer::resume_told(Workflow& w) {
  w.pause = Pause::none;
  if (w.paused) {
    begin_drain(w);
  } else {
    release(w);
  }
}

void ConductorServer::release(Workflow& w) {
  w.hold = false;
  std::vector<TaskRef> held = std::move(w.held);
  w.held.clear();
  for (const TaskRef& ref : held)
    if (const Task* task = find_task(w, ref.task)) queues_.push(task->domain, ref);
}

// ---- CANCEL ----

bool ConductorServer::last_event_in_progress(const Workflow& w) const {
  return std::any_of(w.tasks.begin(), w.tasks.end(), [&](const Task& task) {
    if (task.status != TaskStatus::in_progress || task.type != names::emit_event) return false;
    const EventType type = payload_as<EmitEventInput>(task.input).type;
    return type == EventType::run_completed || type == EventType::run_failed;
  });
}

bool ConductorServer::terminate(RunOrdinal run, std::uint64_t signal) {
  Workflow* w = find(run);
  if (w == nullptr) return false;
  if (w->ending == Ending::cancelling || w->cancel_waits != 0) return take_too_late(*w, signal);
  if (last_event_in_progress(*w)) {
    w->cancel_waits = signal;  // it may be in the log already: what is written decides
    return true;
  }
  cancel_now(*w, signal);
  decide(*w);
  return true;
}

// Steps end on the spot; a control task that runs may still write its event, and is waited for.
void ConductorServer::cancel_now(Workflow& w, std::uint64_t signal) {
  w.ending = Ending::cancelling;
  timers_.cancel(w.drain_timer);
  for (std::size_t i = 0; i < w.tasks.size();) {
    Task& task = w.tasks[i];
    if (task.role != TaskRole::step && task.status == TaskStatus::in_progress) {
      ++i;
      continue;
    }
    close(w, task, ActivityOutcome::cancelled, {});
    take(w, task.id);
  }
  listener_->signal_applied(signal, timers_.now());
}

}  // namespace dvt::adapters
