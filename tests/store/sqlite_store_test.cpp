// What is particular to the SQLite store: the file, its views, its transactions and what a failed or killed one leaves.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite/audit.h"
#include "store/sqlite/schema.h"
#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

using store::Commit;
using store::SqliteStateStore;
using test::describe_world;
using test::make_event;
using test::numbered_event;
using test::sqlite_options;
using test::TemporaryFile;

std::vector<std::string> rows_of(store::db::Database& database, const std::string& sql, int columns) {
  store::db::Statement statement(database, sql);
  std::vector<std::string> rows;
  while (statement.step()) {
    std::string row;
    for (int i = 0; i < columns; ++i) {
      if (i > 0) row += '|';
      row += statement.text_at(i);
    }
    rows.push_back(row);
  }
  return rows;
}

RunState running_state() {
  RunState state;
  apply_event(state, EventType::run_started, kNoStep, 1, Instant{});
  return state;
}

void write_snapshot(StateStore& store, std::uint32_t run, std::uint64_t up_to, const RunState& state, Instant at) {
  const SnapshotWrite write{RunOrdinal{run}, up_to, &state};
  store.write_snapshots(0, up_to, std::span(&write, 1), at);
}

TEST(SqliteStore, ShowsTextIdsAndIsoTimesInItsViews) {
  SqliteStateStore store(sqlite_options());
  describe_world(store, 2);
  NewEvent event = make_event(1, EventType::run_queued, kNoStep, 1, Instant{milliseconds(999).ns});
  event.payload = std::make_shared<const std::string>("{\"a\":1}");
  ASSERT_TRUE(store.append(event, Instant{seconds(1).ns + 5}));
  ASSERT_TRUE(store.append(make_event(1, EventType::step_skipped, StepIndex{2}, 3, Instant{seconds(61).ns}),
                           Instant{seconds(62).ns}));
  write_snapshot(store, 1, 2, running_state(), Instant{seconds(63).ns});
  SignalDecision decision;
  decision.signal_id = "s-1";
  decision.run = RunOrdinal{1};
  decision.type = SignalType::update_params;
  decision.status = DecisionStatus::rejected;
  decision.code = "AUTHZ_DENIED";
  decision.effective_role = Role::engineer;
  decision.actor = "ada";
  decision.received_at = Instant{seconds(3600).ns};
  decision.decided_at = Instant{seconds(3601).ns};
  ASSERT_TRUE(store.decide(decision));
  std::vector<OutboxRow> claimed;
  store.claim_outbox(1, Instant{seconds(62).ns}, Instant{seconds(92).ns}, 1, claimed);
  store.flush();

  store::db::Database& db = store.database();
  const std::string run_id = to_string(test::make_run(1).run_id);
  EXPECT_EQ(
      rows_of(db,
              "SELECT run_seq, event_type, step_id, logical_attempt, emitted_at, persisted_at, payload, plan_id,"
              " tenant_id FROM v_events WHERE run_id = '" +
                  run_id + "' ORDER BY run_seq",
              9),
      (std::vector<std::string>{
          "1|RunQueued||1|2026-01-01T00:00:00.999000000Z|2026-01-01T00:00:01.000000005Z|{\"a\":1}|plan-0|tenant-0",
          "2|StepSkipped|step-2|3|2026-01-01T00:01:01.000000000Z|2026-01-01T00:01:02.000000000Z||plan-0|tenant-0"}));
  EXPECT_EQ(rows_of(db, "SELECT event_id, idempotency_key FROM v_events ORDER BY position LIMIT 1", 2),
            std::vector<std::string>{to_string(event.event_id) + "|" + to_hex(event.idempotency_key)});
  EXPECT_EQ(rows_of(db,
                    "SELECT run_id, status, last_run_seq, projected_seq, requested_at FROM v_runs WHERE status ="
                    " 'RUNNING' ORDER BY run_no",
                    5),
            std::vector<std::string>{run_id + "|RUNNING|2|2|2026-01-01T00:00:00.001000000Z"});
  EXPECT_EQ(rows_of(db, "SELECT position, state, relay, lease_until FROM v_outbox ORDER BY position", 4),
            (std::vector<std::string>{"1|leased|1|2026-01-01T00:01:32.000000000Z", "2|pending||"}));
  EXPECT_EQ(rows_of(db,
                    "SELECT run_id, up_to_seq, status, committed_at, hash, newest FROM v_snapshots"
                    " ORDER BY snapshot_no",
                    6),
            std::vector<std::string>{run_id + "|2|RUNNING|2026-01-01T00:01:03.000000000Z|" +
                                     to_hex(store.snapshot(RunOrdinal{1})->hash) + "|1"});
  EXPECT_EQ(
      rows_of(db,
              "SELECT signal_id, run_id, signal_type, status, code, effective_role, actor, decided_at"
              " FROM v_decisions ORDER BY decision_no",
              8),
      std::vector<std::string>{std::string("s-1|") + run_id +
                               "|UPDATE_PARAMS|rejected|AUTHZ_DENIED|Engineer|ada|2026-01-01T01:00:01.000000000Z"});
}

