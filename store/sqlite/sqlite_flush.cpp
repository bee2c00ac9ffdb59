// The physical commit: everything pending goes into one transaction, and RAM changes only after COMMIT succeeded.
#include <algorithm>

#include "store/sqlite/row_codec.h"
#include "store/sqlite/sqlite_state_store.h"
#include "store/sqlite/statements.h"

namespace dvt::store {

void SqliteStateStore::commit(std::uint64_t last) {
  const bool catalogue = plans_written_ < plans_.size() || tenants_written_ < tenants_.size();
  const bool anything = catalogue || last > flushed_ || !decisions_.empty() || !snapshots_.empty() ||
                        !dead_letters_.empty() || !outbox_.touched().empty() || watermarks_touched_;
  if (!anything) return;
  {
    db::Transaction transaction(db_);
    if (catalogue) write_catalogue();
    write_events(last);
    write_runs(last);
    write_outbox();
    write_decisions();
    write_snapshot_rows();
    transaction.commit();
  }
  after_commit(last);
}

void SqliteStateStore::write_catalogue() {
  for (std::size_t i = plans_written_; i < plans_.size(); ++i) {
    const PlanRecord& plan = plans_[i];
    sql_->insert_plan.bind(1, plan.ordinal.value);
    sql_->insert_plan.bind_text(2, plan.plan_id);
    sql_->insert_plan.bind_text(3, plan.plan_version);
    sql_->insert_plan.run();
    for (std::size_t step = 0; step < plan.step_ids.size(); ++step) {
      sql_->insert_step.bind(1, plan.ordinal.value);
      sql_->insert_step.bind(2, static_cast<std::uint64_t>(step));
      sql_->insert_step.bind_text(3, plan.step_ids[step]);
      sql_->insert_step.run();
    }
  }
  for (std::size_t i = tenants_written_; i < tenants_.size(); ++i) {
    sql_->insert_tenant.bind(1, tenants_[i].ordinal.value);
    sql_->insert_tenant.bind_text(2, tenants_[i].tenant_id);
    sql_->insert_tenant.run();
  }
}

void SqliteStateStore::write_events(std::uint64_t last) {
  if (last == flushed_) return;
  batch_.first = flushed_ + 1;
  batch_.last = last;
  batch_.hashes.resize(last - flushed_);
  const Digest* previous = &chain_;
  for (std::uint64_t position = batch_.first; position <= last; ++position) {
    Digest& hash = batch_.hashes[position - batch_.first];
    hash = chain_hash(sha_, *previous, ring_[position]);
    previous = &hash;
  }
  sql_->insert_events.run();
  sql_->insert_outbox.bind(1, batch_.first);
  sql_->insert_outbox.bind(2, last);
  sql_->insert_outbox.run();
}

void SqliteStateStore::write_runs(std::uint64_t last) {
  for (std::uint64_t position = flushed_ + 1; position <= last; ++position) {
    const StoredEvent& event = ring_[position];
    if (event.run_seq != 1) continue;
    const std::uint32_t index = runs_.find(event.run);
    DVT_ASSERT(index != RunTable::kNone, "a run with unwritten events is open");
    const RunRecord& run = runs_[index].record;
    sql_->insert_run.bind(1, run.ordinal.value);
    sql_->insert_run.bind_blob(2, run.run_id.bytes.data(), run.run_id.bytes.size());
    sql_->insert_run.bind(3, run.plan.value);
    sql_->insert_run.bind(4, run.tenant.value);
    sql_->insert_run.bind(5, run.requested_at.ns);
    sql_->insert_run.run();
    sql_->insert_request.bind_blob(1, run.request_key.bytes.data(), run.request_key.bytes.size());
    sql_->insert_request.bind(2, run.ordinal.value);
    sql_->insert_request.run();
  }
}

void SqliteStateStore::write_outbox() {
  for (const std::uint64_t position : redriven_) {
    sql_->delete_dead_letter.bind(1, position);
    sql_->delete_dead_letter.run();
  }
  for (const DeadLetter& dead : dead_letters_) {
    sql_->insert_dead_letter.bind(1, dead.position);
    sql_->insert_dead_letter.bind(2, dead.attempts);
    sql_->insert_dead_letter.bind(3, dead.at.ns);
    sql_->insert_dead_letter.run();
  }
  if (outbox_.base() > outbox_rows_from_) {
    sql_->delete_outbox.bind(1, outbox_rows_from_);
    sql_->delete_outbox.bind(2, outbox_.base());
    sql_->delete_outbox.run();
  }
  db::Statement& update = sql_->update_outbox;
  for (const std::uint64_t position : outbox_.touched()) {
    if (!outbox_.has(position)) {
      if (position >= outbox_rows_from_) continue;  // gone with the range above
      sql_->delete_outbox.bind(1, position);        // driven again, and settled
      sql_->delete_outbox.bind(2, position + 1);
      sql_->delete_outbox.run();
      continue;
    }
    if (position < outbox_.base()) {
      sql_->insert_redriven.bind(1, position);
      sql_->insert_redriven.run();
    }
    const OutboxEntry& entry = outbox_.at(position);
    update.bind(1, static_cast<int>(entry.state));
    update.bind(2, entry.attempts);
    for (int column = 3; column <= 6; ++column) update.bind_null(column);
    switch (entry.state) {
      case OutboxState::pending:
        update.bind(5, entry.time.ns);
        break;
      case OutboxState::leased:
        update.bind(3, entry.owner);
        update.bind(4, entry.time.ns);
        break;
      case OutboxState::delivered:
      case OutboxState::dead:
        update.bind(6, entry.time.ns);
        break;
    }
    update.bind(7, position);
    update.run();
  }
}

void SqliteStateStore::write_decisions() {
  db::Statement& insert = sql_->insert_decision;
  for (const SignalDecision& decision : decisions_) {
    insert.bind(1, decision.tenant.value);
    insert.bind(2, decision.run.value);
    insert.bind_text(3, decision.signal_id);
    insert.bind(4, static_cast<int>(decision.type));
    insert.bind(5, static_cast<int>(decision.status));
    insert.bind_text(6, decision.code);
    insert.bind(7, static_cast<int>(decision.effective_role));
    insert.bind_text(8, decision.actor);
    insert.bind_text(9, decision.reason);
    insert.bind_text(10, decision.payload);
    insert.bind(11, decision.received_at.ns);
    insert.bind(12, decision.decided_at.ns);
    insert.run();
  }
}

void SqliteStateStore::write_snapshot_rows() {
  db::Statement& insert = sql_->insert_snapshot;
  for (const std::uint32_t index : snapshots_) {
    const RunSlot& slot = runs_[index];
    const RunState& state = slot.snapshot_state;
    const Digest hash = hasher_.hash(slot.record.run_id, plan_of(slot.record), state);
    blob_scratch_.clear();
    encode_state(state, blob_scratch_);
    insert.bind(1, slot.record.ordinal.value);
    insert.bind(2, slot.snapshot_up_to);
    insert.bind(3, static_cast<int>(state.status));
    insert.bind(4, state.inconsistent ? 1 : 0);
    insert.bind(5, slot.snapshot_at.ns);
    insert.bind_blob(6, hash.bytes.data(), hash.bytes.size());
    insert.bind_blob(7, blob_scratch_.data(), blob_scratch_.size());
    insert.run();
  }
  if (!watermarks_touched_) return;
  for (const auto& [partition, watermark] : watermarks_) {
    if (!watermark.touched) continue;
    sql_->put_watermark.bind(1, partition);
    sql_->put_watermark.bind(2, watermark.position);
    sql_->put_watermark.bind(3, watermark.at.ns);
    sql_->put_watermark.run();
  }
}

void SqliteStateStore::after_commit(std::uint64_t last) {
  plans_written_ = plans_.size();
  tenants_written_ = tenants_.size();
  while (ring_.last() < last) {  // per_append: the event becomes visible with its commit
    ring_.accept();
    outbox_.push();
  }
  for (std::uint64_t position = flushed_ + 1; position <= last; ++position) {
    const StoredEvent& event = ring_[position];
    if (event.run_seq != 1) continue;
    RunSlot& slot = runs_[runs_.find(event.run)];
    slot.row_stored = true;
    requests_.erase(slot.record.request_key);
    next_new_run_ = std::max(next_new_run_, event.run.value + 1);
  }
  if (last > flushed_) chain_ = batch_.hashes.back();
  flushed_ = last;
  outbox_rows_from_ = std::max(outbox_rows_from_, outbox_.base());
  outbox_.clear_touched();
  dead_letters_.clear();
  redriven_.clear();
  decision_rows_ = decision_rows_ || !decisions_.empty();
  decisions_.clear();
  decision_index_.clear();
  for (const std::uint32_t index : snapshots_) runs_[index].snapshot_pending = false;
  snapshots_.clear();
  for (auto& [partition, watermark] : watermarks_) watermark.touched = false;
  watermarks_touched_ = false;
  for (const std::uint32_t index : released_) runs_.close(index);
  released_.clear();
}

}  // namespace dvt::store
