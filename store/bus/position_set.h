// A set of positions that is nearly everything up to some point.
#pragma once

#include <cstdint>
#include <vector>

namespace dvt::store {

/// A set of positions that is nearly everything up to some point: a floor, and one bit for each position above it.
class PositionSet {
 public:
  /// False when it was in already.
  bool insert(std::uint64_t position);
  bool contains(std::uint64_t position) const;
  std::size_t words() const { return words_.size() - first_; }

 private:
  std::vector<std::uint64_t> words_;  // from first_ on in use
  std::size_t first_ = 0;
  std::uint64_t floor_ = 0;  // positions below this are all in
};

}  // namespace dvt::store
