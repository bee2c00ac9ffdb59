// When an exact indicator was bad, and how much budget was gone.
#include "sim/slo/impact.h"

#include <gtest/gtest.h>

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

BadWindow window(std::int64_t from_s, std::uint64_t n, std::uint64_t bad) {
  return {at(from_s), n, bad, at(from_s + 10), at(from_s + 290)};
}

std::vector<TimeSpan> spans(std::vector<BadWindow> windows) {
  Measurements measured;
  measured.completion.n = 100'000;
  measured.completion.bad_windows = std::move(windows);
  return find_impact(impacts(measured), "completion")->spans;
}

TEST(Impact, IsMoreThanChanceExplains) {
  EXPECT_TRUE(spans({window(0, 174, 2)}).empty()) << "two slow runs of 174 trip a p99 and are no incident";
  EXPECT_TRUE(spans({window(0, 174, 10)}).empty());
  EXPECT_EQ(spans({window(0, 174, 11)}).size(), 1U);
  EXPECT_TRUE(spans({window(0, 5, 3)}).empty());
  EXPECT_EQ(spans({window(0, 5, 4)}).size(), 1U);
  EXPECT_TRUE(spans({window(0, 10'000, 142)}).empty());
  EXPECT_EQ(spans({window(0, 10'000, 144)}).size(), 1U);
}

TEST(Impact, RunsFromTheFirstBadOneToTheLastAcrossAdjacentWindows) {
  const std::vector<TimeSpan> found =
      spans({window(0, 100, 50), window(300, 100, 50), window(600, 100, 2), window(900, 100, 50)});
  EXPECT_EQ(found, (std::vector<TimeSpan>{{at(10), at(590)}, {at(910), at(1190)}}));
}

TEST(Impact, ConsumesTheBudgetOfTheRun) {
  Measurements measured;
  measured.completion.n = 10'000;  // a hundred may be bad
  measured.completion.bad_windows = {window(0, 100, 20), window(300, 100, 60)};
  const std::vector<Impact> all = impacts(measured);
  const Impact& completion = *find_impact(all, "completion");
  EXPECT_EQ(completion.consumed(at(0)), 0.0);
  EXPECT_EQ(completion.consumed(at(290)), 0.2);
  EXPECT_EQ(completion.consumed(at(10'000)), 0.8);
  EXPECT_EQ(find_impact(all, "projection-gaps")->consumed(at(1)), std::nullopt) << "no gap is allowed";
}

TEST(Impact, OfTheLagAndOfGapsIsKnownToTheInstant) {
  Measurements measured;
  measured.lag.total = hours(1);
  measured.lag.bad_spans = {{at(100), at(110)}};
  measured.gaps.confirmed_at = {at(50), at(70), at(500)};
  const std::vector<Impact> all = impacts(measured);
  EXPECT_EQ(find_impact(all, "projection-lag")->spans, measured.lag.bad_spans);
  EXPECT_NEAR(*find_impact(all, "projection-lag")->consumed(at(110)), 10 / 3.6, 1e-9);
  EXPECT_EQ(find_impact(all, "projection-gaps")->spans, (std::vector<TimeSpan>{{at(50), at(130)}, {at(500), at(560)}}));
  EXPECT_EQ(find_impact(all, "cost-per-run"), nullptr);
}

TEST(Impact, OfTheErrorRateIsFiveFailuresInAWindowOfPhaseOne) {
  Measurements measured;
  measured.terminal.completed = 999;
  measured.terminal.failed_engine = 1;
  measured.error_bad_windows = {window(0, 174, 4), window(900, 174, 5)};
  const std::vector<Impact> all = impacts(measured);
  EXPECT_EQ(find_impact(all, "error-rate")->spans, (std::vector<TimeSpan>{{at(910), at(1190)}}));
  EXPECT_EQ(find_impact(all, "error-rate")->consumed(at(2000)), 9.0);
}

TEST(Impact, IsToldByTheMetricsOfAnObjective) {
  EXPECT_EQ(objective_of_metric("dvt_outbox_delivery_duration_ms_bucket"), "outbox-delivery");
  EXPECT_EQ(objective_of_metric("dvt_runs_completed_total"), "error-rate");
  EXPECT_EQ(objective_of_metric("dvt_adapter_last_heartbeat_seconds"), "");
}

TEST(Impact, OfAvailabilityIsTheStretchesOfBadMinutes) {
  Measurements measured;
  measured.minutes.assign(400, kMinuteJudged);
  for (const std::size_t minute : {10U, 11U, 50U}) measured.minutes[minute] |= kBadProbe;
  const std::vector<Impact> all = impacts(measured);
  const Impact* impact = find_impact(all, "availability");
  ASSERT_NE(impact, nullptr);
  ASSERT_EQ(impact->spans.size(), 2U);
  EXPECT_EQ(impact->spans[0].from, Instant{} + minutes(10));
  EXPECT_EQ(impact->spans[0].to, Instant{} + minutes(12));
  EXPECT_DOUBLE_EQ(impact->allowed, 2.0);
  EXPECT_DOUBLE_EQ(*impact->consumed(Instant{} + minutes(12)), 1.0);
}

}  // namespace
}  // namespace dvt::sim
