// What the SQLite store remembers of each open run: its idempotency keys with what was answered, so that appending a
// new event needs no SELECT, and the newest snapshot that is not written yet. Slots are reused; a released run keeps
// nothing.
#pragma once

#include <deque>
#include <vector>

#include "engine/ports/state_store.h"
#include "store/db/ordinal_map.h"

namespace dvt::store {

struct KnownEvent {
  Digest key;
  Uuid event_id;
  std::uint64_t position = 0;
  std::uint64_t run_seq = 0;
  Instant persisted_at;
};

class RunSlot {
 public:
  RunRecord record;
  std::uint64_t last_seq = 0;
  bool row_stored = false;   // the run's row is in the database
  bool keys_loaded = false;  // events() is complete
  bool released = false;     // to be dropped once everything of it is written

  bool snapshot_pending = false;  // the three below are newer than the database
  std::uint64_t snapshot_up_to = 0;
  Instant snapshot_at;
  RunState snapshot_state;

  /// In run_seq order.
  const std::vector<KnownEvent>& events() const { return events_; }
  /// Null when the key is new.
  const KnownEvent* find(const Digest& key) const;
  /// `event.key` must be new and its run_seq the highest.
  void add(const KnownEvent& event);
  /// Index in events() of the first with a run_seq above `seq`.
  std::size_t after(std::uint64_t seq) const;
  /// Of a run whose row is stored: they will be read from the database again.
  void forget_events();
  void clear();

 private:
  void place(std::uint32_t index);

  std::vector<KnownEvent> events_;
  std::vector<std::uint32_t> table_;  // open addressing over events_: index + 1, 0 is free; at most half full
};

class RunTable {
 public:
  static constexpr std::uint32_t kNone = db::OrdinalMap::kNone;

  std::uint32_t find(RunOrdinal run) const { return map_.find(run.value); }
  RunSlot& operator[](std::uint32_t slot) { return slots_[slot]; }
  /// `record.ordinal` must not be open.
  std::uint32_t open(const RunRecord& record);
  void close(std::uint32_t slot);
  std::size_t size() const { return map_.size(); }
  /// Of all open runs whose rows are stored.
  void forget_events();

 private:
  db::OrdinalMap map_;
  std::deque<RunSlot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace dvt::store
