// Scalars: every notation of the language, exact to the last digit.
#include "sim/scenario/scalars.h"

#include <gtest/gtest.h>

namespace dvt::sim {
namespace {

std::int64_t ns(std::string_view text) {
  const auto parsed = parse_duration(text);
  if (!parsed.has_value()) {
    ADD_FAILURE() << parsed.error();
    return -1;
  }
  return parsed.value().ns;
}

TEST(Durations, AreReadDigitByDigit) {
  EXPECT_EQ(ns("250us"), 250'000);
  EXPECT_EQ(ns("250ms"), 250'000'000);
  EXPECT_EQ(ns("90s"), 90'000'000'000);
  EXPECT_EQ(ns("1h30m"), 5'400'000'000'000);
  EXPECT_EQ(ns("7d"), 7 * 86'400'000'000'000);
  EXPECT_EQ(ns("1.001s"), 1'001'000'000);
  EXPECT_EQ(ns("0.000000001s"), 1);
  EXPECT_EQ(ns("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(ns("0s"), 0);
  EXPECT_EQ(ns("3650d"), Distribution::kMax.ns);
}

TEST(Durations, ThatAreBareNegativeTooFineOrTooLargeAreRefused) {
  for (const char* text : {"5",
                           "0",
                           "",
                           "s",
                           "-1s",
                           "+1s",
                           "1 s",
                           "1s ",
                           ".5s",
                           "1.s",
                           "1e3s",
                           "1m1h",
                           "1s1s",
                           "5S",
                           "1w",
                           "1.0000000001s",
                           "3651d",
                           "010s",
                           "9999999999999999999s",
                           "1h30",
                           "inf",
                           "0x1s",
                           "1,5s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
  EXPECT_NE(parse_duration("5").error().find("the unit is missing"), std::string::npos);
}

TEST(Durations, AreWrittenSoThatTheyReadBack) {
  for (std::int64_t value : {std::int64_t{0}, std::int64_t{1}, std::int64_t{999}, std::int64_t{1'001'000'000},
                             std::int64_t{5'400'000'000'123}, Distribution::kMax.ns}) {
    EXPECT_EQ(ns(format_value(Duration{value})), value);
  }
}

TEST(Rates, KeepCountAndInterval) {
  EXPECT_EQ(parse_rate("35/m").value(), (Rate{35'000'000, minutes(1)}));
  EXPECT_EQ(parse_rate("0.5/h").value(), (Rate{500'000, hours(1)}));
  EXPECT_EQ(parse_rate("2/w").value().per, days(7));
  EXPECT_TRUE(parse_rate("0/s").value().is_zero());
  EXPECT_EQ(parse_rate("400/s").value().interval(), milliseconds(2) + microseconds(500));
  EXPECT_DOUBLE_EQ(parse_rate("35/m").value().per_second(), 35.0 / 60);
  EXPECT_EQ(format_value(parse_rate("0.25/d").value()), "0.25/d");
  for (const char* text :
       {"35", "35/", "/m", "-1/s", "35/min", "35 /m", "1/2s", "1e3/s", "0.0000001/s", "10000000000/s", "35/M"}) {
    EXPECT_FALSE(parse_rate(text).has_value()) << text;
  }
}

TEST(Rates, CompareAcrossIntervals) {
  EXPECT_TRUE(less(per_minute(59), per_second(1)));
  EXPECT_FALSE(less(per_minute(60), per_second(1)));
  EXPECT_FALSE(less(per_second(1), per_minute(60)));
}

TEST(Shares, AreTheSameInPercentAndAsFraction) {
  EXPECT_EQ(parse_share("30%").value().ppb, 300'000'000);
  EXPECT_EQ(parse_share("0.3").value(), parse_share("30%").value());
  EXPECT_EQ(parse_share("0.05%").value().ppb, 500'000);
  EXPECT_EQ(format_value(Share{500'000}), "0.05%");
  EXPECT_EQ(parse_share("1").value(), percent(100));
  for (const char* text : {"101%", "30", "-1%", "1.5", "30 %", "%", "0.0000000001", ""})
    EXPECT_FALSE(parse_share(text).has_value()) << text;
}

TEST(SizesAndMoney, AreWholeUnits) {
  EXPECT_EQ(parse_bytes("64KiB").value().count, 65'536);
  EXPECT_EQ(parse_bytes("10MB").value().count, 10'000'000);
  EXPECT_EQ(parse_bytes("1.5kB").value().count, 1'500);
  EXPECT_EQ(format_value(Bytes{65'536}), "64KiB");
  EXPECT_EQ(format_value(Bytes{0}), "0B");
  for (const char* text : {"64", "1.5B", "64kib", "-1B", "99999999999TiB"})
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  EXPECT_EQ(parse_money("0.045 USD").value().nano_dollars, 45'000'000);
  EXPECT_EQ(format_value(Money{45'000'000}), "0.045 USD");
  for (const char* text : {"0.045", "0.045 EUR", "1 usd", "0.0000000001 USD"})
    EXPECT_FALSE(parse_money(text).has_value()) << text;
}

TEST(PlainNumbers, AreDecimalWithoutLeadingZeros) {
  EXPECT_EQ(parse_integer("42", 100).value(), 42U);
  EXPECT_EQ(parse_integer("18446744073709551615", UINT64_MAX).value(), UINT64_MAX);
  for (const char* text : {"010", "0x10", "1_000", "1e3", "4.0", "-1", "+1", "", "101", "99999999999999999999"}) {
    EXPECT_FALSE(parse_integer(text, 100).has_value()) << text;
  }
  EXPECT_DOUBLE_EQ(parse_number("-0.33").value(), -0.33);
  EXPECT_DOUBLE_EQ(parse_number("1e-3").value(), 0.001);
  for (const char* text : {"", "inf", "nan", "1e999", "0x1p3", "1,5", "1 "})
    EXPECT_FALSE(parse_number(text).has_value()) << text;
}

TEST(WordsAndInstants, AreStrict) {
  EXPECT_TRUE(parse_bool("true").value());
  for (const char* text : {"yes", "True", "1", "on", ""}) EXPECT_FALSE(parse_bool(text).has_value()) << text;
  EXPECT_EQ(format_value(parse_instant("2026-01-01T00:00:00Z").value()), "2026-01-01T00:00:00Z");
  for (const char* text : {"2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_instant(text).has_value()) << text;
  }
  EXPECT_TRUE(parse_date("2026-02-28").has_value());
  EXPECT_FALSE(parse_date("2026-02-29").has_value());
  EXPECT_TRUE(is_name("tq-data_2"));
  for (const char* text : {"", "-a", "a.b", "a b", "ä"}) EXPECT_FALSE(is_name(text)) << text;
}

}  // namespace
}  // namespace dvt::sim
