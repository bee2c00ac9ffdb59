// The recorder's parts by themselves: interval unions, the lag integral, the event window, the run table.
#include <gtest/gtest.h>

#include <vector>

#include "sim/measure/event_window.h"
#include "sim/measure/interval_union.h"
#include "sim/measure/lag.h"
#include "sim/measure/run_table.h"

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}
Instant at_ms(std::int64_t ms) {
  return Instant{} + milliseconds(ms);
}

TEST(IntervalUnion, OverlapsAreCountedOnce) {
  IntervalUnion intervals;
  intervals.add(at(10), at(20));
  intervals.add(at(15), at(25));
  intervals.add(at(30), at(40));
  EXPECT_EQ(intervals.size(), 2U);
  EXPECT_EQ(intervals.covered(at(0), at(100)), seconds(25));
  EXPECT_EQ(intervals.covered(at(18), at(35)), seconds(12));
}

TEST(IntervalUnion, LateIntervalsCanJoinEarlierOnes) {
  IntervalUnion intervals;
  intervals.add(at(10), at(12));
  intervals.add(at(20), at(22));
  intervals.add(at(30), at(32));
  intervals.add(at(11), at(31));
  EXPECT_EQ(intervals.size(), 1U);
  EXPECT_EQ(intervals.covered(at(0), at(100)), seconds(22));
  intervals.add(at(1), at(2));  // before everything
  EXPECT_EQ(intervals.size(), 2U);
  EXPECT_EQ(intervals.covered(at(0), at(5)), seconds(1));
}

TEST(IntervalUnion, TouchingIntervalsBecomeOneAndEmptyOnesAreNothing) {
  IntervalUnion intervals;
  intervals.add(at(1), at(2));
  intervals.add(at(2), at(3));
  intervals.add(at(9), at(9));
  intervals.add(at(9), at(8));
  EXPECT_EQ(intervals.size(), 1U);
  EXPECT_EQ(intervals.covered(at(0), at(10)), seconds(2));
}

TEST(IntervalUnion, AgreesWithASecondBySecondCount) {
  std::uint64_t state = 7;
  const auto draw = [&](std::uint64_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((state >> 33) % bound);
  };
  for (int round = 0; round < 200; ++round) {
    IntervalUnion intervals;
    std::vector<bool> covered(60, false);
    for (int i = 0; i < 12; ++i) {
      const std::int64_t from = draw(50);
      const std::int64_t to = from + draw(10);
      intervals.add(at(from), at(to));
      for (std::int64_t s = from; s < to; ++s) covered[static_cast<std::size_t>(s)] = true;
    }
    std::int64_t sum = 0;
    for (std::size_t s = 5; s < 45; ++s) sum += covered[s] ? 1 : 0;
    ASSERT_EQ(intervals.covered(at(5), at(45)), seconds(sum)) << round;
  }
}

