// One function a kind of objective; the table of domain §13 is evaluate_objectives().
#include "sim/slo/objectives.h"

#include "engine/base/format.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "sim/measure/minutes.h"
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

constexpr Duration kMinute = minutes(1);
/// The window of the alert beside the verdict (domain §13: < 99 % in 4 h).
constexpr std::size_t kAlertMinutes = 240;
constexpr std::size_t kMonthMinutes = 43'200;

std::size_t first_minute(const Measurements& measured) {
  return static_cast<std::size_t>((measured.warmup_end.ns + kMinute.ns - 1) / kMinute.ns);
}

double good_share(const MinuteCounts& counts) {
  return static_cast<double>(counts.good) / static_cast<double>(counts.judged);
}

/// 99.5 %, by integers.
bool minutes_hold(const MinuteCounts& counts) {
  return 200 * counts.good >= 199 * counts.judged;
}

/// The least share of good minutes in any `length` consecutive minutes; nullopt when the run is shorter.
std::optional<double> worst_window(const Measurements& measured, std::size_t length) {
  const std::size_t first = first_minute(measured);
  const std::vector<std::uint8_t>& all = measured.minutes;
  if (all.size() < first + length) return std::nullopt;
  std::uint64_t judged = 0;
  std::uint64_t bad = 0;
  double worst = 1;
  for (std::size_t i = first; i < all.size(); ++i) {
    judged += (all[i] & kMinuteJudged) != 0 ? 1U : 0U;
    bad += (all[i] & kMinuteBad) != 0 ? 1U : 0U;
    if (i >= first + length) {
      judged -= (all[i - length] & kMinuteJudged) != 0 ? 1U : 0U;
      bad -= (all[i - length] & kMinuteBad) != 0 ? 1U : 0U;
    }
    if (i + 1 < first + length || judged == 0) continue;
    worst = std::min(worst, static_cast<double>(judged - bad) / static_cast<double>(judged));
  }
  return worst;
}

ObjectiveResult availability(const Measurements& measured) {
  ObjectiveResult out;
  out.name = "availability";
  out.metric = "dvt_control_plane_minutes_good_total, dvt_control_plane_minutes_total";
  out.target = Quantity::of(Unit::share, 0.995);
  const MinuteCounts counts = counted_minutes(measured);
  out.n = counts.judged;
  out.good = counts.good;
  out.bad = counts.bad();
  const std::size_t first = first_minute(measured);
  for (std::size_t from = first; from + kAlertMinutes <= measured.minutes.size(); from += kAlertMinutes) {
    const MinuteCounts window = count_minutes(measured.minutes, from, from + kAlertMinutes);
    if (window.judged == 0) continue;
    ++out.windows.n;
    if (!minutes_hold(window)) ++out.windows.failed;
  }
  if (counts.judged == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no full minute after warm-up, or nothing in any that tells of it";
    return out;
  }
  out.observed = Quantity::of(Unit::share, good_share(counts));
  out.budget_left = 1.0 - 200.0 * static_cast<double>(counts.bad()) / static_cast<double>(counts.judged);
  out.verdict = minutes_hold(counts) ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  if (counts.bad() > 0) {
    out.reason = fmt::format("{} bad minute{}: {} by requests, {} by writes, {} by the probe", counts.bad(),
                             counts.bad() == 1 ? "" : "s", counts.bad_requests, counts.bad_writes, counts.bad_probe);
  }
  if (const auto worst = worst_window(measured, kAlertMinutes))
    out.beside.push_back({"worst_4h", Quantity::of(Unit::share, *worst)});
  if (const auto worst = worst_window(measured, kMonthMinutes))
    out.beside.push_back({"worst_30d", Quantity::of(Unit::share, *worst)});
  return out;
}

/// Runs that a share of 0.1 % needs before "pass" means anything: 0.999^2995 < 5 %.
constexpr std::uint64_t kSufficientRuns = 2'995;

ObjectiveResult error_rate(const Measurements& measured) {
  ObjectiveResult out;
  out.name = "error-rate";
  out.metric = "dvt_runs_completed_total";
  out.target = Quantity::of(Unit::share, 0.001);
  out.windows = measured.error_windows;
  const TerminalCounts& terminal = measured.terminal;
  out.bad = terminal.failed_engine + terminal.terminated + measured.runs.stuck;
  out.good = terminal.completed + terminal.failed_user;
  out.n = out.good + out.bad;
  if (out.n == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no run ended after warm-up, and none is stuck";
    return out;
  }
  const auto share = [&](std::uint64_t runs) {
    return Quantity::of(Unit::share, static_cast<double>(runs) / static_cast<double>(out.n));
  };
  out.observed = share(out.bad);
  out.budget_left = 1.0 - 1000.0 * static_cast<double>(out.bad) / static_cast<double>(out.n);
  out.beside = {{"engine", share(terminal.failed_engine)},
                {"terminated", share(terminal.terminated)},
                {"stuck", share(measured.runs.stuck)},
                {"user", share(terminal.failed_user)}};
  if (1000 * out.bad > out.n) {
    out.verdict = ObjectiveVerdict::fail;
    out.reason = fmt::format("{} failed by the engine, {} terminated by an operator, {} stuck", terminal.failed_engine,
                             terminal.terminated, measured.runs.stuck);
  } else if (out.n < kSufficientRuns) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason =
        fmt::format("{} run{}: a share of 0.1 % that passes needs {}", out.n, out.n == 1 ? "" : "s", kSufficientRuns);
  } else {
    out.verdict = ObjectiveVerdict::pass;
  }
  return out;
}

