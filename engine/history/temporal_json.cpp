#include "engine/history/temporal_json.h"

#include <algorithm>

#include "engine/base/base64.h"
#include "engine/base/format.h"
#include "engine/base/json.h"
#include "engine/history/markers.h"

namespace dvt::engine {
namespace {

constexpr std::string_view kJsonPlain = "anNvbi9wbGFpbg==";   // json/plain
constexpr std::string_view kBinaryNull = "YmluYXJ5L251bGw=";  // binary/null
// The server numbers tasks over a whole shard; any rising numbers do.
constexpr std::uint64_t kFirstTaskId = 1'048'576;
// Who answers: the SDKs show it and nothing reads it.
constexpr std::string_view kSource = "dvtsim";

std::string_view timeout_type(TimeoutType type) {
  switch (type) {
    case TimeoutType::start_to_close:
      return "TIMEOUT_TYPE_START_TO_CLOSE";
    case TimeoutType::schedule_to_start:
      return "TIMEOUT_TYPE_SCHEDULE_TO_START";
    case TimeoutType::schedule_to_close:
      return "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE";
    case TimeoutType::heartbeat:
      return "TIMEOUT_TYPE_HEARTBEAT";
  }
  return "TIMEOUT_TYPE_UNSPECIFIED";
}

// The server's words in the message of an activity's timeout.
std::string_view timeout_word(TimeoutType type) {
  switch (type) {
    case TimeoutType::start_to_close:
      return "StartToClose";
    case TimeoutType::schedule_to_start:
      return "ScheduleToStart";
    case TimeoutType::schedule_to_close:
      return "ScheduleToClose";
    case TimeoutType::heartbeat:
      return "Heartbeat";
  }
  return "Unspecified";
}

// Writes the members of each event's attributes. A type of event without a method here does not compile.
class EventWriter {
 public:
  EventWriter(std::string& out, const History& history, const TemporalJsonOptions& options)
      : json_(out), history_(history), options_(options) {
    const auto* first = std::get_if<WorkflowExecutionStarted>(&history.at(1).attributes);
    DVT_ASSERT(first != nullptr, "a history begins with WorkflowExecutionStarted");
    info_ = first->info.get();
  }

  void write_all() {
    json_.begin_object().key("events").begin_array();
    for (EventId id = 1; id <= history_.last_id(); ++id) write_event(id);
    json_.end_array().end_object();
  }

  // ---- One method a type of event ----

