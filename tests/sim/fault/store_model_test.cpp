// The StateStore's pool, budget and faults in virtual time: who waits, who is told what, and what is in the rows.
#include "sim/fault/store_model.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/fault/latency_window.h"
#include "tests/sim/fault/store_scene.h"

namespace dvt::sim {
namespace {

using test::StoreScene;

Instant at_ms(std::int64_t ms) {
  return Instant{} + milliseconds(ms);
}

// ---- Pool and budget ----

TEST(StorePool, ServesItsLineInTheOrderOfTheCalls) {
  StoreScene s(2);
  for (std::uint32_t i = 0; i < 6; ++i) s.append(0, i, i % 2 == 0);
  EXPECT_EQ(s.model->busy(), 2U);
  EXPECT_EQ(s.model->queued(), 4U);
  s.timers.run();
  EXPECT_EQ(s.order, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(s.heard.at(1).at, at_ms(10));
  EXPECT_EQ(s.heard.at(5).at, at_ms(30));
  EXPECT_EQ(s.model->queued(), 0U);
}

TEST(StorePool, LetsNobodyThroughWhileOthersHaveEveryConnection) {
  StoreScene s(2);
  s.append(0, 0);  // under way: it keeps its connection to the end
  s.model->set_pool_taken(true);
  for (std::uint32_t i = 1; i < 5; ++i) s.append(0, i);
  s.timers.run_until(at_ms(1000));
  EXPECT_TRUE(s.heard.at(0).ok);
  EXPECT_EQ(s.model->queued(), 4U);
  EXPECT_EQ(s.rows_of(0), 1U);
  s.model->set_pool_taken(false);
  s.timers.run();
  EXPECT_EQ(s.order, (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
  for (const auto& [name, heard] : s.heard) EXPECT_TRUE(heard.ok) << name;
}

TEST(StorePool, RefusesWhoWaitedTheWholeBudgetAndNeverSentIt) {
  StoreScene s(2);
  s.model->set_pool_taken(true);
  s.append(0, 0);
  s.timers.run_until(at_ms(500));
  s.append(0, 1);
  s.timers.run_until(at_ms(3200));
  s.model->set_pool_taken(false);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).error, StoreError::pool_exhausted);
  EXPECT_EQ(s.heard.at(0).at, at_ms(3000));
  EXPECT_FALSE(s.stored(0, 0));
  EXPECT_TRUE(s.heard.at(1).ok) << "its budget had 300 ms left";
  EXPECT_EQ(s.heard.at(1).at, at_ms(3210));
}

TEST(StorePool, CountsTheWaitInLineAgainstTheBudgetOfTheWrite) {
  StoreScene s(1, 1, false, Distribution::constant(milliseconds(2000)));
  s.append(0, 0);
  s.append(0, 1);  // begins at 2 s, would end at 4 s
  s.timers.run();
  EXPECT_TRUE(s.heard.at(0).ok);
  EXPECT_EQ(s.heard.at(1).error, StoreError::timeout);
  EXPECT_EQ(s.heard.at(1).at, at_ms(3000));
}

TEST(StoreBudget, AllowsAWriteThatTakesAllOfIt) {
  StoreScene s(1, 1, false, Distribution::constant(StoreScene::kBudget));
  s.append(0, 0);
  s.timers.run();
  EXPECT_TRUE(s.heard.at(0).ok);
}

TEST(StoreBudget, EndsASlowWriteWhoseCommitMayStillHappenOrNot) {
  std::set<bool> fates;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    StoreScene s(4, seed, false, Distribution::constant(seconds(5)));
    s.append(0, 0);
    s.timers.run_until(at_ms(4000));
    EXPECT_EQ(s.heard.at(0).error, StoreError::timeout);
    EXPECT_EQ(s.heard.at(0).at, at_ms(3000));
    EXPECT_EQ(s.model->busy(), 1U) << "the database works on";
    EXPECT_FALSE(s.stored(0, 0));
    s.timers.run();
    EXPECT_EQ(s.model->busy(), 0U);
    EXPECT_EQ(s.facts.committed.size(), s.rows_of(0));
    fates.insert(s.stored(0, 0));
  }
  EXPECT_EQ(fates.size(), 2U) << "both ways must occur";
}

TEST(StoreBudget, DoesNotBoundARead) {
  StoreScene s(1, 1, false, Distribution::constant(seconds(1)));
  bool answered = false;
  StoreModel reads(s.timers, s.random, s.facts, *s.rows,
                   {Distribution::constant(seconds(1)), Distribution::constant(seconds(9)), 1, seconds(3)});
  reads.read(RunOrdinal{0}, {1}, [&](bool ok) { answered = ok; });
  s.timers.run();
  EXPECT_TRUE(answered);
}

// ---- Failover ----

TEST(StoreFailover, EndsWhatIsUnderWayAtOnceCommittedOrNot) {
  std::set<bool> fates;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    StoreScene s(50, seed);
    for (std::uint32_t run = 0; run < 10; ++run) s.append(run, 0);
    s.timers.run_until(at_ms(5));
    s.model->set_failover(true);
    ASSERT_EQ(s.heard.size(), 10U);
    EXPECT_EQ(s.model->busy(), 0U);
    for (std::uint32_t run = 0; run < 10; ++run) {
      EXPECT_EQ(s.heard.at(run * 1000).error, StoreError::commit_unknown);
      EXPECT_EQ(s.heard.at(run * 1000).at, at_ms(5));
      fates.insert(s.stored(run, 0));
    }
    s.timers.run();
    EXPECT_EQ(s.heard.size(), 10U) << "no answer comes twice";
  }
  EXPECT_EQ(fates.size(), 2U);
}

TEST(StoreFailover, DrawsTheSameOutcomesForTheSameSeed) {
  const auto fates = [](std::uint64_t seed) {
    StoreScene s(50, seed);
    for (std::uint32_t run = 0; run < 30; ++run) s.append(run, 0);
    s.timers.run_until(at_ms(5));
    s.model->set_failover(true);
    std::vector<bool> stored;
    for (std::uint32_t run = 0; run < 30; ++run) stored.push_back(s.stored(run, 0));
    return stored;
  };
  EXPECT_EQ(fates(7), fates(7));
  EXPECT_NE(fates(7), fates(8));
}

TEST(StoreFailover, IsAwayWhileItLastsAndHasEveryAcknowledgedCommitAfterwards) {
  StoreScene s;
  s.append(0, 0);
  s.timers.run();
  s.model->set_failover(true);
  s.append(0, 1);
  s.timers.run();
  EXPECT_EQ(s.heard.at(1).error, StoreError::unavailable);
  EXPECT_FALSE(s.stored(0, 1));
  s.model->set_failover(false);
  s.append(0, 2);
  s.timers.run();
  EXPECT_TRUE(s.heard.at(2).ok);
  EXPECT_TRUE(s.stored(0, 0));
}

TEST(StoreFailover, IsMadeGoodByARetryThatMeetsTheStoredEventOrStoresIt) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    StoreScene s(2, seed);
    s.append(0, 0);
    s.timers.run_until(at_ms(5));
    s.model->set_failover(true);
    s.model->set_failover(false);
    const bool was_stored = s.stored(0, 0);
    s.heard.clear();
    s.append(0, 0, true, 2);
    s.timers.run();
    EXPECT_TRUE(s.heard.at(0).ok);
    EXPECT_EQ(s.heard.at(0).receipt.idempotent, was_stored);
    EXPECT_EQ(s.rows_of(0), 1U);
  }
}

