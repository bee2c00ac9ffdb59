// recorded-execution: the workflow that `dvtsim import temporal` writes scenarios for when the recorded execution did
// its work with timers and other executions and called no activity. Its input is a script: what was opened, what had
// been closed by then, and how long it took. Timers are timers here, children are children (of the type
// recorded-child), so the engine's history has the recorded order.
//
//     {"operations": [{"kind": "child", "type": "shipment", "takes": "2s"},
//                     {"kind": "timer", "takes": "1ms", "after": [1]}],
//      "end": "completed"}
//
// An operation begins when all those in `after` (numbers, from 1) are over; `end` is how it ends: `completed` (the
// default), `open` (the execution does not wait for it), of a child also `failed` and `timed_out`, of a timer also
// `cancelled`, when the operations in `until` are over. The execution's own `end` is `completed`, `failed`,
// `continued_as_new` (the next execution has nothing to do) or `open`: it waits for ever, or for a cancel request.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

enum class RecordedEnd : std::uint8_t { completed, failed, timed_out, cancelled, continued_as_new, open };
std::string_view to_string(RecordedEnd end);

struct RecordedOperation {
  enum class Kind : std::uint8_t { timer, child };
  Kind kind = Kind::timer;
  std::string type;  // of a child, as recorded
  Duration takes;
  std::vector<std::uint32_t> after;  // places in the script, from 0
  std::vector<std::uint32_t> until;
  RecordedEnd end = RecordedEnd::completed;
};

/// Input of recorded-execution.
class RecordedScript final : public PayloadBody {
 public:
  RecordedScript(std::vector<RecordedOperation> operations_, RecordedEnd end_)
      : operations(std::move(operations_)), end(end_) {}
  void write_json(std::string& out) const override;

  const std::vector<RecordedOperation> operations;
  const RecordedEnd end;
};

/// Errors name the place in the script and what was expected there.
Result<Payload, std::vector<std::string>> read_recorded_script(const json::Value& input);

Payload recorded_execution(WorkflowContext& ctx, const ActivityOptionsRef& options, const Payload& script);
/// What recorded-execution starts as its children.
Payload recorded_child(WorkflowContext& ctx, const ActivityOptionsRef& options, const Payload& input);
inline constexpr std::string_view kRecordedChild = "recorded-child";

}  // namespace dvt::engine
