#include "engine/base/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace dvt::json {
namespace {

Value parsed(std::string_view text, const Limits& limits = {}) {
  auto result = parse(text, limits);
  if (!result.has_value()) {
    ADD_FAILURE() << text << ": " << result.error().message << " at " << result.error().offset;
    return {};
  }
  return std::move(result).value();
}

ParseError error_of(std::string_view text, const Limits& limits = {}) {
  auto result = parse(text, limits);
  if (result.has_value()) {
    ADD_FAILURE() << text << " was accepted";
    return {};
  }
  return result.error();
}

TEST(JsonParse, KeepsMembersInTheOrderTheyWereWritten) {
  const Value value = parsed(R"({"z": 1, "a": [true, false, null], "m": {"y": "x", "b": []}})");
  EXPECT_EQ(write(value), R"({"z":1,"a":[true,false,null],"m":{"y":"x","b":[]}})");
  EXPECT_EQ(value.find("m")->find("y")->as_string(), "x");
  EXPECT_EQ(value.find("absent"), nullptr);
  EXPECT_EQ(value.find("z")->find("not an object"), nullptr);
}

TEST(JsonParse, ReadsEscapesAndSurrogatePairs) {
  const Value value = parsed(R"({"k\u0065y":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"})");
  EXPECT_EQ(value.find("key")->as_string(), "é😀/\b\f\n\r\t\"\\");
  EXPECT_EQ(write(value), "{\"key\":\"é😀/\\b\\f\\n\\r\\t\\\"\\\\\"}");
}

TEST(JsonParse, TellsIntegersFromOtherNumbers) {
  const Value value = parsed("[0, -7, 9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1e3, -0]");
  const Array& a = value.as_array();
  EXPECT_EQ(a[0].as_int(), 0);
  EXPECT_EQ(a[1].as_int(), -7);
  EXPECT_EQ(a[2].as_int(), INT64_MAX);
  EXPECT_EQ(a[3].as_int(), INT64_MIN);
  EXPECT_EQ(a[4].kind(), Kind::number);
  EXPECT_EQ(a[4].as_double(), 9223372036854775808.0);
  EXPECT_EQ(a[5].if_int(), std::nullopt) << "1.0 is not written as an integer";
  EXPECT_EQ(a[5].as_double(), 1.0);
  EXPECT_EQ(a[6].as_double(), 1000.0);
  EXPECT_EQ(a[7].kind(), Kind::number) << "an integer has no negative zero";
}

TEST(JsonParse, KeepsTheSourceTextOfNumbers) {
  const std::string text = "[1.10,1E+2,0.1e-7,123456789012345678901234567890,-0,-0.0,1e-400]";
  EXPECT_EQ(write(parsed(text)), text);
  EXPECT_EQ(parsed("1.10").number_text(), "1.10");
  EXPECT_EQ(parsed("12").number_text(), "12");
}

TEST(JsonParse, ReadsDoublesToTheNearest) {
  // Decimals that Boost.JSON 1.81 reads one unit off, and the classical hard ones.
  for (const char* text : {"0.2990499", "123.456e-20", "1.7976931348623157e308", "5e-324", "2.2250738585072014E-308",
                           "9007199254740993.0", "0.1000000000000000055511151231257827", "7.2057594037927933e16"}) {
    double nearest = 0;
    std::from_chars(text, text + std::char_traits<char>::length(text), nearest);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(parsed(text).as_double()), std::bit_cast<std::uint64_t>(nearest)) << text;
  }
}

TEST(JsonParse, RejectsNumbersBeyondEveryDoubleAndAcceptsThoseBelowTheSmallest) {
  EXPECT_EQ(error_of("[1e400]").message, "the number exceeds the range of a double");
  EXPECT_EQ(error_of("-1" + std::string(400, '0')).message, "the number exceeds the range of a double");
  EXPECT_EQ(parsed("1e-400").as_double(), 0.0);
  EXPECT_EQ(parsed("0." + std::string(400, '0') + "1").as_double(), 0.0);
  EXPECT_TRUE(std::signbit(parsed("-1e-400").as_double()));
}

TEST(JsonParse, SaysWhereAndWhyATextIsNoJson) {
  const ParseError stray = error_of("{\n  \"a\": 1,\n  \"b\": x\n}");
  EXPECT_EQ(stray.line, 3U);
  EXPECT_EQ(stray.col, 8U);
  EXPECT_EQ(stray.offset, 19U);
  EXPECT_EQ(stray.message, "unexpected 'x'");
  EXPECT_EQ(error_of("[1, 2").message, "the text ends before the JSON value does");
  EXPECT_EQ(error_of("").message, "the text ends before the JSON value does");
  const ParseError trailing = error_of("{} {}");
  EXPECT_EQ(trailing.message, "something stands after the JSON value");
  EXPECT_EQ(trailing.offset, 3U);
}

TEST(JsonParse, RejectsWhatIsAlmostJson) {
  for (const char* text : {"[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "NaN",
                           "Infinity",
                           "[1] // note",
                           "/* c */ 1",
                           "\"\\x\"",
                           "\"tab\there\"",
                           "\"\\ud800\"",
                           "tru",
                           "[1 2]",
                           "\xef\xbb\xbf{}",
                           "\"\xff\"",
                           "\"\xc0\xaf\""}) {
    EXPECT_FALSE(parse(text).has_value()) << text;
  }
}

