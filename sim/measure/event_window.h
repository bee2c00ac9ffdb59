// Which committed events are still on their way: per position the commit time, and a bit for each destination that has
// not been reached (the projection, each subscription). Pages are freed when every event in them has arrived
// everywhere, so memory follows the backlog. Positions are the store's: 1, 2, 3 … in commit order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "engine/base/time.h"

namespace dvt::sim {

class EventWindow {
 public:
  static constexpr std::uint32_t kProjected = 1U << 31;
  static constexpr std::size_t kMaxSubscriptions = 30;
  static constexpr std::uint32_t subscription_bit(std::uint32_t index) { return 1U << index; }

  /// `destinations`: the bits every event starts with.
  explicit EventWindow(std::uint32_t destinations) : destinations_(destinations) {}

  /// `observed` false: a probe's event, which is on its way like any other and no observation at the end.
  void commit(std::uint64_t position, Instant at, bool observed = true);
  /// Clears the bit; false when it was clear already (a duplicate, or a position never committed).
  bool arrive(std::uint64_t position, std::uint32_t bit);
  /// Marks the event as published; false when it was already.
  bool publish(std::uint64_t position);

  std::uint64_t unprojected() const { return unprojected_; }
  /// Commit time of the oldest unprojected event. Precondition: unprojected() > 0.
  Instant oldest_unprojected() { return oldest(projected_hint_, kProjected); }
  /// Commit time of the oldest event that some subscription has not got. Precondition: undelivered() > 0.
  Instant oldest_undelivered() { return oldest(delivered_hint_, destinations_ & ~kProjected); }
  /// Deliveries outstanding, over all subscriptions.
  std::uint64_t undelivered() const { return undelivered_; }
  std::size_t pages() const;

  /// f(commit time, bits outstanding) for every observed event still on its way, in order of positions.
  template <class F>
  void for_each_pending(F&& f) const {
    for (const auto& page : pages_) {
      if (!page) continue;
      for (std::size_t i = 0; i < page->used; ++i) {
        if (page->pending[i] != 0 && page->observed[i]) f(page->committed[i], page->pending[i]);
      }
    }
  }

 private:
  static constexpr unsigned kPageBits = 8;  // small: one event that waits for hours holds its page
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;
  struct Page {
    std::array<Instant, kPageSize> committed;
    std::array<std::uint32_t, kPageSize> pending;
    std::array<bool, kPageSize> published;
    std::array<bool, kPageSize> observed;
    std::size_t used = 0;
    std::size_t live = 0;
  };
  Page* page_of(std::uint64_t position) {
    const std::uint64_t page = position >> kPageBits;
    if (page < first_page_ || page - first_page_ >= pages_.size()) return nullptr;
    return pages_[page - first_page_].get();
  }
  Instant oldest(std::uint64_t& hint, std::uint32_t mask);
  void free_page(std::uint64_t page);

  std::uint32_t destinations_;
  std::uint64_t first_page_ = 0;
  std::deque<std::unique_ptr<Page>> pages_;
  std::unique_ptr<Page> spare_;
  std::uint64_t last_ = 0;
  std::uint64_t unprojected_ = 0;
  std::uint64_t undelivered_ = 0;
  std::uint64_t projected_hint_ = 0;
  std::uint64_t delivered_hint_ = 0;
};

}  // namespace dvt::sim
