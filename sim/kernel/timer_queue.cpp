// A 4-ary heap of 16-byte entries over a pool of slots. Removal walks the hole down to a leaf and lifts the last
// entry from there: the last entry nearly always belongs near the bottom, so this saves a comparison a level.
#include "sim/kernel/timer_queue.h"

#include <limits>
#include <utility>

namespace dvt::sim {
namespace {

constexpr unsigned kKeyBits = 40;
constexpr unsigned kHalfBits = kKeyBits / 2;
constexpr std::uint64_t kHalfMask = (std::uint64_t{1} << kHalfBits) - 1;
// Below this many stale entries a compaction is not worth its pass.
constexpr std::size_t kStaleMin = 64;

// A keyed permutation of 40-bit numbers (four Feistel rounds): distinct numbers stay distinct, so shuffled entries
// need no tie-break and no wider key.
std::uint64_t permute(std::uint64_t number, const std::array<std::uint64_t, 4>& round_keys) {
  std::uint64_t left = number >> kHalfBits;
  std::uint64_t right = number & kHalfMask;
  for (const std::uint64_t key : round_keys) {
    std::uint64_t mixed = (right ^ key) * 0x9e37'79b9'7f4a'7c15;
    mixed = (mixed ^ mixed >> 32) * 0xd6e8'feb8'6659'fd93;
    const std::uint64_t next = left ^ (mixed >> (64 - kHalfBits));
    left = right;
    right = next;
  }
  return left << kHalfBits | right;
}

}  // namespace

// Sorts after every real entry, so the tail of the array never wins a comparison.
constexpr TimerQueue::Entry TimerQueue::kNever{std::numeric_limits<std::uint64_t>::max(),
                                               std::numeric_limits<std::uint64_t>::max()};
constexpr TimerQueue::Line TimerQueue::kEmptyLine{{kNever, kNever, kNever, kNever}};

TimerQueue::TimerQueue(TieBreak schedule, const Random* random) : slots_(1), schedule_(schedule) {
  static_assert(kSlotBits + kKeyBits == 64);
  lines_.resize(16, kEmptyLine);
  if (schedule_ == TieBreak::shuffled) {
    DVT_ASSERT(random != nullptr, "a shuffled schedule needs a random stream");
    random->words(Purpose::shuffle, 0, 0, 0, 0, round_keys_.data());
  }
}

std::uint64_t TimerQueue::next_key() {
  ++sequence_;
  DVT_ASSERT(sequence_ >> kKeyBits == 0, "more than 2^40 timers were set");
  return schedule_ == TieBreak::insertion_order ? sequence_ : permute(sequence_, round_keys_);
}

std::uint32_t TimerQueue::take_slot() {
  if (first_free_ != 0) {
    const std::uint32_t slot = first_free_;
    first_free_ = slots_[slot].next_free;
    return slot;
  }
  const std::size_t slot = slots_.size();
  DVT_ASSERT(slot <= kSlotMask, "more than 2^24 timers are pending");
  if (slot / kChunk >= chunks_.size()) chunks_.push_back(std::make_unique<Chunk>());
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slot);
}

TimerId TimerQueue::insert(Instant when, std::uint32_t slot) {
  DVT_ASSERT(when.ns >= 0, "a timer before the start of time");
  const Entry entry{static_cast<std::uint64_t>(when.ns), next_key() << kSlotBits | slot};
  slots_[slot].word = entry.word;
  // The children of every node must exist up to the last of their line, so that removal needs no bounds.
  if (heap_size_ + 2 * kArity > lines_.size() * 4) {
    lines_.resize(lines_.size() * 2, kEmptyLine);
  }
  ++live_;
  sift_up(heap_size_++, entry);
  return {entry.word};
}

TimerId TimerQueue::push(Instant when, Callback&& callback_to_run) {
  DVT_ASSERT(static_cast<bool>(callback_to_run), "an empty callback was set");
  const std::uint32_t slot = take_slot();
  callback(slot) = std::move(callback_to_run);
  return insert(when, slot);
}

TimerId TimerQueue::push_token(Instant when, void* token) {
  DVT_ASSERT(token != nullptr, "a null token was set");
  const std::uint32_t slot = take_slot();
  slots_[slot].token = token;
  return insert(when, slot);
}

bool TimerQueue::cancel(TimerId timer) {
  const std::uint32_t slot = slot_of(timer.value);
  if (!timer || slot >= slots_.size() || slots_[slot].word != timer.value) return false;
  slots_[slot].word = 0;
  --live_;
  ++stale_;
  if (slots_[slot].token != nullptr) {
    slots_[slot].token = nullptr;
  } else {
    // Moved out first: a capture's destructor may set or cancel timers.
    const Callback dropped = std::move(callback(slot));
  }
  free_slot(slot);
  if (stale_ > kStaleMin && stale_ > live_) compact();
  return true;
}

TimerQueue::Due TimerQueue::pop() {
  drop_stale();
  const Entry top = at(0);
  remove_top();
  --live_;
  const std::uint32_t index = slot_of(top.word);
  Slot& slot = slots_[index];
  slot.word = 0;
  void* const token = std::exchange(slot.token, nullptr);
  if (token != nullptr) free_slot(index);
  return {{static_cast<std::int64_t>(top.time)}, token, index};
}

void TimerQueue::invoke(const Due& due) {
  // Cells never move, so the callback runs where it lies; its slot is taken until it has returned.
  struct Release {
    TimerQueue& queue;
    std::uint32_t slot;
    ~Release() {
      queue.callback(slot).reset();
      queue.free_slot(slot);
    }
  } const release{*this, due.slot};
  callback(due.slot)();
}

void TimerQueue::sift_up(std::size_t hole, Entry entry) {
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / kArity;
    if (!before(entry, at(parent))) break;
    at(hole) = at(parent);
    hole = parent;
  }
  at(hole) = entry;
}

void TimerQueue::sift_down(std::size_t hole, Entry entry) {
  for (std::size_t first = kArity * hole + 1; first < heap_size_; first = kArity * hole + 1) {
    const std::size_t best = first_of(first);
    if (!before(at(best), entry)) break;
    at(hole) = at(best);
    hole = best;
  }
  at(hole) = entry;
}

void TimerQueue::remove_top() {
  const Entry last = at(--heap_size_);
  at(heap_size_) = kNever;
  if (heap_size_ == 0) return;
  std::size_t hole = 0;
  for (std::size_t first = 1; first < heap_size_; first = kArity * hole + 1) {
    const std::size_t best = first_of(first);
    at(hole) = at(best);
    hole = best;
  }
  sift_up(hole, last);
}

void TimerQueue::compact() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < heap_size_; ++i) {
    const Entry entry = at(i);
    if (slots_[slot_of(entry.word)].word == entry.word) at(kept++) = entry;
  }
  for (std::size_t i = kept; i < heap_size_; ++i) at(i) = kNever;
  heap_size_ = kept;
  stale_ = 0;
  if (kept < 2) return;
  for (std::size_t i = (kept - 2) / kArity + 1; i-- > 0;) sift_down(i, at(i));
}

}  // namespace dvt::sim
