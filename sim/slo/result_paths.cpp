// Catalogue and look-up of assertion paths.
#include "sim/slo/result_paths.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "sim/measure/catalogue.h"
#include "sim/measure/recorder.h"

namespace dvt::sim {

namespace {

constexpr Instant kEndOfRun{std::numeric_limits<std::int64_t>::max()};

/// Splits `a.b.c` into `a` and `b.c` (the rest is empty when there is no dot).
std::pair<std::string_view, std::string_view> split_first(std::string_view path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return {path, {}};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

/// Splits at the last dot: names may hold dots, fields never do.
std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {path, {}};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

AssertValue number(std::uint64_t value) {
  return AssertValue::of_number(static_cast<double>(value));
}

ValueKind kind_of(Unit unit) {
  switch (unit) {
    case Unit::seconds:
      return ValueKind::duration;
    case Unit::share:
      return ValueKind::share;
    case Unit::dollars:
      return ValueKind::money;
    case Unit::gaps:
    case Unit::events:
    case Unit::runs_per_day:
      return ValueKind::number;
  }
  return ValueKind::number;
}

AssertValue value_of(const Quantity& quantity) {
  if (quantity.unit == Unit::seconds) return AssertValue::of_duration(quantity.duration);
  // Money is counted in nano-dollars by assertions.
  const double scaled = quantity.unit == Unit::dollars ? quantity.number * 1e9 : quantity.number;
  return {kind_of(quantity.unit), scaled, false, {}};
}

struct PlainPath {
  std::string_view path;
  ValueKind kind;
  AssertValue (*read)(const Verdict&);
};

constexpr std::array kPlain{
    PlainPath{"runs.started", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.started); }},
    PlainPath{"runs.completed", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.completed); }},
    PlainPath{"runs.failed", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.failed); }},
    PlainPath{"runs.cancelled", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.cancelled); }},
    PlainPath{"runs.in_flight", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.in_flight); }},
    PlainPath{"runs.stuck", ValueKind::number, [](const Verdict& v) { return number(v.measured.runs.stuck); }},
    PlainPath{"escalation.pages", ValueKind::number, [](const Verdict& v) { return number(v.escalation.pages()); }},
    PlainPath{"escalation.acknowledged", ValueKind::number,
              [](const Verdict& v) { return number(v.escalation.acknowledged()); }},
    PlainPath{"escalation.late", ValueKind::number, [](const Verdict& v) { return number(v.escalation.late()); }},
    PlainPath{"escalation.escalated", ValueKind::number,
              [](const Verdict& v) { return number(v.escalation.escalated()); }},
    PlainPath{"escalation.without_owner", ValueKind::duration,
              [](const Verdict& v) { return AssertValue::of_duration(v.escalation.without_owner()); }},
    PlainPath{"store.events", ValueKind::number, [](const Verdict& v) { return number(v.measured.store.events); }},
    PlainPath{"store.duplicates", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.store.duplicates); }},
    PlainPath{"store.write_errors", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.store.write_errors); }},
    PlainPath{"store.bytes", ValueKind::bytes,
              [](const Verdict& v) {
                return AssertValue{ValueKind::bytes, static_cast<double>(v.measured.store.bytes), false, {}};
              }},
    PlainPath{"events_total", ValueKind::number, [](const Verdict& v) { return number(v.measured.store.events); }},
    PlainPath{"kernel_events_total", ValueKind::number,
              [](const Verdict& v) { return number(v.identity.kernel_events); }},
    PlainPath{"pauses.n", ValueKind::number, [](const Verdict& v) { return number(v.measured.pauses.all.n); }},
    PlainPath{"pauses.with_backlog.n", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.pauses.with_backlog.n); }},
    PlainPath{"pauses.activities_started_after_pause", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.pauses.activities_started_after_pause); }},
};

