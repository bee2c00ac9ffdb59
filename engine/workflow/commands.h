// Commands: what a workflow task hands back to the server. Each carries where in the workflow code it was issued, for
// the non-determinism report.
#pragma once

#include <cstdint>
#include <source_location>
#include <variant>

#include "engine/history/events.h"

namespace dvt::engine {

struct ScheduleActivity {
  std::uint32_t activity_id = 0;
  Symbol type;
  Payload input;
  ActivityOptionsRef options;
};
struct CancelActivity {
  std::uint32_t activity_id = 0;
};
struct StartTimer {
  std::uint32_t timer_id = 0;
  Duration after;
};
struct CancelTimer {
  std::uint32_t timer_id = 0;
};
struct RecordMarker {
  Symbol name;
  Payload details;
};
/// `number` counts the children that this execution started, from 1; it is not in the history.
struct StartChild {
  std::uint32_t number = 0;
  ChildInfoRef child;
  Payload input;
};
struct CancelExternal {
  std::uint32_t number = 0;  // counts the requests to other executions (cancel and signal), from 1
  ExternalTargetRef target;
};
struct SignalExternal {
  std::uint32_t number = 0;
  ExternalTargetRef target;
  Symbol name;
  Payload input;
};
struct UpsertSearchAttributes {
  SearchAttributesRef attributes;
};
/// The validator let the update in; from here on its handler's commands follow.
struct AcceptUpdate {
  UpdateRequestRef request;
  EventId sequencing = 0;
};
struct CompleteUpdate {
  UpdateRequestRef request;
  Payload result;
  FailureRef failure;
};
struct CompleteWorkflow {
  Payload result;
};
struct FailWorkflow {
  FailureRef failure;
};
struct CancelWorkflow {};
struct ContinueAsNew {
  Payload input;
};

// Those that close the execution stand at the end.
using CommandBody = std::variant<ScheduleActivity, CancelActivity, StartTimer, CancelTimer, RecordMarker, StartChild,
                                 CancelExternal, SignalExternal, UpsertSearchAttributes, AcceptUpdate, CompleteUpdate,
                                 CompleteWorkflow, FailWorkflow, CancelWorkflow, ContinueAsNew>;

struct Command {
  CommandBody body;
  std::source_location where;
  /// True for the commands after which the execution has no more workflow tasks.
  bool closes_execution() const {
    return std::holds_alternative<CompleteWorkflow>(body) || std::holds_alternative<FailWorkflow>(body) ||
           std::holds_alternative<CancelWorkflow>(body) || std::holds_alternative<ContinueAsNew>(body);
  }
};

/// An update that travels with a workflow task (no history event brings it).
struct UpdateMessage {
  UpdateRequestRef request;
  EventId sequencing = 0;  // the last event before the task was started
};

/// An update that the workflow code refused.
struct UpdateRejection {
  UpdateRequestRef request;
  FailureRef failure;
};

}  // namespace dvt::engine
