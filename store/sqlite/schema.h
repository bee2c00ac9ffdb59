// The schema of a store file: tables, indexes, and the documented views that show text ids and ISO times. Explained
// for readers of the file in store/README.md.
#pragma once

#include <span>
#include <string_view>

#include "engine/base/time.h"
#include "store/db/database.h"

namespace dvt::store {

/// PRAGMA user_version of a store file.
inline constexpr std::int64_t kSchemaVersion = 3;

/// Creates the schema in an empty database, or checks that an existing one is of this version and of a scenario that
/// starts at the same instant. Sets up pragmas in both cases; `durable`: a commit is synced before it returns
/// (synchronous FULL instead of NORMAL). Throws dvt::Error.
void prepare_schema(db::Database& database, UnixNanos start, bool durable);

/// What keeps rows as they were written: UPDATE and DELETE of events, snapshots and decisions raise. Only a decision's
/// outcome may change (a deferred signal is decided for good), and only rows of runs that stand in table `archiving`,
/// which the archiver fills and empties inside its transaction, may go.
struct Trigger {
  std::string_view name;
  std::string_view sql;  // as it stands in sqlite_schema
};
std::span<const Trigger> immutability_triggers();

/// The columns of an event row, in the order in which read_event() and the hash chain take them.
inline constexpr const char* kEventColumns =
    "position, run_no, run_seq, type, step_no, logical_attempt, engine_attempt, event_id, idempotency_key, "
    "emitted_at_ns, persisted_at_ns, payload";

}  // namespace dvt::store