constexpr std::array kBudgetAndCost{
    PlainPath{"budget.total", ValueKind::duration,
              [](const Verdict& v) { return AssertValue::of_duration(v.budget.status.total); }},
    PlainPath{"budget.consumed", ValueKind::duration,
              [](const Verdict& v) { return AssertValue::of_duration(v.budget.status.consumed); }},
    PlainPath{"budget.pace", ValueKind::number,
              [](const Verdict& v) { return AssertValue::of_number(v.budget.status.pace); }},
    PlainPath{"budget.transitions", ValueKind::number,
              [](const Verdict& v) { return number(v.budget.transitions.size()); }},
    PlainPath{"releases.planned", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.planned); }},
    PlainPath{"releases.shipped", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.shipped); }},
    PlainPath{"releases.deferred", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.deferred); }},
    PlainPath{"releases.waiting", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.waiting); }},
    PlainPath{"releases.dropped", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.dropped); }},
    PlainPath{"releases.incidents", ValueKind::number,
              [](const Verdict& v) { return number(v.measured.releases.incidents); }},
    PlainPath{"releases.delayed", ValueKind::duration,
              [](const Verdict& v) { return AssertValue::of_duration(v.measured.releases.delayed); }},
    PlainPath{"cost.per_run", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.per_run.total()); }},
    PlainPath{"cost.parts.compute", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.per_run.compute); }},
    PlainPath{"cost.parts.storage", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.per_run.storage); }},
    PlainPath{"cost.parts.network", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.per_run.network); }},
    PlainPath{"cost.total", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.total.total()); }},
    PlainPath{"cost.idle", ValueKind::money, [](const Verdict& v) { return AssertValue::of_money(v.cost.idle); }},
    PlainPath{"cost.idle_share", ValueKind::share,
              [](const Verdict& v) { return AssertValue::of_share(v.cost.idle_share()); }},
    PlainPath{"cost.marginal_per_run", ValueKind::money,
              [](const Verdict& v) { return AssertValue::of_money(v.cost.marginal_per_run); }},
};

struct MomentPath {
  std::string_view name;
  Percentiles PauseGroup::*moment;
};
constexpr std::array kMoments{
    MomentPath{"applied", &PauseGroup::applied},
    MomentPath{"last_scheduled", &PauseGroup::last_scheduled},
    MomentPath{"last_started", &PauseGroup::last_started},
    MomentPath{"last_retry_started", &PauseGroup::last_retry_started},
    MomentPath{"drained", &PauseGroup::drained},
};

struct QuantilePath {
  std::string_view name;
  Duration Percentiles::*value;
};
constexpr std::array kQuantiles{
    QuantilePath{"p50", &Percentiles::p50},
    QuantilePath{"p99", &Percentiles::p99},
    QuantilePath{"max", &Percentiles::max},
};

struct CapacityPath {
  std::string_view field;
  ValueKind kind;
  std::optional<AssertValue> (*read)(const LoadFigures&);
};
/// Nothing is known of servers that served nothing.
template <double LoadFigures::*figure, bool of_service>
std::optional<AssertValue> load_number(const LoadFigures& load) {
  if (of_service && !(load.capacity > 0)) return std::nullopt;
  return AssertValue::of_number(load.*figure);
}
template <std::optional<Duration> LoadFigures::*figure>
std::optional<AssertValue> load_time(const LoadFigures& load) {
  const std::optional<Duration>& time = load.*figure;
  return time ? std::optional(AssertValue::of_duration(*time)) : std::nullopt;
}
constexpr std::array kCapacity{
    CapacityPath{"servers", ValueKind::number, load_number<&LoadFigures::servers, false>},
    CapacityPath{"utilisation", ValueKind::share,
                 [](const LoadFigures& load) -> std::optional<AssertValue> {
                   if (!(load.capacity > 0)) return std::nullopt;
                   return AssertValue::of_share(load.utilisation);
                 }},
    CapacityPath{"offered", ValueKind::number, load_number<&LoadFigures::offered, false>},
    CapacityPath{"capacity", ValueKind::number, load_number<&LoadFigures::capacity, true>},
    CapacityPath{"queue_mean", ValueKind::number, load_number<&LoadFigures::queue_mean, false>},
    CapacityPath{"queue_max", ValueKind::number,
                 [](const LoadFigures& load) -> std::optional<AssertValue> { return number(load.queue_max); }},
    CapacityPath{"drained", ValueKind::duration, load_time<&LoadFigures::drained>},
    CapacityPath{"drain_time", ValueKind::duration, load_time<&LoadFigures::drain_time>},
};
constexpr std::array<std::string_view, 3> kResources{"store", "projector", "outbox"};