  void operator()(const WorkflowExecutionStarted& e) {
    const ExecutionInfo& info = *e.info;
    type_member("workflowType", info.workflow_type);
    if (info.parent != nullptr) {
      json_.member("parentWorkflowNamespace", options_.name_space);
      execution("parentWorkflowExecution", info.parent->workflow_id, info.parent->run_id);
      id("parentInitiatedEventId", info.parent->initiated);
    }
    task_queue("taskQueue", info.task_queue);
    payloads("input", e.input);
    duration("workflowExecutionTimeout", info.execution_timeout);
    duration("workflowRunTimeout", info.run_timeout);
    duration("workflowTaskTimeout", info.workflow_task_timeout);
    if (info.continued_from != Uuid{}) {
      json_.member("continuedExecutionRunId", to_string(info.continued_from));
      json_.member("initiator", "CONTINUE_AS_NEW_INITIATOR_WORKFLOW");
    }
    json_.member("originalExecutionRunId", to_string(info.run_id));
    json_.member("identity", kSource);
    json_.member("firstExecutionRunId", to_string(info.first_run_id));
    json_.member("attempt", 1);
    duration("firstWorkflowTaskBackoff", {});
    json_.key("header").begin_object().end_object();
    json_.member("workflowId", info.workflow_id);
  }
  void operator()(const WorkflowExecutionCompleted& e) {
    payloads("result", e.result);
    id("workflowTaskCompletedEventId", e.task_completed);
  }
  void operator()(const WorkflowExecutionFailed& e) {
    workflow_failure(e.failure);
    json_.member("retryState", "RETRY_STATE_RETRY_POLICY_NOT_SET");
    id("workflowTaskCompletedEventId", e.task_completed);
  }
  void operator()(const WorkflowExecutionTimedOut&) { json_.member("retryState", "RETRY_STATE_RETRY_POLICY_NOT_SET"); }
  void operator()(const WorkflowExecutionCancelRequested& e) {
    if (e.caller != nullptr) caller(*e.caller);
    json_.member("identity", kSource);
  }
  void operator()(const WorkflowExecutionCanceled& e) { id("workflowTaskCompletedEventId", e.task_completed); }
  void operator()(const WorkflowExecutionSignaled& e) {
    json_.member("signalName", e.name.text());
    payloads("input", e.input);
    json_.member("identity", kSource);
    if (e.caller != nullptr) execution("externalWorkflowExecution", e.caller->workflow_id, e.caller->run_id);
  }
  void operator()(const WorkflowExecutionTerminated& e) {
    if (e.reason != nullptr)
      json_.member("reason", e.reason->message.empty() ? e.reason->type.text() : e.reason->message);
    json_.member("identity", kSource);
  }
  void operator()(const WorkflowExecutionContinuedAsNew& e) {
    json_.member("newExecutionRunId", to_string(e.new_run_id));
    type_member("workflowType", info_->workflow_type);
    task_queue("taskQueue", info_->task_queue);
    payloads("input", e.input);
    duration("workflowRunTimeout", info_->run_timeout);
    duration("workflowTaskTimeout", info_->workflow_task_timeout);
    id("workflowTaskCompletedEventId", e.task_completed);
    duration("backoffStartInterval", {});
    json_.member("initiator", "CONTINUE_AS_NEW_INITIATOR_WORKFLOW");
    json_.key("header").begin_object().end_object();
  }
  void operator()(const WorkflowTaskScheduled& e) {
    if (e.sticky_worker < 0) {
      task_queue("taskQueue", e.task_queue);
    } else {
      json_.key("taskQueue").begin_object();
      json_.member("name", worker_name(static_cast<std::uint32_t>(e.sticky_worker)) + ":sticky");
      json_.member("kind", "TASK_QUEUE_KIND_STICKY");
      json_.member("normalName", e.task_queue.text());
      json_.end_object();
    }
    duration("startToCloseTimeout", e.start_to_close.ns > 0 ? e.start_to_close : info_->workflow_task_timeout);
    json_.member("attempt", e.attempt);
  }
  void operator()(const WorkflowTaskStarted& e) {
    id("scheduledEventId", e.scheduled);
    json_.member("identity", worker_name(e.worker));
    if (e.suggest_continue_as_new) json_.member("suggestContinueAsNew", true);
    if (e.history_bytes != 0) json_.member("historySizeBytes", fmt::format("{}", e.history_bytes));
  }
  void operator()(const WorkflowTaskCompleted& e) {
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("identity", worker_name(e.worker));
    json_.key("workerVersion").begin_object().end_object();
    json_.key("sdkMetadata").begin_object();
    if (!std::exchange(first_completed_seen_, true)) {
      // Without the flags the SDK leaves out its checks of ids and types. They hold from here on.
      json_.key("coreUsedFlags").begin_array().value(1).value(2).value(3).end_array();
      json_.key("langUsedFlags").begin_array().value(1).value(2).end_array();
    }
    json_.end_object();
    json_.key("meteringMetadata").begin_object().end_object();
  }
  void operator()(const WorkflowTaskTimedOut& e) {
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("timeoutType", timeout_type(e.type));
  }
  void operator()(const WorkflowTaskFailed& e) {
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("cause", fmt::format("WORKFLOW_TASK_FAILED_CAUSE_{}", to_string(e.cause)));
    if (e.failure != nullptr) {
      json_.key("failure");
      application_failure(*e.failure);
    }
    const auto* started =
        e.started == 0 ? nullptr : std::get_if<WorkflowTaskStarted>(&history_.at(e.started).attributes);
    if (started != nullptr) json_.member("identity", worker_name(started->worker));
    if (e.reset != nullptr) {
      json_.member("baseRunId", to_string(e.reset->base_run_id));
      json_.member("newRunId", to_string(e.reset->new_run_id));
    }
  }
  void operator()(const ActivityTaskScheduled& e) {
    json_.member("activityId", fmt::format("{}", e.activity_id));
    type_member("activityType", e.type);
    task_queue("taskQueue", e.options->task_queue);
    json_.key("header").begin_object().end_object();
    payloads("input", e.input);
    duration("scheduleToCloseTimeout", e.options->schedule_to_close);
    duration("scheduleToStartTimeout", e.options->schedule_to_start);
    duration("startToCloseTimeout", e.options->start_to_close);
    duration("heartbeatTimeout", e.options->heartbeat);
    id("workflowTaskCompletedEventId", e.task_completed);
    retry_policy(e.options->retry);
  }
  void operator()(const ActivityTaskStarted& e) {
    id("scheduledEventId", e.scheduled);
    json_.member("identity", worker_name(e.worker));
    json_.member("attempt", e.attempt);
    if (e.last_failure != nullptr) {
      json_.key("lastFailure");
      application_failure(*e.last_failure);
    }
  }
  void operator()(const ActivityTaskCompleted& e) {
    payloads("result", e.result);
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("identity", worker_name(e.worker));
  }
  void operator()(const ActivityTaskFailed& e) {
    json_.key("failure");
    application_failure(*e.failure);
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("identity", worker_name(e.worker));
    json_.member("retryState", retry_state(e));
  }
  void operator()(const ActivityTaskTimedOut& e) {
    json_.key("failure");
    timeout_failure(e);
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("retryState", retry_state(e));
  }
  void operator()(const ActivityTaskCancelRequested& e) {
    id("scheduledEventId", e.scheduled);
    id("workflowTaskCompletedEventId", e.task_completed);
  }
  void operator()(const ActivityTaskCanceled& e) {
    id("latestCancelRequestedEventId", e.cancel_requested);
    id("scheduledEventId", e.scheduled);
    id("startedEventId", e.started);
    json_.member("identity", e.started == 0 ? std::string(kSource) : started_by(e.started));
  }
  void operator()(const TimerStarted& e) {
    json_.member("timerId", fmt::format("{}", e.timer_id));
    duration("startToFireTimeout", e.after);
    id("workflowTaskCompletedEventId", e.task_completed);
  }
  void operator()(const TimerFired& e) {
    json_.member("timerId", fmt::format("{}", e.timer_id));
    id("startedEventId", e.started);
  }
  void operator()(const TimerCanceled& e) {
    json_.member("timerId", fmt::format("{}", e.timer_id));
    id("startedEventId", e.started);
    id("workflowTaskCompletedEventId", e.task_completed);
    json_.member("identity", kSource);
  }
  void operator()(const MarkerRecorded& e) {
    json_.member("markerName", e.name.text());
    json_.key("details").begin_object();
    if (const auto* body = payload_if<MarkerBody>(e.details)) {
      for (const MarkerBody::Detail& detail : body->details(options_.start)) {
        json_.key(detail.key).begin_object().key("payloads").begin_array();
        payload_of_json(detail.json);
        json_.end_array().end_object();
      }
    }
    json_.end_object();
    id("workflowTaskCompletedEventId", e.task_completed);
    const auto* local = payload_if<LocalActivityMarker>(e.details);
    if (local != nullptr && local->data.failure != nullptr) {
      json_.key("failure");
      application_failure(*local->data.failure);
    }
  }
  void operator()(const StartChildWorkflowExecutionInitiated& e) {
    json_.member("namespace", options_.name_space);
    json_.member("workflowId", e.child->workflow_id);
    type_member("workflowType", e.child->type);
    task_queue("taskQueue", e.child->task_queue);
    payloads("input", e.input);
    duration("workflowExecutionTimeout", {});
    duration("workflowRunTimeout", e.child->run_timeout);
    duration("workflowTaskTimeout", e.child->workflow_task_timeout);
    json_.member("parentClosePolicy", fmt::format("PARENT_CLOSE_POLICY_{}", to_string(e.child->close_policy)));
    id("workflowTaskCompletedEventId", e.task_completed);
    json_.member("workflowIdReusePolicy", "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE");
    json_.key("header").begin_object().end_object();
  }
  void operator()(const StartChildWorkflowExecutionFailed& e) {
    json_.member("namespace", options_.name_space);
    json_.member("workflowId", e.child->workflow_id);
    type_member("workflowType", e.child->type);
    json_.member("cause", fmt::format("START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_{}", kChildAlreadyExists));
    id("initiatedEventId", e.initiated);
    id("workflowTaskCompletedEventId", e.task_completed);
  }
  void operator()(const ChildWorkflowExecutionStarted& e) {
    child(*e.child, e.initiated, 0);
    json_.key("header").begin_object().end_object();
  }
  void operator()(const ChildWorkflowExecutionCompleted& e) {
    payloads("result", e.result);
    child(*e.child, e.initiated, e.started);
  }
  void operator()(const ChildWorkflowExecutionFailed& e) {
    json_.key("failure");
    application_failure(*e.failure);
    child(*e.child, e.initiated, e.started);
    json_.member("retryState", "RETRY_STATE_RETRY_POLICY_NOT_SET");
  }
  void operator()(const ChildWorkflowExecutionCanceled& e) { child(*e.child, e.initiated, e.started); }
  void operator()(const ChildWorkflowExecutionTimedOut& e) {
    child(*e.child, e.initiated, e.started);
    json_.member("retryState", "RETRY_STATE_TIMEOUT");
  }
  void operator()(const ChildWorkflowExecutionTerminated& e) { child(*e.child, e.initiated, e.started); }
  void operator()(const RequestCancelExternalWorkflowExecutionInitiated& e) {
    id("workflowTaskCompletedEventId", e.task_completed);
    target(*e.target);
    if (e.target->child_only) json_.member("childWorkflowOnly", true);
  }
  void operator()(const RequestCancelExternalWorkflowExecutionFailed& e) {
    json_.member("cause", fmt::format("CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_{}", kExternalNotFound));
    id("workflowTaskCompletedEventId", e.task_completed);
    target(*e.target);
    id("initiatedEventId", e.initiated);
  }
  void operator()(const ExternalWorkflowExecutionCancelRequested& e) {
    id("initiatedEventId", e.initiated);
    target(*e.target);
  }
  void operator()(const SignalExternalWorkflowExecutionInitiated& e) {
    id("workflowTaskCompletedEventId", e.task_completed);
    target(*e.target);
    json_.member("signalName", e.name.text());
    payloads("input", e.input);
    if (e.target->child_only) json_.member("childWorkflowOnly", true);
    json_.key("header").begin_object().end_object();
  }
  void operator()(const SignalExternalWorkflowExecutionFailed& e) {
    json_.member("cause", fmt::format("SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_{}", kExternalNotFound));
    id("workflowTaskCompletedEventId", e.task_completed);
    target(*e.target);
    id("initiatedEventId", e.initiated);
  }
  void operator()(const ExternalWorkflowExecutionSignaled& e) {
    id("initiatedEventId", e.initiated);
    target(*e.target);
  }
  void operator()(const UpsertWorkflowSearchAttributes& e) {
    id("workflowTaskCompletedEventId", e.task_completed);
    json_.key("searchAttributes").begin_object().key("indexedFields").begin_object();
    for (const auto& [name, value] : *e.attributes) {
      json_.key(name.text());
      payload_of_json(value);
    }
    json_.end_object().end_object();
  }
  void operator()(const WorkflowExecutionUpdateAccepted& e) {
    json_.member("protocolInstanceId", e.request->id);
    json_.member("acceptedRequestMessageId", e.request->id + "/request");
    id("acceptedRequestSequencingEventId", e.sequencing);
    json_.key("acceptedRequest").begin_object();
    update_meta(*e.request);
    json_.key("input").begin_object();
    json_.key("header").begin_object().end_object();
    json_.member("name", e.request->name.text());
    payloads("args", e.request->input);
    json_.end_object().end_object();
  }
  void operator()(const WorkflowExecutionUpdateCompleted& e) {
    update_meta(*e.request);
    id("acceptedEventId", e.accepted);
    json_.key("outcome").begin_object();
    if (e.failure != nullptr) {
      json_.key("failure");
      application_failure(*e.failure);
    } else {
      json_.key("success").begin_object().key("payloads").begin_array();
      std::string data = "null";
      if (e.result != nullptr) {
        data.clear();
        e.result->write_json(data);
      }
      payload_of_json(data);
      json_.end_array().end_object();
    }
    json_.end_object();
  }

