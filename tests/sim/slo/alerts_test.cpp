// Alert rules on the grid: for, resolution, warm-up, vector matching, truth.
#include "sim/slo/alerts.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

std::vector<AlertRuleSpec> shipped(const std::vector<RuleSet>& sets) {
  Scenario scenario;
  scenario.alerts.rule_sets = sets;
  return alert_rules(scenario);
}

/// Series that a rule reads, sampled every 15 s, with the evaluator stepped after each sample.
class Grid {
 public:
  explicit Grid(std::vector<RuleSet> sets, Instant warmup_end = {}) : evaluator(shipped(sets), warmup_end, {}) {}
  Grid(std::vector<AlertRuleSpec> rules, Instant warmup_end) : evaluator(std::move(rules), warmup_end, {}) {}

  std::uint32_t series(std::string name, LabelPairs labels, MetricKind kind) {
    values_.push_back(0);
    return store.add_series({std::move(name), std::move(labels), kind, 0});
  }
  void set(std::uint32_t id, double value) { values_[id] = value; }
  void add(std::uint32_t id, double value) { values_[id] += value; }
  /// One sample and one step.
  void tick() {
    std::vector<double> row = values_;
    store.add_row(at(now), row);
    for (const AlertTransition& transition : evaluator.step(store, at(now))) {
      seen.push_back({now, std::string(transition.rule), transition.from, transition.to});
    }
    now += 15;
  }
  void tick_until(std::int64_t s) {
    while (now <= s) tick();
  }

  AlertResult result(std::string_view rule, std::string_view set, const std::vector<FaultSummary>& faults = {},
                     const std::vector<TimeSpan>& bad = {}) const {
    const Measurements nothing;
    std::vector<Impact> all = impacts(nothing);
    for (Impact& impact : all)
      if (impact.objective == "projection-lag") impact.spans = bad;
    for (AlertResult& candidate : evaluator.results(faults, all, at(now))) {
      if (candidate.rule == rule && candidate.set == set) return candidate;
    }
    ADD_FAILURE() << "no rule " << rule;
    return {};
  }

  struct Change {
    std::int64_t at_s;
    std::string rule;
    AlertState from;
    AlertState to;
  };
  SeriesStore store{1000};
  AlertEvaluator evaluator;
  std::vector<Change> seen;
  std::int64_t now = 0;

 private:
  std::vector<double> values_;
};

struct LagGrid : Grid {
  explicit LagGrid(std::vector<RuleSet> sets, Instant warmup_end = {}) : Grid(std::move(sets), warmup_end) {
    events = series("dvt_projection_lag_events", {{"adapter", "temporal"}}, MetricKind::gauge);
    age = series("dvt_projection_lag_seconds", {{"adapter", "temporal"}}, MetricKind::gauge);
    bad = series("dvt_projection_lag_bad_ms_total", {}, MetricKind::counter);
  }
  std::uint32_t events, age, bad;
};

FaultSummary fault(std::int64_t injected, std::int64_t healed, std::int64_t recovered) {
  FaultSummary out;
  out.name = "stall";
  out.episodes.push_back({at(injected), at(healed), at(recovered)});
  return out;
}

TEST(Alerts, FireOnceTheyHaveHeldForTheirTimeAndResolve) {
  LagGrid grid({RuleSet::corrected});
  grid.tick_until(60);
  grid.set(grid.events, 150);
  grid.set(grid.age, 2);
  grid.tick_until(375);  // pending from 75 s on
  EXPECT_EQ(grid.evaluator.state("ProjectionLag", "corrected"), AlertState::firing);
  grid.set(grid.events, 100);  // not above 100
  grid.tick_until(400);
  const AlertResult result = grid.result("ProjectionLag", "corrected");
  ASSERT_EQ(result.firings.size(), 1U);
  EXPECT_EQ(result.firings[0].pending_at, at(75));
  EXPECT_EQ(result.firings[0].firing_at, at(375));  // 300 s later, on the grid
  EXPECT_EQ(result.firings[0].resolved_at, at(390));
  ASSERT_EQ(grid.seen.size(), 3U);
  EXPECT_EQ(grid.seen[0].to, AlertState::pending);
  EXPECT_EQ(grid.seen[1].at_s, 375);
  EXPECT_EQ(grid.seen[2].from, AlertState::firing);
  EXPECT_EQ(grid.seen[2].to, AlertState::inactive);
}

