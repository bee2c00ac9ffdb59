// Impact: when the exact indicator of an objective was bad, and how much of the run's error budget was gone when. The
// truth that alerts are judged on (domain §14); the other truth, causes, are the faults' own intervals.
//
// Readings. The error rate's indicator is judged as a latency's, by one in a thousand. A latency's indicator is bad in
// a five-minute window in which more of the observations were bad than a share of exactly 1 % would explain: more than
// m + 4·√m + 3 for m = n/100, which chance reaches in one of some 50,000 windows. A service that just meets its target
// misses 1 % in many windows, and two slow runs of 174 trip any p99 (domain §20); that is no incident. The span runs
// from the first bad observation of the window to the last one; adjacent windows are one span. The projection lag is
// bad when it is bad, to the nanosecond. A confirmed gap is bad for the minute in which an alert shall tell of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

struct Impact {
  std::string objective;
  std::vector<TimeSpan> spans;  // ascending, disjoint
  /// What the objective's budget allows over the whole run, in the unit of `spent`; 0: nothing may be bad.
  double allowed = 0;
  std::vector<std::pair<Instant, double>> spent;  // until when, how much was bad; ascending

  /// Share of the run's budget that was gone; nullopt when the budget is nothing.
  std::optional<double> consumed(Instant at) const;
};

/// Of every objective whose exact indicator is measured over time. One that is not here has no known impact.
std::vector<Impact> impacts(const Measurements& measured);
/// nullptr when the objective's impact is not known.
const Impact* find_impact(const std::vector<Impact>& impacts, std::string_view objective);

/// The objective that a metric tells of; empty when it tells of a cause only.
std::string_view objective_of_metric(std::string_view metric);

}  // namespace dvt::sim
