// What a checker knows of each run in flight: pooled slots, found from the run's ordinal by two loads. A run that was
// closed leaves one mark; a page of the index whose runs are all closed is freed, so memory follows the runs in flight
// and not the length of the run.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/ids.h"

namespace dvt::sim {

/// T has reset(), which makes it new and may keep an ordinary amount of storage (engine/base/reuse.h).
template <class T>
class RunPool {
 public:
  /// nullptr for a run that was never opened, or is gone.
  T* find(RunOrdinal run) {
    const std::uint32_t cell = at(run);
    return cell == kNever || cell == kGone ? nullptr : &slots_[cell - 1];
  }
  const T* find(RunOrdinal run) const { return const_cast<RunPool*>(this)->find(run); }
  /// It was closed.
  bool gone(RunOrdinal run) const { return at(run) == kGone; }

  /// The run's slot, made new when there is none; nullptr when the run is gone.
  T* open(RunOrdinal run) {
    const std::uint32_t cell = at(run);
    if (cell == kGone) return nullptr;
    if (cell != kNever) return &slots_[cell - 1];
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slots_.emplace_back();
      slot = static_cast<std::uint32_t>(slots_.size());
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    page_for(run).cell[run.value & kMask] = slot;
    ++open_;
    return &slots_[slot - 1];
  }

  /// The run is gone from now on, whether it was opened or not.
  void close(RunOrdinal run) {
    const std::uint32_t cell = at(run);
    if (cell == kGone) return;
    const std::size_t index = run.value >> kBits;
    Page& page = page_for(run);
    if (cell != kNever) {
      slots_[cell - 1].reset();
      free_.push_back(cell);
      --open_;
    }
    page.cell[run.value & kMask] = kGone;
    if (++page.gone < page.cell.size()) return;
    pages_[index].page.reset();
    pages_[index].all_gone = true;
  }

  std::size_t size() const { return open_; }

  /// f(RunOrdinal, T&) for every open run, by ordinal.
  template <class F>
  void for_each(F&& f) {
    for (std::size_t index = 0; index < pages_.size(); ++index) {
      if (!pages_[index].page) continue;
      for (std::size_t i = 0; i < kMask + 1; ++i) {
        const std::uint32_t cell = pages_[index].page->cell[i];
        if (cell == kNever || cell == kGone) continue;
        f(RunOrdinal{static_cast<std::uint32_t>((index << kBits) + i)}, slots_[cell - 1]);
      }
    }
  }

 private:
  static constexpr unsigned kBits = 12;
  static constexpr std::uint32_t kMask = (1U << kBits) - 1;
  static constexpr std::uint32_t kNever = 0;
  static constexpr std::uint32_t kGone = 0xFFFFFFFF;
  struct Page {
    std::array<std::uint32_t, kMask + 1> cell{};  // slot + 1, kNever or kGone
    std::uint32_t gone = 0;
  };
  struct Entry {
    std::unique_ptr<Page> page;
    bool all_gone = false;
  };

  std::uint32_t at(RunOrdinal run) const {
    const std::size_t index = run.value >> kBits;
    if (index >= pages_.size()) return kNever;
    const Entry& entry = pages_[index];
    if (entry.page) return entry.page->cell[run.value & kMask];
    return entry.all_gone ? kGone : kNever;
  }
  Page& page_for(RunOrdinal run) {
    const std::size_t index = run.value >> kBits;
    if (index >= pages_.size()) pages_.resize(index + 1);
    if (!pages_[index].page) {
      DVT_ASSERT(!pages_[index].all_gone, "a run that is gone was opened");
      pages_[index].page = std::make_unique<Page>();
    }
    return *pages_[index].page;
  }

  std::vector<Entry> pages_;
  std::deque<T> slots_;
  std::vector<std::uint32_t> free_;  // slot + 1
  std::size_t open_ = 0;
};

}  // namespace dvt::sim