TEST(Alerts, ABreakInTheConditionStartsTheTimeAgain) {
  LagGrid grid({RuleSet::corrected});
  grid.set(grid.events, 150);
  grid.set(grid.age, 2);
  grid.tick_until(285);
  grid.set(grid.age, 1);  // one sample short of firing
  grid.tick();
  grid.set(grid.age, 2);
  grid.tick_until(600);
  EXPECT_EQ(grid.result("ProjectionLag", "corrected").fired(), 0U);
  grid.tick();  // 615 s: 300 s after 315 s
  EXPECT_EQ(grid.result("ProjectionLag", "corrected").firings[0].pending_at, at(315));
}

TEST(Alerts, TheUpstreamLagRuleFiresWhileTheObjectiveHolds) {
  LagGrid grid({RuleSet::upstream, RuleSet::corrected});
  grid.set(grid.events, 101);
  grid.set(grid.age, 0.9);  // 116 events/s: a hundred events are less than a second
  grid.tick_until(600);
  EXPECT_EQ(grid.result("ProjectionLag", "upstream").fired(), 1U);
  EXPECT_EQ(grid.result("ProjectionLag", "corrected").fired(), 0U);
  EXPECT_EQ(grid.result("ProjectionLag", "upstream").false_alarms, 1U);
}

TEST(Alerts, AFiringIsFalseUnlessAFaultOrTheExactIndicatorStandsBehindIt) {
  const auto run = [](const std::vector<TimeSpan>& bad, const std::vector<FaultSummary>& faults) {
    LagGrid grid({RuleSet::corrected});
    grid.tick_until(60);
    grid.set(grid.events, 150);
    grid.set(grid.age, 2);
    for (int i = 0; i < 40; ++i) grid.tick();
    return grid.result("ProjectionLag", "corrected", faults, bad);
  };
  EXPECT_EQ(run({}, {}).false_alarms, 1U);
  EXPECT_EQ(run({{at(70), at(90)}}, {}).false_alarms, 0U);
  EXPECT_EQ(run({{at(20), at(74)}}, {}).false_alarms, 1U);  // over before it became pending
  EXPECT_EQ(run({}, {fault(30, 50, 80)}).false_alarms, 0U);
  EXPECT_EQ(run({}, {fault(30, 50, 70)}).false_alarms, 1U);  // recovered before it became pending
}

TEST(Alerts, AnImpactIsCaughtLateOrMissed) {
  const auto truth = [](const std::vector<TimeSpan>& bad) {
    LagGrid grid({RuleSet::corrected});
    grid.tick_until(60);
    grid.set(grid.events, 150);
    grid.set(grid.age, 2);
    grid.tick_until(600);  // pending from 75 s on, fires at 375 s
    grid.set(grid.events, 0);
    grid.tick_until(900);  // resolved at 615 s
    return *grid.result("ProjectionLag", "corrected", {}, bad).impact;
  };
  const ImpactTruth caught = truth({{at(70), at(400)}});
  EXPECT_EQ(caught.n, 1U);
  EXPECT_EQ(caught.caught, 1U);
  EXPECT_EQ(caught.true_firings, 1U);
  EXPECT_EQ(caught.detections, std::vector<Duration>{seconds(305)});
  const ImpactTruth late = truth({{at(70), at(374)}});  // over one second before it fired
  EXPECT_EQ(late.caught, 0U);
  EXPECT_EQ(late.late, 1U);
  EXPECT_EQ(truth({{at(40), at(74)}}).missed, 1U) << "more than `for` before the firing";
  const ImpactTruth again = truth({{at(70), at(400)}, {at(450), at(500)}, {at(700), at(800)}});
  EXPECT_EQ(again.caught, 2U);
  EXPECT_EQ(again.missed, 1U);
  EXPECT_EQ(again.detections, (std::vector<Duration>{seconds(305), Duration{}})) << "it fired already";
  EXPECT_EQ(again.median_detection(), seconds(305)) << "the missed one took longer than any";
  EXPECT_EQ(truth({{at(700), at(800)}}).median_detection(), std::nullopt) << "censored";
}

