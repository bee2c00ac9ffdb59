// detmath against MPFR, which rounds correctly. The bounds are a little above the largest errors seen over a million
// arguments a range (README.md of engine/base has them); the test draws fewer.
#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/base/detmath.h"
#include "tests/engine/base/test_bits.h"

namespace dvt {
namespace {

constexpr int kDraws = 5'000;
constexpr int kBits = 200;

class Real {
 public:
  explicit Real(double value = 0) {
    mpfr_init2(value_, kBits);
    mpfr_set_d(value_, value, MPFR_RNDN);
  }
  ~Real() { mpfr_clear(value_); }
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;
  mpfr_ptr get() { return value_; }
  double rounded() const { return mpfr_get_d(value_, MPFR_RNDN); }
  /// Distance of `got` in units of the last place of the nearest double.
  double ulps_from(double got) {
    const double nearest = rounded();
    if (std::isinf(nearest) || std::isinf(got)) return got == nearest ? 0.0 : 1e9;
    int exponent = 0;
    std::frexp(nearest, &exponent);
    Real difference;
    mpfr_sub_d(difference.get(), value_, got, MPFR_RNDN);
    mpfr_mul_2si(difference.get(), difference.get(), -std::max(exponent - 53, -1074), MPFR_RNDN);
    return std::fabs(difference.rounded());
  }