ObjectiveResult cost_per_run(const Measurements& measured, const CostResult& cost, std::uint64_t runs_per_day) {
  constexpr double kNano = 1e-9;
  const auto dollars = [](std::int64_t nanos) {
    return Quantity::of(Unit::dollars, static_cast<double>(nanos) * kNano);
  };
  ObjectiveResult out;
  out.name = "cost-per-run";
  out.metric = "dvt_run_cost_estimate";
  out.emergent = false;
  out.target = dollars(kCostTargets.total());
  out.n = cost.completed;
  if (cost.completed == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = "no run completed after warm-up";
    return out;
  }
  out.observed = dollars(cost.per_run.total());
  out.beside = {{"compute", dollars(cost.per_run.compute)},
                {"storage", dollars(cost.per_run.storage)},
                {"network", dollars(cost.per_run.network)},
                {"marginal", dollars(cost.marginal_per_run)},
                {"idle_share", Quantity::of(Unit::share, cost.idle_share())}};
  __extension__ using Wide = __int128;
  std::string above;
  const auto judge = [&](const char* name, std::int64_t spent, std::int64_t limit) {
    if (spent <= static_cast<Wide>(limit) * static_cast<Wide>(cost.completed)) return;
    above += fmt::format("{}{}", above.empty() ? "" : ", ", name);
  };
  judge("compute", cost.total.compute, kCostTargets.compute);
  judge("storage", cost.total.storage, kCostTargets.storage);
  judge("network", cost.total.network, kCostTargets.network);
  // The document's baseline is for phase 1's load: a platform that stands idle is dear by the run, and no news.
  const Wide offered_a_day = static_cast<Wide>(measured.runs.requested) * hours(24).ns;
  if (offered_a_day < static_cast<Wide>(runs_per_day) * measured.end.ns) {
    out.verdict = ObjectiveVerdict::not_applicable;
    out.reason = fmt::format("fewer runs were offered than {} a day", runs_per_day);
    return out;
  }
  out.good = above.empty() ? out.n : 0;
  out.bad = out.n - out.good;
  out.verdict = above.empty() ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  if (!above.empty()) out.reason = "above its target: " + above;
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

ObjectiveResult own_objective(const ObjectiveSpec& spec, const OwnObjectiveCounts& counts) {
  ObjectiveResult out;
  out.name = spec.name;
  out.metric = spec.metric;
  out.target = Quantity::of(Unit::share, spec.target.fraction());
  out.windows = counts.windows;
  out.n = static_cast<std::uint64_t>(counts.total);
  out.bad = static_cast<std::uint64_t>(counts.bad);
  out.good = out.n - std::min(out.n, out.bad);
  if (out.n == 0) {
    out.verdict = ObjectiveVerdict::insufficient;
    out.reason = spec.budgeting == Budgeting::timeslices ? "no slice of time had an occurrence" : "no occurrence";
    return out;
  }
  constexpr std::int64_t kWhole = 1'000'000'000;
  const auto n = static_cast<double>(out.n);
  out.observed = Quantity::of(Unit::share, static_cast<double>(out.good) / n);
  const std::int64_t allowed = kWhole - spec.target.ppb;
  __extension__ using Wide = __int128;
  const bool holds = static_cast<Wide>(out.bad) * kWhole <= static_cast<Wide>(out.n) * allowed;
  out.verdict = holds ? ObjectiveVerdict::pass : ObjectiveVerdict::fail;
  if (allowed > 0)
    out.budget_left =
        1.0 - static_cast<double>(out.bad) * static_cast<double>(kWhole) / (n * static_cast<double>(allowed));
  return out;
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
                                                 const ObjectiveTargets& targets, const CostResult& cost) {
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
  out.push_back(availability(m));
  out.push_back(error_rate(m));
  out.push_back(latency("completion", "dvt_run_control_plane_duration_seconds", m.completion, Driven::emergent));
  add_beside(out.back(), "admission_wait_p99", m.admission_wait.percentiles);
  out.push_back(projection_gaps(m));
  out.push_back(throughput(m.days, targets.runs_per_day));
  out.push_back(cost_per_run(m, cost, targets.runs_per_day));
  for (std::size_t i = 0; i < own.added.size(); ++i)
    out.push_back(own_objective(own.added[i], i < m.own.size() ? m.own[i] : OwnObjectiveCounts{}));
  return out;
}

MinuteCounts counted_minutes(const Measurements& measured) {
  return count_minutes(measured.minutes, first_minute(measured), measured.minutes.size());
}

std::vector<BadSlice> bad_slices(const Measurements& measured) {
  std::vector<BadSlice> out;
  const std::vector<std::uint8_t>& all = measured.minutes;
  const auto at = [](std::size_t minute) { return Instant{} + kMinute * static_cast<std::int64_t>(minute); };
  for (std::size_t i = first_minute(measured); i < all.size() && out.size() < kBadSliceLimit;) {
    std::size_t to = i;
    while (to < all.size() && (all[to] & kMinuteBad) != 0) ++to;
    if (to > i) out.push_back({at(i), at(to), count_minutes(all, i, to)});
    i = std::max(to, i + 1);
  }
  return out;
}

const ObjectiveResult* find_objective(const std::vector<ObjectiveResult>& objectives, std::string_view name) {
  const auto it = std::ranges::find(objectives, name, &ObjectiveResult::name);
  return it == objectives.end() ? nullptr : &*it;
}

}  // namespace dvt::sim
