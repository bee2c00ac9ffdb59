// Scenarios from recorded Temporal histories: what the workflow's activities did becomes a plan whose steps take as
// long and wait for the same things, so that the control plane can be tried with work that was recorded. Pure functions
// of texts; the same texts give the same scenario.
//
// Rules
// - An activity becomes a step, in the order of ActivityTaskScheduled. It waits for what was closed when the workflow
//   scheduled it: that is all the workflow can have waited for.
// - A step takes the time from the first scheduling of its stage (the activities that wait for the same) to the
//   activity's close, attempts, waits and back-off included, so that closes keep their order.
// - Where stages overlap, a barrier between layers would change the order: the scenario asks for the `dataflow`
//   interpreter, and a step takes the time since the last close it waited for.
// - Activities and the control plane's own calls do not share time: the scenario's latencies of RPCs, workflow tasks
// and
//   the store are zero. So nothing is buffered, and each start stands directly before its close.
// - An activity that failed or timed out fails its step when nothing happened after it. DVT stops a run there; a
// workflow
//   that went on shows that the failure was handled, and the step completes.
// - An execution that called no activity becomes a run of the workflow recorded-execution
//   (engine/workflow/recorded_execution.h) instead of a plan: its timers are timers, its child workflows children that
//   take their time. Nexus operations become children too: the engine has no other work of other executions. An
//   execution that did nothing at all becomes a run that does nothing.
// - What is left out or done otherwise is told in warnings and in the scenario's first comment.
// - Signals pause and resume, and a cancel request that led to the execution's cancellation, become operations at their
//   times. Other signals, and child workflows, timers and Nexus operations beside activities, are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/history/event_facts.h"

namespace dvt::sim {

enum class ActivityEnd : std::uint8_t { completed, failed, timed_out, cancelled, open };
std::string_view to_string(ActivityEnd end);

/// Times count from the execution's start.
struct RecordedActivity {
  std::string step_id;      // of the step it becomes: its number and its type
  std::string activity_id;  // as recorded
  std::string type;
  engine::EventId scheduled_event = 0;
  engine::EventId closed_event = 0;  // 0: open
  Duration scheduled_at;
  std::optional<Duration> started_at;  // of the last attempt; absent: it never started
  std::optional<Duration> closed_at;
  std::uint32_t attempts = 0;  // 0: it never started
  ActivityEnd end = ActivityEnd::open;
  std::string error;               // of a failure
  std::vector<std::size_t> after;  // activities it waited for, without those that follow from others
};

/// A timer, child workflow or Nexus operation. How it ended: of timers completed means fired.
struct RecordedWork {
  enum class Kind : std::uint8_t { timer, child, nexus };
  Kind kind = Kind::timer;
  std::string name;  // the child's type; empty for timers
  engine::EventId opened_event = 0;
  engine::EventId closed_event = 0;  // 0: open
  Duration opened_at;
  std::optional<Duration> closed_at;
  ActivityEnd end = ActivityEnd::open;
  std::vector<std::size_t> after;  // places in RecordedWorkflow::work, as RecordedActivity::after
};

std::string_view to_string(RecordedWork::Kind kind);

struct RecordedSignal {
  Duration at;
  std::string name;  // empty: a cancel request
};

/// One recorded execution.
struct RecordedWorkflow {
  std::string source;  // where it was read from, for messages
  std::string type;
  UnixNanos start;
  Duration length;    // to the last event
  std::string ended;  // the closing event, e.g. WorkflowExecutionCompleted; empty: open
  std::vector<RecordedActivity> activities;
  std::vector<RecordedWork> work;
  std::vector<RecordedSignal> signals;
  std::vector<std::string> left_out;  // kinds of events without a counterpart, with their number
};

RecordedWorkflow recorded_workflow(std::span<const engine::EventFacts> events, std::string source);

/// What is known of one type of activity, over all executions.
struct ActivityTypeWork {
  std::string type;
  std::size_t count = 0;
  std::size_t retries = 0;             // attempts after the first
  std::size_t failed = 0;              // failed, timed out
  Duration shortest, median, longest;  // scheduled to closed, of those that closed
};
/// By name.
std::vector<ActivityTypeWork> work_by_type(std::span<const RecordedWorkflow> workflows);

struct Reenactment {
  std::string scenario;                                    // YAML
  std::vector<std::pair<std::string, std::string>> files;  // file names beside the scenario, and their texts
  std::vector<std::string> warnings;
};

/// `stem` names the scenario and the files beside it. One workflow is one run that happens at once. Several are plans
/// of equal weight, and their runs arrive as they were started; which run takes which plan is drawn. There must be one.
Reenactment reenact(std::span<const RecordedWorkflow> workflows, const std::string& stem);

}  // namespace dvt::sim
