// Extrapolation, ranges and look-back.
#include "sim/slo/promql.h"

#include <algorithm>

namespace dvt::sim::promql {

namespace {

constexpr Duration kLookBack = minutes(5);

double in_seconds(Duration d) {
  return static_cast<double>(d.ns) / 1e9;
}

struct Extrapolation {
  double increase = 0;
  double factor = 1;
};

enum class Nature : std::uint8_t { counter, gauge };

Extrapolation extrapolate(const WindowEnds& ends, Instant at, Duration window, Nature nature) {
  const double increase = ends.last.value - ends.first.value + ends.lost;
  const double sampled = in_seconds(ends.last.at - ends.first.at);
  const double average = sampled / static_cast<double>(ends.count - 1);
  double to_start = in_seconds(ends.first.at - (at - window));
  const double to_end = in_seconds(at - ends.last.at);
  if (nature == Nature::counter && increase > 0 && ends.first.value >= 0)
    to_start = std::min(to_start, sampled * (ends.first.value / increase));
  const double far = average * 1.1;
  double covered = sampled;
  covered += to_start < far ? to_start : average / 2;
  covered += to_end < far ? to_end : average / 2;
  return {increase, covered / sampled};
}

std::optional<WindowEnds> ends_of(std::span<const Sample> samples) {
  if (samples.size() < 2) return std::nullopt;
  WindowEnds ends{samples.front(), samples.back(), samples.size(), 0};
  double before = 0;
  for (const Sample& sample : samples) {
    if (sample.value < before) ends.lost += before;
    before = sample.value;
  }
  return ends;
}

}  // namespace

double extrapolated_increase(const WindowEnds& ends, Instant at, Duration window) {
  const Extrapolation result = extrapolate(ends, at, window, Nature::counter);
  return result.increase * result.factor;
}

double extrapolated_rate(const WindowEnds& ends, Instant at, Duration window) {
  const Extrapolation result = extrapolate(ends, at, window, Nature::counter);
  return result.increase * (result.factor / in_seconds(window));
}

std::optional<double> extrapolated_increase(std::span<const Sample> samples, Instant at, Duration window) {
  const auto ends = ends_of(samples);
  return ends ? std::optional(extrapolated_increase(*ends, at, window)) : std::nullopt;
}

std::optional<double> extrapolated_rate(std::span<const Sample> samples, Instant at, Duration window) {
  const auto ends = ends_of(samples);
  return ends ? std::optional(extrapolated_rate(*ends, at, window)) : std::nullopt;
}

std::optional<double> extrapolated_delta(std::span<const Sample> samples, Instant at, Duration window) {
  if (samples.size() < 2) return std::nullopt;
  const Extrapolation result =
      extrapolate({samples.front(), samples.back(), samples.size(), 0}, at, window, Nature::gauge);
  return result.increase * result.factor;
}

void range(const SeriesStore& store, std::uint32_t id, Instant at, Duration window, RangeStart start,
           std::vector<Sample>& out) {
  out.clear();
  const Instant from = at - window;
  for (std::uint64_t row = store.row_at_or_after(from, id); row < store.rows(); ++row) {
    const Instant t = store.time(row);
    if (t > at) break;
    if (start == RangeStart::excluded && t == from) continue;
    const double value = store.value(row, id);
    if (value == value) out.push_back({t, value});
  }
}

std::optional<double> increase(const SeriesStore& store, std::uint32_t id, Instant at, Duration window,
                               RangeStart start) {
  std::vector<Sample> samples;
  range(store, id, at, window, start, samples);
  return extrapolated_increase(samples, at, window);
}

std::optional<double> rate(const SeriesStore& store, std::uint32_t id, Instant at, Duration window, RangeStart start) {
  std::vector<Sample> samples;
  range(store, id, at, window, start, samples);
  return extrapolated_rate(samples, at, window);
}

std::optional<double> instant(const SeriesStore& store, std::uint32_t id, Instant at) {
  const bool present = store.rows() > 0 && store.time(store.rows() - 1) <= at;
  for (std::uint64_t row = present ? store.rows() : store.row_at_or_after(Instant{at.ns + 1}, id);
       row > store.first_kept(id); --row) {
    const Instant t = store.time(row - 1);
    if (at - t > kLookBack) return std::nullopt;
    const double value = store.value(row - 1, id);
    if (value == value) return value;
  }
  return std::nullopt;
}

std::string label_text(const LabelPairs& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out.append(name).append("=\"").append(value).append("\"");
  }
  return out += "}";
}

}  // namespace dvt::sim::promql
