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

using CommandBody = std::variant<ScheduleActivity, CancelActivity, StartTimer, CancelTimer, RecordMarker,
                                 CompleteWorkflow, FailWorkflow, CancelWorkflow, ContinueAsNew>;

struct Command {
  CommandBody body;
  std::source_location where;
  /// True for the commands after which the execution has no more workflow tasks.
  bool closes_execution() const { return body.index() >= 5; }
};

}  // namespace dvt::engine
