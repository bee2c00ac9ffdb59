#include "store/bus/position_set.h"

namespace dvt::store {

bool PositionSet::contains(std::uint64_t position) const {
  if (position < floor_) return true;
  const std::uint64_t bit = position - floor_;
  const std::size_t word = first_ + static_cast<std::size_t>(bit / 64);
  return word < words_.size() && (words_[word] >> (bit % 64) & 1) != 0;
}

bool PositionSet::insert(std::uint64_t position) {
  if (position < floor_) return false;
  const std::uint64_t bit = position - floor_;
  const std::size_t word = first_ + static_cast<std::size_t>(bit / 64);
  if (word >= words_.size()) words_.resize(word + 1, 0);
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if ((words_[word] & mask) != 0) return false;
  words_[word] |= mask;
  // Position 0 does not exist: it counts as present, so that the first word can fill up.
  if (floor_ == 0) words_[first_] |= 1;
  while (first_ < words_.size() && words_[first_] == ~std::uint64_t{0}) {
    ++first_;
    floor_ += 64;
  }
  if (first_ > 1024 && first_ * 2 > words_.size()) {
    words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  return true;
}

}  // namespace dvt::store