 private:
  void write_event(EventId event_id) {
    const HistoryEvent& event = history_.at(event_id);
    const std::string_view name = type_name(event);
    json_.begin_object();
    id("eventId", event_id);
    text_.clear();
    append_rfc3339(text_, options_.start + (event.time - Instant{}), 9);
    json_.member("eventTime", text_);
    json_.member("eventType", event_type_constant(name));
    json_.member("taskId", fmt::format("{}", kFirstTaskId + event_id));
    json_.key(attributes_key(name)).begin_object();
    std::visit(*this, event.attributes);
    json_.end_object().end_object();
  }

  void execution(std::string_view name, std::string_view workflow_id, const Uuid& run_id) {
    json_.key(name).begin_object();
    json_.member("workflowId", workflow_id);
    if (run_id != Uuid{}) json_.member("runId", to_string(run_id));
    json_.end_object();
  }
  void child(const ChildInfo& info, EventId initiated, EventId started) {
    json_.member("namespace", options_.name_space);
    execution("workflowExecution", info.workflow_id, info.run_id);
    type_member("workflowType", info.type);
    id("initiatedEventId", initiated);
    id("startedEventId", started);
  }
  void target(const ExternalTarget& to) {
    json_.member("namespace", options_.name_space);
    execution("workflowExecution", to.workflow_id, Uuid{});
  }
  void caller(const ExternalCaller& from) {
    id("externalInitiatedEventId", from.initiated);
    execution("externalWorkflowExecution", from.workflow_id, from.run_id);
  }
  void update_meta(const UpdateRequest& request) {
    json_.key("meta").begin_object();
    json_.member("updateId", request.id);
    json_.member("identity", kSource);
    json_.end_object();
  }

