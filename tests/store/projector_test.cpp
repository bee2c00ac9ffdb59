// The projector's batches, flushes and faults, exact in virtual time.
#include "store/projector/projector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt {
namespace {

using store::Keep;
using store::MemoryStateStore;
using store::Projector;
using store::ProjectorOptions;
using store::ResyncMode;
using test::numbered_event;

constexpr std::int64_t kMs = 1'000'000;

/// Loses chosen events from partition reads, as a broken read replica would.
class LossyStore final : public StateStore {
 public:
  explicit LossyStore(StateStore& inner) : inner_(inner) {}
  std::vector<std::uint64_t> lost;  // positions

  void add_plan(const PlanRecord& plan) override { inner_.add_plan(plan); }
  void add_tenant(const TenantRecord& tenant) override { inner_.add_tenant(tenant); }
  void add_run(const RunRecord& run) override { inner_.add_run(run); }
  std::optional<RunOrdinal> find_request(const Digest& key) override { return inner_.find_request(key); }
  Result<AppendReceipt, StoreError> append(const NewEvent& event, Instant at) override {
    return inner_.append(event, at);
  }
  Result<DecisionReceipt, StoreError> decide(const SignalDecision& decision) override {
    return inner_.decide(decision);
  }
  void fetch(RunOrdinal run, std::uint64_t after, std::size_t limit, std::vector<StoredEvent>& out) override {
    inner_.fetch(run, after, limit, out);
  }
  std::uint64_t read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                               std::size_t limit, std::vector<StoredEvent>& out) override {
    const std::uint64_t up_to = inner_.read_partition(after, partition, partitions, limit, out);
    std::erase_if(out, [this](const StoredEvent& event) {
      return std::find(lost.begin(), lost.end(), event.position) != lost.end();
    });
    return up_to;
  }
  void write_snapshots(std::uint32_t partition, std::uint64_t watermark, std::span<const SnapshotWrite> snapshots,
                       Instant at) override {
    inner_.write_snapshots(partition, watermark, snapshots, at);
  }
  std::optional<StoredSnapshot> snapshot(RunOrdinal run) override { return inner_.snapshot(run); }
  std::uint64_t watermark(std::uint32_t partition) override { return inner_.watermark(partition); }
  void claim_outbox(std::uint32_t relay, Instant now, Instant until, std::size_t limit,
                    std::vector<OutboxRow>& out) override {
    inner_.claim_outbox(relay, now, until, limit, out);
  }
  void mark_delivered(std::span<const std::uint64_t> positions, Instant now) override {
    inner_.mark_delivered(positions, now);
  }
  void retry_outbox(std::uint64_t position, Instant not_before) override { inner_.retry_outbox(position, not_before); }
  void dead_letter(std::uint64_t position, Instant now) override { inner_.dead_letter(position, now); }
  void redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) override {
    inner_.redrive_dead_letters(now, out);
  }
  void release_run(RunOrdinal run) override { inner_.release_run(run); }
  void flush() override { inner_.flush(); }
  StoreCounts counts() override { return inner_.counts(); }
  std::uint64_t bytes() override { return inner_.bytes(); }

 private:
  StateStore& inner_;
};

/// Every batch takes so many percent of its time.
class Pace final : public LatencyScale {
 public:
  explicit Pace(std::int64_t percent) : percent_(percent) {}
  Duration scaled(Duration drawn, const DrawKey&) const override { return drawn * percent_ / 100; }

 private:
  std::int64_t percent_;
};

class Projection : public testing::Test {
 protected:
  static constexpr std::uint32_t kRuns = 60;

