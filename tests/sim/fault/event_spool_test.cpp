// Events that fail open: kept by their worker, written later in their order, lost with it.
#include "engine/worker/event_spool.h"

#include <gtest/gtest.h>

#include "tests/sim/fault/store_scene.h"

namespace dvt::engine {
namespace {

using test::StoreScene;

struct Spools {
  explicit Spools(std::uint64_t seed = 1)
      : store(2, seed), spool(store.model->from_workers(), store.timers, store.facts, {{EventType::step_started}}) {}
  void keep(std::uint32_t worker, std::uint32_t run, std::uint32_t number) {
    spool.keep(worker, test::numbered_event(run, number), {run, number, 1});
  }
  std::vector<std::uint32_t> told(SpoolStep step) const {
    std::vector<std::uint32_t> out;
    for (const SpoolFact& fact : store.facts.spool)
      if (fact.step == step) out.push_back(fact.event.logical_attempt - 1);
    return out;
  }
  StoreScene store;
  EventSpool spool;
};

using Numbers = std::vector<std::uint32_t>;

TEST(EventSpool, TakesOnlyWhatMayFailOpenAndOnlyPastTheBudget) {
  Spools s;
  EXPECT_TRUE(s.spool.takes(EventType::step_started, StoreError::timeout));
  EXPECT_TRUE(s.spool.takes(EventType::step_started, StoreError::pool_exhausted));
  EXPECT_FALSE(s.spool.takes(EventType::step_started, StoreError::unavailable));
  EXPECT_FALSE(s.spool.takes(EventType::step_started, StoreError::commit_unknown));
  EXPECT_FALSE(s.spool.takes(EventType::step_completed, StoreError::timeout));
  EXPECT_FALSE(s.spool.takes(EventType::step_failed, StoreError::pool_exhausted));
}

TEST(EventSpool, WritesAWorkersEventsInTheirOrderOnceTheStoreIsBack) {
  Spools s;
  s.store.model->set_outage(true);
  for (std::uint32_t i = 0; i < 5; ++i) s.keep(0, i % 2, i);
  s.store.timers.run_until(Instant{} + seconds(20));
  EXPECT_EQ(s.spool.pending(), 5U);
  EXPECT_TRUE(s.told(SpoolStep::reconciled).empty());
  s.store.model->set_outage(false);
  s.store.timers.run();
  EXPECT_EQ(s.told(SpoolStep::reconciled), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(s.spool.pending(), 0U);
  ASSERT_EQ(s.store.facts.committed.size(), 5U);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(s.store.facts.committed[i].logical_attempt, i + 1);
}

TEST(EventSpool, TriesAgainASecondAfterEachFailureAndNotBefore) {
  Spools s;
  s.store.model->set_outage(true);
  s.keep(0, 0, 0);
  s.store.timers.run_until(Instant{} + milliseconds(999));
  EXPECT_TRUE(s.store.facts.appends.empty());
  s.store.timers.run_until(Instant{} + milliseconds(3100));
  EXPECT_EQ(s.store.facts.appends.size(), 3U);  // at 1.01 s, 2.02 s, 3.03 s
}

TEST(EventSpool, StoresAnEventOnceThatHadBeenCommittedAfterAll) {
  Spools s;
  s.store.append(0, 0, false);
  s.store.timers.run();
  s.keep(0, 0, 0);
  s.store.timers.run();
  EXPECT_EQ(s.store.rows_of(0), 1U);
  EXPECT_EQ(s.told(SpoolStep::reconciled), Numbers{0});
  EXPECT_TRUE(s.store.facts.appends.back().receipt.idempotent);
}

TEST(EventSpool, LosesWhatADyingWorkerKeepsAndNothingOfTheOthers) {
  Spools s;
  s.store.model->set_outage(true);
  s.keep(0, 0, 0);
  s.keep(0, 1, 1);
  s.keep(3, 2, 2);
  s.spool.worker_lost(0);
  EXPECT_EQ(s.told(SpoolStep::lost), (Numbers{0, 1}));
  EXPECT_EQ(s.spool.pending(), 1U);
  s.store.model->set_outage(false);
  s.store.timers.run();
  EXPECT_EQ(s.told(SpoolStep::reconciled), Numbers{2});
  EXPECT_EQ(s.store.rows_of(0) + s.store.rows_of(1), 0U);
  EXPECT_EQ(s.spool.pending(), 0U);
}

TEST(EventSpool, CountsAWriteThatWasUnderWayAtTheCrashByWhatBecameOfIt) {
  for (const bool arrives : {true, false}) {
    Spools s;
    s.keep(0, 0, 0);
    s.keep(0, 0, 1);
    s.store.timers.run_until(Instant{} + milliseconds(1005));  // the first one is at the store
    s.spool.worker_lost(0);
    EXPECT_EQ(s.told(SpoolStep::lost), Numbers{1});
    EXPECT_EQ(s.spool.pending(), 1U);
    s.store.model->set_outage(!arrives);
    s.store.timers.run();
    EXPECT_EQ(s.told(SpoolStep::reconciled), arrives ? Numbers{0} : Numbers{});
    EXPECT_EQ(s.told(SpoolStep::lost), arrives ? Numbers{1} : (Numbers{1, 0}));
    EXPECT_EQ(s.spool.pending(), 0U);
  }
}

TEST(EventSpool, GoesOnInTheWorkersNextLife) {
  Spools s;
  const std::uint32_t before = s.spool.life(0);
  s.spool.worker_lost(0);
  EXPECT_NE(s.spool.life(0), before);
  s.keep(0, 0, 7);
  s.store.timers.run();
  EXPECT_EQ(s.told(SpoolStep::reconciled), Numbers{7});
}

TEST(EventSpool, TellsWithEachFactHowManyAreLeft) {
  Spools s;
  s.store.model->set_outage(true);
  for (std::uint32_t i = 0; i < 3; ++i) s.keep(i, i, i);
  s.spool.worker_lost(1);
  s.store.model->set_outage(false);
  s.store.timers.run();
  std::vector<std::uint64_t> left;
  for (const SpoolFact& fact : s.store.facts.spool) left.push_back(fact.pending);
  EXPECT_EQ(left, (std::vector<std::uint64_t>{1, 2, 3, 2, 1, 0}));
}

}  // namespace
}  // namespace dvt::engine