TEST(SqliteStore, WritesEventAndOutboxRowInOneTransactionAndRemovesDeliveredRowsFromTheFront) {
  SqliteStateStore store(sqlite_options());
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 6; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{i}));
  store.flush();
  store::db::Database& db = store.database();
  const auto outbox = [&] { return rows_of(db, "SELECT position, state FROM outbox ORDER BY position", 2); };
  EXPECT_EQ(outbox().size(), 6U);
  std::vector<OutboxRow> rows;
  store.claim_outbox(0, Instant{10}, Instant{20}, 6, rows);
  const std::uint64_t delivered[] = {1, 2, 4};
  store.mark_delivered(delivered, Instant{11});
  store.flush();
  EXPECT_EQ(outbox(), (std::vector<std::string>{"3|1", "4|2", "5|1", "6|1"}));
  EXPECT_EQ(store.counts().outbox_pending, 3U);
  store.dead_letter(3, Instant{12});
  store.flush();
  EXPECT_EQ(outbox(), (std::vector<std::string>{"5|1", "6|1"}));
  EXPECT_EQ(rows_of(db, "SELECT position, died_at FROM v_dead_letters ORDER BY position", 2),
            std::vector<std::string>{"3|2026-01-01T00:00:00.000000012Z"});
}

TEST(SqliteStore, StoresOnlyTheNewestSnapshotOfARunInOneCommit) {
  SqliteStateStore store(sqlite_options());
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{i}));
  write_snapshot(store, 0, 1, running_state(), Instant{1});
  write_snapshot(store, 0, 2, running_state(), Instant{2});
  store.flush();
  write_snapshot(store, 0, 3, running_state(), Instant{3});
  EXPECT_EQ(store.snapshot(RunOrdinal{0})->up_to_seq, 3U);
  store.flush();
  EXPECT_EQ(rows_of(store.database(), "SELECT up_to_seq, newest FROM v_snapshots ORDER BY snapshot_no", 2),
            (std::vector<std::string>{"2|0", "3|1"}));
  EXPECT_EQ(store.snapshot(RunOrdinal{0})->up_to_seq, 3U);
}

TEST(SqliteStore, AnswersTwentyThousandDuplicatesWithoutChange) {
  SqliteStateStore store(sqlite_options(":memory:", Commit::batched, 100));
  describe_world(store, 50);
  std::vector<AppendReceipt> first;
  for (std::uint32_t i = 0; i < 1000; ++i)
    first.push_back(store.append(numbered_event(i % 50, i / 50), Instant{i}).value());
  for (std::uint32_t run = 0; run < 25; ++run) store.release_run(RunOrdinal{run});  // half of them from the database
  store.flush();
  EXPECT_EQ(store.open_runs(), 25U);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::uint32_t n = i * 7 % 1000;
    NewEvent again = numbered_event(n % 50, n / 50);
    again.event_id = Uuid{};  // a different producer would have drawn another id: the stored one counts
    const auto receipt = store.append(again, Instant{1'000'000});
    ASSERT_TRUE(receipt);
    ASSERT_TRUE(receipt.value().idempotent);
    ASSERT_EQ(receipt.value().event_id, first[n].event_id);
    ASSERT_EQ(receipt.value().run_seq, first[n].run_seq);
    ASSERT_EQ(receipt.value().position, first[n].position);
    ASSERT_EQ(receipt.value().persisted_at, first[n].persisted_at);
  }
  EXPECT_EQ(store.counts().events, 1000U);
  EXPECT_EQ(store.counts().duplicates, 20'000U);
  EXPECT_EQ(store.open_runs(), 25U);  // duplicates do not bring released runs back
  store.flush();
  EXPECT_EQ(store.database().query_int("SELECT count(*) FROM event ORDER BY 1"), 1000);
}

