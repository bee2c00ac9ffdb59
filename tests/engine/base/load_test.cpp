// Integrals and drain times of loads, by hand.
#include "engine/base/load.h"

#include <gtest/gtest.h>

namespace dvt {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

TEST(LevelOverTime, WeighsEachLevelByHowLongItStood) {
  LevelOverTime level;
  level.set(4, at(1));
  level.set(1, at(3));
  EXPECT_DOUBLE_EQ(level.mean(at(5)), (0 * 1 + 4 * 2 + 1 * 2) / 5.0);
  EXPECT_EQ(level.max(), 4U);
  EXPECT_EQ(level.max_at(), at(1));
}

TEST(LevelOverTime, CountsFromItsStartAndKeepsWhatStoodThen) {
  LevelOverTime level(at(10));
  level.set(100, at(2));
  level.set(7, at(8));
  level.set(3, at(12));
  EXPECT_DOUBLE_EQ(level.mean(at(14)), (7 * 2 + 3 * 2) / 4.0);
  EXPECT_EQ(level.max(), 7U) << "what came and went before the start does not count";
  EXPECT_EQ(level.max_at(), at(10));
}

TEST(LevelOverTime, HoldsAMonthOfAMillion) {
  LevelOverTime level;
  level.set(1'000'000, at(0));
  EXPECT_DOUBLE_EQ(level.mean(at(30 * 86'400)), 1e6);
}

TEST(ServerLoad, TellsUtilisationCapacityAndOffer) {
  ServerLoad load;
  load.count_from(at(0), 0);
  load.set_servers(2, at(0));
  load.offered(6, at(1));
  load.served(4, seconds(8), at(9));
  const LoadFigures found = load.figures(at(10));
  EXPECT_DOUBLE_EQ(found.servers, 2);
  EXPECT_DOUBLE_EQ(found.utilisation, 8.0 / 20);
  EXPECT_DOUBLE_EQ(found.capacity, 1.0) << "two servers at two seconds a request";
  EXPECT_DOUBLE_EQ(found.offered, 0.6);
}

TEST(ServerLoad, DrainsFromTheLongestQueueToTheFloor) {
  ServerLoad load;
  load.count_from(at(0), 2);
  load.set_servers(1, at(0));
  load.set_queue(5, at(1));
  load.set_queue(2, at(4));
  load.set_queue(9, at(6));
  EXPECT_FALSE(load.figures(at(7)).drained) << "the longest queue has not drained yet";
  load.set_queue(3, at(8));
  load.set_queue(2, at(11));
  load.set_queue(4, at(12));
  load.set_queue(1, at(13));
  const LoadFigures found = load.figures(at(20));
  EXPECT_EQ(found.queue_max, 9U);
  EXPECT_EQ(found.queue_max_at, at(6));
  ASSERT_TRUE(found.drained);
  EXPECT_EQ(*found.drained, seconds(5)) << "by the first time it was down to the floor";
}

TEST(ServerLoad, NeedsSpareCapacityToNameADrainTime) {
  ServerLoad load;
  load.count_from(at(0), 0);
  load.set_servers(1, at(0));
  load.offered(5, at(0));
  load.served(10, seconds(10), at(10));
  load.set_queue(4, at(1));
  EXPECT_EQ(load.figures(at(10)).drain_time, seconds(8)) << "four waiting, half of one a second to spare";
  load.offered(5, at(10));
  EXPECT_FALSE(load.figures(at(10)).drain_time);
}

}  // namespace
}  // namespace dvt
