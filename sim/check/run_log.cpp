// Keeping, finding and forgetting a run's rows.
#include "sim/check/run_log.h"

#include <algorithm>

#include "engine/base/reuse.h"

namespace dvt::sim {

void RunLog::add(const StoredEvent& event) {
  rows.push_back({event.position, event.run_seq, event.event_id, event.persisted_at, event.emitted_at, event.step,
                  event.logical_attempt, event.type});
  keys_.add(short_key(event.idempotency_key));
}

std::size_t RunLog::find_seq(std::uint64_t run_seq) const {
  const auto row = std::lower_bound(rows.begin(), rows.end(), run_seq,
                                    [](const LogRow& a, std::uint64_t wanted) { return a.run_seq < wanted; });
  return row != rows.end() && row->run_seq == run_seq ? static_cast<std::size_t>(row - rows.begin()) : kNone;
}

namespace {

void clear(RunState& state) {
  auto steps = std::move(state.steps);
  constexpr std::size_t kStepsBytesMax = 1'024;  // there are two a run
  empty_for_reuse(steps, kStepsBytesMax);
  state = RunState{};
  state.steps = std::move(steps);
}

}  // namespace

void RunLog::reset() {
  empty_for_reuse(rows);
  clear(head);
  clear(projected);
  projected_rows = 0;
  started = closed = false;
  closed_at = terminal_at = shown_end_at = Instant{};
  unwritten_key = 0;
  failed_activity = 0;
  projection_differs = false;
  failed_open.clear();
  shown_end.reset();
  keys_.reset();
}

}  // namespace dvt::sim