TEST(SqliteStore, KeepsNothingOfReleasedRuns) {
  SqliteStateStore store(sqlite_options(":memory:", Commit::batched, 50));
  describe_world(store, 0);
  for (std::uint32_t run = 0; run < 500; ++run) {
    store.add_run(test::make_run(run));
    for (std::uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(store.append(numbered_event(run, i), Instant{}));
    store.release_run(RunOrdinal{run});
    EXPECT_LE(store.open_runs(), 12U);
  }
  // A late event of a released run goes on where the run stood.
  const auto late = store.append(numbered_event(3, 77), Instant{});
  ASSERT_TRUE(late);
  EXPECT_EQ(late.value().run_seq, 6U);
  store.flush();
  EXPECT_EQ(store.open_runs(), 0U);
  EXPECT_EQ(test::events_of(store, 3).size(), 6U);
}

TEST(SqliteStore, ReopensAFileWhereItWasLeft) {
  const TemporaryFile file("reopen");
  std::vector<std::string> before;
  {
    SqliteStateStore store(sqlite_options(file.path()));
    describe_world(store, 3);
    for (std::uint32_t i = 0; i < 30; ++i) ASSERT_TRUE(store.append(numbered_event(i % 3, i), Instant{i}));
    before = test::texts_of(test::events_of(store, 1));
  }
  SqliteStateStore store(sqlite_options(file.path()));
  EXPECT_EQ(test::texts_of(test::events_of(store, 1)), before);
  EXPECT_EQ(store.counts().events, 30U);
  EXPECT_EQ(store.counts().outbox_pending, 30U);
  const auto next = store.append(numbered_event(1, 999), Instant{99});
  ASSERT_TRUE(next);
  EXPECT_EQ(next.value().position, 31U);
  EXPECT_EQ(next.value().run_seq, 11U);
  store.flush();
  EXPECT_TRUE(store::audit(store.database()).empty());  // the hash chain goes on across the restart
}

TEST(SqliteStore, RefusesAFileOfAnotherScenarioOrOfAnotherKind) {
  const TemporaryFile file("foreign");
  { SqliteStateStore store(sqlite_options(file.path())); }
  store::SqliteOptions other = sqlite_options(file.path());
  other.start = UnixNanos{0};
  EXPECT_THROW(SqliteStateStore{other}, Error);
  const TemporaryFile nowhere("no/such/folder");
  EXPECT_THROW(SqliteStateStore{sqlite_options(nowhere.path())}, Error);
}

/// Runs `body` in a process of its own, which then dies as by kill -9.
template <class Body>
void run_and_kill(Body body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended before it was killed";
}

TEST(SqliteStore, LeavesAPrefixAndASoundFileWhenKilled) {
  const TemporaryFile file("killed");
  run_and_kill([&] {
    SqliteStateStore* store = new SqliteStateStore(sqlite_options(file.path(), Commit::batched, 10));
    describe_world(*store, 2);
    for (std::uint32_t i = 0; i < 47; ++i) (void)store->append(numbered_event(i % 2, i), Instant{i});
  });
  SqliteStateStore store(sqlite_options(file.path()));
  EXPECT_EQ(store.database().integrity_check(), "ok");
  EXPECT_TRUE(store::audit(store.database()).empty());
  EXPECT_EQ(store.counts().events, 40U);  // whole batches, in order, nothing in between
  std::vector<StoredEvent> events;
  store.read_partition(0, 0, 1, 100, events);
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].position, i + 1);
    EXPECT_EQ(events[i].idempotency_key, numbered_event(i % 2, i).idempotency_key);
  }
}

