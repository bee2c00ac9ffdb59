// Alert rules on the grid: for, resolution, warm-up, vector matching, truth.
#include "sim/slo/alerts.h"

#include <gtest/gtest.h>

#include <functional>

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

/// Series that a rule reads, sampled every 15 s, with the evaluator stepped after each sample.
class Grid {
 public:
  explicit Grid(std::vector<RuleSet> sets, Instant warmup_end = {}) : evaluator(sets, warmup_end, {}) {}

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

  AlertResult result(std::string_view rule, RuleSet set, const std::vector<FaultSummary>& faults = {}) const {
    for (AlertResult& candidate : evaluator.results(faults, at(now))) {
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
  EXPECT_EQ(grid.evaluator.state("ProjectionLag", RuleSet::corrected), AlertState::firing);
  grid.set(grid.events, 100);  // not above 100
  grid.tick_until(400);
  const AlertResult result = grid.result("ProjectionLag", RuleSet::corrected);
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
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected).fired(), 0U);
  grid.tick();  // 615 s: 300 s after 315 s
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected).firings[0].pending_at, at(315));
}

TEST(Alerts, TheUpstreamLagRuleFiresWhileTheObjectiveHolds) {
  LagGrid grid({RuleSet::upstream, RuleSet::corrected});
  grid.set(grid.events, 101);
  grid.set(grid.age, 0.9);  // 116 events/s: a hundred events are less than a second
  grid.tick_until(600);
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::upstream).fired(), 1U);
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected).fired(), 0U);
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::upstream).false_alarms, 1U);
}

TEST(Alerts, AFiringIsFalseUnlessAFaultOrTheExactIndicatorStandsBehindIt) {
  const auto run = [](bool is_bad, const std::vector<FaultSummary>& faults) {
    LagGrid grid({RuleSet::corrected});
    grid.tick_until(60);
    grid.set(grid.events, 150);
    grid.set(grid.age, 2);
    for (int i = 0; i < 40; ++i) {
      if (is_bad) grid.add(grid.bad, 15'000);
      grid.tick();
    }
    return grid.result("ProjectionLag", RuleSet::corrected, faults);
  };
  EXPECT_EQ(run(false, {}).false_alarms, 1U);
  EXPECT_EQ(run(true, {}).false_alarms, 0U);
  EXPECT_EQ(run(false, {fault(30, 50, 80)}).false_alarms, 0U);
  EXPECT_EQ(run(false, {fault(30, 50, 70)}).false_alarms, 1U);  // recovered before it became pending
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
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected, {earlier, slow, stall}).detection, seconds(305));
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected, {earlier, slow}).detection, seconds(365));
  EXPECT_FALSE(grid.result("ProjectionLag", RuleSet::corrected, {earlier}).detection.has_value());
  // Episodes that reach the next one are one cause.
  FaultSummary storm = fault(40, 55, 55);
  storm.episodes.push_back({at(50), at(66), at(70)});
  storm.episodes.push_back({at(68), at(80), at(90)});
  EXPECT_EQ(grid.result("ProjectionLag", RuleSet::corrected, {storm}).detection, seconds(335));
}

TEST(Alerts, AFiringThatBeginsBeforeTheEndOfWarmUpDoesNotCount) {
  const auto fired = [](std::int64_t warmup_s) {
    LagGrid grid({RuleSet::corrected}, at(warmup_s));
    grid.set(grid.events, 150);
    grid.set(grid.age, 2);
    grid.tick_until(600);
    return grid.result("ProjectionLag", RuleSet::corrected).fired();
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
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", RuleSet::upstream), AlertState::inactive);  // 0/0
  grid.add(grid.good, 100'000);
  grid.add(grid.by_user, 1);  // one failure in a hundred thousand, and not the engine's
  grid.tick();
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", RuleSet::upstream), AlertState::firing);
  EXPECT_EQ(grid.evaluator.state("HighErrorRate", RuleSet::upstream), AlertState::pending);
  grid.tick_until(1'200);
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", RuleSet::upstream), AlertState::firing);
  grid.tick();  // 1215 s: the step from 0 to 1 has left the window [615 s, 1215 s]
  EXPECT_EQ(grid.evaluator.state("SLOErrorRate", RuleSet::upstream), AlertState::inactive);
  const AlertResult result = grid.result("SLOErrorRate", RuleSet::upstream);
  EXPECT_EQ(result.fired(), 1U);
  EXPECT_FALSE(result.false_alarms.has_value());                           // its truth is not measured
  EXPECT_EQ(grid.result("HighErrorRate", RuleSet::upstream).fired(), 0U);  // held for 585 s, needs 600
}

TEST(Alerts, SeveralLabelSetsAreOnePage) {
  RunsGrid grid({RuleSet::upstream});
  grid.tick_until(600);
  grid.add(grid.by_user, 1);
  grid.tick();
  grid.add(grid.by_engine, 1);
  grid.tick_until(3'000);
  EXPECT_EQ(grid.result("SLOErrorRate", RuleSet::upstream).fired(), 1U);
}

TEST(Alerts, TheCorrectedErrorRateNeedsAShareAndFiveFailures) {
  const auto state = [](double good, double by_engine, double by_user) {
    RunsGrid grid({RuleSet::corrected});
    grid.tick_until(600);
    grid.add(grid.good, good);
    grid.add(grid.by_engine, by_engine);
    grid.add(grid.by_user, by_user);
    grid.tick();
    return grid.evaluator.state("ErrorRate", RuleSet::corrected);
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
    const std::vector<RuleSet> sets{set};
    AlertEvaluator evaluator(sets, {}, {});
    const std::vector<AlertResult> results = evaluator.results({}, at(0));
    EXPECT_EQ(results.size(), set == RuleSet::upstream ? 19U : 18U);
    std::size_t evaluated = 0;
    for (const AlertResult& result : results) {
      EXPECT_FALSE(result.severity.empty()) << result.rule;
      EXPECT_EQ(result.reason.empty(), result.evaluated) << result.rule;
      evaluated += result.evaluated ? 1 : 0;
    }
    EXPECT_EQ(evaluated, evaluated_rules(set, {}).size());
    EXPECT_EQ(results.size() - evaluated, unevaluated_rules(set).size());
    for (const UnevaluatedRule& rule : unevaluated_rules(set))
      EXPECT_NE(rule.reason.find("is absent: "), std::string::npos) << rule.name << ": " << rule.reason;
  }
}

TEST(Alerts, TheRingMustReachAsFarAsTheLongestWindow) {
  const std::vector<RuleSet> sets{RuleSet::upstream, RuleSet::corrected};
  EXPECT_EQ(longest_alert_window(sets), minutes(10));
}

}  // namespace
}  // namespace dvt::sim
