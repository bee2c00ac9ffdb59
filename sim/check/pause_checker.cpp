#include "sim/check/pause_checker.h"

#include "engine/base/format.h"

namespace dvt::sim {

PauseChecker::PauseChecker(const InvariantConfig& config)
    : drained_("no-step-starts-in-a-drained-pause", config),
      queued_("queued-steps-wait-out-a-pause", config),
      obeyed_("applied-pauses-are-obeyed", config),
      traced_("pauses-leave-a-trace", config) {}

std::vector<Invariant*> PauseChecker::invariants() {
  return {&drained_, &queued_, &obeyed_, &traced_};
}

void PauseChecker::signal_decided(const SignalFact& fact) {
  if (fact.status != DecisionStatus::accepted) return;
  if (fact.type != SignalType::pause && fact.type != SignalType::resume && fact.type != SignalType::cancel) return;
  RunPauses* run = runs_.open(fact.run);
  if (run == nullptr) return;
  if (fact.type == SignalType::pause) {
    if (run->resumes_under_way > 0) return;
    run->held = true;
    run->held_by = fact.signal;
    queued_.checked();
    return;
  }
  run->standing = false;
  if (fact.type == SignalType::resume) {
    run->held = false;
    ++run->resumes_under_way;
  }
}

void PauseChecker::signal_applied(const SignalFact& fact) {
  RunPauses* run = runs_.find(fact.run);
  if (run == nullptr) return;
  if (fact.type == SignalType::resume) {
    if (run->resumes_under_way > 0) --run->resumes_under_way;
    run->paused = false;
  } else if (fact.type == SignalType::pause && !run->paused) {
    run->paused = true;
    if (!run->untold) run->layer_ended = false;
    run->untold = true;
  }
}

void PauseChecker::signal_lost(const SignalFact& fact) {
  RunPauses* run = runs_.find(fact.run);
  if (run == nullptr) return;
  if (fact.type == SignalType::resume && run->resumes_under_way > 0) --run->resumes_under_way;
  if (fact.type == SignalType::pause && run->held_by == fact.signal) run->held = false;
}

void PauseChecker::run_paused(RunOrdinal ordinal, Instant at) {
  RunPauses* run = runs_.find(ordinal);
  if (run == nullptr || !run->held) return;  // resumed while its RunPaused was being written
  run->standing = true;
  run->standing_since = at;
  drained_.checked();
}

void PauseChecker::run_resumed(RunOrdinal ordinal, Instant) {
  if (RunPauses* run = runs_.find(ordinal)) run->standing = false;
}

void PauseChecker::run_closed(const RunClosed& fact) {
  runs_.close(fact.run);
}

void PauseChecker::activity_scheduled(const ActivityFact& fact) {
  if (fact.kind != ActivityKind::step || fact.attempt != 1) return;
  RunPauses* run = runs_.find(fact.run);
  if (run == nullptr) return;
  if (run->standing) {
    drained_.broken(fact.at, fact.run, [&] {
      return fmt::format("executeStep of step {} was scheduled {} after the run stood paused, with no RESUME accepted",
                         fact.step.value, format_duration(fact.at - run->standing_since));
    });
  }
  if (!run->untold || !run->layer_ended) return;
  // The gate was passed.
  run->untold = false;
  obeyed_.checked();
  if (run->paused) {  // known fault 2: continue-as-new forgets it
    obeyed_.broken(fact.at, fact.run,
                   [&] {
                     return fmt::format(
                         "executeStep of step {} was scheduled in a new layer while a PAUSE stood applied",
                         fact.step.value);
                   },
                   {2});
    return;
  }
  traced_.checked();  // known fault 5: resumed within the same layer
  traced_.broken(fact.at, fact.run,
                 [&] {
                   return fmt::format(
                       "a PAUSE was applied and resumed, and the layer of step {} began without a RunPaused",
                       fact.step.value);
                 },
                 {5});
}

void PauseChecker::activity_started(const ActivityFact& fact) {
  if (fact.kind != ActivityKind::step) return;
  RunPauses* run = runs_.find(fact.run);
  if (run == nullptr || (!run->held && !run->standing)) return;
  // Whatever the interpreter may still have had under way was scheduled before it stood still.
  if (run->standing && fact.attempt == 1 && fact.scheduled_at >= run->standing_since) {
    drained_.broken(fact.at, fact.run, [&] {
      return fmt::format("executeStep of step {} started {} after the run stood paused, with no RESUME accepted",
                         fact.step.value, format_duration(fact.at - run->standing_since));
    });
  }
  if (!run->held) return;
  queued_.broken(fact.at, fact.run,
                 [&] {
                   return fmt::format(
                       "attempt {} of executeStep of step {} started between a PAUSE's acceptance and its RESUME",
                       fact.attempt, fact.step.value);
                 },
                 {6});
}

void PauseChecker::append_done(const AppendFact& fact) {
  if (!fact.ok || fact.event.type != EventType::run_paused) return;
  RunPauses* run = runs_.find(fact.event.run);
  if (run == nullptr || !run->untold) return;
  obeyed_.checked();
  traced_.checked();
  run->untold = false;
}

void PauseChecker::event_committed(const StoredEvent& event) {
  if (event.type != EventType::step_completed) return;
  RunPauses* run = runs_.find(event.run);
  if (run != nullptr && run->untold) run->layer_ended = true;
}

}  // namespace dvt::sim
