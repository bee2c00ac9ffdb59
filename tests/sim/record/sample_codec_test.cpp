#include "sim/record/sample_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "engine/base/result.h"
#include "tests/support/fake_random.h"

namespace dvt::sim {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

std::vector<Sample> every_15s(const std::vector<double>& values, Instant from = Instant{7}) {
  std::vector<Sample> samples;
  for (const double value : values) {
    samples.push_back({from, value});
    from = from + seconds(15);
  }
  return samples;
}

std::string encode(const std::vector<Sample>& samples) {
  SampleEncoder encoder;
  for (const Sample& sample : samples) encoder.add(sample.at, sample.value);
  return encoder.take();
}

void expect_back(const std::vector<Sample>& samples) {
  const std::vector<Sample> back = decode_samples(encode(samples), samples.front().at);
  ASSERT_EQ(back.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(back[i].at, samples[i].at) << i;
    if (samples[i].value != samples[i].value) {
      EXPECT_TRUE(back[i].value != back[i].value) << i;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint64_t>(back[i].value), std::bit_cast<std::uint64_t>(samples[i].value)) << i;
    }
  }
}

TEST(SampleCodec, GivesBackEveryBit) {
  expect_back(every_15s({0}));
  expect_back(every_15s({5, 5, 5, 6, 6, 4, -3, -3}));
  expect_back(every_15s({0.1, 0.1, 0.30000000000000004, 1e300, -0.0, 0.0, -0.0, 5e-324, 1, 0.1}));
  expect_back(every_15s({9'007'199'254'740'991.0, -9'007'199'254'740'991.0, 9'007'199'254'740'992.0, 1e22}));
  expect_back(every_15s({std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0}));
}

TEST(SampleCodec, KeepsAbsentValuesApart) {
  expect_back(every_15s({kAbsent, kAbsent, 3, kAbsent, 3, 3, kAbsent}));
  expect_back(every_15s({kAbsent}));
  expect_back(every_15s({1.5, kAbsent, 1.5, 1.5}));
}

TEST(SampleCodec, KeepsTimesThatLeaveTheGrid) {
  std::vector<Sample> samples = every_15s({1, 2, 3, 3});
  samples.push_back({samples.back().at + milliseconds(1'500), 3});
  samples.push_back({samples.back().at + nanoseconds(1), 3});
  samples.push_back({samples.back().at + hours(1), 4});
  expect_back(samples);
}

TEST(SampleCodec, GivesBackRandomSeries) {
  test::TestBits bits(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<Sample> samples;
    Instant at{static_cast<std::int64_t>(bits.below(1'000'000))};
    double counter = 0;
    for (std::uint64_t i = 0, n = 1 + bits.below(500); i < n; ++i) {
      const std::uint64_t what = bits.below(10);
      if (what < 4) counter += static_cast<double>(bits.below(1'000));
      const double value = what == 9   ? kAbsent
                           : what == 8 ? std::bit_cast<double>(bits.next())
                           : what == 7 ? bits.uniform()
                                       : counter;
      samples.push_back({at, value});
      at = at + Duration{bits.below(20) == 0 ? static_cast<std::int64_t>(1 + bits.below(1'000'000)) : 15'000'000'000};
    }
    expect_back(samples);
  }
}

TEST(SampleCodec, PacksACounterIntoTwoBytesASampleAndAStandingValueIntoNone) {
  std::vector<double> counter;
  for (int i = 0; i < 480; ++i) counter.push_back(i * 11.0);
  EXPECT_LT(encode(every_15s(counter)).size(), 2 * 480U);
  EXPECT_LT(encode(every_15s(std::vector<double>(480, 0.25))).size(), 24U);
}

TEST(SampleCodec, IsEmptyAgainAfterTake) {
  SampleEncoder encoder;
  EXPECT_TRUE(encoder.empty());
  encoder.add(Instant{0}, 1);
  EXPECT_EQ(encoder.count(), 1U);
  const std::string first = encoder.take();
  EXPECT_TRUE(encoder.empty());
  encoder.add(Instant{0}, 1);  // time starts anew, too
  EXPECT_EQ(encoder.take(), first);
}

TEST(SampleCodec, RefusesDamage) {
  EXPECT_THROW(decode_samples(std::string("\x04", 1), Instant{}), Error);      // repeats nothing
  EXPECT_THROW(decode_samples(std::string("\x05\x00", 2), Instant{}), Error);  // zero repeats
  EXPECT_THROW(decode_samples(std::string("\x05\x04", 2), Instant{}), Error);  // no time step
  EXPECT_THROW(decode_samples(std::string("\x22\x01", 2), Instant{}), Error);  // shifted out of the word
  EXPECT_THROW(decode_samples(std::string("\x0b", 1), Instant{}), Error);      // unknown operation
  EXPECT_THROW(decode_samples(std::string("\xff\xff", 2), Instant{}), Error);  // cut off
  EXPECT_TRUE(decode_samples({}, Instant{}).empty());
}

}  // namespace
}  // namespace dvt::sim
