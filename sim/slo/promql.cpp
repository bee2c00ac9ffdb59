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

std::optional<Extrapolation> extrapolate(std::span<const Sample> samples, Instant at, Duration window) {
  if (samples.size() < 2) return std::nullopt;
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  double increase = last.value - first.value;
  double before = 0;
  for (const Sample& sample : samples) {
    if (sample.value < before) increase += before;
    before = sample.value;
  }
  const double sampled = in_seconds(last.at - first.at);
  const double average = sampled / static_cast<double>(samples.size() - 1);
  double to_start = in_seconds(first.at - (at - window));
  const double to_end = in_seconds(at - last.at);
  if (increase > 0 && first.value >= 0) to_start = std::min(to_start, sampled * (first.value / increase));
  const double far = average * 1.1;
  double covered = sampled;
  covered += to_start < far ? to_start : average / 2;
  covered += to_end < far ? to_end : average / 2;
  return Extrapolation{increase, covered / sampled};
}

}  // namespace

std::optional<double> extrapolated_increase(std::span<const Sample> samples, Instant at, Duration window) {
  const auto result = extrapolate(samples, at, window);
  if (!result) return std::nullopt;
  return result->increase * result->factor;
}

std::optional<double> extrapolated_rate(std::span<const Sample> samples, Instant at, Duration window) {
  const auto result = extrapolate(samples, at, window);
  if (!result) return std::nullopt;
  return result->increase * (result->factor / in_seconds(window));
}

void range(const SeriesStore& store, std::uint32_t id, Instant at, Duration window, RangeStart start,
           std::vector<Sample>& out) {
  out.clear();
  const Instant from = at - window;
  for (std::uint64_t row = store.row_at_or_after(from); row < store.rows(); ++row) {
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
  for (std::uint64_t row = store.rows(); row > store.first_kept(); --row) {
    const Instant t = store.time(row - 1);
    if (t > at) continue;
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