TEST(StoreFailover, LetsWhoWaitedInLineMeetAStoreThatIsAway) {
  StoreScene s(1);
  s.append(0, 0);
  s.append(0, 1);
  s.timers.run_until(at_ms(5));
  s.model->set_failover(true);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).error, StoreError::commit_unknown);
  EXPECT_EQ(s.heard.at(1).error, StoreError::unavailable);
  EXPECT_FALSE(s.stored(0, 1));
}

// ---- Other faults of the store ----

TEST(StoreCommitUnknown, CommitsOrNotAndNeverAcknowledges) {
  StoreScene s(50);
  s.model->set_commit_unknown(true);
  std::size_t stored = 0;
  for (std::uint32_t run = 0; run < StoreScene::kRuns; ++run) s.append(run, 0);
  s.timers.run();
  for (std::uint32_t run = 0; run < StoreScene::kRuns; ++run) {
    EXPECT_EQ(s.heard.at(run * 1000).error, StoreError::commit_unknown);
    stored += s.rows_of(run);
  }
  EXPECT_GT(stored, 8U);
  EXPECT_LT(stored, 32U);
  EXPECT_EQ(s.facts.committed.size(), stored) << "every commit is told, heard of or not";
}

TEST(StoreError, AnswersAtOnceAndTakesNoConnection) {
  StoreScene s(1);
  s.append(0, 0);
  s.model->set_error(true);
  s.append(0, 1);
  s.append(0, 2);
  EXPECT_TRUE(s.heard.empty()) << "never inside the call";
  s.timers.run_until({});
  EXPECT_EQ(s.heard.at(1).error, StoreError::io_error);
  EXPECT_EQ(s.heard.at(2).error, StoreError::io_error);
  s.timers.run();
  EXPECT_TRUE(s.heard.at(0).ok) << "what had been sent before goes on";
}

