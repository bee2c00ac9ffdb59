// Delta debugging over a list: the shortest part of it, in order, that still fails. Zeller and Hildebrandt's ddmin, so
// the result is 1-minimal: without any one of its elements it does not fail.
#pragma once

#include <algorithm>
#include <vector>

namespace dvt::sim {

/// `fails` must hold for `all` and give the same answer to the same list each time.
template <class T, class Fails>
std::vector<T> ddmin(std::vector<T> all, Fails fails) {
  std::size_t pieces = 2;
  while (all.size() >= 2) {
    bool shorter = false;
    for (std::size_t i = 0; i < pieces && !shorter; ++i) {
      const std::size_t from = all.size() * i / pieces, to = all.size() * (i + 1) / pieces;
      std::vector<T> without(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
      without.insert(without.end(), all.begin() + static_cast<std::ptrdiff_t>(to), all.end());
      if (without.size() == all.size() || !fails(without)) continue;
      all = std::move(without);
      pieces = std::max<std::size_t>(2, pieces - 1);
      shorter = true;
    }
    if (shorter) continue;
    if (pieces >= all.size()) break;
    pieces = std::min(all.size(), pieces * 2);
  }
  return all;
}

}  // namespace dvt::sim
