// Task queues, slots, pollers, stickiness.
#include "engine/service/matching.h"

#include <gtest/gtest.h>

#include "engine/base/symbol.h"

namespace dvt::engine {
namespace {

class Recorder final : public MatchHandler {
 public:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> workflow, activity;  // (task's run, worker)
  std::vector<std::uint32_t> in_hand;  // workers of activities that were handed out
  std::uint32_t stale = ~0u;           // this run's tasks are not wanted
  bool begin_workflow_task(const WorkflowTaskRef& task, WorkerRef worker) override {
    if (task.execution.run.value == stale) return false;
    workflow.emplace_back(task.execution.run.value, worker.worker);
    return true;
  }
  bool begin_activity_task(const ActivityTaskRef& task, WorkerRef worker) override {
    if (task.execution.run.value == stale) return false;
    activity.emplace_back(task.execution.run.value, worker.worker);
    in_hand.push_back(worker.worker);
    return true;
  }
};

class MatchingTest : public ::testing::Test {
 protected:
  Recorder seen;
  Matching matching{seen};
  std::uint32_t queue = matching.add_queue(Symbol::intern("q"));
  void activity(std::uint32_t run) { matching.add_activity_task(queue, {{{run}, 0}, 1, 1}); }
  void workflow(std::uint32_t run) { matching.add_workflow_task(queue, {{{run}, 0}, 1}); }
};

TEST_F(MatchingTest, PollsAreServedInTheOrderTheyWereMade) {
  matching.worker_up(matching.add_worker(queue, {2, 1}));
  matching.worker_up(matching.add_worker(queue, {2, 1}));
  for (std::uint32_t run = 0; run < 2; ++run) activity(run);
  EXPECT_EQ(seen.activity, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 0}, {1, 1}}));
}

TEST_F(MatchingTest, TasksWaitInOrderWhenEverySlotIsTaken) {
  const std::uint32_t worker = matching.add_worker(queue, {1, 5});
  matching.worker_up(worker);
  for (std::uint32_t run = 0; run < 3; ++run) activity(run);
  EXPECT_EQ(seen.activity.size(), 1u);
  EXPECT_EQ(matching.activity_backlog(queue), 2u);
  EXPECT_EQ(matching.free_activity_slots(queue), 0u);
  matching.poller_returned(matching.ref(worker), false);
  EXPECT_EQ(seen.activity.size(), 1u) << "the slot is still taken";
  matching.slot_freed(matching.ref(worker), false);
  ASSERT_EQ(seen.activity.size(), 2u);
  EXPECT_EQ(seen.activity[1].first, 1u);
}

TEST_F(MatchingTest, APollerThatCarriesATaskDoesNotPoll) {
  const std::uint32_t worker = matching.add_worker(queue, {10, 1});
  matching.worker_up(worker);
  activity(0);
  activity(1);
  EXPECT_EQ(seen.activity.size(), 1u);
  matching.poller_returned(matching.ref(worker), false);
  EXPECT_EQ(seen.activity.size(), 2u);
}

TEST_F(MatchingTest, SlotsBoundWorkflowTasksAndActivitiesApart) {
  matching.worker_up(matching.add_worker(queue, {1, 5}));
  activity(0);
  workflow(1);
  EXPECT_EQ(seen.activity.size(), 1u);
  EXPECT_EQ(seen.workflow.size(), 1u);
}

TEST_F(MatchingTest, AStickyTaskWaitsForItsWorkerAndGoesBeforeTheCommonQueue) {
  const std::uint32_t first = matching.add_worker(queue, {1, 5});
  matching.worker_up(first);
  workflow(0);
  matching.add_sticky_task(matching.ref(first), {{{7}, 0}, 1});
  workflow(1);
  EXPECT_EQ(seen.workflow.size(), 1u);
  matching.poller_returned(matching.ref(first), true);
  matching.slot_freed(matching.ref(first), true);
  ASSERT_EQ(seen.workflow.size(), 2u);
  EXPECT_EQ(seen.workflow[1].first, 7u);
}

TEST_F(MatchingTest, ADeadWorkersPollsAreForgottenAndItsAnswersIgnored) {
  const std::uint32_t dead = matching.add_worker(queue, {2, 2});
  const std::uint32_t alive = matching.add_worker(queue, {2, 2});
  matching.worker_up(dead);
  matching.worker_up(alive);
  const WorkerRef before = matching.ref(dead);
  matching.worker_down(dead);
  EXPECT_FALSE(matching.is_up(before));
  activity(0);
  ASSERT_EQ(seen.activity.size(), 1u);
  EXPECT_EQ(seen.activity[0].second, alive);
  matching.slot_freed(before, false);  // an answer of the dead life changes nothing
  matching.worker_up(dead);
  EXPECT_EQ(matching.workers_available(queue), 2u);
  for (std::uint32_t run = 1; run < 4; ++run) activity(run);
  EXPECT_EQ(seen.activity.size(), 4u);
}

TEST_F(MatchingTest, AStickyTaskForADeadProcessIsNotTakenByItsSuccessor) {
  const std::uint32_t worker = matching.add_worker(queue, {2, 2});
  matching.worker_up(worker);
  const WorkerRef before = matching.ref(worker);
  matching.worker_down(worker);
  matching.add_sticky_task(before, {{{7}, 0}, 1});
  matching.worker_up(worker);
  EXPECT_TRUE(seen.workflow.empty());
}

TEST_F(MatchingTest, AStaleTaskLeavesThePollOpen) {
  matching.worker_up(matching.add_worker(queue, {1, 1}));
  seen.stale = 0;
  activity(0);
  activity(1);
  EXPECT_EQ(seen.activity, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 0}}));
}

TEST_F(MatchingTest, EveryTaskIsMatchedOnceAndInOrderUnderRandomTraffic) {
  for (std::uint32_t i = 0; i < 3; ++i) matching.worker_up(matching.add_worker(queue, {3, 2}));
  std::uint64_t state = 12345;
  const auto next = [&] { return (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 33; };
  const auto finish_one = [&] {
    const std::size_t at = next() % seen.in_hand.size();
    const std::uint32_t worker = seen.in_hand[at];
    seen.in_hand.erase(seen.in_hand.begin() + static_cast<std::ptrdiff_t>(at));
    matching.poller_returned(matching.ref(worker), false);
    matching.slot_freed(matching.ref(worker), false);
  };
  std::uint32_t added = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (next() % 2 == 0 || seen.in_hand.empty()) {
      activity(added++);
    } else {
      finish_one();
    }
    ASSERT_LE(seen.in_hand.size(), 6u) << "two pollers carry at most two tasks a worker";
  }
  while (!seen.in_hand.empty()) finish_one();
  ASSERT_EQ(seen.activity.size(), added);
  for (std::uint32_t i = 0; i < added; ++i) ASSERT_EQ(seen.activity[i].first, i);
}

}  // namespace
}  // namespace dvt::engine
