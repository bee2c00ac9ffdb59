// Random streams: blocks and single draws.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "engine/base/distribution.h"
#include "engine/ports/random.h"
#include "sim/kernel/random_streams.h"

namespace dvt::sim {
namespace {

void philox_blocks(benchmark::State& state) {
  const PhiloxRandom random(42);
  const Random& port = random;
  std::uint64_t words[4];
  std::uint64_t entity = 0;
  for (auto _ : state) {
    port.words(Purpose::test, ++entity, 0, 0, 0, words);
    benchmark::DoNotOptimize(words);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(philox_blocks);

// One stream an entity and one draw of it: how the simulator draws.
void exponential_draws(benchmark::State& state) {
  const PhiloxRandom random(42);
  const Distribution exponential = Distribution::exponential(milliseconds(1));
  std::uint64_t entity = 0;
  for (auto _ : state) {
    Draws draws(random, Purpose::test, ++entity);
    benchmark::DoNotOptimize(exponential.sample(draws));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(exponential_draws);

}  // namespace
}  // namespace dvt::sim
