// The integral, cut at the boundaries of the five-minute windows.
#include "sim/measure/lag.h"

#include <algorithm>

namespace dvt::sim {

void LagTracker::advance(Instant now) {
  if (now <= last_) return;
  const Instant begin = last_;
  last_ = now;
  // The bad part of an interval is always its end: the oldest event only grows older.
  Duration bad;
  if (events_ >= kBadEvents) bad = std::max(Duration{}, now - std::max(begin, oldest_ + kBadAge));
  bad_since_start_ += bad;
  if (now <= from_) return;
  if (events_ > 0) {
    max_events_ = std::max(max_events_, events_);
    max_age_ = std::max(max_age_, now - oldest_);
  }
  const Instant counted_from = std::max(begin, from_);
  account(counted_from, now, std::min(bad, now - counted_from));
}

void LagTracker::account(Instant from, Instant to, Duration bad_at_end) {
  bad_ += bad_at_end;
  const Instant bad_from = to - bad_at_end;
  if (bad_from < to) note_bad(bad_from, to);
  while (from < to) {
    const Instant until = std::min(to, window_end_);
    window_total_ += until - from;
    if (until > bad_from) window_bad_ += until - std::max(from, bad_from);
    from = until;
    if (from == window_end_) close_window();
  }
}

void LagTracker::note_bad(Instant from, Instant to) {
  if (!bad_spans_.empty() && from - bad_spans_.back().to < kSpanGap) {
    bad_spans_.back().to = to;
  } else {
    bad_spans_.push_back({from, to});
  }
}

void LagTracker::close_window() {
  ++windows_.n;
  if (1000 * (window_total_ - window_bad_).ns < 999 * window_total_.ns) ++windows_.failed;
  window_total_ = {};
  window_bad_ = {};
  window_end_ = window_end_ + kWindow;
}

LagSummary LagTracker::summary(Instant end) {
  advance(end);
  LagSummary out;
  out.total = end > from_ ? end - from_ : Duration{};
  out.bad = bad_;
  out.max_events = max_events_;
  out.max_age = max_age_;
  out.any_event = any_event_;
  out.windows = windows_;
  out.bad_spans = bad_spans_;
  if (window_total_.ns > 0) {
    ++out.windows.n;
    if (1000 * (window_total_ - window_bad_).ns < 999 * window_total_.ns) ++out.windows.failed;
  }
  return out;
}

}  // namespace dvt::sim
