// Nearest ranks, the integer rule, windows, and the bins against a sorted vector.
#include "sim/measure/observations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

/// A splitmix64 stream: enough variety for a property test, the same on every machine.
class Words {
 public:
  explicit Words(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

TEST(Observations, QuantileIsTheNearestRank) {
  Observations observations(seconds(1), Instant{});
  for (std::int64_t i = 1; i <= 100; ++i) observations.add(milliseconds(101 - i), at(0));
  const Percentiles hundred = observations.percentiles();
  EXPECT_EQ(hundred.p50, milliseconds(50));  // rank 50 of 100
  EXPECT_EQ(hundred.p99, milliseconds(99));  // rank 99
  EXPECT_EQ(hundred.max, milliseconds(100));
  observations.add(milliseconds(500), at(0));
  const Percentiles more = observations.percentiles();
  EXPECT_EQ(more.p50, milliseconds(51));   // rank ceil(50.5) = 51 of 101
  EXPECT_EQ(more.p99, milliseconds(100));  // rank ceil(99.99) = 100
  EXPECT_EQ(more.max, milliseconds(500));
}

TEST(Observations, OneValueIsEveryQuantile) {
  Observations observations(seconds(1), Instant{});
  observations.add(milliseconds(7), at(0));
  EXPECT_EQ(observations.percentiles(), (Percentiles{1, milliseconds(7), milliseconds(7), milliseconds(7)}));
}

TEST(Observations, AnObservationEqualToTheThresholdIsGood) {
  Observations observations(milliseconds(10), Instant{});
  observations.add(milliseconds(10), at(0));
  observations.add(milliseconds(10) + nanoseconds(1), at(0));
  EXPECT_EQ(observations.summary().good, 1U);
  EXPECT_EQ(observations.summary().bad, 1U);
}

TEST(Observations, TheVerdictIsByIntegersAndTheQuantileAgrees) {
  for (std::int64_t bad = 0; bad <= 5; ++bad) {
    Observations observations(milliseconds(10), Instant{});
    for (std::int64_t i = 0; i < 300 - bad; ++i) observations.add(milliseconds(1), at(0));
    for (std::int64_t i = 0; i < bad; ++i) observations.add(milliseconds(11), at(0));
    const LatencySummary summary = observations.summary();
    EXPECT_EQ(p99_holds(summary.good, summary.n), bad <= 3);
    EXPECT_EQ(summary.percentiles.p99 <= summary.threshold, bad <= 3) << bad;
  }
}

TEST(Observations, AFailureIsBadHoweverFastItWas) {
  Observations observations(milliseconds(10), Instant{});
  observations.add(milliseconds(1), at(0));
  observations.add_bad(milliseconds(2), at(0));
  const LatencySummary summary = observations.summary();
  EXPECT_EQ(summary.good, 1U);
  EXPECT_EQ(summary.bad, 1U);
  EXPECT_EQ(summary.percentiles.p99, milliseconds(10) + nanoseconds(1));
}

TEST(Observations, WhatIsStillOpenCountsOnlyOnceItIsTooOld) {
  Observations observations(seconds(5), Instant{});
  observations.add_open(seconds(5), at(100));
  EXPECT_EQ(observations.n(), 0U);
  observations.add_open(seconds(6), at(100));
  const LatencySummary summary = observations.summary();
  EXPECT_EQ(summary.n, 1U);
  EXPECT_EQ(summary.bad, 1U);
  EXPECT_EQ(summary.open, 1U);
}

TEST(Observations, FiveMinuteWindowsAreJudgedByTheSameRule) {
  Observations observations(milliseconds(10), at(60));
  observations.add(milliseconds(1), at(60));
  observations.add(milliseconds(1), at(359));   // the same window: [60 s, 360 s)
  observations.add(milliseconds(99), at(360));  // the next one, bad
  observations.add(milliseconds(1), at(361));
  observations.add(milliseconds(1), at(2000));  // after windows without data
  const WindowCount windows = observations.summary().windows;
  EXPECT_EQ(windows.n, 3U);
  EXPECT_EQ(windows.failed, 1U);
}

TEST(Observations, BinsStayWithinTheirRelativeErrorOfASortedVector) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Words words(seed);
    Observations observations(milliseconds(10), Instant{});
    std::vector<std::int64_t> all;
    for (int i = 0; i < 200'000; ++i) {
      // Spread over many powers of two.
      const std::int64_t value = static_cast<std::int64_t>(words.next() >> (1 + words.next() % 50));
      all.push_back(value);
      observations.add(Duration{value}, Instant{i * 1'000'000LL});
      if (i + 1 == 1'000 || i + 1 == static_cast<int>(Observations::kExactLimit)) {
        std::vector<std::int64_t> sorted = all;
        std::ranges::sort(sorted);
        EXPECT_TRUE(observations.summary().exact);
        EXPECT_EQ(observations.percentiles().p50.ns, sorted[(sorted.size() * 50 + 99) / 100 - 1]);
        EXPECT_EQ(observations.percentiles().p99.ns, sorted[(sorted.size() * 99 + 99) / 100 - 1]);
      }
    }
    std::ranges::sort(all);
    const LatencySummary summary = observations.summary();
    EXPECT_FALSE(summary.exact);
    EXPECT_EQ(summary.n, all.size());
    const auto good = std::ranges::upper_bound(all, milliseconds(10).ns) - all.begin();
    EXPECT_EQ(summary.good, static_cast<std::uint64_t>(good));
    EXPECT_EQ(summary.percentiles.max.ns, all.back());
    const auto near = [](Duration seen, std::int64_t exact) {
      const std::int64_t error = seen.ns > exact ? seen.ns - exact : exact - seen.ns;
      return error <= exact / 4096 + 1;
    };
    EXPECT_TRUE(near(summary.percentiles.p50, all[all.size() / 2 - 1]));
    EXPECT_TRUE(near(summary.percentiles.p99, all[all.size() * 99 / 100 - 1]));
  }
}