  // An id that is not set is left out, as in protobuf's JSON.
  void id(std::string_view name, EventId value) {
    if (value != 0) json_.member(name, fmt::format("{}", value));
  }
  void duration(std::string_view name, Duration value) { json_.member(name, format_seconds(value) + "s"); }
  void type_member(std::string_view name, Symbol type) {
    json_.key(name).begin_object().member("name", type.text()).end_object();
  }
  void task_queue(std::string_view name, Symbol queue) {
    json_.key(name).begin_object();
    json_.member("name", queue.text());
    json_.member("kind", "TASK_QUEUE_KIND_NORMAL");
    json_.end_object();
  }
  static std::string worker_name(std::uint32_t worker) { return fmt::format("worker-{}@{}", worker, kSource); }
  std::string started_by(EventId started) const {
    return worker_name(std::get<ActivityTaskStarted>(history_.at(started).attributes).worker);
  }

  // A void argument or result is left out: an empty object would break the replayer.
  void payloads(std::string_view name, const Payload& payload) {
    if (payload == nullptr) return;
    std::string data;
    payload->write_json(data);
    json_.key(name).begin_object().key("payloads").begin_array();
    payload_of_json(data);
    json_.end_array().end_object();
  }
  void payload_of_json(const std::string& data) {
    const bool null = data == "null";
    json_.begin_object().key("metadata").begin_object();
    json_.member("encoding", null ? kBinaryNull : kJsonPlain);
    json_.end_object();
    if (!null) json_.member("data", to_base64(data));
    json_.end_object();
  }

