// Pooled storage is kept while it is ordinary and given back when it is not; rows are found by their keys.
#include "engine/base/reuse.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/digest_index.h"

namespace dvt {
namespace {

TEST(EmptyForReuse, KeepsOrdinaryStorage) {
  std::vector<std::uint64_t> vector(20, 7);
  const std::size_t capacity = vector.capacity();
  empty_for_reuse(vector);
  EXPECT_TRUE(vector.empty());
  EXPECT_EQ(vector.capacity(), capacity);
}

TEST(EmptyForReuse, GivesAnOutliersStorageBack) {
  std::vector<std::uint64_t> vector(kReusedBytesMax / sizeof(std::uint64_t) + 1, 7);
  empty_for_reuse(vector);
  EXPECT_TRUE(vector.empty());
  EXPECT_EQ(vector.capacity(), 0U);
  std::vector<std::uint64_t> large(1'000, 7);
  empty_for_reuse(large, 8'000);
  EXPECT_GE(large.capacity(), 1'000U);
}

// Scrambles, so that neighbours lie far apart.
std::uint64_t key(std::uint64_t row) {
  return (row + 1) * 0x9E3779B97F4A7C15ULL;
}

TEST(DigestIndex, FindsEveryRowAmongFewAndAmongMany) {
  DigestIndex index;
  for (std::size_t row = 0; row < 1'000; ++row) {
    EXPECT_EQ(index.find(key(row)), DigestIndex::kNone);
    index.add(key(row));
    for (const std::size_t known : {std::size_t{0}, row / 2, row}) ASSERT_EQ(index.find(key(known)), known);
  }
  index.reset();
  EXPECT_EQ(index.find(key(0)), DigestIndex::kNone);
  index.add(key(500));
  EXPECT_EQ(index.find(key(500)), 0U);
}

TEST(DigestIndex, LeavesItToTheCallerToTellEqualShortKeysApart) {
  for (const std::size_t others : {std::size_t{0}, std::size_t{100}}) {
    DigestIndex index;
    for (std::size_t row = 0; row < others; ++row) index.add(key(row));
    index.add(42);
    index.add(42);
    EXPECT_EQ(index.find(42, [&](std::size_t row) { return row == others; }), others);
    EXPECT_EQ(index.find(42, [&](std::size_t row) { return row == others + 1; }), others + 1);
    EXPECT_EQ(index.find(42, [](std::size_t) { return false; }), DigestIndex::kNone);
  }
}

}  // namespace
}  // namespace dvt