TEST(Observations, ABinThatStraddlesTheThresholdNeverContradictsTheIntegers) {
  // The threshold lies inside a bin; the values sit just above or just below it.
  const Duration threshold = nanoseconds((1LL << 40) + 100);
  for (const std::int64_t offset : {-50, 50}) {
    Observations observations(threshold, Instant{});
    for (int i = 0; i < 70'000; ++i) observations.add(threshold + nanoseconds(offset), Instant{});
    const LatencySummary summary = observations.summary();
    ASSERT_FALSE(summary.exact);
    EXPECT_EQ(p99_holds(summary.good, summary.n), offset < 0);
    EXPECT_EQ(summary.percentiles.p99 <= threshold, offset < 0);
    EXPECT_LE(summary.percentiles.p50, summary.percentiles.p99);
  }
}

TEST(Observations, NothingButBinsIsHeldAboveTheExactLimit) {
  Observations observations(seconds(1), Instant{}, 1'000);
  for (int i = 0; i < 1'000; ++i) observations.add(Duration{i % 100}, Instant{});
  EXPECT_GE(observations.bytes(), 1'000 * sizeof(std::int64_t));
  EXPECT_TRUE(observations.summary().exact);
  observations.add(Duration{1}, Instant{});
  const std::size_t binned = observations.bytes();
  EXPECT_LE(binned, 8'192U);  // one power of two
  EXPECT_FALSE(observations.summary().exact);
  for (int i = 0; i < 100'000; ++i) observations.add(Duration{i % 100}, Instant{});
  EXPECT_EQ(observations.bytes(), binned);
  EXPECT_EQ(observations.n(), 101'001U);
}

TEST(Observations, TheLargestValuesHaveABinToo) {
  Observations observations(seconds(1), Instant{});
  for (std::size_t i = 0; i <= Observations::kExactLimit; ++i) observations.add(Duration{INT64_MAX}, Instant{});
  EXPECT_EQ(observations.percentiles().p99.ns, INT64_MAX);
}

}  // namespace
}  // namespace dvt::sim
