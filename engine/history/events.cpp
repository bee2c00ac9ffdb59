#include "engine/history/events.h"

#include <array>

#include "engine/base/format.h"

namespace dvt::engine {

std::string_view to_string(TimeoutType type) {
  switch (type) {
    case TimeoutType::start_to_close:
      return "START_TO_CLOSE";
    case TimeoutType::schedule_to_start:
      return "SCHEDULE_TO_START";
    case TimeoutType::schedule_to_close:
      return "SCHEDULE_TO_CLOSE";
    case TimeoutType::heartbeat:
      return "HEARTBEAT";
  }
  return "?";
}

std::string_view to_string(ParentClosePolicy policy) {
  switch (policy) {
    case ParentClosePolicy::terminate:
      return "TERMINATE";
    case ParentClosePolicy::abandon:
      return "ABANDON";
    case ParentClosePolicy::request_cancel:
      return "REQUEST_CANCEL";
  }
  return "?";
}

std::string_view to_string(WorkflowTaskFailedCause cause) {
  switch (cause) {
    case WorkflowTaskFailedCause::unhandled_command:
      return "UNHANDLED_COMMAND";
    case WorkflowTaskFailedCause::nondeterminism:
      return "NON_DETERMINISTIC_ERROR";
    case WorkflowTaskFailedCause::workflow_worker_unhandled_failure:
      return "WORKFLOW_WORKER_UNHANDLED_FAILURE";
    case WorkflowTaskFailedCause::force_close_command:
      return "FORCE_CLOSE_COMMAND";
    case WorkflowTaskFailedCause::reset_workflow:
      return "RESET_WORKFLOW";
    case WorkflowTaskFailedCause::bad_schedule_activity_attributes:
      return "BAD_SCHEDULE_ACTIVITY_ATTRIBUTES";
    case WorkflowTaskFailedCause::bad_cancel_timer_attributes:
      return "BAD_CANCEL_TIMER_ATTRIBUTES";
    case WorkflowTaskFailedCause::pending_activities_limit_exceeded:
      return "PENDING_ACTIVITIES_LIMIT_EXCEEDED";
  }
  return "?";
}

FailureRef activity_timeout_failure(TimeoutType type, const FailureRef& last) {
  auto failure = std::make_shared<Failure>();
  failure->message =
      fmt::format("activity timed out: {}{}", to_string(type), last != nullptr ? ": " + last->message : "");
  failure->type = Symbol::intern("TimeoutError");
  return failure;
}

bool is_activity_close(const Attributes& attributes) {
  return std::holds_alternative<ActivityTaskCompleted>(attributes) ||
         std::holds_alternative<ActivityTaskFailed>(attributes) ||
         std::holds_alternative<ActivityTaskTimedOut>(attributes) ||
         std::holds_alternative<ActivityTaskCanceled>(attributes);
}

EventId scheduled_of_close(const Attributes& attributes) {
  return std::visit(
      [](const auto& body) -> EventId {
        using Body = std::remove_cvref_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, ActivityTaskCompleted> || std::is_same_v<Body, ActivityTaskFailed> ||
                      std::is_same_v<Body, ActivityTaskTimedOut> || std::is_same_v<Body, ActivityTaskCanceled>)
          return body.scheduled;
        return 0;
      },
      attributes);
}

bool is_child_close(const Attributes& attributes) {
  return std::holds_alternative<ChildWorkflowExecutionCompleted>(attributes) ||
         std::holds_alternative<ChildWorkflowExecutionFailed>(attributes) ||
         std::holds_alternative<ChildWorkflowExecutionCanceled>(attributes) ||
         std::holds_alternative<ChildWorkflowExecutionTimedOut>(attributes) ||
         std::holds_alternative<ChildWorkflowExecutionTerminated>(attributes);
}

void set_started(Attributes& attributes, EventId started) {
  DVT_ASSERT(is_activity_close(attributes), "only closes of activities refer to a start");
  std::visit(
      [started](auto& body) {
        using Body = std::remove_cvref_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, ActivityTaskCompleted> || std::is_same_v<Body, ActivityTaskFailed> ||
                      std::is_same_v<Body, ActivityTaskTimedOut> || std::is_same_v<Body, ActivityTaskCanceled>)
          body.started = started;
      },
      attributes);
}

