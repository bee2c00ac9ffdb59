// Retention: closed runs move into a second database beside the store's, FILE-archive (in memory for a store in
// memory). Copy and commit there, read back and compare, only then remove here. An anchor (first and last position,
// hash of the last row) takes the place of each stretch of events in the hash chain; archived rows carry the hash of
// the row before them, so that each can be checked alone. Killed in between, the rows are in both places, and the next
// attempt finds them.
#include <algorithm>
#include <optional>

#include "engine/base/format.h"

#include "store/sqlite/row_codec.h"
#include "store/sqlite/sqlite_state_store.h"
#include "store/sqlite/statements.h"

namespace dvt::store {
namespace {

// Columns as in the store's own tables; event has previous_hash besides.
constexpr const char* kArchiveTables = R"sql(
CREATE TABLE IF NOT EXISTS archive.event (position INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, run_seq INTEGER NOT NULL,
  type INTEGER NOT NULL, step_no INTEGER, logical_attempt INTEGER NOT NULL, engine_attempt INTEGER NOT NULL,
  event_id BLOB NOT NULL, idempotency_key BLOB NOT NULL, emitted_at_ns INTEGER NOT NULL,
  persisted_at_ns INTEGER NOT NULL, payload TEXT, row_hash BLOB NOT NULL, previous_hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS archive.run (run_no INTEGER PRIMARY KEY, run_id BLOB NOT NULL, plan_no INTEGER NOT NULL,
  tenant_no INTEGER NOT NULL, requested_at_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS archive.snapshot (snapshot_no INTEGER PRIMARY KEY, run_no INTEGER NOT NULL,
  up_to_seq INTEGER NOT NULL, status INTEGER NOT NULL, inconsistent INTEGER NOT NULL, committed_at_ns INTEGER NOT NULL,
  hash BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS archive.signal_decision (decision_no INTEGER PRIMARY KEY, tenant_no INTEGER NOT NULL,
  run_no INTEGER NOT NULL, signal_id TEXT NOT NULL, type INTEGER NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
  role INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, payload TEXT NOT NULL,
  received_at_ns INTEGER NOT NULL, decided_at_ns INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS archive.event_is_immutable BEFORE UPDATE ON event BEGIN
  SELECT RAISE(ABORT, 'an archived event is never changed'); END;
CREATE TRIGGER IF NOT EXISTS archive.event_stays BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'an archived event is never removed'); END;
)sql";

constexpr const char* kChosen = "run_no IN (SELECT run_no FROM temp.chosen ORDER BY run_no)";
constexpr const char* kPlainTables[] = {"run", "snapshot", "signal_decision"};

}  // namespace

void SqliteStateStore::attach_archive() {
  if (archive_attached_) return;
  {
    db::Statement attach(db_, "ATTACH ? AS archive");
    const std::string path = db_.in_memory() ? ":memory:" : archive_path(options_.path);
    attach.bind_text(1, path);
    attach.run();
  }
  archive_attached_ = true;
  if (!db_.in_memory()) {
    db_.query_text("PRAGMA archive.journal_mode = WAL");
    db_.exec("PRAGMA archive.synchronous = FULL");
  }
  db_.exec(kArchiveTables);
  db_.exec("CREATE TEMP TABLE IF NOT EXISTS chosen (run_no INTEGER PRIMARY KEY)");
}

// After opening: what earlier processes archived.
void SqliteStateStore::load_archived() {
  if (db_.query_int("SELECT count(*) FROM archive_anchor ORDER BY 1") == 0) return;
  attach_archive();
  const auto count = [&](const char* table) {
    return static_cast<std::uint64_t>(db_.query_int(std::string("SELECT count(*) FROM archive.") + table +
                                                    " a WHERE NOT EXISTS (SELECT 1 FROM main.run"
                                                    " WHERE run_no = a.run_no) ORDER BY 1"));
  };
  archived_ = {count("run"), count("event"), count("signal_decision")};
}

std::uint64_t SqliteStateStore::last_position() {
  return static_cast<std::uint64_t>(
      std::max(db_.query_int("SELECT max(position) FROM event ORDER BY 1"),
               db_.query_int("SELECT max(last_position) FROM archive_anchor ORDER BY 1")));
}

Digest SqliteStateStore::hash_of(std::uint64_t position) {
  Digest hash;  // before the first event: zeros
  db::Statement row(db_,
                    "SELECT row_hash FROM event WHERE position = ?1 UNION ALL"
                    " SELECT row_hash FROM archive_anchor WHERE last_position = ?1 ORDER BY 1");
  row.bind(1, position);
  if (row.step()) copy_bytes(row.blob_at(0), hash);
  return hash;
}

Result<ArchiveCounts, StoreError> SqliteStateStore::archive(std::span<const RunOrdinal> runs, Instant now,
                                                            std::vector<RunOrdinal>& moved) {
  moved.clear();
  try {
    return guarded([&] { return archive_checked(runs, now, moved); });
  } catch (const StoreFailure& error) {
    moved.clear();
    return failure(error.store_error());
  }
}

bool SqliteStateStore::settled(RunOrdinal run) {
  if (runs_.find(run) != RunTable::kNone) return false;
  db::Statement& select = sql_->select_run_end;
  db::ResetGuard guard(select);
  select.bind(1, run.value);
  if (!select.step() || select.int_at(0) == 0) return false;  // nothing of it is stored, or no longer here
  const std::uint64_t last = select.uint_at(1);
  if (last >= outbox_.base() || select.int_at(2) != 0) return false;
  return std::all_of(watermarks_.begin(), watermarks_.end(),
                     [last](const auto& watermark) { return watermark.second.position >= last; });
}

ArchiveCounts SqliteStateStore::archive_checked(std::span<const RunOrdinal> runs, Instant now,
                                                std::vector<RunOrdinal>& moved) {
  commit(ring_.last());
  attach_archive();
  for (const RunOrdinal run : runs)
    if (settled(run)) moved.push_back(run);
  if (moved.empty()) return {};
  db_.exec("DELETE FROM temp.chosen");
  {
    db::Statement choose(db_, "INSERT INTO temp.chosen (run_no) VALUES (?)");
    for (const RunOrdinal run : moved) {
      choose.bind(1, run.value);
      choose.run();
    }
  }
  copy_to_archive();
  const ArchiveCounts counts = compare_with_archive();
  remove_archived(now);
  archived_.runs += counts.runs;
  archived_.events += counts.events;
  archived_.decisions += counts.decisions;
  return counts;
}

void SqliteStateStore::copy_to_archive() {
  db::Transaction transaction(db_);
  db_.exec((std::string("INSERT OR IGNORE INTO archive.event SELECT event.*, coalesce(") + Statements::kPreviousHash +
            ", zeroblob(32)) FROM main.event WHERE " + kChosen + " ORDER BY position")
               .c_str());
  for (const char* table : kPlainTables) {
    db_.exec(
        fmt::format("INSERT OR IGNORE INTO archive.{0} SELECT * FROM main.{0} WHERE {1} ORDER BY 1", table, kChosen)
            .c_str());
  }
  transaction.commit();
}

// Reads back: every row of these runs is there, is what the store has, and matches its hash.
ArchiveCounts SqliteStateStore::compare_with_archive() {
  ArchiveCounts counts;
  const auto count = [&](const char* schema, const char* table) {
    return static_cast<std::uint64_t>(db_.query_int(std::string("SELECT count(*) FROM ") + schema + "." + table +
                                                    " WHERE " + kChosen + " ORDER BY 1"));
  };
  const std::string columns = kEventColumns;
  db::Statement rows(db_, "SELECT " + columns +
                              ", row_hash, previous_hash, (SELECT row_hash FROM main.event here"
                              " WHERE here.position = event.position ORDER BY position) FROM archive.event WHERE " +
                              kChosen + " ORDER BY position");
  while (rows.step()) {
    const StoredEvent event = verified(rows);
    if (rows.blob_at(12) != rows.blob_at(14))
      corrupt("archived event " + std::to_string(event.position) + " is not the store's");
    ++counts.events;
  }
  if (counts.events != count("main", "event")) corrupt("the archive has lost events");
  for (const char* table : kPlainTables) {
    const std::int64_t different = db_.query_int(fmt::format(
        "SELECT count(*) FROM (SELECT * FROM main.{0} WHERE {1} EXCEPT SELECT * FROM archive.{0} ORDER BY 1)"
        " ORDER BY 1",
        table, kChosen));
    if (count("main", table) != count("archive", table) || different != 0)
      corrupt("the archive's table " + std::string(table) + " is not what the store's is");
  }
  counts.runs = count("main", "run");
  counts.decisions = count("main", "signal_decision");
  return counts;
}

void SqliteStateStore::fetch_archived(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                                      std::vector<StoredEvent>& out) {
  guarded([&] {
    out.clear();
    if (!archive_attached_) return;
    db::Statement rows(db_, std::string("SELECT ") + kEventColumns +
                                ", row_hash, previous_hash FROM archive.event"
                                " WHERE run_no = ? AND run_seq > ? ORDER BY run_seq LIMIT ?");
    rows.bind(1, run.value);
    rows.bind(2, after_seq);
    rows.bind(3, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1U << 30)));
    while (rows.step()) out.push_back(verified(rows));
  });
}

std::optional<StoredSnapshot> SqliteStateStore::archived_snapshot(RunOrdinal run) {
  return guarded([&]() -> std::optional<StoredSnapshot> {
    if (!archive_attached_) return std::nullopt;
    db::Statement row(db_,
                      "SELECT s.up_to_seq, s.hash, s.state, r.run_id, r.plan_no FROM archive.snapshot s"
                      " JOIN archive.run r ON r.run_no = s.run_no WHERE s.run_no = ? ORDER BY s.snapshot_no DESC"
                      " LIMIT 1");
    row.bind(1, run.value);
    if (!row.step()) return std::nullopt;
    return verified_snapshot(row, run);
  });
}

void SqliteStateStore::remove_archived(Instant now) {
  db::Transaction transaction(db_);
  db_.exec("INSERT INTO main.archiving SELECT run_no FROM temp.chosen ORDER BY run_no");
  {
    struct Stretch {
      std::uint64_t first, last;
      Digest hash;
    };
    std::vector<Stretch> stretches;
    db::Statement rows(db_,
                       fmt::format("SELECT position, row_hash FROM main.event WHERE {} ORDER BY position", kChosen));
    while (rows.step()) {
      const std::uint64_t position = rows.uint_at(0);
      if (stretches.empty() || stretches.back().last + 1 != position) stretches.push_back({position, position, {}});
      stretches.back().last = position;
      copy_bytes(rows.blob_at(1), stretches.back().hash);
    }
    db::Statement anchor(db_,
                         "INSERT INTO main.archive_anchor (first_position, last_position, row_hash, archived_at_ns)"
                         " VALUES (?, ?, ?, ?)");
    for (const Stretch& stretch : stretches) {
      anchor.bind(1, stretch.first);
      anchor.bind(2, stretch.last);
      anchor.bind_blob(3, stretch.hash.bytes.data(), stretch.hash.bytes.size());
      anchor.bind(4, now.ns);
      anchor.run();
    }
  }
  db_.exec((std::string("DELETE FROM main.event WHERE ") + kChosen).c_str());
  for (const char* table : kPlainTables)
    db_.exec((std::string("DELETE FROM main.") + table + " WHERE " + kChosen).c_str());
  db_.exec("DELETE FROM main.archiving");
  transaction.commit();
}

}  // namespace dvt::store
