// The index of keys: a run has about twenty rows, and may have a hundred thousand.
#include "sim/check/run_log.h"

#include <algorithm>
#include <cstring>

namespace dvt::sim {

std::uint64_t RunLog::short_key(const Digest& key) {
  std::uint64_t word = 0;
  std::memcpy(&word, key.bytes.data(), sizeof word);
  return word;
}

void RunLog::add(const StoredEvent& event) {
  rows.push_back({event.position, event.run_seq, event.event_id, event.persisted_at, event.emitted_at, event.step,
                  event.logical_attempt, event.type});
  keys_.push_back(short_key(event.idempotency_key));
  if (rows.size() <= kScanned) return;
  if (cells_.size() < rows.size() * 2) {
    cells_.assign(std::max<std::size_t>(256, cells_.size() * 4), 0);
    for (std::size_t row = 0; row < keys_.size(); ++row) index_key(keys_[row], row);
  } else {
    index_key(keys_.back(), keys_.size() - 1);
  }
}

void RunLog::index_key(std::uint64_t key, std::size_t row) {
  const std::size_t mask = cells_.size() - 1;
  std::size_t i = static_cast<std::size_t>(key) & mask;
  while (cells_[i] != 0) i = (i + 1) & mask;
  cells_[i] = static_cast<std::uint32_t>(row + 1);
}

std::size_t RunLog::find_key(std::uint64_t key) const {
  if (cells_.empty()) {
    for (std::size_t row = keys_.size(); row-- > 0;) {
      if (keys_[row] == key) return row;
    }
    return kNone;
  }
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t i = static_cast<std::size_t>(key) & mask; cells_[i] != 0; i = (i + 1) & mask) {
    if (keys_[cells_[i] - 1] == key) return cells_[i] - 1;
  }
  return kNone;
}

std::size_t RunLog::find_seq(std::uint64_t run_seq) const {
  const auto row = std::lower_bound(rows.begin(), rows.end(), run_seq,
                                    [](const LogRow& a, std::uint64_t wanted) { return a.run_seq < wanted; });
  return row != rows.end() && row->run_seq == run_seq ? static_cast<std::size_t>(row - rows.begin()) : kNone;
}

namespace {

void clear(RunState& state) {
  auto steps = std::move(state.steps);
  steps.clear();
  state = RunState{};
  state.steps = std::move(steps);
}

}  // namespace

void RunLog::reset() {
  rows.clear();
  clear(head);
  clear(projected);
  projected_rows = 0;
  started = closed = false;
  closed_at = terminal_at = shown_end_at = Instant{};
  unwritten_key = 0;
  failed_activity = 0;
  plan_failed = projection_differs = false;
  failed_open.clear();
  shown_end.reset();
  keys_.clear();
  cells_.clear();
}

}  // namespace dvt::sim
