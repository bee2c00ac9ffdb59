// Sources of words for tests: a well-mixed sequence, and a list that is played back and counted.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/bits.h"

namespace dvt {

/// SplitMix64: every word of the state's sequence once, well mixed.
class SplitMix final : public BitSource {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    ++taken_;
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t word = state_;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }
  int taken() const { return taken_; }
  double between(double low, double high) { return low + (high - low) * uniform(); }

 private:
  std::uint64_t state_;
  int taken_ = 0;
};

/// Plays back given words; asking for more is an error of the test.
class PlayedBits final : public BitSource {
 public:
  explicit PlayedBits(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  std::uint64_t next() override {
    DVT_ASSERT(at_ < words_.size(), "more words were drawn than the test foresaw");
    return words_[at_++];
  }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
};

}  // namespace dvt
