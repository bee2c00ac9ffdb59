// The StateStore: append authority and source of truth (domain §3). Two interfaces. `StateStore` is the rows: called
// synchronously at the virtual instant at which a request commits; implemented by store/sqlite and store/memory, which
// must agree on every operation. `StoreClient` is what the control plane calls: the same operations with latency, pool
// and faults in virtual time; implemented by a model that ends up in a StateStore.
//
// Guarantees of StateStore: positions are 1, 2, 3 … in commit order over all runs; run_seq is strictly increasing per
// run; an append with a known (run, key) changes nothing and returns what is stored; event and outbox row appear
// together. What does not match its hash is never handed out (StoreError::corrupt).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/event_type.h"
#include "engine/base/function.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/run_state.h"
#include "engine/base/sha256.h"
#include "engine/base/signal.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"

namespace dvt {

/// A plan as the store knows it: text forms of the dense ids used in rows.
struct PlanRecord {
  PlanOrdinal ordinal;
  std::string plan_id;
  std::string plan_version;
  std::vector<std::string> step_ids;  // by StepIndex
};

struct TenantRecord {
  TenantOrdinal ordinal;
  std::string tenant_id;
};

/// Written with the run's first event, in the same transaction.
struct RunRecord {
  RunOrdinal ordinal;
  Uuid run_id;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  Digest request_key;    // domain §9: SHA-256(tenant|project|environment|plan|version|runRequestId)
  Instant requested_at;  // when the API received the request
};

struct NewEvent {
  RunOrdinal run;
  EventType type = EventType::run_queued;
  StepIndex step = kNoStep;  // set for step events and only for them
  std::uint32_t logical_attempt = 1;
  std::uint32_t engine_attempt = 1;
  Uuid event_id;                               // the same again when the same event is retried
  Digest idempotency_key;                      // domain §2
  Instant emitted_at;                          // producer's clock
  std::shared_ptr<const std::string> payload;  // JSON text or null
};

struct StoredEvent : NewEvent {
  std::uint64_t position = 0;  // commit order over all runs, from 1
  std::uint64_t run_seq = 0;
  Instant persisted_at;
};

struct AppendReceipt {
  Uuid event_id;
  std::uint64_t run_seq = 0;
  Instant persisted_at;
  std::uint64_t position = 0;
  bool idempotent = false;  // true: nothing was inserted, the fields above are the stored event's
  bool persisted = false;
};

enum class StoreError : std::uint8_t {
  unavailable,
  timeout,         // the write budget ran out under way: committed or not
  pool_exhausted,  // the write budget ran out before a connection was free: not committed
  disk_full,
  io_error,
  corrupt,
  invalid_transition,  // deterministic, leaves no record
  commit_unknown,      // the caller cannot tell; retry idempotently
  unknown_run,
};
const char* to_string(StoreError error);
/// Whether what was asked for may have been committed all the same: ask again for the same thing to learn it.
constexpr bool is_outcome_unknown(StoreError error) {
  return error == StoreError::commit_unknown || error == StoreError::timeout;
}
/// The pause before that.
inline constexpr Duration kUnknownRetry = seconds(1);
/// Whether the write budget ran out (domain §3): only then may an event fail open.
constexpr bool is_past_budget(StoreError error) {
  return error == StoreError::timeout || error == StoreError::pool_exhausted;
}

/// A read that the medium refused, or whose rows do not match their hashes. Nothing has changed; ask again later.
class StoreFailure : public Error {
 public:
  StoreFailure(StoreError error, const std::string& message) : Error(message), error_(error) {}
  StoreError store_error() const { return error_; }

 private:
  StoreError error_;
};

enum class DecisionStatus : std::uint8_t { accepted, rejected, deferred };
const char* to_string(DecisionStatus status);

/// The record without which no signal is applied (domain §3, §8). Idempotent by (tenant, run, signal_id).
struct SignalDecision {
  std::string signal_id;
  RunOrdinal run;
  TenantOrdinal tenant;
  SignalType type = SignalType::pause;
  DecisionStatus status = DecisionStatus::accepted;
  std::string code;  // error code when rejected, empty otherwise
  Role effective_role = Role::operator_;
  std::string actor;
  std::string reason;
  std::string payload;  // JSON text as it was sent; empty when there was none
  Instant received_at;
  Instant decided_at;
  /// Takes the place of the decision that stands (a deferred signal is decided for good; an accepted one met a run that
  /// had just ended). Without it a decision that stands wins.
  bool replaces = false;
  /// An event that this decision allows: stored in the same transaction, or neither is. Null: none. Not looked at when
  /// an earlier decision stands.
  std::shared_ptr<const NewEvent> allows;
  Instant persisted_at;      // of that event: the commit's instant, set by whoever commits
  std::uint64_t signal = 0;  // ordinal of the signal in the world; names it in facts, not stored
};

struct DecisionReceipt {
  DecisionStatus status = DecisionStatus::accepted;
  std::string code;
  bool idempotent = false;             // true: an earlier decision with this signal_id stands, and is what is returned
  std::optional<AppendReceipt> event;  // of `allows`
};

struct OutboxRow {
  std::uint64_t position = 0;
  std::uint32_t attempts = 0;  // publish attempts so far
  StoredEvent event;
};

/// One run's new read model; written together with its watermark.
struct SnapshotWrite {
  RunOrdinal run;
  std::uint64_t up_to_seq = 0;  // last run_seq folded in
  const RunState* state = nullptr;
};

struct StoredSnapshot {
  std::uint64_t up_to_seq = 0;
  RunState state;
  Digest hash;  // of the JCS form, domain §3
};

struct StoreCounts {
  std::uint64_t events = 0;
  std::uint64_t duplicates = 0;  // appends answered with idempotent = true
  std::uint64_t runs = 0;
  std::uint64_t decisions = 0;
  std::uint64_t outbox_pending = 0;
  std::uint64_t dead_letters = 0;  // in the queue: those that were driven again are not in it
};

/// What has to read may throw StoreFailure, before anything is changed: find_request, add_run, fetch, read_partition,
/// write_snapshots, snapshot, claim_outbox, flush and bytes.
class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual void add_plan(const PlanRecord& plan) = 0;
  virtual void add_tenant(const TenantRecord& tenant) = 0;
  /// Makes the run known; its row is written with its first event.
  virtual void add_run(const RunRecord& run) = 0;
  /// The run that a request key was given to (domain §9: run requests are idempotent); nullopt for a new request.
  virtual std::optional<RunOrdinal> find_request(const Digest& request_key) = 0;

