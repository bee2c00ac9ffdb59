#include "sim/check/engine_checker.h"

#include "engine/base/format.h"
#include "engine/base/reuse.h"
#include "engine/history/history_check.h"

namespace dvt::sim {
namespace {

std::string activity_text(const ActivityFact& fact) {
  return fmt::format("attempt {} of activity {} ({})", fact.attempt, fact.activity, fact.type);
}

/// The activity is over, whatever the retry policy says.
bool ends_activity(ActivityOutcome outcome) {
  switch (outcome) {
    case ActivityOutcome::completed:
    case ActivityOutcome::failed:
    case ActivityOutcome::timed_out_schedule_to_start:
    case ActivityOutcome::timed_out_schedule_to_close:
    case ActivityOutcome::cancelled:
      return true;
    case ActivityOutcome::failed_retryable:
    case ActivityOutcome::timed_out_start_to_close:
    case ActivityOutcome::timed_out_heartbeat:
      return false;
  }
  return true;
}

bool fits(RunWork::Phase phase, ActivityOutcome outcome) {
  switch (outcome) {
    case ActivityOutcome::completed:
    case ActivityOutcome::failed:
    case ActivityOutcome::failed_retryable:
    case ActivityOutcome::timed_out_start_to_close:
    case ActivityOutcome::timed_out_heartbeat:
      return phase == RunWork::Phase::started;
    case ActivityOutcome::timed_out_schedule_to_start:
      return phase == RunWork::Phase::scheduled;
    case ActivityOutcome::timed_out_schedule_to_close:
    case ActivityOutcome::cancelled:
      return phase != RunWork::Phase::ended;
  }
  return false;
}

}  // namespace

RunWork::Activity* RunWork::find(std::uint32_t activity) {
  for (Activity& candidate : open) {
    if (candidate.activity == activity) return &candidate;
  }
  return nullptr;
}

void RunWork::erase(Activity* activity) {
  *activity = open.back();
  open.pop_back();
}

void RunWork::reset() {
  empty_for_reuse(open);
  empty_for_reuse(worked);
  last_activity = last_task = task = 0;
  task_started = false;
}

EngineChecker::EngineChecker(const InvariantConfig& config, const LogChecker& log)
    : log_(log),
      retries_("retries-within-policy", config),
      one_attempt_("one-attempt-at-a-time", config),
      current_attempt_("completion-only-of-current-attempt", config),
      never_again_("completed-step-never-runs-again", config),
      after_work_("steps-complete-only-after-their-work", config),
      closed_do_nothing_("closed-runs-do-nothing", config),
      one_task_("one-workflow-task-at-a-time", config),
      timers_("timers-never-fire-early", config),
      replay_("replay-gives-same-commands", config),
      histories_("histories-keep-the-rules", config) {}

std::vector<Invariant*> EngineChecker::invariants() {
  return {&retries_,           &one_attempt_, &current_attempt_, &never_again_, &after_work_,
          &closed_do_nothing_, &one_task_,    &timers_,          &replay_,      &histories_};
}

RunWork* EngineChecker::open(RunOrdinal run, Instant at, const char* what) {
  closed_do_nothing_.checked();
  RunWork* work = runs_.open(run);
  if (work == nullptr) {
    closed_do_nothing_.broken(at, run, [&] { return fmt::format("{} after the run had closed", what); });
  }
  return work;
}

void EngineChecker::run_closed(const RunClosed& fact) {
  runs_.close(fact.run);
}

void EngineChecker::activity_scheduled(const ActivityFact& fact) {
  RunWork* work = open(fact.run, fact.at, "an activity was scheduled");
  if (work == nullptr) return;
  retries_.checked();
  if (RunWork::Activity* activity = work->find(fact.activity)) {
    if (activity->phase != RunWork::Phase::backoff || fact.attempt != activity->attempt + 1) {
      retries_.broken(fact.at, fact.run, [&] {
        return fmt::format("{} was scheduled with attempt {} {}", activity_text(fact), activity->attempt,
                           activity->phase == RunWork::Phase::backoff ? "before it" : "not followed by a retry");
      });
    } else if (fact.at < activity->next_at) {
      retries_.broken(fact.at, fact.run, [&] {
        return fmt::format("{} was scheduled {} before its time", activity_text(fact),
                           format_duration(activity->next_at - fact.at));
      });
    }
    activity->attempt = fact.attempt;
    activity->phase = RunWork::Phase::scheduled;
    activity->retry_told = false;
  } else {
    if (fact.attempt != 1 || fact.activity <= work->last_activity) {
      retries_.broken(fact.at, fact.run, [&] {
        return fact.attempt != 1 ? fmt::format("{} was scheduled without the one before", activity_text(fact))
                                 : fmt::format("{} was scheduled again after it had closed", activity_text(fact));
      });
    }
    work->open.push_back({fact.activity, fact.attempt, RunWork::Phase::scheduled, false, {}});
    if (fact.activity > work->last_activity) work->last_activity = fact.activity;
  }
  if (fact.kind != ActivityKind::step || fact.step == kNoStep) return;
  never_again_.checked();
  const RunLog* log = log_.find(fact.run);
  if (log == nullptr || fact.step.value >= log->head.steps.size()) return;
  if (log->head.steps[fact.step.value].status != StepStatus::completed) return;
  never_again_.broken(fact.at, fact.run, [&] {
    return fmt::format("{} runs step {}, which the log says is completed", activity_text(fact), fact.step.value);
  });
}

void EngineChecker::activity_started(const ActivityFact& fact) {
  RunWork* work = open(fact.run, fact.at, "an activity started");
  if (work == nullptr) return;
  one_attempt_.checked();
  RunWork::Activity* activity = work->find(fact.activity);
  if (activity != nullptr && activity->attempt == fact.attempt && activity->phase == RunWork::Phase::scheduled) {
    activity->phase = RunWork::Phase::started;
    return;
  }
  one_attempt_.broken(fact.at, fact.run, [&] {
    if (activity == nullptr) return fmt::format("{} started and was not scheduled", activity_text(fact));
    if (activity->attempt != fact.attempt) {
      return fmt::format("{} started while attempt {} is the current one", activity_text(fact), activity->attempt);
    }
    return fmt::format("{} started twice", activity_text(fact));
  });
}

void EngineChecker::activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view) {
  RunWork* work = open(fact.run, fact.at, "an activity closed");
  if (work == nullptr) return;
  current_attempt_.checked();
  RunWork::Activity* activity = work->find(fact.activity);
  const bool current = activity != nullptr && activity->attempt == fact.attempt &&
                       (fits(activity->phase, outcome) || activity->retry_told);
  if (!current) {
    current_attempt_.broken(fact.at, fact.run, [&] {
      if (activity == nullptr)
        return fmt::format("{} closed as {} and is not open", activity_text(fact), to_string(outcome));
      if (activity->attempt != fact.attempt) {
        return fmt::format("{} closed as {} while attempt {} is the current one", activity_text(fact),
                           to_string(outcome), activity->attempt);
      }
      return fmt::format("{} closed as {} without having started, or twice", activity_text(fact), to_string(outcome));
    });
    return;
  }
  if (outcome == ActivityOutcome::completed && fact.kind == ActivityKind::step && fact.step != kNoStep) {
    if (fact.step.value >= work->worked.size()) work->worked.resize(fact.step.value + std::size_t{1}, 0);
    work->worked[fact.step.value] = 1;
  }
  if (ends_activity(outcome)) {
    work->erase(activity);
  } else if (activity->retry_told) {
    activity->retry_told = false;  // it waits already
  } else {
    activity->phase = RunWork::Phase::ended;
  }
}

