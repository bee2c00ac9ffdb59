#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/kernel/kernel.h"

namespace dvt::sim {
namespace {

Instant at(Duration since_start) {
  return Instant{} + since_start;
}

TEST(Fibers, QueuedFibersRunInTheOrderTheyWereQueued) {
  Kernel kernel;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    kernel.spawn_queued({name}, [&, name] {
      order += name;
      kernel.sleep_for(seconds(1));
      order += name;
    });
  }
  kernel.run();
  EXPECT_EQ(order, "abcabc");
  EXPECT_EQ(kernel.now(), at(seconds(1)));
  EXPECT_EQ(kernel.fibers_alive(), 0U);
}

TEST(Fibers, ReadyFibersRunBeforeTheInstantsNextEvent) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn_queued("fiber", [&] {
    kernel.park("the callback");
    order += 'f';
  });
  kernel.call_after(seconds(1), [&] {
    order += 'a';
    kernel.wake(fiber);
  });
  kernel.call_after(seconds(1), [&] { order += 'b'; });
  kernel.run();
  EXPECT_EQ(order, "afb");
}

TEST(Fibers, SleepAndCallbacksOfOneInstantKeepTheirOrder) {
  Kernel kernel;
  std::string order;
  kernel.spawn_queued("fiber", [&] {
    kernel.call_after(seconds(1), [&] { order += 'a'; });
    kernel.sleep_for(seconds(1));
    order += 'f';
  });
  kernel.spawn_queued("later", [&] {
    kernel.call_after(seconds(1), [&] { order += 'b'; });
    kernel.sleep_for(seconds(1));
    order += 'g';
  });
  kernel.run();
  EXPECT_EQ(order, "afbg");
}

TEST(Fibers, CallbacksNeverRunOnAFibersStack) {
  Kernel kernel;
  std::vector<FiberId> seen;
  const FiberId fiber = kernel.spawn_queued("fiber", [&] {
    seen.push_back(kernel.current());
    kernel.call_after(seconds(1), [&] { seen.push_back(kernel.current()); });
    kernel.sleep_for(seconds(2));
  });
  kernel.run();
  EXPECT_EQ(seen, (std::vector<FiberId>{fiber, FiberId{}}));
}

TEST(Fibers, WakingAReadyRunningSleepingOrEndedFiberDoesNothing) {
  Kernel kernel;
  int rounds = 0;
  FiberId fiber;
  fiber = kernel.spawn_queued("fiber", [&] {
    kernel.wake(fiber);  // itself
    kernel.park("one wake");
    ++rounds;
    kernel.sleep_for(seconds(5));
    ++rounds;
  });
  kernel.wake(fiber);  // ready already
  kernel.call_after(seconds(1), [&] {
    kernel.wake(fiber);
    kernel.wake(fiber);
  });
  kernel.call_after(seconds(2), [&] { kernel.wake(fiber); });  // asleep until 6 s
  kernel.call_after(seconds(3), [&] { EXPECT_EQ(rounds, 1); });
  kernel.run();
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(kernel.now(), at(seconds(6)));
  kernel.wake(fiber);
  EXPECT_EQ(kernel.run(), RunStatus::drained);
}

TEST(Fibers, ASleepOfZeroLetsTheOthersOfThisInstantRun) {
  Kernel kernel;
  std::string order;
  for (const char name : {'a', 'b'}) {
    kernel.spawn_queued({name}, [&, name] {
      for (int i = 0; i < 3; ++i) {
        order += name;
        kernel.sleep_for({});
      }
    });
  }
  kernel.run();
  EXPECT_EQ(order, "ababab");
  EXPECT_EQ(kernel.now(), Instant{});
}

