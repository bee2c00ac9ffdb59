// The flat map under the stores and the projector, against std::map.
#include "store/db/ordinal_map.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/fake_random.h"

namespace dvt {
namespace {

using store::db::OrdinalMap;

TEST(OrdinalMap, FindsWhatIsInAndNothingElseThroughInsertionsAndErasures) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    test::TestBits bits(seed);
    OrdinalMap map;
    std::map<std::uint32_t, std::uint32_t> expected;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const auto key = static_cast<std::uint32_t>(bits.below(400));  // long clusters in a table of up to 1,024
      if (expected.contains(key)) {
        map.erase(key);
        expected.erase(key);
      } else {
        map.insert(key, i);
        expected.emplace(key, i);
      }
      const auto probe = static_cast<std::uint32_t>(bits.below(400));
      const auto found = expected.find(probe);
      ASSERT_EQ(map.find(probe), found == expected.end() ? OrdinalMap::kNone : found->second) << "after step " << i;
      ASSERT_EQ(map.size(), expected.size());
    }
    for (const auto& [key, value] : expected) ASSERT_EQ(map.find(key), value);
  }
}

TEST(OrdinalMap, IgnoresTheErasureOfAnAbsentKey) {
  OrdinalMap map;
  map.insert(7, 1);
  map.erase(8);
  EXPECT_EQ(map.find(7), 1U);
  EXPECT_EQ(map.size(), 1U);
}

}  // namespace
}  // namespace dvt
