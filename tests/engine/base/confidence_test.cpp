// Against published tables, and against counting.
#include "engine/base/confidence.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "engine/base/detmath.h"

namespace dvt::confidence {
namespace {

TEST(Confidence, StudentsQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.7062047, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.7764451, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.95, 9), 1.8331129, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.9995, 30), 3.6459586, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.975, 1'000'000), detmath::inverse_normal_cdf(0.975), 1e-5);
  EXPECT_EQ(student_t_quantile(0.1, 7), -student_t_quantile(0.9, 7));
  EXPECT_EQ(student_t_quantile(0.5, 7), 0.0);
}

TEST(Confidence, TheBetaDistributionIsTheBinomialsSum) {
  // P(Bin(n, x) >= a) = I_x(a, n - a + 1), summed here term by term.
  for (const double x : {0.03, 0.2, 0.5, 0.77, 0.99}) {
    for (const int n : {1, 5, 20, 60}) {
      double upper = 0;
      for (int a = n; a >= 1; --a) {
        double term = 1;
        for (int i = 0; i < a; ++i) term *= x * (n - i) / (i + 1);
        for (int i = a; i < n; ++i) term *= 1 - x;
        upper += term;
        EXPECT_NEAR(detmath::beta_cdf(a, n - a + 1, x), upper, 1e-12) << "n " << n << " a " << a << " x " << x;
      }
    }
  }
}

TEST(Confidence, AMeanOfFewValuesHasAWideInterval) {
  const std::array<double, 3> values{1, 2, 3};
  const Mean three = mean(values, 0.95);
  EXPECT_EQ(three.n, 3);
  EXPECT_DOUBLE_EQ(three.mean, 2.0);
  EXPECT_NEAR(three.half_width, 4.3026527 / 1.7320508, 1e-6);
  EXPECT_EQ(mean(std::span(values).first(1), 0.95).half_width, 0.0);
  EXPECT_EQ(mean({}, 0.95).n, 0);
}

TEST(Confidence, FiftyNineQuietTriesAreNeededToClaimLessThanFivePercent) {
  EXPECT_LE(share_at_most(0, 59, 0.95), 0.05);
  EXPECT_GT(share_at_most(0, 58, 0.95), 0.05);
  EXPECT_EQ(share_at_most(7, 7, 0.95), 1.0);
  EXPECT_GE(share_at_least(29, 29, 0.95), 0.9);
  EXPECT_LT(share_at_least(28, 28, 0.95), 0.9);
  EXPECT_EQ(share_at_least(0, 9, 0.95), 0.0);
}

TEST(Confidence, AShareHasItsExactInterval) {
  const Interval ten = share(1, 10, 0.95);
  EXPECT_NEAR(ten.low, 0.0025286, 1e-6);
  EXPECT_NEAR(ten.high, 0.4450161, 1e-6);
  EXPECT_EQ(share(0, 0, 0.95), (Interval{0, 1}));
  EXPECT_EQ(share(4, 4, 0.95).high, 1.0);
}

}  // namespace
}  // namespace dvt::confidence
