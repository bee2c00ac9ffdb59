// Looks for damage in a store file that SQLite itself cannot see: rows that were edited, removed or inserted behind the
// store's back. The hashes are not keyed: who recomputes the whole chain leaves no trace in it.
#pragma once

#include <string>
#include <vector>

#include "store/db/database.h"

namespace dvt::store {

struct AuditFinding {
  std::string table;     // event, snapshot, run, outbox, watermark …; empty: the file as a whole
  std::int64_t row = 0;  // event position, snapshot_no, run_no …; 0: none in particular
  std::string what;
};

/// Runs PRAGMA integrity_check, looks for the triggers that keep rows as they are, recomputes the hash chain over all
/// events (across what was archived) and the snapshots' hashes, and looks for rows that speak of events, runs or
/// positions that do not exist. Empty: sound. At most `limit` findings. Throws dvt::Error when the database is not a
/// store of this version, DbError when it cannot be read.
std::vector<AuditFinding> audit(db::Database& database, std::size_t limit = 100);

/// What was archived out of `store` (which audit() has looked at): every position that an anchor stands for is in
/// `archive`, each row matches its hash and follows the one before it, and nothing else is there.
std::vector<AuditFinding> audit_archive(db::Database& store, db::Database& archive, std::size_t limit = 100);
/// Whether anything was archived out of a store.
bool has_archive(db::Database& store);

}  // namespace dvt::store