TEST(SqliteStore, LosesNothingAcknowledgedWithACommitForEachAppend) {
  const TemporaryFile file("killed_per_append");
  run_and_kill([&] {
    SqliteStateStore* store = new SqliteStateStore(sqlite_options(file.path(), Commit::per_append));
    describe_world(*store, 2);
    for (std::uint32_t i = 0; i < 47; ++i) (void)store->append(numbered_event(i % 2, i), Instant{i});
    SignalDecision decision;
    decision.signal_id = "last";
    (void)store->decide(decision);
  });
  SqliteStateStore store(sqlite_options(file.path()));
  EXPECT_EQ(store.counts().events, 47U);
  EXPECT_EQ(store.counts().decisions, 1U);
  EXPECT_TRUE(store::audit(store.database()).empty());
}

class FullDisk : public testing::TestWithParam<Commit> {};

TEST_P(FullDisk, LosesNothingAcknowledgedAndGoesOnWhenThereIsRoom) {
  SqliteStateStore store(sqlite_options(":memory:", GetParam(), 50));
  describe_world(store, 4);
  std::uint32_t accepted = 0;
  for (; accepted < 100; ++accepted) ASSERT_TRUE(store.append(numbered_event(accepted % 4, accepted), Instant{}));
  const std::string pages = std::to_string(store.database().query_int("PRAGMA page_count") + 1);
  store.database().query_int("PRAGMA max_page_count = " + pages);

  std::uint32_t refused = 0;
  const std::string big(5000, 'x');
  for (std::uint32_t i = accepted; refused < 3 && i < 1000; i = accepted) {
    NewEvent event = numbered_event(i % 4, i);
    event.payload = std::make_shared<const std::string>(big);
    const auto receipt = store.append(event, Instant{});
    if (receipt) {
      EXPECT_EQ(receipt.value().position, i + 1);
      ++accepted;
    } else {
      EXPECT_EQ(receipt.error(), StoreError::disk_full);
      ++refused;
    }
  }
  ASSERT_EQ(refused, 3U);
  EXPECT_EQ(store.counts().events, accepted);
  EXPECT_FALSE(store.database().in_transaction());
  // What is acknowledged can be read, and no trace is left of the refused event.
  std::vector<StoredEvent> events;
  store.read_partition(0, 0, 1, 10'000, events);
  EXPECT_EQ(events.size(), accepted);
  SignalDecision decision;
  decision.signal_id = "while full";
  decision.reason = std::string(50'000, 'r');
  const auto decided = store.decide(decision);
  EXPECT_FALSE(decided);

  store.database().query_int("PRAGMA max_page_count = 100000");
  const auto receipt = store.append(numbered_event(accepted % 4, accepted), Instant{});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt.value().position, accepted + 1);
  EXPECT_FALSE(receipt.value().idempotent);
  const auto again = store.decide(decision);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again.value().idempotent);
  store.flush();
  EXPECT_EQ(store.database().query_int("SELECT count(*) FROM event ORDER BY 1"), accepted + 1);
  EXPECT_EQ(store.database().query_int("SELECT count(*) FROM outbox ORDER BY 1"), accepted + 1);
  EXPECT_TRUE(store::audit(store.database()).empty());
}

INSTANTIATE_TEST_SUITE_P(Commits, FullDisk, testing::Values(Commit::batched, Commit::per_append));

TEST(SqliteStore, AnswersUnavailableWhileAnotherProcessHoldsTheFile) {
  const TemporaryFile file("busy");
  SqliteStateStore store(sqlite_options(file.path(), Commit::per_append));
  describe_world(store, 1);
  ASSERT_TRUE(store.append(numbered_event(0, 0), Instant{}));
  store.database().query_int("PRAGMA busy_timeout = 0");
  {
    store::db::Database other(file.path());
    store::db::Transaction lock(other);
    const auto refused = store.append(numbered_event(0, 1), Instant{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), StoreError::unavailable);
  }
  const auto receipt = store.append(numbered_event(0, 1), Instant{});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt.value().run_seq, 2U);
}

