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
  std::string where;     // file:line of the produced command; empty when it produced nothing
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
  WorkflowInstance(Fibers& fibers, const Random& random, const WorkflowFunction& function, ExecutionKey key);
  /// Kills the fiber by unwinding it; nothing it does then has an effect.
  ~WorkflowInstance();
  WorkflowInstance(const WorkflowInstance&) = delete;
  WorkflowInstance& operator=(const WorkflowInstance&) = delete;

  /// Handles the events from `first` (= processed() + 1) to the end of the history, whose last workflow task is the one
  /// to answer. `transient_started_at`: that task's events are not in the history; it started then.
  ActivationOutcome handle(const History& history, EventId first, std::optional<Instant> transient_started_at);
  /// Replays a whole closed (or open) history and reports the first disagreement, if any.
  std::optional<NondeterminismReport> verify(const History& history);

  /// Last event handled.
  EventId processed() const { return processed_; }
  Payload query(Symbol name) const;
  bool finished() const { return finished_; }

 private:
  void note_markers(const History& history, EventId first);
  void feed(const History& history, EventId id, bool answer_last, ActivationOutcome& outcome);
  void match(EventId id, const HistoryEvent& event, ActivationOutcome& outcome);
  void activate(Instant now, bool replaying, ActivationOutcome& outcome);
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
