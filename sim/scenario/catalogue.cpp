// What a result of a scenario can be asked: the built-in objectives and the paths of design §7, unit suffixes dropped.
#include "engine/base/format.h"

#include <array>

#include "sim/scenario/reader.h"

namespace dvt::sim {

std::span<const ObjectiveInfo> builtin_objectives() {
  static constexpr std::array<ObjectiveInfo, 12> kRows{{
      {"plan-persisted", "dvt_plan_persist_duration_ms",
       "API request received → RunQueued commit acknowledged; 429 apart", "p99 <= 300ms", "", ValueKind::duration},
      {"ui-refresh", "dvt_ui_refresh_duration_ms", "event commit → snapshot commit", "p99 <= 1s", "",
       ValueKind::duration},
      {"pause-latency", "dvt_pause_to_quiescence_ms",
       "PAUSE accepted → last first-attempt activity started (0 if none)", "p99 <= 1s", "5s", ValueKind::duration},
      {"statestore-write", "dvt_statestore_write_duration_ms",
       "append issued → acknowledged, per new event; failed and fail-open writes are bad", "p99 <= 10ms", "",
       ValueKind::duration},
      {"projection-lag", "dvt_projection_lag_events",
       "bad while the lag is at least 50 events and its oldest at least 1s", "99.9% of the time",
       "more than 100 events", ValueKind::share},
      {"outbox-delivery", "dvt_outbox_delivery_duration_ms",
       "commit → first acknowledgement, per event and subscription, retries included; dead letters are bad",
       "p99 <= 5s", "30s", ValueKind::duration},
      {"availability", "dvt_control_plane_minutes_total",
       "good minutes ÷ minutes: valid requests succeed, writes succeed, the probe run starts within 60s",
       "99.5% of 30d", "below 99% in 4h", ValueKind::share},
      {"error-rate", "dvt_runs_completed_total",
       "(failed by the engine + terminated by the operator + stuck) ÷ (terminal + stuck)", "at most 0.1% of 30d",
       "more than 1% in 10m", ValueKind::share},
      {"completion", "dvt_run_control_plane_duration_seconds",
       "end-to-end − executeStep attempts − PAUSED intervals − backoff after step failures", "p99 <= 5s", "30s",
       ValueKind::duration},
      {"projection-gaps", "dvt_projection_gaps_total", "confirmed gaps", "0", "more than 0 in 1m", ValueKind::number},
      {"throughput", "dvt_runs_completed_total",
       "completed runs in each full virtual day after warm-up; not applicable when fewer were offered",
       "at least 50000", "", ValueKind::number},
      {"cost-per-run", "dvt_run_cost_estimate", "control-plane cost ÷ completed runs", "at most 0.01 USD", "",
       ValueKind::money},
  }};
  return kRows;
}

namespace {

void add_objective(PathCatalogue& catalogue, std::string_view name, ValueKind observed) {
  const std::string prefix = fmt::format("objectives.{}.", name);
  catalogue.add_word_path(prefix + "verdict", {"pass", "fail", "insufficient", "not_measured", "not_applicable"});
  catalogue.add(prefix + "observed", observed);
  catalogue.add(prefix + "target", observed);
  catalogue.add(prefix + "metric", ValueKind::word);
  catalogue.add(prefix + "reason", ValueKind::word);
  catalogue.add(prefix + "emergent", ValueKind::boolean);
  for (const char* field : {"n", "good", "bad", "windows.n", "windows.failed"})
    catalogue.add(prefix + field, ValueKind::number);
}

}  // namespace

PathCatalogue path_catalogue(const Scenario& scenario) {
  PathCatalogue catalogue;
  for (const ObjectiveInfo& objective : builtin_objectives())
    add_objective(catalogue, objective.name, objective.observed);
  for (const ObjectiveSpec& objective : scenario.objectives.added)
    add_objective(catalogue, objective.name, ValueKind::number);
  for (const char* field : {"started", "completed", "failed", "cancelled", "in_flight", "stuck"})
    catalogue.add(fmt::format("runs.{}", field), ValueKind::number);
  for (const char* field : {"events", "duplicates", "write_errors"})
    catalogue.add(fmt::format("store.{}", field), ValueKind::number);
  catalogue.add("store.bytes", ValueKind::bytes);
  catalogue.add("pauses.n", ValueKind::number);
  catalogue.add("pauses.activities_started_after_pause", ValueKind::number);
  for (const char* moment : {"applied", "last_scheduled", "last_started", "drained", "with_backlog"}) {
    for (const char* quantile : {"p50", "p99", "max"})
      catalogue.add(fmt::format("pauses.{}.{}", moment, quantile), ValueKind::duration);
  }
  catalogue.add("budget.total", ValueKind::duration);
  catalogue.add("budget.consumed", ValueKind::duration);
  catalogue.add("budget.pace", ValueKind::number);
  catalogue.add("budget.window", ValueKind::word);
  catalogue.add_word_path("budget.state", {"NORMAL", "ADVISORY", "EXHAUSTED"});
  catalogue.add("cost.per_run", ValueKind::money);
  catalogue.add_open("cost.parts.", ValueKind::money);
  for (const Fault& fault : scenario.faults) {
    catalogue.add(fmt::format("faults.{}.count", fault.name), ValueKind::number);
    for (const char* field : {"recovered", "injected_at", "healed_at"})
      catalogue.add(fmt::format("faults.{}.{}", fault.name, field), ValueKind::duration);
  }
  catalogue.add_open("counts.", ValueKind::number);
  return catalogue;
}

void add_alert(PathCatalogue& catalogue, std::string_view rule_set, std::string_view rule) {
  for (const std::string& prefix : {fmt::format("alerts.{}.", rule), fmt::format("alerts.{}/{}.", rule_set, rule)}) {
    catalogue.add(prefix + "fired", ValueKind::number);
    catalogue.add(prefix + "false_alarms", ValueKind::number);
    catalogue.add(prefix + "detection", ValueKind::duration);
    catalogue.add(prefix + "first_firing", ValueKind::duration);
  }
}

void add_invariant(PathCatalogue& catalogue, std::string_view name) {
  catalogue.add(fmt::format("invariants.{}.violations", name), ValueKind::number);
  catalogue.add(fmt::format("invariants.{}.checks", name), ValueKind::number);
}

std::vector<Diagnostic> check_assertions(const Scenario& scenario, const PathCatalogue& catalogue) {
  std::vector<Diagnostic> diagnostics;
  for (std::size_t i = 0; i < scenario.assertions.size(); ++i) {
    const AssertionSpec& spec = scenario.assertions[i];
    const auto parsed = Assertion::parse(spec.text);
    const std::vector<AssertionError> errors =
        parsed.has_value() ? parsed.value().check(catalogue) : std::vector{parsed.error()};
    for (const AssertionError& error : errors) {
      Diagnostic diagnostic;
      diagnostic.file = scenario.file_name;
      diagnostic.line = spec.source.line;
      diagnostic.column = spec.source.line == 0 ? 0 : spec.source.column + static_cast<std::uint32_t>(error.offset);
      diagnostic.path = fmt::format("assertions.{}", i);
      diagnostic.message = error.message;
      diagnostics.push_back(std::move(diagnostic));
    }
  }
  return diagnostics;
}

}  // namespace dvt::sim
