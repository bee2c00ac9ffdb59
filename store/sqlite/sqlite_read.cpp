// Reading back: a reopened file, and events and snapshots, from RAM where they are and from the database otherwise.
#include <algorithm>

#include "store/sqlite/row_codec.h"
#include "store/sqlite/sqlite_state_store.h"
#include "store/sqlite/statements.h"

namespace dvt::store {

StoredEvent read_event(const db::Statement& row) {
  StoredEvent event;
  event.position = row.uint_at(0);
  event.run = RunOrdinal{row.u32_at(1)};
  event.run_seq = row.uint_at(2);
  event.type = static_cast<EventType>(row.int_at(3));
  event.step = row.null_at(4) ? kNoStep : StepIndex{row.u32_at(4)};
  event.logical_attempt = row.u32_at(5);
  event.engine_attempt = row.u32_at(6);
  copy_bytes(row.blob_at(7), event.event_id);
  copy_bytes(row.blob_at(8), event.idempotency_key);
  event.emitted_at = Instant{row.int_at(9)};
  event.persisted_at = Instant{row.int_at(10)};
  if (!row.null_at(11)) event.payload = std::make_shared<const std::string>(row.text_at(11));
  return event;
}

StoredEvent SqliteStateStore::verified(const db::Statement& row) {
  StoredEvent event = read_event(row);
  Digest stored, previous;
  copy_bytes(row.blob_at(12), stored);
  copy_bytes(row.blob_at(13), previous);  // none before the first: zeros
  if (chain_hash(sha_, previous, event) != stored)
    corrupt("event " + std::to_string(event.position) + " does not match its hash");
  return event;
}

void SqliteStateStore::load() {
  load_catalogue();
  load_archived();
  flushed_ = last_position();
  ring_.start_after(flushed_);
  chain_ = hash_of(flushed_);
  counts_.events = flushed_;
  counts_.runs = static_cast<std::uint64_t>(db_.query_int("SELECT count(*) FROM run_request ORDER BY 1"));
  counts_.decisions = archived_.decisions +
                      static_cast<std::uint64_t>(db_.query_int("SELECT count(*) FROM signal_decision ORDER BY 1"));
  decision_rows_ = counts_.decisions > 0;
  counts_.dead_letters = static_cast<std::uint64_t>(db_.query_int("SELECT count(*) FROM dead_letter ORDER BY 1"));
  if (counts_.runs > 0) {
    next_new_run_ = static_cast<std::uint32_t>(db_.query_int("SELECT max(run_no) FROM run_request ORDER BY 1")) + 1;
  }
  load_outbox();
  db::Statement rows(db_, "SELECT partition_no, position, committed_at_ns FROM watermark ORDER BY partition_no");
  while (rows.step()) watermarks_[rows.u32_at(0)] = Watermark{rows.uint_at(1), Instant{rows.int_at(2)}, false};
}

void SqliteStateStore::load_catalogue() {
  db::Statement plans(db_, "SELECT plan_no, plan_id, plan_version FROM plan ORDER BY plan_no");
  while (plans.step()) {
    DVT_ASSERT(plans.uint_at(0) == plans_.size(), "plan numbers are dense");
    plans_.push_back(
        PlanRecord{PlanOrdinal{plans.u32_at(0)}, std::string(plans.text_at(1)), std::string(plans.text_at(2)), {}});
  }
  db::Statement steps(db_, "SELECT plan_no, step_id FROM step ORDER BY plan_no, step_no");
  while (steps.step()) plans_[steps.u32_at(0)].step_ids.emplace_back(steps.text_at(1));
  db::Statement tenants(db_, "SELECT tenant_no, tenant_id FROM tenant ORDER BY tenant_no");
  while (tenants.step()) {
    tenants_.push_back(TenantRecord{TenantOrdinal{tenants.u32_at(0)}, std::string(tenants.text_at(1))});
  }
  plans_written_ = plans_.size();
  tenants_written_ = tenants_.size();
}

// Rows are removed from the front only, so the last ones follow each other up to the newest event; those before a hole
// were driven again out of the dead letter queue.
void SqliteStateStore::load_outbox() {
  db::Statement rows(db_,
                     "SELECT position, state, attempts, owner, lease_until_ns, not_before_ns, delivered_at_ns"
                     " FROM outbox ORDER BY position");
  std::vector<std::pair<std::uint64_t, OutboxEntry>> entries;
  while (rows.step()) {
    OutboxEntry entry;
    entry.state = static_cast<OutboxState>(rows.int_at(1));
    entry.attempts = rows.u32_at(2);
    entry.owner = rows.u32_at(3);
    const int time_column = entry.state == OutboxState::leased ? 4 : entry.state == OutboxState::pending ? 5 : 6;
    entry.time = Instant{rows.int_at(time_column)};
    entries.emplace_back(rows.uint_at(0), entry);
  }
  std::size_t dense = entries.size();  // from here on without holes
  while (dense > 0 && entries[dense - 1].first == flushed_ - (entries.size() - dense)) --dense;
  outbox_.start_after(flushed_ - (entries.size() - dense));
  for (std::size_t i = 0; i < dense; ++i) outbox_.restore_redriven(entries[i].first, entries[i].second);
  for (std::size_t i = dense; i < entries.size(); ++i) outbox_.restore(entries[i].second);
  outbox_rows_from_ = outbox_.base();
}

StoredEvent SqliteStateStore::event_at(std::uint64_t position) {
  if (ring_.holds(position)) return ring_[position];
  db::ResetGuard guard(sql_->select_event);
  sql_->select_event.bind(1, position);
  if (!sql_->select_event.step()) corrupt("event " + std::to_string(position) + " is gone");
  return verified(sql_->select_event);
}

void SqliteStateStore::fetch(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                             std::vector<StoredEvent>& out) {
  guarded([&] { fetch_checked(run, after_seq, limit, out); });
}

void SqliteStateStore::fetch_checked(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                                     std::vector<StoredEvent>& out) {
  out.clear();
  // Unwritten events exist only of runs whose keys are loaded. What the ring does not hold is in the database.
  const std::uint32_t index = runs_.find(run);
  const RunSlot* slot = index != RunTable::kNone && runs_[index].keys_loaded ? &runs_[index] : nullptr;
  std::size_t from_database = limit;
  std::size_t next = 0;
  if (slot != nullptr) {
    next = slot->after(after_seq);
    std::size_t held = next;
    while (held < slot->events().size() && !ring_.holds(slot->events()[held].position)) ++held;
    from_database = std::min(limit, held - next);
    next = held;
  }
  if (from_database > 0 && run.value < next_new_run_) {
    db::Statement& select = sql_->select_run_events;
    db::ResetGuard guard(select);
    select.bind(1, run.value);
    select.bind(2, after_seq);
    select.bind(3, static_cast<std::int64_t>(std::min<std::size_t>(from_database, 1U << 30)));
    while (select.step()) out.push_back(verified(select));
  }
  if (slot == nullptr) return;
  for (; next < slot->events().size() && out.size() < limit; ++next)
    out.push_back(ring_[slot->events()[next].position]);
}

std::uint64_t SqliteStateStore::read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                                               std::size_t limit, std::vector<StoredEvent>& out) {
  return guarded([&] { return read_checked(after, partition, partitions, limit, out); });
}

