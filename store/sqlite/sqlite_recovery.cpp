// A store whose host died: what was acknowledged must be in the file that SQLite recovers.
#include <algorithm>

#include "store/sqlite/sqlite_state_store.h"
#include "store/sqlite/statements.h"

namespace dvt::store {

void SqliteStateStore::crash() {
  DVT_ASSERT(options_.commit == Commit::per_append && !db_.in_memory(), "a crash needs a file and commit: per_append");
  if (down_) return;
  sql_.reset();
  db_.close();
  archive_attached_ = false;
  down_ = true;
}

bool SqliteStateStore::reopen() {
  if (!down_) return true;
  try {
    guarded([] {});
  } catch (const StoreFailure&) {
    return false;
  }
  return true;
}

void SqliteStateStore::recover() {
  if (lost_) throw StoreFailure(StoreError::corrupt, "acknowledged events are missing");
  try {
    if (!db_.is_open()) db_.open();
    prepare();
    const std::uint64_t last = last_position();
    if (last < flushed_ || hash_of(flushed_) != chain_) {
      lost_ = true;
      corrupt("events up to " + std::to_string(flushed_) + " were acknowledged, the recovered file ends at " +
              std::to_string(last));
    }
    take_over(last);
  } catch (const StoreFailure&) {
    sql_.reset();
    db_.close();
    throw;
  }
  down_ = false;
}

// `last`: the newest event in the file; those behind flushed_ were committed and never acknowledged.
void SqliteStateStore::take_over(std::uint64_t last) {
  std::vector<StoredEvent> recovered;
  {
    db::ResetGuard guard(sql_->select_partition);
    sql_->select_partition.bind(1, flushed_);
    sql_->select_partition.bind(2, last + 1);
    sql_->select_partition.bind(3, 1);
    sql_->select_partition.bind(4, 0);
    sql_->select_partition.bind(5, std::int64_t{-1});
    while (sql_->select_partition.step()) recovered.push_back(verified(sql_->select_partition));
  }
  chain_ = hash_of(last);
  plans_written_ = static_cast<std::size_t>(db_.query_int("SELECT count(*) FROM plan ORDER BY 1"));
  tenants_written_ = static_cast<std::size_t>(db_.query_int("SELECT count(*) FROM tenant ORDER BY 1"));
  counts_.decisions = archived_.decisions +
                      static_cast<std::uint64_t>(db_.query_int("SELECT count(*) FROM signal_decision ORDER BY 1"));
  decision_rows_ = counts_.decisions > 0;
  counts_.events = last;
  flushed_ = last;
  ring_.start_after(last);
  for (const StoredEvent& event : recovered) {
    outbox_.push();
    if (event.run_seq != 1) continue;
    ++counts_.runs;
    next_new_run_ = std::max(next_new_run_, event.run.value + 1);
    const std::uint32_t slot = runs_.find(event.run);
    if (slot == RunTable::kNone) continue;
    runs_[slot].row_stored = true;
    requests_.erase(runs_[slot].record.request_key);
  }
  runs_.forget_events();
  if (observer_ == nullptr) return;
  for (const StoredEvent& event : recovered) observer_->event_recovered(event);
}

void SqliteStateStore::drop_caches() {
  DVT_ASSERT(options_.commit == Commit::per_append, "what is not in the database is in memory only");
  if (down_) return;
  ring_.start_after(ring_.last());
  runs_.forget_events();
  db_.drop_cache();
}

void SqliteStateStore::corrupt(const std::string& what) {
  throw StoreFailure(StoreError::corrupt, what);
}

void SqliteStateStore::tell(const StoreFailure& failure) {
  if (failure.store_error() == StoreError::corrupt && observer_ != nullptr) observer_->corruption_found(failure.what());
}

}  // namespace dvt::store
