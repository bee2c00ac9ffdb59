#include "store/sqlite/sqlite_state_store.h"

#include <algorithm>
#include <cstring>

#include "store/sqlite/row_codec.h"
#include "store/sqlite/statements.h"

namespace dvt::store {
namespace {

AppendReceipt receipt_of(const KnownEvent& event, bool idempotent) {
  return AppendReceipt{.event_id = event.event_id,
                       .run_seq = event.run_seq,
                       .persisted_at = event.persisted_at,
                       .position = event.position,
                       .idempotent = idempotent,
                       .persisted = true};
}

KnownEvent known_event(const StoredEvent& event) {
  return {event.idempotency_key, event.event_id, event.position, event.run_seq, event.persisted_at};
}

// Behind the pending rows the ring keeps at least half as many again, for readers that are a little behind.
std::size_t ring_capacity(const SqliteOptions& options) {
  return options.rows_per_commit + std::size_t{options.rows_per_commit} * 3 / 5 + 1;
}

}  // namespace

std::size_t SqliteStateStore::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t word = 0;
  std::memcpy(&word, digest.bytes.data(), sizeof word);
  return word;
}

SqliteStateStore::SqliteStateStore(SqliteOptions options)
    : options_(std::move(options)),
      ring_(ring_capacity(options_)),
      db_(options_.path, db::Open::create, options_.vfs),
      hasher_(options_.start) {
  DVT_ASSERT(options_.rows_per_commit > 0, "a commit needs a row");
  prepare();
  load();
}

void SqliteStateStore::prepare() {
  prepare_schema(db_, options_.start, options_.commit == Commit::per_append);
  db::register_row_source(db_, "pending_rows", PendingRows::kColumns, batch_);
  sql_ = std::make_unique<Statements>(db_);
}

SqliteStateStore::~SqliteStateStore() {
  try {
    flush();
  } catch (const StoreFailure&) {
    // Nobody is left to be told; the file holds a prefix, as after a kill.
  }
}

void SqliteStateStore::add_plan(const PlanRecord& plan) {
  if (plan.ordinal.value < plans_.size()) {
    const PlanRecord& known = plans_[plan.ordinal.value];
    if (known.plan_id != plan.plan_id || known.plan_version != plan.plan_version || known.step_ids != plan.step_ids) {
      throw Error("the store knows plan " + std::to_string(plan.ordinal.value) + " as " + known.plan_id + ", not as " +
                  plan.plan_id);
    }
    return;
  }
  DVT_ASSERT(plan.ordinal.value == plans_.size(), "plans are added in the order of their ordinals");
  plans_.push_back(plan);
}

void SqliteStateStore::add_tenant(const TenantRecord& tenant) {
  if (tenant.ordinal.value < tenants_.size()) {
    if (tenants_[tenant.ordinal.value].tenant_id != tenant.tenant_id) {
      throw Error("the store knows tenant " + std::to_string(tenant.ordinal.value) + " by another id");
    }
    return;
  }
  DVT_ASSERT(tenant.ordinal.value == tenants_.size(), "tenants are added in the order of their ordinals");
  tenants_.push_back(tenant);
}

void SqliteStateStore::add_run(const RunRecord& run) {
  DVT_ASSERT(run.plan.value < plans_.size() && run.tenant.value < tenants_.size(),
             "a run of an unknown plan or tenant");
  const auto stored = [&] { return guarded([&] { return slot_of(run.ordinal) != RunTable::kNone; }); };
  if (run.ordinal.value < next_new_run_ && stored()) return;
  if (runs_.find(run.ordinal) != RunTable::kNone) return;
  RunSlot& slot = runs_[runs_.open(run)];
  slot.keys_loaded = true;
  requests_.emplace(run.request_key, run.ordinal);
}

