// A finished run with something of everything, made by hand: what the renderings are tested on.
#pragma once

#include <string>

#include "sim/report/json_report.h"
#include "sim/slo/verdict.h"

namespace dvt::test {

inline sim::Percentiles percentiles(std::uint64_t n, Duration p50, Duration p99, Duration max) {
  return {n, p50, p99, max};
}

inline sim::Scenario sample_scenario() {
  sim::Scenario scenario;
  scenario.file_name = "pause-storm.yaml";
  scenario.metadata.name = "pause-storm";
  scenario.seed = 42;
  scenario.duration = hours(2);
  scenario.warmup = minutes(5);
  scenario.known_faults.mended[6] = true;
  scenario.topology.state_store.write_latency = sim::Dist::lognormal(milliseconds(1), milliseconds(4));
  scenario.topology.bus.subscriptions = {{"ui", {}, sim::Dist::lognormal(milliseconds(20), milliseconds(200))}};
  scenario.provenance = {{"topology.stateStore", sim::Provenance::measured}, {"warehouses", sim::Provenance::assumed}};
  scenario.invariants.except = {{"legal-transitions", "the imported log has some"}};
  return scenario;
}

inline sim::ObjectiveResult objective(const char* name, const char* metric, sim::Quantity target,
                                      sim::ObjectiveVerdict verdict) {
  sim::ObjectiveResult out;
  out.name = name;
  out.metric = metric;
  out.target = target;
  out.verdict = verdict;
  return out;
}

inline sim::Verdict sample_verdict() {
  using namespace sim;
  Verdict v;
  v.identity.scenario = "pause-storm";
  v.identity.seed = 42;
  v.identity.fingerprint = "00c0ffee12345678";
  v.identity.start = UnixNanos{1'767'225'600'000'000'000};
  v.identity.events_total = 1'234'567;
  v.identity.kernel_events = 7'654'321;
  v.identity.reproduce = "dvtsim run pause-storm.yaml --seed 42";

  Measurements& m = v.measured;
  m.warmup_end = Instant{} + minutes(5);
  m.end = Instant{} + hours(2);
  m.runs = {4'300, 4'200, 4'150, 30, 8, 12, 1};
  m.store = {92'400, 17, 3, 31'400'000};
  m.counts = {{"notice.DEAD_LETTER", 2}, {"signals.accepted", 120}};
  LoadFigures projector;
  projector.servers = 3;
  projector.utilisation = 0.0625;
  projector.offered = 11.25;
  projector.capacity = 180;
  projector.queue_mean = 610.5;
  projector.queue_max = 6'833;
  projector.queue_max_at = Instant{} + minutes(40);
  projector.drained = nanoseconds(40'521'361'267);
  projector.drain_time = nanoseconds(40'490'000'000);
  LoadFigures relays;  // no service times, and a queue that is still there
  relays.servers = 2;
  relays.offered = 11.25;
  relays.queue_mean = 12.5;
  relays.queue_max = 240;
  m.capacity = {{"projector", projector}, {"outbox", relays}};
  m.absent_metrics = {{"dvt_plugin_calls_total", "not simulated"},
                      {"dvt_plugin_errors_total", "not simulated"},
                      {"dvt_run_cost_estimate", "no run completed"}};

  ObjectiveResult write = objective("statestore-write", "dvt_statestore_write_duration_ms",
                                    Quantity::of(milliseconds(10)), ObjectiveVerdict::pass);
  write.observed = Quantity::of(nanoseconds(7'961'234));
  write.n = 88'000;
  write.good = 87'600;
  write.bad = 400;
  write.emergent = false;
  write.windows = {23, 1};
  write.budget_left = 0.5454;
  write.beside = {{"p50", Quantity::of(milliseconds(2))}, {"max", Quantity::of(nanoseconds(31'500'000))}};
  ObjectiveResult pause =
      objective("pause-latency", "dvt_pause_to_quiescence_ms", Quantity::of(seconds(1)), ObjectiveVerdict::fail);
  pause.observed = Quantity::of(nanoseconds(4'312'000'001));
  pause.n = 320;
  pause.good = 300;
  pause.bad = 20;
  pause.windows = {23, 9};
  pause.budget_left = -5.25;
  ObjectiveResult plan = objective("plan-persisted", "dvt_plan_persist_duration_ms", Quantity::of(milliseconds(300)),
                                   ObjectiveVerdict::insufficient);
  plan.observed = Quantity::of(milliseconds(210));
  plan.n = plan.good = 120;
  plan.reason = "120 observations: a p99 that passes needs 299";
  ObjectiveResult lag =
      objective("projection-lag", "dvt_projection_lag_*", Quantity::of(Unit::share, 0.999), ObjectiveVerdict::pass);
  lag.observed = Quantity::of(Unit::share, 0.99995);
  lag.n = lag.good = 6'900'000;
  lag.budget_left = 0.95;
  ObjectiveResult gaps =
      objective("projection-gaps", "dvt_projection_gaps_total", Quantity::of(Unit::gaps, 0), ObjectiveVerdict::pass);
  gaps.observed = Quantity::of(Unit::gaps, 0);
  ObjectiveResult throughput = objective("throughput", "dvt_runs_completed_total",
                                         Quantity::of(Unit::runs_per_day, 50'000), ObjectiveVerdict::not_applicable);
  throughput.reason = "no full virtual day after warm-up";
  ObjectiveResult cost = objective("cost-per-run", "dvt_run_cost_estimate", Quantity::of(Unit::dollars, 0.01),
                                   ObjectiveVerdict::not_measured);
  cost.reason =
      "fewer runs were offered than the target's load, and a reason that is longer than its line goes below it";
  v.objectives = {plan, pause, write, lag, gaps, throughput, cost};

  m.minutes.assign(120, kMinuteJudged);
  for (const std::size_t minute : {40U, 41U, 42U}) m.minutes[minute] |= kBadRequests;
  m.minutes[42] |= kBadProbe;
  m.minutes[90] |= kBadWrites;
  v.budget.configured = true;
  v.budget.policy.window = BudgetWindow::calendar_month;
  v.budget.status = {seconds(13'392), minutes(4), 6.67, BudgetState::advisory};
  v.budget.transitions = {{Instant{} + minutes(43), BudgetState::advisory, minutes(3), seconds(13'392)}};
  ReleaseSummary& releases = m.releases;
  releases = {2, 1, 1, 1, 0, 1, minutes(30), {}};
  releases.list = {{"weekly", 0, Instant{} + minutes(40), ReleaseFate::shipped, Instant{} + minutes(40), true, 1},
                   {"weekly", 1, Instant{} + minutes(90), ReleaseFate::waiting, std::nullopt, false, 1}};
  v.cost.completed = 4'150;
  v.cost.total = {2'075'000'000, 41'500'000, 8'300'000};
  v.cost.per_run = {500'000, 10'000, 2'000};
  v.cost.idle = 1'660'000'000;
  v.cost.marginal_per_run = 112'000;
  v.cost.replicas = {{"tq-data", 10, 2'075'000'000, 415'000'000}};
  v.cost.by_plan = {{"small", 4'150, {400'000'000, 41'000'000, 8'000'000}},
                    {"other", 0, {15'000'000, 500'000, 300'000}}};
  LatencySummary steps;
  steps.threshold = seconds(30);
  steps.n = 1'000;
  steps.good = 985;
  steps.bad = 15;
  steps.percentiles = percentiles(1'000, seconds(3), seconds(34), seconds(80));
  m.data_plane = {{"dbt", "small", steps}};

  AlertResult fired;
  fired.rule = "PauseLatencyHigh";
  fired.set = "corrected";
  fired.severity = "page";
  fired.firings = {{Instant{} + minutes(31), Instant{} + minutes(36), Instant{} + minutes(50)},
                   {Instant{} + minutes(100), Instant{} + minutes(105), std::nullopt}};
  fired.detection = minutes(6);
  fired.false_alarms = 1;
  AlertResult silent;
  silent.rule = "ProjectionLag";
  silent.set = "corrected";
  silent.severity = "page";
  silent.false_alarms = 0;
  AlertResult unknown;
  unknown.rule = "ErrorBudgetBurn";
  unknown.set = "corrected";
  unknown.severity = "ticket";
  unknown.evaluated = false;
  unknown.reason = "its metric dvt_control_plane_minutes_total is absent: availability is not measured yet";
  v.alerts = {fired, silent, unknown};

  PauseSummary& pauses = m.pauses;
  pauses.all.n = 3;
  pauses.all.applied = percentiles(3, milliseconds(35), milliseconds(80), milliseconds(80));
  pauses.all.last_scheduled = percentiles(3, {}, milliseconds(12), milliseconds(12));
  pauses.all.last_started = percentiles(3, {}, nanoseconds(4'312'000'001), nanoseconds(4'312'000'001));
  pauses.all.drained = percentiles(2, seconds(41), minutes(17) + seconds(5), minutes(17) + seconds(5));
  pauses.with_backlog.n = 1;
  pauses.with_backlog.last_started =
      percentiles(1, nanoseconds(4'312'000'001), nanoseconds(4'312'000'001), nanoseconds(4'312'000'001));
  pauses.activities_started_after_pause = 32;
  pauses.retries_started_after_pause = 2;
  pauses.ended_by[0] = 2;
  pauses.ended_by[4] = 1;
  PauseRecord record;
  record.run = RunOrdinal{7};
  record.run_id = uuid_v4_from(1, 2);
  record.accepted_at = Instant{} + minutes(45);
  record.applied = milliseconds(35);
  record.last_started = nanoseconds(4'312'000'001);
  record.first_attempts_started = 30;
  record.retries_started = 2;
  record.queue_depth = 32;
  record.in_flight = 8;
  pauses.list = {record};

  FaultSummary slow;
  slow.name = "slow";
  slow.injected_at = Instant{} + minutes(30);
  slow.healed_at = Instant{} + minutes(60);
  slow.count = 1;
  slow.recovered = minutes(9) + seconds(30);
  FaultSummary never;
  never.name = "stall";
  m.faults = {slow, never};

  v.invariants = {
      {"run-seq-strictly-increasing", 92'400, 0, 0, {}},
      {"engine-matches-store",
       4'188,
       8,
       1,
       {"2026-01-01T00:40:00.000000000Z run 12: the engine closed the run as cancelled and the log says RUNNING"}},
      {"consumer-effect-once",
       277'200,
       2,
       0,
       {"2026-01-01T00:41:00.000000000Z run 3: subscription 1 took position 40 for new twice",
        "2026-01-01T00:41:01.000000000Z run 3: subscription 1 took position 41 for new twice"}}};
  v.assertions = {{"pauses.drained.p99 < 20m", true, "pauses.drained.p99 = 17m5s", "pause-storm.yaml:40:5", false},
                  {"runs.failed == 0", false, "runs.failed = 30", "pause-storm.yaml:41:5", false}};
  v.passed = false;
  v.exit_code = ExitCode::violated;
  v.decided_by = "invariants violated: consumer-effect-once";
  return v;
}

}  // namespace dvt::test