  void start(ProjectorOptions options = {}) {
    if (!described_) test::describe_world(memory, kRuns);
    described_ = true;
    projector = std::make_unique<Projector>(store, timers, recorder, options);
    projector->start();
  }
  static ProjectorOptions one_replica() {
    ProjectorOptions options;
    options.replicas = 1;
    options.per_event = milliseconds(10);
    return options;
  }
  void commit(const NewEvent& event) {
    const auto receipt = store.append(event, timers.now());
    ASSERT_TRUE(receipt && !receipt.value().idempotent);
    std::vector<StoredEvent> stored;
    store.fetch(event.run, receipt.value().run_seq - 1, 1, stored);
    projector->event_committed(stored.at(0));
  }
  void commit_one(std::uint32_t run = 0) { commit(numbered_event(run, next_++)); }
  void commit_at(std::int64_t ms, int count = 1, std::uint32_t run = 0) {
    timers.call_at(Instant{ms * kMs}, [this, count, run] {
      for (int i = 0; i < count; ++i) commit_one(run);
    });
  }
  std::vector<std::pair<std::int64_t, std::size_t>> commits() const {
    std::vector<std::pair<std::int64_t, std::size_t>> list;
    for (const auto& fact : recorder.commits) list.emplace_back(fact.at.ns / kMs, fact.positions.size());
    return list;
  }
  /// A run's life with a retried step.
  void commit_life(std::uint32_t run) {
    using enum EventType;
    commit(test::make_event(run, run_queued, kNoStep, 1, timers.now()));
    commit(test::make_event(run, run_started, kNoStep, 1, timers.now()));
    commit(test::make_event(run, step_started, StepIndex{run % 4}, 1, timers.now()));
    commit(test::make_event(run, step_failed, StepIndex{run % 4}, 1, timers.now()));
    commit(test::make_event(run, step_started, StepIndex{run % 4}, 2, timers.now()));
    commit(test::make_event(run, step_completed, StepIndex{run % 4}, 2, timers.now()));
    commit(test::make_event(run, run_completed, kNoStep, 1, timers.now()));
  }
  void expect_projected_like_the_log() {
    for (std::uint32_t run = 0; run < kRuns; ++run) {
      const auto log = test::events_of(store, run);
      const auto snapshot = store.snapshot(RunOrdinal{run});
      ASSERT_EQ(snapshot.has_value(), !log.empty());
      if (!snapshot) continue;
      EXPECT_EQ(snapshot->up_to_seq, log.size());
      EXPECT_EQ(snapshot->state, projector->rebuild(RunOrdinal{run})) << "run " << run;
    }
  }

  test::FakeTimers timers;
  test::Recorder recorder;
  MemoryStateStore memory{test::memory_options(Keep::all)};
  LossyStore store{memory};
  std::unique_ptr<Projector> projector;

 private:
  std::uint32_t next_ = 0;
  bool described_ = false;
};

using Commits = std::vector<std::pair<std::int64_t, std::size_t>>;

TEST_F(Projection, FlushesASmallBatchAfterTheOldestCollectedEventHasWaited) {
  start(one_replica());
  commit_at(30);   // collected by the poll at 100, flushed at 300, applied in 10 ms per event
  commit_at(150);  // collected at 200 into the same batch
  commit_at(305);  // while it is applying
  timers.run();
  EXPECT_EQ(commits(), (Commits{{320, 2}, {610, 1}}));
  EXPECT_EQ(projector->lag_events(), 0U);
  EXPECT_EQ(projector->watermark(0), 3U);
}

TEST_F(Projection, BeginsAFullBatchAtOnceAndReadsOnAtOnce) {
  start(one_replica());
  commit_at(30, 25);
  timers.run();
  // 10 at the poll at 100, 10 more at once at 200, the other 5 collected at 300 and flushed at 500.
  EXPECT_EQ(commits(), (Commits{{200, 10}, {300, 10}, {550, 5}}));
}

TEST_F(Projection, SeesWhatIsCommittedAtAPollOnlyAtTheNext) {
  start(one_replica());
  commit_at(100);
  timers.run();
  EXPECT_EQ(commits(), (Commits{{410, 1}}));
}