TEST(StoreThrottle, DividesTheThroughputAndLeavesALoneRequestAsItWas) {
  StoreScene s(1);
  LatencyWindow throttle(s.timers, s.random, 0);
  s.model->set_throttle(&throttle);
  throttle.begin({0, 5, 0, {}, {}});
  s.append(0, 0);
  s.append(0, 1);
  s.append(0, 2);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).at, at_ms(10));
  EXPECT_EQ(s.heard.at(1).at, at_ms(60));
  EXPECT_EQ(s.heard.at(2).at, at_ms(110));
}

// ---- The link between workers and store ----

TEST(StoreLink, PartitionLeavesTheApiAloneAndKeepsTheWorkersWaiting) {
  StoreScene s;
  s.model->set_link_partition(true);
  s.append(0, 0, true);
  s.append(1, 0, false);
  s.timers.run_until(at_ms(4000));
  EXPECT_TRUE(s.heard.at(1000).ok);
  EXPECT_EQ(s.heard.at(0).error, StoreError::timeout);
  EXPECT_EQ(s.heard.at(0).at, at_ms(3000));
  s.model->set_link_partition(false);
  s.timers.run();
  EXPECT_FALSE(s.stored(0, 0)) << "its caller gave up before it left";
}

TEST(StoreLink, PartitionShorterThanTheBudgetOnlyDelays) {
  StoreScene s;
  s.append(0, 0);  // is at the store when the link breaks: its answer waits
  s.timers.run_until(at_ms(5));
  s.model->set_link_partition(true);
  s.append(0, 1);
  s.timers.run_until(at_ms(1000));
  EXPECT_TRUE(s.stored(0, 0));
  EXPECT_TRUE(s.heard.empty());
  s.model->set_link_partition(false);
  EXPECT_EQ(s.heard.at(0).at, at_ms(1000));
  s.timers.run();
  EXPECT_EQ(s.heard.at(1).at, at_ms(1010));
  EXPECT_TRUE(s.heard.at(1).ok);
}

TEST(StoreLink, PartitionHidesACommitFromItsCaller) {
  StoreScene s;
  s.append(0, 0);
  s.timers.run_until(at_ms(5));
  s.model->set_link_partition(true);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).error, StoreError::timeout);
  EXPECT_EQ(s.heard.at(0).at, at_ms(3000));
  EXPECT_TRUE(s.stored(0, 0));
  s.model->set_link_partition(false);
  s.timers.run();
  EXPECT_EQ(s.facts.appends.size(), 1U);
}

TEST(StoreLink, LossSwallowsRequestsAndAnswersForGood) {
  StoreScene s;
  s.append(0, 0);
  s.timers.run_until(at_ms(5));
  s.model->set_link_loss(true);
  s.append(0, 1);
  s.timers.run_until(at_ms(100));
  s.model->set_link_loss(false);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).error, StoreError::timeout);
  EXPECT_TRUE(s.stored(0, 0));
  EXPECT_EQ(s.heard.at(1).error, StoreError::timeout);
  EXPECT_EQ(s.heard.at(1).at, at_ms(3005));
  EXPECT_FALSE(s.stored(0, 1));
}

TEST(StoreLink, DuplicateStoresOnceAndAnswersOnce) {
  StoreScene s(50);
  s.model->set_link_duplicate(true);
  for (std::uint32_t run = 0; run < 10; ++run) s.append(run, 0, run != 9);
  s.timers.run();
  EXPECT_EQ(s.heard.size(), 10U);
  for (std::uint32_t run = 0; run < 10; ++run) EXPECT_EQ(s.rows_of(run), 1U);
  EXPECT_EQ(s.rows->counts().duplicates, 9U) << "every append of a worker arrived twice, the API's once";
}

TEST(StoreLink, LostAcknowledgementLeavesTheWorkDone) {
  StoreScene s;
  s.model->set_acks_lost(true);
  s.append(0, 0);
  s.append(1, 0, false);
  s.timers.run();
  EXPECT_EQ(s.heard.at(0).error, StoreError::timeout);
  EXPECT_TRUE(s.stored(0, 0));
  EXPECT_TRUE(s.heard.at(1000).ok);
}

// ---- Runs that may be forgotten ----

