// Looks for damage in a store file that SQLite itself cannot see: rows that were edited, removed or inserted behind the
// store's back.
#pragma once

#include <string>
#include <vector>

#include "store/db/database.h"

namespace dvt::store {

struct AuditFinding {
  std::uint64_t row = 0;  // event position, or snapshot_no
  std::string what;
};

/// Recomputes the hash chain over all events, the snapshots' hashes, and runs PRAGMA integrity_check. Empty: sound. At
/// most `limit` findings. Throws dvt::Error when the database is not a store.
std::vector<AuditFinding> audit(db::Database& database, std::size_t limit = 100);

}  // namespace dvt::store
