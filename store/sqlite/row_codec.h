// Byte forms that the database holds: the hash chain over event rows, and the folded state inside a snapshot row.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/run_state.h"
#include "engine/base/sha256.h"
#include "engine/ports/state_store.h"

namespace dvt::store {

/// row_hash of an event = SHA-256(row_hash of the event before it, 32 zero bytes for the first ‖ the row's fields):
/// position, run_no, run_seq, type, step_no (-1 for none), logical_attempt, engine_attempt, emitted_at_ns and
/// persisted_at_ns as eight bytes each, little-endian; event_id; idempotency_key; then 0 for no payload, or 1 and the
/// payload's bytes. So an edited, removed or inserted row breaks the chain from there on.
Digest chain_hash(Sha256& hasher, const Digest& previous, const StoredEvent& event);

/// Exact and compact (varints), unlike the canonical JSON, which has only milliseconds. Appends to `out`.
void encode_state(const RunState& state, std::string& out);
/// False when `bytes` are not what encode_state wrote.
bool decode_state(std::string_view bytes, RunState& state);

}  // namespace dvt::store
