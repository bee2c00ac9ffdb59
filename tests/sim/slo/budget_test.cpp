// The error budget policy: the document's own examples, and its states over hand-made minutes.
#include "sim/slo/budget.h"

#include <gtest/gtest.h>

namespace dvt::sim {
namespace {

UnixNanos day(const char* text) {
  return *parse_rfc3339(std::string(text) + "T00:00:00Z");
}

Duration quarter_budget(const char* text) {
  return budget_of(budget_period(BudgetWindow::calendar_quarter, day(text)).length(), kAvailabilityTarget);
}

TEST(Budget, OfThirtyDaysAt995PercentIs216Minutes) {
  EXPECT_EQ(budget_of(hours(30 * 24), kAvailabilityTarget), minutes(216));
  EXPECT_EQ(budget_of(budget_period(BudgetWindow::rolling_30d, day("2026-02-15")).length(), kAvailabilityTarget),
            minutes(216));
}

TEST(Budget, OfTheQuartersOf2026IsWhatTheDocumentSays) {
  EXPECT_EQ(quarter_budget("2026-02-15"), minutes(648));
  EXPECT_EQ(quarter_budget("2026-04-01"), seconds(39'312));  // 655.2 min
  EXPECT_EQ(quarter_budget("2026-09-30"), seconds(39'744));  // 662.4 min
  EXPECT_EQ(quarter_budget("2026-12-31"), seconds(39'744));
}

TEST(Budget, PeriodsAreUtcMonthsAndQuarters) {
  const BudgetPeriod february = budget_period(BudgetWindow::calendar_month, day("2024-02-29"));
  EXPECT_EQ(february.from, day("2024-02-01"));
  EXPECT_EQ(february.to, day("2024-03-01"));
  const BudgetPeriod last = budget_period(BudgetWindow::calendar_quarter, day("2026-11-30"));
  EXPECT_EQ(last.from, day("2026-10-01"));
  EXPECT_EQ(last.to, day("2027-01-01"));
}

TEST(Budget, TheDocumentsExampleIsAPaceAndNeedsItsInstant) {
  const Duration consumed = minutes(20);
  EXPECT_NEAR(20.0 / 648.0, 0.031, 0.0005);  // 3.1 %
  // 20 min in eight weeks of the quarter's ninety days: 0.05 of the sustainable pace.
  EXPECT_NEAR(budget_pace(consumed, minutes(648), hours(8 * 7 * 24), hours(90 * 24)), 0.05, 0.0005);
  // On the document's own date, 2026-02-15, 45 days in.
  EXPECT_NEAR(budget_pace(consumed, minutes(648), hours(45 * 24), hours(90 * 24)), 0.062, 0.0005);
  EXPECT_DOUBLE_EQ(budget_pace(consumed, minutes(648), {}, hours(90 * 24)), 0.0);
}

TEST(Budget, BurnsAtOneWhenTheErrorRatioIsTheBudgets) {
  EXPECT_DOUBLE_EQ(burn_rate(minutes(3), hours(10), kAvailabilityTarget), 1.0);
  EXPECT_DOUBLE_EQ(burn_rate(hours(1), hours(1), kAvailabilityTarget), 200.0);
}

/// Minutes of which [from, to) are bad.
std::vector<std::uint8_t> flags(std::size_t length, std::size_t from, std::size_t to) {
  std::vector<std::uint8_t> out(length, kMinuteJudged);
  for (std::size_t i = from; i < to; ++i) out[i] |= kBadRequests;
  return out;
}

std::vector<std::string> states(const BudgetTracker& tracker) {
  std::vector<std::string> out;
  for (const BudgetTransition& change : tracker.transitions())
    out.push_back(std::string(to_string(change.state)) + " " +
                  std::to_string((change.at - Instant{}).ns / 60'000'000'000));
  return out;
}

TEST(BudgetPolicyStates, ARollingWindowGoesThroughAdvisoryToExhaustedAndRecoversBelowNinetyPercent) {
  BudgetPolicy policy;
  BudgetTracker tracker(policy, day("2026-01-01"), {});
  // 216 bad minutes from minute 1,000 on; the window has lost 22 of them at minute 43,200 + 1,022.
  tracker.advance(flags(46'000, 1'000, 1'216));
  EXPECT_EQ(states(tracker), (std::vector<std::string>{"ADVISORY 1108", "EXHAUSTED 1216", "NORMAL 44222"}));
  EXPECT_EQ(tracker.transitions()[1].consumed, minutes(216));
  EXPECT_EQ(tracker.transitions()[2].consumed, minutes(194));  // 194 of 216 is the first below 90 %
  EXPECT_EQ(tracker.status().consumed, minutes(0));
}

TEST(BudgetPolicyStates, ExhaustionLastsUntilTheLimitThatThePolicyNames) {
  BudgetPolicy policy;
  policy.recover_below = percent(50);
  BudgetTracker tracker(policy, day("2026-01-01"), {});
  tracker.advance(flags(46'000, 1'000, 1'216));
  EXPECT_EQ(tracker.transitions().back().state, BudgetState::normal);
  EXPECT_EQ(tracker.transitions().back().consumed, minutes(107));
}

TEST(BudgetPolicyStates, ACalendarPeriodEndsExhaustionAndHalfTimeEndsAdvisory) {
  BudgetPolicy policy;
  policy.window = BudgetWindow::calendar_month;
  // January 2026: 44,640 minutes, a budget of 223.2.
  BudgetTracker exhausted(policy, day("2026-01-01"), {});
  exhausted.advance(flags(46'000, 1'000, 1'300));
  EXPECT_EQ(states(exhausted), (std::vector<std::string>{"ADVISORY 1112", "EXHAUSTED 1224", "NORMAL 44641"}));
  BudgetTracker advised(policy, day("2026-01-01"), {});
  advised.advance(flags(46'000, 1'000, 1'150));
  EXPECT_EQ(states(advised), (std::vector<std::string>{"ADVISORY 1112", "NORMAL 22320"}));
}

TEST(BudgetPolicyStates, MinutesOfWarmUpDoNotCount) {
  BudgetTracker tracker({}, day("2026-01-01"), Instant{} + minutes(1'100));
  tracker.advance(flags(3'000, 1'000, 1'216));
  EXPECT_EQ(tracker.status().consumed, minutes(116));
}

TEST(BudgetPolicyStates, AreTheSameWhetherMinutesComeOneByOneOrAllAtOnce) {
  const std::vector<std::uint8_t> all = flags(46'000, 1'000, 1'216);
  BudgetTracker whole({}, day("2026-01-01"), {});
  whole.advance(all);
  BudgetTracker live({}, day("2026-01-01"), {});
  std::vector<std::uint8_t> so_far;
  for (const std::uint8_t one : all) {
    so_far.push_back(one);
    if (so_far.size() % 997 == 0) live.advance(so_far);
  }
  live.advance(so_far);
  EXPECT_EQ(states(live), states(whole));
}

}  // namespace
}  // namespace dvt::sim
