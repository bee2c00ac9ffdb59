// What the engine costs: workflow tasks a second beside the kernel's bare callbacks in this same process, the replay of
// a history, and the memory of an execution that is open, cached or evicted. Wall clock; run it on an idle machine.
//   bench_workflow [repetitions]
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "engine/service/service.h"
#include "engine/worker/worker.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"
#include "tests/bench/kernel_delays.h"

namespace dvt::engine {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// Takes a second; the first attempt of the third activity fails, where it is asked to.
class OneSecond final : public Activity {
 public:
  explicit OneSecond(Timers& timers) : timers_(timers) {}
  bool third_fails = false;
  void start(const ActivityInvocation& invocation, ActivityDone done) override {
    struct Held {
      ActivityDone done;
      bool fails;
    };
    auto held = std::make_unique<Held>(
        Held{std::move(done), third_fails && invocation.activity == 3 && invocation.attempt == 1});
    timers_.call_after(seconds(1), [h = std::move(held)] {
      ActivityAnswer answer;
      if (h->fails) answer.failure = std::make_shared<Failure>();
      h->done(std::move(answer));
    });
  }

 private:
  Timers& timers_;
};

class CountedTasks final : public Telemetry {
 public:
  std::uint64_t tasks = 0;
  void workflow_task_completed(const WorkflowTaskFact&) override { ++tasks; }
};

/// A service, one worker, and a workflow of `steps` activities one after the other, then a wait of `rest`.
class Rig final : public ServiceListener {
 public:
  Rig(std::uint32_t steps, Duration rest, std::uint32_t sticky_cache)
      : service(kernel, random, telemetry, {}),
        workers(service, kernel, kernel, random, telemetry, {}),
        activity(kernel) {
    service.attach(workers, *this);
    const std::uint32_t queue = service.matching().add_queue(Symbol::intern("q"));
    const Symbol type = Symbol::intern("act");
    workers.register_activity(type, activity);
    ActivityOptions asked;
    asked.task_queue = Symbol::intern("q");
    asked.start_to_close = minutes(30);
    asked.retry.maximum_interval = seconds(60);
    auto options = std::make_shared<const ActivityOptions>(asked);
    workers.register_workflow(Symbol::intern("chain"), [=](WorkflowContext& ctx, const Payload&) {
      for (std::uint32_t i = 0; i < steps; ++i) ctx.execute_activity(type, options, nullptr);
      if (rest.ns > 0) ctx.sleep(rest);
      return Payload{};
    });
    workers.start(workers.add_workers(queue, 1, {1'000'000, 1'000'000}, sticky_cache));
  }
  void start(std::uint32_t run) {
    ExecutionInfo info;
    info.workflow_type = Symbol::intern("chain");
    info.task_queue = Symbol::intern("q");
    service.start_workflow({{run}, {0}, std::make_shared<const ExecutionInfo>(info), nullptr});
  }
  void execution_closed(const Execution& execution, CloseStatus, const Payload&, const FailureRef&) override {
    workers.forget(execution.key, execution.sticky);
    last_history = execution.history;
    last_key = execution.key;
  }
  void signal_applied(RunOrdinal, std::uint64_t, Instant) override {}
  void signal_lost(RunOrdinal, std::uint64_t, Instant) override {}

