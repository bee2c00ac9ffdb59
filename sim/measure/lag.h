// Projection lag as an exact integral: between two facts the number of unprojected events and the oldest one's commit
// time are constant, so the bad time of each interval is known to the nanosecond. Bad while lag >= 50 events and the
// oldest is >= 1 s old (domain §13, projection-lag; both must fail, §20).
#pragma once

#include <cstdint>

#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

class LagTracker {
 public:
  static constexpr std::uint64_t kBadEvents = 50;
  static constexpr Duration kBadAge = seconds(1);
  static constexpr Duration kWindow = minutes(5);
  /// Bad stretches closer than this are one span.
  static constexpr Duration kSpanGap = minutes(1);

  explicit LagTracker(Instant from) : from_(from), window_end_(from + kWindow) {}

  /// The state from `now` on. `oldest` is meaningful when events > 0.
  void set(std::uint64_t events, Instant oldest, Instant now) {
    if (now > last_) advance(now);
    events_ = events;
    oldest_ = oldest;
    if (events > 0) any_event_ = true;
    if (now >= from_ && events > max_events_) max_events_ = events;
  }
  /// Accounts the time up to `now`.
  void advance(Instant now);

  std::uint64_t events() const { return events_; }
  Duration age(Instant now) const { return events_ == 0 ? Duration{} : now - oldest_; }
  bool is_bad(Instant now) const { return events_ >= kBadEvents && age(now) >= kBadAge; }
  /// Bad time since t0, warm-up included: what dvt_projection_lag_bad_ms_total shows.
  Duration bad_since_start() const { return bad_since_start_; }
  LagSummary summary(Instant end);

 private:
  void account(Instant from, Instant to, Duration bad_at_end);
  void close_window();
  void note_bad(Instant from, Instant to);

  Instant from_;  // warm-up's end
  Instant last_;
  Instant oldest_;
  Instant window_end_;
  std::uint64_t events_ = 0;
  std::uint64_t max_events_ = 0;
  Duration max_age_;
  Duration bad_;
  Duration bad_since_start_;
  Duration window_bad_;
  Duration window_total_;
  WindowCount windows_;
  std::vector<TimeSpan> bad_spans_;
  bool any_event_ = false;
};

}  // namespace dvt::sim
