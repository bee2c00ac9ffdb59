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

/// A stretch of positions whose events are in the archive; the chain goes on with the hash of its last one.
struct Anchor {
  std::uint64_t first, last;
  Digest hash;
};

std::vector<Anchor> anchors_of(db::Database& database) {
  std::vector<Anchor> anchors;
  db::Statement rows(database,
                     "SELECT first_position, last_position, row_hash FROM archive_anchor ORDER BY first_position");
  while (rows.step()) anchors.push_back({rows.uint_at(0), rows.uint_at(1), digest_of(rows.blob_at(2))});
  return anchors;
}

class ChainAudit {
 public:
  ChainAudit(std::vector<Anchor> anchors, std::vector<AuditFinding>& findings)
      : anchors_(std::move(anchors)), findings_(findings) {}

  void row(const StoredEvent& event, const Digest& stored) {
    const auto position = static_cast<std::int64_t>(event.position);
    pass_anchors();
    if (position < static_cast<std::int64_t>(expected_)) {
      findings_.push_back({"event", position, "the event was inserted: its position is taken"});
      return;
    }
    if (event.position != expected_) {
      missing(event.position - 1);
    } else if (chain_hash(sha_, previous_, event) != stored) {
      findings_.push_back({"event", position, "the event does not match its hash: it was edited or inserted"});
    }
    expected_ = event.position + 1;
    previous_ = stored;  // so that one bad row is one finding
  }
  /// `known`: a position that was stored according to other rows.
  void end(std::uint64_t known) {
    pass_anchors();
    if (known >= expected_) missing(known);
  }

 private:
  void pass_anchors() {
    for (; next_ < anchors_.size() && anchors_[next_].first <= expected_; ++next_) {
      const Anchor& anchor = anchors_[next_];
      if (anchor.last < expected_) continue;
      expected_ = anchor.last + 1;
      previous_ = anchor.hash;
    }
  }
  // Up to `last`, as far as it was not archived. What follows a gap cannot be checked, and is not called edited.
  void missing(std::uint64_t last) {
    while (expected_ <= last) {
      const bool archived_later = next_ < anchors_.size() && anchors_[next_].first <= last;
      const std::uint64_t until = archived_later ? anchors_[next_].first - 1 : last;
      findings_.push_back({"event", static_cast<std::int64_t>(expected_),
                           until == expected_ ? "the event is missing: it was removed"
                                              : "events " + std::to_string(expected_) + " to " + std::to_string(until) +
                                                    " are missing: they were removed"});
      expected_ = until + 1;
      pass_anchors();
    }
  }

  std::vector<Anchor> anchors_;
  std::vector<AuditFinding>& findings_;
  Sha256 sha_;
  Digest previous_;
  std::size_t next_ = 0;  // of anchors_
  std::uint64_t expected_ = 1;
};

void audit_chain(db::Database& database, std::size_t limit, std::vector<AuditFinding>& findings) {
  db::Statement rows(database, std::string("SELECT ") + kEventColumns + ", row_hash FROM event ORDER BY position");
  ChainAudit chain(anchors_of(database), findings);
  while (rows.step() && findings.size() < limit) chain.row(read_event(rows), digest_of(rows.blob_at(12)));
  if (findings.size() >= limit) return;
  chain.end(static_cast<std::uint64_t>(std::max(database.query_int("SELECT max(position) FROM watermark ORDER BY 1"),
                                                database.query_int("SELECT max(position) FROM outbox ORDER BY 1"))));
}

