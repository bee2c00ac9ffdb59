// Deliveries, duplicates, failures and dead letters of the bus, in virtual time.
#include "store/bus/event_bus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
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
using store::HopFaults;
using store::PositionSet;

StoredEvent event_at(std::uint64_t position) {
  StoredEvent event;
  event.position = position;
  event.run_seq = position;
  return event;
}

HopFaults down() {
  HopFaults faults;
  faults.down = true;
  return faults;
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
    bus->publish(event_at(position), 1, [&answer](bool accepted) { answer = accepted; });
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
  bus->set_faults(0, down());
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
  bus->set_faults(0, down());
  ASSERT_TRUE(publish(1));
  timers.run_until(Instant{milliseconds(500).ns});
  bus->set_faults(0, {});
  timers.run();
  ASSERT_EQ(recorder.deliveries.size(), 2U);
  EXPECT_EQ(recorder.deliveries[1].attempts, 2U);
  EXPECT_EQ(recorder.deliveries[1].at, Instant{milliseconds(1040).ns});
}

TEST_F(Bus, DrivesItsDeadLettersAgainWithFreshAttempts) {
  bus->set_faults(0, down());
  ASSERT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(bus->redrive(0), 1U);  // and dies again
  timers.run();
  ASSERT_EQ(recorder.dead.size(), 2U);
  EXPECT_EQ(recorder.dead[1].at - recorder.dead[0].at, milliseconds(3060));
  bus->set_faults(0, {});
  EXPECT_EQ(bus->redrive(0), 1U);
  EXPECT_EQ(bus->redrive(0), 0U);
  timers.run();
  ASSERT_EQ(recorder.deliveries.size(), 2U);
  EXPECT_TRUE(recorder.deliveries[1].first);
  EXPECT_EQ(recorder.redriven, 2);
  EXPECT_EQ(bus->open_deliveries(), 0U);
}

TEST_F(Bus, RefusesPublicationsWhileItIsDownAndDeliversWhatItHadAfterwards) {
  ASSERT_TRUE(publish(1));
  bus->set_faults(down());
  EXPECT_FALSE(publish(2));
  timers.run();
  EXPECT_EQ(recorder.deliveries.size(), 0U);
  EXPECT_EQ(bus->open_deliveries(), 2U);
  bus->set_faults({});
  EXPECT_EQ(recorder.deliveries.size(), 2U);
  EXPECT_TRUE(publish(2));
}

TEST_F(Bus, RefusesAtOnceWithAnErrorAndFinishesWhatItHad) {
  ASSERT_TRUE(publish(1));
  HopFaults faults;
  faults.refused_ppb = store::kEveryMessage;
  bus->set_faults(faults);
  EXPECT_FALSE(publish(2));
  timers.run();
  EXPECT_EQ(recorder.deliveries.size(), 2U);
}

TEST_F(Bus, LeavesALostPublicationUnansweredUntilItsTimeIsOut) {
  HopFaults faults;
  faults.lost_ppb = store::kEveryMessage;
  bus->set_faults(faults);
  std::optional<Instant> answered;
  bus->publish(event_at(1), 1, [&](bool accepted) {
    EXPECT_FALSE(accepted);
    answered = timers.now();
  });
  timers.run();
  EXPECT_EQ(answered, Instant{seconds(5).ns});
  EXPECT_EQ(recorder.deliveries.size(), 0U);
}

TEST_F(Bus, TakesWhatItHeldWhileItStoodStillThoughItsPublisherGaveUp) {
  HopFaults faults;
  faults.held = true;
  bus->set_faults(faults);
  std::vector<bool> answers;
  bus->publish(event_at(1), 1, [&](bool accepted) { answers.push_back(accepted); });
  timers.run_for(seconds(4));
  bus->publish(event_at(2), 1, [&](bool accepted) { answers.push_back(accepted); });
  timers.run_for(seconds(2));
  EXPECT_EQ(answers, std::vector<bool>{false});
  EXPECT_EQ(bus->open_deliveries(), 2U);
  bus->set_faults({});
  EXPECT_EQ(answers, (std::vector<bool>{false, true}));
  timers.run();
  EXPECT_EQ(bus->delivered(0), 2U);
  EXPECT_EQ(bus->delivered(1), 2U);
}

TEST_F(Bus, DeliversAndLeavesItsPublisherWithoutAnAnswerWhenAcknowledgementsAreLost) {
  HopFaults faults;
  faults.ack_lost_ppb = store::kEveryMessage;
  bus->set_faults(faults);
  bool refused = false;
  bus->publish(event_at(1), 1, [&](bool accepted) { refused = !accepted; });
  timers.run_until(Instant{seconds(5).ns});
  EXPECT_TRUE(refused);
  bus->set_faults({});
  EXPECT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(bus->duplicates(0), 1U);
}