std::vector<AlertRuleSpec> one_rule(const std::string& expr, Duration hold, Duration keep_firing) {
  AlertRuleSpec rule;
  rule.name = rule.alert = "Own";
  rule.set = "own";
  rule.expr = expr;
  rule.hold = hold;
  rule.keep_firing = keep_firing;
  return {rule};
}

TEST(Alerts, KeepFiringForOutlastsWhatResolves) {
  Grid grid(one_rule("g > 0", {}, seconds(60)), {});
  const std::uint32_t g = grid.series("g", {}, MetricKind::gauge);
  grid.set(g, 1);
  grid.tick();  // 0 s
  grid.set(g, 0);
  grid.tick_until(60);  // does not hold from 15 s on
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::firing);
  grid.tick();  // 75 s: a minute after it was first seen not to hold
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::inactive);
  EXPECT_EQ(grid.result("Own", "own").firings[0].resolved_at, at(75));
}

TEST(Alerts, WhatHoldsAgainIsKeptFiringAnew) {
  Grid grid(one_rule("g > 0", {}, seconds(60)), {});
  const std::uint32_t g = grid.series("g", {}, MetricKind::gauge);
  grid.set(g, 1);
  grid.tick();
  grid.set(g, 0);
  grid.tick_until(45);
  grid.set(g, 1);
  grid.tick();  // 60 s
  grid.set(g, 0);
  grid.tick_until(120);
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::firing);
  grid.tick_until(135);
  ASSERT_EQ(grid.result("Own", "own").fired(), 1U) << "one page";
  EXPECT_EQ(grid.result("Own", "own").firings[0].resolved_at, at(135));
}

TEST(Alerts, PendingIsNotKept) {
  Grid grid(one_rule("g > 0", seconds(30), seconds(600)), {});
  const std::uint32_t g = grid.series("g", {}, MetricKind::gauge);
  grid.set(g, 1);
  grid.tick_until(15);
  grid.set(g, 0);
  grid.tick();
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::inactive);
}

TEST(Alerts, AnExpressionThatCannotBeEvaluatedLeavesEverythingAsItWas) {
  Grid grid(one_rule("a / on(x) b > 0", {}, {}), {});
  const std::uint32_t a = grid.series("a", {{"x", "1"}}, MetricKind::gauge);
  const std::uint32_t b = grid.series("b", {{"x", "1"}, {"y", "1"}}, MetricKind::gauge);
  const std::uint32_t c = grid.series("b", {{"x", "1"}, {"y", "2"}}, MetricKind::gauge);
  grid.set(a, 1);
  grid.set(b, 1);
  grid.set(c, std::numeric_limits<double>::quiet_NaN());  // absent
  grid.tick();
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::firing);
  grid.set(c, 1);  // now two match
  grid.set(a, 0);
  grid.tick();
  EXPECT_EQ(grid.evaluator.state("Own", "own"), AlertState::firing);
  const AlertResult result = grid.result("Own", "own");
  EXPECT_EQ(result.failed_steps, 1U);
  EXPECT_NE(result.failure.find("found duplicate series for the match group {x=\"1\"}"), std::string::npos);
}

TEST(Alerts, DetectionRunsFromTheOnsetOfTheFaultToTheFirstFiring) {
  LagGrid grid({RuleSet::corrected});
  grid.tick_until(60);
  grid.set(grid.events, 150);
  grid.set(grid.age, 2);
  grid.tick_until(600);
  FaultSummary earlier = fault(1, 20, 25);
  FaultSummary slow = fault(10, 500, 500);
  FaultSummary stall = fault(70, 500, 500);
  EXPECT_EQ(grid.result("ProjectionLag", "corrected", {earlier, slow, stall}).detection, seconds(305));
  EXPECT_EQ(grid.result("ProjectionLag", "corrected", {earlier, slow}).detection, seconds(365));
  EXPECT_FALSE(grid.result("ProjectionLag", "corrected", {earlier}).detection.has_value());
  // Episodes that reach the next one are one cause.
  FaultSummary storm = fault(40, 55, 55);
  storm.episodes.push_back({at(50), at(66), at(70)});
  storm.episodes.push_back({at(68), at(80), at(90)});
  EXPECT_EQ(grid.result("ProjectionLag", "corrected", {storm}).detection, seconds(335));
}

