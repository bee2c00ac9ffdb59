// One workflow execution in a worker's memory: the fiber with the workflow's code, fed with history events. Replay and
// normal work are the same thing: events in, commands out; commands that the history already holds are matched
// against it, the rest is the answer to the task.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/workflow/context.h"

namespace dvt::engine {

/// The workflow code did not do what its history says it did.
struct NondeterminismReport {
  EventId event = 0;     // where the history disagrees; 0: the code did more than the history has
  std::string expected;  // what the history holds
  std::string produced;  // what the code did
  std::string where;     // file:line of the produced command, or of the last call before the code ended or waited
  std::string text() const;
};

struct ActivationOutcome {
  std::vector<Command> commands;      // the answer to the workflow task
  std::uint32_t replayed_events = 0;  // events that had been handled by earlier tasks
  std::optional<NondeterminismReport> mismatch;
  FailureRef task_failure;  // workflow code threw something that fails the task
};

class WorkflowInstance {
 public:
  static constexpr std::uint32_t kCallBudget = 100'000;

  /// `call_budget`: how many calls of the context the code may make in one task without waiting in between.
  WorkflowInstance(Fibers& fibers, const Random& random, const WorkflowFunction& function, ExecutionKey key,
                   std::uint32_t call_budget = kCallBudget);
  /// Kills the fiber by unwinding it; nothing it does then has an effect.
  ~WorkflowInstance();
  WorkflowInstance(const WorkflowInstance&) = delete;
  WorkflowInstance& operator=(const WorkflowInstance&) = delete;

  /// Handles the events from `first` (= processed() + 1) to the end of the history, whose last workflow task is the one
  /// to answer. `transient_started`: the started event of a transient task, which the history does not hold.
  ActivationOutcome handle(const History& history, EventId first, const HistoryEvent* transient_started = nullptr);
  /// Replays a whole closed (or open) history and reports the first disagreement, if any.
  std::optional<NondeterminismReport> verify(const History& history);

  /// Last event handled.
  EventId processed() const { return processed_; }
  Payload query(Symbol name) const;
  bool finished() const { return finished_; }

 private:
  void note_markers(const History& history, EventId first);
  void feed(const History& history, EventId id, bool answer_last, ActivationOutcome& outcome);
  void match(const History& history, EventId id, ActivationOutcome& outcome);
  void activate(const HistoryEvent& started, bool replaying, ActivationOutcome& outcome);
  void run_code();
  void move_to_reset_execution(const ResetPoint& point);
  void fail_task(std::string message);
  bool failed(const ActivationOutcome& outcome) const { return outcome.mismatch || task_failure_ != nullptr; }
  void apply_jobs();
  void apply_signal(const WorkflowExecutionSignaled& signal);
  void resolve_activity(EventId scheduled, ActivityResult result);
  void apply_cancel();
  void body();

  Fibers& fibers_;
  const WorkflowFunction& function_;
  WorkflowContext context_;
  Payload input_;
  FiberId fiber_;
  bool started_ = false;
  bool finished_ = false;
  EventId processed_ = 0;
  std::vector<HistoryEvent> jobs_;  // met, and applied when the next task is activated
  FailureRef task_failure_;
};

}  // namespace dvt::engine
