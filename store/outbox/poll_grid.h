// The instants at which a poller looks: origin + k × interval. Polls that would find nothing are skipped, so the timers
// of idle pollers cost nothing; whoever makes work available asks for the next instant of the grid. Exactly
// equivalent to polling for ever, with one rule for ties: what is committed at an instant of the grid is seen at the
// next.
#pragma once

#include "engine/base/time.h"

namespace dvt::store {

struct PollGrid {
  Instant origin;
  Duration interval;

  /// The first instant of the grid at or after `time`; never before the origin.
  Instant at_or_after(Instant time) const {
    if (time <= origin) return origin;
    const std::int64_t steps = ((time - origin).ns + interval.ns - 1) / interval.ns;
    return origin + interval * steps;
  }
  Instant after(Instant time) const { return at_or_after(time + nanoseconds(1)); }

  /// The grid of poller `index` of `count`: spread evenly over the interval, so that they do not poll all at once.
  static PollGrid staggered(Instant start, Duration interval, std::uint32_t index, std::uint32_t count) {
    return PollGrid{start + Duration{interval.ns / count * index}, interval};
  }
};

}  // namespace dvt::store
