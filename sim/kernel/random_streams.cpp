// The only place that names Random123.
#include "sim/kernel/random_streams.h"

#include <Random123/philox.h>

namespace dvt::sim {

void philox4x64_10(const std::array<std::uint64_t, 4>& counter, const std::array<std::uint64_t, 2>& key,
                   std::uint64_t out[4]) {
  using Philox = r123::Philox4x64_R<10>;
  const Philox::ctr_type block = {{counter[0], counter[1], counter[2], counter[3]}};
  const Philox::key_type words = {{key[0], key[1]}};
  const Philox::ctr_type result = Philox{}(block, words);
  for (unsigned i = 0; i < 4; ++i) out[i] = result[i];
}

void PhiloxRandom::words(Purpose purpose, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint32_t block,
                         std::uint64_t out[4]) const {
  const std::uint64_t stream = static_cast<std::uint64_t>(purpose) << 32 | block;
  philox4x64_10({stream, a, b, c}, {root_seed_, kStreamKey}, out);
}

}  // namespace dvt::sim