TEST_F(Projection, StaggersItsReplicasAndKeepsToTheirPartitions) {
  ProjectorOptions options = one_replica();
  options.replicas = 2;
  start(options);
  commit_at(1, 1, 0);
  commit_at(1, 1, 1);  // replica 1 polls at 50, 150 …
  timers.run();
  ASSERT_EQ(recorder.commits.size(), 2U);
  EXPECT_EQ(recorder.commits[0].partition, 1U);
  EXPECT_EQ(recorder.commits[0].at, Instant{260 * kMs});
  EXPECT_EQ(recorder.commits[1].at, Instant{310 * kMs});
}

TEST_F(Projection, SetsNoTimersWhileThereIsNothingToDo) {
  start();
  timers.run_until(Instant{seconds(3600).ns});
  EXPECT_EQ(timers.fired(), 0U);
  EXPECT_EQ(timers.pending(), 0U);
}

// The same arrivals with a timer for every poll of the grid, by an independent few lines.
TEST_F(Projection, IsExactlyWhatPollingForEverWouldBe) {
  start(one_replica());
  test::TestBits bits(5);
  std::vector<std::int64_t> arrivals;  // ms, never on the grid
  for (std::int64_t at = 1; at < 60'000; at += static_cast<std::int64_t>(1 + bits.below(45))) {
    if (at % 100 != 0) arrivals.push_back(at);
  }
  for (const std::int64_t at : arrivals) commit_at(at, 1, static_cast<std::uint32_t>(bits.below(kRuns)));
  timers.run();

  Commits expected;
  std::size_t taken = 0, held = 0;
  std::int64_t now = 0, flush_at = -1;
  const auto collect = [&] {
    while (held < 10 && taken < arrivals.size() && arrivals[taken] < now) {
      ++taken;
      if (++held == 1) flush_at = now + 200;
    }
  };
  const auto apply = [&] {
    for (;;) {
      const bool full = held == 10;
      now += 10 * static_cast<std::int64_t>(held);
      expected.emplace_back(now, held);
      held = 0;
      if (!full) return;
      collect();
      if (held < 10) return;
    }
  };
  for (std::int64_t poll = 0; taken < arrivals.size() || held > 0; poll += 100) {
    if (held > 0 && flush_at <= poll) {
      now = flush_at;
      apply();
    }
    if (poll <= now && poll != 0 && now % 100 != 0) continue;  // busy during this poll
    if (poll < now) continue;
    now = std::max(now, poll);
    if (poll == now) collect();
    if (held == 10) apply();
  }
  EXPECT_EQ(commits(), expected);
}

TEST_F(Projection, ReportsLagInEventsAndTheOldestOne) {
  start(one_replica());
  commit_at(30, 3);
  commit_at(90, 2);
  timers.run_until(Instant{95 * kMs});
  EXPECT_EQ(projector->lag_events(), 5U);
  EXPECT_EQ(projector->oldest_unprojected(), Instant{30 * kMs});
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  EXPECT_FALSE(projector->oldest_unprojected());
}

TEST_F(Projection, EqualsTheFoldOfTheLogAndDropsFinishedRuns) {
  start();
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    timers.run_for(milliseconds(170));
    commit_life(run);
  }
  timers.run();
  expect_projected_like_the_log();
  EXPECT_EQ(projector->cached_runs(), 0U);
  EXPECT_EQ(projector->invalid_transitions(), 0U);
}

TEST_F(Projection, DropsAReleasedRunThatNeverEnds) {
  start();
  commit(test::make_event(3, EventType::run_started));
  timers.run();
  EXPECT_EQ(projector->cached_runs(), 1U);
  projector->release_run(RunOrdinal{3});
  EXPECT_EQ(projector->cached_runs(), 0U);
  commit(test::make_event(3, EventType::run_paused));  // goes on from the stored snapshot
  timers.run();
  EXPECT_EQ(store.snapshot(RunOrdinal{3})->state.status, RunStatus::paused);
}