TEST(Audit, NamesTheEditedTheRemovedAndTheInventedRow) {
  SqliteStateStore store(sqlite_options());
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 9; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{i}));
  write_snapshot(store, 0, 9, running_state(), Instant{9});
  store.flush();
  store::db::Database& db = store.database();
  ASSERT_TRUE(store::audit(db).empty());
  for (const store::Trigger& trigger : store::immutability_triggers()) {  // as somebody would who wants to edit rows
    db.exec(("DROP TRIGGER " + std::string(trigger.name)).c_str());
    EXPECT_EQ(store::audit(db)[0].what,
              "trigger " + std::string(trigger.name) + " is missing: rows could be changed unhindered");
    db.exec(std::string(trigger.sql).c_str());
  }
  const auto without_triggers = [&db](const std::string& sql) {
    for (const store::Trigger& trigger : store::immutability_triggers())
      db.exec(("DROP TRIGGER " + std::string(trigger.name)).c_str());
    db.exec(sql.c_str());
    for (const store::Trigger& trigger : store::immutability_triggers()) db.exec(std::string(trigger.sql).c_str());
  };

  without_triggers("UPDATE event SET emitted_at_ns = 4 WHERE position = 5");
  auto findings = store::audit(db);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].row, 5);
  without_triggers("UPDATE event SET emitted_at_ns = 0 WHERE position = 5");
  ASSERT_TRUE(store::audit(db).empty());

  without_triggers("UPDATE event SET event_id = x'00' WHERE position = 2; DELETE FROM event WHERE position = 7");
  findings = store::audit(db);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0].row, 2);
  EXPECT_EQ(findings[1].row, 7);
  EXPECT_EQ(findings[1].what, "the event is missing: it was removed");
  EXPECT_EQ(findings[2].what, "the outbox row's event does not exist");

  without_triggers("UPDATE snapshot SET hash = zeroblob(32); DELETE FROM outbox WHERE position = 7");
  EXPECT_EQ(store::audit(db).back().what, "the snapshot does not match its hash: it was edited");
}

TEST(SqliteStore, RefusesToChangeOrRemoveWhatIsWritten) {
  SqliteStateStore store(sqlite_options());
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{i}));
  write_snapshot(store, 0, 3, running_state(), Instant{3});
  SignalDecision deferred;
  deferred.signal_id = "s";
  deferred.status = DecisionStatus::deferred;
  ASSERT_TRUE(store.decide(deferred));
  store.flush();
  store::db::Database& db = store.database();
  for (const char* sql : {"UPDATE event SET payload = 'x' WHERE position = 2", "DELETE FROM event WHERE position = 2",
                          "UPDATE snapshot SET status = 3", "DELETE FROM snapshot", "DELETE FROM signal_decision",
                          "UPDATE signal_decision SET reason = 'another'"}) {
    EXPECT_THROW(db.exec(sql), store::db::DbError) << sql;
  }
  deferred.status = DecisionStatus::accepted;  // decided for good: its outcome may change
  deferred.replaces = true;
  ASSERT_TRUE(store.decide(deferred));
  store.flush();
  EXPECT_EQ(db.query_int("SELECT status FROM signal_decision ORDER BY decision_no"), 0);
  EXPECT_TRUE(store::audit(db).empty());
}

TEST(SqliteStore, KeepsAnInMemoryStoreInAFile) {
  const TemporaryFile file("kept");
  SqliteStateStore store(sqlite_options());
  describe_world(store, 1);
  for (std::uint32_t i = 0; i < 9; ++i) ASSERT_TRUE(store.append(numbered_event(0, i), Instant{i}));
  store.backup_to(file.path());
  SqliteStateStore kept(sqlite_options(file.path()));
  EXPECT_EQ(test::texts_of(test::events_of(kept, 0)), test::texts_of(test::events_of(store, 0)));
}

}  // namespace
}  // namespace dvt
