// What decides a run, the paths that assertions read, and how a scenario is measured.
#include "sim/slo/verdict.h"

#include <gtest/gtest.h>

#include "sim/measure/catalogue.h"
#include "sim/measure/observations.h"
#include "sim/slo/measure_setup.h"
#include "sim/slo/result_paths.h"
#include "sim/slo/serial_floor.h"

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

LatencySummary writes(int good, int bad) {
  Observations observations(milliseconds(10), Instant{});
  for (int i = 0; i < good; ++i) observations.add(milliseconds(8), Instant{});
  for (int i = 0; i < bad; ++i) observations.add(milliseconds(40), Instant{});
  return observations.summary();
}

Verdict verdict_of(const Measurements& measured, std::vector<InvariantResult> invariants = {}) {
  return evaluate({}, measured, Scenario{}, {}, std::move(invariants));
}

Measurements healthy() {
  Measurements measured;
  measured.statestore_write = writes(1'000, 0);
  return measured;
}

Measurements slow_writes() {
  Measurements measured;
  measured.statestore_write = writes(900, 100);
  return measured;
}

TEST(SerialFloor, NamesThePlansThatCannotComeBelowTheCompletionTarget) {
  const Scenario scenario;  // the baseline's latencies
  // Four ways of 6.7 ms, a workflow task of 2.9 ms, a write of 2.4 ms (domain §21: about 32 ms).
  EXPECT_GT(mean_control_activity(scenario), milliseconds(31));
  EXPECT_LT(mean_control_activity(scenario), milliseconds(33));
  const std::vector<MeasuredPlan> plans{{"small", 12}, {"big", 200}, {"middle", 70}};
  const auto floors = serial_floors(scenario, plans, seconds(5));
  ASSERT_EQ(floors.size(), 1u);
  EXPECT_EQ(floors[0].plan, "big");
  EXPECT_EQ(floors[0].activities, 404u);
  EXPECT_GT(floors[0].floor, seconds(12));
  EXPECT_LT(floors[0].floor, seconds(14));
}

TEST(SerialFloor, IsNoneWhereEventsDoNotStandInARow) {
  const std::vector<MeasuredPlan> plans{{"big", 200}};
  Scenario mended;
  mended.known_faults.mended[10] = true;
  EXPECT_TRUE(serial_floors(mended, plans, seconds(5)).empty());
  Scenario dataflow;
  dataflow.topology.interpreter.kind = InterpreterKind::dataflow;
  EXPECT_TRUE(serial_floors(dataflow, plans, seconds(5)).empty());
  Scenario mock;
  mock.topology.adapter.kind = AdapterKind::mock;
  EXPECT_TRUE(serial_floors(mock, plans, seconds(5)).empty());
}

TEST(SerialFloor, IsToldWithTheCompletionObjective) {
  Measurements measured = healthy();
  measured.plans = {{"big", 200}};
  const Verdict verdict = verdict_of(measured);
  const ObjectiveResult* completion = find_objective(verdict.objectives, "completion");
  ASSERT_NE(completion, nullptr);
  EXPECT_NE(completion->reason.find("known fault 10: plan big of 200 steps makes 404 control activities"),
            std::string::npos)
      << completion->reason;
}

TEST(Conclude, ObjectivesDecideWhenThereAreNoAssertions) {
  Verdict good = verdict_of(healthy());
  conclude(good, {});
  EXPECT_TRUE(good.passed);
  EXPECT_EQ(good.exit_code, ExitCode::passed);
  Verdict bad = verdict_of(slow_writes());
  conclude(bad, {});
  EXPECT_FALSE(bad.passed);
  EXPECT_EQ(bad.exit_code, ExitCode::failed);
  EXPECT_EQ(bad.decided_by, "objectives missed: statestore-write");
}

TEST(Conclude, OnlyAssertionsDecideWhenThereAreAny) {
  Verdict expected_failure = verdict_of(slow_writes());
  conclude(expected_failure, {{"objectives.statestore-write.verdict == fail", true, "", "", false}});
  EXPECT_EQ(expected_failure.exit_code, ExitCode::passed);
  Verdict wrong = verdict_of(healthy());
  conclude(wrong, {{"a", true, "", "", false}, {"b", false, "", "", false}});
  EXPECT_EQ(wrong.exit_code, ExitCode::failed);
  EXPECT_EQ(wrong.decided_by, "1 of 2 assertions failed");
}

TEST(Conclude, AViolatedInvariantComesFirstUnlessAKnownFaultExplainsIt) {
  Verdict violated = verdict_of(healthy(), {{"terminal-states", 10, 1, 0, {}}});
  conclude(violated, {{"a", true, "", "", false}});
  EXPECT_EQ(violated.exit_code, ExitCode::violated);
  Verdict known = verdict_of(healthy(), {{"terminal-states", 10, 1, 7, {}}});
  conclude(known, {});
  EXPECT_EQ(known.exit_code, ExitCode::passed);
  Verdict diverged = verdict_of(healthy());
  conclude(diverged, {}, Replay::diverged);
  EXPECT_EQ(diverged.exit_code, ExitCode::violated);
}

TEST(Conclude, AnAbortIsFour) {
  Verdict verdict = verdict_of(healthy());
  conclude(verdict, {{"a", false, "", "", true}}, Replay::agreed, Ending::aborted);
  EXPECT_EQ(verdict.exit_code, ExitCode::aborted);
  EXPECT_EQ(static_cast<int>(verdict.exit_code), 4);
}

TEST(Conclude, NothingDecidedIsSeven) {
  Measurements few;
  few.statestore_write = writes(100, 0);  // insufficient
  Verdict verdict = verdict_of(few);
  conclude(verdict, {});
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(static_cast<int>(verdict.exit_code), 7);
}

Scenario scenario_with_everything() {
  Scenario scenario;
  Fault stall;
  stall.name = "stall";
  stall.kind = FaultKind::stall;
  stall.target.kind = TargetKind::projector;
  scenario.faults.push_back(stall);
  Fault storm;
  storm.name = "storm";
  storm.kind = FaultKind::kill;
  storm.target.kind = TargetKind::worker;
  storm.target.name = "tq-data";
  scenario.faults.push_back(storm);
  Fault slow;
  slow.name = "slow";
  slow.kind = FaultKind::latency;
  slow.target.kind = TargetKind::warehouse;
  slow.target.name = scenario.warehouses.back().name;
  scenario.faults.push_back(slow);
  return scenario;
}

Verdict full_verdict() {
  Measurements measured = slow_writes();
  measured.warmup_end = at(60);
  measured.runs.completed = 200;
  measured.runs.failed = 3;
  measured.store.bytes = 4'096;
  measured.pauses.all.n = 2;
  measured.pauses.all.drained = {2, seconds(5), seconds(9), seconds(9)};
  measured.pauses.with_backlog.last_started = {1, seconds(2), seconds(2), seconds(2)};
  measured.pauses.activities_started_after_pause = 4;
  measured.faults.push_back({"stall", at(1), at(2), 3, 0, seconds(90), {}});
  measured.faults.push_back({"storm", at(1), {}, 1, 0, {}, {}});
  measured.counts["notice.DEAD_LETTER"] = 5;
  measured.answers.push_back({{"dvt_projection_lag_events", {}, at(60), Instant{INT64_MAX}}, 4, 1, 90, 22.5, 3, 2});
  LoadFigures projector;
  projector.servers = 3;
  projector.utilisation = 0.5;
  projector.capacity = 180;
  projector.queue_max = 70;
  projector.drained = seconds(4);
  LoadFigures outbox;
  outbox.servers = 2;
  measured.capacity = {{"projector", projector}, {"outbox", outbox}};
  AlertResult lag;
  lag.rule = "ProjectionLag";
  lag.set = "corrected";
  lag.firings.push_back({at(100), at(400), {}});
  lag.detection = seconds(310);
  lag.false_alarms = 0;
  AlertResult gap;
  gap.rule = "ProjectionGap";
  gap.evaluated = false;
  return evaluate({}, std::move(measured), Scenario{}, {lag, gap}, {{"terminal-states", 10, 1, 0, {}}});
}

TEST(VerdictView, GivesEveryKindOfPathItsValue) {
  const Verdict verdict = full_verdict();
  const VerdictView view(verdict);
  const auto number = [&](std::string_view path) {
    return view.lookup(path).value_or(AssertValue::of_number(-1)).number;
  };
  EXPECT_EQ(view.lookup("objectives.statestore-write.verdict")->text, "fail");
  EXPECT_EQ(number("objectives.statestore-write.observed"), 40e6);
  EXPECT_EQ(view.lookup("objectives.statestore-write.observed")->kind, ValueKind::duration);
  EXPECT_EQ(number("objectives.statestore-write.target"), 10e6);
  EXPECT_EQ(number("objectives.statestore-write.bad"), 100);
  EXPECT_EQ(number("objectives.statestore-write.windows.failed"), 1);
  EXPECT_EQ(view.lookup("objectives.projection-lag.target")->kind, ValueKind::share);
  EXPECT_FALSE(view.lookup("objectives.availability.observed").has_value());
  EXPECT_EQ(number("alerts.ProjectionLag.fired"), 1);
  EXPECT_EQ(number("alerts.corrected/ProjectionLag.detection"), 310e9);
  EXPECT_EQ(number("alerts.ProjectionLag.first_firing"), 400e9);
  EXPECT_FALSE(view.lookup("alerts.upstream/ProjectionLag.fired").has_value());
  EXPECT_FALSE(view.lookup("alerts.ProjectionGap.fired").has_value());  // not evaluated: no value, not zero
  EXPECT_EQ(number("runs.completed"), 200);
  EXPECT_EQ(view.lookup("store.bytes")->kind, ValueKind::bytes);
  EXPECT_EQ(number("pauses.drained.p99"), 9e9);
  EXPECT_EQ(number("pauses.with_backlog.last_started.max"), 2e9);
  EXPECT_FALSE(view.lookup("pauses.applied.p99").has_value());
  EXPECT_EQ(number("pauses.activities_started_after_pause"), 4);
  EXPECT_EQ(number("faults.stall.recovered"), 90e9);
  EXPECT_EQ(number("faults.stall.count"), 3);
  EXPECT_FALSE(view.lookup("faults.storm.recovered").has_value());
  EXPECT_EQ(number("invariants.terminal-states.violations"), 1);
  EXPECT_EQ(number("counts.notice.DEAD_LETTER"), 5);
  EXPECT_EQ(number("counts.rejected.NEVER_HAPPENED"), 0);
  EXPECT_EQ(view.lookup("capacity.projector.utilisation")->kind, ValueKind::share);
  EXPECT_EQ(number("capacity.projector.queue_max"), 70);
  EXPECT_EQ(number("capacity.projector.drained"), 4e9);
  EXPECT_FALSE(view.lookup("capacity.projector.drain_time").has_value()) << "no spare capacity";
  EXPECT_EQ(number("capacity.outbox.servers"), 2);
  EXPECT_FALSE(view.lookup("capacity.outbox.utilisation").has_value()) << "it served nothing that takes time";
  EXPECT_FALSE(view.lookup("capacity.warehouse.servers").has_value());
  EXPECT_EQ(number("budget.consumed"), 0);
  EXPECT_EQ(number("budget.total"), 216 * 60e9);
  EXPECT_EQ(view.lookup("budget.state")->text, "NORMAL");
  EXPECT_EQ(view.lookup("cost.per_run")->kind, ValueKind::money);
  EXPECT_EQ(number("releases.shipped"), 0);
  EXPECT_FALSE(view.lookup("no.such.path").has_value());
}

TEST(VerdictView, AnswersMetricQuestionsThatWereAskedBeforehand) {
  const Verdict verdict = full_verdict();
  const VerdictView view(verdict);
  MetricQuery query;
  query.name = "dvt_projection_lag_events";
  query.function = MetricFunction::max;
  EXPECT_EQ(view.metric(query), 90.0);
  query.function = MetricFunction::mean;
  EXPECT_EQ(view.metric(query), 22.5);
  query.window = Window{at(0), at(100)};
  EXPECT_FALSE(view.metric(query).has_value());
}

TEST(ResultPaths, KnowWhatAResultCanAnswer) {
  const Scenario scenario = scenario_with_everything();
  const PathCatalogue paths = result_paths(scenario);
  EXPECT_EQ(paths.find("objectives.pause-latency.observed"), ValueKind::duration);
  EXPECT_EQ(paths.find("objectives.throughput.observed"), ValueKind::number);
  EXPECT_EQ(paths.find("objectives.cost-per-run.target"), ValueKind::money);
  EXPECT_EQ(paths.find("objectives.pause-latencies.observed"), std::nullopt);
  EXPECT_EQ(paths.find("alerts.ProjectionLag.detection"), ValueKind::duration);
  EXPECT_EQ(paths.find("alerts.SLOErrorRate.fired"), std::nullopt);  // of a set that is not loaded
  EXPECT_EQ(paths.find("pauses.drained.p99"), ValueKind::duration);
  EXPECT_EQ(paths.find("faults.stall.recovered"), ValueKind::duration);
  EXPECT_EQ(paths.find("faults.none.recovered"), std::nullopt);
  EXPECT_EQ(paths.find("counts.notice.DEAD_LETTER"), ValueKind::number);
  EXPECT_EQ(paths.find("counts.notice.DEAD_LETER"), std::nullopt);
  EXPECT_EQ(paths.find("counts.rejected.ANY_CODE"), ValueKind::number);
  EXPECT_EQ(paths.find("capacity.projector.drain_time"), ValueKind::duration);
  EXPECT_EQ(paths.find("capacity.projectors.drain_time"), std::nullopt);
  EXPECT_EQ(paths.find("budget.consumed"), ValueKind::duration);
  EXPECT_TRUE(paths.has_metric("dvt_projection_lag_events"));
  EXPECT_TRUE(paths.has_metric("dvt_ui_refresh_duration_ms_count"));
  const std::vector<std::string> names{"terminal-states"};
  EXPECT_EQ(result_paths(scenario, names).find("invariants.terminal-states.violations"), ValueKind::number);
  EXPECT_EQ(result_paths(scenario, names).find("invariants.other.violations"), std::nullopt);
}

TEST(ResultPaths, TwoRuleSetsNeedTheSetWhereTheNameIsTheSame) {
  Scenario scenario;
  scenario.alerts.rule_sets = {RuleSet::upstream, RuleSet::corrected};
  const PathCatalogue paths = result_paths(scenario);
  EXPECT_EQ(paths.find("alerts.ProjectionLag.fired"), std::nullopt);
  EXPECT_EQ(paths.find("alerts.upstream/ProjectionLag.fired"), ValueKind::number);
  EXPECT_EQ(paths.find("alerts.corrected/ProjectionLag.fired"), ValueKind::number);
  EXPECT_EQ(paths.find("alerts.SLOErrorRate.fired"), ValueKind::number);
}

TEST(Assertions, AreParsedCheckedAskedAndEvaluatedAgainstAVerdict) {
  Scenario scenario = scenario_with_everything();
  scenario.assertions.push_back({{}, "objectives.statestore-write.verdict == fail", false});
  scenario.assertions.push_back(
      {{}, "alerts.ProjectionLag.fired == 1 and alerts.ProjectionLag.detection <= 6m", false});
  scenario.assertions.push_back({{}, "metric(dvt_projection_lag_events).max <= 80", false});
  scenario.assertions.push_back({{}, "runs.failed / runs.completed < 2%", true});
  std::vector<Assertion> parsed;
  for (const AssertionSpec& spec : scenario.assertions) {
    auto assertion = Assertion::parse(spec.text);
    ASSERT_TRUE(assertion.has_value()) << spec.text;
    EXPECT_TRUE(assertion.value().check(result_paths(scenario)).empty()) << spec.text;
    parsed.push_back(assertion.value());
  }
  const std::vector<SeriesQuery> asked = series_queries(parsed, at(60));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].metric, "dvt_projection_lag_events");
  EXPECT_EQ(asked[0].from, at(60));
  Verdict verdict = full_verdict();
  std::vector<AssertionResult> results = evaluate_assertions(scenario, verdict);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0].passed) << results[0].observed;
  EXPECT_TRUE(results[1].passed) << results[1].observed;
  EXPECT_FALSE(results[2].passed);
  EXPECT_TRUE(results[3].passed) << results[3].observed;
  EXPECT_TRUE(results[3].abort_on_fail);
}