TEST_F(Projection, DrainsAStallAtItsThroughput) {
  start();  // 3 replicas of 60/s against 12 events/s
  const std::int64_t stall_from = 60'000, stall_for = 120'000;
  for (std::int64_t ms = 0; ms < 400'000; ms += 250) commit_at(ms + 7, 3, static_cast<std::uint32_t>(ms / 250 % kRuns));
  // The runs of one commit share a partition; spread over time they load the three evenly.
  timers.run_until(Instant{stall_from * kMs});
  for (std::uint32_t i = 0; i < 3; ++i) projector->stall(i, true);
  timers.run_until(Instant{(stall_from + stall_for) * kMs});
  const std::uint64_t lag = projector->lag_events();
  EXPECT_NEAR(static_cast<double>(lag), 12.0 * 120, 10);
  for (std::uint32_t i = 0; i < 3; ++i) projector->stall(i, false);
  std::int64_t drained = 0;
  while (projector->lag_events() > 10) {
    timers.run_for(milliseconds(10));
    drained += 10;
  }
  const double expected_ms = static_cast<double>(stall_for) * 12 / (180 - 12);
  EXPECT_NEAR(static_cast<double>(drained), expected_ms, 600);
  timers.run();
  expect_projected_like_the_log();
}

TEST_F(Projection, GoesOnAfterAStallWhereItWas) {
  start(one_replica());
  commit_at(30, 10);
  timers.run_until(Instant{140 * kMs});  // 40 of 100 ms applied
  projector->stall(0, true);
  commit_one();
  timers.run_until(Instant{1000 * kMs});
  EXPECT_EQ(timers.pending(), 0U);
  projector->stall(0, false);
  timers.run();
  EXPECT_EQ(commits(), (Commits{{1060, 10}, {1270, 1}}));
}

TEST_F(Projection, HandsAKilledReplicasPartitionOverAndBack) {
  start();
  commit_at(1, 4, 1);
  timers.run_until(Instant{150 * kMs});  // collected, not committed
  projector->kill(1);
  EXPECT_FALSE(projector->alive(1));
  timers.run_until(Instant{seconds(10).ns});
  EXPECT_EQ(projector->lag_events(), 4U);
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  ASSERT_EQ(recorder.commits.size(), 1U);
  EXPECT_GT(recorder.commits[0].at, Instant{(seconds(10) + milliseconds(150)).ns});
  EXPECT_LT(recorder.commits[0].at, Instant{(seconds(10) + milliseconds(600)).ns});
  projector->restart(1);
  const Instant back = timers.now();
  timers.call_at(back + milliseconds(1), [this] { commit_one(1); });
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  expect_projected_like_the_log();
}

TEST_F(Projection, LosesNothingUnderRandomKillsStallsAndScaling) {
  const std::array<Pace, 4> paces{{Pace(50), Pace(100), Pace(230), Pace(450)}};
  start();
  test::TestBits bits(17);
  for (int i = 0; i < 4000; ++i) {
    timers.run_for(milliseconds(static_cast<std::int64_t>(bits.below(90))));
    const auto replica = static_cast<std::uint32_t>(bits.below(projector->replicas()));
    switch (bits.below(40)) {
      case 0:
        projector->kill(replica);
        break;
      case 1:
      case 2:
        projector->restart(replica);
        break;
      case 3:
        projector->stall(replica, true);
        break;
      case 4:
      case 5:
        projector->stall(replica, false);
        break;
      case 6:
        projector->scale(static_cast<std::uint32_t>(1 + bits.below(6)));
        break;
      case 7:
        projector->set_scales(replica, &paces[bits.below(paces.size())], nullptr);
        break;
      default:
        commit_one(static_cast<std::uint32_t>(bits.below(kRuns)));
        break;
    }
  }
  for (std::uint32_t i = 0; i < projector->replicas(); ++i) {
    projector->restart(i);
    projector->stall(i, false);
  }
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  expect_projected_like_the_log();
  // Every event was covered by exactly one commit.
  std::vector<std::uint64_t> covered;
  for (const auto& fact : recorder.commits) covered.insert(covered.end(), fact.positions.begin(), fact.positions.end());
  std::sort(covered.begin(), covered.end());
  ASSERT_EQ(covered.size(), store.counts().events);
  for (std::size_t i = 0; i < covered.size(); ++i) ASSERT_EQ(covered[i], i + 1);
  EXPECT_EQ(projector->gaps_suspected(), 0U);
}

TEST_F(Projection, RepairsALostReadByAResyncAndCallsItAGap) {
  start(one_replica());
  store.lost = {2};
  for (int i = 0; i < 3; ++i) commit_one(5);
  timers.run();
  EXPECT_EQ(recorder.suspected, 1);
  EXPECT_EQ(recorder.confirmed, 1);
  EXPECT_EQ(projector->gaps_confirmed(), 1U);
  EXPECT_EQ(recorder.commits.at(0).positions, (std::vector<std::uint64_t>{1, 2, 3}));
  expect_projected_like_the_log();
}

TEST_F(Projection, ResyncsARunWhoseLastEventsWereLost) {
  start(one_replica());
  store.lost = {2, 3};
  for (int i = 0; i < 3; ++i) commit_one(5);
  timers.run();
  EXPECT_EQ(store.snapshot(RunOrdinal{5})->up_to_seq, 1U);
  EXPECT_EQ(projector->resync(RunOrdinal{5}, ResyncMode::from_snapshot), 2U);
  expect_projected_like_the_log();
  EXPECT_EQ(projector->resync(RunOrdinal{5}, ResyncMode::full), 0U);
  expect_projected_like_the_log();
}

TEST_F(Projection, IgnoresAnInvalidTransitionAndTellsItOnce) {
  start(one_replica());
  commit(test::make_event(7, EventType::run_started));
  commit(test::make_event(7, EventType::run_resumed));  // was not paused
  commit(test::make_event(7, EventType::run_completed));
  timers.run();
  EXPECT_EQ(projector->invalid_transitions(), 1U);
  EXPECT_EQ(recorder.commits.at(0).invalid, 1U);
  const auto snapshot = store.snapshot(RunOrdinal{7});
  EXPECT_EQ(snapshot->state.status, RunStatus::completed);
  EXPECT_TRUE(snapshot->state.inconsistent);
  projector->resync(RunOrdinal{7}, ResyncMode::full);
  EXPECT_EQ(projector->invalid_transitions(), 1U);
  EXPECT_EQ(recorder.commits.back().invalid, 0U);
}

TEST_F(Projection, TellsOnceOfAnEndThatItsProducersClockPutsBeforeItsBeginning) {
  start(one_replica());
  using enum EventType;
  commit(test::make_event(7, run_started, kNoStep, 1, Instant{100 * kMs}));
  commit(test::make_event(7, step_started, StepIndex{2}, 1, Instant{200 * kMs}));
  commit(test::make_event(7, step_completed, StepIndex{2}, 1, Instant{150 * kMs}));  // another worker's clock
  commit(test::make_event(7, run_completed, kNoStep, 1, Instant{300 * kMs}));
  timers.run();
  ASSERT_EQ(recorder.notices.size(), 1U);
  EXPECT_EQ(recorder.notices[0],
            "CAUSAL_VIOLATION run 7: step 2 ended before it began, by its producer's clock (run_seq 3)");
  EXPECT_EQ(store.snapshot(RunOrdinal{7})->state.status, RunStatus::completed);
  projector->resync(RunOrdinal{7}, ResyncMode::full);
  EXPECT_EQ(recorder.notices.size(), 1U);
}

TEST_F(Projection, StopsInOrderAndHandsItsPartitionOverAtOnce) {
  ProjectorOptions options;  // three replicas
  options.per_event = milliseconds(20);
  start(options);
  commit_at(1, 10, 1);  // a full batch at the poll at 33 ms, applied until 233 ms
  commit_at(40, 2, 1);
  timers.run_until(Instant{100 * kMs});
  projector->stop(1);
  EXPECT_TRUE(projector->alive(1));  // at its last batch
  timers.run_until(Instant{240 * kMs});
  EXPECT_FALSE(projector->alive(1));
  ASSERT_EQ(recorder.commits.size(), 1U);
  EXPECT_EQ(recorder.commits[0].positions.size(), 10U);
  timers.run_until(Instant{1000 * kMs});  // no takeover time passes
  EXPECT_EQ(projector->lag_events(), 0U);
  projector->restart(1);
  commit_one(1);
  timers.run();
  expect_projected_like_the_log();
}

TEST_F(Projection, GoesOnAfterAPauseAsIfNoTimeHadPassed) {
  start(one_replica());
  commit_at(30);  // collected at 100, due to be flushed at 300
  timers.run_until(Instant{150 * kMs});
  projector->pause(0, true);
  timers.run_until(Instant{1000 * kMs});
  EXPECT_EQ(timers.pending(), 1U);  // the others' patience
  projector->pause(0, false);
  timers.run();
  EXPECT_EQ(commits(), (Commits{{1160, 1}}));  // 150 ms of the flush were left, 10 ms to apply
}

TEST_F(Projection, ThrowsAwayWhatAPausedReplicaHadCollectedOnceAnotherHasItsPartition) {
  start();
  commit_at(1, 10, 1);
  timers.run_until(Instant{100 * kMs});  // applying
  projector->pause(1, true);
  timers.run_until(Instant{seconds(12).ns});
  EXPECT_EQ(projector->lag_events(), 0U);
  ASSERT_EQ(recorder.commits.size(), 1U);
  projector->pause(1, false);
  timers.run();
  EXPECT_EQ(recorder.commits.size(), 1U);  // its own batch came to nothing
  commit_one(1);
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  expect_projected_like_the_log();
}

TEST_F(Projection, GoesOnFromTheWatermarksOfAnEarlierLife) {
  start();
  for (std::uint32_t run = 0; run < 10; ++run) commit_life(run);
  timers.run_for(milliseconds(400));
  const std::uint64_t projected = projector->projected();
  ASSERT_GT(projected, 0U);
  ASSERT_GT(projector->lag_events(), 0U);
  projector.reset();
  timers.run();  // nothing of it may still be set
  start();
  EXPECT_EQ(projector->lag_events(), 70 - projected);
  timers.run();
  expect_projected_like_the_log();
}

TEST_F(Projection, CoversItsEventsAgainAfterScalingWithoutProjectingThemTwice) {
  start();
  for (std::uint32_t run = 0; run < 20; ++run) commit_life(run);
  timers.run_for(milliseconds(700));
  const std::uint64_t lag = projector->lag_events();
  ASSERT_GT(lag, 0U);
  projector->scale(10);
  EXPECT_EQ(projector->lag_events(), lag);
  timers.run();
  EXPECT_EQ(projector->projected(), 140U);
  EXPECT_EQ(projector->lag_events(), 0U);
  expect_projected_like_the_log();
}

/// Everything is seen `lag` after its commit.
class Behind final : public ReadHorizon {
 public:
  Behind(const Clock& clock, Duration lag) : clock_(clock), lag_(lag) {}
  Instant seen_until(const DrawKey&) const override { return clock_.now() - lag_; }

 private:
  const Clock& clock_;
  Duration lag_;
};

TEST_F(Projection, ReadsACopyThatIsBehindAndMissesNothing) {
  const Behind copy(timers, milliseconds(750));
  start(one_replica());
  projector->read_behind(&copy);
  for (std::uint32_t i = 0; i < 40; ++i) {
    commit(numbered_event(i % kRuns, 0));
    timers.run_for(milliseconds(50));
  }
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  EXPECT_EQ(projector->gaps_suspected(), 0U);
  ASSERT_EQ(recorder.refresh.size(), 40U);
  for (const Duration waited : recorder.refresh) EXPECT_GE(waited, milliseconds(750));
}

}  // namespace
}  // namespace dvt
