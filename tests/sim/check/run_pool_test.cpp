#include "sim/check/run_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace dvt::sim {
namespace {

struct Slot {
  int value = 0;
  std::vector<int> storage;
  void reset() {
    value = 0;
    storage.clear();
  }
};

RunOrdinal run(std::uint32_t ordinal) {
  return RunOrdinal{ordinal};
}

TEST(RunPool, FindsWhatWasOpenedAndNothingElse) {
  RunPool<Slot> pool;
  EXPECT_EQ(pool.find(run(7)), nullptr);
  EXPECT_FALSE(pool.gone(run(7)));
  pool.open(run(7))->value = 70;
  pool.open(run(9'000))->value = 90;
  EXPECT_EQ(pool.find(run(7))->value, 70);
  EXPECT_EQ(pool.open(run(7))->value, 70);
  EXPECT_EQ(pool.find(run(9'000))->value, 90);
  EXPECT_EQ(pool.find(run(8)), nullptr);
  EXPECT_EQ(pool.size(), 2U);
}

TEST(RunPool, NeverOpensARunThatIsGone) {
  RunPool<Slot> pool;
  pool.open(run(1))->value = 5;
  pool.close(run(1));
  pool.close(run(2));  // was never opened
  EXPECT_TRUE(pool.gone(run(1)));
  EXPECT_TRUE(pool.gone(run(2)));
  EXPECT_EQ(pool.open(run(1)), nullptr);
  EXPECT_EQ(pool.open(run(2)), nullptr);
  EXPECT_EQ(pool.open(run(3))->value, 0) << "a slot was handed on with its former run's content";
}

TEST(RunPool, RemembersGoneRunsAfterTheirPageWasFreed) {
  RunPool<Slot> pool;
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    pool.open(run(i));
    pool.close(run(i));
  }
  EXPECT_TRUE(pool.gone(run(0)));
  EXPECT_TRUE(pool.gone(run(4'095)));
  EXPECT_EQ(pool.open(run(17)), nullptr);
  EXPECT_FALSE(pool.gone(run(5'000)));
  EXPECT_EQ(pool.size(), 0U);
}

TEST(RunPool, VisitsOpenRunsByOrdinal) {
  RunPool<Slot> pool;
  for (const std::uint32_t i : {9'000U, 3U, 5'000U, 4U}) pool.open(run(i));
  pool.close(run(4));
  std::vector<std::uint32_t> seen;
  pool.for_each([&](RunOrdinal ordinal, Slot&) { seen.push_back(ordinal.value); });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{3, 5'000, 9'000}));
}

}  // namespace
}  // namespace dvt::sim
