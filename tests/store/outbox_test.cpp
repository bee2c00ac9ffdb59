// Relays, their polls, leases and retries, in virtual time.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "store/outbox/outbox_relays.h"
#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt {
namespace {

using store::BackoffPolicy;
using store::OutboxOptions;
using store::OutboxRelays;
using test::numbered_event;

/// Answers at once, after a while, or never.
class FakeBus final : public BusPort {
 public:
  void publish(const StoredEvent& event, std::uint32_t, PublishDone done) override {
    taken.push_back(event.position);
    if (hold) {
      held.push_back(std::move(done));
      return;
    }
    const bool accepted = refusals == 0;
    if (refusals > 0) --refusals;
    done(accepted);
  }
  void answer_all(bool accepted) {
    std::vector<PublishDone> waiting;
    waiting.swap(held);
    for (PublishDone& done : waiting) done(accepted);
  }
  std::vector<std::uint64_t> taken;
  std::uint64_t refusals = 0;
  bool hold = false;
  std::vector<PublishDone> held;
};

class Outbox : public testing::Test {
 protected:
  void start(OutboxOptions options = {}) {
    test::describe_world(store, 1);
    relays = std::make_unique<OutboxRelays>(store, bus, timers, random, recorder, options);
    relays->start();
  }
  void commit_one() {
    ASSERT_TRUE(store.append(numbered_event(0, next_++), timers.now()));
    relays->event_committed();
  }
  void commit_at(Duration at) {
    timers.call_at(Instant{at.ns}, [this] { commit_one(); });
  }

  test::FakeTimers timers;
  test::FakeRandom random;
  test::Recorder recorder;
  store::SqliteStateStore store{test::sqlite_options()};
  FakeBus bus;
  std::unique_ptr<OutboxRelays> relays;

