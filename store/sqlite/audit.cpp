#include "store/sqlite/audit.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "store/db/snapshot_hasher.h"
#include "store/sqlite/row_codec.h"
#include "store/sqlite/statements.h"

namespace dvt::store {
namespace {

Digest digest_of(std::string_view blob) {
  Digest digest;
  if (blob.size() == digest.bytes.size()) std::memcpy(digest.bytes.data(), blob.data(), blob.size());
  return digest;
}

void audit_chain(db::Database& database, std::size_t limit, std::vector<AuditFinding>& findings) {
  db::Statement rows(database, std::string("SELECT ") + kEventColumns + ", row_hash FROM event ORDER BY position");
  Sha256 sha;
  Digest previous;
  std::uint64_t expected = 1;
  while (rows.step() && findings.size() < limit) {
    const StoredEvent event = read_event(rows);
    if (event.position != expected) {
      findings.push_back({event.position, "events " + std::to_string(expected) + " to " +
                                              std::to_string(event.position - 1) + " are missing"});
    }
    expected = event.position + 1;
    const Digest stored = digest_of(rows.blob_at(12));
    if (chain_hash(sha, previous, event) != stored) {
      findings.push_back(
          {event.position, "the event does not match its hash: it was edited, or the one before it was"});
    }
    previous = stored;  // so that one bad row is one finding
  }
}

void audit_snapshots(db::Database& database, std::size_t limit, std::vector<AuditFinding>& findings) {
  const std::string text = database.query_text("SELECT value FROM store_meta WHERE key = 'start_unix_ns' ORDER BY key");
  UnixNanos start;
  std::from_chars(text.data(), text.data() + text.size(), start.ns);
  db::SnapshotHasher hasher(start);

  std::vector<PlanRecord> plans;
  db::Statement plan_rows(database, "SELECT plan_no FROM plan ORDER BY plan_no");
  while (plan_rows.step()) plans.push_back(PlanRecord{PlanOrdinal{plan_rows.u32_at(0)}, {}, {}, {}});
  db::Statement steps(database, "SELECT plan_no, step_id FROM step ORDER BY plan_no, step_no");
  while (steps.step()) plans.at(steps.u32_at(0)).step_ids.emplace_back(steps.text_at(1));

  db::Statement rows(database,
                     "SELECT s.snapshot_no, r.run_id, r.plan_no, s.hash, s.state FROM snapshot s"
                     " JOIN run r ON r.run_no = s.run_no ORDER BY s.snapshot_no");
  while (rows.step() && findings.size() < limit) {
    Uuid run_id;
    const std::string_view id = rows.blob_at(1);
    std::memcpy(run_id.bytes.data(), id.data(), std::min(id.size(), run_id.bytes.size()));
    RunState state;
    const PlanRecord& plan = plans.at(rows.u32_at(2));
    if (!decode_state(rows.blob_at(4), state) || state.steps.size() > plan.step_ids.size()) {
      findings.push_back({rows.uint_at(0), "the snapshot's state cannot be read"});
    } else if (hasher.hash(run_id, plan, state) != digest_of(rows.blob_at(3))) {
      findings.push_back({rows.uint_at(0), "the snapshot does not match its hash"});
    }
  }
}

}  // namespace

std::vector<AuditFinding> audit(db::Database& database, std::size_t limit) {
  if (database.user_version() != kSchemaVersion) throw Error("not a store file of this version");
  std::vector<AuditFinding> findings;
  if (const std::string report = database.integrity_check(); report != "ok") {
    findings.push_back({0, "integrity_check: " + report});
  }
  audit_chain(database, limit, findings);
  audit_snapshots(database, limit, findings);
  return findings;
}

}  // namespace dvt::store
