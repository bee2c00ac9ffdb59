// History events: what Temporal's server writes for one workflow execution (spec: Temporal histories, "Event types").
// An event's id is its place in the history, from 1, so it is not stored. Times are when the thing happened, which for
// a late ActivityTaskStarted is before the event was written: event times are not monotonic.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/symbol.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"
#include "engine/history/payload.h"

namespace dvt::engine {

using EventId = std::uint32_t;  // 0: none

/// Why an activity, or a workflow, failed.
struct Failure {
  std::string message;
  Symbol type;  // application error type, e.g. PermanentStepError
  bool non_retryable = false;
  Duration next_retry_delay;  // > 0 overrides the policy's delay
};
using FailureRef = std::shared_ptr<const Failure>;

struct RetryPolicy {
  Duration initial_interval = seconds(1);
  std::int64_t coefficient_milli = 2000;  // 2.0; money and backoff are integers
  Duration maximum_interval;              // 0: 100 x initial
  std::uint32_t maximum_attempts = 0;     // 0: unlimited
  std::vector<Symbol> non_retryable;      // error types
};

/// 0 means "not set", as on the wire.
struct ActivityOptions {
  Symbol task_queue;
  Duration schedule_to_close;
  Duration schedule_to_start;
  Duration start_to_close;
  Duration heartbeat;
  RetryPolicy retry;
};
using ActivityOptionsRef = std::shared_ptr<const ActivityOptions>;

enum class TimeoutType : std::uint8_t { start_to_close, schedule_to_start, schedule_to_close, heartbeat };
std::string_view to_string(TimeoutType type);

enum class WorkflowTaskFailedCause : std::uint8_t {
  unhandled_command,
  nondeterminism,
  workflow_worker_unhandled_failure,
  force_close_command,
  reset_workflow,
  bad_schedule_activity_attributes,
  bad_cancel_timer_attributes,
  pending_activities_limit_exceeded,
};
std::string_view to_string(WorkflowTaskFailedCause cause);

/// Who started an execution as its child (parentWorkflowExecution, parentInitiatedEventId of the started event).
struct ParentInfo {
  std::string workflow_id;
  Uuid run_id;
  EventId initiated = 0;  // the parent's StartChildWorkflowExecutionInitiated
};
using ParentInfoRef = std::shared_ptr<const ParentInfo>;

/// What stays the same over an execution's life; shared by its started event and the server's state.
struct ExecutionInfo {
  std::string workflow_id;
  Uuid run_id;  // of this execution (its chain shares the workflow id)
  Uuid first_run_id;
  Uuid continued_from;  // all zero in the first execution
  Symbol workflow_type;
  Symbol task_queue;
  Duration workflow_task_timeout = seconds(10);
  Duration run_timeout;        // of this execution; 0: none
  Duration execution_timeout;  // of the whole chain; 0: none
  std::uint32_t chain = 0;     // place in the chain, from 0
  ParentInfoRef parent;        // null: nobody's child
};
using ExecutionInfoRef = std::shared_ptr<const ExecutionInfo>;

/// What becomes of a child when its parent closes (continue-as-new counts as closing).
enum class ParentClosePolicy : std::uint8_t { terminate, abandon, request_cancel };
std::string_view to_string(ParentClosePolicy policy);  // "TERMINATE", as in PARENT_CLOSE_POLICY_TERMINATE

/// What the events about one child share. `run_id` is all zero until the child has started.
struct ChildInfo {
  std::string workflow_id;
  Uuid run_id;
  Symbol type;
  Symbol task_queue;
  Duration run_timeout;  // 0: none
  Duration workflow_task_timeout = seconds(10);
  ParentClosePolicy close_policy = ParentClosePolicy::terminate;
};
using ChildInfoRef = std::shared_ptr<const ChildInfo>;

/// The execution from which a signal or a cancel request came (externalWorkflowExecution, externalInitiatedEventId).
struct ExternalCaller {
  std::string workflow_id;
  Uuid run_id;
  EventId initiated = 0;  // the caller's …ExternalWorkflowExecutionInitiated
};
using ExternalCallerRef = std::shared_ptr<const ExternalCaller>;

/// The execution to which a workflow sends a signal or a cancel request (workflowExecution.workflowId: the present
/// execution of that chain; childWorkflowOnly).
struct ExternalTarget {
  std::string workflow_id;
  bool child_only = false;
};
using ExternalTargetRef = std::shared_ptr<const ExternalTarget>;

/// Why a request to another execution, or the start of a child, failed. One cause each is modelled:
/// EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND and WORKFLOW_ALREADY_EXISTS.
inline constexpr std::string_view kExternalNotFound = "EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND";
inline constexpr std::string_view kChildAlreadyExists = "WORKFLOW_ALREADY_EXISTS";

/// indexedFields: name and value as JSON text, in the order in which the workflow gave them.
using SearchAttributes = std::vector<std::pair<Symbol, std::string>>;
using SearchAttributesRef = std::shared_ptr<const SearchAttributes>;

/// A request to update a workflow (acceptedRequest: meta.updateId, input.name, input.args).
struct UpdateRequest {
  std::string id;
  Symbol name;
  Payload input;
};
using UpdateRequestRef = std::shared_ptr<const UpdateRequest>;

struct WorkflowExecutionStarted {
  ExecutionInfoRef info;
  Payload input;
};
struct WorkflowExecutionCompleted {
  Payload result;
  EventId task_completed = 0;
};
struct WorkflowExecutionFailed {
  FailureRef failure;
  EventId task_completed = 0;
};
struct WorkflowExecutionTimedOut {};
struct WorkflowExecutionCancelRequested {
  ExternalCallerRef caller;  // null: a client asked
};
struct WorkflowExecutionCanceled {
  EventId task_completed = 0;
};
struct WorkflowExecutionSignaled {
  Symbol name;
  Payload input;
  std::uint64_t signal = 0;
  ExternalCallerRef caller;  // null: a client sent it
};
struct WorkflowExecutionTerminated {
  FailureRef reason;
};
struct WorkflowExecutionContinuedAsNew {
  Uuid new_run_id;
  Payload input;
  EventId task_completed = 0;
};
struct WorkflowTaskScheduled {
  Symbol task_queue;
  std::uint32_t attempt = 1;
  std::int32_t sticky_worker = -1;
  Duration start_to_close;  // longer from the fourth attempt on
};
struct WorkflowTaskStarted {
  EventId scheduled = 0;
  std::uint32_t worker = 0;
  bool suggest_continue_as_new = false;
  std::uint64_t history_bytes = 0;  // approximately, of the history before this event
};
struct WorkflowTaskCompleted {
  EventId scheduled = 0;
  EventId started = 0;
  std::uint32_t worker = 0;
};
struct WorkflowTaskTimedOut {
  EventId scheduled = 0;
  EventId started = 0;
  TimeoutType type = TimeoutType::start_to_close;
};
/// Of a WorkflowTaskFailed(RESET_WORKFLOW): the execution whose history was copied, and the one it is a part of now.
struct ResetPoint {
  Uuid base_run_id;
  Uuid new_run_id;
  std::uint32_t new_chain = 0;
};
struct WorkflowTaskFailed {
  EventId scheduled = 0;
  EventId started = 0;
  WorkflowTaskFailedCause cause = WorkflowTaskFailedCause::unhandled_command;
  FailureRef failure;
  std::shared_ptr<const ResetPoint> reset;  // set for RESET_WORKFLOW only
};
struct ActivityTaskScheduled {
  std::uint32_t activity_id = 0;  // "1", "2", … per execution
  EventId task_completed = 0;
  Symbol type;
  Payload input;
  ActivityOptionsRef options;  // after filling and capping of timeouts
};
struct ActivityTaskStarted {
  EventId scheduled = 0;
  std::uint32_t attempt = 1;
  std::uint32_t worker = 0;
  FailureRef last_failure;
};
struct ActivityTaskCompleted {
  EventId scheduled = 0;
  EventId started = 0;
  std::uint32_t worker = 0;
  Payload result;
};
struct ActivityTaskFailed {
  EventId scheduled = 0;
  EventId started = 0;
  std::uint32_t worker = 0;
  FailureRef failure;
};
struct ActivityTaskTimedOut {
  EventId scheduled = 0;
  EventId started = 0;
  TimeoutType type = TimeoutType::start_to_close;
  FailureRef last_failure;
  Payload heartbeat_details;  // the last ones told
};
struct ActivityTaskCancelRequested {
  EventId scheduled = 0;
  EventId task_completed = 0;
};
struct ActivityTaskCanceled {
  EventId scheduled = 0;
  EventId started = 0;
  EventId cancel_requested = 0;
};
struct TimerStarted {
  std::uint32_t timer_id = 0;
  EventId task_completed = 0;
  Duration after;
};
struct TimerFired {
  std::uint32_t timer_id = 0;
  EventId started = 0;
};
struct TimerCanceled {
  std::uint32_t timer_id = 0;
  EventId started = 0;
  EventId task_completed = 0;
};
/// What the details are by name stands in engine/history/markers.h.
struct MarkerRecorded {
  Symbol name;
  Payload details;
  EventId task_completed = 0;
};
struct StartChildWorkflowExecutionInitiated {
  ChildInfoRef child;
  Payload input;
  EventId task_completed = 0;
};
struct StartChildWorkflowExecutionFailed {  // cause: kChildAlreadyExists
  ChildInfoRef child;
  EventId initiated = 0;
  EventId task_completed = 0;  // of the initiated event
};
struct ChildWorkflowExecutionStarted {
  ChildInfoRef child;
  EventId initiated = 0;
};
struct ChildWorkflowExecutionCompleted {
  ChildInfoRef child;
  EventId initiated = 0;
  EventId started = 0;  // ChildWorkflowExecutionStarted
  Payload result;
};
struct ChildWorkflowExecutionFailed {
  ChildInfoRef child;
  EventId initiated = 0;
  EventId started = 0;
  FailureRef failure;
};
struct ChildWorkflowExecutionCanceled {
  ChildInfoRef child;
  EventId initiated = 0;
  EventId started = 0;
};
struct ChildWorkflowExecutionTimedOut {
  ChildInfoRef child;
  EventId initiated = 0;
  EventId started = 0;
};
struct ChildWorkflowExecutionTerminated {
  ChildInfoRef child;
  EventId initiated = 0;
  EventId started = 0;
};
struct RequestCancelExternalWorkflowExecutionInitiated {
  ExternalTargetRef target;
  EventId task_completed = 0;
};
struct RequestCancelExternalWorkflowExecutionFailed {  // cause: kExternalNotFound
  ExternalTargetRef target;
  EventId initiated = 0;
  EventId task_completed = 0;  // of the initiated event
};
struct ExternalWorkflowExecutionCancelRequested {
  ExternalTargetRef target;
  EventId initiated = 0;
};
struct SignalExternalWorkflowExecutionInitiated {
  ExternalTargetRef target;
  Symbol name;
  Payload input;
  EventId task_completed = 0;
};
struct SignalExternalWorkflowExecutionFailed {  // cause: kExternalNotFound
  ExternalTargetRef target;
  EventId initiated = 0;
  EventId task_completed = 0;  // of the initiated event
};
struct ExternalWorkflowExecutionSignaled {
  ExternalTargetRef target;
  EventId initiated = 0;
};
struct UpsertWorkflowSearchAttributes {
  SearchAttributesRef attributes;
  EventId task_completed = 0;
};
/// protocolInstanceId is the update's id, acceptedRequestMessageId that id with "/request".
struct WorkflowExecutionUpdateAccepted {
  UpdateRequestRef request;
  EventId sequencing = 0;  // acceptedRequestSequencingEventId: the last event before the task was started
};
/// meta.updateId is the request's id; outcome.success or outcome.failure.
struct WorkflowExecutionUpdateCompleted {
  UpdateRequestRef request;
  EventId accepted = 0;  // WorkflowExecutionUpdateAccepted
  Payload result;
  FailureRef failure;  // set: the handler failed
};
// The server writes no event for a rejected update: the type WorkflowExecutionUpdateRejected exists in Temporal's API
// only.

using Attributes = std::variant<
    WorkflowExecutionStarted, WorkflowExecutionCompleted, WorkflowExecutionFailed, WorkflowExecutionTimedOut,
    WorkflowExecutionCancelRequested, WorkflowExecutionCanceled, WorkflowExecutionSignaled, WorkflowExecutionTerminated,
    WorkflowExecutionContinuedAsNew, WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskCompleted,
    WorkflowTaskTimedOut, WorkflowTaskFailed, ActivityTaskScheduled, ActivityTaskStarted, ActivityTaskCompleted,
    ActivityTaskFailed, ActivityTaskTimedOut, ActivityTaskCancelRequested, ActivityTaskCanceled, TimerStarted,
    TimerFired, TimerCanceled, MarkerRecorded, StartChildWorkflowExecutionInitiated, StartChildWorkflowExecutionFailed,
    ChildWorkflowExecutionStarted, ChildWorkflowExecutionCompleted, ChildWorkflowExecutionFailed,
    ChildWorkflowExecutionCanceled, ChildWorkflowExecutionTimedOut, ChildWorkflowExecutionTerminated,
    RequestCancelExternalWorkflowExecutionInitiated, RequestCancelExternalWorkflowExecutionFailed,
    ExternalWorkflowExecutionCancelRequested, SignalExternalWorkflowExecutionInitiated,
    SignalExternalWorkflowExecutionFailed, ExternalWorkflowExecutionSignaled, UpsertWorkflowSearchAttributes,
    WorkflowExecutionUpdateAccepted, WorkflowExecutionUpdateCompleted>;

struct HistoryEvent {
  Instant time;
  Attributes attributes;
};

/// What workflow code is handed when an activity timed out; `last` is the last attempt's failure, or null.
FailureRef activity_timeout_failure(TimeoutType type, const FailureRef& last);

/// ActivityTaskCompleted, Failed, TimedOut or Canceled.
bool is_activity_close(const Attributes& attributes);
/// The scheduled event that a close of an activity refers to; 0 for other events.
EventId scheduled_of_close(const Attributes& attributes);
/// Makes a close of an activity refer to its started event. `attributes` must be such a close.
void set_started(Attributes& attributes, EventId started);
/// ChildWorkflowExecutionCompleted, Failed, Canceled, TimedOut or Terminated.
bool is_child_close(const Attributes& attributes);

/// "ActivityTaskScheduled": the event's name in Temporal's short spelling.
std::string_view type_name(const HistoryEvent& event);
/// The same by the place of the type in Attributes.
std::string_view type_name(std::size_t alternative);

/// What the event weighs against Temporal's limits: a flat amount for its own fields plus its payloads and messages.
std::uint64_t approximate_bytes(const Attributes& attributes);

/// Append-only. `at(id)` is 1-based, like event ids.
class History {
 public:
  EventId append(Instant time, Attributes attributes) {
    bytes_ += approximate_bytes(attributes);
    events_.push_back({time, std::move(attributes)});
    return static_cast<EventId>(events_.size());
  }
  EventId last_id() const { return static_cast<EventId>(events_.size()); }
  const HistoryEvent& at(EventId id) const {
    DVT_ASSERT(id >= 1 && id <= events_.size(), "no such history event");
    return events_[id - 1];
  }
  const std::vector<HistoryEvent>& events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::vector<HistoryEvent> events_;
  std::uint64_t bytes_ = 0;
};

/// Makes a child's close refer to the ChildWorkflowExecutionStarted that `history` holds. `attributes` must be such a
/// close.
void set_child_started(Attributes& attributes, const History& history);

}  // namespace dvt::engine