void EngineChecker::activity_retry(const ActivityFact& fact, std::string_view, Instant next_at,
                                   std::uint32_t max_attempts) {
  RunWork* work = open(fact.run, fact.at, "an activity was retried");
  if (work == nullptr) return;
  retries_.checked();
  RunWork::Activity* activity = work->find(fact.activity);
  if (activity == nullptr || activity->attempt != fact.attempt ||
      (activity->phase != RunWork::Phase::ended && activity->phase != RunWork::Phase::started)) {
    retries_.broken(fact.at, fact.run, [&] {
      return fmt::format("a retry was decided after {}, which has not just failed", activity_text(fact));
    });
    return;
  }
  if (max_attempts != 0 && fact.attempt >= max_attempts) {
    retries_.broken(fact.at, fact.run, [&] {
      return fmt::format("a retry was decided after {}, the policy allows {} attempts", activity_text(fact),
                         max_attempts);
    });
  }
  if (next_at < fact.at) {
    retries_.broken(fact.at, fact.run,
                    [&] { return fmt::format("the retry after {} lies in the past", activity_text(fact)); });
  }
  activity->retry_told = activity->phase == RunWork::Phase::started;
  activity->phase = RunWork::Phase::backoff;
  activity->next_at = next_at;
}

void EngineChecker::workflow_task_scheduled(const WorkflowTaskFact& fact) {
  RunWork* work = open(fact.run, fact.at, "a workflow task was scheduled");
  if (work == nullptr) return;
  one_task_.checked();
  if (work->task != 0 || fact.task <= work->last_task) {
    one_task_.broken(fact.at, fact.run, [&] {
      return work->task != 0
                 ? fmt::format("workflow task {} was scheduled while task {} is outstanding", fact.task, work->task)
                 : fmt::format("workflow task {} was scheduled after task {}", fact.task, work->last_task);
    });
  }
  work->task = work->last_task = fact.task;
  work->task_started = false;
}

