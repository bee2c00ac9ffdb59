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

TEST(Objectives, TheErrorRateCountsTheEnginesFailuresTerminatedAndStuckRunsAndLeavesCancelledOnesOut) {
  Measurements measured;
  measured.terminal = {9'000, 3, 7, 1, 20};
  measured.runs.stuck = 2;
  const ObjectiveResult errors = judged(measured, "error-rate");
  EXPECT_EQ(errors.verdict, ObjectiveVerdict::pass);
  EXPECT_EQ(errors.n, 9'013U);
  EXPECT_EQ(errors.bad, 6U);
  EXPECT_EQ(errors.good, 9'007U);  // the users' own failures are no errors of the engine
  EXPECT_DOUBLE_EQ(errors.observed->number, 6.0 / 9'013.0);
}

TEST(Objectives, AnErrorRateOfOneInAThousandHoldsAndOneMoreDoesNot) {
  Measurements measured;
  measured.terminal = {3'996, 4, 0, 0, 0};
  EXPECT_EQ(judged(measured, "error-rate").verdict, ObjectiveVerdict::pass);  // 1000·4 <= 4000
  measured.terminal = {3'995, 4, 0, 0, 0};
  EXPECT_EQ(judged(measured, "error-rate").verdict, ObjectiveVerdict::fail);
  measured.terminal = {2'994, 0, 0, 0, 0};
  EXPECT_EQ(judged(measured, "error-rate").verdict, ObjectiveVerdict::insufficient);
  measured.terminal = {2'995, 0, 0, 0, 0};
  EXPECT_EQ(judged(measured, "error-rate").verdict, ObjectiveVerdict::pass);
}

TEST(Objectives, AvailabilityIsTheShareOfGoodMinutesAfterWarmUp) {
  Measurements measured;
  measured.warmup_end = Instant{} + minutes(10);
  measured.minutes.assign(410, kMinuteJudged);
  measured.minutes[9] |= kBadProbe;  // before the end of warm-up
  EXPECT_EQ(judged(measured, "availability").verdict, ObjectiveVerdict::pass);
  EXPECT_EQ(judged(measured, "availability").n, 400U);
  measured.minutes[10] |= kBadProbe;
  measured.minutes[11] |= kBadRequests | kBadWrites;
  const ObjectiveResult at_target = judged(measured, "availability");
  EXPECT_EQ(at_target.verdict, ObjectiveVerdict::pass);  // 2 of 400: exactly 99.5 %
  EXPECT_EQ(at_target.bad, 2U);
  EXPECT_DOUBLE_EQ(*at_target.budget_left, 0.0);
  EXPECT_EQ(at_target.reason, "2 bad minutes: 1 by requests, 1 by writes, 1 by the probe");
  EXPECT_EQ(at_target.windows, (WindowCount{1, 1})) << "2 of the 240 minutes of the one full window are bad";
  measured.minutes[300] |= kBadProbe;
  EXPECT_EQ(judged(measured, "availability").verdict, ObjectiveVerdict::fail);
}

TEST(Objectives, AMinuteThatNothingTellsOfIsLeftOutOfAvailability) {
  Measurements measured;
  measured.minutes.assign(60, 0);
  EXPECT_EQ(judged(measured, "availability").verdict, ObjectiveVerdict::insufficient);
  measured.minutes[5] = kMinuteJudged;
  EXPECT_EQ(judged(measured, "availability").n, 1U);
}

TEST(Objectives, BadMinutesAreShownAsStretches) {
  Measurements measured;
  measured.minutes.assign(20, kMinuteJudged);
  for (const std::size_t minute : {3U, 4U, 5U, 9U}) measured.minutes[minute] |= kBadProbe;
  measured.minutes[5] |= kBadWrites;
  const std::vector<BadSlice> slices = bad_slices(measured);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].from, Instant{} + minutes(3));
  EXPECT_EQ(slices[0].to, Instant{} + minutes(6));
  EXPECT_EQ(slices[0].counts.bad_probe, 3U);
  EXPECT_EQ(slices[0].counts.bad_writes, 1U);
  EXPECT_EQ(slices[1].counts.bad(), 1U);
}

TEST(Objectives, EachPartOfTheCostIsJudgedByItself) {
  Measurements measured;
  measured.end = Instant{} + hours(24);
  measured.runs.requested = 50'000;
  CostResult cost;
  cost.completed = 50'000;
  cost.total = {50'000LL * 5'000'000, 0, 0};  // exactly its target
  const auto verdict = [&] {
    const std::vector<ObjectiveResult> all = evaluate_objectives(measured, {}, {}, cost);
    return *find_objective(all, "cost-per-run");
  };
  EXPECT_EQ(verdict().verdict, ObjectiveVerdict::pass);
  cost.total.network = 50'000LL * 2'000'000 + 1;  // the sum is far below $0.01 all the same
  EXPECT_EQ(verdict().verdict, ObjectiveVerdict::fail);
  EXPECT_EQ(verdict().reason, "above its target: network");
  measured.runs.requested = 49'999;
  EXPECT_EQ(verdict().verdict, ObjectiveVerdict::not_applicable);
}

TEST(Objectives, AssumedLatenciesAreTaggedAsInputDriven) {
  for (const ObjectiveResult& objective : evaluate_objectives({})) {
    const bool by_input = objective.name == "plan-persisted" || objective.name == "statestore-write" ||
                          objective.name == "outbox-delivery" || objective.name == "cost-per-run";
    EXPECT_EQ(objective.emergent, !by_input) << objective.name;
  }
}

TEST(Objectives, AScenariosOwnFollowTheBuiltInOnesAndAreJudgedByTheirTarget) {
  Objectives own;
  own.added.resize(2);
  own.added[0].name = "mine";
  own.added[0].target = percent(99);
  own.added[1].name = "quiet";
  own.added[1].target = percent(99);
  Measurements measured;
  measured.own = {{200, 2, {4, 1}}, {}};
  std::vector<ObjectiveResult> all = evaluate_objectives(measured, own);
  ASSERT_EQ(all.size(), 14U);
  EXPECT_EQ(all[12].name, "mine");
  EXPECT_EQ(all[12].verdict, ObjectiveVerdict::pass);
  EXPECT_DOUBLE_EQ(all[12].observed->number, 0.99);
  EXPECT_DOUBLE_EQ(*all[12].budget_left, 0.0);
  EXPECT_EQ(all[12].windows, (WindowCount{4, 1}));
  EXPECT_EQ(all[13].verdict, ObjectiveVerdict::insufficient);
  measured.own[0].bad = 3;
  all = evaluate_objectives(measured, own);
  EXPECT_EQ(all[12].verdict, ObjectiveVerdict::fail);
}

TEST(Quantity, IsWrittenExactly) {
  EXPECT_EQ(Quantity::of(milliseconds(1'001)).text(), "1.001");
  EXPECT_EQ(Quantity::of(Unit::share, 0.999).text(), "0.999");
  EXPECT_EQ(Quantity::of(Unit::runs_per_day, 50'000).text(), "50000");
}

}  // namespace
}  // namespace dvt::sim
