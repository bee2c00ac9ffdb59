// Golden bits: the same on every CPU, compiler and optimisation level, or the simulator is not reproducible. Accuracy
// is tested in detmath_accuracy_test.cpp; if an implementation is changed on purpose, these constants change with it,
// and every recorded fingerprint too.
#include "engine/base/detmath.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "tests/engine/base/test_bits.h"

namespace dvt::detmath {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// FNV-1a over the bits of 100,000 values.
template <class Draw>
std::uint64_t digest_of(Draw draw) {
  SplitMix bits(2024);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (int i = 0; i < 100'000; ++i) {
    std::uint64_t word = std::bit_cast<std::uint64_t>(draw(bits));
    for (int byte = 0; byte < 8; ++byte, word >>= 8) hash = (hash ^ (word & 255)) * 0x100000001b3;
  }
  return hash;
}

TEST(Detmath, GivesTheSameBitsEverywhere) {
  EXPECT_EQ(digest_of([](SplitMix& b) { return exp(b.between(-745, 710)); }), 0x5f177386f87cd58c);
  EXPECT_EQ(digest_of([](SplitMix& b) { return log(b.uniform()); }), 0x39d82dcdee15dea8);
  EXPECT_EQ(digest_of([](SplitMix& b) { return log(std::bit_cast<double>(b.next() >> 2)); }), 0x7208e3b365a4753c);
  EXPECT_EQ(digest_of([](SplitMix& b) {
              const double x = b.between(0, 100);
              const double y = b.between(-50, 50);
              return pow(x, y);
            }),
            0x3355903a48cdd15c);
  EXPECT_EQ(digest_of([](SplitMix& b) { return sin(b.between(-1e6, 1e6)); }), 0x582d493a26571101);
  EXPECT_EQ(digest_of([](SplitMix& b) { return cos(b.between(-7, 7)); }), 0x12fb9ebf3da95d9b);
  EXPECT_EQ(digest_of([](SplitMix& b) { return inverse_normal_cdf(b.uniform()); }), 0x16b161e67db85fea);
  EXPECT_EQ(digest_of([](SplitMix& b) { return normal_cdf(b.between(-38, 38)); }), 0x9968dd5ec9250b29);
  EXPECT_EQ(digest_of([](SplitMix& b) {
              const double a = b.between(0.01, 50);
              return gamma_cdf(a, b.between(0, 2 * a));
            }),
            0x11a063c6e77a673e);
}

TEST(Detmath, HitsExactValues) {
  EXPECT_EQ(exp(0), 1.0);
  EXPECT_EQ(exp(1), 0x1.5bf0a8b145769p+1);
  EXPECT_EQ(log(1), 0.0);
  EXPECT_EQ(log(2), 0x1.62e42fefa39efp-1);
  EXPECT_EQ(log(10), 0x1.26bb1bbb55516p+1);
  EXPECT_EQ(pow(2, 10), 1024.0);
  EXPECT_EQ(pow(10, -3), 1e-3);
  EXPECT_EQ(pow(3, 33), 5559060566555523.0);
  EXPECT_EQ(pow(0.25, 0.5), 0.5);
  EXPECT_EQ(sin(0), 0.0);
  EXPECT_EQ(cos(0), 1.0);
  EXPECT_EQ(sin(0x1.921fb54442d18p+0), 1.0);
  EXPECT_EQ(inverse_normal_cdf(0.5), 0.0);
}

TEST(Detmath, GoesToTheEndsOfTheRange) {
  EXPECT_EQ(exp(709.782712893384), 0x1.fffffffffff2ap+1023);
  EXPECT_EQ(exp(709.7827128933841), kInf);
  EXPECT_EQ(exp(-745.1332191019411), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(exp(-745.1332191019413), 0.0);
  EXPECT_EQ(exp(kInf), kInf);
  EXPECT_EQ(exp(-kInf), 0.0);
  EXPECT_NE(exp(kNan), exp(kNan));
  EXPECT_EQ(log(0.0), -kInf);
  EXPECT_EQ(log(-0.0), -kInf);
  EXPECT_EQ(log(kInf), kInf);
  EXPECT_NE(log(-1.0), log(-1.0));
  EXPECT_NE(log(kNan), log(kNan));
  EXPECT_EQ(log(std::numeric_limits<double>::denorm_min()), -0x1.74385446d71c3p+9);
  EXPECT_EQ(pow(0, 2), 0.0);
  EXPECT_EQ(pow(0, -2), kInf);
  EXPECT_EQ(pow(0, 0), 1.0);
  EXPECT_EQ(pow(10, 400), kInf);
  EXPECT_EQ(pow(10, -400), 0.0);
  EXPECT_EQ(pow(0.5, 1e300), 0.0);
  EXPECT_EQ(pow(kInf, -1), 0.0);
  EXPECT_NE(pow(-1, 2), pow(-1, 2));
  EXPECT_EQ(inverse_normal_cdf(0), -kInf);
  EXPECT_EQ(inverse_normal_cdf(1), kInf);
  EXPECT_NE(inverse_normal_cdf(1.5), inverse_normal_cdf(1.5));
  EXPECT_EQ(normal_cdf(-50), 0.0);
  EXPECT_EQ(normal_cdf(50), 1.0);
  EXPECT_EQ(gamma_cdf(2, 0), 0.0);
  EXPECT_EQ(gamma_cdf(2, kInf), 1.0);
}

TEST(Detmath, InverseNormalIsSymmetricAndRises) {
  for (int i = 1; i < 4'096; ++i) {
    const double p = i * 0x1p-13;
    EXPECT_EQ(inverse_normal_cdf(1.0 - p), -inverse_normal_cdf(p)) << p;
    EXPECT_LT(inverse_normal_cdf(p), inverse_normal_cdf(p + 0x1p-13)) << p;
  }
  // Where its branches meet.
  for (double p : {0.075, 0.925, 3.7e-17}) {
    EXPECT_LE(inverse_normal_cdf(std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) - 4)), inverse_normal_cdf(p));
    EXPECT_GE(inverse_normal_cdf(std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) + 4)), inverse_normal_cdf(p));
  }
}

