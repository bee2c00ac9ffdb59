// What rules and importers read of a history event, wherever it came from: the engine's own histories or files in
// Temporal's JSON. It knows more types of events than the engine writes (Nexus, external workflows), and ids of
// activities and timers are texts, as other SDKs make them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/history/events.h"

namespace dvt::engine {

enum class EventKind : std::uint8_t {
  workflow_execution_started,
  workflow_execution_completed,
  workflow_execution_failed,
  workflow_execution_timed_out,
  workflow_execution_cancel_requested,
  workflow_execution_canceled,
  workflow_execution_signaled,
  workflow_execution_terminated,
  workflow_execution_continued_as_new,
  workflow_execution_options_updated,
  workflow_execution_update_admitted,
  workflow_execution_update_accepted,
  workflow_execution_update_completed,
  workflow_execution_update_rejected,
  workflow_task_scheduled,
  workflow_task_started,
  workflow_task_completed,
  workflow_task_timed_out,
  workflow_task_failed,
  activity_task_scheduled,
  activity_task_started,
  activity_task_completed,
  activity_task_failed,
  activity_task_timed_out,
  activity_task_cancel_requested,
  activity_task_canceled,
  timer_started,
  timer_fired,
  timer_canceled,
  marker_recorded,
  upsert_workflow_search_attributes,
  workflow_properties_modified,
  start_child_workflow_execution_initiated,
  start_child_workflow_execution_failed,
  child_workflow_execution_started,
  child_workflow_execution_completed,
  child_workflow_execution_failed,
  child_workflow_execution_canceled,
  child_workflow_execution_timed_out,
  child_workflow_execution_terminated,
  signal_external_workflow_execution_initiated,
  signal_external_workflow_execution_failed,
  external_workflow_execution_signaled,
  request_cancel_external_workflow_execution_initiated,
  request_cancel_external_workflow_execution_failed,
  external_workflow_execution_cancel_requested,
  nexus_operation_scheduled,
  nexus_operation_started,
  nexus_operation_completed,
  nexus_operation_failed,
  nexus_operation_canceled,
  nexus_operation_timed_out,
  nexus_operation_cancel_requested,
  unknown,
};

/// "ActivityTaskScheduled"; "?" for unknown.
std::string_view to_string(EventKind kind);
/// From the short spelling ("ActivityTaskScheduled") or the full one ("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED").
EventKind event_kind(std::string_view type);

struct EventFacts {
  EventKind kind = EventKind::unknown;
  std::int64_t id = 0;  // as the event says; its place in the history should be the same
  UnixNanos time;

  // References; 0: not given.
  EventId scheduled = 0;
  EventId started = 0;
  EventId initiated = 0;
  EventId accepted = 0;
  EventId cancel_requested = 0;
  EventId task_completed = 0;

  std::uint32_t attempt = 0;  // 0: not given
  bool last_failure = false;
  std::optional<TimeoutType> timeout;

  // ActivityTaskScheduled; start_to_close is also a timer's duration.
  Duration schedule_to_close, schedule_to_start, start_to_close, heartbeat;
  bool retry_policy = false;
  std::uint32_t maximum_attempts = 0;  // 0: unlimited

  std::string subject;  // activityId, timerId, updateId: the name of what it is about
  std::string name;     // of the type of workflow or activity, of the signal or marker; a Nexus SERVICE/OPERATION
  std::string error;    // a failure's type, or its message; the cause of a failed workflow task
  std::string type;     // as the event says, when it is unknown
};

/// The facts of a history of the engine.
std::vector<EventFacts> event_facts(const History& history, UnixNanos start);

/// Reads a file in Temporal's JSON: either spelling of types, ids as texts or numbers, durations as "10s" or
/// {seconds, nanos}. Errors say which event and what was expected; unknown types of events are no error here.
Result<std::vector<EventFacts>, std::vector<std::string>> read_temporal_json(std::string_view text);

}  // namespace dvt::engine
