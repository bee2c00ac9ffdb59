// The server's state of one workflow execution: its history, its outstanding workflow task, its pending activities and
// timers, the events that wait for the workflow task to close, and its signals. Owned by Service; freed when closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/history/events.h"
#include "engine/machines/activity.h"
#include "engine/machines/cancellation.h"
#include "engine/machines/child.h"
#include "engine/machines/signal.h"
#include "engine/machines/timer.h"
#include "engine/machines/update.h"
#include "engine/machines/workflow_task.h"
#include "engine/ports/timers.h"
#include "engine/service/ids.h"

namespace dvt::engine {

struct PendingActivity {
  EventId scheduled = 0;
  std::uint32_t activity_id = 0;
  Symbol type;
  Payload input;
  ActivityOptionsRef options;
  std::uint32_t attempt = 1;
  StepIndex step = kNoStep;  // what the input says of itself (StepSubject)
  bool step_work = false;
  ActivityMachine machine{ActivityState::scheduled};
  bool cancel_requested = false;
  EventId cancel_requested_event = 0;
  Instant first_scheduled_at;  // schedule-to-close and the expiry of retries count from here
  Instant scheduled_at;        // of this attempt
  Instant started_at;
  WorkerRef worker;
  FailureRef last_failure;
  Payload heartbeat_details;
  TimerId schedule_to_close;
  TimerId attempt_timer;  // schedule-to-start while scheduled, start-to-close while started, backoff between
  TimerId heartbeat_timer;
};

struct PendingTimer {
  std::uint32_t timer_id = 0;
  EventId started = 0;
  TimerMachine machine{TimerState::running};
  TimerId timer;
  Instant due;
};

/// Stands for `signal` where a workflow sent it: nobody outside waits to hear of it.
inline constexpr std::uint64_t kSignalOfAWorkflow = ~std::uint64_t{0};

struct PendingChild {
  EventId initiated = 0;
  ExecutionKey key;  // of its first execution
  ChildInfoRef info;
  ChildMachine machine{ChildState::initiated};
};

/// Where a child's close is told: the parent's execution that started it.
struct ParentLink {
  ExecutionKey parent;
  EventId initiated = 0;
};

enum class UpdateStage : std::uint8_t { accepted, completed, rejected, aborted };
/// `failure`: why it was rejected or aborted, or what its handler failed with.
struct UpdateOutcome {
  UpdateStage stage = UpdateStage::completed;
  Payload result;
  FailureRef failure;
};
using UpdateDone = std::function<void(const UpdateOutcome&)>;

struct PendingUpdate {
  UpdateRequestRef request;
  UpdateMachine machine{UpdateState::admitted};
  EventId accepted = 0;  // WorkflowExecutionUpdateAccepted
  UpdateOutcome outcome;
  std::vector<UpdateDone> on_accepted;
  std::vector<UpdateDone> on_completed;
};

struct PendingSignal {
  std::uint64_t signal = 0;
  Symbol name;
  SignalMachine machine{SignalState::received};
};

/// An event that arrived while a workflow task was started. A close of an activity refers to its started event, which
/// is buffered just before it: `started_in_buffer` is that one's place, or -1.
struct BufferedEvent {
  Instant time;
  Attributes attributes;
  std::int32_t started_in_buffer = -1;
};

struct WorkflowTask {
  WorkflowTaskMachine machine{WorkflowTaskState::none};
  std::uint32_t ordinal = 0;  // counts the tasks of the execution, from 1
  std::uint32_t attempt = 1;  // >= 2 after a failure on the normal queue: transient, not recorded until one completes
  EventId scheduled = 0;      // 0 while transient
  EventId started = 0;
  EventId history_end = 0;  // last event when it was scheduled: later ones make a transient task an ordinary one
  Duration start_to_close;
  bool suggest_continue_as_new = false;  // told when it started
  std::uint64_t history_bytes = 0;       // likewise
  Instant scheduled_at;
  Instant started_at;
  WorkerRef worker;
  std::optional<WorkerRef> sticky;  // scheduled to this worker's sticky queue
  TimerId timer;                    // sticky schedule-to-start, then start-to-close
  bool transient() const { return attempt > 1; }
  bool speculative = false;  // exists for updates alone: not recorded unless it leaves something in the history
};

struct Execution {
  ExecutionKey key;
  ExecutionInfoRef info;
  Payload input;
  std::uint32_t queue = 0;
  History history;
  WorkflowTask task;
  std::optional<WorkerRef> sticky;     // whose cache holds this execution
  EventId last_completed_started = 0;  // WorkflowTaskStarted of the last completed task: what the cache has seen
  std::uint32_t next_activity_id = 1;
  std::uint32_t signal_count = 0;  // recorded by this execution
  std::vector<PendingActivity> activities;
  std::vector<PendingTimer> timers;
  std::vector<PendingSignal> signals;
  std::vector<BufferedEvent> buffered;
  CancellationMachine cancellation{CancellationState::none};
  bool hold_activities = false;     // step activities are kept back (the fix of known fault 6)
  std::vector<std::uint32_t> held;  // event ids of activities kept back, in the order they came
  std::vector<PendingChild> children;
  std::optional<ParentLink> parent;
  std::shared_ptr<std::uint32_t> children_of_run;  // numbers given to children in the run's tree; null: none yet
  std::vector<PendingUpdate> updates;              // of this execution, ended ones too: an id is answered alike again
  SearchAttributes search_attributes;
  bool closed = false;
  bool rebuilt = false;              // some worker replayed it; its closed history is checked again
  bool in_commands = false;          // commands of a completed task are being applied
  bool task_wanted = false;          // a new task is due when that is over
  std::vector<EventId> to_dispatch;  // scheduled by those commands; they leave when all are applied
  TimerId run_timer;
  TimerId execution_timer;  // handed on along the chain
};

}  // namespace dvt::engine
