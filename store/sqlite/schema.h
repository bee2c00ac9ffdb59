// The schema of a store file: tables, indexes, and the documented views that show text ids and ISO times. Explained
// for readers of the file in store/README.md.
#pragma once

#include "engine/base/time.h"
#include "store/db/database.h"

namespace dvt::store {

/// PRAGMA user_version of a store file.
inline constexpr std::int64_t kSchemaVersion = 2;

/// Creates the schema in an empty database, or checks that an existing one is of this version and of a scenario that
/// starts at the same instant. Sets up pragmas in both cases; `durable`: a commit is synced before it returns
/// (synchronous FULL instead of NORMAL). Throws dvt::Error.
void prepare_schema(db::Database& database, UnixNanos start, bool durable);

/// The columns of an event row, in the order in which read_event() and the hash chain take them.
inline constexpr const char* kEventColumns =
    "position, run_no, run_seq, type, step_no, logical_attempt, engine_attempt, event_id, idempotency_key, "
    "emitted_at_ns, persisted_at_ns, payload";

}  // namespace dvt::store
