// The newest events in RAM, by position: everything not yet written to SQLite, and behind it as much as fits. Readers
// that keep up (projector, relay) never touch the database; who falls further behind is served by a SELECT.
#pragma once

#include <bit>
#include <vector>

#include "engine/ports/state_store.h"

namespace dvt::store {

class EventRing {
 public:
  /// Holds at least `capacity` events.
  explicit EventRing(std::size_t capacity) : rows_(std::bit_ceil(capacity)) {}

  /// Starts empty behind `last`, the newest position in the database.
  void start_after(std::uint64_t last) {
    last_ = last;
    first_ = last + 1;
  }

  std::uint64_t last() const { return last_; }
  /// The oldest position held; last() + 1 when empty.
  std::uint64_t first() const { return first_; }
  bool holds(std::uint64_t position) const { return position >= first_ && position <= last_; }

  /// The place of position last() + 1, to be filled and then accepted. Overwrites the oldest event when full.
  StoredEvent& next_slot() {
    if (last_ + 1 - first_ == rows_.size()) ++first_;
    return rows_[(last_ + 1) & (rows_.size() - 1)];
  }
  void accept() { ++last_; }

  /// `position` from first() to last() + 1 (a slot that is filled but not accepted yet).
  const StoredEvent& operator[](std::uint64_t position) const { return rows_[position & (rows_.size() - 1)]; }

 private:
  std::vector<StoredEvent> rows_;
  std::uint64_t first_ = 1;
  std::uint64_t last_ = 0;
};

}  // namespace dvt::store
