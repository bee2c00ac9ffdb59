// A union of time intervals, kept disjoint and sorted while intervals are added in any order. One a run in flight: the
// time that is not the control plane's (domain §13, completion). Adding near the end, the usual case, is O(1).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/time.h"

namespace dvt::sim {

class IntervalUnion {
 public:
  /// Adds [from, to); nothing when it is empty.
  void add(Instant from, Instant to) {
    if (from >= to) return;
    std::size_t last = intervals_.size();
    while (last > 0 && intervals_[last - 1].from > to) --last;
    std::size_t first = last;
    while (first > 0 && intervals_[first - 1].to >= from) {
      --first;
      if (intervals_[first].from < from) from = intervals_[first].from;
      if (intervals_[first].to > to) to = intervals_[first].to;
    }
    const auto at = intervals_.begin() + static_cast<std::ptrdiff_t>(first);
    if (first == last) {
      intervals_.insert(at, {from, to});
      return;
    }
    *at = {from, to};
    intervals_.erase(at + 1, intervals_.begin() + static_cast<std::ptrdiff_t>(last));
  }

  /// Length of the union within [from, to).
  Duration covered(Instant from, Instant to) const {
    Duration sum;
    for (const Interval& interval : intervals_) {
      const Instant a = interval.from > from ? interval.from : from;
      const Instant b = interval.to < to ? interval.to : to;
      if (a < b) sum += b - a;
    }
    return sum;
  }

  void clear() { intervals_.clear(); }
  std::size_t size() const { return intervals_.size(); }

 private:
  struct Interval {
    Instant from;
    Instant to;
  };
  std::vector<Interval> intervals_;
};

}  // namespace dvt::sim
