// Fibers: the bare context switch, and what the kernel makes of it.
#include <benchmark/benchmark.h>

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/kernel/fiber_thread.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/stack_slab.h"
#include "tests/bench/kernel_delays.h"

namespace dvt::sim {
namespace {

// The bound: contexts of Boost.Context on the kernel's stacks, resumed from the main stack in a scattered order.
// One item is one switch; there and back are two.
void raw_context_switches(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  StackSlab slab;
  {
    std::vector<boost::context::fiber> contexts;
    bool ends = false;
    for (std::size_t i = 0; i < count; ++i) {
      contexts.emplace_back(std::allocator_arg, SlabStackAllocator(slab), [&ends](boost::context::fiber&& main) {
        while (!ends) main = std::move(main).resume();
        return std::move(main);
      });
    }
    std::size_t at = 0;
    const std::size_t stride = 619 % count;  // a prime: the order visits all of them
    for (auto _ : state) {
      at = (at + stride) % count;
      contexts[at] = std::move(contexts[at]).resume();
    }
    ends = true;
    for (boost::context::fiber& context : contexts) context = std::move(context).resume();
  }
  state.SetItemsProcessed(2 * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(raw_context_switches)->Arg(1'000)->Arg(10'000);

// One item is one wake: timer queue, choice of the next fiber, switch.
void fiber_wakes(benchmark::State& state) {
  const DelayTable delays;
  Kernel kernel;
  const auto fibers = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < fibers; ++i) {
    kernel.spawn_queued("sleeper", [&kernel, cursor = delays.cursor(i)]() mutable {
      for (;;) kernel.sleep_for(cursor.next());
    });
  }
  kernel.run_until(kernel.now() + DelayTable::kMean);
  const std::uint64_t before = kernel.events_total();
  for (auto _ : state) kernel.run_until(kernel.now() + DelayTable::kMean);
  state.SetItemsProcessed(static_cast<std::int64_t>(kernel.events_total() - before));
}
BENCHMARK(fiber_wakes)->Arg(1)->Arg(100)->Arg(1'000)->Arg(10'000);

// The same with an observer after every instant: each wake goes through the main stack.
void fiber_wakes_observed(benchmark::State& state) {
  const DelayTable delays;
  Kernel kernel;
  std::uint64_t instants = 0;
  kernel.set_instant_end_hook([&instants](Instant) { ++instants; });
  const auto fibers = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < fibers; ++i) {
    kernel.spawn_queued("sleeper", [&kernel, cursor = delays.cursor(i)]() mutable {
      for (;;) kernel.sleep_for(cursor.next());
    });
  }
  kernel.run_until(kernel.now() + DelayTable::kMean);
  const std::uint64_t before = kernel.events_total();
  for (auto _ : state) kernel.run_until(kernel.now() + DelayTable::kMean);
  benchmark::DoNotOptimize(instants);
  state.SetItemsProcessed(static_cast<std::int64_t>(kernel.events_total() - before));
}
BENCHMARK(fiber_wakes_observed)->Arg(1'000)->Arg(10'000);

// Two fibers wake each other in turn, through the ready queue.
void fiber_hand_over(benchmark::State& state) {
  Kernel kernel;
  FiberId ping;
  FiberId pong;
  ping = kernel.spawn_queued("ping", [&] {
    for (;;) {
      for (int i = 0; i < 1000; ++i) {
        kernel.wake(pong);
        kernel.park("pong");
      }
      kernel.sleep_for(nanoseconds(1));
    }
  });
  pong = kernel.spawn_queued("pong", [&] {
    for (;;) {
      kernel.wake(ping);
      kernel.park("ping");
    }
  });
  for (auto _ : state) kernel.run_until(kernel.now() + nanoseconds(1));
  state.SetItemsProcessed(static_cast<std::int64_t>(kernel.events_total()));
}
BENCHMARK(fiber_hand_over);

// A stepped fiber, as a workflow task runs one: there and back is one item.
void stepped_runs(benchmark::State& state) {
  Kernel kernel;
  const FiberId fiber = kernel.spawn("workflow", [&] {
    for (;;) kernel.park("a task");
  });
  for (auto _ : state) kernel.run(fiber);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(stepped_runs);

// A fiber's whole life: spawned, run once, ended.
void short_fibers(benchmark::State& state) {
  Kernel kernel;
  for (auto _ : state) {
    kernel.spawn_queued("short", [&kernel] { kernel.sleep_for(nanoseconds(1)); });
    kernel.run();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(short_fibers);

// Many at once: most of them are born with a stack of their own and end with it.
void fiber_bursts(benchmark::State& state) {
  Kernel kernel;
  const auto fibers = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    for (std::size_t i = 0; i < fibers; ++i) {
      kernel.spawn_queued("short", [&kernel] { kernel.sleep_for(nanoseconds(1)); });
    }
    kernel.run();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(fiber_bursts)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace dvt::sim
