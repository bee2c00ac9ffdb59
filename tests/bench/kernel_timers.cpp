// Timer queue and callbacks: how many callback events a second the kernel runs.
#include <benchmark/benchmark.h>

#include <cstddef>

#include "sim/kernel/kernel.h"
#include "tests/bench/kernel_delays.h"

namespace dvt::sim {
namespace {

// Each timer sets itself again after a delay: the queue's size stays what it is.
struct Rearming {
  Kernel* kernel;
  DelayTable::Cursor delays;
  void operator()() { kernel->call_after(delays.next(), *this); }
};

void callback_events(benchmark::State& state) {
  const DelayTable delays;
  Kernel kernel;
  const auto timers = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < timers; ++i) {
    Rearming timer{&kernel, delays.cursor(i)};
    timer();
  }
  for (auto _ : state) kernel.run_until(kernel.now() + DelayTable::kMean);
  state.SetItemsProcessed(static_cast<std::int64_t>(kernel.events_total()));
}
BENCHMARK(callback_events)->Arg(100)->Arg(1'000)->Arg(10'000)->Arg(100'000);

// Every event also sets a timer that the next event cancels (a timeout that never strikes).
struct WithTimeout {
  Kernel* kernel;
  DelayTable::Cursor delays;
  TimerId timeout;
  void operator()() {
    kernel->cancel(timeout);
    timeout = kernel->call_after(DelayTable::kMean * 10, [] {});
    kernel->call_after(delays.next(), *this);
  }
};

void callback_events_with_cancelled_timeouts(benchmark::State& state) {
  const DelayTable delays;
  Kernel kernel;
  const auto timers = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < timers; ++i) {
    WithTimeout timer{&kernel, delays.cursor(i), {}};
    timer();
  }
  for (auto _ : state) kernel.run_until(kernel.now() + DelayTable::kMean);
  state.SetItemsProcessed(static_cast<std::int64_t>(kernel.events_total()));
}
BENCHMARK(callback_events_with_cancelled_timeouts)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace dvt::sim