TEST(Alerts, AFiringThatBeginsBeforeTheEndOfWarmUpDoesNotCount) {
  const auto fired = [](std::int64_t warmup_s) {
    LagGrid grid({RuleSet::corrected}, at(warmup_s));
    grid.set(grid.events, 150);
    grid.set(grid.age, 2);
    grid.tick_until(600);
    return grid.result("ProjectionLag", "corrected").fired();
  };
  EXPECT_EQ(fired(300), 1U);  // pending since t0, fires at 300 s
  EXPECT_EQ(fired(301), 0U);
}

struct RunsGrid : Grid {
  explicit RunsGrid(std::vector<RuleSet> sets) : Grid(std::move(sets)) {
    const auto completed = [&](const char* status, const char* error_class, const char* code) {
      return series("dvt_runs_completed_total",
                    {{"error_class", error_class}, {"error_code", code}, {"planId", "p"}, {"status", status}},
                    MetricKind::counter);
    };
    good = completed("completed", "none", "NONE");
    by_engine = completed("failed", "engine", "TIMEOUT");
    by_user = completed("failed", "user", "STEP_FAILED");
  }
  std::uint32_t good, by_engine, by_user;
};

TEST(Alerts, TheUpstreamErrorRateIsOneOrNothing) {
  RunsGrid grid({RuleSet::upstream});
  grid.tick_until(600);
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", "upstream"), AlertState::inactive);  // 0/0
  grid.add(grid.good, 100'000);
  grid.add(grid.by_user, 1);  // one failure in a hundred thousand, and not the engine's
  grid.tick();
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", "upstream"), AlertState::firing);
  EXPECT_EQ(grid.evaluator.state("HighErrorRate", "upstream"), AlertState::pending);
  grid.tick_until(1'200);
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", "upstream"), AlertState::firing);
  grid.tick();  // 1215 s: the step from 0 to 1 has left the window [615 s, 1215 s]
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", "upstream"), AlertState::inactive);
  const AlertResult result = grid.result("SLOErrorRate", "upstream");
  EXPECT_EQ(result.fired(), 1U);
  EXPECT_EQ(result.false_alarms, 1U) << "one failure in a hundred thousand is no incident";
  EXPECT_EQ(grid.result("HighErrorRate", "upstream").fired(), 0U);  // held for 585 s, needs 600
}

TEST(Alerts, SeveralLabelSetsAreOnePage) {
  RunsGrid grid({RuleSet::upstream});
  grid.tick_until(600);
  grid.add(grid.by_user, 1);
  grid.tick();
  grid.add(grid.by_engine, 1);
  grid.tick_until(3'000);
  EXPECT_EQ(grid.result("SLOErrorRate", "upstream").fired(), 1U);
}

TEST(Alerts, TheCorrectedErrorRateNeedsAShareAndFiveFailures) {
  const auto state = [](double good, double by_engine, double by_user) {
    RunsGrid grid({RuleSet::corrected});
    grid.tick_until(600);
    grid.add(grid.good, good);
    grid.add(grid.by_engine, by_engine);
    grid.add(grid.by_user, by_user);
    grid.tick();
    return grid.evaluator.state("ErrorRate", "corrected");
  };
  EXPECT_EQ(state(100, 4, 0), AlertState::inactive);  // too few
  EXPECT_EQ(state(100, 5, 0), AlertState::firing);
  EXPECT_EQ(state(495, 5, 0), AlertState::inactive);  // exactly 1 %
  EXPECT_EQ(state(494, 5, 0), AlertState::firing);
  EXPECT_EQ(state(100, 0, 50), AlertState::inactive);  // the users' own failures
  EXPECT_EQ(state(0, 0, 0), AlertState::inactive);     // 0 / 0
}

TEST(Alerts, EveryRuleOfASetIsListed) {
  for (const RuleSet set : {RuleSet::upstream, RuleSet::corrected}) {
    AlertEvaluator evaluator(shipped({set}), {}, {});
    const std::vector<AlertResult> results = evaluator.results({}, {}, at(0));
    EXPECT_EQ(results.size(), set == RuleSet::upstream ? 19U : 18U);
    for (const AlertResult& result : results) {
      EXPECT_FALSE(result.severity.empty()) << result.rule;
      EXPECT_EQ(result.reason.empty(), result.evaluated) << result.rule;
      if (!result.evaluated) {
        EXPECT_NE(result.reason.find("is absent: "), std::string::npos) << result.rule;
      }
    }
  }
}

TEST(Alerts, TheRingMustReachAsFarAsTheRulesLookBack) {
  EXPECT_EQ(longest_reach(one_rule("increase(c[10m]) > 0", {}, {})), minutes(10));
  EXPECT_EQ(longest_reach(one_rule("increase(c[10m] offset 1h) > 0", {}, {})), minutes(70));
  EXPECT_EQ(longest_reach(one_rule("c offset 1h > 0", {}, {})), minutes(65)) << "and the look-back";
  EXPECT_GE(longest_reach(shipped({RuleSet::upstream, RuleSet::corrected})), minutes(10));
}

TEST(Alerts, OnlyTheSeriesOfRulesThatLookFarBackAreKeptForLong) {
  const AlertReach reach = alert_reach(shipped({RuleSet::upstream, RuleSet::corrected}), hours(1));
  EXPECT_EQ(reach.near_reach, hours(1));
  EXPECT_EQ(reach.far_reach, hours(72));
  EXPECT_EQ(reach.far_series,
            (std::vector<std::string>{"dvt_control_plane_minutes_good_total", "dvt_control_plane_minutes_total"}));
}

// ---- Rule files ----

class RuleFiles : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
  }
  static std::vector<AlertRuleSpec> load(const std::vector<std::string>& paths) {
    Scenario scenario;
    scenario.alerts.rule_sets = {};
    for (const std::string& path : paths) scenario.alerts.files.push_back({path});
    return alert_rules(scenario);
  }
};

constexpr const char* kOwnRules = R"(groups:
- name: own
  rules:
  - record: job:runs:rate
    expr: sum(rate(dvt_runs_completed_total[5m]))
  - alert: Slow
    expr: |
      # two lines
      max(dvt_projection_lag_events) > 50
    for: 1m30s
    keep_firing_for: 5m
    labels: {severity: page, team: 'o''clock'}
    annotations: {summary: "it's slow"}
  - {alert: Slow, expr: 'max(dvt_projection_lag_events) > 500', labels: {severity: page}}
  - {alert: Falling, expr: 'job:runs:rate < 1'}
  - {alert: Odd, expr: 'topk(3, dvt_projection_lag_events) > 1'}
  - {alert: Other, expr: 'up == 0', annotations: {objective: availability}}
)";

