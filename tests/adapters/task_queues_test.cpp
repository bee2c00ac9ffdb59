// How Conductor's workers come by their tasks: at fixed instants, and no sooner.
#include <gtest/gtest.h>

#include "adapters/conductor/task_queues.h"
#include "sim/kernel/kernel.h"

namespace dvt::adapters {
namespace {

class Polls : public ::testing::Test, public PollHandler {
 protected:
  bool begin_task(const TaskRef& task, engine::WorkerRef worker) override {
    if (refuse) return false;
    taken.push_back({task.task, worker, kernel.now()});
    return true;
  }
  void domain(std::uint32_t workers, std::uint32_t slots, Duration interval) {
    queues.add_domain({Symbol::intern("q"), workers, slots, interval});
    for (std::uint32_t i = 0; i < workers; ++i) queues.worker_up(i);
  }
  void push_at(Duration at, std::uint32_t task) {
    kernel.call_at(Instant{at.ns}, [this, task] { queues.push(0, {{0}, task, 1}); });
  }
  struct Taken {
    std::uint32_t task;
    engine::WorkerRef worker;
    Instant at;
  };
  sim::Kernel kernel;
  TaskQueues queues{kernel, *this};
  std::vector<Taken> taken;
  bool refuse = false;
};

TEST_F(Polls, ATaskWaitsForTheNextPoll) {
  domain(1, 5, milliseconds(500));
  push_at(milliseconds(501), 1);
  push_at(milliseconds(1'000), 2);
  kernel.run_until(Instant{seconds(5).ns});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].at, Instant{milliseconds(1'000).ns});
  EXPECT_EQ(taken[1].at, Instant{milliseconds(1'000).ns});
}

TEST_F(Polls, WorkersPollOneAfterTheOther) {
  domain(5, 5, milliseconds(500));
  push_at(milliseconds(1), 1);
  push_at(milliseconds(201), 2);
  kernel.run_until(Instant{seconds(5).ns});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].at, Instant{milliseconds(100).ns});
  EXPECT_EQ(taken[0].worker.worker, 1u);
  EXPECT_EQ(taken[1].at, Instant{milliseconds(300).ns});
  EXPECT_EQ(taken[1].worker.worker, 3u);
}

TEST_F(Polls, APollTakesAsManyTasksAsTheWorkerHasFreeSlots) {
  domain(1, 2, milliseconds(100));
  for (std::uint32_t task = 1; task <= 3; ++task) push_at(milliseconds(1), task);
  kernel.run_until(Instant{seconds(1).ns});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(queues.backlog(0), 1u);
  queues.slot_freed(taken[0].worker);
  kernel.run_until(Instant{seconds(2).ns});
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[2].at, Instant{seconds(1).ns});  // the poll of that very instant
}

TEST_F(Polls, ADeadWorkerTakesNothingAndForgetsItsSlots) {
  domain(1, 1, milliseconds(100));
  push_at(milliseconds(1), 1);
  kernel.run_until(Instant{milliseconds(200).ns});
  ASSERT_EQ(taken.size(), 1u);
  queues.worker_down(0);
  push_at(milliseconds(300), 2);
  kernel.run_until(Instant{milliseconds(950).ns});
  EXPECT_EQ(taken.size(), 1u);
  queues.worker_up(0);
  queues.slot_freed(taken[0].worker);  // of the life that is over
  kernel.run_until(Instant{seconds(2).ns});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[1].at, Instant{seconds(1).ns});
  EXPECT_EQ(taken[1].worker.epoch, taken[0].worker.epoch + 1);
}

TEST_F(Polls, ARefusedTaskLeavesTheSlotFree) {
  domain(1, 1, milliseconds(100));
  refuse = true;
  push_at(milliseconds(1), 1);
  kernel.run_until(Instant{milliseconds(150).ns});
  refuse = false;
  push_at(milliseconds(160), 2);
  kernel.run_until(Instant{seconds(1).ns});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].task, 2u);
}

TEST_F(Polls, EmptyQueuesSetNoTimer) {
  domain(10, 5, milliseconds(100));
  kernel.run_until(Instant{hours(1).ns});
  EXPECT_EQ(kernel.events_total(), 0u);
}

}  // namespace
}  // namespace dvt::adapters