TEST(JsonParse, RejectsDuplicateKeysUnlessTheLastMayWin) {
  const std::string text = R"({"a":1,"b":{"x":1,"y":2,"x":3},"c":4})";
  EXPECT_EQ(error_of(text).message, "duplicate key \"x\"");
  Limits lenient;
  lenient.duplicates = DuplicateKeys::last_wins;
  EXPECT_EQ(write(parsed(text, lenient)), R"({"a":1,"b":{"y":2,"x":3},"c":4})");
  EXPECT_EQ(error_of(R"({"a":1,"\u0061":2})").message, "duplicate key \"a\"") << "escapes hide no duplicate";
}

TEST(JsonParse, LimitsDepthAndSize) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse(nested(64)).has_value());
  EXPECT_EQ(error_of(nested(65)).message, "nested deeper than 64");
  Limits small;
  small.max_bytes = 10;
  EXPECT_TRUE(parse("[12345678]", small).has_value());
  EXPECT_EQ(error_of("[123456789]", small).message, "longer than 10 bytes");
  EXPECT_FALSE(parse(std::string(100'000, '[')).has_value());
}

TEST(JsonValue, IsBuiltInPlace) {
  Object object{{"name", "run"}, {"n", 3}, {"share", 0.25}, {"ok", true}, {"none", nullptr}};
  object.set("n", 4);
  object.set("big", std::numeric_limits<std::uint64_t>::max());
  object.set("exact", Value::number("1.001"));
  EXPECT_EQ(write(object),
            R"({"name":"run","n":4,"share":0.25,"ok":true,"none":null,"big":18446744073709551615,"exact":1.001})");
}

TEST(JsonValue, ComparesNumbersByValueAndMembersInOrder) {
  EXPECT_EQ(parsed("[1.0, 2]"), parsed("[1, 2e0]"));
  EXPECT_NE(parsed("[1, 2]"), parsed("[1, 3]"));
  EXPECT_NE(parsed("9007199254740993"), parsed("9007199254740992")) << "integers compare exactly";
  EXPECT_NE(parsed(R"({"a":1,"b":2})"), parsed(R"({"b":2,"a":1})"));
  EXPECT_NE(parsed("\"1\""), parsed("1"));
}

TEST(JsonValueDeathTest, RefusesTheWrongKind) {
  EXPECT_DEATH((void)Value(1).as_string(), "not a string");
  EXPECT_DEATH((void)Value::number("1."), "not the text of a JSON number");
  EXPECT_DEATH((void)write(Value(std::numeric_limits<double>::infinity())), "no infinity");
}

TEST(JsonWrite, PrintsTheShortestTextOfADouble) {
  const auto text = [](double d) { return write(Value(d)); };
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(text(100), "100");
  EXPECT_EQ(text(5e-324), "5e-324");
  EXPECT_EQ(text(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(text(0.2990499), "0.2990499");
}

TEST(JsonWrite, IndentsAndKeepsEmptyContainersOnOneLine) {
  const Value value = parsed(R"({"a":[1,{"b":2}],"c":[],"d":{}})");
  EXPECT_EQ(write_pretty(value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": [],\n  \"d\": {}\n}\n");
  EXPECT_EQ(parsed(write_pretty(value)), value);
}

TEST(JsonCanonical, SortsKeysByUtf16CodeUnits) {
  // The sorting example of RFC 8785 §3.2.3: a supplementary character goes before U+FB33, against byte order.
  const Value value = parsed(R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
    "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})");
  EXPECT_EQ(write_canonical(value),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With "
            "Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet "
            "With Dagesh\"}");
}

TEST(JsonCanonical, WritesNumbersAsEcmaScriptDoes) {
  // Bit patterns and texts of RFC 8785, appendix B.
  const std::vector<std::pair<std::uint64_t, std::string>> samples = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : samples) {
    EXPECT_EQ(write_canonical(Value(std::bit_cast<double>(bits))), text);
  }
  EXPECT_EQ(write_canonical(parsed("[1.50, 1E2, -0, 9007199254740993, 9223372036854775807, 120]")),
            "[1.5,100,0,9007199254740992,9223372036854776000,120]");
}

TEST(JsonCanonical, EscapesOnlyWhatItMust) {
  // RFC 8785 §3.2.2.2, from "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/".
  EXPECT_EQ(write_canonical(parsed(R"("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/")")),
            R"("€$\u000f\nA'B\"\\\\\"/")");
}

TEST(JsonWriter, AppendsWhatItIsTold) {
  std::string out = "[";
  Writer writer(out);
  EXPECT_FALSE(writer.complete());
  writer.begin_object().member("a", 1).member("b", "x\n").member("c", true).member("d", 1.5).member("e", nullptr);
  writer.key("f").begin_array().value(std::uint64_t{18446744073709551615U}).value(-1).begin_array().end_array();
  writer.value(std::string("s")).raw("1.001").end_array();
  writer.member("g", parsed(R"({"h":[1.10]})")).end_object();
  EXPECT_TRUE(writer.complete());
  EXPECT_EQ(
      out,
      R"([{"a":1,"b":"x\n","c":true,"d":1.5,"e":null,"f":[18446744073709551615,-1,[],"s",1.001],"g":{"h":[1.10]}})");
}

TEST(JsonWriterDeathTest, RefusesBadNesting) {
  std::string out;
  EXPECT_DEATH(Writer(out).begin_object().value(1), "needs a key");
  EXPECT_DEATH(Writer(out).begin_array().key("a"), "only in an object");
  EXPECT_DEATH(Writer(out).begin_array().end_object(), "do not match");
  EXPECT_DEATH(Writer(out).begin_object().key("a").end_object(), "do not match");
  EXPECT_DEATH(Writer(out).value(1).value(2), "one value");
}

}  // namespace
}  // namespace dvt::json
