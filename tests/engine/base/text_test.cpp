#include "engine/base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace dvt {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("latency", "latency"), 0U);
  EXPECT_EQ(edit_distance("latncy", "latency"), 1U);
  EXPECT_EQ(edit_distance("latencyy", "latency"), 1U);
  EXPECT_EQ(edit_distance("lotency", "latency"), 1U);
  EXPECT_EQ(edit_distance("laetncy", "latency"), 1U) << "neighbours swapped";
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), edit_distance("sitting", "kitten"));
}

constexpr std::array<std::string_view, 5> kKeys{"writeLatency", "readLatency", "connections", "writeBudget",
                                                "failOpen"};

TEST(NearestName, SuggestsWhatWasMeant) {
  EXPECT_EQ(nearest_name("writeLatncy", kKeys), "writeLatency");
  EXPECT_EQ(nearest_name("write_latency", kKeys), "writeLatency");
  EXPECT_EQ(nearest_name("WRITELATENCY", kKeys), "writeLatency") << "case is ignored";
  EXPECT_EQ(nearest_name("conections", kKeys), "connections");
}

TEST(NearestName, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("colour", kKeys), "");
  EXPECT_EQ(nearest_name("", kKeys), "");
  EXPECT_EQ(nearest_name("x", std::vector<std::string_view>{"y"}), "") << "one letter is never nearly another";
  EXPECT_EQ(nearest_name("writeLatency", {}), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'w'), kKeys), "");
}

TEST(NearestName, PrefersTheFirstOfEquallyNearNames) {
  const std::vector<std::string_view> known{"bate", "gate", "rate"};
  EXPECT_EQ(nearest_name("date", known), "bate");
}

TEST(Utf16Order, DiffersFromByteOrderOnlyAboveTheSurrogates) {
  EXPECT_TRUE(utf16_less("a", "b"));
  EXPECT_FALSE(utf16_less("b", "a"));
  EXPECT_TRUE(utf16_less("a", "ab"));
  EXPECT_FALSE(utf16_less("ab", "a"));
  EXPECT_FALSE(utf16_less("same", "same"));
  EXPECT_TRUE(utf16_less("z", "é"));
  EXPECT_TRUE(utf16_less("\uD7FF", "\uE000"));
  EXPECT_TRUE(utf16_less("\uD7FF", "\U0001F600"));
  EXPECT_TRUE(utf16_less("\U0001F600", "\uE000"));
  EXPECT_TRUE(utf16_less("\U0010FFFF", "\uFFFD"));
  EXPECT_FALSE(utf16_less("\uFFFD", "\U0010FFFF"));
  EXPECT_TRUE(utf16_less("\uE000", "\uFFFD"));
  EXPECT_TRUE(utf16_less("\U00010000", "\U0010FFFF"));
}

}  // namespace
}  // namespace dvt
