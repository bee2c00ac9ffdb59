// SignalChecker: every accepted signal is applied or told to be lost, once (domain §8). PAUSE, RESUME and CANCEL of a
// run that stays open may not be lost; known fault 2 loses them at continue-as-new, known fault 3 lets a CANCEL of
// the last layer do nothing.
#pragma once

#include <vector>

#include "sim/check/invariant.h"
#include "sim/check/log_checker.h"
#include "sim/check/run_pool.h"

namespace dvt::sim {

struct RunSignals {
  struct Accepted {
    std::uint64_t signal = 0;
    SignalType type = SignalType::pause;
    Instant at;
  };
  std::vector<Accepted> waiting;
  std::uint32_t lost = 0;  // at lost_at, and not judged yet: the run may be closing at that instant
  Instant lost_at;
  bool cancelled = false;
  Instant cancelled_at;      // the first CANCEL was applied
  bool layer_ended = false;  // since then: a StepCompleted was written
  bool next_layer = false;   // and after it a new step was scheduled, so the gate between did not see the CANCEL
  /// The workflow task under way began; zero: it began before any signal, and what comes meanwhile is buffered.
  Instant task_started_at;
  Instant last_control_at;     // the task that asked for a control activity began (first attempts)
  Instant completed_event_at;  // the same for the one that wrote RunCompleted
  bool completed_event = false;
  bool closed = false;
  Instant closed_at;

  void reset();
};

class SignalChecker final : public Checker {
 public:
  SignalChecker(const InvariantConfig& config, const LogChecker& log);
  std::size_t runs_held() const { return runs_.size(); }

  void signal_decided(const SignalFact& fact) override;
  void signal_applied(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;
  void workflow_task_started(const WorkflowTaskFact& fact) override;
  void activity_scheduled(const ActivityFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  void run_closed(const RunClosed& fact) override;
  void finish(const EndOfRun& end) override;
  std::vector<Invariant*> invariants() override;

 private:
  /// Takes the signal off the waiting ones; nullptr, and a violation, when it is not among them.
  RunSignals* settle(const SignalFact& fact, const char* what);
  void judge_lost(RunOrdinal ordinal, RunSignals& run);

  const LogChecker& log_;
  RunPool<RunSignals> runs_;  // of runs that got a signal

  Invariant settled_;
  Invariant cancels_;
};

}  // namespace dvt::sim
