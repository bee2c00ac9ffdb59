// A StoreModel over rows of either kind, without a world: tests ask for appends and look at what came back, and when.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/fault/store_model.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt::test {

/// What was told of the store, in order.
class StoreFacts final : public Telemetry {
 public:
  std::vector<StoredEvent> committed;
  std::vector<AppendFact> appends;
  std::vector<SpoolFact> spool;
  void event_committed(const StoredEvent& event) override { committed.push_back(event); }
  void append_done(const AppendFact& fact) override { appends.push_back(fact); }
  void spool_changed(const SpoolFact& fact) override { spool.push_back(fact); }
};

struct Heard {
  bool ok = false;
  StoreError error = StoreError::unavailable;
  AppendReceipt receipt;
  Instant at;
};

class StoreScene {
 public:
  static constexpr Duration kWrite = milliseconds(10);
  static constexpr Duration kBudget = seconds(3);
  static constexpr std::uint32_t kRuns = 40;

  explicit StoreScene(std::uint32_t connections = 2, std::uint64_t seed = 1, bool sqlite = false,
                      Distribution write = Distribution::constant(kWrite))
      : random(seed), rows(make_rows(sqlite)) {
    describe_world(*rows, kRuns);
    model = std::make_unique<sim::StoreModel>(
        timers, random, facts, *rows,
        sim::StoreModelOptions{write, Distribution::constant(milliseconds(1)), connections, kBudget});
  }

  /// Appends StepStarted `number` of the run; the answer is heard under `number` + 1000 × run.
  void append(std::uint32_t run, std::uint32_t number, bool from_worker = true, std::uint64_t attempt = 1) {
    StoreClient& side = from_worker ? model->from_workers() : *model;
    const std::uint32_t name = run * 1000 + number;
    side.append(numbered_event(run, number), {run, number, attempt}, [this, name](const AppendOutcome& outcome) {
      EXPECT_FALSE(heard.contains(name)) << "an answer came twice";
      order.push_back(name);
      heard[name] = {outcome.ok, outcome.error, outcome.receipt, timers.now()};
    });
  }
  bool stored(std::uint32_t run, std::uint32_t number) const {
    for (const StoredEvent& event : events_of(*rows, run))
      if (event.idempotency_key == numbered_event(run, number).idempotency_key) return true;
    return false;
  }
  std::size_t rows_of(std::uint32_t run) const { return events_of(*rows, run).size(); }

  FakeTimers timers;
  FakeRandom random;
  StoreFacts facts;
  std::unique_ptr<StateStore> rows;
  std::unique_ptr<sim::StoreModel> model;
  std::map<std::uint32_t, Heard> heard;
  std::vector<std::uint32_t> order;  // in which answers came

 private:
  static std::unique_ptr<StateStore> make_rows(bool sqlite) {
    if (sqlite) return std::make_unique<store::SqliteStateStore>(sqlite_options());
    return std::make_unique<store::MemoryStateStore>(memory_options());
  }
};

}  // namespace dvt::test
