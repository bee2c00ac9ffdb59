// The hardening targets of domain §18 on the store and its projector: floods of duplicates change nothing, and a
// rebuild of 100,000 events is the live projection, hash for hash, whatever the projector went through.
#include <gtest/gtest.h>

#include <algorithm>

#include "store/db/snapshot_hasher.h"
#include "store/projector/projector.h"
#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt {
namespace {

using store::MemoryStateStore;
using store::Projector;
using store::ProjectorOptions;
using store::ResyncMode;
using store::SqliteStateStore;
using test::TestBits;

constexpr std::uint32_t kSteps = 4;

/// A run's whole life: queued, started, `steps` attempts that start and end, completed.
std::vector<NewEvent> life_of(std::uint32_t run, std::uint32_t attempts) {
  using enum EventType;
  std::vector<NewEvent> events{test::make_event(run, run_queued), test::make_event(run, run_started)};
  for (std::uint32_t i = 0; i < attempts; ++i) {
    const StepIndex step{i % kSteps};
    const std::uint32_t attempt = 1 + i / kSteps;
    events.push_back(test::make_event(run, step_started, step, attempt, Instant{milliseconds(i).ns}));
    events.push_back(test::make_event(run, (i + run) % 3 == 0 ? step_failed : step_completed, step, attempt,
                                      Instant{milliseconds(i + 1).ns}));
  }
  events.push_back(test::make_event(run, run_completed));
  return events;
}

/// The lives of many runs, mixed: each run's events in order.
std::vector<NewEvent> mixed_lives(std::uint32_t runs, std::uint32_t attempts, std::uint64_t seed) {
  std::vector<std::vector<NewEvent>> lives;
  for (std::uint32_t run = 0; run < runs; ++run) lives.push_back(life_of(run, attempts));
  std::vector<std::size_t> next(runs, 0);
  std::vector<std::uint32_t> open(runs);
  for (std::uint32_t run = 0; run < runs; ++run) open[run] = run;
  TestBits bits(seed);
  std::vector<NewEvent> mixed;
  while (!open.empty()) {
    const std::size_t pick = bits.below(open.size());
    const std::uint32_t run = open[pick];
    mixed.push_back(lives[run][next[run]]);
    if (++next[run] < lives[run].size()) continue;
    open[pick] = open.back();
    open.pop_back();
  }
  return mixed;
}

/// Everything that a flood of duplicates must leave alone.
std::vector<std::string> fingerprint_of(StateStore& store, std::uint32_t runs) {
  store.flush();
  const StoreCounts counts = store.counts();
  std::vector<std::string> lines{"events " + std::to_string(counts.events) + " runs " + std::to_string(counts.runs) +
                                 " pending " + std::to_string(counts.outbox_pending)};
  for (std::uint32_t run = 0; run < runs; ++run) {
    for (const std::string& text : test::texts_of(test::events_of(store, run))) lines.push_back(text);
    const auto snapshot = store.snapshot(RunOrdinal{run});
    lines.push_back(snapshot ? std::to_string(snapshot->up_to_seq) + " " + to_hex(snapshot->hash) : "no snapshot");
  }
  if (auto* sqlite = dynamic_cast<SqliteStateStore*>(&store)) {
    for (const char* table : {"event", "outbox", "run", "snapshot", "watermark", "dead_letter", "run_request"})
      lines.push_back(std::string(table) + " " +
                      std::to_string(sqlite->database().query_int(
                          ("SELECT count(*) FROM " + std::string(table) + " ORDER BY 1").c_str())));
  }
  return lines;
}

// Duplicates of any event of any run, in any order, and in storms of one event; some runs are closed and released.
void flood(StateStore& store, std::uint64_t duplicates) {
  constexpr std::uint32_t kRuns = 200;
  test::describe_world(store, kRuns, kSteps);
  test::FakeTimers timers;
  test::Recorder recorder;
  ProjectorOptions options;
  options.per_event = microseconds(100);
  Projector projector(store, timers, recorder, options);
  projector.start();
  const std::vector<NewEvent> events = mixed_lives(kRuns, 8, 3);
  for (const NewEvent& event : events) {
    const auto receipt = store.append(event, timers.now());
    ASSERT_TRUE(receipt && !receipt.value().idempotent);
    std::vector<StoredEvent> stored;
    store.fetch(event.run, receipt.value().run_seq - 1, 1, stored);
    projector.event_committed(stored.at(0));
    timers.run_for(milliseconds(1));
  }
  timers.run();
  for (std::uint32_t run = 0; run < kRuns; run += 10) {
    projector.release_run(RunOrdinal{run});
    store.release_run(RunOrdinal{run});
  }
  const auto before = fingerprint_of(store, kRuns);
  const std::size_t commits = recorder.commits.size();

  TestBits bits(9);
  std::uint64_t sent = 0;
  while (sent < duplicates) {
    NewEvent again = events[bits.below(events.size())];
    const std::uint64_t storm = bits.chance(20) ? 1 + bits.below(50) : 1;
    again.engine_attempt = static_cast<std::uint32_t>(2 + bits.below(3));  // a retry tells another attempt
    for (std::uint64_t i = 0; i < storm && sent < duplicates; ++i, ++sent) {
      const auto receipt = store.append(again, timers.now());
      ASSERT_TRUE(receipt && receipt.value().idempotent);
      ASSERT_EQ(receipt.value().event_id, again.event_id);
    }
    if (sent % 16 == 0) timers.run_for(milliseconds(1));
  }
  timers.run();
  EXPECT_EQ(fingerprint_of(store, kRuns), before);
  EXPECT_EQ(recorder.commits.size(), commits);
  EXPECT_EQ(store.counts().duplicates, duplicates);
}

TEST(Duplicates, AMillionOfThemChangeNothingInMemory) {
  MemoryStateStore store(test::memory_options());
  flood(store, 1'000'000);
}

TEST(Duplicates, AMillionOfThemChangeNothingInSqlite) {
  SqliteStateStore store(test::sqlite_options());
  flood(store, 1'000'000);
}

/// 1,000 runs of 101 events each.
class Rebuild : public testing::Test {
 protected:
  static constexpr std::uint32_t kRuns = 1000;
  static constexpr std::uint32_t kAttempts = 49;