TEST(Fibers, JoinWaitsForTheEnd) {
  Kernel kernel;
  std::string order;
  const FiberId worker = kernel.spawn_queued("worker", [&] {
    kernel.sleep_for(seconds(3));
    order += 'w';
  });
  for (const char name : {'a', 'b'}) {
    kernel.spawn_queued({name}, [&, name] {
      kernel.join(worker);
      order += name;
    });
  }
  kernel.run();
  EXPECT_EQ(order, "wab");
  bool returned = false;
  kernel.spawn_queued("late", [&] {
    kernel.join(worker);
    returned = true;
  });
  kernel.run();
  EXPECT_TRUE(returned);
}

TEST(Fibers, AWakeDoesNotEndAJoin) {
  Kernel kernel;
  bool ended = false;
  const FiberId worker = kernel.spawn_queued("worker", [&] {
    kernel.sleep_for(seconds(3));
    ended = true;
  });
  const FiberId joiner = kernel.spawn_queued("joiner", [&] {
    kernel.join(worker);
    EXPECT_TRUE(ended);
  });
  kernel.call_after(seconds(1), [&] { kernel.wake(joiner); });
  kernel.run();
  EXPECT_FALSE(kernel.alive(joiner));
}

TEST(Fibers, SteppedFibersRunUntilTheyParkOrEnd) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn("workflow", [&] {
    order += 'a';
    kernel.park("a task");
    order += 'b';
    kernel.park("a task");
    order += 'c';
  });
  EXPECT_EQ(order, "");
  EXPECT_TRUE(kernel.run(fiber));
  EXPECT_EQ(order, "a");
  EXPECT_TRUE(kernel.run(fiber));
  EXPECT_FALSE(kernel.run(fiber));
  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(kernel.alive(fiber));
  EXPECT_FALSE(kernel.run(fiber));
  EXPECT_EQ(kernel.events_total(), 0U);
}

TEST(Fibers, SteppedAndQueuedFibersMix) {
  Kernel kernel;
  std::string order;
  const FiberId queued = kernel.spawn_queued("queued", [&] {
    for (;;) {
      kernel.park("the workflow");
      order += 'q';
    }
  });
  const FiberId workflow = kernel.spawn("workflow", [&] {
    for (int i = 0; i < 3; ++i) {
      order += 'w';
      kernel.wake(queued);  // runs after this step, not within it
      kernel.spawn_queued("child", [&] { order += 'c'; });
      order += 'x';
      kernel.park("a task");
    }
  });
  for (int i = 1; i <= 3; ++i) {
    kernel.call_at(at(seconds(i)), [&] {
      EXPECT_TRUE(kernel.run(workflow));
      order += 'r';
    });
  }
  EXPECT_THROW(kernel.run(), DeadlockError);  // "queued" waits for ever; the workflow's owner may still run it
  EXPECT_EQ(order, "wxrqcwxrqcwxrqc");
  EXPECT_FALSE(kernel.run(workflow));
}

TEST(Fibers, AParkedQueuedFiberMayBeSteppedAndTheOtherWayRound) {
  Kernel kernel;
  std::string order;
  const FiberId fiber = kernel.spawn_queued("fiber", [&] {
    for (const char step : {'1', '2', '3', '4'}) {
      order += step;
      kernel.park("anyone");
    }
  });
  EXPECT_THROW(kernel.run(), DeadlockError);
  EXPECT_TRUE(kernel.run(fiber));
  EXPECT_EQ(order, "12");
  EXPECT_EQ(kernel.run(), RunStatus::drained);  // stepped last: no deadlock
  kernel.wake(fiber);
  EXPECT_THROW(kernel.run(), DeadlockError);
  EXPECT_EQ(order, "123");
}

TEST(Fibers, ASteppedFiberMaySleepAndIsThenQueued) {
  Kernel kernel;
  bool done = false;
  const FiberId fiber = kernel.spawn("activity", [&] {
    kernel.sleep_for(seconds(2));
    done = true;
  });
  EXPECT_TRUE(kernel.run(fiber));
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_TRUE(done);
  EXPECT_EQ(kernel.now(), at(seconds(2)));
}

