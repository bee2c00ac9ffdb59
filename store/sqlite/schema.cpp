#include "store/sqlite/schema.h"

#include <string>

#include "engine/base/event_type.h"
#include "engine/base/run_state.h"
#include "store/sqlite/outbox_book.h"

namespace dvt::store {
namespace {

// Measured on one core: position as rowid keeps the event table append-only, which beats sorting a batch by key (the
// keys of a batch lie close together anyway, since open runs are neighbours): 311,000 rows/s against 182,000 on a file.
constexpr const char* kTables = R"sql(
CREATE TABLE store_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE plan (plan_no INTEGER PRIMARY KEY, plan_id TEXT NOT NULL, plan_version TEXT NOT NULL);
CREATE TABLE step (plan_no INTEGER NOT NULL, step_no INTEGER NOT NULL, step_id TEXT NOT NULL,
  UNIQUE (plan_no, step_no));
CREATE TABLE tenant (tenant_no INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL);
CREATE TABLE run (run_no INTEGER PRIMARY KEY, run_id BLOB NOT NULL, plan_no INTEGER NOT NULL,
  tenant_no INTEGER NOT NULL, requested_at_ns INTEGER NOT NULL);
CREATE TABLE run_request (request_key BLOB NOT NULL UNIQUE, run_no INTEGER NOT NULL);
CREATE TABLE event (position INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, run_seq INTEGER NOT NULL,
  type INTEGER NOT NULL, step_no INTEGER, logical_attempt INTEGER NOT NULL, engine_attempt INTEGER NOT NULL,
  event_id BLOB NOT NULL, idempotency_key BLOB NOT NULL, emitted_at_ns INTEGER NOT NULL,
  persisted_at_ns INTEGER NOT NULL, payload TEXT, row_hash BLOB NOT NULL);
CREATE UNIQUE INDEX event_run_seq ON event (run_no, run_seq);
CREATE UNIQUE INDEX event_run_key ON event (run_no, idempotency_key);
CREATE TABLE outbox (position INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
  owner INTEGER, lease_until_ns INTEGER, not_before_ns INTEGER, delivered_at_ns INTEGER);
CREATE TABLE dead_letter (position INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, died_at_ns INTEGER NOT NULL);
CREATE TABLE snapshot (snapshot_no INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, up_to_seq INTEGER NOT NULL,
  status INTEGER NOT NULL, inconsistent INTEGER NOT NULL, committed_at_ns INTEGER NOT NULL, hash BLOB NOT NULL,
  state BLOB NOT NULL);
CREATE INDEX snapshot_run ON snapshot (run_no);
CREATE TABLE watermark (partition_no INTEGER PRIMARY KEY, position INTEGER NOT NULL,
  committed_at_ns INTEGER NOT NULL);
CREATE TABLE signal_decision (decision_no INTEGER PRIMARY KEY, tenant_no INTEGER NOT NULL, run_no INTEGER NOT NULL,
  signal_id TEXT NOT NULL, type INTEGER NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL, role INTEGER NOT NULL,
  actor TEXT NOT NULL, reason TEXT NOT NULL, payload TEXT NOT NULL, received_at_ns INTEGER NOT NULL, decided_at_ns INTEGER NOT NULL,
  UNIQUE (tenant_no, run_no, signal_id));
CREATE TABLE archiving (run_no INTEGER PRIMARY KEY);
CREATE TABLE archive_anchor (first_position INTEGER PRIMARY KEY, last_position INTEGER NOT NULL UNIQUE, row_hash BLOB NOT NULL,
  archived_at_ns INTEGER NOT NULL);
)sql";

// In the views, $name(column) stands for an expression: uuid, hex, time, event_type, run_status, signal_type, decision,
// role, outbox_state.
constexpr std::string_view kViews = R"sql(
CREATE VIEW v_events AS
SELECT e.position, $uuid(r.run_id) AS run_id, e.run_seq, $event_type(e.type) AS event_type, s.step_id,
  e.logical_attempt, e.engine_attempt, p.plan_id, p.plan_version, t.tenant_id, $uuid(e.event_id) AS event_id,
  $hex(e.idempotency_key) AS idempotency_key, $time(e.emitted_at_ns) AS emitted_at,
  $time(e.persisted_at_ns) AS persisted_at, e.payload, $hex(e.row_hash) AS row_hash, e.run_no
FROM event e JOIN run r ON r.run_no = e.run_no JOIN plan p ON p.plan_no = r.plan_no
  JOIN tenant t ON t.tenant_no = r.tenant_no LEFT JOIN step s ON s.plan_no = r.plan_no AND s.step_no = e.step_no
ORDER BY e.position;

CREATE VIEW v_runs AS
SELECT r.run_no, $uuid(r.run_id) AS run_id, coalesce($run_status(s.status), 'PENDING') AS status,
  coalesce(s.inconsistent, 0) AS inconsistent, p.plan_id, p.plan_version, t.tenant_id,
  $time(r.requested_at_ns) AS requested_at,
  (SELECT max(run_seq) FROM event WHERE run_no = r.run_no ORDER BY 1) AS last_run_seq,
  coalesce(s.up_to_seq, 0) AS projected_seq
FROM run r JOIN plan p ON p.plan_no = r.plan_no JOIN tenant t ON t.tenant_no = r.tenant_no
  LEFT JOIN snapshot s ON s.snapshot_no = (SELECT max(snapshot_no) FROM snapshot WHERE run_no = r.run_no ORDER BY 1)
ORDER BY r.run_no;

CREATE VIEW v_outbox AS
SELECT o.position, $uuid(r.run_id) AS run_id, e.run_seq, $event_type(e.type) AS event_type,
  $outbox_state(o.state) AS state, o.attempts, o.owner AS relay, $time(o.lease_until_ns) AS lease_until,
  $time(o.not_before_ns) AS not_before, $time(o.delivered_at_ns) AS delivered_at
FROM outbox o JOIN event e ON e.position = o.position JOIN run r ON r.run_no = e.run_no
ORDER BY o.position;

CREATE VIEW v_dead_letters AS
SELECT d.position, $uuid(r.run_id) AS run_id, e.run_seq, $event_type(e.type) AS event_type, d.attempts,
  $time(d.died_at_ns) AS died_at
FROM dead_letter d JOIN event e ON e.position = d.position JOIN run r ON r.run_no = e.run_no
ORDER BY d.position;

CREATE VIEW v_snapshots AS
SELECT s.snapshot_no, $uuid(r.run_id) AS run_id, s.up_to_seq, $run_status(s.status) AS status, s.inconsistent,
  $time(s.committed_at_ns) AS committed_at, $hex(s.hash) AS hash,
  s.snapshot_no = (SELECT max(snapshot_no) FROM snapshot WHERE run_no = s.run_no ORDER BY 1) AS newest, s.run_no
FROM snapshot s JOIN run r ON r.run_no = s.run_no
ORDER BY s.snapshot_no;

CREATE VIEW v_decisions AS
SELECT d.decision_no, d.signal_id, $uuid(r.run_id) AS run_id, t.tenant_id, $signal_type(d.type) AS signal_type,
  $decision(d.status) AS status, d.code, $role(d.role) AS effective_role, d.actor, d.reason, d.payload,
  $time(d.received_at_ns) AS received_at, $time(d.decided_at_ns) AS decided_at
FROM signal_decision d LEFT JOIN run r ON r.run_no = d.run_no LEFT JOIN tenant t ON t.tenant_no = d.tenant_no
ORDER BY d.decision_no;
)sql";

