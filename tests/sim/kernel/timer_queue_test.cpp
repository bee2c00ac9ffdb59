#include "sim/kernel/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sim/kernel/random_streams.h"

namespace dvt::sim {
namespace {

Instant at_ns(std::int64_t ns) {
  return {ns};
}

void run_all(TimerQueue& queue) {
  while (!queue.empty()) queue.invoke(queue.pop());
}

// The order in which `count` callbacks of one instant come out.
std::vector<int> order_of_equal_times(TieBreak schedule, std::uint64_t seed, int count) {
  const PhiloxRandom random(seed);
  TimerQueue queue(schedule, &random);
  std::vector<int> order;
  for (int i = 0; i < count; ++i) queue.push(at_ns(7), [&order, i] { order.push_back(i); });
  run_all(queue);
  return order;
}

TEST(TimerQueue, FiresInOrderOfTime) {
  TimerQueue queue;
  std::vector<int> order;
  for (const int time : {5, 3, 9, 1, 4, 8, 2, 7, 6}) {
    queue.push(at_ns(time), [&order, time] { order.push_back(time); });
  }
  EXPECT_EQ(queue.next_time(), at_ns(1));
  run_all(queue);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(TimerQueue, FiresEqualDeadlinesInInsertionOrder) {
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) expected.push_back(i);
  EXPECT_EQ(order_of_equal_times(TieBreak::insertion_order, 1, 1000), expected);
}

TEST(TimerQueue, ShuffledPermutesEqualDeadlines) {
  const std::vector<int> order = order_of_equal_times(TieBreak::shuffled, 1, 1000);
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, order_of_equal_times(TieBreak::insertion_order, 1, 1000));
  EXPECT_NE(order, sorted);
  // Not merely turned or mirrored: about half of the neighbours are out of order.
  int descents = 0;
  for (std::size_t i = 1; i < order.size(); ++i) descents += order[i] < order[i - 1] ? 1 : 0;
  EXPECT_GT(descents, 400);
  EXPECT_LT(descents, 600);
}

TEST(TimerQueue, ShuffledOrderDependsOnTheSeedAlone) {
  EXPECT_EQ(order_of_equal_times(TieBreak::shuffled, 5, 200), order_of_equal_times(TieBreak::shuffled, 5, 200));
  EXPECT_NE(order_of_equal_times(TieBreak::shuffled, 5, 200), order_of_equal_times(TieBreak::shuffled, 6, 200));
}

TEST(TimerQueue, ShuffledReachesEveryOrderOfThree) {
  std::set<std::vector<int>> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) seen.insert(order_of_equal_times(TieBreak::shuffled, seed, 3));
  EXPECT_EQ(seen.size(), 6U);
}

TEST(TimerQueue, ShuffledKeepsDifferentTimesApart) {
  const PhiloxRandom random(3);
  TimerQueue queue(TieBreak::shuffled, &random);
  for (int i = 0; i < 500; ++i) queue.push(at_ns(i * 37 % 100), [] {});
  Instant last{0};
  while (!queue.empty()) {
    const TimerQueue::Due due = queue.pop();
    EXPECT_GE(due.when, last);
    last = due.when;
    queue.invoke(due);
  }
}

TEST(TimerQueue, CancelledTimersNeverFire) {
  TimerQueue queue;
  std::vector<int> order;
  std::vector<TimerId> timers;
  for (int i = 0; i < 10; ++i) timers.push_back(queue.push(at_ns(i), [&order, i] { order.push_back(i); }));
  for (int i = 0; i < 10; i += 2) EXPECT_TRUE(queue.cancel(timers[static_cast<std::size_t>(i)]));
  EXPECT_EQ(queue.size(), 5U);
  EXPECT_EQ(queue.next_time(), at_ns(1));
  run_all(queue);
  EXPECT_EQ(order, (std::vector<int>{1, 3, 5, 7, 9}));
}

TEST(TimerQueue, CancelIsTrueOnlyOnce) {
  TimerQueue queue;
  const TimerId timer = queue.push(at_ns(1), [] {});
  EXPECT_TRUE(queue.cancel(timer));
  EXPECT_FALSE(queue.cancel(timer));
  EXPECT_FALSE(queue.cancel(TimerId{}));
}

TEST(TimerQueue, AnOldTimerIdDoesNotReachTheSlotsNextTimer) {
  TimerQueue queue;
  int fired = 0;
  const TimerId first = queue.push(at_ns(1), [] {});
  queue.invoke(queue.pop());
  const TimerId second = queue.push(at_ns(2), [&fired] { ++fired; });
  EXPECT_FALSE(first == second);
  EXPECT_FALSE(queue.cancel(first));
  run_all(queue);
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, ACallbackCannotCancelItself) {
  TimerQueue queue;
  TimerId timer;
  bool cancelled = true;
  timer = queue.push(at_ns(1), [&] { cancelled = queue.cancel(timer); });
  run_all(queue);
  EXPECT_FALSE(cancelled);
}