 private:
  std::uint32_t next_ = 0;
};

TEST(Backoff, DoublesUpToItsMaximumWithoutJitter) {
  const BackoffPolicy policy{seconds(1), 2000, seconds(30), 0};
  test::TestBits bits(1);
  std::vector<std::int64_t> delays;
  for (std::uint32_t failures = 1; failures <= 7; ++failures) {
    delays.push_back(backoff_delay(policy, failures, bits).ns / 1'000'000'000);
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 30, 30}));
  EXPECT_EQ(backoff_delay(policy, 4'000'000'000U, bits), seconds(30));
  EXPECT_EQ(backoff_delay(BackoffPolicy{milliseconds(100), 1500, seconds(9), 0}, 3, bits), milliseconds(225));
  EXPECT_EQ(backoff_delay(BackoffPolicy{seconds(5), 1000, seconds(9), 0}, 50, bits), seconds(5));
}

TEST(Backoff, NeverLeavesItsRange) {
  const BackoffPolicy policy;
  const store::BackoffRange range = store::backoff_range(policy);
  EXPECT_EQ(range.shortest, milliseconds(800));
  EXPECT_EQ(range.longest, seconds(36));
  test::TestBits bits(3);
  for (std::uint32_t failures = 1; failures < 200; ++failures) {
    const Duration delay = backoff_delay(policy, failures, bits);
    EXPECT_GE(delay, range.shortest);
    EXPECT_LE(delay, range.longest);
  }
}

TEST(Backoff, JittersEvenlyToBothSides) {
  const BackoffPolicy policy{seconds(1), 2000, seconds(30), 200'000};
  test::TestBits bits(2);
  std::int64_t sum = 0, lowest = 1LL << 62, highest = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::int64_t delay = backoff_delay(policy, 2, bits).ns;
    sum += delay;
    lowest = std::min(lowest, delay);
    highest = std::max(highest, delay);
  }
  EXPECT_GE(lowest, milliseconds(1600).ns);
  EXPECT_LT(lowest, milliseconds(1610).ns);
  EXPECT_LE(highest, milliseconds(2400).ns);
  EXPECT_GT(highest, milliseconds(2390).ns);
  EXPECT_NEAR(static_cast<double>(sum) / 4000, 2e9, 2e7);
}

TEST_F(Outbox, PublishesAtTheNextPollOfTheStaggeredRelays) {
  start();
  // Polls: relay 0 at 0, 250, 500 ms …; relay 1 at 125, 375 ms …
  for (const int at : {1, 125, 300, 700}) commit_at(milliseconds(at));
  timers.run();
  std::vector<std::int64_t> at_ms;
  for (const auto& [position, at] : recorder.published) at_ms.push_back(at.ns / 1'000'000);
  EXPECT_EQ(at_ms, (std::vector<std::int64_t>{125, 250, 375, 750}));
  ASSERT_EQ(recorder.leases.size(), 4U);
  EXPECT_EQ(recorder.leases[0].relay, 1U);
  EXPECT_EQ(recorder.leases[1].relay, 0U);
  EXPECT_EQ(recorder.leases[0].until, Instant{milliseconds(30'125).ns});
  EXPECT_EQ(store.counts().outbox_pending, 0U);
}

TEST_F(Outbox, SetsNoTimersWhileThereIsNothingToDo) {
  start();
  commit_at(seconds(1));
  timers.run_until(Instant{seconds(3600).ns});
  EXPECT_EQ(timers.pending(), 0U);
  EXPECT_LE(timers.fired(), 6U);  // two first polls, the commit, two polls for it
  commit_one();
  timers.run();
  EXPECT_EQ(recorder.published.back().second, Instant{(seconds(3600) + milliseconds(125)).ns});
}

TEST_F(Outbox, PollsAgainAtOnceAfterAFullBatch) {
  OutboxOptions options;
  options.batch = 3;
  start(options);
  timers.run();
  for (int i = 0; i < 8; ++i) commit_one();
  timers.run();
  EXPECT_EQ(bus.taken, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(recorder.published.front().second, recorder.published.back().second);
}

TEST_F(Outbox, DoesNotWaitForOnePublicationBeforeTheNext) {
  bus.hold = true;
  start();
  commit_at(milliseconds(1));
  commit_at(milliseconds(200));
  timers.run_until(Instant{seconds(1).ns});
  EXPECT_EQ(bus.taken.size(), 2U);
  EXPECT_EQ(store.counts().outbox_pending, 2U);
  bus.answer_all(true);
  EXPECT_EQ(store.counts().outbox_pending, 0U);
}

TEST_F(Outbox, RetriesWithBackoffAtTheFirstPollThatIsDueAndBuriesAfterTheLastAttempt) {
  OutboxOptions options;
  options.relays = 1;
  options.max_attempts = 4;
  options.backoff = BackoffPolicy{seconds(1), 2000, seconds(30), 0};
  bus.refusals = 100;
  start(options);
  commit_at(milliseconds(10));
  timers.run();
  std::vector<std::int64_t> at_ms;
  for (const auto& lease : recorder.leases) at_ms.push_back(lease.at.ns / 1'000'000);
  EXPECT_EQ(at_ms, (std::vector<std::int64_t>{250, 1250, 3250, 7250}));
  ASSERT_EQ(recorder.dead.size(), 1U);
  EXPECT_EQ(recorder.dead[0].subscription, kNoSubscription);
  EXPECT_EQ(recorder.dead[0].at, Instant{milliseconds(7250).ns});
  EXPECT_EQ(store.counts().dead_letters, 1U);
  EXPECT_EQ(store.counts().outbox_pending, 0U);
  EXPECT_EQ(relays->retries(), 3U);
}

TEST_F(Outbox, PublishesAgainWhatAKilledRelayHadNotMarkedOnceItsLeaseIsOut) {
  bus.hold = true;
  start();
  commit_at(milliseconds(1));
  timers.run_until(Instant{milliseconds(200).ns});
  ASSERT_EQ(recorder.leases.size(), 1U);
  const std::uint32_t dead = recorder.leases[0].relay;
  relays->kill(dead);
  bus.answer_all(true);  // the bus has it, but nobody marks it
  EXPECT_EQ(store.counts().outbox_pending, 1U);
  bus.hold = false;
  timers.run();
  ASSERT_EQ(bus.taken.size(), 2U);  // a duplicate, never a loss
  EXPECT_NE(recorder.leases[1].relay, dead);
  EXPECT_GE(recorder.leases[1].at, recorder.leases[0].until);
  EXPECT_LT(recorder.leases[1].at, recorder.leases[0].until + milliseconds(250));
  EXPECT_EQ(store.counts().outbox_pending, 0U);
}

TEST_F(Outbox, GoesOnWithTheOtherRelayAndWithARestartedOne) {
  start();
  relays->kill(1);
  commit_at(milliseconds(1));
  timers.run();
  EXPECT_EQ(recorder.published.back().second, Instant{milliseconds(250).ns});
  relays->kill(0);
  commit_one();
  timers.run();
  EXPECT_EQ(recorder.published.size(), 1U);
  relays->restart(1);
  timers.run();
  EXPECT_EQ(recorder.published.size(), 2U);
  EXPECT_EQ(recorder.leases.back().relay, 1U);
}

TEST_F(Outbox, LetsAStalledRelayMarkLateWithoutRobbingTheNextOwner) {
  bus.hold = true;
  start();
  commit_at(milliseconds(1));
  timers.run_until(Instant{milliseconds(200).ns});
  const std::uint32_t stalled = recorder.leases.at(0).relay;
  relays->stall(stalled, true);
  bus.answer_all(false);
  timers.run_until(Instant{seconds(31).ns});
  ASSERT_EQ(recorder.leases.size(), 2U);  // the lease ran out and the other relay took the row
  relays->stall(stalled, false);          // its refusal is of yesterday: no retry, no second lease
  timers.run_until(Instant{seconds(40).ns});
  EXPECT_EQ(recorder.leases.size(), 2U);
  EXPECT_EQ(relays->retries(), 0U);
  bus.answer_all(true);
  EXPECT_EQ(store.counts().outbox_pending, 0U);
}

TEST_F(Outbox, ScalesUpAndDown) {
  start();
  relays->scale(4);
  EXPECT_EQ(relays->relays(), 4U);
  relays->scale(1);
  commit_at(milliseconds(1));
  timers.run();
  EXPECT_EQ(recorder.leases.at(0).relay, 0U);
}

// Random faults: relays die, stall and come back, the bus refuses and answers late.
TEST_F(Outbox, NeverHasTwoLiveLeasesOnARowAndLosesNothing) {
  OutboxOptions options;
  options.relays = 3;
  options.lease = seconds(2);
  options.batch = 5;
  options.max_attempts = 1'000'000;
  start(options);
  test::TestBits bits(11);
  for (int i = 0; i < 3000; ++i) {
    timers.run_for(milliseconds(static_cast<std::int64_t>(bits.below(60))));
    const auto relay = static_cast<std::uint32_t>(bits.below(3));
    switch (bits.below(12)) {
      case 0:
        relays->kill(relay);
        break;
      case 1:
        relays->restart(relay);
        break;
      case 2:
        relays->stall(relay, true);
        break;
      case 3:
        relays->stall(relay, false);
        break;
      case 4:
        bus.hold = !bus.hold;
        break;
      case 5:
        bus.answer_all(bits.chance(70));
        break;
      case 6:
        bus.refusals = bits.below(4);
        break;
      default:
        commit_one();
        break;
    }
  }
  bus.hold = false;
  bus.answer_all(true);
  bus.refusals = 0;
  for (std::uint32_t relay = 0; relay < 3; ++relay) {
    relays->restart(relay);
    relays->stall(relay, false);
  }
  timers.run();
  const StoreCounts counts = store.counts();
  EXPECT_GT(counts.events, 1000U);
  EXPECT_EQ(counts.outbox_pending, 0U);
  const std::set<std::uint64_t> taken(bus.taken.begin(), bus.taken.end());
  EXPECT_EQ(taken.size(), counts.events);
  EXPECT_GT(bus.taken.size(), taken.size());  // there were crashes between publishing and marking
  std::map<std::uint64_t, Instant> lease_end;
  std::set<std::uint64_t> given_back;  // by a refusal, before the lease's end
  for (const auto& lease : recorder.leases) {
    const auto last = lease_end.find(lease.position);
    if (last != lease_end.end() && lease.at < last->second) given_back.insert(lease.position);
    lease_end[lease.position] = lease.until;
  }
  EXPECT_LE(given_back.size(), relays->retries());
}

}  // namespace
}  // namespace dvt
