#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/kernel/kernel.h"

namespace dvt::sim {
namespace {

Instant at(Duration since_start) {
  return Instant{} + since_start;
}

TEST(Kernel, StopsSoonAfterARequestAndGoesOnLater) {
  Kernel kernel;
  std::uint64_t fired = 0;
  std::function<void()> tick = [&] {
    if (++fired == 10) kernel.request_stop();
    if (fired < 20'000) kernel.call_after(seconds(1), [&] { tick(); });
  };
  kernel.call_after(seconds(1), [&] { tick(); });
  EXPECT_EQ(kernel.run(), RunStatus::stopped);
  EXPECT_GE(fired, 10U);
  EXPECT_LE(fired, 10 + Kernel::kAttentionEvents);
  EXPECT_EQ(kernel.now(), at(seconds(static_cast<std::int64_t>(fired))));
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(fired, 20'000U);
}

TEST(Kernel, StopsFibersThatNeverVisitTheMainStack) {
  Kernel kernel;
  std::uint64_t rounds = 0;
  const FiberId fiber = kernel.spawn_queued("sleeper", [&] {
    for (;;) {
      kernel.sleep_for(seconds(1));
      if (++rounds == 100) kernel.request_stop();
    }
  });
  EXPECT_EQ(kernel.run(), RunStatus::stopped);
  EXPECT_LE(rounds, 100 + Kernel::kAttentionEvents);
  EXPECT_TRUE(kernel.alive(fiber));
}

TEST(Kernel, StopsInAStretchWithoutEvents) {
  Kernel kernel;
  int samples = 0;
  kernel.add_sample_grid(at({}), seconds(1), [&](Instant) {
    if (++samples == 3) kernel.request_stop();
  });
  EXPECT_EQ(kernel.run_until(at(hours(1))), RunStatus::stopped);
  EXPECT_EQ(samples, 3);
  EXPECT_EQ(kernel.run_until(at(hours(1))), RunStatus::drained);
  EXPECT_EQ(samples, 3601);
}

TEST(Kernel, StopAtInstantEndFinishesTheInstantAndItsObservers) {
  Kernel kernel;
  std::string order;
  kernel.set_instant_end_hook([&](Instant) { order += '|'; });
  kernel.call_after(seconds(1), [&] {
    order += 'a';
    kernel.stop_at_instant_end();
  });
  kernel.call_after(seconds(1), [&] { order += 'b'; });
  kernel.call_after(seconds(2), [&] { order += 'c'; });
  EXPECT_EQ(kernel.run(), RunStatus::stopped);
  EXPECT_EQ(order, "ab|");
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(order, "ab|c|");
}

TEST(Kernel, StopAtInstantEndHoldsBackSleepingFibers) {
  Kernel kernel;
  int rounds = 0;
  kernel.spawn_queued("sleeper", [&] {
    for (int i = 0; i < 5; ++i) {
      kernel.sleep_for(seconds(1));
      if (++rounds == 2) kernel.stop_at_instant_end();
    }
  });
  EXPECT_EQ(kernel.run(), RunStatus::stopped);
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(kernel.now(), at(seconds(2)));
}

TEST(Kernel, TheInstantEndHookRunsOnceAfterTheLastEventOfEachInstant) {
  Kernel kernel;
  std::string order;
  std::vector<Instant> ends;
  kernel.set_instant_end_hook([&](Instant when) {
    order += '|';
    ends.push_back(when);
  });
  kernel.spawn_queued("fiber", [&] {
    order += 'f';
    kernel.sleep_for(seconds(1));
    order += 'g';
  });
  kernel.call_after(seconds(1), [&] {
    order += 'a';
    kernel.post([&] { order += 'b'; });
  });
  kernel.call_after(seconds(2), [&] { order += 'c'; });
  kernel.run_until(at(seconds(10)));
  // The fiber's sleep was set when it ran, after the callback of the same instant was.
  EXPECT_EQ(order, "f|agb|c|");
  EXPECT_EQ(ends, (std::vector<Instant>{at({}), at(seconds(1)), at(seconds(2))}));
}

TEST(Kernel, ASampleGridRunsAtEachMultipleAfterTheEventsThere) {
  Kernel kernel;
  std::vector<std::pair<Instant, int>> samples;
  int events = 0;
  for (int i = 0; i <= 25; ++i) kernel.call_at(at(seconds(i)), [&] { ++events; });
  kernel.add_sample_grid(at({}), seconds(10), [&](Instant when) {
    EXPECT_EQ(kernel.now(), when);
    samples.emplace_back(when, events);
  });
  kernel.run_until(at(seconds(40)));
  EXPECT_EQ(
      samples,
      (std::vector<std::pair<Instant, int>>{
          {at({}), 1}, {at(seconds(10)), 11}, {at(seconds(20)), 21}, {at(seconds(30)), 26}, {at(seconds(40)), 26}}));
  EXPECT_EQ(kernel.events_total(), 26U);
}

TEST(Kernel, ASampleGridSeesFibersThatOnlySleep) {
  Kernel kernel;
  int rounds = 0;
  std::vector<int> samples;
  kernel.spawn_queued("sleeper", [&] {
    for (int i = 0; i < 100; ++i) {
      kernel.sleep_for(seconds(1));
      ++rounds;
    }
  });
  kernel.add_sample_grid(at(milliseconds(500)), seconds(25), [&](Instant) { samples.push_back(rounds); });
  kernel.run();
  EXPECT_EQ(samples, (std::vector<int>{0, 25, 50, 75}));
}

TEST(Kernel, GridsOfOneInstantRunInTheOrderTheyWereAdded) {
  Kernel kernel;
  std::string order;
  kernel.add_sample_grid(at(seconds(2)), seconds(2), [&](Instant) { order += 'a'; });
  kernel.add_sample_grid(at(seconds(3)), seconds(3), [&](Instant) { order += 'b'; });
  kernel.run_until(at(seconds(6)));
  EXPECT_EQ(order, "abaab");
}

TEST(Kernel, AGridAddedLateSkipsThePointsThatHavePassed) {
  Kernel kernel;
  kernel.run_until(at(seconds(25)));
  std::vector<Instant> samples;
  kernel.add_sample_grid(at({}), seconds(10), [&](Instant when) { samples.push_back(when); });
  kernel.run_until(at(seconds(40)));
  EXPECT_EQ(samples, (std::vector<Instant>{at(seconds(30)), at(seconds(40))}));
}

TEST(Kernel, GridsAloneDoNotKeepARunGoing) {
  Kernel kernel;
  int samples = 0;
  kernel.add_sample_grid(at({}), seconds(1), [&](Instant) { ++samples; });
  kernel.call_after(milliseconds(2500), [] {});
  EXPECT_EQ(kernel.run(), RunStatus::drained);
  EXPECT_EQ(samples, 3);
}

TEST(KernelDeathTest, ObserversMustNotChangeTheSimulation) {
  Kernel kernel;
  kernel.call_after(seconds(1), [] {});
  kernel.set_instant_end_hook([&](Instant) { kernel.post([] {}); });
  EXPECT_DEATH(kernel.run(), "an observer changes the simulation");
}

TEST(Kernel, AnObserverThatMustActDoesSoAfterAllObserversAtTheSameInstant) {
  Kernel kernel;
  std::string order;
  kernel.set_instant_end_hook([&](Instant) {
    if (order == "e") kernel.call_after_observers([&] { order += 'A'; });
    order += '|';
  });
  kernel.add_sample_grid(at(seconds(1)), seconds(1), [&](Instant) { order += 's'; });
  kernel.call_after(seconds(1), [&] { order += 'e'; });
  kernel.run();
  EXPECT_EQ(order, "e|sA|");
  EXPECT_EQ(kernel.now(), at(seconds(1)));
  EXPECT_EQ(kernel.events_total(), 2U);
}

TEST(Kernel, TheProgressHookIsCalledEverySoManyEvents) {
  Kernel kernel;
  int calls = 0;
  kernel.set_progress_hook(100, [&] { ++calls; });
  for (int i = 0; i < 1000; ++i) kernel.call_after(seconds(i), [] {});
  kernel.run();
  EXPECT_EQ(calls, 10);
}

}  // namespace
}  // namespace dvt::sim