void add_objectives(PathCatalogue& out, const Scenario& scenario) {
  // Judging nothing gives every objective with its unit.
  for (const ObjectiveResult& objective : evaluate_objectives({}, scenario.objectives)) {
    const std::string base = "objectives." + objective.name + ".";
    const ValueKind kind = kind_of(objective.target.unit);
    out.add(base + "target", kind);
    out.add(base + "observed", kind);
    out.add_word_path(base + "verdict", {"pass", "fail", "insufficient", "not_measured", "not_applicable"});
    for (const char* field : {"n", "good", "bad", "windows.n", "windows.failed"})
      out.add(base + field, ValueKind::number);
    out.add(base + "budget_left", ValueKind::share);
    out.add(base + "emergent", ValueKind::boolean);
    out.add(base + "metric", ValueKind::word);
    out.add(base + "unit", ValueKind::word);
  }
}

/// Names of a rule in paths: `set/rule` always, plain `rule` when only one loaded set has it.
std::vector<std::string> names_of_rules(const std::vector<AlertRuleSpec>& rules) {
  std::vector<std::string> out;
  for (const AlertRuleSpec& rule : rules) {
    if (rule.recording) continue;
    out.push_back(rule.set + "/" + rule.name);
    const auto sets_with_it = std::ranges::count_if(
        rules, [&](const AlertRuleSpec& other) { return !other.recording && other.name == rule.name; });
    if (sets_with_it == 1) out.push_back(rule.name);
  }
  return out;
}

void add_alerts(PathCatalogue& out, const Scenario& scenario) {
  for (const std::string& name : names_of_rules(alert_rules(scenario))) {
    out.add("alerts." + name + ".fired", ValueKind::number);
    out.add("alerts." + name + ".false_alarms", ValueKind::number);
    out.add("alerts." + name + ".detection", ValueKind::duration);
    out.add("alerts." + name + ".first_firing", ValueKind::duration);
    for (const char* field : {".impacts", ".caught", ".late", ".missed"})
      out.add("alerts." + name + field, ValueKind::number);
    for (const char* field : {".precision", ".recall", ".budget_consumed"})
      out.add("alerts." + name + field, ValueKind::share);
  }
}

}  // namespace

PathCatalogue result_paths(const Scenario& scenario, std::span<const std::string> invariant_names) {
  PathCatalogue out;
  add_objectives(out, scenario);
  add_alerts(out, scenario);
  for (const PlainPath& plain : kPlain) out.add(std::string(plain.path), plain.kind);
  for (const PlainPath& plain : kBudgetAndCost) out.add(std::string(plain.path), plain.kind);
  for (const MomentPath& moment : kMoments) {
    for (const QuantilePath& quantile : kQuantiles) {
      const std::string tail = std::string(moment.name) + "." + std::string(quantile.name);
      out.add("pauses." + tail, ValueKind::duration);
      out.add("pauses.with_backlog." + tail, ValueKind::duration);
    }
  }
  for (const std::string_view resource : kResources)
    for (const CapacityPath& path : kCapacity)
      out.add("capacity." + std::string(resource) + "." + std::string(path.field), path.kind);
  const auto add_fault = [&](const std::string& name) {
    out.add("faults." + name + ".count", ValueKind::number);
    out.add("faults." + name + ".recovered", ValueKind::duration);
  };
  for (const Fault& fault : scenario.faults) add_fault(fault.name);
  for (const Release& release : scenario.releases) {
    if (release.incident) add_fault(release.name);
  }
  if (invariant_names.empty()) {
    out.add_open("invariants.", ValueKind::number);
  } else {
    for (const std::string& name : invariant_names) {
      out.add("invariants." + name + ".violations", ValueKind::number);
      out.add("invariants." + name + ".checks", ValueKind::number);
    }
  }
  for (const std::string& name : Measure::count_names()) out.add("counts." + name, ValueKind::number);
  for (const char* group :
       {"rejected.", "given_up.", "signal_rejected.", "signal_accepted.", "escalated.", "operation."})
    out.add_open(std::string("counts.") + group, ValueKind::number);
  out.add_word_path("budget.state", {"NORMAL", "ADVISORY", "EXHAUSTED"});
  for (const MetricEntry& entry : metric_catalogue()) {
    const std::string name(entry.name);
    if (entry.kind != MetricKind::histogram) {
      out.add_metric(name);
      continue;
    }
    for (const char* suffix : {"_bucket", "_sum", "_count"}) out.add_metric(name + suffix);
  }
  return out;
}

