// Deliveries, duplicates, failures and dead letters of the bus, in virtual time.
#include "store/bus/event_bus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt {
namespace {

using store::BackoffPolicy;
using store::BusOptions;
using store::EventBus;
using store::PositionSet;

StoredEvent event_at(std::uint64_t position) {
  StoredEvent event;
  event.position = position;
  event.run_seq = position;
  return event;
}

class Bus : public testing::Test {
 protected:
  Bus() {
    BusOptions options;
    options.subscriptions = {{"ui", Distribution::constant(milliseconds(20))},
                             {"audit", Distribution::constant(milliseconds(50))}};
    options.backoff = BackoffPolicy{seconds(1), 2000, seconds(30), 0};
    options.max_attempts = 3;
    bus = std::make_unique<EventBus>(timers, random, recorder, options);
  }
  bool publish(std::uint64_t position) {
    bool answer = false;
    bus->publish(event_at(position), [&answer](bool accepted) { answer = accepted; });
    return answer;
  }
  test::FakeTimers timers;
  test::FakeRandom random;
  test::Recorder recorder;
  std::unique_ptr<EventBus> bus;
};

TEST(PositionSet, KnowsWhatWentInWhateverTheOrder) {
  PositionSet set;
  test::TestBits bits(3);
  std::set<std::uint64_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t position = 1 + static_cast<std::uint64_t>(i) / 2 + bits.below(300);
    EXPECT_EQ(set.insert(position), expected.insert(position).second) << position;
  }
  for (std::uint64_t position = 1; position < 10'500; ++position) {
    EXPECT_EQ(set.contains(position), expected.contains(position)) << position;
  }
}

TEST(PositionSet, ForgetsWhatIsComplete) {
  PositionSet set;
  for (std::uint64_t position = 1; position <= 1'000'000; ++position) set.insert(position);
  EXPECT_LE(set.words(), 1U);
  EXPECT_TRUE(set.contains(1));
  EXPECT_TRUE(set.contains(1'000'000));
  EXPECT_FALSE(set.contains(1'000'001));
}

TEST_F(Bus, DeliversToEverySubscriptionAfterItsLatency) {
  ASSERT_TRUE(publish(1));
  EXPECT_EQ(bus->open_deliveries(), 2U);
  timers.run();
  ASSERT_EQ(recorder.deliveries.size(), 2U);
  EXPECT_EQ(recorder.deliveries[0].subscription, *bus->find("ui"));
  EXPECT_EQ(recorder.deliveries[0].at, Instant{milliseconds(20).ns});
  EXPECT_EQ(recorder.deliveries[1].subscription, *bus->find("audit"));
  EXPECT_EQ(recorder.deliveries[1].at, Instant{milliseconds(50).ns});
  EXPECT_TRUE(recorder.deliveries[0].first);
  EXPECT_EQ(bus->open_deliveries(), 0U);
  EXPECT_FALSE(bus->find("webhooks"));
}

TEST_F(Bus, HasItsEffectOnceHoweverOftenAnEventIsPublished) {
  int effects = 0;
  bus->set_consumer(0, [&effects](const StoredEvent&) { return ++effects > 0; });
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(effects, 1);
  EXPECT_EQ(recorder.deliveries.size(), 10U);
  EXPECT_EQ(
      std::count_if(recorder.deliveries.begin(), recorder.deliveries.end(), [](const auto& d) { return d.first; }), 2);
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(bus->duplicates(0), 4U);
}

TEST_F(Bus, RetriesAFailingSubscriberAloneAndBuriesAfterTheLastAttempt) {
  bus->set_subscription_up(0, false);
  ASSERT_TRUE(publish(1));
  timers.run();
  ASSERT_EQ(recorder.deliveries.size(), 1U);  // audit was not held up
  EXPECT_EQ(recorder.deliveries[0].subscription, 1U);
  ASSERT_EQ(recorder.dead.size(), 1U);
  EXPECT_EQ(recorder.dead[0].subscription, 0U);
  // 20 ms, then 1 s + 20 ms, then 2 s + 20 ms.
  EXPECT_EQ(recorder.dead[0].at, Instant{milliseconds(3060).ns});
  EXPECT_EQ(bus->dead_letters(0), 1U);
  EXPECT_EQ(bus->open_deliveries(), 0U);
}

TEST_F(Bus, DeliversOnARetryWhenTheSubscriberIsBack) {
  bus->set_subscription_up(0, false);
  ASSERT_TRUE(publish(1));
  timers.run_until(Instant{milliseconds(500).ns});
  bus->set_subscription_up(0, true);
  timers.run();
  ASSERT_EQ(recorder.deliveries.size(), 2U);
  EXPECT_EQ(recorder.deliveries[1].attempts, 2U);
  EXPECT_EQ(recorder.deliveries[1].at, Instant{milliseconds(1040).ns});
}

TEST_F(Bus, RefusesPublicationsWhileItIsDownAndFinishesWhatItHad) {
  ASSERT_TRUE(publish(1));
  bus->set_up(false);
  EXPECT_FALSE(publish(2));
  timers.run();
  EXPECT_EQ(recorder.deliveries.size(), 2U);
  bus->set_up(true);
  EXPECT_TRUE(publish(2));
}

TEST_F(Bus, DeliversAndDeniesItWhenAcknowledgementsAreLost) {
  bus->set_acknowledgements_lost(true);
  EXPECT_FALSE(publish(1));
  bus->set_acknowledgements_lost(false);
  EXPECT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(bus->duplicates(0), 1U);
}

TEST_F(Bus, SlowsDownByAFactorAndAnAddition) {
  bus->set_latency(0, 300, milliseconds(5));
  ASSERT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(recorder.deliveries[0].subscription, 1U);
  EXPECT_EQ(recorder.deliveries[1].at, Instant{milliseconds(65).ns});
}

TEST_F(Bus, LetsAConsumerPublish) {
  bus->set_consumer(0, [this](const StoredEvent& event) {
    if (event.position < 100) publish(event.position + 1);
    return true;
  });
  publish(1);
  timers.run();
  EXPECT_EQ(bus->delivered(0), 100U);
}

}  // namespace
}  // namespace dvt
