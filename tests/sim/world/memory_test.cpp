// Memory follows the runs in flight, not the days simulated: the heap is counted inside a world that goes on and on.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/scenario/reader.h"
#include "sim/world/world.h"

namespace dvt::sim {
namespace {

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// The smallest heap in each virtual day, looked at whenever a run closes.
class HeapByDay final : public Telemetry {
 public:
  std::map<std::int64_t, std::size_t> smallest;
  std::uint64_t runs = 0;
  void run_closed(const RunClosed& fact) override {
    ++runs;
    const std::size_t now = heap_in_use();
    const auto [day, is_new] = smallest.try_emplace(fact.closed_at.ns / hours(24).ns, now);
    if (!is_new && now < day->second) day->second = now;
  }
};

TEST(WorldMemory, ASixthDayHoldsHardlyMoreThanTheSecond) {
#ifdef DVT_SANITIZED
  GTEST_SKIP() << "a sanitizer's allocator does not answer mallinfo2";
#endif
  const std::string file = std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/month-memory.yaml";
  const std::vector<SetOverride> sets{{"duration", "6d"}, {"workload.arrivals.rate", "1500/d"}};
  auto read = load_scenario(file, sets);
  ASSERT_TRUE(read.has_value()) << format(read.error());
  HeapByDay heap;
  WorldOptions options;
  options.listeners = {&heap};
  World world(read.value(), std::move(options));
  ASSERT_FALSE(world.run().interrupted);
  ASSERT_EQ(heap.smallest.size(), 6U);
  EXPECT_GT(heap.runs, 8'000U);
  // In between, the objectives go over from exact values to bins, which gives memory back; nothing stays of a closed
  // run.
  const std::size_t four_days = heap.smallest[5] - std::min(heap.smallest[5], heap.smallest[1]);
  EXPECT_LT(four_days, 300'000U) << "day 2: " << heap.smallest[1] << " bytes, day 6: " << heap.smallest[5];
}

}  // namespace
}  // namespace dvt::sim