  void retry_policy(const RetryPolicy& policy) {
    json_.key("retryPolicy").begin_object();
    duration("initialInterval", policy.initial_interval);
    json_.key("backoffCoefficient").raw(format_seconds(milliseconds(policy.coefficient_milli)));  // three decimals
    duration("maximumInterval", policy.maximum_interval);
    json_.member("maximumAttempts", policy.maximum_attempts);
    if (!policy.non_retryable.empty()) {
      json_.key("nonRetryableErrorTypes").begin_array();
      for (const Symbol type : policy.non_retryable) json_.value(type.text());
      json_.end_array();
    }
    json_.end_object();
  }

  void application_failure(const Failure& failure) {
    json_.begin_object();
    json_.member("message", failure.message);
    json_.member("source", kSource);
    json_.key("applicationFailureInfo").begin_object();
    if (failure.type) json_.member("type", failure.type.text());
    if (failure.non_retryable) json_.member("nonRetryable", true);
    if (failure.next_retry_delay.ns > 0) duration("nextRetryDelay", failure.next_retry_delay);
    json_.end_object().end_object();
  }
  void timeout_failure(const ActivityTaskTimedOut& e) {
    json_.begin_object();
    json_.member("message", fmt::format("activity {} timeout", timeout_word(e.type)));
    json_.member("source", "Server");
    if (e.last_failure != nullptr) {
      json_.key("cause");
      application_failure(*e.last_failure);
    }
    json_.key("timeoutFailureInfo").begin_object();
    json_.member("timeoutType", timeout_type(e.type));
    payloads("lastHeartbeatDetails", e.heartbeat_details);
    json_.end_object().end_object();
  }