TEST(StoreRelease, WaitsForWhatIsStillUnderWayOrKept) {
  StoreScene s(4, 1, false, Distribution::constant(seconds(5)));
  test::FakeTimers& timers = s.timers;
  struct Released final : Telemetry {
  } nobody;
  store::MemoryStateStore rows(test::memory_options(store::Keep::open_runs));
  test::describe_world(rows, 2);
  StoreModel model(timers, s.random, nobody, rows,
                   {Distribution::constant(seconds(5)), Distribution::constant(milliseconds(1)), 4, seconds(3)});
  model.append(test::numbered_event(0, 0), {0, 0, 1}, [](const AppendOutcome&) {});
  timers.run_until(at_ms(4000));  // its caller has given up; the database works on
  model.release_run({0});
  EXPECT_EQ(rows.held_runs(), 2U);
  model.keep_run({1});
  model.release_run({1});
  EXPECT_EQ(rows.held_runs(), 2U) << "an event of it is still in a spool";
  model.let_run_go({1});
  EXPECT_EQ(rows.held_runs(), 1U);
}

// ---- Random interleavings ----

struct Story {
  std::vector<std::string> log;
  std::vector<std::string> rows;
  std::uint64_t acknowledged = 0;
};

// Appends and their retries under faults that come and go at random, all of them made good at the end.
Story live(std::uint64_t seed, bool sqlite) {
  StoreScene s(3, seed, sqlite, Distribution::lognormal(milliseconds(40), milliseconds(900)));
  LatencyWindow throttle(s.timers, s.random, 0);
  s.model->set_throttle(&throttle);
  test::TestBits bits(seed);
  Story story;
  struct Open {
    std::uint32_t run, number;
    std::uint64_t attempt;
  };
  std::vector<Open> retries;
  std::map<std::uint32_t, AppendReceipt> receipts;
  const auto ask = [&](Open open) {
    StoreClient& side = open.number % 3 == 0 ? static_cast<StoreClient&>(*s.model) : s.model->from_workers();
    struct Held {
      Story* story;
      std::vector<Open>* retries;
      std::map<std::uint32_t, AppendReceipt>* receipts;
      Open open;
    };
    auto held = std::make_unique<Held>(Held{&story, &retries, &receipts, open});
    side.append(test::numbered_event(open.run, open.number), {open.run, open.number, open.attempt},
                [h = std::move(held), &s](const AppendOutcome& outcome) {
                  const Open& o = h->open;
                  h->story->log.push_back(std::to_string(s.timers.now().ns) + " run " + std::to_string(o.run) + "/" +
                                          std::to_string(o.number) + " try " + std::to_string(o.attempt) +
                                          (outcome.ok ? " seq " + std::to_string(outcome.receipt.run_seq)
                                                      : std::string(" ") + to_string(outcome.error)));
                  if (!outcome.ok) {
                    h->retries->push_back({o.run, o.number, o.attempt + 1});
                    return;
                  }
                  ++h->story->acknowledged;
                  h->receipts->emplace(o.run * 1000 + o.number, outcome.receipt);
                });
  };
  bool failover = false, taken = false, unknown = false, partition = false, loss = false, duplicate = false,
       acks = false, outage = false, error = false;
  const auto flip = [&](bool& state, auto set) {
    state = !state;
    (s.model.get()->*set)(state);
  };
  for (std::uint32_t step = 0; step < 400; ++step) {
    const std::uint64_t what = bits.below(24);
    if (what == 0) flip(failover, &StoreModel::set_failover);
    if (what == 1) flip(taken, &StoreModel::set_pool_taken);
    if (what == 2) flip(unknown, &StoreModel::set_commit_unknown);
    if (what == 3) flip(partition, &StoreModel::set_link_partition);
    if (what == 4) flip(loss, &StoreModel::set_link_loss);
    if (what == 5) flip(duplicate, &StoreModel::set_link_duplicate);
    if (what == 6) flip(acks, &StoreModel::set_acks_lost);
    if (what == 7) flip(outage, &StoreModel::set_outage);
    if (what == 8) flip(error, &StoreModel::set_error);
    if (what == 9) throttle.begin({step, 3, 0, {}, s.timers.now()}), throttle.end(step);
    if (what > 9) {
      const auto run = static_cast<std::uint32_t>(bits.below(5));
      ask({run, step, 1});
    }
    s.timers.run_for(milliseconds(static_cast<std::int64_t>(bits.below(300))));
    std::vector<Open> due = std::move(retries);
    retries.clear();
    for (const Open& open : due) ask(open);
  }
  s.model->set_failover(false);
  s.model->set_pool_taken(false);
  s.model->set_commit_unknown(false);
  s.model->set_link_partition(false);
  s.model->set_link_loss(false);
  s.model->set_acks_lost(false);
  s.model->set_outage(false);
  s.model->set_error(false);
  for (int round = 0; round < 20; ++round) {
    s.timers.run();
    std::vector<Open> due = std::move(retries);
    retries.clear();
    for (const Open& open : due) ask(open);
  }
  EXPECT_TRUE(retries.empty());
  EXPECT_EQ(s.model->busy(), 0U);
  EXPECT_EQ(s.model->queued(), 0U);
  std::set<std::string> keys;
  std::size_t total = 0;
  for (std::uint32_t run = 0; run < 5; ++run) {
    for (const StoredEvent& event : test::events_of(*s.rows, run)) {
      story.rows.push_back(test::text_of(event));
      keys.insert(to_hex(event.idempotency_key));
      ++total;
    }
  }
  EXPECT_EQ(keys.size(), total) << "a retried append made a second row";
  EXPECT_EQ(s.facts.committed.size(), total);
  for (const auto& [name, receipt] : receipts) {
    bool found = false;
    for (const StoredEvent& event : test::events_of(*s.rows, name / 1000))
      found = found || (event.run_seq == receipt.run_seq && event.event_id == receipt.event_id &&
                        event.position == receipt.position);
    EXPECT_TRUE(found) << "an acknowledged event is not in the rows: " << name;
  }
  return story;
}

