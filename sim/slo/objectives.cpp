// One function a kind of objective; the table of domain §13 is evaluate_objectives().
#include "sim/slo/objectives.h"

#include "engine/base/format.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "sim/measure/observations.h"

namespace dvt::sim {

namespace {

enum class Driven : std::uint8_t { by_input, emergent };

ObjectiveResult latency(std::string name, std::string metric, const LatencySummary& seen, Driven driven) {
  ObjectiveResult out;
  out.name = std::move(name);
  out.metric = std::move(metric);
  out.target = Quantity::of(seen.threshold);
  out.emergent = driven == Driven::emergent;
  out.n = seen.n;
  out.good = seen.good;
  out.bad = seen.bad;
  out.windows = seen.windows;
  if (seen.n == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no observation after warm-up";
    return out;
  }
  out.observed = Quantity::of(seen.percentiles.p99);
  out.beside.push_back({"p50", Quantity::of(seen.percentiles.p50)});
  out.beside.push_back({"max", Quantity::of(seen.percentiles.max)});
  const auto n = static_cast<double>(seen.n);
  out.budget_left = (n - 100.0 * static_cast<double>(seen.bad)) / n;
  if (!p99_holds(seen.good, seen.n)) {
    out.verdict = ObjectiveVerdict::fail;
  } else if (seen.n < kSufficient) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason =
        fmt::format("{} observation{}: a p99 that passes needs {}", seen.n, seen.n == 1 ? "" : "s", kSufficient);
  } else {
    out.verdict = ObjectiveVerdict::pass;
  }
  return out;
}

void add_beside(ObjectiveResult& out, std::string name, const Percentiles& percentiles) {
  if (percentiles.n > 0) out.beside.push_back({std::move(name), Quantity::of(percentiles.p99)});
}

ObjectiveResult not_measured(std::string name, std::string metric, Quantity target, std::string reason) {
  ObjectiveResult out;
  out.name = std::move(name);
  out.metric = std::move(metric);
  out.target = target;
  out.verdict = ObjectiveVerdict::not_measured;
  out.reason = std::move(reason);
  return out;
}

ObjectiveResult projection_lag(const LagSummary& lag) {
  ObjectiveResult out;
  out.name = "projection-lag";
  out.metric = "dvt_projection_lag_events, dvt_projection_lag_seconds";
  out.target = Quantity::of(Unit::share, 0.999);
  out.windows = lag.windows;
  // Whole milliseconds; a bad one that has only begun counts. The verdict is by nanoseconds.
  constexpr std::int64_t kMillisecond = 1'000'000;
  out.n = static_cast<std::uint64_t>(lag.total.ns / kMillisecond);
  out.bad = std::min(out.n, static_cast<std::uint64_t>((lag.bad.ns + kMillisecond - 1) / kMillisecond));
  out.good = out.n - out.bad;
  if (!lag.any_event || lag.total.ns == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no event was stored after warm-up";
    return out;
  }
  const Duration good = lag.total - lag.bad;
  const auto total = static_cast<double>(lag.total.ns);
  double share = static_cast<double>(good.ns) / total;
  const bool holds = lag.bad.ns <= lag.total.ns / 1000;  // 1000·good >= 999·total, without overflow
  // The quotient is rounded: keep it on the verdict's side of the target.
  if (!holds && share >= 0.999) share = 0.9989999999999999;
  out.observed = Quantity::of(Unit::share, share);
  out.budget_left = 1.0 - static_cast<double>(lag.bad.ns) * 1000.0 / total;
  out.verdict = holds ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  out.beside.push_back({"max_events", Quantity::of(Unit::events, static_cast<double>(lag.max_events))});
  out.beside.push_back({"max_age", Quantity::of(lag.max_age)});
  return out;
}

ObjectiveResult error_rate(const Measurements& measured) {
  ObjectiveResult out =
      not_measured("error-rate", "dvt_runs_completed_total", Quantity::of(Unit::share, 0.001),
                   "stuck runs are recognised at the end of the run only; the counts are shown and not judged");
  const TerminalCounts& terminal = measured.terminal;
  out.bad = terminal.failed_engine + terminal.terminated + measured.runs.stuck;
  out.good = terminal.completed + terminal.failed_user;
  out.n = out.good + out.bad;
  return out;
}

ObjectiveResult projection_gaps(const Measurements& measured) {
  ObjectiveResult out;
  out.name = "projection-gaps";
  out.metric = "dvt_projection_gaps_total";
  out.target = Quantity::of(Unit::gaps, 0);
  out.n = measured.gaps.confirmed;
  out.bad = measured.gaps.confirmed;
  if (!measured.lag.any_event) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no event was stored after warm-up";
    return out;
  }
  out.observed = Quantity::of(Unit::gaps, static_cast<double>(measured.gaps.confirmed));
  out.verdict = out.bad == 0 ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  out.beside.push_back({"suspected", Quantity::of(Unit::gaps, static_cast<double>(measured.gaps.suspected))});
  return out;
}

