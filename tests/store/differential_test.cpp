// The same random operations on four stores: SQLite in batches (in memory and in a file that is closed and opened again
// along the way), SQLite with a commit for each append, and the plain C++ store. Every answer must be the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"

namespace dvt {
namespace {

using store::Commit;
using store::MemoryStateStore;
using store::SqliteStateStore;
using test::describe_world;
using test::kStart;
using test::TestBits;

constexpr std::uint32_t kRuns = 40;
constexpr std::uint32_t kPartitions = 3;

class Stores {
 public:
  explicit Stores(const std::string& path) : path_(path) {
    all_.push_back(std::make_unique<MemoryStateStore>(test::memory_options()));
    all_.push_back(std::make_unique<SqliteStateStore>(test::sqlite_options(":memory:", Commit::batched, 37)));
    all_.push_back(std::make_unique<SqliteStateStore>(test::sqlite_options(":memory:", Commit::per_append)));
    all_.push_back(open_file());
    for (const auto& store : all_) describe_world(*store, kRuns);
  }

  /// Does `operation` on each store and compares the answers with the first store's.
  template <class Operation>
  auto each(Operation operation) {
    const auto expected = operation(*all_[0]);
    for (std::size_t i = 1; i < all_.size(); ++i) EXPECT_EQ(operation(*all_[i]), expected) << "store " << i;
    return expected;
  }
  template <class Operation>
  void each_without_answer(Operation operation) {
    for (const auto& store : all_) operation(*store);
  }

  void reopen_file() {
    all_[3].reset();
    all_[3] = open_file();
    // What a restarted program tells its store again; runs without an event are not in the file.
    describe_world(*all_[3], kRuns);
  }

  SqliteStateStore& sqlite(std::size_t i) { return dynamic_cast<SqliteStateStore&>(*all_[i]); }

