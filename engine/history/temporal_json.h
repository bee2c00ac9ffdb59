// A history in Temporal's JSON form (spec: Temporal histories, "JSON form"), as the SDKs' replayers read it.
// Enumerations stand in their full spelling, int64 as strings, durations as "1.5s". What the engine does not keep,
// because it follows from other events (retry states, the failure that an activity hands to its workflow), is worked
// out here.
#pragma once

#include <string>

#include "engine/history/events.h"

namespace dvt::engine {

struct TemporalJsonOptions {
  UnixNanos start;  // of Instant 0
  std::string_view name_space = "default";
};

/// Appends {"events":[…]}, compact. The history's first event must be WorkflowExecutionStarted.
void append_temporal_json(std::string& out, const History& history, const TemporalJsonOptions& options);

/// "ActivityTaskScheduled" → "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED".
std::string event_type_constant(std::string_view type_name);
/// "ActivityTaskScheduled" → "activityTaskScheduledEventAttributes".
std::string attributes_key(std::string_view type_name);

}  // namespace dvt::engine
