// Archiving closed runs: what leaves the store is in the archive, row by row, and both can still be audited.
#include "store/sqlite/audit.h"
#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

using store::Commit;
using store::SqliteStateStore;
using test::numbered_event;

class Archiving : public testing::Test {
 protected:
  void open(Commit commit = Commit::batched) {
    store = std::make_unique<SqliteStateStore>(test::sqlite_options(file.path(), commit));
    test::describe_world(*store, kRuns);
  }
  /// Events of all runs, interleaved; delivered and projected, all runs released.
  void settle(std::uint32_t per_run) {
    std::vector<std::uint64_t> positions;
    for (std::uint32_t i = 0; i < per_run; ++i)
      for (std::uint32_t run = 0; run < kRuns; ++run)
        positions.push_back(store->append(numbered_event(run, i), Instant{i}).value().position);
    SignalDecision decision;
    decision.run = RunOrdinal{1};
    decision.signal_id = "s";
    ASSERT_TRUE(store->decide(decision));
    std::vector<OutboxRow> claimed;
    store->claim_outbox(0, Instant{}, Instant{99}, positions.size(), claimed);
    store->mark_delivered(positions, Instant{1});
    RunState state;
    for (std::uint32_t run = 0; run < kRuns; ++run) {
      const SnapshotWrite write{RunOrdinal{run}, per_run, &state};
      store->write_snapshots(0, positions.back(), std::span(&write, 1), Instant{2});
      store->release_run(RunOrdinal{run});
    }
    store->flush();
  }
  Result<ArchiveCounts, StoreError> archive(std::vector<RunOrdinal> runs) {
    return store->archive(runs, Instant{7}, moved);
  }
  std::vector<store::AuditFinding> findings() {
    store->flush();
    std::vector<store::AuditFinding> all = store::audit(store->database());
    if (store::has_archive(store->database())) {
      store::db::Database archived(store::archive_path(file.path()));
      for (auto& finding : store::audit_archive(store->database(), archived)) all.push_back(std::move(finding));
    }
    return all;
  }

  static constexpr std::uint32_t kRuns = 5;
  test::TemporaryFile file{"retention"};
  std::unique_ptr<SqliteStateStore> store;
  std::vector<RunOrdinal> moved;
};

TEST_F(Archiving, MovesRunsAndKeepsTheCountsAndTheChainWhole) {
  open();
  settle(20);
  const auto counts = archive({RunOrdinal{1}, RunOrdinal{3}});
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts.value().runs, 2U);
  EXPECT_EQ(counts.value().events, 40U);
  EXPECT_EQ(counts.value().decisions, 1U);
  EXPECT_EQ(moved, (std::vector<RunOrdinal>{RunOrdinal{1}, RunOrdinal{3}}));

  store::db::Database& db = store->database();
  EXPECT_EQ(db.query_int("SELECT count(*) FROM main.event ORDER BY 1"), 60);
  EXPECT_EQ(db.query_int("SELECT count(*) FROM archive.event ORDER BY 1"), 40);
  EXPECT_EQ(store->counts().events, 100U);  // the store goes on counting what it archived
  EXPECT_EQ(store->counts().runs, 5U);
  EXPECT_TRUE(test::events_of(*store, 1).empty());
  EXPECT_EQ(test::events_of(*store, 2).size(), 20U);
  EXPECT_TRUE(findings().empty());

  // … and are read back from there, row by row, while somebody's changed row is not.
  std::vector<StoredEvent> back;
  store->fetch_archived(RunOrdinal{1}, 5, 3, back);
  ASSERT_EQ(back.size(), 3U);
  EXPECT_EQ(back[0].run_seq, 6U);
  EXPECT_EQ(back[2].idempotency_key, numbered_event(1, 7).idempotency_key);
  ASSERT_TRUE(store->archived_snapshot(RunOrdinal{1}));
  EXPECT_EQ(store->archived_snapshot(RunOrdinal{1})->up_to_seq, 20U);
  EXPECT_FALSE(store->archived_snapshot(RunOrdinal{2})) << "it is not archived";
  db.exec("DROP TRIGGER archive.event_is_immutable");
  db.exec("UPDATE archive.event SET logical_attempt = 99 WHERE run_no = 1 AND run_seq = 7");
  EXPECT_THROW(store->fetch_archived(RunOrdinal{1}, 5, 3, back), StoreFailure);
  db.exec("UPDATE archive.event SET logical_attempt = 7 WHERE run_no = 1 AND run_seq = 7");

  EXPECT_EQ(store->find_request(test::make_run(1).request_key), RunOrdinal{1});  // asked for again, it is not a new run
  EXPECT_EQ(store->append(numbered_event(1, 0), Instant{9}).error(), StoreError::unknown_run);
}

