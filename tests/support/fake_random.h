// A keyed stream for tests of one component: a hash of the key and the block, nothing like the kernel's generator.
#pragma once

#include "engine/ports/random.h"

namespace dvt::test {

/// SplitMix64's finaliser.
constexpr std::uint64_t mix(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : seed_(seed) {}
  void words(Purpose purpose, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint32_t block,
             std::uint64_t out[4]) const override {
    const std::uint64_t key =
        mix(mix(mix(mix(seed_ + static_cast<std::uint64_t>(purpose)) + a) + b) + c) + block * std::uint64_t{4};
    for (std::uint64_t i = 0; i < 4; ++i) out[i] = mix(key + i);
  }

 private:
  std::uint64_t seed_;
};

/// A sequence of words for a test's own choices.
class TestBits final : public BitSource {
 public:
  explicit TestBits(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override { return mix(state_++); }
  /// Uniform below `bound`.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace dvt::test
