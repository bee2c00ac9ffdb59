// Delays for the kernel's benchmarks: exponential, drawn beforehand, so that the draws cost the loops nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/random.h"
#include "sim/kernel/random_streams.h"

namespace dvt::sim {

class DelayTable {
 public:
  static constexpr Duration kMean = milliseconds(1);

  DelayTable() {
    const PhiloxRandom random(1);
    const Distribution exponential = Distribution::exponential(kMean);
    Draws draws(random, Purpose::test, 0);
    delays_.reserve(kSize);
    for (std::size_t i = 0; i < kSize; ++i) delays_.push_back(exponential.sample(draws));
  }

  /// Walks the table from its own place with its own odd stride. 16 bytes.
  class Cursor {
   public:
    Duration next() {
      at_ = (at_ + stride_) % kSize;
      return table_[at_];
    }

   private:
    friend class DelayTable;
    Cursor(const Duration* table, std::uint32_t at, std::uint32_t stride) : table_(table), at_(at), stride_(stride) {}
    const Duration* table_;
    std::uint32_t at_;
    std::uint32_t stride_;
  };
  Cursor cursor(std::size_t i) const {
    const auto number = static_cast<std::uint32_t>(i);
    return {delays_.data(), number % kSize, (2 * number + 1) % kSize};
  }

 private:
  static constexpr std::uint32_t kSize = 4096;  // 32 KiB
  std::vector<Duration> delays_;
};

}  // namespace dvt::sim
