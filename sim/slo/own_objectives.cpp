#include "sim/slo/own_objectives.h"

#include <algorithm>
#include <charconv>

#include "engine/base/format.h"
#include "sim/measure/observations.h"
#include "sim/scenario/reader.h"
#include "sim/scenario/reading.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {

namespace {

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `300ms` in milliseconds for a metric that ends in _ms, in seconds for one in _seconds; a bare number as it is.
Result<double, std::string> threshold_of(const std::string& text, std::string_view metric) {
  if (const auto bare = number_of(text)) return *bare;
  const auto duration = parse_duration(text);
  if (duration.has_value()) {
    const auto ns = static_cast<double>(duration.value().ns);
    if (metric.ends_with("_ms")) return ns / 1e6;
    if (metric.ends_with("_seconds")) return ns / 1e9;
    return failure(fmt::format("threshold \"{}\" is a duration, and {} is not counted in time", text, metric));
  }
  return failure(fmt::format("threshold \"{}\" is neither a number nor a duration", text));
}

std::string bounds_text(const MetricEntry& entry) {
  std::string out;
  for (const double bound : entry.bounds) out += fmt::format("{}{}", out.empty() ? "" : ", ", bound);
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>, std::string> labels_of(const std::string& text,
                                                                                const MetricEntry& entry) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(',', from), text.size());
    std::string part = text.substr(from, to - from);
    std::erase_if(part, [](char c) { return c == ' ' || c == '"'; });
    from = to + 1;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0)
      return failure(fmt::format("expected bad labels such as status=failed, found \"{}\"", text));
    const std::string name = part.substr(0, equals);
    std::vector<std::string_view> known;
    for (const LabelEntry& label : entry.labels) known.push_back(label.name);
    if (std::ranges::find(known, name) == known.end())
      return failure(fmt::format("{} has no label \"{}\"{}", entry.name, name, Reading::suggestion(name, known)));
    out.emplace_back(name, part.substr(equals + 1));
  }
  return out;
}

/// bad <= (1 - target) · total, on whole counts.
bool holds(double total, double bad, Share target) {
  return bad * 1e9 <= total * static_cast<double>(1'000'000'000 - target.ppb);
}

}  // namespace

Result<OwnObjectivePlan, std::string> plan_objective(const ObjectiveSpec& spec) {
  OwnObjectivePlan out;
  std::vector<std::string_view> names;
  for (const MetricEntry& entry : metric_catalogue()) {
    names.push_back(entry.name);
    if (entry.name == spec.metric) out.metric = &entry;
  }
  if (out.metric == nullptr)
    return failure(fmt::format("no metric \"{}\"{}", spec.metric, Reading::suggestion(spec.metric, names)));
  if (!out.metric->fed()) return failure(fmt::format("{} is absent: {}", spec.metric, out.metric->absent_because));
  const bool gauge = out.metric->kind == MetricKind::gauge;
  if (!spec.bad.empty()) {
    if (gauge) return failure(fmt::format("{} is a gauge: it needs a threshold, not bad labels", spec.metric));
    auto labels = labels_of(spec.bad, *out.metric);
    if (!labels.has_value()) return failure(labels.error());
    out.bad = std::move(labels.value());
    return out;
  }
  if (out.metric->kind == MetricKind::counter)
    return failure(fmt::format("{} is a counter: it needs bad labels, not a threshold", spec.metric));
  const auto threshold = threshold_of(spec.threshold, spec.metric);
  if (!threshold.has_value()) return failure(threshold.error());
  out.threshold = threshold.value();
  if (!gauge && std::ranges::find(out.metric->bounds, out.threshold) == out.metric->bounds.end())
    return failure(fmt::format("threshold \"{}\" is no bound of {}, whose bounds are {}", spec.threshold, spec.metric,
                               bounds_text(*out.metric)));
  return out;
}

std::vector<Diagnostic> check_own_objectives(const Scenario& scenario) {
  std::vector<Diagnostic> out;
  for (const ObjectiveSpec& spec : scenario.objectives.added) {
    const auto plan = plan_objective(spec);
    const bool taken = std::ranges::find(builtin_objectives(), spec.name, &ObjectiveInfo::name) !=
                       std::ranges::end(builtin_objectives());
    if (plan.has_value() && !taken) continue;
    Diagnostic wrong;
    const bool of_file = !scenario.objectives.file.empty();
    wrong.file = of_file ? scenario.objectives.file.path : scenario.file_name;
    wrong.line = spec.source.line;
    wrong.column = spec.source.column;
    wrong.path = (of_file ? "" : "objectives.") + spec.name;
    wrong.message = taken ? "a built-in objective has this name" : plan.error();
    out.push_back(std::move(wrong));
  }
  return out;
}

