#include "store/sqlite/run_table.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/base/reuse.h"

namespace dvt::store {
namespace {

// Keys are SHA-256 digests: any eight bytes are as good as a hash. Used for placing only, so byte order is no matter.
std::uint64_t prefix(const Digest& key) {
  std::uint64_t word = 0;
  std::memcpy(&word, key.bytes.data(), sizeof word);
  return word;
}

constexpr std::size_t kSmallestTable = 32;

}  // namespace

const KnownEvent* RunSlot::find(const Digest& key) const {
  if (table_.empty()) return nullptr;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = prefix(key) & mask; table_[i] != 0; i = (i + 1) & mask) {
    const KnownEvent& event = events_[table_[i] - 1];
    if (event.key == key) return &event;
  }
  return nullptr;
}

void RunSlot::place(std::uint32_t index) {
  const std::size_t mask = table_.size() - 1;
  std::size_t i = prefix(events_[index].key) & mask;
  while (table_[i] != 0) i = (i + 1) & mask;
  table_[i] = index + 1;
}

void RunSlot::add(const KnownEvent& event) {
  DVT_ASSERT(event.run_seq > last_seq, "run_seq must grow");
  events_.push_back(event);
  last_seq = event.run_seq;
  if (events_.size() * 2 > table_.size()) {
    table_.assign(std::max(kSmallestTable, table_.size() * 2), 0);
    for (std::uint32_t i = 0; i < events_.size(); ++i) place(i);
  } else {
    place(static_cast<std::uint32_t>(events_.size() - 1));
  }
}

std::size_t RunSlot::after(std::uint64_t seq) const {
  const auto place =
      std::upper_bound(events_.begin(), events_.end(), seq,
                       [](std::uint64_t wanted, const KnownEvent& event) { return wanted < event.run_seq; });
  return static_cast<std::size_t>(place - events_.begin());
}

void RunSlot::forget_events() {
  last_seq = 0;
  keys_loaded = false;
  events_.clear();
  std::fill(table_.begin(), table_.end(), 0U);
}

void RunSlot::clear() {
  record = RunRecord{};
  last_seq = 0;
  row_stored = keys_loaded = released = snapshot_pending = false;
  snapshot_up_to = 0;
  // A run with very many events must not leave its table to the small runs that follow.
  constexpr std::size_t kEventsBytesMax = 8'192;
  empty_for_reuse(events_, kEventsBytesMax);
  if (table_.capacity() * sizeof table_[0] > kReusedBytesMax) {
    table_ = std::vector<std::uint32_t>();
    snapshot_state = RunState{};
  } else {
    std::fill(table_.begin(), table_.end(), 0U);
  }
}

std::uint32_t RunTable::open(const RunRecord& record) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].record = record;
  map_.insert(record.ordinal.value, slot);
  return slot;
}

void RunTable::forget_events() {
  for (RunSlot& slot : slots_)
    if (slot.row_stored) slot.forget_events();
}

void RunTable::close(std::uint32_t slot) {
  map_.erase(slots_[slot].record.ordinal.value);
  slots_[slot].clear();
  free_.push_back(slot);
}

}  // namespace dvt::store
