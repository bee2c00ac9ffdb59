// What the readers of a store cost, and what an event weighs: duplicates absorbed beside new events, the rebuild of
// 100,000 events, the projector's own rate, bytes an event in a file. Wall clock; run it on an idle machine.
//   bench_readers [file]      without a file the SQLite store is in memory, and no bytes are shown
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "store/memory/memory_state_store.h"
#include "store/projector/projector.h"
#include "store/sqlite/sqlite_state_store.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt::store {
namespace {

constexpr std::uint32_t kRuns = 5'000;
constexpr std::uint32_t kEventsPerRun = 20;
constexpr std::uint32_t kSteps = 8;

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Runs of 20 events, about 250 of them open at a time; keys and ids are random words.
std::vector<NewEvent> make_events() {
  test::TestBits bits(7);
  const auto fill = [&bits](auto& bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = bits.next();
      std::memcpy(bytes.data() + i, &word, 8);
    }
  };
  constexpr std::uint32_t kOpen = 250;
  std::vector<NewEvent> events;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open;
  std::uint32_t next_run = 0;
  for (; next_run < kOpen; ++next_run) open.emplace_back(next_run, 0);
  while (!open.empty()) {
    const std::size_t pick = bits.below(open.size());
    auto& [run, seen] = open[pick];
    NewEvent event;
    event.run = RunOrdinal{run};
    event.type = seen == 0                   ? EventType::run_queued
                 : seen == 1                 ? EventType::run_started
                 : seen == kEventsPerRun - 1 ? EventType::run_completed
                 : seen % 2 == 0             ? EventType::step_started
                                             : EventType::step_completed;
    event.step = is_step_event(event.type) ? StepIndex{(seen / 2) % kSteps} : kNoStep;
    event.logical_attempt = 1 + seen / 2 / kSteps;
    fill(event.event_id.bytes);
    fill(event.idempotency_key.bytes);
    event.emitted_at = Instant{static_cast<std::int64_t>(events.size()) * 80'000'000};
    events.push_back(event);
    if (++seen < kEventsPerRun) continue;
    if (next_run < kRuns) {
      open[pick] = {next_run++, 0};
    } else {
      open[pick] = open.back();
      open.pop_back();
    }
  }
  return events;
}

void describe(StateStore& store) {
  PlanRecord plan{PlanOrdinal{0}, "plan", "1", {}};
  for (std::uint32_t i = 0; i < kSteps; ++i) plan.step_ids.push_back(fmt::format("step-{}", i));
  store.add_plan(plan);
  store.add_tenant(TenantRecord{TenantOrdinal{0}, "tenant"});
  test::TestBits bits(1);
  for (std::uint32_t i = 0; i < kRuns; ++i) {
    RunRecord run;
    run.ordinal = RunOrdinal{i};
    run.run_id = uuid_v4_from(bits.next(), bits.next());
    for (std::size_t word = 0; word < 4; ++word) {
      const std::uint64_t value = bits.next();
      std::memcpy(run.request_key.bytes.data() + 8 * word, &value, 8);
    }
    store.add_run(run);
  }
}

double append_all(StateStore& store, const std::vector<NewEvent>& events) {
  const Stopwatch watch;
  for (const NewEvent& event : events) (void)store.append(event, event.emitted_at);
  store.flush();
  return static_cast<double>(events.size()) / watch.seconds();
}

void duplicates(const char* name, StateStore& store, const std::vector<NewEvent>& events) {
  const double fresh = append_all(store, events);
  const double in_order = append_all(store, events);
  std::vector<NewEvent> mixed = events;
  test::TestBits bits(3);
  for (std::size_t i = mixed.size(); i > 1; --i) std::swap(mixed[i - 1], mixed[bits.below(i)]);
  const double out_of_order = append_all(store, mixed);
  fmt::print("{:<16} new {:>9.0f}/s   duplicates in order {:>9.0f}/s ({:.2f} x)   out of order {:>9.0f}/s ({:.2f} x)\n",
             name, fresh, in_order, in_order / fresh, out_of_order, out_of_order / fresh);
}

// The live projection of everything in the store, then its rebuild run by run.
void project(const char* name, StateStore& store) {
  test::FakeTimers timers;
  Telemetry nobody;
  ProjectorOptions options;
  options.replicas = 3;
  options.per_event = nanoseconds(1);
  Projector projector(store, timers, nobody, options);
  const Stopwatch live;
  projector.start();
  timers.run();
  store.flush();
  const double rate = static_cast<double>(projector.projected()) / live.seconds();
  const Stopwatch again;
  for (std::uint32_t run = 0; run < kRuns; ++run) projector.resync(RunOrdinal{run}, ResyncMode::full);
  store.flush();
  fmt::print("{:<16} projected {:>9.0f} events/s   rebuild of {} events from zero {:.2f} s\n", name, rate,
             store.counts().events, again.seconds());
}

int run(const char* file) {
  const std::vector<NewEvent> events = make_events();
  {
    MemoryStateStore memory{MemoryOptions{}};
    describe(memory);
    duplicates("memory", memory, events);
    project("memory", memory);
  }
  SqliteOptions options;
  if (file != nullptr) {
    options.path = file;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::remove((std::string(file) + suffix).c_str());
  }
  SqliteStateStore sqlite(options);
  describe(sqlite);
  duplicates("sqlite", sqlite, events);
  if (file != nullptr) {
    const auto bytes = static_cast<double>(sqlite.bytes());
    fmt::print("{:<16} {:.1f} bytes an event with its indexes and its outbox row\n", "sqlite",
               bytes / static_cast<double>(events.size()));
  }
  project("sqlite", sqlite);
  return 0;
}

}  // namespace
}  // namespace dvt::store

int main(int argc, char** argv) {
  return dvt::store::run(argc > 1 ? argv[1] : nullptr);
}