 private:
  mpfr_t value_;
};

using Function = double (*)(double);
using Reference = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

struct Worst {
  double ulps = 0;
  double at = 0;
  void see(double error, double argument) {
    if (error <= ulps) return;
    ulps = error;
    at = argument;
  }
};

template <class Draw>
Worst worst_error(Function function, Reference reference, Draw draw) {
  SplitMix bits(99);
  Worst worst;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw(bits);
    Real exact(x);
    reference(exact.get(), exact.get(), MPFR_RNDN);
    worst.see(exact.ulps_from(function(x)), x);
  }
  return worst;
}

template <class Draw>
void expect_within(double bound, Function function, Reference reference, Draw draw, const char* what) {
  const Worst worst = worst_error(function, reference, draw);
  EXPECT_LE(worst.ulps, bound) << what << " at " << worst.at;
  EXPECT_GT(worst.ulps, 0.4) << what << ": an error below half a unit everywhere means nothing was compared";
}

// 2^-n with n drawn up to `most`.
double small_scale(SplitMix& bits, std::uint64_t most) {
  return std::bit_cast<double>((1023 - bits.next() % (most + 1)) << 52);
}

TEST(DetmathAccuracy, Exp) {
  expect_within(
      0.51, detmath::exp, mpfr_exp, [](SplitMix& b) { return b.between(-1, 1); }, "exp near 0");
  expect_within(
      0.51, detmath::exp, mpfr_exp, [](SplitMix& b) { return b.between(-708, 709.78); }, "exp");
  expect_within(
      1.0, detmath::exp, mpfr_exp, [](SplitMix& b) { return b.between(-745.13, -708); }, "exp, subnormal");
}

TEST(DetmathAccuracy, Log) {
  expect_within(
      0.51, detmath::log, mpfr_log, [](SplitMix& b) { return b.uniform(); }, "log below 1");
  const auto near_one = [](SplitMix& b) {
    const double scale = small_scale(b, 50);
    return 1.0 + b.between(-1, 1) * scale;
  };
  expect_within(0.51, detmath::log, mpfr_log, near_one, "log near 1");
  const auto any = [](SplitMix& b) {
    double x = 0;
    while (x == 0 || !std::isfinite(x)) x = std::bit_cast<double>(b.next() >> 1);
    return x;
  };
  expect_within(0.51, detmath::log, mpfr_log, any, "log of any positive double");
  expect_within(
      0.51, detmath::log, mpfr_log, [](SplitMix& b) { return b.uniform() * 0x1p-1023; }, "log, subnormal");
}

TEST(DetmathAccuracy, SinAndCos) {
  const auto small = [](SplitMix& b) { return b.between(-7, 7); };
  const auto large = [](SplitMix& b) { return b.between(-1e6, 1e6); };
  // Closest to the zeros, where the reduction has to keep the most digits.
  const auto at_zeros = [](SplitMix& b) { return static_cast<double>(b.next() % 600'000 + 1) * 0x1.921fb54442d18p+0; };
  expect_within(0.85, detmath::sin, mpfr_sin, small, "sin");
  expect_within(0.85, detmath::cos, mpfr_cos, small, "cos");
  expect_within(0.85, detmath::sin, mpfr_sin, large, "sin of many turns");
  expect_within(0.85, detmath::cos, mpfr_cos, large, "cos of many turns");
  expect_within(1.1, detmath::sin, mpfr_sin, at_zeros, "sin at its zeros");
  expect_within(1.1, detmath::cos, mpfr_cos, at_zeros, "cos at its zeros");
}

template <class DrawX, class DrawY>
void expect_pow_within(double bound, DrawX draw_x, DrawY draw_y, const char* what) {
  SplitMix bits(7);
  Worst worst;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw_x(bits);
    const double y = draw_y(bits, x);
    Real exact(x);
    Real exponent(y);
    mpfr_pow(exact.get(), exact.get(), exponent.get(), MPFR_RNDN);
    worst.see(exact.ulps_from(detmath::pow(x, y)), x);
  }
  EXPECT_LE(worst.ulps, bound) << what << " at " << worst.at;
  EXPECT_GT(worst.ulps, 0.4) << what;
}

TEST(DetmathAccuracy, Pow) {
  expect_pow_within(
      0.52, [](SplitMix& b) { return b.between(0.01, 50); }, [](SplitMix& b, double) { return b.between(-20, 20); },
      "pow");
  expect_pow_within(
      0.52, [](SplitMix& b) { return static_cast<double>(b.next() % 100'000 + 1); },
      [](SplitMix& b, double) { return -b.between(0, 3); }, "pow of ranks");
  const auto near_one = [](SplitMix& b) {
    const double scale = small_scale(b, 40);
    return 1.0 + b.between(-0.5, 0.5) * scale;
  };
  const auto to_the_ends = [](SplitMix& b, double x) { return b.between(-700, 700) / (x == 1 ? 1 : std::fabs(x - 1)); };
  expect_pow_within(1.0, near_one, to_the_ends, "large powers of numbers near 1");
}

// Makes `z`, a quantile of probability `p` good to double precision, good to twice that: one step of Newton's method.
void refine_quantile(Real& z, double p) {
  Real root_two(2), below, density, pi;
  mpfr_sqrt(root_two.get(), root_two.get(), MPFR_RNDN);
  mpfr_div(below.get(), z.get(), root_two.get(), MPFR_RNDN);
  mpfr_neg(below.get(), below.get(), MPFR_RNDN);
  mpfr_erfc(below.get(), below.get(), MPFR_RNDN);
  mpfr_div_ui(below.get(), below.get(), 2, MPFR_RNDN);
  mpfr_sub_d(below.get(), below.get(), p, MPFR_RNDN);
  mpfr_sqr(density.get(), z.get(), MPFR_RNDN);
  mpfr_div_si(density.get(), density.get(), -2, MPFR_RNDN);
  mpfr_exp(density.get(), density.get(), MPFR_RNDN);
  mpfr_const_pi(pi.get(), MPFR_RNDN);
  mpfr_mul_ui(pi.get(), pi.get(), 2, MPFR_RNDN);
  mpfr_sqrt(pi.get(), pi.get(), MPFR_RNDN);
  mpfr_mul(below.get(), below.get(), pi.get(), MPFR_RNDN);
  mpfr_div(below.get(), below.get(), density.get(), MPFR_RNDN);
  mpfr_sub(z.get(), z.get(), below.get(), MPFR_RNDN);
}

template <class Draw>
void expect_quantiles_within(double bound, Draw draw, const char* what) {
  SplitMix bits(5);
  Worst worst;
  for (int i = 0; i < 400; ++i) {
    const double p = draw(bits);
    const double z = detmath::inverse_normal_cdf(p);
    Real exact(z);
    refine_quantile(exact, p);
    worst.see(exact.ulps_from(z), p);
  }
  EXPECT_LE(worst.ulps, bound) << what << " at " << worst.at;
  EXPECT_GT(worst.ulps, 0.4) << what;
}

TEST(DetmathAccuracy, InverseNormal) {
  expect_quantiles_within(
      1.6, [](SplitMix& b) { return b.uniform(); }, "as drawn");
  const auto near_half = [](SplitMix& b) {
    const double scale = small_scale(b, 45);
    return 0.5 + b.between(-0.25, 0.25) * scale;
  };
  expect_quantiles_within(0.75, near_half, "near one half");
  expect_quantiles_within(
      2.5, [](SplitMix& b) { return b.between(0.075, 0.25); }, "where p - 1/2 loses a digit");
  expect_quantiles_within(
      2.0, [](SplitMix& b) { return b.uniform() * small_scale(b, 50) * 0.15; }, "lower tail");
  expect_quantiles_within(
      1.6, [](SplitMix& b) { return 1.0 - b.uniform() * 0.075; }, "upper tail");
  expect_quantiles_within(
      1.6, [](SplitMix& b) { return 0x1p-55 * b.uniform() * small_scale(b, 900); }, "far tail");
}

TEST(DetmathAccuracy, NormalCdf) {
  SplitMix bits(3);
  double worst = 0;
  for (int i = 0; i < 400; ++i) {
    const double z = bits.between(-37, 9);
    Real exact(z);
    Real root_two(2);
    mpfr_sqrt(root_two.get(), root_two.get(), MPFR_RNDN);
    mpfr_div(exact.get(), exact.get(), root_two.get(), MPFR_RNDN);
    mpfr_neg(exact.get(), exact.get(), MPFR_RNDN);
    mpfr_erfc(exact.get(), exact.get(), MPFR_RNDN);
    mpfr_div_ui(exact.get(), exact.get(), 2, MPFR_RNDN);
    worst = std::max(worst, std::fabs(detmath::normal_cdf(z) / exact.rounded() - 1.0));
  }
  EXPECT_LE(worst, 4e-14);
  EXPECT_GT(worst, 1e-17);
}

TEST(DetmathAccuracy, GammaCdf) {
  SplitMix bits(4);
  double worst = 0;
  for (int i = 0; i < 60; ++i) {
    const double a = detmath::exp(bits.between(-5, 7));
    const double x = a * detmath::exp(bits.between(-1.5, 1));
    Real shape(a), share(x), whole;
    mpfr_gamma_inc(share.get(), shape.get(), share.get(), MPFR_RNDN);
    mpfr_gamma(whole.get(), shape.get(), MPFR_RNDN);
    mpfr_div(share.get(), share.get(), whole.get(), MPFR_RNDN);
    mpfr_ui_sub(share.get(), 1, share.get(), MPFR_RNDN);
    worst = std::max(worst, std::fabs(detmath::gamma_cdf(a, x) - share.rounded()));
  }
  EXPECT_LE(worst, 5e-12);
  EXPECT_GT(worst, 1e-18);
}

}  // namespace
}  // namespace dvt