std::optional<RunOrdinal> SqliteStateStore::find_request(const Digest& request_key) {
  if (const auto found = requests_.find(request_key); found != requests_.end()) return found->second;
  if (next_new_run_ == 0) return std::nullopt;
  return guarded([&]() -> std::optional<RunOrdinal> {
    db::ResetGuard guard(sql_->select_request);
    sql_->select_request.bind_blob(1, request_key.bytes.data(), request_key.bytes.size());
    if (!sql_->select_request.step()) return std::nullopt;
    return RunOrdinal{sql_->select_request.u32_at(0)};
  });
}

const PlanRecord& SqliteStateStore::plan_of(const RunRecord& run) const {
  return plans_[run.plan.value];
}

std::uint32_t SqliteStateStore::slot_of(RunOrdinal run) {
  const std::uint32_t open = runs_.find(run);
  if (open != RunTable::kNone || run.value >= next_new_run_) return open;
  db::ResetGuard guard(sql_->select_run);
  sql_->select_run.bind(1, run.value);
  if (!sql_->select_run.step()) return RunTable::kNone;
  RunRecord record{.ordinal = run,
                   .run_id = {},
                   .plan = PlanOrdinal{sql_->select_run.u32_at(1)},
                   .tenant = TenantOrdinal{sql_->select_run.u32_at(2)},
                   .request_key = {},
                   .requested_at = Instant{sql_->select_run.int_at(3)}};
  copy_bytes(sql_->select_run.blob_at(0), record.run_id);
  const std::uint32_t slot = runs_.open(record);
  runs_[slot].row_stored = true;
  release_slot(slot);  // opened for one late visitor: closed again with the next commit
  return slot;
}

void SqliteStateStore::load_keys(RunSlot& slot) {
  if (slot.keys_loaded) return;
  db::ResetGuard guard(sql_->select_keys);
  sql_->select_keys.bind(1, slot.record.ordinal.value);
  slot.forget_events();  // an earlier attempt may have read half of them
  while (sql_->select_keys.step()) slot.add(known_event(verified(sql_->select_keys)));
  slot.keys_loaded = true;
}

std::optional<AppendReceipt> SqliteStateStore::find_stored(RunOrdinal run, const Digest& key) {
  db::ResetGuard guard(sql_->select_key);
  sql_->select_key.bind(1, run.value);
  sql_->select_key.bind_blob(2, key.bytes.data(), key.bytes.size());
  if (!sql_->select_key.step()) return std::nullopt;
  return receipt_of(known_event(verified(sql_->select_key)), true);
}

Result<AppendReceipt, StoreError> SqliteStateStore::append(const NewEvent& event, Instant persisted_at) {
  try {
    return guarded([&] { return append_checked(event, persisted_at); });
  } catch (const StoreFailure& error) {
    return failure(error.store_error());
  }
}

Result<AppendReceipt, StoreError> SqliteStateStore::append_checked(const NewEvent& event, Instant persisted_at) {
  std::uint32_t index = runs_.find(event.run);
  if (index == RunTable::kNone || !runs_[index].keys_loaded) {
    // A released run: a duplicate is answered without remembering the run again.
    if (event.run.value < next_new_run_) {
      if (const auto known = find_stored(event.run, event.idempotency_key)) {
        ++counts_.duplicates;
        return *known;
      }
    }
    index = slot_of(event.run);
    if (index == RunTable::kNone) return failure(StoreError::unknown_run);
    load_keys(runs_[index]);
  }
  if (const KnownEvent* known = runs_[index].find(event.idempotency_key)) {
    ++counts_.duplicates;
    return receipt_of(*known, true);
  }
  if (make_room()) {  // it may have closed the slot, if the run was released
    index = slot_of(event.run);
    load_keys(runs_[index]);
  }
  RunSlot& slot = runs_[index];
  StoredEvent& row = ring_.next_slot();
  static_cast<NewEvent&>(row) = event;
  row.position = ring_.last() + 1;
  row.run_seq = slot.last_seq + 1;
  row.persisted_at = persisted_at;
  if (options_.commit == Commit::per_append) commit(row.position);  // throws before anything is remembered

  const KnownEvent known{event.idempotency_key, event.event_id, row.position, row.run_seq, persisted_at};
  if (options_.commit == Commit::batched) {
    ring_.accept();
    outbox_.push();
    slot.add(known);
  } else if (const std::uint32_t open = runs_.find(event.run); open != RunTable::kNone) {
    runs_[open].add(known);  // the ring and the outbox took it in with the commit
  }
  ++counts_.events;
  if (known.run_seq == 1) ++counts_.runs;
  return receipt_of(known, false);
}