TEST(FibersDeathTest, ANestedRunIsAnError) {
  Kernel kernel;
  const FiberId inner = kernel.spawn("inner", [] {});
  const FiberId outer = kernel.spawn("outer", [&] { kernel.run(inner); });
  EXPECT_DEATH(kernel.run(outer), "run\\(fiber\\) was called from inside a fiber");
}

TEST(FibersDeathTest, OnlyFibersMayWait) {
  Kernel kernel;
  EXPECT_DEATH(kernel.park("nothing"), "only a fiber may wait");
  EXPECT_DEATH(kernel.sleep_for(seconds(1)), "only a fiber may wait");
}

TEST(FibersDeathTest, ASleepingFiberCannotBeStepped) {
  Kernel kernel;
  const FiberId fiber = kernel.spawn("fiber", [&] { kernel.sleep_for(seconds(1)); });
  kernel.run(fiber);
  EXPECT_DEATH(kernel.run(fiber), "ready, asleep or joining");
}

TEST(Fibers, ADeadlockListsEveryWaitingFiber) {
  Kernel kernel;
  const FiberId consumer = kernel.spawn_queued("consumer", [&] {
    kernel.sleep_for(seconds(2));
    kernel.park("an item");
  });
  kernel.spawn_queued("supervisor", [&] { kernel.join(consumer); });
  const FiberId workflow = kernel.spawn("workflow", [&] { kernel.park("a workflow task"); });
  kernel.run(workflow);
  try {
    kernel.run_until(at(seconds(60)));
    FAIL() << "the deadlock was not noticed";
  } catch (const DeadlockError& error) {
    EXPECT_EQ(error.when(), at(seconds(2)));
    ASSERT_EQ(error.waiting().size(), 2U);
    EXPECT_EQ(error.waiting()[0].fiber, consumer);
    EXPECT_EQ(error.waiting()[0].since, at(seconds(2)));
    EXPECT_EQ(std::string(error.what()),
              "deadlock at 2s: no event is left and 2 fibers wait:\n"
              "  'consumer' waits for an item since 2s\n"
              "  'supervisor' waits for the end of fiber 'consumer' since 0s");
  }
}

TEST(Fibers, AnExceptionLeavingAQueuedBodyIsRethrownFromTheRun) {
  Kernel kernel;
  std::string order;
  kernel.spawn_queued("faulty", [&] {
    kernel.sleep_for(seconds(1));
    throw std::runtime_error("planned");
  });
  kernel.spawn_queued("healthy", [&] {
    kernel.sleep_for(seconds(2));
    order += 'h';
  });
  EXPECT_THROW(kernel.run(), std::runtime_error);
  EXPECT_EQ(kernel.now(), at(seconds(1)));
  EXPECT_EQ(kernel.fibers_alive(), 1U);
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(order, "h");
}

TEST(Fibers, AnExceptionLeavingASteppedBodyIsRethrownFromItsStep) {
  Kernel kernel;
  const FiberId fiber = kernel.spawn("faulty", [&] {
    kernel.park("a step");
    throw std::runtime_error("planned");
  });
  EXPECT_TRUE(kernel.run(fiber));
  EXPECT_THROW(kernel.run(fiber), std::runtime_error);
  EXPECT_FALSE(kernel.alive(fiber));
}

TEST(Fibers, IdsAreNotReused) {
  Kernel kernel;
  const FiberId first = kernel.spawn_queued("first", [] {});
  kernel.run();
  const FiberId second = kernel.spawn_queued("second", [] {});
  EXPECT_FALSE(first == second);
  EXPECT_FALSE(kernel.alive(first));
  EXPECT_TRUE(kernel.alive(second));
  kernel.kill(first);
  EXPECT_TRUE(kernel.alive(second));
}

TEST(Fibers, TheBodysCapturesAreDestroyedWhenItEnds) {
  Kernel kernel;
  const auto held = std::make_shared<int>(1);
  kernel.spawn_queued("holder", [held] {});
  EXPECT_EQ(held.use_count(), 2);
  kernel.run();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace dvt::sim