std::vector<Diagnostic> check_alert_names(const Scenario& scenario, const PathCatalogue& catalogue) {
  std::vector<Diagnostic> wrong;
  for (const Operation& operation : scenario.operations) {
    if (!operation.on || catalogue.find("alerts." + operation.on->alert + ".fired")) continue;
    Diagnostic diagnostic;
    diagnostic.file = scenario.file_name;
    diagnostic.line = operation.source.line;
    diagnostic.column = operation.source.column;
    diagnostic.path = "operations." + operation.name + ".on.alert";
    diagnostic.message = "no loaded rule is called \"" + operation.on->alert + "\"";
    const std::string nearest = catalogue.nearest_path("alerts." + operation.on->alert + ".fired");
    if (nearest.starts_with("alerts."))
      diagnostic.message += " (did you mean \"" + nearest.substr(7, nearest.rfind('.') - 7) + "\"?)";
    wrong.push_back(std::move(diagnostic));
  }
  return wrong;
}

std::vector<SeriesQuery> series_queries(std::span<const Assertion> assertions, Instant warmup_end) {
  std::vector<SeriesQuery> out;
  for (const Assertion& assertion : assertions) {
    for (const MetricQuery& asked : assertion.metrics()) {
      const Window window = asked.window.value_or(Window{warmup_end, kEndOfRun});
      SeriesQuery query{asked.name, asked.labels, window.from, window.to};
      if (std::ranges::find(out, query) == out.end()) out.push_back(std::move(query));
    }
  }
  return out;
}

std::optional<AssertValue> VerdictView::lookup(std::string_view path) const {
  const auto [first, rest] = split_first(path);
  if (first == "objectives") return objective(rest);
  if (first == "alerts") return alert(rest);
  if (first == "faults") return fault(rest);
  if (first == "invariants") return invariant(rest);
  if (first == "counts") {
    const auto it = verdict_.measured.counts.find(rest);
    // A code or a word that did not occur is not in the map.
    return AssertValue::of_number(it == verdict_.measured.counts.end() ? 0.0 : static_cast<double>(it->second));
  }
  if (auto value = plain(path)) return value;
  if (first == "pauses") return pauses(rest);
  if (first == "capacity") return capacity(rest);
  return std::nullopt;
}

std::optional<AssertValue> VerdictView::plain(std::string_view path) const {
  if (path == "budget.state") return AssertValue::of_word(std::string(to_string(verdict_.budget.status.state)));
  if (const auto it = std::ranges::find(kPlain, path, &PlainPath::path); it != kPlain.end()) return it->read(verdict_);
  const auto it = std::ranges::find(kBudgetAndCost, path, &PlainPath::path);
  if (it == kBudgetAndCost.end()) return std::nullopt;
  return it->read(verdict_);
}

std::optional<AssertValue> VerdictView::objective(std::string_view rest) const {
  const auto [name, field] = split_first(rest);
  const ObjectiveResult* found = find_objective(verdict_.objectives, name);
  if (found == nullptr) return std::nullopt;
  if (field == "target") return value_of(found->target);
  if (field == "observed") return found->observed ? std::optional(value_of(*found->observed)) : std::nullopt;
  if (field == "verdict") return AssertValue::of_word(std::string(to_string(found->verdict)));
  if (field == "n") return number(found->n);
  if (field == "good") return number(found->good);
  if (field == "bad") return number(found->bad);
  if (field == "windows.n") return number(found->windows.n);
  if (field == "windows.failed") return number(found->windows.failed);
  if (field == "budget_left")
    return found->budget_left ? std::optional(AssertValue::of_share(*found->budget_left)) : std::nullopt;
  if (field == "emergent") return AssertValue::of_boolean(found->emergent);
  if (field == "metric") return AssertValue::of_word(found->metric);
  if (field == "unit") return AssertValue::of_word(std::string(to_string(found->target.unit)));
  return std::nullopt;
}

std::optional<AssertValue> VerdictView::alert(std::string_view rest) const {
  const auto [name, field] = split_last(rest);
  const std::size_t slash = name.find('/');
  const std::string_view rule = slash == std::string_view::npos ? name : name.substr(slash + 1);
  const auto is_meant = [&](const AlertResult& result) {
    return result.rule == rule && (slash == std::string_view::npos || result.set == name.substr(0, slash));
  };
  if (std::ranges::count_if(verdict_.alerts, is_meant) != 1) return std::nullopt;
  const AlertResult& result = *std::ranges::find_if(verdict_.alerts, is_meant);
  if (!result.evaluated) return std::nullopt;
  if (field == "fired") return number(result.fired());
  if (field == "false_alarms") return result.false_alarms ? std::optional(number(*result.false_alarms)) : std::nullopt;
  if (field == "detection")
    return result.detection ? std::optional(AssertValue::of_duration(*result.detection)) : std::nullopt;
  if (field == "first_firing" && !result.firings.empty()) {
    return AssertValue::of_duration(result.firings.front().firing_at - Instant{});
  }
  const auto share = [](const std::optional<double>& value) {
    return value ? std::optional(AssertValue::of_share(*value)) : std::nullopt;
  };
  if (field == "precision") return share(result.precision());
  if (field == "recall") return share(result.recall());
  if (field == "budget_consumed") return share(result.budget_consumed);
  if (!result.impact) return std::nullopt;
  if (field == "impacts") return number(result.impact->n);
  if (field == "caught") return number(result.impact->caught);
  if (field == "late") return number(result.impact->late);
  if (field == "missed") return number(result.impact->missed);
  return std::nullopt;
}

