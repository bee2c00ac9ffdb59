// RunLog: one run as the store's facts told it: its rows in commit order, the fold of all of them, and the fold of
// those the projector has covered. What the log checker keeps for each run, and what other checkers read.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/digest_index.h"
#include "engine/ports/telemetry.h"

namespace dvt::sim {

/// A stored row, without its payload.
struct LogRow {
  std::uint64_t position = 0;
  std::uint64_t run_seq = 0;
  Uuid event_id;
  Instant persisted_at;
  Instant emitted_at;
  StepIndex step = kNoStep;
  std::uint32_t logical_attempt = 1;
  EventType type = EventType::run_queued;
};

class RunLog {
 public:
  static constexpr std::size_t kNone = DigestIndex::kNone;

  /// The first 64 bits of a SHA-256 tell the keys of one run apart.
  static std::uint64_t short_key(const Digest& key) { return DigestIndex::short_key(key); }

  void add(const StoredEvent& event);
  /// Index of the row with this key; kNone when there is none.
  std::size_t find_key(std::uint64_t key) const { return keys_.find(key); }
  /// Index of the row with this run_seq; kNone when there is none. Rows stand in the order of run_seq.
  std::size_t find_seq(std::uint64_t run_seq) const;
  void reset();

  std::vector<LogRow> rows;
  RunState head;       // fold of all rows
  RunState projected;  // fold of the first `projected_rows`
  std::size_t projected_rows = 0;
  bool started = false;
  bool closed = false;
  Instant closed_at;
  Instant terminal_at;                 // when `head` became terminal
  std::uint64_t unwritten_key = 0;     // of the last append that failed and was not made good; 0: none
  std::uint32_t failed_activity = 0;   // a store-writing control activity that failed, and was not retried; 0: none
  bool projection_differs = false;     // told already
  std::vector<StepIndex> failed_open;  // steps whose StepStarted could not be written in time
  std::optional<RunStatus> shown_end;  // a terminal status that a snapshot showed
  Instant shown_end_at;

 private:
  DigestIndex keys_;  // of `rows`
};

}  // namespace dvt::sim