/// CASE column WHEN 0 THEN 'word of 0' …; `otherwise` is what any other value shows.
template <class Enum>
std::string words(const std::string& column, Enum last, const std::string& otherwise) {
  std::string sql = "CASE " + column;
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    sql += " WHEN " + std::to_string(value) + " THEN '" + std::string(to_string(static_cast<Enum>(value))) + "'";
  }
  return sql + " ELSE " + otherwise + " END";
}

std::string uuid_text(const std::string& column) {
  const std::string hex = "lower(hex(" + column + "))";
  const auto part = [&hex](const char* range) { return "substr(" + hex + "," + range + ")"; };
  return part("1,8") + "||'-'||" + part("9,4") + "||'-'||" + part("13,4") + "||'-'||" + part("17,4") + "||'-'||" +
         part("21,12");
}

// RFC 3339 with nine fraction digits. Instants count from the scenario's start, which is never before 1970.
std::string time_text(const std::string& column, UnixNanos start) {
  const std::string unix_ns = "(" + column + " + " + std::to_string(start.ns) + ")";
  return "strftime('%Y-%m-%dT%H:%M:%S', " + unix_ns + " / 1000000000, 'unixepoch') || printf('.%09dZ', " + unix_ns +
         " % 1000000000)";
}

std::string expression(std::string_view name, const std::string& column, UnixNanos start) {
  if (name == "uuid") return uuid_text(column);
  if (name == "hex") return "lower(hex(" + column + "))";
  if (name == "time") return time_text(column, start);
  if (name == "event_type") return words(column, EventType::step_skipped, "'Unknown' || " + column);
  if (name == "run_status") return words(column, RunStatus::cancelled, "NULL");
  if (name == "signal_type") return words(column, SignalType::escalate_alert, "NULL");
  if (name == "decision") return words(column, DecisionStatus::deferred, "NULL");
  if (name == "role") return words(column, Role::admin, "NULL");
  if (name == "outbox_state") return words(column, OutboxState::dead, "NULL");
  DVT_ASSERT(false, "a view names an expression that does not exist");
}

