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
      "MarkerRecorded"};
  return kNames.at(alternative);
}

std::string_view type_name(const HistoryEvent& event) {
  return type_name(event.attributes.index());
}

}  // namespace dvt::engine
