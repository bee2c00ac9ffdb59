// Minutes of the control plane, good and bad (domain §13, availability). Told what happened in the present minute, it
// judges the minute when it is over. Minutes are counted from the scenario's start; one byte each is kept, so that
// windows, budgets and slices can be cut afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

class MinuteJudge {
 public:
  /// A valid request was answered, or its client gave up.
  void request(bool failed, Instant at) {
    advance(at);
    ++valid_;
    if (failed) ++failing_;
  }
  /// A write was tried, and ended.
  void write(bool ok, Instant at) {
    advance(at);
    ++(ok ? writes_ : failed_writes_);
  }
  /// A no-op run was asked for. Precondition: at a minute's beginning, once a minute.
  void probe_asked(Instant at) {
    advance(at);
    probe_asked_ = true;
    probe_seen_ = false;
  }
  /// Its RunStarted is in the log. False when that was too late.
  bool probe_seen(Instant asked_at, Instant at) {
    advance(at);
    const bool in_time = at - asked_at < minutes(1);
    if (in_time) probe_seen_ = true;
    return in_time;
  }
  /// Judges every minute that has ended by `now`.
  void advance(Instant now) {
    while (now >= end_) close_minute();
  }

  /// MinuteFlag bits of each minute that has ended, from the start on.
  const std::vector<std::uint8_t>& ended() const { return ended_; }

 private:
  void close_minute();

  Instant end_ = Instant{} + minutes(1);
  std::uint64_t valid_ = 0;
  std::uint64_t failing_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t failed_writes_ = 0;
  bool probe_asked_ = false;
  bool probe_seen_ = false;
  std::vector<std::uint8_t> ended_;
};

/// Minutes [from, to) of `ended`, by number from the start: judged, good, and why they were bad.
MinuteCounts count_minutes(const std::vector<std::uint8_t>& ended, std::size_t from, std::size_t to);

}  // namespace dvt::sim