TEST_F(RuleFiles, BecomeRulesOfASetNamedAfterTheFile) {
  const std::vector<AlertRuleSpec> rules = load({write("my-rules.yaml", kOwnRules)});
  ASSERT_EQ(rules.size(), 6U);
  EXPECT_TRUE(rules[0].recording);
  EXPECT_EQ(rules[1].set, "my-rules");
  EXPECT_EQ(rules[1].severity, "page");
  EXPECT_EQ(rules[1].hold, seconds(90));
  EXPECT_EQ(rules[1].keep_firing, minutes(5));
  EXPECT_EQ(rules[1].objective, "projection-lag");
  EXPECT_EQ(rules[1].reason, "");
  EXPECT_EQ(rules[2].name, "Slow-2");
  EXPECT_EQ(rules[2].alert, "Slow");
  EXPECT_NE(rules[3].reason.find("job:runs:rate, which a recording rule makes"), std::string::npos) << rules[3].reason;
  EXPECT_NE(rules[4].reason.find("outside the expressions"), std::string::npos) << rules[4].reason;
  EXPECT_NE(rules[4].reason.find("topk is not"), std::string::npos) << rules[4].reason;
  EXPECT_NE(rules[5].reason.find("up is not in the catalogue"), std::string::npos) << rules[5].reason;
  EXPECT_EQ(rules[5].objective, "availability");
}

