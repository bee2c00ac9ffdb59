// Extrapolation against numbers that promtool 2.42 gives for the same samples, and by hand.
#include "sim/slo/promql.h"

#include <gtest/gtest.h>

#include <limits>

namespace dvt::sim::promql {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One counter sampled every 15 s from t0; NaN: no sample.
SeriesStore counter(const std::vector<double>& values) {
  SeriesStore store(1000);
  store.add_series({"c", {}, MetricKind::counter, 0});
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::vector<double> row{values[i]};
    store.add_row(at(15 * static_cast<std::int64_t>(i)), row);
  }
  return store;
}

std::vector<double> ramp(int n) {
  std::vector<double> out;
  for (int i = 0; i < n; ++i) out.push_back(i);
  return out;
}

TEST(Promql, AnAlignedWindowHoldsBothItsEnds) {
  const SeriesStore store = counter(ramp(41));
  std::vector<Sample> samples;
  range(store, 0, at(300), minutes(1), RangeStart::included, samples);
  EXPECT_EQ(samples.size(), 5U);
  range(store, 0, at(300), minutes(1), RangeStart::excluded, samples);
  EXPECT_EQ(samples.size(), 4U);
  EXPECT_EQ(increase(store, 0, at(300), minutes(1)), 4.0);
  EXPECT_EQ(rate(store, 0, at(300), minutes(1)), 6.666666666666667e-02);
  // Without t-w the three intervals seen are stretched to four: the same increase.
  EXPECT_EQ(increase(store, 0, at(300), minutes(1), RangeStart::excluded), 4.0);
}

TEST(Promql, ExtrapolatesToAnUnalignedEdge) {
  const SeriesStore store = counter(ramp(41));
  EXPECT_EQ(increase(store, 0, at(300), seconds(50)), 3.3333333333333335);
  EXPECT_EQ(rate(store, 0, at(307), seconds(50)), 6.666666666666667e-02);
}

TEST(Promql, DoesNotExtendACounterBelowZero) {
  const SeriesStore store = counter({0, 0, 0, 5, 5, 5});
  EXPECT_EQ(increase(store, 0, at(60), minutes(1)), 5.0);
  EXPECT_EQ(increase(store, 0, at(60), minutes(5)), 5.0);
}

TEST(Promql, ExtendsAnEdgeThatIsTooFarByHalfAnInterval) {
  const SeriesStore store = counter({kNone, kNone, kNone, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_EQ(increase(store, 0, at(75), minutes(1)), 2.5);
  EXPECT_EQ(increase(store, 0, at(90), minutes(2)), 3.5);
}

TEST(Promql, AFallIsAReset) {
  const SeriesStore store = counter({0, 4, 8, 2, 6, 1});
  // 4 + 2 + 4 + 1
  EXPECT_EQ(increase(store, 0, at(75), minutes(1)), 11.0);
}

TEST(Promql, NeedsTwoSamples) {
  const SeriesStore store = counter({3});
  EXPECT_FALSE(increase(store, 0, at(0), minutes(5)).has_value());
  const SeriesStore more = counter({3, 4});
  EXPECT_FALSE(increase(more, 0, at(400), minutes(5)).has_value());
}

TEST(Promql, TheEdgeLimitIsOnePointOneIntervals) {
  // Samples at 0 s and 10 s. The end is extended whole while it is less than 11 s away, else by 5 s.
  const std::vector<Sample> samples{{at(0), 100}, {at(10), 110}};
  EXPECT_DOUBLE_EQ(*extrapolated_increase(samples, at(20), seconds(20)), 10 * (20.0 / 10));
  EXPECT_DOUBLE_EQ(*extrapolated_increase(samples, at(21), seconds(21)), 10 * (15.0 / 10));
}

TEST(Promql, TheLookBackOfAnInstantIsFiveMinutes) {
  const SeriesStore store = counter({1, 2});
  EXPECT_EQ(instant(store, 0, at(14)), 1.0);
  EXPECT_EQ(instant(store, 0, at(15)), 2.0);
  EXPECT_EQ(instant(store, 0, at(315)), 2.0);
  EXPECT_FALSE(instant(store, 0, at(316)).has_value());
}

TEST(Promql, NamesALabelSet) {
  EXPECT_EQ(label_text({{"a", "x"}, {"b", "y"}}), "{a=\"x\", b=\"y\"}");
  EXPECT_EQ(label_text({}), "{}");
}

}  // namespace
}  // namespace dvt::sim::promql