TEST(MeasureSetup, ReadsTheRecordersConfigurationOffTheScenario) {
  Scenario scenario = scenario_with_everything();
  scenario.warmup = minutes(5);
  const MeasureConfig config = measure_config(scenario, {{"p", "1", {}}});
  EXPECT_EQ(config.warmup_end, at(300));
  EXPECT_EQ(config.adapter, "temporal");
  EXPECT_EQ(config.thresholds.pause, seconds(1));
  ASSERT_EQ(config.queues.size(), 2U);
  EXPECT_EQ(config.queues[1].domain, "tq-data");
  EXPECT_EQ(config.queues[1].workers, 10U);
  EXPECT_EQ(config.subscriptions, (std::vector<std::string>{"ui", "audit", "webhooks"}));
  ASSERT_EQ(config.faults.size(), 3U);
  EXPECT_EQ(config.faults[0].recovery, RecoveryBy::projection);
  EXPECT_EQ(config.faults[1].recovery, RecoveryBy::workers);
  EXPECT_EQ(config.faults[1].index, 1U);
  EXPECT_TRUE(config.faults[1].recovers_from_injection);
  EXPECT_EQ(config.faults[2].recovery, RecoveryBy::warehouse);
  EXPECT_EQ(config.faults[2].index, 0U);
  scenario.topology.adapter.kind = AdapterKind::conductor;
  const MeasureConfig conductor = measure_config(scenario, {});
  EXPECT_EQ(conductor.thresholds.pause, seconds(5));
  EXPECT_EQ(conductor.drain_timeout, minutes(5));
}

}  // namespace
}  // namespace dvt::sim