ObjectiveResult throughput(const std::vector<ThroughputDay>& days, std::uint64_t target) {
  ObjectiveResult out;
  out.name = "throughput";
  out.metric = "dvt_runs_completed_total";
  out.target = Quantity::of(Unit::runs_per_day, static_cast<double>(target));
  out.verdict = ObjectiveVerdict::not_applicable;
  if (days.empty()) {
    out.reason = "no full virtual day after warm-up";
    return out;
  }
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most_offered = 0;
  for (const ThroughputDay& day : days) {
    most_offered = std::max(most_offered, day.offered);
    if (day.offered < target) continue;
    ++out.n;
    ++(day.completed >= target ? out.good : out.bad);
    least = std::min(least, day.completed);
  }
  out.beside.push_back({"most_offered", Quantity::of(Unit::runs_per_day, static_cast<double>(most_offered))});
  if (out.n == 0) {
    out.reason = fmt::format("at most {} runs were offered in a day, fewer than {}", most_offered, target);
    return out;
  }
  out.observed = Quantity::of(Unit::runs_per_day, static_cast<double>(least));
  out.verdict = out.bad == 0 ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  return out;
}

ObjectiveResult own_objective(const ObjectiveSpec& spec) {
  return not_measured(spec.name, spec.metric, Quantity::of(Unit::share, spec.target.fraction()),
                      "objectives of a scenario's own are not evaluated yet");
}

}  // namespace

std::string_view to_string(ObjectiveVerdict verdict) {
  switch (verdict) {
    case ObjectiveVerdict::pass:
      return "pass";
    case ObjectiveVerdict::fail:
      return "fail";
    case ObjectiveVerdict::insufficient:
      return "insufficient";
    case ObjectiveVerdict::not_measured:
      return "not_measured";
    case ObjectiveVerdict::not_applicable:
      return "not_applicable";
  }
  DVT_ASSERT(false, "unknown verdict");
}

std::string_view to_string(Unit unit) {
  switch (unit) {
    case Unit::seconds:
      return "seconds";
    case Unit::share:
      return "share";
    case Unit::gaps:
      return "gaps";
    case Unit::events:
      return "events";
    case Unit::runs_per_day:
      return "runs/day";
    case Unit::dollars:
      return "USD";
  }
  DVT_ASSERT(false, "unknown unit");
}

std::string Quantity::text() const {
  return unit == Unit::seconds ? format_seconds(duration) : fmt::format("{}", number);
}

double Quantity::in_unit() const {
  return unit == Unit::seconds ? static_cast<double>(duration.ns) / 1e9 : number;
}

std::vector<ObjectiveResult> evaluate_objectives(const Measurements& m, const Objectives& own,
                                                 const ObjectiveTargets& targets) {
  std::vector<ObjectiveResult> out;
  out.push_back(latency("plan-persisted", "dvt_plan_persist_duration_ms", m.plan_persisted, Driven::by_input));
  out.push_back(latency("ui-refresh", "dvt_ui_refresh_duration_ms", m.ui_refresh, Driven::emergent));
  add_beside(out.back(), "push_p99", m.ui_push.percentiles);
  out.push_back(latency("pause-latency", "dvt_pause_to_quiescence_ms", m.pause_latency, Driven::emergent));
  add_beside(out.back(), "with_backlog_p99", m.pauses.with_backlog_latency.percentiles);
  add_beside(out.back(), "last_retry_started_p99", m.pauses.all.last_retry_started);
  out.push_back(latency("statestore-write", "dvt_statestore_write_duration_ms", m.statestore_write, Driven::by_input));
  add_beside(out.back(), "duplicates_p99", m.duplicate_write.percentiles);
  out.push_back(projection_lag(m.lag));
  out.push_back(latency("outbox-delivery", "dvt_outbox_delivery_duration_ms", m.outbox_delivery, Driven::by_input));
  for (const NamedLatency& subscription : m.delivery_by_subscription) {
    add_beside(out.back(), subscription.name + "_p99", subscription.latency.percentiles);
  }
  out.push_back(not_measured("availability", "dvt_control_plane_minutes_good_total, dvt_control_plane_minutes_total",
                             Quantity::of(Unit::share, 0.995), "no probe runs and no minute is judged yet"));
  out.push_back(error_rate(m));
  out.push_back(latency("completion", "dvt_run_control_plane_duration_seconds", m.completion, Driven::emergent));
  add_beside(out.back(), "admission_wait_p99", m.admission_wait.percentiles);
  out.push_back(projection_gaps(m));
  out.push_back(throughput(m.days, targets.runs_per_day));
  out.push_back(not_measured("cost-per-run", "dvt_run_cost_estimate", Quantity::of(Unit::dollars, 0.01),
                             "the cost of the control plane is not modelled yet"));
  for (const ObjectiveSpec& spec : own.added) out.push_back(own_objective(spec));
  if (!own.file.empty()) {
    out.push_back(not_measured(own.file.path, "", Quantity::of(Unit::share, 0), "OpenSLO files are not evaluated yet"));
  }
  return out;
}

const ObjectiveResult* find_objective(const std::vector<ObjectiveResult>& objectives, std::string_view name) {
  const auto it = std::ranges::find(objectives, name, &ObjectiveResult::name);
  return it == objectives.end() ? nullptr : &*it;
}

}  // namespace dvt::sim