void EngineChecker::workflow_task_started(const WorkflowTaskFact& fact) {
  RunWork* work = open(fact.run, fact.at, "a workflow task started");
  if (work == nullptr) return;
  one_task_.checked();
  if (work->task != fact.task || work->task_started) {
    one_task_.broken(fact.at, fact.run, [&] {
      return work->task == fact.task
                 ? fmt::format("workflow task {} started twice", fact.task)
                 : fmt::format("workflow task {} started, outstanding is {}", fact.task, work->task);
    });
  }
  work->task_started = true;
}

void EngineChecker::end_task(const WorkflowTaskFact& fact, bool needs_start, const char* what) {
  RunWork* work = open(fact.run, fact.at, "a workflow task ended");
  if (work == nullptr) return;
  one_task_.checked();
  if (work->task != fact.task || (needs_start && !work->task_started)) {
    one_task_.broken(fact.at, fact.run, [&] {
      return work->task == fact.task
                 ? fmt::format("workflow task {} {} without having started", fact.task, what)
                 : fmt::format("workflow task {} {}, outstanding is {}", fact.task, what, work->task);
    });
  }
  work->task = 0;
  work->task_started = false;
}

void EngineChecker::workflow_task_completed(const WorkflowTaskFact& fact) {
  if (fact.replayed_events > 0) replay_.checked();
  end_task(fact, true, "completed");
}

void EngineChecker::workflow_task_failed(const WorkflowTaskFact& fact, std::string_view) {
  end_task(fact, false, "failed");  // one that nobody took in time has not started
}

void EngineChecker::nondeterminism(RunOrdinal run, std::string_view report, Instant at) {
  replay_.checked();
  replay_.broken(at, run, [&] { return std::string(report); });
}

void EngineChecker::replay_checked(RunOrdinal run, std::string_view mismatch, Instant at) {
  replay_.checked();
  if (!mismatch.empty()) replay_.broken(at, run, [&] { return std::string(mismatch); });
}

void EngineChecker::history_closed(RunOrdinal run, const engine::History& history, Instant at) {
  histories_.checked();
  const std::vector<engine::EventFacts> facts = engine::event_facts(history, {});
  for (const engine::HistoryBreach& breach : engine::check_history(facts))
    histories_.broken(at, run, [&] { return engine::to_string(breach, facts); });
}

void EngineChecker::timer_fired(RunOrdinal run, Instant due, Instant at) {
  timers_.checked();
  if (at < due) {
    timers_.broken(at, run, [&] { return fmt::format("a timer fired {} early", format_duration(due - at)); });
  }
}

// A run whose activities are told: its StepCompleted follows an executeStep that completed.
void EngineChecker::event_committed(const StoredEvent& event) {
  if (event.type != EventType::step_completed) return;
  const RunWork* work = runs_.find(event.run);
  if (work == nullptr || work->last_activity == 0) return;
  after_work_.checked();
  if (event.step.value < work->worked.size() && work->worked[event.step.value] != 0) return;
  after_work_.broken(event.persisted_at, event.run, [&] {
    return fmt::format("StepCompleted of step {} was stored before its executeStep completed", event.step.value);
  });
}

}  // namespace dvt::sim