TEST_F(RuleFiles, AreExportedSoThatTheyReadBackTheSame) {
  const std::vector<AlertRuleSpec> rules = load({write("my-rules.yaml", kOwnRules)});
  const auto again = read_rule_file(prometheus_rules(rules), "exported");
  ASSERT_TRUE(again.has_value()) << format(again.error());
  ASSERT_EQ(again.value().size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const PrometheusRule& read = again.value()[i];
    EXPECT_EQ(read.name, rules[i].alert);
    EXPECT_EQ(read.expr, rules[i].expr);
    EXPECT_EQ(read.hold, rules[i].hold);
    EXPECT_EQ(read.keep_firing, rules[i].keep_firing);
    EXPECT_EQ(read.annotations, rules[i].annotations);
    RuleLabels labels = rules[i].labels;
    if (!rules[i].recording) labels.emplace_back("rule_set", rules[i].set);
    EXPECT_EQ(read.labels, labels);
  }
}

TEST_F(RuleFiles, OfTheSameNameAreTwoSets) {
  const std::string one = write("corrected.yaml", kOwnRules);
  const std::vector<AlertRuleSpec> rules = load({one, one});
  EXPECT_EQ(rules.front().set, "corrected-2") << "the shipped set has the name";
  EXPECT_EQ(rules.back().set, "corrected-3");
}

TEST_F(RuleFiles, TellEveryMistakeWithItsPlace) {
  Scenario scenario;
  const std::string path = write("bad.yaml", R"(groups:
- name: a
  rules:
  - {alert: A, exp: 'x > 0'}
  - {alert: B, expr: 'x > 0', for: 5 minutes}
  - {record: r, expr: x, for: 5m}
  - {expr: x}
- name: a
  rules: &again []
)");
  scenario.alerts.files = {{path}, {"/nowhere/rules.yaml"}};
  const std::string text = format(check_rule_files(scenario));
  const auto says = [&](const std::string& wanted) {
    return text.find(wanted) != std::string::npos ? std::string() : wanted + " is not in:\n" + text;
  };
  EXPECT_EQ(says(path + ":4:16: groups[0].rules[0]: unknown key \"exp\" (did you mean \"expr\"?)"), "");
  EXPECT_EQ(says(path + ":4:5: groups[0].rules[0]: expected expr"), "");
  EXPECT_EQ(says(path + ":5:36: groups[0].rules[1].for: expected a duration such as 5m"), "");
  EXPECT_EQ(says("groups[0].rules[2].for: a recording rule has no such key"), "");
  EXPECT_EQ(says("groups[0].rules[3]: expected either alert: NAME or record: NAME"), "");
  EXPECT_EQ(says(path + ":8:9: groups[1].name: a second group \"a\""), "");
  EXPECT_EQ(says("anchors"), "");
  EXPECT_EQ(says("/nowhere/rules.yaml: cannot be opened"), "");
  EXPECT_THROW(alert_rules(scenario), Error);
}

TEST(PrometheusDurations, HaveFallingUnits) {
  EXPECT_EQ(parse_prometheus_duration("1h30m"), minutes(90));
  EXPECT_EQ(parse_prometheus_duration("1d12h"), hours(36));
  EXPECT_EQ(parse_prometheus_duration("0"), Duration{});
  EXPECT_EQ(parse_prometheus_duration("100ms"), milliseconds(100));
  for (const char* wrong : {"", "5", "m", "30m1h", "5m5m", "1.5h", "-5m", "5 m", "99999999999y"})
    EXPECT_EQ(parse_prometheus_duration(wrong), std::nullopt) << wrong;
  EXPECT_EQ(format_prometheus_duration(minutes(90)), "1h30m");
  EXPECT_EQ(format_prometheus_duration(Duration{}), "0s");
}

}  // namespace
}  // namespace dvt::sim