bool SqliteStateStore::make_room() {
  if (together_ || options_.commit == Commit::per_append) return false;
  if (ring_.last() - flushed_ + decisions_.size() < options_.rows_per_commit) return false;
  commit(ring_.last());
  return true;
}

Result<DecisionReceipt, StoreError> SqliteStateStore::decide(const SignalDecision& decision) {
  try {
    return guarded([&] { return decide_checked(decision); });
  } catch (const StoreFailure& error) {
    return failure(error.store_error());
  }
}

Result<DecisionReceipt, StoreError> SqliteStateStore::decide_checked(const SignalDecision& decision) {
  if (runs_.find(decision.run) == RunTable::kNone && slot_of(decision.run) == RunTable::kNone) {
    return failure(StoreError::unknown_run);
  }
  key_scratch_ = std::to_string(decision.tenant.value) + '/' + std::to_string(decision.run.value) + '/';
  key_scratch_ += decision.signal_id;
  std::optional<DecisionReceipt> stands;
  if (const auto found = decision_index_.find(key_scratch_); found != decision_index_.end()) {
    const SignalDecision& known = decisions_[found->second];
    stands = DecisionReceipt{known.status, known.code, true, {}};
  } else if (decision_rows_) {
    db::Statement& select = sql_->select_decision;
    db::ResetGuard guard(select);
    select.bind(1, decision.tenant.value);
    select.bind(2, decision.run.value);
    select.bind_text(3, decision.signal_id);
    if (select.step())
      stands = DecisionReceipt{static_cast<DecisionStatus>(select.int_at(0)), std::string(select.text_at(1)), true, {}};
  }
  if (stands && !decision.replaces) return *stands;
  make_room();
  auto event = add_decision(decision);
  if (!event.has_value()) return failure(event.error());
  if (options_.commit == Commit::batched) decision_index_.insert_or_assign(key_scratch_, decisions_.size() - 1);
  if (!stands) ++counts_.decisions;
  return DecisionReceipt{decision.status, decision.code, false, event.value()};
}

// From here to the end nothing may commit in between: decision and event go into one transaction.
Result<std::optional<AppendReceipt>, StoreError> SqliteStateStore::add_decision(const SignalDecision& decision) {
  decisions_.push_back(decision);
  decisions_.back().allows.reset();
  std::optional<AppendReceipt> receipt;
  try {
    if (decision.allows != nullptr) {
      together_ = true;
      const auto event = append_checked(*decision.allows, decision.persisted_at);
      together_ = false;
      if (!event.has_value()) {
        decisions_.pop_back();
        return failure(event.error());
      }
      receipt = event.value();
    }
    // Nothing is left to be written when the event's commit took the decision along.
    if (options_.commit == Commit::per_append && !decisions_.empty()) commit(ring_.last());
  } catch (const StoreFailure&) {
    together_ = false;
    decisions_.pop_back();
    throw;
  }
  return receipt;
}

void SqliteStateStore::write_snapshots(std::uint32_t partition, std::uint64_t watermark,
                                       std::span<const SnapshotWrite> snapshots, Instant committed_at) {
  // Runs that are not open must be read: all of them before the first is changed.
  for (const SnapshotWrite& write : snapshots)
    if (runs_.find(write.run) == RunTable::kNone) guarded([&] { (void)slot_of(write.run); });
  for (const SnapshotWrite& write : snapshots) {
    const std::uint32_t index = runs_.find(write.run);
    DVT_ASSERT(index != RunTable::kNone, "a snapshot of an unknown run");
    RunSlot& slot = runs_[index];
    if (!slot.snapshot_pending) snapshots_.push_back(index);
    slot.snapshot_pending = true;
    slot.snapshot_up_to = write.up_to_seq;
    slot.snapshot_at = committed_at;
    slot.snapshot_state = *write.state;
  }
  watermarks_[partition] = Watermark{watermark, committed_at, true};
  watermarks_touched_ = true;
}