 private:
  std::unique_ptr<SqliteStateStore> open_file() const {
    return std::make_unique<SqliteStateStore>(test::sqlite_options(path_, Commit::batched, 23));
  }
  std::string path_;
  std::vector<std::unique_ptr<StateStore>> all_;
};

using Texts = std::vector<std::string>;

std::string text_of(const Result<AppendReceipt, StoreError>& result) {
  if (!result) return to_string(result.error());
  const AppendReceipt& receipt = result.value();
  return to_string(receipt.event_id) + " " + std::to_string(receipt.run_seq) + " " + std::to_string(receipt.position) +
         " " + std::to_string(receipt.persisted_at.ns) + (receipt.idempotent ? " old" : " new");
}

std::string text_of(const StoreCounts& counts) {
  return std::to_string(counts.events) + " " + std::to_string(counts.runs) + " " + std::to_string(counts.decisions) +
         " " + std::to_string(counts.outbox_pending) + " " + std::to_string(counts.dead_letters);
}

NewEvent random_event(TestBits& bits, std::int64_t now) {
  const auto run = static_cast<std::uint32_t>(bits.below(kRuns + 2));  // two runs that nobody knows
  const EventType type = kEventTypes[bits.below(kEventTypeCount)];
  const StepIndex step = is_step_event(type) ? StepIndex{static_cast<std::uint32_t>(bits.below(4))} : kNoStep;
  NewEvent event =
      test::make_event(run, type, step, static_cast<std::uint32_t>(1 + bits.below(6)), Instant{now - 1000});
  event.engine_attempt = static_cast<std::uint32_t>(1 + bits.below(3));
  if (bits.chance(10)) event.payload = std::make_shared<const std::string>("{\"n\":" + std::to_string(now) + "}");
  return event;
}

/// The oldest pending rows are given back, buried or delivered, or their lease is left to run out.
void settle_some(Stores& stores, TestBits& bits, std::vector<std::uint64_t>& leased, Instant now) {
  while (!leased.empty() && bits.chance(70)) {
    const std::uint64_t position = leased.back();
    leased.pop_back();
    const auto kind = bits.below(10);
    const Instant later = now + milliseconds(static_cast<std::int64_t>(bits.below(3000)));
    stores.each_without_answer([&](StateStore& store) {
      if (kind < 6) store.mark_delivered(std::span(&position, 1), now);
      if (kind == 6 || kind == 7) store.retry_outbox(position, later);
      if (kind == 8) store.dead_letter(position, now);
    });
  }
}

void write_random_snapshots(Stores& stores, TestBits& bits, Instant now) {
  std::vector<RunState> states;
  std::vector<std::pair<RunOrdinal, std::uint64_t>> covered;
  states.reserve(3);
  std::set<std::uint32_t> chosen;
  for (int i = 0; i < 3; ++i) chosen.insert(static_cast<std::uint32_t>(bits.below(kRuns)));
  for (const std::uint32_t run : chosen) {
    const Texts log = stores.each([run](StateStore& store) { return test::texts_of(test::events_of(store, run)); });
    if (log.empty()) continue;
    const std::uint64_t up_to = 1 + bits.below(log.size());
    RunState& state = states.emplace_back();
    for (const StoredEvent& event : test::events_of(stores.sqlite(1), run)) {
      if (event.run_seq > up_to) break;
      apply_event(state, event.type, event.step, event.logical_attempt, event.emitted_at);
    }
    covered.emplace_back(RunOrdinal{run}, up_to);
  }
  const auto partition = static_cast<std::uint32_t>(bits.below(kPartitions));
  const std::uint64_t watermark = bits.below(1000);
  stores.each_without_answer([&](StateStore& store) {
    std::vector<SnapshotWrite> writes;
    for (std::size_t i = 0; i < covered.size(); ++i) {
      writes.push_back(SnapshotWrite{covered[i].first, covered[i].second, &states[i]});
    }
    store.write_snapshots(partition, watermark, writes, now);
  });
}

void do_one(Stores& stores, TestBits& bits, Instant now, std::vector<NewEvent>& sent,
            std::vector<std::uint64_t>& leased) {
  const auto kind = bits.below(100);
  if (kind < 40 || sent.empty()) {
    sent.push_back(random_event(bits, now.ns));
    stores.each([&](StateStore& store) { return text_of(store.append(sent.back(), now)); });
  } else if (kind < 50) {
    const NewEvent again = sent[bits.below(sent.size())];
    stores.each([&](StateStore& store) { return text_of(store.append(again, now)); });
  } else if (kind < 56) {
    SignalDecision decision;
    decision.signal_id = "signal-" + std::to_string(bits.below(30));
    decision.run = RunOrdinal{static_cast<std::uint32_t>(bits.below(kRuns + 1))};
    decision.status = static_cast<DecisionStatus>(bits.below(3));
    decision.code = decision.status == DecisionStatus::rejected ? "AUTHZ_DENIED" : "";
    decision.reason = "o'clock";
    decision.decided_at = now;
    decision.replaces = bits.below(4) == 0;
    if (bits.below(3) == 0) {
      sent.push_back(bits.below(4) == 0 ? sent[bits.below(sent.size())] : random_event(bits, now.ns));
      decision.allows = std::make_shared<const NewEvent>(sent.back());
      decision.persisted_at = now;
    }
    stores.each([&](StateStore& store) {
      const auto result = store.decide(decision);
      if (!result) return std::string(to_string(result.error()));
      return std::string(to_string(result.value().status)) + result.value().code +
             (result.value().idempotent ? " old" : "") +
             (result.value().event ? " with position " + std::to_string(result.value().event->position) +
                                         (result.value().event->idempotent ? " again" : "")
                                   : "");
    });
  } else if (kind < 62) {
    const auto run = static_cast<std::uint32_t>(bits.below(kRuns + 1));
    const std::uint64_t after = bits.below(8);
    const std::size_t limit = 1 + bits.below(8);
    stores.each([&](StateStore& store) {
      std::vector<StoredEvent> events;
      store.fetch(RunOrdinal{run}, after, limit, events);
      return test::texts_of(events);
    });
  } else if (kind < 70) {
    const std::uint64_t after = bits.below(sent.size() + 5);
    const auto partition = static_cast<std::uint32_t>(bits.below(kPartitions));
    const std::size_t limit = 1 + bits.below(12);
    stores.each([&](StateStore& store) {
      std::vector<StoredEvent> events;
      const std::uint64_t up_to = store.read_partition(after, partition, kPartitions, limit, events);
      return std::pair(up_to, test::texts_of(events));
    });
  } else if (kind < 76) {
    write_random_snapshots(stores, bits, now);
  } else if (kind < 80) {
    const RunOrdinal run{static_cast<std::uint32_t>(bits.below(kRuns + 1))};
    stores.each([run](StateStore& store) -> std::string {
      const auto snapshot = store.snapshot(run);
      if (!snapshot) return "none";
      return std::to_string(snapshot->up_to_seq) + " " + to_hex(snapshot->hash) + " " +
             std::to_string(snapshot->state.started_at.ns) + " " + std::to_string(snapshot->state.steps.size()) +
             (snapshot->state.inconsistent ? " inconsistent" : "");
    });
  } else if (kind < 90) {
    const auto relay = static_cast<std::uint32_t>(bits.below(3));
    const std::size_t limit = 1 + bits.below(9);
    std::vector<OutboxRow> rows;
    stores.each([&](StateStore& store) {
      store.claim_outbox(relay, now, now + seconds(2), limit, rows);
      Texts texts;
      for (const OutboxRow& row : rows) {
        texts.push_back(std::to_string(row.attempts) + " " + test::text_of(row.event));
        EXPECT_EQ(row.position, row.event.position);
      }
      return texts;
    });
    for (const OutboxRow& row : rows) leased.push_back(row.position);
  } else if (kind < 95) {
    settle_some(stores, bits, leased, now);
  } else if (kind < 97) {
    const RunOrdinal run{static_cast<std::uint32_t>(bits.below(kRuns))};
    stores.each_without_answer([run](StateStore& store) { store.release_run(run); });
    // A released run that never had an event is forgotten by the database and remembered by the oracle.
    stores.each_without_answer([run](StateStore& store) { store.add_run(test::make_run(run.value)); });
  } else if (kind < 98) {
    if (bits.chance(40)) {
      stores.each_without_answer([](StateStore& store) { store.flush(); });
      return;
    }
    stores.each([now](StateStore& store) {
      std::vector<StoredEvent> dead;
      store.redrive_dead_letters(now, dead);
      return test::texts_of(dead);
    });
  } else if (kind < 99) {
    stores.reopen_file();
  } else {
    const auto run = static_cast<std::uint32_t>(bits.below(kRuns + 2));
    stores.each([run](StateStore& store) {
      const auto found = store.find_request(test::make_run(run).request_key);
      return found ? static_cast<int>(found->value) : -1;
    });
    stores.each([](StateStore& store) { return text_of(store.counts()); });
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      stores.each([partition](StateStore& store) { return store.watermark(partition); });
    }
  }
}

Texts sql_log(SqliteStateStore& store) {
  store.flush();
  store::db::Statement rows(store.database(),
                            "SELECT position, run_no, run_seq, event_id FROM v_events ORDER BY position");
  Texts texts;
  while (rows.step()) {
    texts.push_back(std::to_string(rows.int_at(0)) + " " + std::to_string(rows.int_at(1)) + " " +
                    std::to_string(rows.int_at(2)) + " " + std::string(rows.text_at(3)));
  }
  return texts;
}

class StoresAgree : public testing::TestWithParam<std::uint64_t> {};

TEST_P(StoresAgree, OnEveryOperation) {
  const test::TemporaryFile file("differential_" + std::to_string(GetParam()));
  Stores stores(file.path());
  TestBits bits(GetParam());
  std::vector<NewEvent> sent;
  std::vector<std::uint64_t> leased;
  Instant now;
  for (int i = 0; i < 2500 && !HasFailure(); ++i) {
    now = now + milliseconds(static_cast<std::int64_t>(bits.below(200)));
    SCOPED_TRACE("operation " + std::to_string(i));
    do_one(stores, bits, now, sent, leased);
  }
  // And the rows that SQL shows are the oracle's.
  Texts expected;
  stores.each_without_answer([&](StateStore& store) {
    if (!expected.empty()) return;
    std::vector<StoredEvent> events;
    store.read_partition(0, 0, 1, 1'000'000, events);
    for (const StoredEvent& event : events) {
      expected.push_back(std::to_string(event.position) + " " + std::to_string(event.run.value) + " " +
                         std::to_string(event.run_seq) + " " + to_string(event.event_id));
    }
  });
  ASSERT_GT(expected.size(), 500U);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(sql_log(stores.sqlite(i)), expected) << "store " << i;
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(stores.sqlite(i).database().integrity_check(), "ok");
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoresAgree, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace dvt
