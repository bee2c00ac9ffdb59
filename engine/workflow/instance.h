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
  FailureRef task_failure;                              // workflow code threw something that fails the task
  std::vector<LocalActivityRequest> local_activities;   // to be started now; told once
  std::vector<std::uint32_t> dropped_local_activities;  // cancelled by the code: their answers are not wanted
  std::vector<UpdateRejection> rejections;              // the answer's other half
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
  /// to answer. `unrecorded_started`: the started event of a transient or speculative task, which the history does not
  /// hold; its two events count as processed, since they will be the next ones.
  ActivationOutcome handle(const History& history, EventId first, const HistoryEvent* unrecorded_started = nullptr,
                           const std::vector<UpdateMessage>& updates = {});
  /// A local activity of the task being executed ended: the code goes on from there. The outcome's commands are all of
  /// the task's. An answer that the code no longer wants changes nothing.
  ActivationOutcome resolve_local_activity(LocalActivityMarker::Data end);
  /// The commands of the present task, for an answer that does not wait for its local activities.
  std::vector<Command> commands_so_far() const;
  const std::vector<UpdateRejection>& rejections() const { return rejections_; }
  /// Local activities that the present task waits for.
  std::size_t open_local_activities() const;
  /// The server forgot the task that was just answered, as if it had never been (a speculative one that was refused).
  void forget_transient_task() { processed_ -= kEventsOfATask; }
  /// Replays a whole closed (or open) history and reports the first disagreement, if any.
  std::optional<NondeterminismReport> verify(const History& history);

  /// Last event handled.
  EventId processed() const { return processed_; }
  Payload query(Symbol name) const;
  bool finished() const { return finished_; }

 private:
  static constexpr EventId kEventsOfATask = 2;  // WorkflowTaskScheduled and WorkflowTaskStarted
  void note_markers(const History& history);
  void feed(const History& history, EventId id, bool answer_last, ActivationOutcome& outcome);
  void match(const History& history, EventId id, ActivationOutcome& outcome);
  void activate(const HistoryEvent& started, bool replaying, ActivationOutcome& outcome);
  void replay_task(const History& history, EventId started, ActivationOutcome& outcome);
  void run_code();
  void judge_endless_task();
  void move_to_reset_execution(const ResetPoint& point);
  void fail_task(std::string message);
  bool failed(const ActivationOutcome& outcome) const { return outcome.mismatch || context_.task_failure_ != nullptr; }
  void run_branches();
  void run_branch(WorkflowContext::Branch& branch);
  void apply_jobs();
  bool apply_child_event(const HistoryEvent& event);
  bool apply_external_event(const HistoryEvent& event);
  void apply_signal(const WorkflowExecutionSignaled& signal);
  void take_update(WorkflowContext::ArrivedUpdate update);
  void reject(const UpdateRequestRef& request, std::string why);
  void resolve_activity(EventId scheduled, ActivityResult result);
  void resolve_child(EventId initiated, ActivityResult result, bool cancelled);
  bool matches(const History& history, EventId id, const Command& command);
  bool matches_child_or_external(EventId id, const Attributes& attributes, const Command& command);
  void end_local_activity(LocalActivityMarker::Data end);
  void fill(ActivationOutcome& outcome);
  void body();

  Fibers& fibers_;
  const WorkflowFunction& function_;
  WorkflowContext context_;
  Payload input_;
  bool started_ = false;
  bool finished_ = false;
  EventId processed_ = 0;
  bool on_fiber_ = false;                                        // a branch is running
  std::vector<UpdateMessage> messages_;                          // of the task to answer
  std::vector<HistoryEvent> jobs_;                               // met, and applied when the next task is activated
  std::vector<WorkflowContext::ArrivedUpdate> arrived_updates_;  // likewise
  std::vector<UpdateRejection> rejections_;                      // of the present task
};

}  // namespace dvt::engine