  void open() {
    store = std::make_unique<SqliteStateStore>(test::sqlite_options(file.path()));
    test::describe_world(*store, kRuns, kSteps);
  }
  void start_projector() {
    ProjectorOptions options;
    options.per_event = microseconds(50);
    options.takeover = seconds(1);
    projector = std::make_unique<Projector>(*store, timers, recorder, options);
    projector->start();
  }
  void append(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const auto receipt = store->append(events[i], timers.now());
      ASSERT_TRUE(receipt);
      std::vector<StoredEvent> stored;
      store->fetch(events[i].run, receipt.value().run_seq - 1, 1, stored);
      projector->event_committed(stored.at(0));
      if (i % 16 == 0) timers.run_for(milliseconds(1));
    }
  }
  void expect_each_snapshot_is_its_rebuild() {
    store::db::SnapshotHasher hasher(test::kStart);
    const PlanRecord plan = test::make_plan(0, kSteps);
    std::size_t events_rebuilt = 0;
    for (std::uint32_t run = 0; run < kRuns; ++run) {
      const auto snapshot = store->snapshot(RunOrdinal{run});
      ASSERT_TRUE(snapshot) << "run " << run;
      events_rebuilt += snapshot->up_to_seq;
      const RunState rebuilt = projector->rebuild(RunOrdinal{run});
      ASSERT_EQ(to_hex(snapshot->hash), to_hex(hasher.hash(test::make_run(run).run_id, plan, rebuilt)))
          << "run " << run;
      ASSERT_EQ(snapshot->state, rebuilt);
    }
    EXPECT_EQ(events_rebuilt, store->counts().events);
  }

  test::TemporaryFile file{"rebuild"};
  test::FakeTimers timers;
  test::Recorder recorder;
  std::unique_ptr<SqliteStateStore> store;
  std::unique_ptr<Projector> projector;
  std::vector<NewEvent> events = mixed_lives(kRuns, kAttempts, 5);
};

