#include "engine/base/time.h"

#include <gtest/gtest.h>

namespace dvt {
namespace {

TEST(Rfc3339, FormatsKnownInstants) {
  EXPECT_EQ(format_rfc3339(UnixNanos{0}, 0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(UnixNanos{1'767'225'600'000'000'000}, 9), "2026-01-01T00:00:00.000000000Z");
  EXPECT_EQ(format_rfc3339(UnixNanos{1'709'210'096'789'123'456}, 9), "2024-02-29T12:34:56.789123456Z");
  EXPECT_EQ(format_rfc3339(UnixNanos{-1}, 9), "1969-12-31T23:59:59.999999999Z");
}

TEST(Rfc3339, TruncatesTheFraction) {
  const UnixNanos instant{1'709'210'096'789'999'999};
  EXPECT_EQ(format_rfc3339(instant, 3), "2024-02-29T12:34:56.789Z");
  EXPECT_EQ(format_rfc3339(instant, 1), "2024-02-29T12:34:56.7Z");
  EXPECT_EQ(format_rfc3339(instant, 0), "2024-02-29T12:34:56Z");
}

TEST(Rfc3339, AppendsToWhatIsThere) {
  std::string out = "at ";
  append_rfc3339(out, UnixNanos{0}, 3);
  EXPECT_EQ(out, "at 1970-01-01T00:00:00.000Z");
}

TEST(Rfc3339, ReadsWhatItWrites) {
  // Every 13 days and some odd time, over the accepted years; 230 years hold all leap rules (2000, 2100, 2200).
  constexpr std::int64_t kStep = (13LL * 86'400 + 12'345) * 1'000'000'000 + 987'654'321;
  constexpr std::int64_t kLast = 7'289'654'399'999'999'999;  // the last nanosecond of 2200
  int count = 0;
  for (std::int64_t ns = 0; ns <= kLast; ns += kStep) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(UnixNanos{ns}, 9)), UnixNanos{ns});
    ++count;
  }
  EXPECT_GT(count, 6'000);
  EXPECT_EQ(parse_rfc3339(format_rfc3339(UnixNanos{kLast}, 9)), UnixNanos{kLast});
}

TEST(Rfc3339, ReadsFractionsOfAnyLength) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z"), UnixNanos{1'000'000'000});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.5Z"), UnixNanos{1'500'000'000});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.000000001Z"), UnixNanos{1'000'000'001});
}

TEST(Rfc3339, RejectsDatesThatDoNotExist) {
  for (const char* text :
       {"2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
  EXPECT_TRUE(parse_rfc3339("2000-02-29T00:00:00Z").has_value());
}

TEST(Rfc3339, RejectsOtherShapes) {
  for (const char* text : {"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z",
                           "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
                           "2026-01-01T00:00:00.12aZ", "2026-1-01T00:00:00Z", "02026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00ZZ", "+026-01-01T00:00:00Z", " 2026-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(DurationText, SumsWholeUnits) {
  EXPECT_EQ(format_duration({0}), "0s");
  EXPECT_EQ(format_duration(hours(1) + minutes(2) + seconds(3)), "1h2m3s");
  EXPECT_EQ(format_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(format_duration(nanoseconds(1'500)), "1us500ns");
  EXPECT_EQ(format_duration(hours(49)), "2d1h");
  EXPECT_EQ(format_duration(seconds(-90)), "-1m30s");
  EXPECT_EQ(format_duration({INT64_MIN}), "-106751d23h47m16s854ms775us808ns");
}

TEST(DurationText, WritesDecimalSecondsExactly) {
  EXPECT_EQ(format_seconds(nanoseconds(1'001'000'000)), "1.001");
  EXPECT_EQ(format_seconds(milliseconds(250)), "0.25");
  EXPECT_EQ(format_seconds(seconds(3)), "3");
  EXPECT_EQ(format_seconds(nanoseconds(1)), "0.000000001");
  EXPECT_EQ(format_seconds(milliseconds(-1'500)), "-1.5");
  EXPECT_EQ(format_seconds({0}), "0");
}

TEST(TimeArithmeticDeathTest, AbortsWhenItWouldWrap) {
  const Instant last{INT64_MAX};
  EXPECT_DEATH((void)(last + nanoseconds(1)), "overflows");
  EXPECT_DEATH((void)(Instant{INT64_MIN} - nanoseconds(1)), "overflows");
  EXPECT_DEATH((void)(Duration{INT64_MAX} * 2), "overflows");
  EXPECT_DEATH((void)hours(3'000'000), "overflows");
  EXPECT_DEATH((void)(Duration{0} - Duration{INT64_MIN}), "overflows");
  EXPECT_DEATH((void)(UnixNanos{INT64_MAX} + nanoseconds(1)), "overflows");
}

TEST(TimeArithmetic, ReachesBothEnds) {
  EXPECT_EQ(Duration{-1} - Duration{INT64_MIN}, Duration{INT64_MAX});
  EXPECT_EQ(Instant{INT64_MAX} - nanoseconds(INT64_MAX), Instant{0});
  EXPECT_EQ(hours(24), minutes(1'440));
}

TEST(Deadline, PassesAtItsInstant) {
  const Deadline deadline = Deadline::after(Instant{100}, nanoseconds(50));
  ASSERT_TRUE(deadline.reachable());
  EXPECT_EQ(deadline.instant(), Instant{150});
  EXPECT_FALSE(deadline.passed(Instant{149}));
  EXPECT_TRUE(deadline.passed(Instant{150}));
  EXPECT_TRUE(Deadline::at(Instant{7}).passed(Instant{8}));
}

TEST(Deadline, BeyondTheEndOfTimeIsUnreachable) {
  EXPECT_FALSE(Deadline::unreachable().reachable());
  EXPECT_FALSE(Deadline::unreachable().passed(Instant{INT64_MAX}));
  const Deadline far = Deadline::after(Instant{INT64_MAX - 10}, nanoseconds(11));
  EXPECT_FALSE(far.reachable());
  EXPECT_TRUE(Deadline::after(Instant{INT64_MAX - 10}, nanoseconds(10)).reachable());
}

}  // namespace
}  // namespace dvt