std::string views(UnixNanos start) {
  std::string sql;
  std::string_view rest = kViews;
  for (;;) {
    const std::size_t dollar = rest.find('$');
    sql += rest.substr(0, dollar);
    if (dollar == std::string_view::npos) return sql;
    const std::size_t open = rest.find('(', dollar);
    const std::size_t close = rest.find(')', open);
    sql += expression(rest.substr(dollar + 1, open - dollar - 1), std::string(rest.substr(open + 1, close - open - 1)),
                      start);
    rest.remove_prefix(close + 1);
  }
}

void create(db::Database& database, UnixNanos start) {
  db::Transaction transaction(database);
  database.exec(kTables);
  for (const Trigger& trigger : immutability_triggers()) database.exec(std::string(trigger.sql).c_str());
  database.exec(views(start).c_str());
  const std::string meta = "INSERT INTO store_meta (key, value) VALUES ('start_unix_ns', '" + std::to_string(start.ns) +
                           "'), ('start', '" + format_rfc3339(start, 9) + "'), ('schema_version', '" +
                           std::to_string(kSchemaVersion) + "')";
  database.exec(meta.c_str());
  database.set_user_version(kSchemaVersion);
  transaction.commit();
}

}  // namespace

std::span<const Trigger> immutability_triggers() {
  static constexpr Trigger kTriggers[] = {
      {"event_is_immutable",
       "CREATE TRIGGER event_is_immutable BEFORE UPDATE ON event BEGIN"
       " SELECT RAISE(ABORT, 'an event is never changed'); END"},
      {"event_stays",
       "CREATE TRIGGER event_stays BEFORE DELETE ON event"
       " WHEN NOT EXISTS (SELECT 1 FROM archiving WHERE run_no = OLD.run_no) BEGIN"
       " SELECT RAISE(ABORT, 'an event is removed by archiving only'); END"},
      {"snapshot_is_immutable",
       "CREATE TRIGGER snapshot_is_immutable BEFORE UPDATE ON snapshot BEGIN"
       " SELECT RAISE(ABORT, 'a snapshot is never changed'); END"},
      {"snapshot_stays",
       "CREATE TRIGGER snapshot_stays BEFORE DELETE ON snapshot"
       " WHEN NOT EXISTS (SELECT 1 FROM archiving WHERE run_no = OLD.run_no) BEGIN"
       " SELECT RAISE(ABORT, 'a snapshot is removed by archiving only'); END"},
      {"decision_is_immutable",
       "CREATE TRIGGER decision_is_immutable BEFORE UPDATE OF decision_no, tenant_no, run_no, signal_id, type, actor,"
       " reason, payload, received_at_ns ON signal_decision BEGIN"
       " SELECT RAISE(ABORT, 'of a decision only its outcome changes'); END"},
      {"decision_stays",
       "CREATE TRIGGER decision_stays BEFORE DELETE ON signal_decision"
       " WHEN NOT EXISTS (SELECT 1 FROM archiving WHERE run_no = OLD.run_no) BEGIN"
       " SELECT RAISE(ABORT, 'a decision is removed by archiving only'); END"},
      {"anchor_is_immutable",
       "CREATE TRIGGER anchor_is_immutable BEFORE UPDATE ON archive_anchor BEGIN"
       " SELECT RAISE(ABORT, 'an anchor is never changed'); END"},
      {"anchor_stays",
       "CREATE TRIGGER anchor_stays BEFORE DELETE ON archive_anchor BEGIN"
       " SELECT RAISE(ABORT, 'an anchor is never removed'); END"},
  };
  return kTriggers;
}

void prepare_schema(db::Database& database, UnixNanos start, bool durable) {
  database.exec("PRAGMA page_size = 16384");
  // WAL only where there is a file. In memory a rollback journal in memory keeps transactions atomic.
  database.exec(database.in_memory() ? "PRAGMA journal_mode = MEMORY" : "PRAGMA journal_mode = WAL");
  // In WAL mode NORMAL syncs at checkpoints only: a crash of the host may take the newest commits, though never break
  // the file. FULL syncs the log with each commit.
  database.exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA temp_store = MEMORY");
  database.exec("PRAGMA cache_size = -65536");

  const std::int64_t version = database.user_version();
  if (version == 0) {
    if (database.query_int("SELECT count(*) FROM sqlite_schema WHERE name = 'event' ORDER BY 1") != 0) {
      throw Error("the file holds tables that are not a store's");
    }
    create(database, start);
    return;
  }
  if (version != kSchemaVersion) {
    throw Error("the store file has schema version " + std::to_string(version) + ", this program reads and writes " +
                std::to_string(kSchemaVersion) + (version < kSchemaVersion ? " only: run the scenario again" : ""));
  }
  const std::string found =
      database.query_text("SELECT value FROM store_meta WHERE key = 'start_unix_ns' ORDER BY key");
  if (found != std::to_string(start.ns)) {
    throw Error("the store file belongs to a scenario with another start instant");
  }
}

}  // namespace dvt::store