TEST_F(Rebuild, EqualsTheLiveProjectionThroughStallKillResyncScalingAndFailover) {
  open();
  start_projector();
  ASSERT_GE(events.size(), 100'000U);
  const std::size_t part = events.size() / 8;
  append(0, part);
  projector->stall(1, true);
  append(part, 2 * part);
  projector->stall(1, false);
  projector->kill(2);
  append(2 * part, 3 * part);
  projector->restart(2);
  for (std::uint32_t run = 0; run < kRuns; run += 7)
    projector->resync(RunOrdinal{run}, run % 2 == 0 ? ResyncMode::full : ResyncMode::from_snapshot);
  append(3 * part, 4 * part);
  projector->pause(0, true);
  append(4 * part, 5 * part);
  projector->pause(0, false);
  // The database changes its primary: the rows are opened anew, and the projector goes on from its watermarks.
  store->flush();
  projector.reset();
  store.reset();
  open();
  start_projector();
  append(5 * part, 6 * part);
  projector->scale(5);
  append(6 * part, 7 * part);
  projector->replay();
  append(7 * part, events.size());
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  EXPECT_EQ(projector->gaps_confirmed(), 0U);
  expect_each_snapshot_is_its_rebuild();
}

TEST_F(Rebuild, FromZeroUnderLiveTrafficMissesNothing) {
  open();
  start_projector();
  append(0, events.size() / 2);
  // Every run is folded again from its first event while the other half of the events arrives.
  const std::size_t rest = events.size() - events.size() / 2;
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    projector->resync(RunOrdinal{run}, ResyncMode::full);
    append(events.size() / 2 + rest * run / kRuns, events.size() / 2 + rest * (run + 1) / kRuns);
  }
  timers.run();
  ASSERT_EQ(recorder.resyncs.size(), kRuns);
  for (const ResyncFact& fact : recorder.resyncs) EXPECT_GE(fact.up_to_seq, fact.known_seq);
  expect_each_snapshot_is_its_rebuild();
}

// The first third of the runs is archived while the rest is half way: its positions are holes in the log that every
// later read passes over. Then everything is folded again from its first event: from the store what is hot, from the
// archive what is not.
TEST_F(Rebuild, FromZeroPassesOverArchivedPositionsAndReadsTheArchiveBack) {
  constexpr std::uint32_t kArchived = kRuns / 3;
  std::stable_partition(events.begin(), events.end(), [](const NewEvent& e) { return e.run.value < kArchived; });
  const auto rest =
      std::partition_point(events.begin(), events.end(), [](const NewEvent& e) { return e.run.value < kArchived; });
  const auto archived_events = static_cast<std::size_t>(rest - events.begin());
  const std::size_t half_way = archived_events + (events.size() - archived_events) / 2;
  open();
  start_projector();
  append(0, half_way);
  timers.run();
  std::vector<OutboxRow> rows;
  store->claim_outbox(0, timers.now(), timers.now() + seconds(30), events.size(), rows);
  std::vector<std::uint64_t> delivered;
  for (const OutboxRow& row : rows) delivered.push_back(row.position);
  store->mark_delivered(delivered, timers.now());
  std::vector<RunOrdinal> closed, moved;
  for (std::uint32_t run = 0; run < kArchived; ++run) {
    projector->release_run(RunOrdinal{run});
    store->release_run(RunOrdinal{run});
    closed.push_back(RunOrdinal{run});
  }
  const auto counts = store->archive(closed, timers.now(), moved);
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts.value().runs, kArchived);
  ASSERT_EQ(counts.value().events, archived_events);

  // The projector dies and comes back on other partitions; the log is read again and again while the rest arrives.
  projector->kill(1);
  append(half_way, half_way + 1000);
  projector->scale(4);
  append(half_way + 1000, events.size());
  for (std::uint32_t run = kArchived; run < kRuns; ++run) projector->resync(RunOrdinal{run}, ResyncMode::full);
  timers.run();
  EXPECT_EQ(projector->gaps_confirmed(), 0U);

  std::vector<StoredEvent> log;
  std::uint64_t read = 0, position = 0;
  do {
    position = store->read_partition(position, 0, 1, 1000, log);
    read += log.size();
  } while (!log.empty());
  EXPECT_EQ(read, events.size() - archived_events);

  store::db::SnapshotHasher hasher(test::kStart);
  const PlanRecord plan = test::make_plan(0, kSteps);
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    const RunOrdinal ordinal{run};
    ASSERT_EQ(store->snapshot(ordinal).has_value(), run >= kArchived);
    const auto snapshot = run < kArchived ? store->archived_snapshot(ordinal) : store->snapshot(ordinal);
    ASSERT_TRUE(snapshot) << "run " << run;
    const RunState rebuilt = projector->rebuild(ordinal);
    ASSERT_EQ(to_hex(snapshot->hash), to_hex(hasher.hash(test::make_run(run).run_id, plan, rebuilt))) << "run " << run;
    ASSERT_TRUE(is_terminal(rebuilt.status)) << "run " << run;
  }
}

}  // namespace
}  // namespace dvt