TEST_F(Archiving, GoesOnAfterItIsOpenedAgainEvenWithNothingLeft) {
  open();
  settle(4);
  ASSERT_TRUE(archive({RunOrdinal{0}, RunOrdinal{1}, RunOrdinal{2}, RunOrdinal{3}, RunOrdinal{4}}));
  store.reset();
  open();
  EXPECT_EQ(store->counts().events, 20U);
  EXPECT_EQ(store->counts().runs, 5U);
  EXPECT_EQ(store->counts().decisions, 1U);
  EXPECT_EQ(store->archived().events, 20U);
  store->add_run(test::make_run(5));
  const auto next = store->append(numbered_event(5, 0), Instant{9});
  ASSERT_TRUE(next);
  EXPECT_EQ(next.value().position, 21U);
  EXPECT_TRUE(findings().empty());
}

TEST_F(Archiving, LeavesRunsOfWhichSomethingIsStillToBeDone) {
  open();
  settle(3);
  store->add_run(test::make_run(5));
  const std::uint64_t open_event = store->append(numbered_event(5, 0), Instant{}).value().position;
  ASSERT_TRUE(archive({RunOrdinal{5}, RunOrdinal{0}}));
  EXPECT_EQ(moved, std::vector<RunOrdinal>{RunOrdinal{0}}) << "an open run, undelivered, unprojected";
  store->release_run(RunOrdinal{5});
  store->flush();
  std::vector<OutboxRow> claimed;
  store->claim_outbox(0, Instant{}, Instant{99}, 10, claimed);
  store->dead_letter(open_event, Instant{1});
  store->write_snapshots(0, open_event, {}, Instant{2});
  ASSERT_TRUE(archive({RunOrdinal{5}, RunOrdinal{0}}));
  EXPECT_TRUE(moved.empty()) << "a dead letter may yet be sent again; run 0 is archived already";
  EXPECT_TRUE(findings().empty());
}

// A copy that lost or changed something: found when it is read back, and nothing is removed here.
TEST_F(Archiving, RemovesNothingWhenTheArchiveIsNotWhatWasCopied) {
  for (const char* defect :
       {"UPDATE event SET payload = 'x' WHERE position = 6", "DELETE FROM event WHERE position = 6",
        "UPDATE event SET row_hash = zeroblob(32) WHERE position = 6"}) {
    SCOPED_TRACE(defect);
    store.reset();
    for (const std::string& path : {file.path(), store::archive_path(file.path())})
      for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
    open();
    settle(3);
    ASSERT_TRUE(archive({RunOrdinal{4}}));  // the archive exists; a trigger in it will spoil what comes
    store->database().exec("DROP TRIGGER archive.event_is_immutable; DROP TRIGGER archive.event_stays");
    store->database().exec(
        (std::string("CREATE TRIGGER archive.spoil AFTER INSERT ON event WHEN NEW.position = 6 BEGIN ") + defect +
         "; END")
            .c_str());
    const auto refused = archive({RunOrdinal{0}, RunOrdinal{1}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), StoreError::corrupt);
    EXPECT_TRUE(moved.empty());
    EXPECT_EQ(test::events_of(*store, 0).size(), 3U);
    EXPECT_EQ(store->database().query_int("SELECT count(*) FROM main.event ORDER BY 1"), 12);
    EXPECT_TRUE(store::audit(store->database()).empty());
  }
}

TEST_F(Archiving, AnAuditNamesWhatSomebodyDidToTheArchive) {
  open();
  settle(3);
  ASSERT_TRUE(archive({RunOrdinal{0}, RunOrdinal{1}}));
  store::db::Database archived(store::archive_path(file.path()));
  EXPECT_THROW(archived.exec("DELETE FROM event WHERE position = 6"), store::db::DbError);
  archived.exec("DROP TRIGGER event_stays; DROP TRIGGER event_is_immutable");
  archived.exec("UPDATE event SET payload = 'x' WHERE position = 2");
  archived.exec("DELETE FROM event WHERE position = 6");
  const auto found = findings();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].row, 2);
  EXPECT_EQ(found[1].row, 6);
}

}  // namespace
}  // namespace dvt
