// OrdinalMap: dense ordinals to small indices, open addressing, no allocation in steady state. Iteration is not
// offered on purpose: its order must never become visible.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/assert.h"

namespace dvt::store::db {

class OrdinalMap {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  OrdinalMap() : cells_(kSmallest) {}

  /// kNone when absent.
  std::uint32_t find(std::uint32_t key) const {
    for (std::size_t i = home(key);; i = next(i)) {
      if (cells_[i].key == key) return cells_[i].value;
      if (cells_[i].key == kNone) return kNone;
    }
  }

  /// `key` must be absent.
  void insert(std::uint32_t key, std::uint32_t value) {
    DVT_ASSERT(key != kNone && value != kNone, "an ordinal out of range");
    if ((size_ + 1) * 2 > cells_.size()) grow();
    place(key, value);
    ++size_;
  }

  void erase(std::uint32_t key) {
    std::size_t hole = home(key);
    while (cells_[hole].key != key) {
      if (cells_[hole].key == kNone) return;
      hole = next(hole);
    }
    // Moves back whatever would no longer be found behind the hole.
    for (std::size_t i = next(hole); cells_[i].key != kNone; i = next(i)) {
      const std::size_t wanted = home(cells_[i].key);
      const bool reachable = hole <= i ? (wanted > hole && wanted <= i) : (wanted > hole || wanted <= i);
      if (reachable) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = Cell{};
    --size_;
  }

  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint32_t key = kNone;
    std::uint32_t value = kNone;
  };
  static constexpr std::size_t kSmallest = 64;

  std::size_t home(std::uint32_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & (cells_.size() - 1);
  }
  std::size_t next(std::size_t i) const { return (i + 1) & (cells_.size() - 1); }

  void place(std::uint32_t key, std::uint32_t value) {
    std::size_t i = home(key);
    while (cells_[i].key != kNone) {
      DVT_ASSERT(cells_[i].key != key, "an ordinal was inserted twice");
      i = next(i);
    }
    cells_[i] = Cell{key, value};
  }

  void grow() {
    std::vector<Cell> old(cells_.size() * 2);
    old.swap(cells_);
    for (const Cell& cell : old) {
      if (cell.key != kNone) place(cell.key, cell.value);
    }
  }

  std::vector<Cell> cells_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace dvt::store::db