std::uint64_t SqliteStateStore::read_checked(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                                             std::size_t limit, std::vector<StoredEvent>& out) {
  out.clear();
  if (limit == 0) return after;
  std::uint64_t position = after + 1;
  if (position < ring_.first()) {
    db::Statement& select = sql_->select_partition;
    db::ResetGuard guard(select);
    select.bind(1, after);
    select.bind(2, ring_.first());
    select.bind(3, partitions);
    select.bind(4, partition);
    select.bind(5, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1U << 30)));
    while (select.step()) out.push_back(verified(select));
    if (out.size() == limit) return out.back().position;
    position = ring_.first();
  }
  for (; position <= ring_.last(); ++position) {
    const StoredEvent& event = ring_[position];
    if (event.run.value % partitions != partition) continue;
    out.push_back(event);
    if (out.size() == limit) return position;
  }
  return std::max(after, ring_.last());
}

std::optional<StoredSnapshot> SqliteStateStore::snapshot(RunOrdinal run) {
  return guarded([&] {
    try {
      return snapshot_checked(run);
    } catch (const StoreFailure& failure) {
      if (failure.store_error() == StoreError::corrupt && observer_ != nullptr) observer_->snapshot_unverified(run);
      throw;
    }
  });
}

std::optional<StoredSnapshot> SqliteStateStore::snapshot_checked(RunOrdinal run) {
  const std::uint32_t index = runs_.find(run);
  if (index != RunTable::kNone && runs_[index].snapshot_pending) {
    if (altered_snapshots_) corrupt_snapshot(run);
    const RunSlot& slot = runs_[index];
    return StoredSnapshot{slot.snapshot_up_to, slot.snapshot_state,
                          hasher_.hash(slot.record.run_id, plan_of(slot.record), slot.snapshot_state)};
  }
  if (run.value >= next_new_run_) return std::nullopt;
  db::Statement& select = sql_->select_snapshot;
  db::ResetGuard guard(select);
  select.bind(1, run.value);
  if (!select.step()) return std::nullopt;
  return verified_snapshot(select, run);
}

void SqliteStateStore::corrupt_snapshot(RunOrdinal run) {
  corrupt("the newest snapshot of run " + std::to_string(run.value) + " does not match its hash");
}

StoredSnapshot SqliteStateStore::verified_snapshot(const db::Statement& row, RunOrdinal run) {
  StoredSnapshot stored;
  stored.up_to_seq = row.uint_at(0);
  copy_bytes(row.blob_at(1), stored.hash);
  if (altered_snapshots_) stored.hash.bytes[0] ^= 1;
  if (!decode_state(row.blob_at(2), stored.state)) corrupt_snapshot(run);
  Uuid run_id;
  copy_bytes(row.blob_at(3), run_id);
  const PlanRecord& plan = plans_[row.u32_at(4)];
  if (stored.state.steps.size() > plan.step_ids.size() || hasher_.hash(run_id, plan, stored.state) != stored.hash)
    corrupt_snapshot(run);
  return stored;
}

}  // namespace dvt::store