  // A workflow that fails because an activity did says which: Temporal wraps the activity's failure.
  void workflow_failure(const FailureRef& failure) {
    json_.key("failure");
    for (EventId id = history_.last_id(); id >= 1; --id) {
      const Attributes& attributes = history_.at(id).attributes;
      if (const auto* failed = std::get_if<ActivityTaskFailed>(&attributes)) {
        if (failed->failure == failure) return activity_failure(*failed, [&] { application_failure(*failure); });
      } else if (const auto* late = std::get_if<ActivityTaskTimedOut>(&attributes)) {
        if (is_timeout_of(*late, *failure)) return activity_failure(*late, [&] { timeout_failure(*late); });
      }
    }
    application_failure(*failure);
  }
  static bool is_timeout_of(const ActivityTaskTimedOut& e, const Failure& failure) {
    const FailureRef handed = activity_timeout_failure(e.type, e.last_failure);
    return handed->type == failure.type && handed->message == failure.message;
  }
  template <class Close, class Cause>
  void activity_failure(const Close& close, const Cause& write_cause) {
    const auto& scheduled = std::get<ActivityTaskScheduled>(history_.at(close.scheduled).attributes);
    json_.begin_object();
    json_.member("message", "Activity task failed");
    json_.member("source", kSource);
    json_.key("cause");
    write_cause();
    json_.key("activityFailureInfo").begin_object();
    id("scheduledEventId", close.scheduled);
    id("startedEventId", close.started);
    json_.member("identity", close.started == 0 ? std::string(kSource) : started_by(close.started));
    type_member("activityType", scheduled.type);
    json_.member("activityId", fmt::format("{}", scheduled.activity_id));
    json_.member("retryState", retry_state(close));
    json_.end_object().end_object();
  }

  // Why no further attempt was made: the first reason of the server's order that holds.
  std::string_view retry_state(const ActivityTaskFailed& e) const {
    const RetryPolicy& policy = policy_of(e.scheduled);
    if (cancel_requested(e.scheduled)) return "RETRY_STATE_CANCEL_REQUESTED";
    const bool listed = std::find(policy.non_retryable.begin(), policy.non_retryable.end(), e.failure->type) !=
                        policy.non_retryable.end();
    if (e.failure->non_retryable || listed) return "RETRY_STATE_NON_RETRYABLE_FAILURE";
    return exhausted(policy, e.started);
  }
  std::string_view retry_state(const ActivityTaskTimedOut& e) const {
    if (cancel_requested(e.scheduled)) return "RETRY_STATE_CANCEL_REQUESTED";
    // The timeouts that count from scheduling are never retried. A schedule-to-close before its time is an attempt's
    // timeout that left no time for another one.
    if (e.type == TimeoutType::schedule_to_close && time_of(e) < expiry_of(e.scheduled)) return "RETRY_STATE_TIMEOUT";
    if (e.type == TimeoutType::schedule_to_start || e.type == TimeoutType::schedule_to_close)
      return "RETRY_STATE_NON_RETRYABLE_FAILURE";
    return exhausted(policy_of(e.scheduled), e.started);
  }
  std::string_view exhausted(const RetryPolicy& policy, EventId started) const {
    const auto* start = started == 0 ? nullptr : std::get_if<ActivityTaskStarted>(&history_.at(started).attributes);
    if (start != nullptr && policy.maximum_attempts != 0 && start->attempt >= policy.maximum_attempts)
      return "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED";
    return "RETRY_STATE_TIMEOUT";
  }
  Instant time_of(const ActivityTaskTimedOut& e) const {
    for (const HistoryEvent& event : history_.events())
      if (std::get_if<ActivityTaskTimedOut>(&event.attributes) == &e) return event.time;
    return {};
  }
  Instant expiry_of(EventId scheduled) const {
    const HistoryEvent& event = history_.at(scheduled);
    return event.time + std::get<ActivityTaskScheduled>(event.attributes).options->schedule_to_close;
  }
  bool cancel_requested(EventId scheduled) const {
    return std::any_of(history_.events().begin(), history_.events().end(), [scheduled](const HistoryEvent& event) {
      const auto* request = std::get_if<ActivityTaskCancelRequested>(&event.attributes);
      return request != nullptr && request->scheduled == scheduled;
    });
  }
  const RetryPolicy& policy_of(EventId scheduled) const {
    return std::get<ActivityTaskScheduled>(history_.at(scheduled).attributes).options->retry;
  }

  json::Writer json_;
  const History& history_;
  const TemporalJsonOptions& options_;
  const ExecutionInfo* info_ = nullptr;
  std::string text_;
  bool first_completed_seen_ = false;
};

}  // namespace

std::string event_type_constant(std::string_view type_name) {
  std::string out = "EVENT_TYPE";
  for (const char c : type_name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper) out += '_';
    out += upper ? c : static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string attributes_key(std::string_view type_name) {
  std::string out(type_name);
  if (!out.empty()) out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out + "EventAttributes";
}

void append_temporal_json(std::string& out, const History& history, const TemporalJsonOptions& options) {
  EventWriter(out, history, options).write_all();
}

}  // namespace dvt::engine
