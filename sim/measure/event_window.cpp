// Paging and the two "oldest" pointers, which only move forward.
#include "sim/measure/event_window.h"

#include <bit>

#include "engine/base/assert.h"

namespace dvt::sim {

void EventWindow::commit(std::uint64_t position, Instant at, bool observed) {
  DVT_ASSERT(position > last_, "positions must be told in commit order");
  last_ = position;
  if (destinations_ == 0) return;
  const std::uint64_t page = position >> kPageBits;
  if (pages_.empty()) first_page_ = page;
  while (first_page_ + pages_.size() <= page) {
    // A page that was left behind while nothing was pending in it has to go now: no arrival will free it.
    if (!pages_.empty() && pages_.back() && pages_.back()->live == 0) free_page(first_page_ + pages_.size() - 1);
    if (pages_.empty()) first_page_ = page;
    auto fresh = spare_ ? std::move(spare_) : std::make_unique<Page>();
    fresh->used = 0;
    fresh->live = 0;
    pages_.push_back(std::move(fresh));
  }
  Page& p = *pages_.back();
  const std::size_t i = position & (kPageSize - 1);
  for (; p.used < i; ++p.used) {
    p.pending[p.used] = 0;
    p.published[p.used] = true;
  }
  p.committed[i] = at;
  p.pending[i] = destinations_;
  p.published[i] = false;
  p.observed[i] = observed;
  p.used = i + 1;
  ++p.live;
  if ((destinations_ & kProjected) != 0) ++unprojected_;
  undelivered_ += static_cast<std::uint64_t>(std::popcount(destinations_ & ~kProjected));
}

bool EventWindow::arrive(std::uint64_t position, std::uint32_t bit) {
  Page* page = page_of(position);
  if (page == nullptr) return false;
  const std::size_t i = position & (kPageSize - 1);
  if (i >= page->used || (page->pending[i] & bit) == 0) return false;
  page->pending[i] &= ~bit;
  if (bit == kProjected) {
    --unprojected_;
  } else {
    --undelivered_;
  }
  if (page->pending[i] == 0 && --page->live == 0 && (last_ >> kPageBits) != (position >> kPageBits)) {
    free_page(position >> kPageBits);
  }
  return true;
}

bool EventWindow::publish(std::uint64_t position) {
  Page* page = page_of(position);
  if (page == nullptr) return false;
  const std::size_t i = position & (kPageSize - 1);
  if (i >= page->used || page->published[i]) return false;
  page->published[i] = true;
  return true;
}

void EventWindow::free_page(std::uint64_t page) {
  spare_ = std::move(pages_[page - first_page_]);
  while (!pages_.empty() && !pages_.front()) {
    pages_.pop_front();
    ++first_page_;
  }
}

Instant EventWindow::oldest(std::uint64_t& hint, std::uint32_t mask) {
  for (;; ++hint) {
    DVT_ASSERT(hint <= last_, "nothing is pending");
    const std::uint64_t page = hint >> kPageBits;
    if (page < first_page_) {
      hint = (first_page_ << kPageBits) - 1;
      continue;
    }
    Page* p = page_of(hint);
    if (p == nullptr) {
      hint = ((page + 1) << kPageBits) - 1;
      continue;
    }
    const std::size_t i = hint & (kPageSize - 1);
    if (i < p->used && (p->pending[i] & mask) != 0) return p->committed[i];
  }
}

std::size_t EventWindow::pages() const {
  std::size_t n = 0;
  for (const auto& page : pages_) n += page ? 1 : 0;
  return n;
}

}  // namespace dvt::sim