  /// Errors are physical (disk) or unknown_run; latency and availability are the StoreClient's.
  virtual Result<AppendReceipt, StoreError> append(const NewEvent& event, Instant persisted_at) = 0;
  /// A store that forgets closed runs keeps of them only what is accepted: unknown_run for the rest.
  virtual Result<DecisionReceipt, StoreError> decide(const SignalDecision& decision) = 0;

  /// Events of a run with run_seq > after_seq, in run_seq order, at most `limit`; replaces `out`.
  virtual void fetch(RunOrdinal run, std::uint64_t after_seq, std::size_t limit, std::vector<StoredEvent>& out) = 0;
  /// Events with position > after of the runs whose ordinal % partitions == partition, in commit order, at most
  /// `limit`; replaces `out`. Returns the position up to which the partition has now been read (>= after).
  virtual std::uint64_t read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                                       std::size_t limit, std::vector<StoredEvent>& out) = 0;

  /// Snapshots and the partition's watermark in one transaction. `watermark` is a position (see read_partition).
  virtual void write_snapshots(std::uint32_t partition, std::uint64_t watermark,
                               std::span<const SnapshotWrite> snapshots, Instant committed_at) = 0;
  virtual std::optional<StoredSnapshot> snapshot(RunOrdinal run) = 0;
  virtual std::uint64_t watermark(std::uint32_t partition) = 0;

  /// Leases up to `limit` undelivered rows that are due (not_before <= now) and not leased, oldest first; replaces
  /// `out`. No row ever has two live leases.
  virtual void claim_outbox(std::uint32_t relay, Instant now, Instant lease_until, std::size_t limit,
                            std::vector<OutboxRow>& out) = 0;
  virtual void mark_delivered(std::span<const std::uint64_t> positions, Instant now) = 0;
  /// Gives a leased row back to be retried at `not_before`, with one more attempt counted.
  virtual void retry_outbox(std::uint64_t position, Instant not_before) = 0;
  virtual void dead_letter(std::uint64_t position, Instant now) = 0;
  /// Puts every dead letter back into the outbox, due at once and with no attempt counted, and lists them oldest first;
  /// replaces `out`.
  virtual void redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) = 0;

  /// The run is closed and folded: caches for it may be dropped (memory stays flat over a month).
  virtual void release_run(RunOrdinal run) = 0;
  /// Writes everything pending to the medium.
  virtual void flush() = 0;
  virtual StoreCounts counts() = 0;
  /// Bytes of the medium after flush (page count × page size; memory store: its own estimate).
  virtual std::uint64_t bytes() = 0;
};

/// Outcome of a client's append in virtual time.
struct AppendOutcome {
  bool ok = false;
  StoreError error = StoreError::unavailable;  // meaningful when !ok
  AppendReceipt receipt;                       // meaningful when ok
};
using AppendDone = InplaceFunction<void(const AppendOutcome&), 48>;

struct DecideOutcome {
  bool ok = false;
  StoreError error = StoreError::unavailable;
  DecisionReceipt receipt;
};
using DecideDone = InplaceFunction<void(const DecideOutcome&), 48>;

/// Names the random draws of one request: purpose plus this logical entity.
struct DrawKey {
  std::uint64_t a = 0, b = 0, c = 0;
};

/// Requests to the StateStore with the model's latency, connection pool and faults. Every callback runs exactly
/// once, later than the call, on the main stack.
class StoreClient {
 public:
  virtual ~StoreClient() = default;
  virtual void append(NewEvent event, DrawKey key, AppendDone done) = 0;
  virtual void decide(SignalDecision decision, DrawKey key, DecideDone done) = 0;
  /// saveRunMetadata: an upsert of what the run's row already holds (the provider's ids are the run's own); latency and
  /// pool like an append, no event.
  virtual void save_metadata(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) = 0;
  /// A read: latency and pool only; `done` gets the time at which the answer left the store.
  virtual void read(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) = 0;
  /// A status read that a read replica may answer, where there is one: the state as of a moment ago.
  virtual void read_status(RunOrdinal run, DrawKey key, InplaceFunction<void(bool ok), 48> done) {
    read(run, key, std::move(done));
  }
  /// Nothing more will be asked for the run: the rows may drop their caches for it (StateStore::release_run), once what
  /// is under way has ended and nobody keeps it.
  virtual void release_run(RunOrdinal /*run*/) {}
  /// An event of the run will be written later: it is not released before it is let go as often as it was kept.
  virtual void keep_run(RunOrdinal /*run*/) {}
  virtual void let_run_go(RunOrdinal /*run*/) {}
};

}  // namespace dvt
