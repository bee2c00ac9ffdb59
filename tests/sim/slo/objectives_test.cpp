// The twelve objectives on hand-made measurements.
#include "sim/slo/objectives.h"

#include <gtest/gtest.h>

#include "sim/measure/observations.h"

namespace dvt::sim {
namespace {

LatencySummary latency(Duration threshold, int good, int bad) {
  Observations observations(threshold, Instant{});
  for (int i = 0; i < good; ++i) observations.add(threshold, Instant{});
  for (int i = 0; i < bad; ++i) observations.add(threshold + milliseconds(1), Instant{});
  return observations.summary();
}

ObjectiveResult judged(const Measurements& measured, std::string_view name, const ObjectiveTargets& targets = {}) {
  const std::vector<ObjectiveResult> all = evaluate_objectives(measured, {}, targets);
  const ObjectiveResult* found = find_objective(all, name);
  EXPECT_NE(found, nullptr) << name;
  return found == nullptr ? ObjectiveResult{} : *found;
}

TEST(Objectives, StandInTheOrderOfTheTable) {
  std::vector<std::string> names;
  for (const ObjectiveResult& objective : evaluate_objectives({})) names.push_back(objective.name);
  EXPECT_EQ(names, (std::vector<std::string>{"plan-persisted", "ui-refresh", "pause-latency", "statestore-write",
                                             "projection-lag", "outbox-delivery", "availability", "error-rate",
                                             "completion", "projection-gaps", "throughput", "cost-per-run"}));
}

TEST(Objectives, WithoutDataNothingPassesOrFails) {
  for (const ObjectiveResult& objective : evaluate_objectives({})) {
    EXPECT_NE(objective.verdict, ObjectiveVerdict::pass) << objective.name;
    EXPECT_NE(objective.verdict, ObjectiveVerdict::fail) << objective.name;
    EXPECT_FALSE(objective.reason.empty()) << objective.name;
    EXPECT_FALSE(objective.observed.has_value()) << objective.name;
  }
}

TEST(Objectives, APassNeeds299ObservationsAndAFailureNeedsNone) {
  Measurements measured;
  const auto verdict = [&](int good, int bad) {
    measured.statestore_write = latency(milliseconds(10), good, bad);
    return judged(measured, "statestore-write").verdict;
  };
  EXPECT_EQ(verdict(298, 0), ObjectiveVerdict::insufficient);
  EXPECT_EQ(verdict(299, 0), ObjectiveVerdict::pass);
  EXPECT_EQ(verdict(297, 2), ObjectiveVerdict::pass);  // 100·297 = 29,700 >= 99·299 = 29,601
  EXPECT_EQ(verdict(296, 3), ObjectiveVerdict::fail);  // 29,600 < 29,601
  EXPECT_EQ(verdict(0, 1), ObjectiveVerdict::fail);
  EXPECT_EQ(verdict(50, 1), ObjectiveVerdict::fail);
}

TEST(Objectives, TheBudgetOfALatencyIsOnePercentOfItsObservations) {
  Measurements measured;
  measured.completion = latency(seconds(5), 995, 5);
  const ObjectiveResult half = judged(measured, "completion");
  EXPECT_DOUBLE_EQ(*half.budget_left, 0.5);
  EXPECT_EQ(half.observed, Quantity::of(seconds(5)));
  EXPECT_EQ(half.target, Quantity::of(seconds(5)));
  EXPECT_EQ(half.n, 1'000U);
  measured.completion = latency(seconds(5), 980, 20);
  EXPECT_DOUBLE_EQ(*judged(measured, "completion").budget_left, -1.0);
}

TEST(Objectives, ProjectionLagIsJudgedByTheNanosecond) {
  Measurements measured;
  measured.lag.any_event = true;
  measured.lag.total = seconds(1'000);
  measured.lag.bad = seconds(1);
  const ObjectiveResult at_limit = judged(measured, "projection-lag");
  EXPECT_EQ(at_limit.verdict, ObjectiveVerdict::pass);
  EXPECT_DOUBLE_EQ(at_limit.observed->number, 0.999);
  EXPECT_DOUBLE_EQ(*at_limit.budget_left, 0.0);
  EXPECT_EQ(at_limit.n, 1'000'000U);
  EXPECT_EQ(at_limit.bad, 1'000U);
  measured.lag.bad = seconds(1) + nanoseconds(1);
  const ObjectiveResult over = judged(measured, "projection-lag");
  EXPECT_EQ(over.verdict, ObjectiveVerdict::fail);
  EXPECT_LT(over.observed->number, 0.999);
  EXPECT_EQ(over.bad, 1'001U);
  measured.lag.any_event = false;
  EXPECT_EQ(judged(measured, "projection-lag").verdict, ObjectiveVerdict::insufficient);
}

TEST(Objectives, AYearOfLagDoesNotOverflow) {
  Measurements measured;
  measured.lag.any_event = true;
  measured.lag.total = hours(24 * 365);
  EXPECT_EQ(judged(measured, "projection-lag").verdict, ObjectiveVerdict::pass);
}

TEST(Objectives, OneConfirmedGapIsTooMany) {
  Measurements measured;
  measured.lag.any_event = true;
  measured.gaps.suspected = 4;
  EXPECT_EQ(judged(measured, "projection-gaps").verdict, ObjectiveVerdict::pass);
  measured.gaps.confirmed = 1;
  EXPECT_EQ(judged(measured, "projection-gaps").verdict, ObjectiveVerdict::fail);
}

TEST(Objectives, ThroughputIsNotApplicableWhenFewerWereOffered) {
  Measurements measured;
  EXPECT_EQ(judged(measured, "throughput").verdict, ObjectiveVerdict::not_applicable);
  measured.days = {{Instant{}, 49'999, 49'999}};
  EXPECT_EQ(judged(measured, "throughput").verdict, ObjectiveVerdict::not_applicable);
  measured.days.push_back({Instant{}, 52'000, 50'000});
  const ObjectiveResult met = judged(measured, "throughput");
  EXPECT_EQ(met.verdict, ObjectiveVerdict::pass);
  EXPECT_EQ(met.n, 1U);  // the day with too few offered is left out
  EXPECT_EQ(met.observed->number, 50'000);
  measured.days.push_back({Instant{}, 52'000, 49'999});
  const ObjectiveResult missed = judged(measured, "throughput");
  EXPECT_EQ(missed.verdict, ObjectiveVerdict::fail);
  EXPECT_EQ(missed.observed->number, 49'999);
  ObjectiveTargets phase3;
  phase3.runs_per_day = 500'000;
  EXPECT_EQ(judged(measured, "throughput", phase3).verdict, ObjectiveVerdict::not_applicable);
}

TEST(Objectives, WhatIsNotMeasuredSaysWhyAndShowsItsCounts) {
  Measurements measured;
  measured.terminal = {1'000, 3, 7, 1, 20};
  measured.runs.stuck = 2;
  const ObjectiveResult errors = judged(measured, "error-rate");
  EXPECT_EQ(errors.verdict, ObjectiveVerdict::not_measured);
  EXPECT_EQ(errors.n, 1'013U);  // cancelled apart
  EXPECT_EQ(errors.bad, 6U);
  for (const char* name : {"availability", "error-rate", "cost-per-run"}) {
    EXPECT_EQ(judged(measured, name).verdict, ObjectiveVerdict::not_measured);
    EXPECT_FALSE(judged(measured, name).reason.empty());
  }
}

TEST(Objectives, AssumedLatenciesAreTaggedAsInputDriven) {
  for (const ObjectiveResult& objective : evaluate_objectives({})) {
    const bool by_input = objective.name == "plan-persisted" || objective.name == "statestore-write" ||
                          objective.name == "outbox-delivery";
    EXPECT_EQ(objective.emergent, !by_input) << objective.name;
  }
}

TEST(Objectives, AScenariosOwnAreListedAndNotSilentlyDropped) {
  Objectives own;
  own.added.push_back({});
  own.added.back().name = "mine";
  own.file.path = "slo.yaml";
  const std::vector<ObjectiveResult> all = evaluate_objectives({}, own);
  ASSERT_EQ(all.size(), 14U);
  EXPECT_EQ(all[12].name, "mine");
  EXPECT_EQ(all[12].verdict, ObjectiveVerdict::not_measured);
  EXPECT_EQ(all[13].name, "slo.yaml");
}

TEST(Quantity, IsWrittenExactly) {
  EXPECT_EQ(Quantity::of(milliseconds(1'001)).text(), "1.001");
  EXPECT_EQ(Quantity::of(Unit::share, 0.999).text(), "0.999");
  EXPECT_EQ(Quantity::of(Unit::runs_per_day, 50'000).text(), "50000");
}

}  // namespace
}  // namespace dvt::sim
