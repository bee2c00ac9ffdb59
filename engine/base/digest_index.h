// DigestIndex: which row has a key, for a run's idempotency keys. A run has about twenty, and may have a hundred
// thousand: few are searched one by one, many through open addressing. Only the first 64 bits are kept; digests are
// SHA-256, so they nearly always decide, and who must be sure compares the whole key of the rows offered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/base/reuse.h"
#include "engine/base/sha256.h"

namespace dvt {

class DigestIndex {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  /// For placing and comparing within one process only: byte order does not matter.
  static std::uint64_t short_key(const Digest& key) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.bytes.data(), sizeof word);
    return word;
  }

  /// The next row (0, 1, 2 …) has this key.
  void add(std::uint64_t key) {
    keys_.push_back(key);
    if (keys_.size() <= kScanned) return;
    if (cells_.size() < keys_.size() * 2) {
      cells_.assign(std::max<std::size_t>(256, cells_.size() * 4), 0);
      for (std::size_t row = 0; row < keys_.size(); ++row) place(row);
    } else {
      place(keys_.size() - 1);
    }
  }

  /// A row with this short key for which `same(row)` holds; kNone when there is none.
  template <class Same>
  std::size_t find(std::uint64_t key, Same&& same) const {
    if (cells_.empty()) {
      for (std::size_t row = keys_.size(); row-- > 0;) {
        if (keys_[row] == key && same(row)) return row;
      }
      return kNone;
    }
    const std::size_t mask = cells_.size() - 1;
    for (std::size_t i = static_cast<std::size_t>(key) & mask; cells_[i] != 0; i = (i + 1) & mask) {
      const std::size_t row = cells_[i] - 1;
      if (keys_[row] == key && same(row)) return row;
    }
    return kNone;
  }
  std::size_t find(std::uint64_t key) const {
    return find(key, [](std::size_t) { return true; });
  }

  void reset() {
    empty_for_reuse(keys_);
    cells_ = std::vector<std::uint32_t>();
  }

 private:
  void place(std::size_t row) {
    const std::size_t mask = cells_.size() - 1;
    std::size_t i = static_cast<std::size_t>(keys_[row]) & mask;
    while (cells_[i] != 0) i = (i + 1) & mask;
    cells_[i] = static_cast<std::uint32_t>(row + 1);
  }

  static constexpr std::size_t kScanned = 32;  // up to here keys are searched one by one
  std::vector<std::uint64_t> keys_;            // by row
  std::vector<std::uint32_t> cells_;           // open addressing over keys_: row + 1; empty while there are few rows
};

}  // namespace dvt
