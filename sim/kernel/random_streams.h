// Random streams: Random123's Philox4x64-10 behind the Random port. A block of four words is a pure function of
// (root seed, purpose, a, b, c, block): no state, no order of service, the same on every machine (design §3).
#pragma once

#include <array>
#include <cstdint>

#include "engine/ports/random.h"

namespace dvt::sim {

/// The bare generator, ten rounds. Checked against Random123's published known-answer vectors.
void philox4x64_10(const std::array<std::uint64_t, 4>& counter, const std::array<std::uint64_t, 2>& key,
                   std::uint64_t out[4]);

/// The second key word: separates dvtsim's streams from any other user of the same seed. Part of the
/// reproducibility contract; never change it.
inline constexpr std::uint64_t kStreamKey = 0x6476'7473'696d'3031;  // "dvtsim01"

/// key = {root seed, kStreamKey}, counter = {purpose << 32 | block, a, b, c}. Immutable, so safe to share.
class PhiloxRandom final : public Random {
 public:
  explicit PhiloxRandom(std::uint64_t root_seed) : root_seed_(root_seed) {}
  std::uint64_t root_seed() const { return root_seed_; }

  void words(Purpose purpose, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint32_t block,
             std::uint64_t out[4]) const override;

 private:
  std::uint64_t root_seed_;
};

}  // namespace dvt::sim