TEST(Detmath, RoundsHalvesAwayFromZeroAndSaturates) {
  EXPECT_EQ(round_to_int64(0.5), 1);
  EXPECT_EQ(round_to_int64(-0.5), -1);
  EXPECT_EQ(round_to_int64(2.5), 3);
  EXPECT_EQ(round_to_int64(0.49999999999999994), 0) << "adding a half and truncating would give 1";
  EXPECT_EQ(round_to_int64(-2.4999999999999996), -2);
  EXPECT_EQ(round_to_int64(4503599627370497.5), 4503599627370498);
  EXPECT_EQ(round_to_int64(9007199254740993.0), 9007199254740992);
  EXPECT_EQ(round_to_int64(9.3e18), INT64_MAX);
  EXPECT_EQ(round_to_int64(-9.3e18), INT64_MIN);
  EXPECT_EQ(round_to_int64(kInf), INT64_MAX);
  EXPECT_EQ(round_to_int64(-kInf), INT64_MIN);
  EXPECT_EQ(round_to_int64(kNan), 0);
}

TEST(Detmath, FloorsAndCeils) {
  EXPECT_EQ(floor_to_int64(2.9), 2);
  EXPECT_EQ(floor_to_int64(-2.1), -3);
  EXPECT_EQ(floor_to_int64(-3.0), -3);
  EXPECT_EQ(ceil_to_int64(2.1), 3);
  EXPECT_EQ(ceil_to_int64(-2.9), -2);
  EXPECT_EQ(ceil_to_int64(3.0), 3);
  EXPECT_EQ(floor_to_int64(1e300), INT64_MAX);
  EXPECT_EQ(ceil_to_int64(-1e300), INT64_MIN);
  EXPECT_EQ(floor_to_int64(kNan), 0);
}

TEST(DetmathDeathTest, RefusesAnglesItCannotReduce) {
  EXPECT_DEATH((void)sin(1.1e6), "a million radians");
  EXPECT_DEATH((void)cos(kNan), "a million radians");
}

TEST(BitSourceUniform, ReachesNeitherZeroNorOne) {
  EXPECT_EQ(PlayedBits({0}).uniform(), 0x1p-53);
  EXPECT_EQ(PlayedBits({~0ULL}).uniform(), 1.0 - 0x1p-53);
  EXPECT_EQ(PlayedBits({1ULL << 63}).uniform(), 0.5 + 0x1p-53);
}

}  // namespace
}  // namespace dvt::detmath
