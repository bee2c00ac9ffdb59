#include "sim/kernel/kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sim/kernel/random_streams.h"

namespace dvt::sim {
namespace {

Instant at(Duration since_start) {
  return Instant{} + since_start;
}

TEST(Kernel, StartsAtZeroAndMovesTheClockToEachEvent) {
  Kernel kernel;
  std::vector<Instant> seen;
  EXPECT_EQ(kernel.now(), Instant{});
  kernel.call_at(at(seconds(2)), [&] { seen.push_back(kernel.now()); });
  kernel.call_after(seconds(1), [&] { seen.push_back(kernel.now()); });
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(seen, (std::vector<Instant>{at(seconds(1)), at(seconds(2))}));
  EXPECT_EQ(kernel.now(), at(seconds(2)));
  EXPECT_EQ(kernel.events_total(), 2U);
}

TEST(Kernel, PostRunsAtThisInstantAfterEverythingAlreadyDue) {
  Kernel kernel;
  std::string order;
  kernel.call_at(at(seconds(1)), [&] {
    order += 'a';
    kernel.post([&] { order += 'c'; });
  });
  kernel.call_at(at(seconds(1)), [&] { order += 'b'; });
  kernel.run();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(kernel.now(), at(seconds(1)));
}

TEST(Kernel, RunUntilIncludesItsEndAndLeavesTheClockThere) {
  Kernel kernel;
  int fired = 0;
  kernel.call_at(at(seconds(5)), [&] { ++fired; });
  kernel.call_at(at(seconds(5) + nanoseconds(1)), [&] { ++fired; });
  EXPECT_EQ(kernel.run_until(at(seconds(5))), RunStatus::reached_end);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(kernel.now(), at(seconds(5)));
  EXPECT_EQ(kernel.run_until(at(seconds(9))), RunStatus::drained);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(kernel.now(), at(seconds(9)));
}

TEST(Kernel, CancelledTimersDoNotFire) {
  Kernel kernel;
  int fired = 0;
  const TimerId timer = kernel.call_after(seconds(1), [&] { ++fired; });
  EXPECT_TRUE(kernel.cancel(timer));
  EXPECT_FALSE(kernel.cancel(timer));
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(kernel.now(), Instant{});
}

TEST(KernelDeathTest, RefusesTimersInThePast) {
  Kernel kernel;
  kernel.run_until(at(seconds(1)));
  EXPECT_DEATH(kernel.call_at(at(milliseconds(999)), [] {}), "a timer in the past");
}

TEST(KernelDeathTest, AFailingAssertionPrintsTheVirtualTimeAndTheFiber) {
  Kernel kernel;
  kernel.spawn_queued("careless", [&] {
    kernel.sleep_for(seconds(2));
    DVT_ASSERT(kernel.now() == Instant{}, "planned");
  });
  EXPECT_DEATH(kernel.run(), "planned.*\n.*virtual time 2s \\(2000000000 ns\\), fiber 'careless'");
  kernel.call_after(seconds(1), [] { DVT_ASSERT(false, "planned"); });
  EXPECT_DEATH(kernel.run(), "virtual time 1s .*main stack");
}

TEST(Kernel, AnExceptionFromACallbackLeavesTheRunAndTheRestGoesOn) {
  Kernel kernel;
  int fired = 0;
  kernel.call_after(seconds(1), [] { throw std::runtime_error("planned"); });
  kernel.call_after(seconds(2), [&] { ++fired; });
  EXPECT_THROW(kernel.run(), std::runtime_error);
  EXPECT_EQ(kernel.now(), at(seconds(1)));
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(fired, 1);
}

TEST(Kernel, MoreEventsInAnInstantThanAllowedAreALivelock) {
  Kernel kernel({.events_per_instant_max = 1000});
  std::function<void()> again = [&] { kernel.post([&] { again(); }); };
  kernel.call_after(seconds(3), [&] { again(); });
  try {
    kernel.run();
    FAIL() << "the livelock was not noticed";
  } catch (const LivelockError& error) {
    EXPECT_EQ(error.when(), at(seconds(3)));
    EXPECT_EQ(std::string(error.what()), "livelock at 3s: 1001 events at this instant and time does not move");
  }
}

TEST(Kernel, AsManyEventsInAnInstantAsAllowedAreNone) {
  Kernel kernel({.events_per_instant_max = 1000});
  for (int instant = 1; instant < 10; ++instant) {
    for (int i = 0; i < 1000; ++i) kernel.call_at(at(seconds(instant)), [] {});
  }
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(kernel.events_total(), 9000U);
  EXPECT_EQ(kernel.run(), RunStatus::drained);  // still at the last instant
}

TEST(Kernel, FibersThatWakeEachOtherForEverAreALivelockToo) {
  Kernel kernel({.events_per_instant_max = 5000});
  FiberId other;
  const FiberId one = kernel.spawn_queued("one", [&] {
    for (;;) {
      kernel.wake(other);
      kernel.park("the other");
    }
  });
  other = kernel.spawn_queued("other", [&] {
    for (;;) {
      kernel.wake(one);
      kernel.park("the one");
    }
  });
  EXPECT_THROW(kernel.run(), LivelockError);
}

// A small world of callbacks, timeouts and fibers; the trace is everything visible about it.
std::vector<std::string> trace_of(TieBreak schedule, std::uint64_t seed, const std::function<void(Kernel&)>& prepare) {
  const PhiloxRandom random(seed);
  Kernel kernel({.schedule = schedule, .random = &random});
  std::vector<std::string> trace;
  const auto note = [&](const std::string& what) { trace.push_back(std::to_string(kernel.now().ns) + " " + what); };
  prepare(kernel);
  std::vector<FiberId> fibers;
  for (int i = 0; i < 8; ++i) {
    fibers.push_back(kernel.spawn_queued("f" + std::to_string(i), [&, i] {
      for (int round = 0; round < 20; ++round) {
        note("fiber " + std::to_string(i));
        if (round % 3 == i % 3) {
          kernel.park("a friend");
        } else {
          kernel.sleep_for(seconds(round % 4));
        }
      }
    }));
  }
  for (int i = 0; i < 200; ++i) {
    kernel.call_at(at(seconds(i / 2)), [&, i] {
      note("call " + std::to_string(i));
      for (const FiberId fiber : fibers) kernel.wake(fiber);
    });
  }
  kernel.run();
  trace.push_back(std::to_string(kernel.events_total()) + " events");
  return trace;
}

TEST(Kernel, ARunIsTheSameWithAndWithoutObserversAndStops) {
  const auto plain = trace_of(TieBreak::insertion_order, 1, [](Kernel&) {});
  EXPECT_GT(plain.size(), 300U);
  const auto observed = trace_of(TieBreak::insertion_order, 1, [](Kernel& kernel) {
    kernel.set_instant_end_hook([](Instant) {});
    kernel.add_sample_grid(Instant{}, milliseconds(700), [](Instant) {});
    kernel.set_progress_hook(1, [] {});
  });
  EXPECT_EQ(observed, plain);
}

TEST(Kernel, AShuffledRunIsReproducibleAndDiffersBySeed) {
  const auto nothing = [](Kernel&) {};
  const auto one = trace_of(TieBreak::shuffled, 1, nothing);
  EXPECT_EQ(one, trace_of(TieBreak::shuffled, 1, nothing));
  EXPECT_NE(one, trace_of(TieBreak::shuffled, 2, nothing));
  EXPECT_NE(one, trace_of(TieBreak::insertion_order, 1, nothing));
}

TEST(Kernel, ShuffledPermutesReadyFibers) {
  const PhiloxRandom random(4);
  Kernel kernel({.schedule = TieBreak::shuffled, .random = &random});
  std::string order;
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}) {
    kernel.spawn_queued({name}, [&order, name] { order += name; });
  }
  kernel.run();
  EXPECT_NE(order, "abcdefgh");
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, "abcdefgh");
}

