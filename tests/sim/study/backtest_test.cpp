// Rule sets over many seeds: pooling, what decides, and what is proposed.
#include "sim/study/backtest.h"

#include <gtest/gtest.h>

#include "sim/study/review.h"
#include "tests/sim/study/study_files.h"

namespace dvt::sim {
namespace {

AlertResult rule(std::string name, std::string set, std::string severity, std::uint64_t firings,
                 std::uint64_t false_alarms, std::vector<ImpactTruth::Span> spans) {
  AlertResult out;
  out.rule = std::move(name);
  out.set = std::move(set);
  out.severity = std::move(severity);
  out.firings.resize(firings);
  out.false_alarms = false_alarms;
  out.objective = "projection-lag";
  out.impact.emplace();
  out.impact->n = spans.size();
  out.impact->spans = std::move(spans);
  return out;
}

const ImpactTruth::Span kMissed{};
ImpactTruth::Span caught(std::int64_t s) {
  return {seconds(s), false};
}
ImpactTruth::Span late(std::int64_t s) {
  return {seconds(s), true};
}

TEST(Backtest, PoolsRulesOverRuns) {
  const std::vector<std::vector<AlertResult>> runs{
      {rule("A", "x", "Sev1", 2, 1, {caught(60), kMissed})},
      {rule("A", "x", "Sev1", 1, 0, {late(300)})},
  };
  const BacktestResult result = pool(runs, 0.05);
  ASSERT_EQ(result.rules.size(), 1U);
  const AlertTally& tally = result.rules[0].tally;
  EXPECT_EQ(tally.firings, 3U);
  EXPECT_EQ(tally.false_alarms, 1U);
  EXPECT_EQ(tally.impacts, 3U);
  EXPECT_EQ(tally.caught, 1U);
  EXPECT_EQ(tally.late, 1U);
  EXPECT_EQ(tally.missed, 1U);
  EXPECT_EQ(tally.median_detection(), seconds(300));
}

TEST(Backtest, ASetCatchesWhatAnyOfItsPagesCatches) {
  const std::vector<std::vector<AlertResult>> runs{{
      rule("Slow", "x", "Sev1", 1, 0, {caught(300), kMissed, late(200)}),
      rule("Fast", "x", "page", 1, 0, {caught(60), late(90), caught(250)}),
      rule("Ticket", "x", "Sev2", 9, 9, {caught(1), caught(1), caught(1)}),
      rule("Other", "y", "Sev0", 1, 0, {kMissed, kMissed, kMissed}),
  }};
  const BacktestResult result = pool(runs, 0.05);
  ASSERT_EQ(result.sets.size(), 2U);
  const AlertTally& pages = result.sets[0].pages;
  EXPECT_EQ(pages.firings, 2U) << "tickets page nobody";
  EXPECT_EQ(pages.impacts, 3U) << "one objective's spans are counted once";
  EXPECT_EQ(pages.caught, 2U);
  EXPECT_EQ(pages.late, 1U);
  EXPECT_EQ(pages.detections, (std::vector<Duration>{seconds(60), seconds(90), seconds(250)}));
  EXPECT_EQ(result.sets[1].pages.missed, 3U);
  EXPECT_EQ(result.sets[1].pages.median_detection(), std::nullopt) << "censored";
}

TEST(Backtest, FiringsWithoutKnownTruthAreNotJudged) {
  AlertResult unknown = rule("A", "x", "Sev1", 4, 0, {});
  unknown.false_alarms.reset();
  unknown.impact.reset();
  unknown.objective = "availability";
  const BacktestResult result = pool({{unknown}}, 0.05);
  EXPECT_EQ(result.rules[0].tally.firings, 4U);
  EXPECT_EQ(result.rules[0].tally.judged, 0U);
  EXPECT_NE(result.rules[0].reason.find("availability is not measured"), std::string::npos);
  EXPECT_EQ(result.sets[0].verdict, BacktestVerdict::inconclusive);
}

TEST(Backtest, FiftyNineFiringsWithoutAFalseOneClaimFivePercent) {
  const auto verdict = [](std::uint64_t judged, std::uint64_t false_alarms) {
    AlertTally tally;
    tally.judged = judged;
    tally.false_alarms = false_alarms;
    return judge_false_share(tally, 0.05);
  };
  EXPECT_EQ(verdict(0, 0), BacktestVerdict::inconclusive);
  EXPECT_EQ(verdict(58, 0), BacktestVerdict::inconclusive);
  EXPECT_EQ(verdict(59, 0), BacktestVerdict::passed);
  EXPECT_EQ(verdict(59, 1), BacktestVerdict::inconclusive);
  EXPECT_EQ(verdict(93, 1), BacktestVerdict::passed);
  EXPECT_EQ(verdict(20, 4), BacktestVerdict::failed);
  EXPECT_EQ(verdict(1, 1), BacktestVerdict::inconclusive) << "one firing says little";
  EXPECT_EQ(verdict(2, 2), BacktestVerdict::failed);
}

TEST(Backtest, FailsWhenASetFailsAndIsInconclusiveWhenOneIs) {
  BacktestResult result;
  EXPECT_EQ(exit_code(result), 7) << "nothing was judged";
  result.sets = {{"x", {}, BacktestVerdict::passed}};
  EXPECT_EQ(exit_code(result), 0);
  result.sets.push_back({"y", {}, BacktestVerdict::inconclusive});
  EXPECT_EQ(exit_code(result), 7);
  result.sets.push_back({"z", {}, BacktestVerdict::failed});
  EXPECT_EQ(exit_code(result), 3);
  result.problems.emplace_back("seed 4: deadlock");
  EXPECT_EQ(exit_code(result), 1);
}

TEST(Review, FindsTheOneNumberThatARuleComparesWith) {
  const auto value = [](const std::string& expr) {
    const auto found = threshold_of(expr);
    return found ? found->value : -1;
  };
  EXPECT_EQ(value("max(lag) > 100"), 100);
  EXPECT_EQ(value("(rate(c{status=\"a>1\"}[5m])) >= 0.05"), 0.05);
  EXPECT_EQ(value("min(w) < 1"), 1);
  EXPECT_EQ(value("a > 5 and b > 7"), -1) << "two of them";
  EXPECT_EQ(value("a > 14.4 * 0.005"), -1) << "a product";
  EXPECT_EQ(value("a > b"), -1);
  EXPECT_EQ(value("a > 0"), -1) << "zero has no multiples";
  const std::string expr = "max(lag) > 100 or vector(1)";
  EXPECT_EQ(with_threshold(expr, *threshold_of(expr), 125), "max(lag) > 125 or vector(1)");
}

class BacktestRuns : public testing::Test {
 protected:
  static Scenario stalled() {
    auto scenario = read_scenario(R"(
apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: stalled}
duration: 16m
workload:
  plans: {p: {synthetic: {steps: 3, layers: 2, kind: dbt, size: small}}}
  arrivals: {process: poisson, rate: 30/m}
faults:
  stall: {kind: stall, target: projector, at: 3m, for: 6m}
alerts: {ruleSets: [upstream, corrected]}
)",
                                  "stalled.yaml");
    return scenario.value();
  }
};

