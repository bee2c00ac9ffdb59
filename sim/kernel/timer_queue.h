// TimerQueue: what happens when, ordered by (time, sequence number). Under `schedule: shuffled` a keyed permutation of
// the sequence numbers replaces them, so only equal times change places, and the same seed gives the same order.
// Cancelling is lazy: a stale heap entry is dropped when it comes up, or all at once when they outnumber the live ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/function.h"
#include "engine/base/time.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

/// How equal times are ordered (scenario key `schedule`).
enum class TieBreak { insertion_order, shuffled };

/// Holds callbacks and bare tokens (the kernel's sleeping fibers). Not a clock: it accepts any time from 0 on.
/// Limits: 2^24 - 1 pending at once, 2^40 - 1 over its lifetime; both are asserted.
class TimerQueue {
 public:
  /// `random` is needed for TieBreak::shuffled only; it is read here and not kept.
  explicit TimerQueue(TieBreak schedule = TieBreak::insertion_order, const Random* random = nullptr);
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  TimerId push(Instant when, Callback&& callback);
  /// `token` must not be null. It comes back from pop().
  TimerId push_token(Instant when, void* token);
  /// True if the entry had not been popped or cancelled. Its callback's captures are destroyed now.
  bool cancel(TimerId timer);

  bool empty() const { return live_ == 0; }
  std::size_t size() const { return live_; }
  /// Entries in the heap, stale ones included: at most twice the live ones plus a constant.
  std::size_t heap_size() const { return heap_size_; }

  /// The earliest entry's time and token (null: a callback). Precondition: !empty().
  Instant next_time() {
    drop_stale();
    return {static_cast<std::int64_t>(at(0).time)};
  }
  void* next_token() {
    drop_stale();
    return slots_[slot_of(at(0).word)].token;
  }

  /// Probably the earliest entry's token, for prefetching: null for a callback or an empty queue, and it may be stale.
  void* likely_next_token() { return heap_size_ == 0 ? nullptr : slots_[slot_of(at(0).word)].token; }

  /// The earliest entry, which is no longer pending from here on. For a callback (token null) call `invoke` exactly
  /// once, before or after further pushes; it runs in place and its slot is free afterwards, even when it throws.
  struct Due {
    Instant when;
    void* token;
    std::uint32_t slot;
  };
  Due pop();
  void invoke(const Due& due);

 private:
  // 16 bytes: four to a cache line. `word` is key << 24 | slot; keys are unique, so it also tells stale from live.
  struct alignas(16) Entry {
    std::uint64_t time;
    std::uint64_t word;
  };
  __extension__ using Wide = unsigned __int128;
  struct alignas(64) Line {
    std::array<Entry, 4> entries;
  };
  struct Slot {
    std::uint64_t word = 0;  // of the live entry; 0: none
    void* token = nullptr;
    std::uint32_t next_free = 0;
  };
  static const Entry kNever;
  static const Line kEmptyLine;
  static constexpr std::size_t kArity = 4;  // faster than 2 and 8, see README.md
  static constexpr unsigned kSlotBits = 24;
  static constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;
  static constexpr std::size_t kChunk = 1024;
  struct alignas(64) Cell {
    Callback callback;
  };
  using Chunk = std::array<Cell, kChunk>;

  static std::uint32_t slot_of(std::uint64_t word) { return static_cast<std::uint32_t>(word & kSlotMask); }
  static bool before(const Entry& a, const Entry& b) {
    // As one 128-bit number: no branch for the processor to guess.
    return (static_cast<Wide>(a.time) << 64 | a.word) < (static_cast<Wide>(b.time) << 64 | b.word);
  }
  // Entry i lies at i + kArity - 1, so that the children of a node (arity * i + 1 and on) share a cache line.
  Entry& at(std::size_t i) {
    const std::size_t flat = i + kArity - 1;
    return lines_[flat / 4].entries[flat % 4];
  }
  // Which of the kArity siblings from `first` on comes first. Two rounds of independent comparisons: the second pair
  // does not wait for the first.
  std::size_t first_of(std::size_t first) {
    static_assert(kArity == 4);
    const Line& siblings = lines_[first / 4 + 1];
    const std::size_t left = before(siblings.entries[1], siblings.entries[0]) ? 1 : 0;
    const std::size_t right = before(siblings.entries[3], siblings.entries[2]) ? 3 : 2;
    return first + (before(siblings.entries[right], siblings.entries[left]) ? right : left);
  }
  Callback& callback(std::uint32_t slot) { return (*chunks_[slot / kChunk])[slot % kChunk].callback; }

  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot) {
    slots_[slot].next_free = first_free_;
    first_free_ = slot;
  }
  TimerId insert(Instant when, std::uint32_t slot);
  std::uint64_t next_key();
  void drop_stale() {
    DVT_ASSERT(live_ != 0, "an empty timer queue was asked for its next entry");
    while (slots_[slot_of(at(0).word)].word != at(0).word) {
      remove_top();
      --stale_;
    }
  }
  void remove_top();
  void sift_up(std::size_t hole, Entry entry);
  void sift_down(std::size_t hole, Entry entry);
  void compact();

  std::vector<Line> lines_;
  std::size_t heap_size_ = 0;
  std::size_t live_ = 0;
  std::size_t stale_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t first_free_ = 0;  // 0: none (slot 0 is never used, so a TimerId is never 0)
  std::uint64_t sequence_ = 0;
  TieBreak schedule_;
  std::array<std::uint64_t, 4> round_keys_{};
};

}  // namespace dvt::sim