TEST(StoreModelProperty, AnyInterleavingOfFaultsLosesNothingAcknowledgedAndIsTheSameOnEveryStore) {
  std::uint64_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    const Story memory = live(seed, false);
    const Story sqlite = live(seed, true);
    EXPECT_EQ(memory.log, sqlite.log);
    EXPECT_EQ(memory.rows, sqlite.rows);
    acknowledged += memory.acknowledged;
  }
  EXPECT_GT(acknowledged, 40U * 150U);
}

// ---- A read replica ----

/// What was told of stale reads.
class StaleReads final : public Telemetry {
 public:
  std::vector<StaleReadFact> facts;
  void stale_read(const StaleReadFact& fact) override { facts.push_back(fact); }
};

TEST(StoreReplica, AnswersWithTheStateOfAMomentAgo) {
  test::FakeTimers timers;
  const test::FakeRandom random;
  ReadReplica replica(timers, random, Distribution::constant(seconds(2)));
  EXPECT_EQ(replica.judge(RunOrdinal{1}, {}, timers.now()), std::nullopt) << "a run that nobody wrote to";
  timers.run_until(at_ms(1000));
  replica.committed(RunOrdinal{1});
  timers.run_until(at_ms(1500));
  const auto unseen = replica.judge(RunOrdinal{1}, {}, at_ms(900));
  ASSERT_TRUE(unseen);
  EXPECT_TRUE(unseen->unknown_run);
  EXPECT_FALSE(unseen->own_writes) << "it was asked for before the commit";
  EXPECT_EQ(unseen->behind, milliseconds(500));
  EXPECT_TRUE(replica.judge(RunOrdinal{1}, {}, at_ms(1400))->own_writes);
  timers.run_until(at_ms(3000));
  EXPECT_EQ(replica.judge(RunOrdinal{1}, {}, timers.now()), std::nullopt) << "two seconds old: seen";
  replica.committed(RunOrdinal{1});
  timers.run_until(at_ms(3001));
  const auto old = replica.judge(RunOrdinal{1}, {}, timers.now());
  ASSERT_TRUE(old);
  EXPECT_FALSE(old->unknown_run);
}

TEST(StoreReplica, ServesStatusReadsAndNothingElse) {
  StoreScene s;
  StaleReads told;
  ReadReplica replica(s.timers, s.random, Distribution::constant(seconds(1)));
  sim::StoreModel model(s.timers, s.random, told, *s.rows,
                        StoreModelOptions{Distribution::constant(milliseconds(10)),
                                          Distribution::constant(milliseconds(1)), 2, seconds(3)});
  model.set_replica(&replica);
  int answers = 0;
  model.append(test::numbered_event(0, 0), {1}, [&](const AppendOutcome&) { ++answers; });
  s.timers.run();
  model.read(RunOrdinal{0}, {2}, [&](bool ok) { answers += ok ? 1 : 0; });
  model.read_status(RunOrdinal{0}, {3}, [&](bool ok) { answers += ok ? 1 : 0; });
  s.timers.run();
  EXPECT_EQ(answers, 3);
  ASSERT_EQ(told.facts.size(), 1U) << "a read of the primary is never stale";
  EXPECT_TRUE(told.facts[0].own_writes);
}

}  // namespace
}  // namespace dvt::sim
