// The functions of PromQL that alert rules need (promql_expr.h reads the rules), over the sampled series, with
// Prometheus' own semantics (the 2.x line, as Debian 12 ships it): a range selector [w] at t takes the samples in [t-w,
// t], both ends included, and increase() and rate() extrapolate to the edges of the window. Prometheus 3 leaves t-w
// out; RangeStart chooses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/series.h"

namespace dvt::sim::promql {

enum class RangeStart : std::uint8_t { included, excluded };

struct Sample {
  Instant at;
  double value = 0;
};

/// increase() of a counter's samples, ascending in time, all within [at - window, at]. nullopt: fewer than two.
///  - a fall is a reset: the value before it is added
///  - the increase is scaled from the sampled interval to the window; an edge further than 1.1 average sampling
///    intervals from its sample is extended by half an interval only
///  - before the first sample a counter is not extended beyond the point where it would have been zero
std::optional<double> extrapolated_increase(std::span<const Sample> samples, Instant at, Duration window);
/// The same per second of the window.
std::optional<double> extrapolated_rate(std::span<const Sample> samples, Instant at, Duration window);

/// delta() of a gauge's samples: as the increase, but a fall is a fall and nothing is zero by nature.
std::optional<double> extrapolated_delta(std::span<const Sample> samples, Instant at, Duration window);

/// What extrapolation needs to know of a counter's samples in a window.
struct WindowEnds {
  Sample first;
  Sample last;
  std::uint64_t count = 0;  // samples, at least 2
  double lost = 0;          // by resets: the sum of the values before each fall
};
double extrapolated_increase(const WindowEnds& ends, Instant at, Duration window);
double extrapolated_rate(const WindowEnds& ends, Instant at, Duration window);

/// The samples of a series in the window that ends at `at`; replaces `out`. Absent values are left out.
void range(const SeriesStore& store, std::uint32_t id, Instant at, Duration window, RangeStart start,
           std::vector<Sample>& out);

std::optional<double> increase(const SeriesStore& store, std::uint32_t id, Instant at, Duration window,
                               RangeStart start = RangeStart::included);
std::optional<double> rate(const SeriesStore& store, std::uint32_t id, Instant at, Duration window,
                           RangeStart start = RangeStart::included);
/// The newest value at or before `at` and not older than five minutes (an instant selector's look-back).
std::optional<double> instant(const SeriesStore& store, std::uint32_t id, Instant at);

/// `{a="x", b="y"}`: names a label set in messages and keys alert state by it.
std::string label_text(const LabelPairs& labels);

}  // namespace dvt::sim::promql