TEST(Lag, IsBadOnlyWhileBothLimitsAreBroken) {
  LagTracker lag{Instant{}};
  lag.set(49, at(0), at(0));  // few events, old
  lag.advance(at(10));
  EXPECT_EQ(lag.bad_since_start(), Duration{});
  lag.set(1000, at(10), at(10));  // many events, young for one more second
  EXPECT_FALSE(lag.is_bad(at_ms(10'999)));
  EXPECT_TRUE(lag.is_bad(at(11)));
  lag.set(50, at(10), at(14));  // 50 is enough
  lag.set(0, at(0), at(17));
  const LagSummary summary = lag.summary(at(20));
  EXPECT_EQ(summary.bad, seconds(6));  // 11 s to 17 s
  EXPECT_EQ(summary.total, seconds(20));
  EXPECT_EQ(summary.max_events, 1000U);
  EXPECT_EQ(summary.max_age, seconds(10));
}

TEST(Lag, TheIntegralIsExactToTheNanosecond) {
  LagTracker lag{Instant{}};
  lag.set(60, Instant{7}, Instant{7});
  lag.set(0, Instant{}, Instant{1'000'000'107});
  EXPECT_EQ(lag.summary(at(2)).bad, nanoseconds(100));
}

TEST(Lag, BadTimeBeforeWarmUpIsShownButNotCounted) {
  LagTracker lag{at(60)};
  lag.set(80, at(10), at(10));
  lag.set(0, Instant{}, at(70));
  EXPECT_EQ(lag.bad_since_start(), seconds(59));  // 11 s to 70 s
  const LagSummary summary = lag.summary(at(100));
  EXPECT_EQ(summary.bad, seconds(10));  // 60 s to 70 s
  EXPECT_EQ(summary.total, seconds(40));
  EXPECT_EQ(summary.max_events, 80U);  // still so when warm-up ended
}

TEST(Lag, WindowsOfFiveMinutesAreJudgedAtOneInAThousand) {
  LagTracker lag{Instant{}};
  // First window: 300 ms bad of 300 s, exactly the limit. Second: one nanosecond more. Third: none, and only a part.
  lag.set(50, Instant{}, Instant{});
  lag.set(0, Instant{}, at_ms(1'300));
  lag.set(50, at(400), at(400));
  lag.set(0, Instant{}, at_ms(401'300) + nanoseconds(1));
  const LagSummary summary = lag.summary(at(700));
  EXPECT_EQ(summary.windows.n, 3U);
  EXPECT_EQ(summary.windows.failed, 1U);
}

TEST(Lag, ABadTimeAcrossAWindowIsSharedOut) {
  LagTracker lag{Instant{}};
  lag.set(50, at(289), at(289));
  lag.set(0, Instant{}, at(310));  // bad from 290 s to 310 s: ten seconds in each window
  const LagSummary summary = lag.summary(at(600));
  EXPECT_EQ(summary.bad, seconds(20));
  EXPECT_EQ(summary.windows.n, 2U);
  EXPECT_EQ(summary.windows.failed, 2U);
}

TEST(EventWindow, KnowsTheOldestUnprojectedEventWhateverTheOrderOfArrival) {
  EventWindow window(EventWindow::kProjected);
  for (std::uint64_t p = 1; p <= 5; ++p) window.commit(p, at(static_cast<std::int64_t>(p)));
  EXPECT_EQ(window.oldest_unprojected(), at(1));
  EXPECT_TRUE(window.arrive(2, EventWindow::kProjected));
  EXPECT_EQ(window.oldest_unprojected(), at(1));
  EXPECT_TRUE(window.arrive(1, EventWindow::kProjected));
  EXPECT_FALSE(window.arrive(1, EventWindow::kProjected));
  EXPECT_EQ(window.oldest_unprojected(), at(3));
  EXPECT_EQ(window.unprojected(), 3U);
}

TEST(EventWindow, PagesGoWhenEverythingInThemHasArrived) {
  const std::uint32_t audit = EventWindow::subscription_bit(0);
  EventWindow window(EventWindow::kProjected | audit);
  for (std::uint64_t p = 1; p <= 200'000; ++p) {
    window.commit(p, Instant{static_cast<std::int64_t>(p)});
    EXPECT_TRUE(window.publish(p));
    EXPECT_FALSE(window.publish(p));
    if (p > 3) {
      EXPECT_TRUE(window.arrive(p - 3, EventWindow::kProjected));
      if (p - 3 != 10'000) {
        EXPECT_TRUE(window.arrive(p - 3, audit));
      }
    }
    ASSERT_LE(window.pages(), 3U);
  }
  // One straggler keeps its page, and nothing else does.
  EXPECT_EQ(window.oldest_undelivered(), Instant{10'000});
  EXPECT_TRUE(window.arrive(10'000, audit));
  EXPECT_EQ(window.oldest_undelivered(), Instant{199'998});
  EXPECT_EQ(window.undelivered(), 3U);
  std::vector<std::int64_t> pending;
  window.for_each_pending([&](Instant committed, std::uint32_t) { pending.push_back(committed.ns); });
  EXPECT_EQ(pending, (std::vector<std::int64_t>{199'998, 199'999, 200'000}));
}

TEST(EventWindow, ALateArrivalOfADiscardedPageIsADuplicate) {
  EventWindow window(EventWindow::kProjected);
  for (std::uint64_t p = 1; p <= 20'000; ++p) {
    window.commit(p, Instant{});
    window.arrive(p, EventWindow::kProjected);
  }
  EXPECT_FALSE(window.arrive(5, EventWindow::kProjected));
  EXPECT_FALSE(window.arrive(20'001, EventWindow::kProjected));
  EXPECT_EQ(window.unprojected(), 0U);
}

TEST(RunTable, SlotsAndPagesFollowTheRunsInFlight) {
  RunTable runs;
  for (std::uint32_t r = 0; r < 100'000; ++r) {
    runs.open({r}).requested_at = Instant{r};
    if (r >= 10) runs.close({r - 10});
  }
  EXPECT_EQ(runs.in_flight(), 10U);
  EXPECT_LE(runs.slots(), 11U);
  EXPECT_LE(runs.pages(), 2U);
  EXPECT_EQ(runs.find({5}), nullptr);
  ASSERT_NE(runs.find({99'995}), nullptr);
  EXPECT_EQ(runs.find({99'995})->requested_at, Instant{99'995});
  EXPECT_EQ(runs.find({100'000}), nullptr);
}

TEST(RunTable, AReusedSlotRemembersNothing) {
  RunTable runs;
  RunSlot& first = runs.open({1});
  first.started = true;
  first.queued = 3;
  first.steps.push_back({});
  first.excused.add(at(1), at(2));
  runs.close({1});
  const RunSlot& second = runs.open({2});
  EXPECT_EQ(second.run, RunOrdinal{2});
  EXPECT_FALSE(second.started);
  EXPECT_EQ(second.queued, 0U);
  EXPECT_TRUE(second.steps.empty());
  EXPECT_EQ(second.excused.size(), 0U);
}

TEST(RunTable, VisitsInOrderOfTheOrdinals) {
  RunTable runs;
  for (const std::uint32_t r : {9'000U, 3U, 5'000U, 1U}) runs.open({r});
  std::vector<std::uint32_t> seen;
  runs.for_each([&](RunSlot& run) { seen.push_back(run.run.value); });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 3, 5'000, 9'000}));
}

}  // namespace
}  // namespace dvt::sim