TEST_F(BacktestRuns, AreTheSameWhateverTheJobs) {
  BacktestOptions options;
  options.runs = 3;
  const Scenario scenario = stalled();
  const BacktestResult one = backtest(scenario, options);
  options.jobs = 2;
  const BacktestResult two = backtest(scenario, options);
  ASSERT_TRUE(one.problems.empty()) << one.problems.front();
  ASSERT_EQ(one.runs, 3U);
  ASSERT_EQ(one.rules.size(), two.rules.size());
  bool caught = false;
  for (std::size_t i = 0; i < one.rules.size(); ++i) {
    EXPECT_EQ(one.rules[i].tally.firings, two.rules[i].tally.firings) << one.rules[i].rule;
    EXPECT_EQ(one.rules[i].tally.detections, two.rules[i].tally.detections) << one.rules[i].rule;
    if (one.rules[i].rule == "ProjectionLag" && one.rules[i].set == "corrected")
      caught = one.rules[i].tally.caught == 3;
  }
  EXPECT_TRUE(caught) << "each of three stalls";
}

TEST_F(BacktestRuns, ReviewProposesWhatKeepsARuleWithinTheLimit) {
  Scenario scenario = stalled();
  scenario.faults.clear();  // whatever fires now is false, unless the indicator is bad
  const std::vector<AlertRuleSpec> rules = alert_rules(scenario);
  BacktestOptions options;
  options.runs = 2;
  const ReviewResult calm = review(scenario, options);
  EXPECT_EQ(calm.runs, 2U);
  ASSERT_FALSE(calm.targets.empty());
  for (const TargetReview& target : calm.targets) {
    EXPECT_GE(target.proposed, target.worst) << target.objective;
    EXPECT_LE(target.proposed, target.worst * 1.3) << target.objective;
  }
}

}  // namespace
}  // namespace dvt::sim