TEST_F(Bus, RedeliversAfterALostAcknowledgementWithoutASecondEffect) {
  int effects = 0;
  bus->set_consumer(0, [&effects](const StoredEvent&) { return ++effects > 0; });
  HopFaults faults;
  faults.ack_lost_ppb = store::kEveryMessage;
  bus->set_faults(0, faults);
  ASSERT_TRUE(publish(1));
  timers.run_until(Instant{seconds(3).ns});
  bus->set_faults(0, {});
  timers.run();
  EXPECT_EQ(effects, 1);
  EXPECT_EQ(bus->delivered(0), 1U);
  // 20 ms, 5 s without an answer, 1 s of backoff, 20 ms
  EXPECT_EQ(recorder.deliveries.back().at, Instant{milliseconds(6040).ns});
  EXPECT_TRUE(recorder.deliveries.back().first);
}

TEST_F(Bus, DeliversLostMessagesAtLeastOnce) {
  HopFaults faults;
  faults.lost_ppb = store::kEveryMessage / 2;
  bus->set_faults(1, faults);
  for (std::uint64_t position = 1; position <= 1000; ++position) ASSERT_TRUE(publish(position));
  timers.run();
  EXPECT_EQ(bus->delivered(0), 1000U);
  EXPECT_EQ(bus->delivered(1) + bus->dead_letters(1), 1000U);
  // Three attempts, each lost with probability 1/2.
  EXPECT_NEAR(static_cast<double>(bus->dead_letters(1)), 125, 45);
  EXPECT_EQ(bus->duplicates(1), 0U);
}

TEST_F(Bus, DeliversTwiceAndTheConsumerActsOnce) {
  HopFaults faults;
  faults.duplicated_ppb = store::kEveryMessage;
  bus->set_faults(0, faults);
  ASSERT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(bus->duplicates(0), 1U);
  EXPECT_EQ(bus->delivered(1), 1U);
  EXPECT_EQ(bus->open_deliveries(), 0U);
}

TEST_F(Bus, LetsEachMessageBeOvertakenByTheNextAndTheLastGoWhenItIsOver) {
  HopFaults faults;
  faults.reordered_ppb = store::kEveryMessage;
  bus->set_faults(1, faults);
  for (std::uint64_t position = 1; position <= 5; ++position) ASSERT_TRUE(publish(position));
  timers.run();
  const auto order = [this] {
    std::vector<std::uint64_t> positions;
    for (const auto& delivery : recorder.deliveries)
      if (delivery.subscription == 1) positions.push_back(delivery.position);
    return positions;
  };
  EXPECT_EQ(order(), (std::vector<std::uint64_t>{2, 1, 4, 3}));
  EXPECT_EQ(bus->open_deliveries(), 1U);
  bus->set_faults(1, {});
  EXPECT_EQ(order(), (std::vector<std::uint64_t>{2, 1, 4, 3, 5}));
}

TEST_F(Bus, HoldsTheDeliveriesOfAConsumerThatStandsStillAndRetriesNothing) {
  HopFaults faults;
  faults.held = true;
  bus->set_faults(0, faults);
  ASSERT_TRUE(publish(1));
  timers.run_for(minutes(10));
  EXPECT_EQ(bus->delivered(0), 0U);
  EXPECT_EQ(bus->delivered(1), 1U);
  bus->set_faults(0, {});
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(recorder.deliveries.back().attempts, 1U);
}

/// Three times as long.
class Threefold final : public LatencyScale {
 public:
  Duration scaled(Duration drawn, const DrawKey&) const override { return drawn * 3; }
};

TEST_F(Bus, SlowsDownByAFactor) {
  const Threefold slow;
  HopFaults faults;
  faults.latency = &slow;
  bus->set_faults(0, faults);
  ASSERT_TRUE(publish(1));
  timers.run();
  EXPECT_EQ(recorder.deliveries[0].subscription, 1U);
  EXPECT_EQ(recorder.deliveries[1].at, Instant{milliseconds(60).ns});
}

TEST_F(Bus, PacesASubscriptionAtItsThroughput) {
  BusOptions options;
  options.subscriptions = {{"ui", Distribution::constant(milliseconds(20))}};
  options.message_interval = milliseconds(10);
  EventBus paced(timers, random, recorder, options);
  const Threefold slow;
  HopFaults faults;
  faults.throttle = &slow;
  paced.set_faults(faults);
  for (std::uint64_t position = 1; position <= 4; ++position) paced.publish(event_at(position), 1, [](bool) {});
  timers.run();
  std::vector<std::int64_t> at_ms;
  for (const auto& delivery : recorder.deliveries) at_ms.push_back(delivery.at.ns / 1'000'000);
  EXPECT_EQ(at_ms, (std::vector<std::int64_t>{20, 50, 80, 110}));
}

TEST_F(Bus, AnswersAfterItsPublishLatency) {
  BusOptions options;
  options.subscriptions = {{"ui", Distribution::constant(milliseconds(20))}};
  options.publish_latency = Distribution::constant(milliseconds(70));
  EventBus slow(timers, random, recorder, options);
  std::optional<Instant> answered;
  slow.publish(event_at(1), 1, [&](bool accepted) {
    if (accepted) answered = timers.now();
  });
  timers.run();
  EXPECT_EQ(answered, Instant{milliseconds(70).ns});
  EXPECT_EQ(recorder.deliveries.at(0).at, Instant{milliseconds(20).ns});
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
