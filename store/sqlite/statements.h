// The prepared statements of the SQLite store.
#pragma once

#include <algorithm>
#include <cstring>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::store {

struct SqliteStateStore::Statements {
  explicit Statements(db::Database& d) : database(d) {}
  db::Database& database;

  db::Statement statement(const char* sql) { return db::Statement(database, sql); }
  /// The hash of the row before the one of `event`, which may be archived; NULL before the first.
  static constexpr const char* kPreviousHash =
      "coalesce((SELECT before.row_hash FROM main.event before WHERE before.position = event.position - 1"
      " ORDER BY before.position), (SELECT anchor.row_hash FROM archive_anchor anchor"
      " WHERE anchor.last_position = event.position - 1 ORDER BY anchor.last_position))";
  /// Rows with their hash and the hash of the row before: what verified() takes.
  static std::string select_verified(const char* rest) {
    return std::string("SELECT ") + kEventColumns + ", row_hash, " + kPreviousHash + " FROM event " + rest;
  }

  db::Statement insert_plan = statement("INSERT INTO plan (plan_no, plan_id, plan_version) VALUES (?, ?, ?)");
  db::Statement insert_step = statement("INSERT INTO step (plan_no, step_no, step_id) VALUES (?, ?, ?)");
  db::Statement insert_tenant = statement("INSERT INTO tenant (tenant_no, tenant_id) VALUES (?, ?)");
  db::Statement insert_run =
      statement("INSERT INTO run (run_no, run_id, plan_no, tenant_no, requested_at_ns) VALUES (?, ?, ?, ?, ?)");
  db::Statement insert_request = statement("INSERT INTO run_request (request_key, run_no) VALUES (?, ?)");
  db::Statement insert_events = statement("INSERT INTO event SELECT * FROM pending_rows ORDER BY position");
  db::Statement insert_outbox = statement(
      "INSERT INTO outbox (position, state, attempts)"
      " SELECT position, 0, 0 FROM event WHERE position BETWEEN ? AND ? ORDER BY position");
  db::Statement update_outbox = statement(
      "UPDATE outbox SET state = ?, attempts = ?, owner = ?, lease_until_ns = ?, not_before_ns = ?,"
      " delivered_at_ns = ? WHERE position = ?");
  db::Statement delete_outbox = statement("DELETE FROM outbox WHERE position >= ? AND position < ?");
  db::Statement insert_redriven =
      statement("INSERT OR IGNORE INTO outbox (position, state, attempts) VALUES (?, 0, 0)");
  db::Statement delete_dead_letter = statement("DELETE FROM dead_letter WHERE position = ?");
  db::Statement insert_dead_letter =
      statement("INSERT INTO dead_letter (position, attempts, died_at_ns) VALUES (?, ?, ?)");
  db::Statement insert_decision = statement(
      "INSERT INTO signal_decision (tenant_no, run_no, signal_id, type, status, code, role, actor, reason,"
      " payload, received_at_ns, decided_at_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (tenant_no, run_no, signal_id) DO UPDATE SET status = excluded.status, code = excluded.code,"
      " role = excluded.role, decided_at_ns = excluded.decided_at_ns");
  db::Statement insert_snapshot = statement(
      "INSERT INTO snapshot (run_no, up_to_seq, status, inconsistent, committed_at_ns, hash, state)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  db::Statement put_watermark =
      statement("INSERT OR REPLACE INTO watermark (partition_no, position, committed_at_ns) VALUES (?, ?, ?)");

  db::Statement select_run =
      statement("SELECT run_id, plan_no, tenant_no, requested_at_ns FROM run WHERE run_no = ? ORDER BY run_no");
  db::Statement select_run_end = statement(
      "SELECT count(*), max(position), (SELECT count(*) FROM event e WHERE e.run_no = event.run_no AND"
      " (e.position IN (SELECT position FROM dead_letter) OR e.position IN (SELECT position FROM outbox)) ORDER BY 1)"
      " FROM event WHERE run_no = ? ORDER BY 1");
  db::Statement select_request = statement("SELECT run_no FROM run_request WHERE request_key = ? ORDER BY request_key");
  db::Statement select_keys = statement(select_verified("WHERE run_no = ? ORDER BY run_seq").c_str());
  db::Statement select_key =
      statement(select_verified("WHERE run_no = ? AND idempotency_key = ? ORDER BY position").c_str());
  db::Statement select_run_events =
      statement(select_verified("WHERE run_no = ? AND run_seq > ? ORDER BY run_seq LIMIT ?").c_str());
  db::Statement select_event = statement(select_verified("WHERE position = ? ORDER BY position").c_str());
  db::Statement select_partition = statement(
      select_verified("WHERE position > ? AND position < ? AND run_no % ? = ? ORDER BY position LIMIT ?").c_str());
  db::Statement select_snapshot = statement(
      "SELECT s.up_to_seq, s.hash, s.state, r.run_id, r.plan_no FROM snapshot s JOIN run r ON r.run_no = s.run_no"
      " WHERE s.run_no = ? ORDER BY s.snapshot_no DESC LIMIT 1");
  db::Statement select_decision = statement(
      "SELECT status, code FROM signal_decision WHERE tenant_no = ? AND run_no = ? AND signal_id = ?"
      " ORDER BY decision_no");
};

// A blob of another size can only come from an edited file; what is read then will not match its hash.
template <class Bytes>
void copy_bytes(std::string_view from, Bytes& to) {
  std::memcpy(to.bytes.data(), from.data(), std::min(from.size(), to.bytes.size()));
}

/// The row that the statement stands on, with the columns kEventColumns.
StoredEvent read_event(const db::Statement& row);

}  // namespace dvt::store
