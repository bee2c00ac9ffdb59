#include "engine/base/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/detmath.h"
#include "tests/engine/base/test_bits.h"

namespace dvt {
namespace {

constexpr int kDraws = 200'000;

std::vector<double> draws_ms(const Distribution& d, std::uint64_t seed = 1) {
  SplitMix bits(seed);
  std::vector<double> draws;
  draws.reserve(kDraws);
  for (int i = 0; i < kDraws; ++i) draws.push_back(static_cast<double>(d.sample(bits).ns) / 1e6);
  return draws;
}

// The words are fixed, so these bounds of five standard errors hold always or never.
void expect_mean(const std::vector<double>& draws, double mean) {
  double sum = 0;
  double squares = 0;
  for (double x : draws) {
    sum += x;
    squares += x * x;
  }
  const double n = static_cast<double>(draws.size());
  const double variance = squares / n - (sum / n) * (sum / n);
  EXPECT_NEAR(sum / n, mean, 5 * std::sqrt(variance / n) + 1e-9);
}

void expect_share_below(const std::vector<double>& draws, double ms, double share) {
  const auto below = std::count_if(draws.begin(), draws.end(), [&](double x) { return x <= ms; });
  const double n = static_cast<double>(draws.size());
  EXPECT_NEAR(static_cast<double>(below) / n, share, 5 * std::sqrt(share * (1 - share) / n) + 1e-9) << "below " << ms;
}

double deviation(const std::vector<double>& draws) {
  double sum = 0;
  double squares = 0;
  for (double x : draws) {
    sum += x;
    squares += x * x;
  }
  const double n = static_cast<double>(draws.size());
  return std::sqrt(squares / n - (sum / n) * (sum / n));
}

double ms(Duration d) {
  return static_cast<double>(d.ns) / 1e6;
}

// quantile() and mean() against the draws themselves.
void expect_consistent(const Distribution& d) {
  SCOPED_TRACE(d.describe());
  const std::vector<double> draws = draws_ms(d);
  for (double q : {0.05, 0.5, 0.9, 0.99}) expect_share_below(draws, ms(d.quantile(q)), q);
  expect_mean(draws, ms(d.mean()));
}

TEST(Distribution, AConstantDrawsNothing) {
  SplitMix bits(1);
  const Distribution d = Distribution::constant(milliseconds(250));
  EXPECT_EQ(d.sample(bits), milliseconds(250));
  EXPECT_EQ(bits.taken(), 0);
  EXPECT_EQ(d.mean(), milliseconds(250));
  EXPECT_EQ(d.quantile(0.01), milliseconds(250));
  EXPECT_EQ(Distribution().sample(bits), Duration{0});
}

TEST(Distribution, UniformHitsBothEndsAndNothingBeyond) {
  const Distribution d = Distribution::uniform(nanoseconds(10), nanoseconds(12));
  SplitMix bits(1);
  std::vector<int> seen(3);
  for (int i = 0; i < 3'000; ++i) {
    const std::int64_t ns = d.sample(bits).ns;
    ASSERT_GE(ns, 10);
    ASSERT_LE(ns, 12);
    ++seen[static_cast<std::size_t>(ns - 10)];
  }
  for (int count : seen) EXPECT_NEAR(count, 1'000, 130);
  EXPECT_EQ(d.quantile(0.33), nanoseconds(10));
  EXPECT_EQ(d.quantile(0.34), nanoseconds(11));
  EXPECT_EQ(d.quantile(0.99), nanoseconds(12));
  expect_consistent(Distribution::uniform(minutes(1), minutes(10)));
}

TEST(Distribution, ExponentialHasItsMean) {
  const Distribution d = Distribution::exponential(milliseconds(40));
  expect_consistent(d);
  expect_share_below(draws_ms(d), 40 * 0.6931471805599453, 0.5);
  EXPECT_NEAR(deviation(draws_ms(d)), 40, 0.6);
}

TEST(Distribution, NormalHasItsMomentsFarFromZero) {
  const Distribution d = Distribution::normal(milliseconds(100), milliseconds(10));
  expect_consistent(d);
  expect_mean(draws_ms(d), 100);
  EXPECT_NEAR(deviation(draws_ms(d)), 10, 0.1);
}

TEST(Distribution, NormalIsCutAtZero) {
  const Distribution d = Distribution::normal(milliseconds(5), milliseconds(10));
  const std::vector<double> draws = draws_ms(d);
  EXPECT_EQ(*std::min_element(draws.begin(), draws.end()), 0.0);
  expect_share_below(draws, 0, 0.3085375387259869);
  expect_mean(draws, 6.977965574013985);  // 5 Phi(1/2) + 10 phi(1/2)
  EXPECT_NEAR(ms(d.mean()), 6.977966, 1e-6);
  EXPECT_EQ(d.quantile(0.3), Duration{0});
}

TEST(Distribution, LognormalHitsItsPercentiles) {
  const Distribution d = Distribution::lognormal(milliseconds(2), milliseconds(8));
  EXPECT_EQ(d.quantile(0.5), milliseconds(2));
  EXPECT_EQ(d.quantile(0.99), milliseconds(8));
  const std::vector<double> draws = draws_ms(d);
  expect_share_below(draws, 2, 0.5);
  expect_share_below(draws, 8, 0.99);
  expect_consistent(d);
}

TEST(Distribution, LognormalTakesMuSigmaAndUnit) {
  const Distribution d = Distribution::lognormal(0.5, 0.75, seconds(1));
  const double median_ms = 1648.7212707001281;
  EXPECT_NEAR(ms(d.quantile(0.5)), median_ms, 1e-6);
  EXPECT_NEAR(ms(d.mean()), median_ms * 1.3247847587288655, 1e-5);  // e^(sigma^2 / 2)
  expect_consistent(d);
}

TEST(Distribution, LognormalTakesOneWordWhateverItsParameters) {
  for (const Distribution& d :
       {Distribution::lognormal(milliseconds(2), milliseconds(8)), Distribution::lognormal(seconds(2), seconds(2)),
        Distribution::lognormal(-3.0, 2.0, minutes(1))}) {
    SplitMix bits(3);
    for (int i = 0; i < 100; ++i) (void)d.sample(bits);
    EXPECT_EQ(bits.taken(), 100) << d.describe();
  }
}

TEST(Distribution, CommonRandomNumbersKeepTheOrderOfTwoLognormals) {
  const Distribution fast = Distribution::lognormal(milliseconds(2), milliseconds(8));
  const Distribution slow = Distribution::lognormal(milliseconds(3), milliseconds(12));
  SplitMix first(17);
  SplitMix second(17);
  for (int i = 0; i < 10'000; ++i) {
    const double a = ms(fast.sample(first));
    const double b = ms(slow.sample(second));
    ASSERT_NEAR(b / a, 1.5, 1e-5);
  }
}

TEST(Distribution, GammaHasItsMomentsAboveAndBelowShapeOne) {
  for (double cv : {0.05, 0.5, 1.0, 2.0}) {
    const Distribution d = Distribution::gamma(milliseconds(100), cv);
    expect_consistent(d);
    EXPECT_NEAR(deviation(draws_ms(d)), 100 * cv, 100 * cv * 0.03) << cv;
  }
}

TEST(Distribution, BimodalMixesItsParts) {
  const Distribution d = Distribution::bimodal(Distribution::exponential(milliseconds(10)),
                                               Distribution::uniform(milliseconds(100), milliseconds(200)), 0.2);
  const std::vector<double> draws = draws_ms(d);
  const auto slow = std::count_if(draws.begin(), draws.end(), [](double x) { return x >= 100; });
  EXPECT_NEAR(static_cast<double>(slow) / kDraws, 0.2, 0.005);
  expect_consistent(d);
  EXPECT_EQ(d.mean(), milliseconds(38));
}

TEST(Distribution, EmpiricalDrawsItsValuesEquallyOften) {
  const Distribution d =
      Distribution::empirical({milliseconds(30), milliseconds(10), milliseconds(10), milliseconds(50)});
  const std::vector<double> draws = draws_ms(d);
  expect_share_below(draws, 10, 0.5);
  expect_share_below(draws, 30, 0.75);
  expect_mean(draws, 25);
  EXPECT_EQ(d.mean(), milliseconds(25));
  EXPECT_EQ(d.quantile(0.5), milliseconds(10));
  EXPECT_EQ(d.quantile(0.51), milliseconds(30));
  EXPECT_EQ(d.quantile(0.99), milliseconds(50));
}

TEST(Distribution, CutsDrawsAtTenYearsInsteadOfOverflowing) {
  PlayedBits highest({~0ULL});
  EXPECT_EQ(Distribution::lognormal(0.0, 50.0, hours(24)).sample(highest), Distribution::kMax);
  PlayedBits lowest({0});
  EXPECT_EQ(Distribution::exponential(Distribution::kMax).sample(lowest), Distribution::kMax);
  PlayedBits smallest({0});
  EXPECT_EQ(Distribution::lognormal(0.0, 50.0, hours(24)).sample(smallest), Duration{0});
}

TEST(Distribution, KeepsItsGoldenDraws) {
  // The first draws of each kind from the same words. They change only with the sampling method, on purpose.
  const auto first_four = [](const Distribution& d) {
    SplitMix bits(42);
    std::vector<std::int64_t> ns;
    for (int i = 0; i < 4; ++i) ns.push_back(d.sample(bits).ns);
    return ns;
  };
  using Draws = std::vector<std::int64_t>;
  EXPECT_EQ(first_four(Distribution::uniform(minutes(1), minutes(10))),
            (Draws{460445034537, 146351612153, 210444610338, 245862986923}));
  EXPECT_EQ(first_four(Distribution::exponential(seconds(1))), (Draws{298992625, 1833141665, 1277974161, 1066559367}));
  EXPECT_EQ(first_four(Distribution::normal(seconds(1), milliseconds(300))),
            (Draws{1194453208, 701552130, 823899354, 879684234}));
  EXPECT_EQ(first_four(Distribution::lognormal(seconds(3), seconds(30))),
            (Draws{5698304979, 1120693666, 1678005935, 2017090930}));
  EXPECT_EQ(first_four(Distribution::gamma(seconds(1), 0.5)), (Draws{1263285919, 663397027, 302685144, 592537266}));
  EXPECT_EQ(first_four(Distribution::gamma(seconds(1), 2)), (Draws{40674269, 1326980881, 18989499, 292192907}));
}

TEST(Distribution, DescribesItselfAsAScenarioWouldWriteIt) {
  EXPECT_EQ(Distribution::constant(milliseconds(50)).describe(), "50ms");
  EXPECT_EQ(Distribution::uniform(minutes(1), minutes(10)).describe(), "{uniform: {min: 1m, max: 10m}}");
  EXPECT_EQ(Distribution::exponential(seconds(90)).describe(), "{exponential: {mean: 1m30s}}");
  EXPECT_EQ(Distribution::normal(seconds(2), milliseconds(5)).describe(), "{normal: {mean: 2s, sd: 5ms}}");
  EXPECT_EQ(Distribution::lognormal(milliseconds(2), milliseconds(8)).describe(), "{lognormal: {p50: 2ms, p99: 8ms}}");
  EXPECT_EQ(Distribution::lognormal(1.5, 0.7, seconds(1)).describe(), "{lognormal: {mu: 1.5, sigma: 0.7, unit: s}}");
  EXPECT_EQ(Distribution::lognormal(1.5, 0.7, milliseconds(10)).describe(),
            "{lognormal: {mu: 1.5, sigma: 0.7, unit: 10ms}}");
  EXPECT_EQ(Distribution::gamma(seconds(3), 0.5).describe(), "{gamma: {mean: 3s, cv: 0.5}}");
  EXPECT_EQ(
      Distribution::bimodal(Distribution::constant(seconds(1)), Distribution::exponential(seconds(9)), 0.1).describe(),
      "{bimodal: {fast: 1s, slow: {exponential: {mean: 9s}}, slowShare: 0.1}}");
  EXPECT_EQ(Distribution::empirical({seconds(2), seconds(1)}).describe(), "{empirical: [2s, 1s]}");
  EXPECT_EQ(Distribution::empirical(std::vector<Duration>(20, seconds(1))).describe(),
            "{empirical: [1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, … 20 values]}");
}

TEST(Distribution, ComparesByParameters) {
  const auto mix = [](double share) {
    return Distribution::bimodal(Distribution::constant(seconds(1)), Distribution::exponential(seconds(9)), share);
  };
  EXPECT_EQ(mix(0.1), mix(0.1));
  EXPECT_NE(mix(0.1), mix(0.2));
  EXPECT_EQ(Distribution::empirical({seconds(1), seconds(2)}), Distribution::empirical({seconds(1), seconds(2)}));
  EXPECT_NE(Distribution::empirical({seconds(1), seconds(2)}), Distribution::empirical({seconds(2), seconds(1)}));
  EXPECT_NE(Distribution::constant(seconds(1)), Distribution::exponential(seconds(1)));
}

TEST(Distribution, KnowsWhetherEveryDrawIsTheSame) {
  EXPECT_TRUE(Distribution::constant(seconds(1)).is_constant());
  EXPECT_TRUE(Distribution::lognormal(seconds(1), seconds(1)).is_constant());
  EXPECT_TRUE(Distribution::uniform(seconds(1), seconds(1)).is_constant());
  EXPECT_TRUE(Distribution::empirical({seconds(1), seconds(1)}).is_constant());
  EXPECT_FALSE(Distribution::lognormal(seconds(1), seconds(2)).is_constant());
  EXPECT_FALSE(Distribution::bimodal(Distribution(), Distribution::constant(seconds(1)), 0.5).is_constant());
  EXPECT_TRUE(Distribution::bimodal(Distribution(), Distribution::constant(seconds(1)), 0).is_constant());
}

TEST(DistributionDeathTest, RefusesParametersTheReaderMustReject) {
  EXPECT_DEATH((void)Distribution::constant(seconds(-1)), "outside 0 to ten years");
  EXPECT_DEATH((void)Distribution::constant(Distribution::kMax + nanoseconds(1)), "outside 0 to ten years");
  EXPECT_DEATH((void)Distribution::uniform(seconds(2), seconds(1)), "above its max");
  EXPECT_DEATH((void)Distribution::lognormal(seconds(0), seconds(1)), "0 < p50");
  EXPECT_DEATH((void)Distribution::lognormal(seconds(2), seconds(1)), "p50 <= p99");
  EXPECT_DEATH((void)Distribution::lognormal(0.0, -1.0, seconds(1)), "bad lognormal");
  EXPECT_DEATH((void)Distribution::gamma(seconds(1), 0), "bad gamma");
  EXPECT_DEATH((void)Distribution::bimodal({}, {}, 1.1), "a share");
  EXPECT_DEATH((void)Distribution::empirical({}), "needs values");
  EXPECT_DEATH((void)Distribution().quantile(1), "between 0 and 1");
}

}  // namespace
}  // namespace dvt