OwnObjectives::OwnObjectives(const std::vector<ObjectiveSpec>& specs, Instant warmup_end) : warmup_end_(warmup_end) {
  for (const ObjectiveSpec& spec : specs) {
    State& state = states_.emplace_back();
    state.spec = spec;
    if (auto plan = plan_objective(spec); plan.has_value()) {
      state.plan = std::move(plan.value());
      state.usable = true;
    }
  }
}

// Series are only ever added.
void OwnObjectives::look(State& state, const SeriesStore& store) const {
  const MetricEntry& metric = *state.plan.metric;
  const bool histogram = metric.kind == MetricKind::histogram;
  const auto counts = store.find(histogram ? std::string(metric.name) + "_count" : std::string(metric.name));
  for (; state.looked_at < counts.size(); ++state.looked_at) {
    const std::uint32_t id = counts[state.looked_at];
    state.all.push_back(id);
    if (state.plan.bad.empty()) continue;
    const bool fits = std::ranges::all_of(state.plan.bad, [&](const auto& wanted) {
      const std::string* value = store.info(id).label(wanted.first);
      return value != nullptr && *value == wanted.second;
    });
    if (fits) state.bad.push_back(id);
  }
  if (!histogram || !state.plan.bad.empty()) return;
  const auto buckets = store.find(std::string(metric.name) + "_bucket");
  for (; state.looked_at_good < buckets.size(); ++state.looked_at_good) {
    const std::string* bound = store.info(buckets[state.looked_at_good]).label("le");
    if (bound != nullptr && number_of(*bound) == state.plan.threshold)
      state.good.push_back(buckets[state.looked_at_good]);
  }
}

// Counters and histograms: since the start. A gauge's samples: of this instant.
OwnObjectives::Tally OwnObjectives::level(State& state, const SeriesStore& store) const {
  look(state, store);
  const std::uint64_t row = store.rows() - 1;
  const auto sum = [&](const std::vector<std::uint32_t>& ids) {
    double out = 0;
    for (const std::uint32_t id : ids) out += store.value(row, id);
    return out;
  };
  if (state.plan.metric->kind == MetricKind::gauge) {
    Tally out;
    for (const std::uint32_t id : state.all) {
      const double value = store.value(row, id);
      if (value != value) continue;  // absent
      out.total += 1;
      if (value > state.plan.threshold) out.bad += 1;
    }
    return out;
  }
  const double total = sum(state.all);
  return {total, state.plan.bad.empty() ? total - sum(state.good) : sum(state.bad)};
}

void OwnObjectives::step(const SeriesStore& store, Instant at) {
  if (store.rows() == 0) return;
  for (State& state : states_) {
    if (!state.usable) continue;
    const Tally now = level(state, store);
    if (at < warmup_end_ || !state.begun) {
      state.before = now;
      state.begun = at >= warmup_end_;
      continue;
    }
    const bool gauge = state.plan.metric->kind == MetricKind::gauge;
    const Tally found = gauge ? now : Tally{now.total - state.before.total, now.bad - state.before.bad};
    state.before = now;
    // What was counted in (last sample, now] belongs to the slice and the window that end at `now` or later.
    const Duration since = at - warmup_end_ - nanoseconds(1);
    if (state.spec.budgeting == Budgeting::timeslices) {
      const std::int64_t slice = since.ns / state.spec.slice.ns;
      if (slice != state.slice_number) close_slice(state);
      state.slice_number = slice;
    }
    const std::int64_t window = since.ns / Observations::kWindow.ns;
    if (window != state.window_number) close_window(state);
    state.window_number = window;
    if (state.spec.budgeting == Budgeting::timeslices) {
      state.slice.add(found);
    } else {
      state.window.add(found);
    }
  }
}

void OwnObjectives::close_slice(State& state) {
  if (state.slice.total > 0)
    state.window.add({1, holds(state.slice.total, state.slice.bad, state.spec.target) ? 0.0 : 1.0});
  state.slice = {};
}

void OwnObjectives::close_window(State& state) {
  if (state.window.total > 0) {
    ++state.counted.n;
    if (!holds(state.window.total, state.window.bad, state.spec.target)) ++state.counted.failed;
  }
  state.windows.push_back(state.window);
  state.window = {};
  const auto kept =
      static_cast<std::size_t>(std::max<std::int64_t>(1, state.spec.window.ns / Observations::kWindow.ns));
  if (state.windows.size() > kept) state.windows.pop_front();
}

std::vector<OwnObjectiveCounts> OwnObjectives::results() const {
  std::vector<OwnObjectiveCounts> out;
  for (State state : states_) {  // a copy: what is open is closed in it
    OwnObjectiveCounts& counts = out.emplace_back();
    if (!state.usable) continue;
    close_slice(state);
    close_window(state);
    for (const Tally& window : state.windows) {
      counts.total += window.total;
      counts.bad += window.bad;
    }
    counts.windows = state.counted;
  }
  return out;
}

}  // namespace dvt::sim
