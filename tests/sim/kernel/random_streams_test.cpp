#include "sim/kernel/random_streams.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <set>

namespace dvt::sim {
namespace {

using Words = std::array<std::uint64_t, 4>;

Words generate(const Words& counter, const std::array<std::uint64_t, 2>& key) {
  Words out{};
  philox4x64_10(counter, key, out.data());
  return out;
}

Words block_of(const Random& random, Purpose purpose, std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0,
               std::uint32_t block = 0) {
  Words out{};
  random.words(purpose, a, b, c, block, out.data());
  return out;
}

// Random123's published known-answer vectors for philox4x64-10.
TEST(Philox, GivesThePublishedKnownAnswers) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ(generate({0, 0, 0, 0}, {0, 0}),
            (Words{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}));
  EXPECT_EQ(generate({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}));
  EXPECT_EQ(generate({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                     {0x452821e638d01377, 0xbe5466cf34e90c6c}),
            (Words{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}));
}

// Golden: what seeds mean is a promise to everybody who kept one.
TEST(PhiloxRandom, KeepsItsStreamsForEver) {
  const PhiloxRandom random(42);
  EXPECT_EQ(block_of(random, Purpose::arrival_gap, 1),
            (Words{0x9d71985fad5256d1, 0xd72ee69f97c64682, 0x7a8d54bb498bde71, 0xe1988e2c3d268c2d}));
  EXPECT_EQ(block_of(random, Purpose::store_write, 7, 8, 9, 3),
            (Words{0x3ee16257ac1ab02a, 0x6f6cef398fbf127b, 0xd0ed3095a46fcb02, 0x78e3f24e2220462c}));
}

TEST(PhiloxRandom, PutsPurposeBlockAndEntityIntoTheCounter) {
  const PhiloxRandom random(42);
  EXPECT_EQ(block_of(random, Purpose::poll, 5, 6, 7, 2),
            generate({std::uint64_t{9} << 32 | 2, 5, 6, 7}, {42, kStreamKey}));
}

TEST(PhiloxRandom, EveryPartOfAStreamsNameMatters) {
  const PhiloxRandom random(1);
  std::set<Words> blocks;
  blocks.insert(block_of(random, Purpose::test, 1, 2, 3, 4));
  blocks.insert(block_of(random, Purpose::poll, 1, 2, 3, 4));
  blocks.insert(block_of(random, Purpose::test, 0, 2, 3, 4));
  blocks.insert(block_of(random, Purpose::test, 1, 0, 3, 4));
  blocks.insert(block_of(random, Purpose::test, 1, 2, 0, 4));
  blocks.insert(block_of(random, Purpose::test, 1, 2, 3, 0));
  blocks.insert(block_of(random, Purpose::test, 2, 1, 3, 4));
  blocks.insert(block_of(PhiloxRandom(2), Purpose::test, 1, 2, 3, 4));
  EXPECT_EQ(blocks.size(), 8U);
}

TEST(PhiloxRandom, DrawsReadOneStreamBlockByBlock) {
  const PhiloxRandom random(9);
  Draws draws(random, Purpose::test, 4, 5, 6);
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (const std::uint64_t word : block_of(random, Purpose::test, 4, 5, 6, block)) EXPECT_EQ(draws.next(), word);
  }
}

TEST(PhiloxRandom, BitsOfNeighbouringEntitiesAreBalanced) {
  const PhiloxRandom random(77);
  std::array<int, 64> ones{};
  constexpr int kEntities = 20'000;
  for (int i = 0; i < kEntities; ++i) {
    const std::uint64_t word = Draws(random, Purpose::test, static_cast<std::uint64_t>(i)).next();
    for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(word >> bit & 1);
  }
  // Six standard deviations of a fair coin: sqrt(20,000) / 2 = 71.
  for (const int count : ones) EXPECT_NEAR(count, kEntities / 2, 6 * 71);
}

}  // namespace
}  // namespace dvt::sim