std::uint64_t approximate_bytes(const Attributes& attributes) {
  // An encoded event without payloads takes some 60 to 200 bytes: time, ids, task queue, identity, timeouts.
  constexpr std::uint64_t kFields = 100;
  const auto of_payload = [](const Payload& payload) { return payload != nullptr ? payload->approximate_bytes() : 0; };
  const auto of_failure = [](const FailureRef& failure) {
    return failure != nullptr ? failure->message.size() + failure->type.text().size() : 0;
  };
  return std::visit(
      [&](const auto& body) {
        std::uint64_t bytes = kFields;
        if constexpr (requires { body.input; }) bytes += of_payload(body.input);
        if constexpr (requires { body.result; }) bytes += of_payload(body.result);
        if constexpr (requires { body.details; }) bytes += of_payload(body.details);
        if constexpr (requires { body.heartbeat_details; }) bytes += of_payload(body.heartbeat_details);
        if constexpr (requires { body.failure; }) bytes += of_failure(body.failure);
        if constexpr (requires { body.last_failure; }) bytes += of_failure(body.last_failure);
        return bytes;
      },
      attributes);
}

void set_child_started(Attributes& attributes, const History& history) {
  DVT_ASSERT(is_child_close(attributes), "only closes of children refer to a child's start");
  const auto started_of = [&history](EventId initiated) {
    for (EventId id = history.last_id(); id > initiated; --id) {
      const auto* started = std::get_if<ChildWorkflowExecutionStarted>(&history.at(id).attributes);
      if (started != nullptr && started->initiated == initiated) return id;
    }
    return EventId{0};
  };
  std::visit(
      [&](auto& body) {
        if constexpr (requires {
                        body.child;
                        body.started;
                      })
          body.started = started_of(body.initiated);
      },
      attributes);
}

std::string_view type_name(std::size_t alternative) {
  // In the order of the alternatives of Attributes.
  static constexpr std::array<std::string_view, std::variant_size_v<Attributes>> kNames{
      "WorkflowExecutionStarted",
      "WorkflowExecutionCompleted",
      "WorkflowExecutionFailed",
      "WorkflowExecutionTimedOut",
      "WorkflowExecutionCancelRequested",
      "WorkflowExecutionCanceled",
      "WorkflowExecutionSignaled",
      "WorkflowExecutionTerminated",
      "WorkflowExecutionContinuedAsNew",
      "WorkflowTaskScheduled",
      "WorkflowTaskStarted",
      "WorkflowTaskCompleted",
      "WorkflowTaskTimedOut",
      "WorkflowTaskFailed",
      "ActivityTaskScheduled",
      "ActivityTaskStarted",
      "ActivityTaskCompleted",
      "ActivityTaskFailed",
      "ActivityTaskTimedOut",
      "ActivityTaskCancelRequested",
      "ActivityTaskCanceled",
      "TimerStarted",
      "TimerFired",
      "TimerCanceled",
      "MarkerRecorded",
      "StartChildWorkflowExecutionInitiated",
      "StartChildWorkflowExecutionFailed",
      "ChildWorkflowExecutionStarted",
      "ChildWorkflowExecutionCompleted",
      "ChildWorkflowExecutionFailed",
      "ChildWorkflowExecutionCanceled",
      "ChildWorkflowExecutionTimedOut",
      "ChildWorkflowExecutionTerminated",
      "RequestCancelExternalWorkflowExecutionInitiated",
      "RequestCancelExternalWorkflowExecutionFailed",
      "ExternalWorkflowExecutionCancelRequested",
      "SignalExternalWorkflowExecutionInitiated",
      "SignalExternalWorkflowExecutionFailed",
      "ExternalWorkflowExecutionSignaled",
      "UpsertWorkflowSearchAttributes",
      "WorkflowExecutionUpdateAccepted",
      "WorkflowExecutionUpdateCompleted"};
  return kNames.at(alternative);
}

std::string_view type_name(const HistoryEvent& event) {
  return type_name(event.attributes.index());
}

}  // namespace dvt::engine
