#include "sim/check/signal_checker.h"

#include "engine/base/format.h"
#include "engine/base/reuse.h"

#include <algorithm>

namespace dvt::sim {
namespace {

// On its way to the provider a signal may meet a run that has just closed; it is lost then, and told so within this.
constexpr Duration kSettleGrace = minutes(1);

}  // namespace

void RunSignals::reset() {
  auto kept = std::move(waiting);
  empty_for_reuse(kept);
  *this = RunSignals{};
  waiting = std::move(kept);
}

SignalChecker::SignalChecker(const InvariantConfig& config, const LogChecker& log)
    : log_(log), settled_("signals-applied-or-lost", config), cancels_("accepted-cancels-take-effect", config) {}

std::vector<Invariant*> SignalChecker::invariants() {
  return {&settled_, &cancels_};
}

void SignalChecker::signal_decided(const SignalFact& fact) {
  if (fact.status != DecisionStatus::accepted) return;
  if (fact.type == SignalType::retry_run) return;  // of a run that has ended; its effect is another run, at once
  settled_.checked();
  RunSignals* run = runs_.open(fact.run);
  if (run == nullptr || run->closed) {
    settled_.broken(fact.at, fact.run,
                    [&] { return fmt::format("{} was accepted after the run had closed", to_string(fact.type)); });
    return;
  }
  const bool known =
      std::any_of(run->waiting.begin(), run->waiting.end(), [&](const auto& s) { return s.signal == fact.signal; });
  if (known) {
    settled_.broken(fact.at, fact.run, [&] {
      return fmt::format("{} (signal {}) was accepted twice", to_string(fact.type), fact.signal);
    });
    return;
  }
  run->waiting.push_back({fact.signal, fact.type, fact.at});
}

RunSignals* SignalChecker::settle(const SignalFact& fact, const char* what) {
  RunSignals* run = runs_.find(fact.run);
  settled_.checked();
  if (run != nullptr) {
    for (auto& waiting : run->waiting) {
      if (waiting.signal != fact.signal) continue;
      waiting = run->waiting.back();
      run->waiting.pop_back();
      return run;
    }
  }
  settled_.broken(fact.at, fact.run, [&] {
    return fmt::format("{} (signal {}) was {} without having been accepted, or after it was settled",
                       to_string(fact.type), fact.signal, what);
  });
  return nullptr;
}

void SignalChecker::signal_applied(const SignalFact& fact) {
  if (fact.type == SignalType::retry_run) return;
  RunSignals* run = settle(fact, "applied");
  if (run == nullptr) return;
  if (fact.type == SignalType::cancel && !run->cancelled) {
    run->cancelled = true;
    run->cancelled_at = fact.at;
  }
  if (run->closed && run->waiting.empty()) runs_.close(fact.run);
}

void SignalChecker::signal_lost(const SignalFact& fact) {
  RunSignals* run = settle(fact, "lost");
  if (run == nullptr) return;
  if (run->closed) {
    if (run->waiting.empty()) runs_.close(fact.run);
    return;
  }
  if (fact.type != SignalType::pause && fact.type != SignalType::resume && fact.type != SignalType::cancel) return;
  const RunLog* log = log_.find(fact.run);
  if (log == nullptr || !log->started) return;  // the provider does not know the run yet
  if (run->lost > 0 && run->lost_at < fact.at) judge_lost(fact.run, *run);
  ++run->lost;
  run->lost_at = fact.at;
}

// The run has lived on after the loss.
void SignalChecker::judge_lost(RunOrdinal ordinal, RunSignals& run) {
  for (; run.lost > 0; --run.lost) {
    settled_.broken(run.lost_at, ordinal, [] { return "an accepted signal was lost while the run stayed open"; });
  }
}

void SignalChecker::workflow_task_started(const WorkflowTaskFact& fact) {
  if (RunSignals* run = runs_.find(fact.run)) run->task_started_at = fact.at;
}

void SignalChecker::activity_scheduled(const ActivityFact& fact) {
  if (fact.attempt != 1) return;
  RunSignals* run = runs_.find(fact.run);
  if (run == nullptr) return;
  if (fact.kind == ActivityKind::control) {
    run->last_control_at = run->task_started_at;
  } else if (run->cancelled && run->layer_ended) {
    run->next_layer = true;
  }
}

void SignalChecker::event_committed(const StoredEvent& event) {
  if (event.type != EventType::run_completed && event.type != EventType::step_completed) return;
  RunSignals* run = runs_.find(event.run);
  if (run == nullptr) return;
  if (event.type == EventType::step_completed) {
    run->layer_ended = run->cancelled;
    return;
  }
  run->completed_event = true;
  run->completed_event_at = run->last_control_at;  // events are written one after the other
}

void SignalChecker::run_closed(const RunClosed& fact) {
  RunSignals* run = runs_.find(fact.run);
  if (run == nullptr) {
    runs_.close(fact.run);  // no signal can be accepted from here on
    return;
  }
  if (run->closed) return;
  if (run->lost > 0 && run->lost_at < fact.closed_at) judge_lost(fact.run, *run);
  run->lost = 0;
  if (run->cancelled) {
    cancels_.checked();
    // Once the workflow task that asks for RunCompleted has begun, a CANCEL comes too late for anybody: the history
    // takes it in when that task has ended.
    const bool in_time = run->completed_event && run->cancelled_at < run->completed_event_at;
    if (fact.outcome == RunOutcome::completed && in_time) {
      cancels_.broken(
          fact.closed_at, fact.run,
          [&] {
            return fmt::format(
                "a CANCEL was applied {} before the task that asked for RunCompleted began, and the run completed",
                format_duration(run->completed_event_at - run->cancelled_at));
          },
          {run->next_layer ? 2 : 3});
    }
  }
  run->closed = true;
  run->closed_at = fact.closed_at;
  if (run->waiting.empty()) runs_.close(fact.run);
}

void SignalChecker::finish(const EndOfRun& end) {
  runs_.for_each([&](RunOrdinal ordinal, RunSignals& run) {
    if (run.lost > 0 && run.lost_at < end.at) judge_lost(ordinal, run);
    if (!run.closed || run.closed_at + kSettleGrace >= end.at) return;
    for (const RunSignals::Accepted& waiting : run.waiting) {
      settled_.broken(end.at, ordinal, [&] {
        return fmt::format("{} (signal {}) was accepted, and neither applied nor told to be lost",
                           to_string(waiting.type), waiting.signal);
      });
    }
  });
}

}  // namespace dvt::sim