  sim::PhiloxRandom random{7};
  sim::Kernel kernel;
  CountedTasks telemetry;
  Service service;
  Workers workers;
  OneSecond activity;
  History last_history;
  ExecutionKey last_key;
};

struct Rearming {
  sim::Kernel* kernel;
  sim::DelayTable::Cursor delays;
  void operator()() { kernel->call_after(delays.next(), Callback(*this)); }
};

// Callback events/s with 1,000 timers that set themselves again: the bound.
double callback_rate() {
  const sim::DelayTable delays;
  sim::Kernel kernel;
  for (std::size_t i = 0; i < 1'000; ++i) Rearming{&kernel, delays.cursor(i)}();
  const auto start = std::chrono::steady_clock::now();
  while (kernel.events_total() < 3'000'000) kernel.run_until(kernel.now() + sim::DelayTable::kMean);
  return static_cast<double>(kernel.events_total()) / seconds_since(start);
}

struct TaskRates {
  double tasks = 0;   // a second
  double events = 0;  // kernel events a second
};

TaskRates task_rates() {
  constexpr std::uint32_t kOpen = 250;
  Rig rig(100, {}, kOpen);
  for (std::uint32_t run = 0; run < kOpen; ++run) {
    rig.kernel.call_at(Instant{run * 4'000'000LL}, [&rig, run] { rig.start(run); });
  }
  const auto start = std::chrono::steady_clock::now();
  rig.kernel.run();
  const double took = seconds_since(start);
  return {static_cast<double>(rig.telemetry.tasks) / took, static_cast<double>(rig.kernel.events_total()) / took};
}

void report_replay(std::size_t repetitions) {
  Rig rig(166, {}, 1);  // six events an activity
  rig.start(0);
  rig.kernel.run();
  std::vector<double> took;
  constexpr int kReplays = 200;
  for (std::size_t i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < kReplays; ++k) {
      if (rig.workers.verify(rig.last_key, rig.last_history)) std::abort();
    }
    took.push_back(seconds_since(start) / kReplays);
  }
  const double one = median(took);
  const double events = rig.last_history.last_id();
  fmt::print("replay of {} events     {:.3f} ms, {:.2f} M events/s\n", rig.last_history.last_id(), one * 1e3,
             events / one / 1e6);
}

struct Memory {
  double heap = 0;
  double history = 0;
  double resident = 0;
};

// Per execution: 10,000 of them rest after three activities, one of which failed once.
Memory memory(bool evicted) {
  constexpr std::uint32_t kOpen = 10'000;
  Rig rig(3, hours(1'000), evicted ? 1 : kOpen);
  rig.activity.third_fails = true;
  malloc_trim(0);  // resident memory counts only what this one touches
  const std::size_t heap_before = heap_in_use();
  const std::size_t resident_before = resident_bytes();
  for (std::uint32_t run = 0; run < kOpen; ++run) {
    rig.kernel.call_at(Instant{run * 10'000'000'000LL}, [&rig, run] { rig.start(run); });
  }
  rig.kernel.run_until(Instant{(kOpen + 10LL) * 10'000'000'000LL});
  Memory out;
  if (rig.service.open_executions() != kOpen || rig.workers.cached(0) != (evicted ? 1 : kOpen)) std::abort();
  for (std::uint32_t run = 0; run < kOpen; ++run) {
    const History& history = rig.service.execution(RunOrdinal{run})->history;
    out.history += static_cast<double>(history.events().capacity() * sizeof(HistoryEvent));
  }
  out.heap = static_cast<double>(heap_in_use() - heap_before) / kOpen;
  out.resident = static_cast<double>(resident_bytes() - resident_before) / kOpen;
  out.history /= kOpen;
  return out;
}

void report_memory(bool evicted) {
  const Memory m = memory(evicted);
  fmt::print("{} execution        history {:.0f} B; beside it heap {:.0f} B, resident with its stack {:.0f} B\n",
             evicted ? "evicted" : "cached ", m.history, m.heap - m.history, m.resident - m.history);
}

void report(std::size_t repetitions) {
  report_memory(true);
  report_memory(false);
  std::vector<double> bound;
  std::vector<double> tasks;
  std::vector<double> share;
  std::vector<double> per_task;
  for (std::size_t i = 0; i < repetitions; ++i) {
    const double callbacks = callback_rate();
    const TaskRates rates = task_rates();
    bound.push_back(callbacks);
    tasks.push_back(rates.tasks);
    share.push_back(rates.events / callbacks);
    per_task.push_back(rates.events / rates.tasks);
  }
  fmt::print("kernel callbacks          {:.2f} M/s\n", median(bound) / 1e6);
  fmt::print("workflow tasks            {:.0f} k/s, {:.1f} kernel events each, {:.3f} of the callbacks' rate\n",
             median(tasks) / 1e3, median(per_task), median(share));
  report_replay(repetitions);
}

}  // namespace
}  // namespace dvt::engine

int main(int argc, char** argv) {
  std::size_t repetitions = 5;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), repetitions);
  dvt::engine::report(std::max<std::size_t>(repetitions, 1));
  return 0;
}