std::uint64_t SqliteStateStore::watermark(std::uint32_t partition) {
  const auto found = watermarks_.find(partition);
  return found == watermarks_.end() ? 0 : found->second.position;
}

void SqliteStateStore::claim_outbox(std::uint32_t relay, Instant now, Instant lease_until, std::size_t limit,
                                    std::vector<OutboxRow>& out) {
  guarded([&] { claim_checked(relay, now, lease_until, limit, out); });
}

// All of them or, when one cannot be read, none.
void SqliteStateStore::claim_checked(std::uint32_t relay, Instant now, Instant lease_until, std::size_t limit,
                                     std::vector<OutboxRow>& out) {
  out.clear();
  while (out.size() < limit) {
    const std::uint64_t position = outbox_.claim(relay, now, lease_until);
    if (position == 0) return;
    try {
      out.push_back(OutboxRow{position, outbox_.at(position).attempts, event_at(position)});
    } catch (const StoreFailure&) {
      outbox_.give_back(position, now);
      for (const OutboxRow& row : out) outbox_.give_back(row.position, now);
      out.clear();
      throw;
    }
  }
}

void SqliteStateStore::mark_delivered(std::span<const std::uint64_t> positions, Instant now) {
  for (const std::uint64_t position : positions) outbox_.deliver(position, now);
}

void SqliteStateStore::retry_outbox(std::uint64_t position, Instant not_before) {
  outbox_.retry(position, not_before);
}

void SqliteStateStore::dead_letter(std::uint64_t position, Instant now) {
  if (!outbox_.has(position)) return;
  const std::uint32_t attempts = outbox_.at(position).attempts;
  if (!outbox_.bury(position, now)) return;
  dead_letters_.push_back(DeadLetter{position, attempts, now});
  ++counts_.dead_letters;
}

void SqliteStateStore::redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) {
  out.clear();
  guarded([&] {
    commit(ring_.last());
    db::Statement rows(db_, "SELECT position FROM dead_letter ORDER BY position");
    while (rows.step()) out.push_back(event_at(rows.uint_at(0)));
  });
  for (const StoredEvent& event : out) {
    outbox_.redrive(event.position, now);
    redriven_.push_back(event.position);
  }
  counts_.dead_letters -= out.size();
}

bool SqliteStateStore::all_written(const RunSlot& slot) const {
  if (slot.snapshot_pending) return false;
  return slot.events().empty() || slot.events().back().position <= flushed_;
}

void SqliteStateStore::release_slot(std::uint32_t slot) {
  if (runs_[slot].released) return;
  runs_[slot].released = true;
  released_.push_back(slot);
}

void SqliteStateStore::release_run(RunOrdinal run) {
  const std::uint32_t index = runs_.find(run);
  if (index == RunTable::kNone) return;
  RunSlot& slot = runs_[index];
  if (!slot.released && all_written(slot)) {
    if (!slot.row_stored) requests_.erase(slot.record.request_key);  // refused before its first event
    runs_.close(index);
  } else {
    release_slot(index);
  }
}

void SqliteStateStore::flush() {
  guarded([&] { commit(ring_.last()); });
}

StoreCounts SqliteStateStore::counts() {
  StoreCounts counts = counts_;
  counts.outbox_pending = outbox_.pending();
  return counts;
}

std::uint64_t SqliteStateStore::bytes() {
  flush();
  return db_.bytes();
}

std::uint64_t SqliteStateStore::file_bytes() {
  return guarded([this] { return db_.bytes(); });
}

void SqliteStateStore::backup_to(const std::string& path) {
  flush();
  db_.backup_to(path);
  if (archive_attached_) db_.backup_to(archive_path(path), "archive");
}

}  // namespace dvt::store
