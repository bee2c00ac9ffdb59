#include "sim/slo/impact.h"

#include <algorithm>
#include <array>

#include "sim/slo/objectives.h"

namespace dvt::sim {
namespace {

constexpr Duration kWindow = minutes(5);

/// `in`: one in so many observations may be bad.
bool is_impact(const BadWindow& window, double in) {
  const double expected = static_cast<double>(window.n) / in;
  const double beyond = static_cast<double>(window.bad) - 3 - expected;
  return beyond > 0 && beyond * beyond > 16 * expected;
}

Impact of_windows(std::string objective, std::uint64_t n, double in, const std::vector<BadWindow>& windows) {
  Impact out;
  out.objective = std::move(objective);
  out.allowed = static_cast<double>(n) / in;
  double bad = 0;
  std::optional<Instant> open_from;  // of the last window that was bad
  for (const BadWindow& window : windows) {
    bad += static_cast<double>(window.bad);
    out.spent.emplace_back(window.last_bad, bad);
    if (!is_impact(window, in)) continue;
    if (open_from && window.from - *open_from == kWindow) {
      out.spans.back().to = window.last_bad;
    } else {
      out.spans.push_back({window.first_bad, window.last_bad});
    }
    open_from = window.from;
  }
  return out;
}

Impact of_latency(std::string objective, const LatencySummary& latency) {
  return of_windows(std::move(objective), latency.n, 100, latency.bad_windows);
}

/// Terminal runs that the engine or an operator ended; those stuck are known at the end only and have no span.
Impact of_errors(const Measurements& measured) {
  const TerminalCounts& terminal = measured.terminal;
  const std::uint64_t n = terminal.completed + terminal.failed_engine + terminal.failed_user + terminal.terminated;
  return of_windows("error-rate", n, 1000, measured.error_bad_windows);
}

Impact of_lag(const LagSummary& lag) {
  Impact out;
  out.objective = "projection-lag";
  out.spans = lag.bad_spans;
  out.allowed = static_cast<double>(lag.total.ns) / 1e9 / 1000;
  double bad = 0;
  for (const TimeSpan& span : lag.bad_spans) {
    bad += static_cast<double>((span.to - span.from).ns) / 1e9;
    out.spent.emplace_back(span.to, bad);
  }
  return out;
}

/// Bad minutes, from the beginning of the first to the end of the last of each stretch.
Impact of_minutes(const Measurements& measured) {
  Impact out;
  out.objective = "availability";
  out.allowed = static_cast<double>(counted_minutes(measured).judged) / 200;
  double bad = 0;
  const auto first = static_cast<std::size_t>((measured.warmup_end.ns + minutes(1).ns - 1) / minutes(1).ns);
  for (std::size_t i = first; i < measured.minutes.size(); ++i) {
    if ((measured.minutes[i] & kMinuteBad) == 0) continue;
    const Instant from = Instant{} + minutes(static_cast<std::int64_t>(i));
    const Instant to = from + minutes(1);
    bad += 1;
    out.spent.emplace_back(to, bad);
    if (!out.spans.empty() && out.spans.back().to == from) {
      out.spans.back().to = to;
    } else {
      out.spans.push_back({from, to});
    }
  }
  return out;
}

Impact of_gaps(const GapSummary& gaps) {
  Impact out;
  out.objective = "projection-gaps";
  for (const Instant at : gaps.confirmed_at) {
    const Instant until = at + minutes(1);
    if (!out.spans.empty() && at <= out.spans.back().to) {
      out.spans.back().to = until;
    } else {
      out.spans.push_back({at, until});
    }
  }
  return out;
}

struct Told {
  std::string_view metric;
  std::string_view objective;
};
// By the metric's name without a histogram's suffix.
constexpr std::array kTold{
    Told{"dvt_plan_persist_duration_ms", "plan-persisted"},
    Told{"dvt_ui_refresh_duration_ms", "ui-refresh"},
    Told{"dvt_pause_to_quiescence_ms", "pause-latency"},
    Told{"dvt_signal_processing_duration_ms", "pause-latency"},
    Told{"dvt_statestore_write_duration_ms", "statestore-write"},
    Told{"dvt_projection_lag_events", "projection-lag"},
    Told{"dvt_projection_lag_seconds", "projection-lag"},
    Told{"dvt_projection_lag_bad_ms_total", "projection-lag"},
    Told{"dvt_outbox_delivery_duration_ms", "outbox-delivery"},
    Told{"dvt_control_plane_minutes_total", "availability"},
    Told{"dvt_control_plane_minutes_good_total", "availability"},
    Told{"dvt_runs_completed_total", "error-rate"},
    Told{"dvt_run_control_plane_duration_seconds", "completion"},
    Told{"dvt_run_completion_duration_seconds", "completion"},
    Told{"dvt_projection_gaps_total", "projection-gaps"},
};

}  // namespace

std::optional<double> Impact::consumed(Instant at) const {
  if (!(allowed > 0)) return std::nullopt;
  double gone = 0;
  for (const auto& [until, bad] : spent) {
    if (until > at) break;
    gone = bad;
  }
  return gone / allowed;
}

std::vector<Impact> impacts(const Measurements& measured) {
  std::vector<Impact> out;
  out.push_back(of_latency("plan-persisted", measured.plan_persisted));
  out.push_back(of_latency("ui-refresh", measured.ui_refresh));
  out.push_back(of_latency("pause-latency", measured.pause_latency));
  out.push_back(of_latency("statestore-write", measured.statestore_write));
  out.push_back(of_lag(measured.lag));
  out.push_back(of_latency("outbox-delivery", measured.outbox_delivery));
  out.push_back(of_minutes(measured));
  out.push_back(of_errors(measured));
  out.push_back(of_latency("completion", measured.completion));
  out.push_back(of_gaps(measured.gaps));
  return out;
}

const Impact* find_impact(const std::vector<Impact>& impacts, std::string_view objective) {
  const auto it = std::ranges::find(impacts, objective, &Impact::objective);
  return it == impacts.end() ? nullptr : &*it;
}

std::string_view objective_of_metric(std::string_view metric) {
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"})
    if (metric.ends_with(suffix)) metric.remove_suffix(suffix.size());
  const auto it = std::ranges::find(kTold, metric, &Told::metric);
  return it == kTold.end() ? std::string_view{} : it->objective;
}

}  // namespace dvt::sim