void audit_triggers(db::Database& database, std::vector<AuditFinding>& findings) {
  for (const Trigger& trigger : immutability_triggers()) {
    db::Statement found(database, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ? ORDER BY name");
    found.bind_text(1, trigger.name);
    const std::string name(trigger.name);
    if (!found.step()) {
      findings.push_back({"", 0, "trigger " + name + " is missing: rows could be changed unhindered"});
    } else if (found.text_at(0) != trigger.sql) {
      findings.push_back({"", 0, "trigger " + name + " was changed"});
    }
  }
}

/// Rows that speak of what does not exist.
void audit_references(db::Database& database, std::size_t limit, std::vector<AuditFinding>& findings) {
  struct Rule {
    const char* table;
    const char* what;
    const char* sql;
  };
  static constexpr Rule kRules[] = {
      {"event", "the event's run does not exist",
       "SELECT position FROM event e WHERE NOT EXISTS (SELECT 1 FROM run WHERE run_no = e.run_no) ORDER BY position"},
      {"run", "the run has no event",
       "SELECT run_no FROM run r WHERE NOT EXISTS (SELECT 1 FROM event WHERE run_no = r.run_no) ORDER BY run_no"},
      {"snapshot", "the snapshot covers events that do not exist",
       "SELECT snapshot_no FROM snapshot s WHERE up_to_seq > (SELECT coalesce(max(run_seq), 0) FROM event"
       " WHERE run_no = s.run_no) ORDER BY snapshot_no"},
      {"outbox", "the outbox row's event does not exist",
       "SELECT position FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM event WHERE position = o.position)"
       " ORDER BY position"},
      {"dead_letter", "the dead letter's event does not exist",
       "SELECT position FROM dead_letter d WHERE NOT EXISTS (SELECT 1 FROM event WHERE position = d.position)"
       " ORDER BY position"},
      {"archiving", "an archiving that never ended: its run's rows may be removed",
       "SELECT run_no FROM archiving ORDER BY run_no"},
  };
  for (const Rule& rule : kRules) {
    db::Statement rows(database, rule.sql);
    while (findings.size() < limit && rows.step()) findings.push_back({rule.table, rows.int_at(0), rule.what});
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
  while (steps.step())
    if (steps.u32_at(0) < plans.size()) plans[steps.u32_at(0)].step_ids.emplace_back(steps.text_at(1));

  db::Statement rows(database,
                     "SELECT s.snapshot_no, r.run_id, r.plan_no, s.hash, s.state FROM snapshot s"
                     " JOIN run r ON r.run_no = s.run_no ORDER BY s.snapshot_no");
  while (rows.step() && findings.size() < limit) {
    Uuid run_id;
    const std::string_view id = rows.blob_at(1);
    std::memcpy(run_id.bytes.data(), id.data(), std::min(id.size(), run_id.bytes.size()));
    RunState state;
    if (rows.u32_at(2) >= plans.size()) {
      findings.push_back({"snapshot", rows.int_at(0), "the snapshot's run is of a plan that does not exist"});
      continue;
    }
    const PlanRecord& plan = plans[rows.u32_at(2)];
    if (!decode_state(rows.blob_at(4), state) || state.steps.size() > plan.step_ids.size()) {
      findings.push_back({"snapshot", rows.int_at(0), "the snapshot's state cannot be read: it was edited"});
    } else if (hasher.hash(run_id, plan, state) != digest_of(rows.blob_at(3))) {
      findings.push_back({"snapshot", rows.int_at(0), "the snapshot does not match its hash: it was edited"});
    }
  }
}

}  // namespace

std::vector<AuditFinding> audit(db::Database& database, std::size_t limit) {
  if (database.query_int("SELECT count(*) FROM sqlite_schema WHERE name IN ('event', 'store_meta') ORDER BY 1") != 2)
    throw Error("a database, but not a store: it has no table event");
  if (const std::int64_t version = database.user_version(); version != kSchemaVersion)
    throw Error("a store of schema version " + std::to_string(version) + "; this program knows version " +
                std::to_string(kSchemaVersion));
  std::vector<AuditFinding> findings;
  if (const std::string report = database.integrity_check(); report != "ok")
    findings.push_back({"", 0, "integrity_check: " + report});
  audit_triggers(database, findings);
  audit_chain(database, limit, findings);
  audit_snapshots(database, limit, findings);
  audit_references(database, limit, findings);
  return findings;
}

bool has_archive(db::Database& store) {
  return store.query_int("SELECT count(*) FROM archive_anchor ORDER BY 1") > 0;
}

std::vector<AuditFinding> audit_archive(db::Database& store, db::Database& archive, std::size_t limit) {
  std::vector<AuditFinding> findings;
  if (const std::string report = archive.integrity_check(); report != "ok")
    findings.push_back({"", 0, "integrity_check of the archive: " + report});
  const std::vector<Anchor> anchors = anchors_of(store);
  db::Statement rows(archive,
                     std::string("SELECT ") + kEventColumns + ", row_hash, previous_hash FROM event ORDER BY position");
  Sha256 sha;
  bool more = rows.step();
  const auto finding = [&](std::uint64_t position, std::string what) {
    if (findings.size() < limit)
      findings.push_back({"archived event", static_cast<std::int64_t>(position), std::move(what)});
  };
  // Events that are being archived may lie there already; they are still in the store as well.
  db::Statement here(store, "SELECT 1 FROM event WHERE position = ? ORDER BY position");
  const auto unexpected = [&](std::uint64_t position) {
    db::ResetGuard guard(here);
    here.bind(1, position);
    if (!here.step()) finding(position, "the event was never archived: it was inserted");
  };
  for (const Anchor& anchor : anchors) {
    Digest previous;
    for (std::uint64_t position = anchor.first; position <= anchor.last && findings.size() < limit; ++position) {
      for (; more && rows.uint_at(0) < position; more = rows.step()) unexpected(rows.uint_at(0));
      if (!more || rows.uint_at(0) != position) {
        finding(position, "the event is missing: it was removed");
        previous = Digest{};
        continue;
      }
      const Digest hash = digest_of(rows.blob_at(12));
      const Digest before = digest_of(rows.blob_at(13));
      const bool follows = position == anchor.first || previous == Digest{} || before == previous;
      const bool ends = position != anchor.last || hash == anchor.hash;
      if (!follows || !ends || chain_hash(sha, before, read_event(rows)) != hash)
        finding(position, "the event does not match its hash: it was edited");
      previous = hash;
      more = rows.step();
    }
  }
  for (; more && findings.size() < limit; more = rows.step()) unexpected(rows.uint_at(0));
  return findings;
}

}  // namespace dvt::store