TEST(TimerQueue, CancellingDestroysTheCapturesAtOnce) {
  TimerQueue queue;
  const auto held = std::make_shared<int>(1);
  const TimerId timer = queue.push(at_ns(1), [held] {});
  EXPECT_EQ(held.use_count(), 2);
  queue.cancel(timer);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TimerQueue, FiringDestroysTheCaptures) {
  TimerQueue queue;
  const auto held = std::make_shared<int>(1);
  queue.push(at_ns(1), [held] {});
  run_all(queue);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TimerQueue, AThrowingCallbackGivesItsSlotBack) {
  TimerQueue queue;
  const auto held = std::make_shared<int>(1);
  queue.push(at_ns(1), [held] { throw std::runtime_error("planned"); });
  EXPECT_THROW(queue.invoke(queue.pop()), std::runtime_error);
  EXPECT_EQ(held.use_count(), 1);
  int fired = 0;
  queue.push(at_ns(2), [&fired] { ++fired; });
  run_all(queue);
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, ARunningCallbackStaysWholeWhileItSetsThousandsOfTimers) {
  TimerQueue queue;
  std::uint64_t sum = 0;
  const auto held = std::make_shared<std::uint64_t>(17);
  queue.push(at_ns(1), [&queue, &sum, held] {
    for (int i = 0; i < 5000; ++i) queue.push(at_ns(2), [&sum] { ++sum; });
    sum += *held;
  });
  run_all(queue);
  EXPECT_EQ(sum, 5017U);
}

TEST(TimerQueue, TokensComeBackInPlaceOfCallbacks) {
  TimerQueue queue;
  int token = 0;
  queue.push(at_ns(2), [] {});
  const TimerId sleeping = queue.push_token(at_ns(1), &token);
  EXPECT_EQ(queue.next_token(), &token);
  EXPECT_EQ(queue.pop().token, &token);
  EXPECT_FALSE(queue.cancel(sleeping));
  EXPECT_EQ(queue.next_token(), nullptr);
  const TimerQueue::Due due = queue.pop();
  EXPECT_EQ(due.token, nullptr);
  queue.invoke(due);
}

TEST(TimerQueue, StaleEntriesNeverOutnumberTheLiveOnesForLong) {
  TimerQueue queue;
  std::vector<TimerId> live;
  for (int i = 0; i < 100; ++i) live.push_back(queue.push(at_ns(1'000'000), [] {}));
  std::size_t largest = 0;
  for (int i = 0; i < 100'000; ++i) {
    queue.cancel(queue.push(at_ns(500'000 + i), [] {}));
    largest = std::max(largest, queue.heap_size());
  }
  EXPECT_EQ(queue.size(), 100U);
  EXPECT_LE(largest, 2 * 100U + 2);
}

// Against a sorted map, with cancellations, equal times and compactions.
TEST(TimerQueue, AgreesWithASortedMapOverManyRandomOperations) {
  const PhiloxRandom random(11);
  Draws draws(random, Purpose::test, 1);
  TimerQueue queue;
  std::map<std::pair<std::int64_t, int>, TimerId> model;
  std::vector<int> fired;
  std::int64_t now = 0;
  int next = 0;
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t choice = draws.next() % 10;
    const std::uint64_t word = draws.next();
    if (choice < 5 || model.empty()) {
      const std::int64_t when = now + static_cast<std::int64_t>(word % 50);
      const int number = next++;
      model[{when, number}] = queue.push(at_ns(when), [&fired, number] { fired.push_back(number); });
    } else if (choice < 8) {
      auto chosen = model.lower_bound({now + static_cast<std::int64_t>(word % 50), 0});
      if (chosen == model.end()) chosen = model.begin();
      ASSERT_TRUE(queue.cancel(chosen->second));
      model.erase(chosen);
    } else {
      const auto first = model.begin();
      ASSERT_EQ(queue.next_time(), at_ns(first->first.first));
      const TimerQueue::Due due = queue.pop();
      ASSERT_EQ(due.when, at_ns(first->first.first));
      queue.invoke(due);
      ASSERT_EQ(fired.back(), first->first.second);
      now = first->first.first;
      model.erase(first);
    }
    ASSERT_EQ(queue.size(), model.size());
  }
  EXPECT_GT(fired.size(), 30'000U);
}

TEST(TimerQueueDeathTest, RefusesTimesBeforeTheStart) {
  TimerQueue queue;
  EXPECT_DEATH(queue.push(at_ns(-1), [] {}), "before the start of time");
}

}  // namespace
}  // namespace dvt::sim
