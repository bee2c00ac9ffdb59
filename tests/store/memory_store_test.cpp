// The plain C++ store's own promise: closed runs are folded and memory stays flat.
#include <gtest/gtest.h>

#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

using store::Keep;
using store::MemoryStateStore;
using test::describe_world;
using test::numbered_event;

RunState completed_state() {
  RunState state;
  apply_event(state, EventType::run_started, kNoStep, 1, Instant{});
  apply_event(state, EventType::run_completed, kNoStep, 1, Instant{9});
  return state;
}

void project(StateStore& store, std::uint32_t run, std::uint64_t up_to, const RunState& state) {
  const SnapshotWrite write{RunOrdinal{run}, up_to, &state};
  store.write_snapshots(0, 0, std::span(&write, 1), Instant{});
}

void deliver_all(StateStore& store) {
  std::vector<OutboxRow> rows;
  store.claim_outbox(0, Instant{}, Instant{1}, 1'000'000, rows);
  for (const OutboxRow& row : rows) store.mark_delivered(std::span(&row.position, 1), Instant{});
}

TEST(MemoryStore, FoldsARunOnceItIsReleasedProjectedAndDelivered) {
  for (int last = 0; last < 3; ++last) {  // whichever of the three comes last
    MemoryStateStore store(test::memory_options(Keep::open_runs));
    describe_world(store, 2);
    for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{}));
    const RunState state = completed_state();
    for (int i = 1; i <= 3; ++i) {
      EXPECT_EQ(store.held_events(), 4U);
      switch ((last + i) % 3) {
        case 0:
          store.release_run(RunOrdinal{0});
          break;
        case 1:
          project(store, 0, 4, state);
          break;
        default:
          deliver_all(store);
          break;
      }
    }
    EXPECT_EQ(store.held_events(), 0U);
    EXPECT_EQ(store.held_runs(), 1U);
    EXPECT_EQ(store.folded_runs(), 1U);
    EXPECT_EQ(store.folded_by_status().at(RunStatus::completed), 1U);
    EXPECT_EQ(store.counts().events, 4U);
    const auto late = store.append(numbered_event(0, 9), Instant{});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error(), StoreError::unknown_run);
  }
}

// A client that waited in vain asks again after its run is over: it must get that run, not a second one.
TEST(MemoryStore, KnowsTheRequestOfARunThatIsFolded) {
  MemoryStateStore store(test::memory_options(Keep::open_runs));
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{}));
  store.release_run(RunOrdinal{0});
  deliver_all(store);
  project(store, 0, 4, completed_state());
  ASSERT_EQ(store.folded_runs(), 1U);
  EXPECT_EQ(store.find_request(test::make_run(0).request_key), RunOrdinal{0});
}

TEST(MemoryStore, ForgetsTheRequestOfARunThatWasRefused) {
  MemoryStateStore store(test::memory_options(Keep::open_runs));
  describe_world(store, 1);
  store.release_run(RunOrdinal{0});
  EXPECT_EQ(store.find_request(test::make_run(0).request_key), std::nullopt);
}

TEST(MemoryStore, KeepsARunWhoseLastEventIsNotProjected) {
  MemoryStateStore store(test::memory_options(Keep::open_runs));
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{}));
  store.release_run(RunOrdinal{0});
  deliver_all(store);
  project(store, 0, 3, completed_state());
  EXPECT_EQ(store.held_events(), 4U);
}

TEST(MemoryStore, StaysFlatWhileOneRunStaysOpen) {
  MemoryStateStore store(test::memory_options(Keep::open_runs));
  describe_world(store, 0);
  const RunState state = completed_state();
  store.add_run(test::make_run(0));
  ASSERT_TRUE(store.append(numbered_event(0, 0), Instant{}));
  std::uint64_t after_100 = 0;
  for (std::uint32_t run = 1; run <= 5000; ++run) {
    store.add_run(test::make_run(run));
    for (std::uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(store.append(numbered_event(run, i), Instant{}));
    store.release_run(RunOrdinal{run});
    project(store, run, 5, state);
    deliver_all(store);
    if (run == 100) after_100 = store.bytes();
  }
  EXPECT_EQ(store.bytes(), after_100);
  EXPECT_EQ(store.held_runs(), 1U);
  EXPECT_EQ(store.folded_runs(), 5000U);
  std::vector<StoredEvent> events;
  EXPECT_EQ(store.read_partition(0, 0, 1, 10, events), 25'001U);
  ASSERT_EQ(events.size(), 1U);  // what is folded is passed over
  EXPECT_EQ(events[0].run, RunOrdinal{0});
}

}  // namespace
}  // namespace dvt
