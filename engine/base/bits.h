// A source of uniform 64-bit words: what a Distribution draws from. The only implementation outside tests is
// ports/random.h's Draws, a keyed stream.
#pragma once

#include <cstdint>

namespace dvt {

class BitSource {
 public:
  virtual ~BitSource() = default;
  virtual std::uint64_t next() = 0;
  /// Uniform in (0, 1), from one word: the midpoints of 2^52 equal cells, so 2^-53 is the least and 1 - 2^-53 the
  /// greatest. (With 53 bits the last midpoint would round to 1.)
  double uniform() { return (static_cast<double>(next() >> 12) + 0.5) * 0x1.0p-52; }
};

}  // namespace dvt