TEST(Kernel, TwoKernelsRunInTurnInOneThread) {
  Kernel one;
  Kernel two;
  std::string order;
  const auto body = [&order](Kernel& kernel, char name) {
    return [&order, &kernel, name] {
      for (int i = 0; i < 3; ++i) {
        order += name;
        kernel.sleep_for(seconds(1));
      }
    };
  };
  one.spawn_queued("one", body(one, 'a'));
  two.spawn_queued("two", body(two, 'x'));
  for (int i = 0; i < 3; ++i) {
    one.run_until(at(seconds(i) + milliseconds(500)));
    two.run_until(at(seconds(i) + milliseconds(500)));
  }
  EXPECT_EQ(order, "axaxax");
  one.run();
  EXPECT_EQ(one.fibers_alive(), 0U);
  EXPECT_EQ(two.fibers_alive(), 1U);
}

TEST(Kernel, AKernelMayRunInsideAnotherOnesCallback) {
  Kernel outer;
  int inner_rounds = 0;
  outer.call_after(seconds(1), [&] {
    Kernel inner;
    inner.spawn_queued("inner", [&] {
      for (int i = 0; i < 3; ++i) {
        inner.sleep_for(seconds(1));
        ++inner_rounds;
      }
    });
    inner.run();
  });
  int outer_rounds = 0;
  outer.spawn_queued("outer", [&] {
    for (int i = 0; i < 3; ++i) {
      outer.sleep_for(seconds(1));
      ++outer_rounds;
    }
  });
  outer.run();
  EXPECT_EQ(inner_rounds, 3);
  EXPECT_EQ(outer_rounds, 3);
}

TEST(KernelDeathTest, BelongsToTheThreadThatMadeIt) {
  Kernel kernel;
  kernel.spawn_queued("fiber", [] {});
  EXPECT_DEATH(std::thread([&] { kernel.run(); }).join(), "a kernel is used outside its thread");
}

TEST(Kernel, EveryThreadMayHaveItsOwn) {
  std::vector<int> rounds(3);
  std::vector<std::thread> threads;
  for (int& mine : rounds) {
    threads.emplace_back([&mine] {
      Kernel kernel;
      kernel.spawn_queued("sleeper", [&] {
        for (int i = 0; i < 1000; ++i) {
          kernel.sleep_for(seconds(1));
          ++mine;
        }
      });
      kernel.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(rounds, (std::vector<int>{1000, 1000, 1000}));
}

TEST(KernelDeathTest, RunFromInsideARunIsAnError) {
  Kernel kernel;
  kernel.call_after(seconds(1), [&] { kernel.run(); });
  EXPECT_DEATH(kernel.run(), "run was called from inside a run");
}

}  // namespace
}  // namespace dvt::sim