std::optional<AssertValue> VerdictView::pauses(std::string_view rest) const {
  constexpr std::string_view kBacklog = "with_backlog.";
  const bool backlog = rest.starts_with(kBacklog);
  if (backlog) rest.remove_prefix(kBacklog.size());
  const auto [name, field] = split_first(rest);
  const auto moment = std::ranges::find(kMoments, name, &MomentPath::name);
  const auto quantile = std::ranges::find(kQuantiles, field, &QuantilePath::name);
  if (moment == kMoments.end() || quantile == kQuantiles.end()) return std::nullopt;
  const PauseSummary& summary = verdict_.measured.pauses;
  const Percentiles& percentiles = (backlog ? summary.with_backlog : summary.all).*(moment->moment);
  if (percentiles.n == 0) return std::nullopt;
  return AssertValue::of_duration(percentiles.*(quantile->value));
}

std::optional<AssertValue> VerdictView::capacity(std::string_view rest) const {
  const auto [name, field] = split_first(rest);
  const auto part = std::ranges::find(verdict_.measured.capacity, name, &CapacityResult::resource);
  const auto path = std::ranges::find(kCapacity, field, &CapacityPath::field);
  if (part == verdict_.measured.capacity.end() || path == kCapacity.end()) return std::nullopt;
  return path->read(part->load);
}

std::optional<AssertValue> VerdictView::fault(std::string_view rest) const {
  const auto [name, field] = split_last(rest);
  const auto it = std::ranges::find(verdict_.measured.faults, name, &FaultSummary::name);
  if (it == verdict_.measured.faults.end()) return std::nullopt;
  if (field == "count") return number(it->count);
  if (field == "recovered" && it->recovered) return AssertValue::of_duration(*it->recovered);
  return std::nullopt;
}

std::optional<AssertValue> VerdictView::invariant(std::string_view rest) const {
  const auto [name, field] = split_last(rest);
  const auto it = std::ranges::find(verdict_.invariants, name, &InvariantResult::name);
  if (it == verdict_.invariants.end()) return std::nullopt;
  if (field == "violations") return number(it->violations);
  if (field == "checks") return number(it->checks);
  return std::nullopt;
}

std::optional<double> VerdictView::metric(const MetricQuery& query) const {
  const Window window = query.window.value_or(Window{verdict_.measured.warmup_end, kEndOfRun});
  const SeriesQuery asked{query.name, query.labels, window.from, window.to};
  const auto it = std::ranges::find(verdict_.measured.answers, asked, &SeriesAnswer::query);
  if (it == verdict_.measured.answers.end() || it->samples == 0) return std::nullopt;
  switch (query.function) {
    case MetricFunction::min:
      return it->min;
    case MetricFunction::max:
      return it->max;
    case MetricFunction::mean:
      return it->mean;
    case MetricFunction::last:
      return it->last;
    case MetricFunction::increase:
      return it->increase;
  }
  return std::nullopt;
}

std::vector<AssertionResult> evaluate_assertions(const Scenario& scenario, const Verdict& verdict) {
  const VerdictView view(verdict);
  std::vector<AssertionResult> out;
  for (const AssertionSpec& spec : scenario.assertions) {
    AssertionResult result{spec.text, false, {}, scenario.location(spec.source), spec.abort_on_fail};
    const auto parsed = Assertion::parse(spec.text);
    if (parsed.has_value()) {
      AssertionOutcome outcome = parsed.value().evaluate(view);
      result.passed = outcome.passed;
      result.observed = std::move(outcome.observed);
    } else {
      result.observed = parsed.error().message;
    }
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace dvt::sim
