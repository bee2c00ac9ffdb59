// How fast the store appends, beside the bound of raw SQLite measured in this same process: the same rows, inserted
// with prepared statements in batches, with both unique indexes, outbox and snapshots. Wall clock; run it on an idle
// machine.
//   bench_store [events] [file]
//   bench_store raw [events]      only the bound, in memory: events, wall seconds, processor seconds (for whole_day.py)
#include <fmt/format.h>
#include <sqlite3.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "store/memory/memory_state_store.h"
#include "store/sqlite/sqlite_state_store.h"
#include "tests/support/fake_random.h"

namespace dvt::store {
namespace {

constexpr std::uint32_t kOpenRuns = 250;
constexpr std::uint32_t kEventsPerRun = 20;
constexpr std::uint32_t kSteps = 8;
constexpr std::uint32_t kBatch = 10'000;

// A day's traffic in small: about 250 runs open at a time, 20 events each.
std::vector<NewEvent> make_events(std::size_t count) {
  test::TestBits bits(7);
  const auto fill = [&bits](auto& bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = bits.next();
      std::memcpy(bytes.data() + i, &word, 8);
    }
  };
  std::vector<NewEvent> events;
  events.reserve(count);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open;  // run, events so far
  std::uint32_t next_run = 0;
  for (; next_run < kOpenRuns; ++next_run) open.emplace_back(next_run, 0);
  for (std::size_t i = 0; i < count; ++i) {
    auto& [run, seen] = open[bits.below(kOpenRuns)];
    NewEvent event;
    event.run = RunOrdinal{run};
    event.type = seen == 0 ? EventType::run_queued : EventType::step_completed;
    event.step = seen == 0 ? kNoStep : StepIndex{seen % kSteps};
    fill(event.event_id.bytes);
    fill(event.idempotency_key.bytes);
    event.emitted_at = Instant{static_cast<std::int64_t>(i) * 80'000'000};
    events.push_back(event);
    if (++seen == kEventsPerRun) {
      run = next_run++;
      seen = 0;
    }
  }
  return events;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void must(sqlite3* database, int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  fmt::print(stderr, "SQLite: {}\n", sqlite3_errmsg(database));
  std::exit(1);
}

void remove_file(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::remove((path + suffix).c_str());
}

struct Raw {
  sqlite3* database = nullptr;
  explicit Raw(const std::string& path) {
    remove_file(path);
    must(nullptr, sqlite3_open(path.c_str(), &database));
    exec("PRAGMA page_size = 16384");
    exec(path == ":memory:" ? "PRAGMA journal_mode = MEMORY" : "PRAGMA journal_mode = WAL");
    exec("PRAGMA synchronous = NORMAL");
    exec("PRAGMA cache_size = -65536");
    exec(
        "CREATE TABLE event (position INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, run_seq INTEGER NOT NULL,"
        " type INTEGER NOT NULL, step_no INTEGER, logical_attempt INTEGER NOT NULL, engine_attempt INTEGER NOT NULL,"
        " event_id BLOB NOT NULL, idempotency_key BLOB NOT NULL, emitted_at_ns INTEGER NOT NULL,"
        " persisted_at_ns INTEGER NOT NULL, payload TEXT, row_hash BLOB NOT NULL)");
    exec("CREATE UNIQUE INDEX event_run_seq ON event (run_no, run_seq)");
    exec("CREATE UNIQUE INDEX event_run_key ON event (run_no, idempotency_key)");
    exec(
        "CREATE TABLE outbox (position INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER NOT NULL,"
        " owner INTEGER, lease_until_ns INTEGER, not_before_ns INTEGER, delivered_at_ns INTEGER)");
    exec(
        "CREATE TABLE snapshot (snapshot_no INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, up_to_seq INTEGER NOT NULL,"
        " hash BLOB NOT NULL, state BLOB NOT NULL)");
    exec("CREATE INDEX snapshot_run ON snapshot (run_no)");
  }
  ~Raw() { sqlite3_close(database); }
  void exec(const char* sql) { must(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    must(database, sqlite3_prepare_v2(database, sql, -1, &statement, nullptr));
    return statement;
  }
};

// Events/s of SQLite itself.
double raw_rate(const std::vector<NewEvent>& events, const std::string& path) {
  Raw raw(path);
  sqlite3_stmt* event = raw.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  sqlite3_stmt* outbox = raw.prepare("INSERT INTO outbox (position, state, attempts) VALUES (?, 0, 0)");
  sqlite3_stmt* clean = raw.prepare("DELETE FROM outbox WHERE position <= ?");
  sqlite3_stmt* snapshot = raw.prepare("INSERT INTO snapshot (run_no, up_to_seq, hash, state) VALUES (?, ?, ?, ?)");
  const auto run = [&raw](sqlite3_stmt* statement) {
    must(raw.database, sqlite3_step(statement));
    sqlite3_reset(statement);
  };
  std::vector<std::uint32_t> seqs(events.size() / kEventsPerRun + kOpenRuns + 1, 0);
  std::vector<std::uint32_t> last_batch(seqs.size(), 0);
  const char state[200] = {};
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < events.size(); first += kBatch) {
    raw.exec("BEGIN IMMEDIATE");
    const std::size_t end = std::min(first + kBatch, events.size());
    for (std::size_t i = first; i < end; ++i) {
      const NewEvent& e = events[i];
      const auto position = static_cast<sqlite3_int64>(i + 1);
      sqlite3_bind_int64(event, 1, position);
      sqlite3_bind_int64(event, 2, e.run.value);
      sqlite3_bind_int64(event, 3, ++seqs[e.run.value]);
      sqlite3_bind_int64(event, 4, static_cast<int>(e.type));
      if (e.step == kNoStep) {
        sqlite3_bind_null(event, 5);
      } else {
        sqlite3_bind_int64(event, 5, e.step.value);
      }
      sqlite3_bind_int64(event, 6, e.logical_attempt);
      sqlite3_bind_int64(event, 7, e.engine_attempt);
      sqlite3_bind_blob(event, 8, e.event_id.bytes.data(), 16, SQLITE_STATIC);
      sqlite3_bind_blob(event, 9, e.idempotency_key.bytes.data(), 32, SQLITE_STATIC);
      sqlite3_bind_int64(event, 10, e.emitted_at.ns);
      sqlite3_bind_int64(event, 11, e.emitted_at.ns + 3'000'000);
      sqlite3_bind_null(event, 12);
      sqlite3_bind_blob(event, 13, e.idempotency_key.bytes.data(), 32, SQLITE_STATIC);
      run(event);
      sqlite3_bind_int64(outbox, 1, position);
      run(outbox);
    }
    for (std::size_t i = first; i < end; ++i) {  // one snapshot for each run of the batch
      const std::uint32_t run_no = events[i].run.value;
      if (last_batch[run_no] == first / kBatch + 1) continue;
      last_batch[run_no] = static_cast<std::uint32_t>(first / kBatch + 1);
      sqlite3_bind_int64(snapshot, 1, run_no);
      sqlite3_bind_int64(snapshot, 2, seqs[run_no]);
      sqlite3_bind_blob(snapshot, 3, events[i].idempotency_key.bytes.data(), 32, SQLITE_STATIC);
      sqlite3_bind_blob(snapshot, 4, state, sizeof state, SQLITE_STATIC);
      run(snapshot);
    }
    sqlite3_bind_int64(clean, 1, static_cast<sqlite3_int64>(end) - 20);
    run(clean);
    raw.exec("COMMIT");
  }
  const double rate = static_cast<double>(events.size()) / seconds_since(start);
  for (sqlite3_stmt* statement : {event, outbox, clean, snapshot}) sqlite3_finalize(statement);
  return rate;
}

void describe(StateStore& store, std::size_t runs) {
  PlanRecord plan{PlanOrdinal{0}, "plan", "1", {}};
  for (std::uint32_t i = 0; i < kSteps; ++i) plan.step_ids.push_back(fmt::format("step-{}", i));
  store.add_plan(plan);
  store.add_tenant(TenantRecord{TenantOrdinal{0}, "tenant"});
  for (std::uint32_t i = 0; i < runs; ++i) {
    RunRecord run;
    run.ordinal = RunOrdinal{i};
    std::memcpy(run.run_id.bytes.data(), &i, sizeof i);
    std::memcpy(run.request_key.bytes.data(), &i, sizeof i);
    store.add_run(run);
  }
}

// Events/s of the store doing a simulated day's work: append, snapshots as the projector writes them (three events at a
// time), claims and delivery marks as the relay makes them, runs released at their end.
double store_rate(StateStore& store, const std::vector<NewEvent>& events, bool with_readers) {
  std::vector<std::uint32_t> seqs(events.size() / kEventsPerRun + kOpenRuns + 1, 0);
  RunState state;
  state.status = RunStatus::running;
  state.steps.resize(kSteps);
  for (StepState& step : state.steps) {
    step.status = StepStatus::completed;
    step.attempts = 1;
    step.has_started = step.has_completed = true;
  }
  std::vector<OutboxRow> claimed;
  std::vector<std::uint64_t> delivered;
  std::uint32_t seq_of[4] = {};  // of the last four events
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < events.size(); ++i) {
    const NewEvent& event = events[i];
    const auto receipt = store.append(event, event.emitted_at + milliseconds(3));
    if (!receipt || receipt.value().idempotent) std::abort();
    seq_of[i % 4] = ++seqs[event.run.value];
    if (!with_readers || i % 3 != 0 || i < 3) continue;
    SnapshotWrite writes[3];
    for (std::size_t k = 0; k < 3; ++k) {
      const RunOrdinal run = events[i - k - 1].run;
      writes[2 - k] = SnapshotWrite{run, seq_of[(i - k - 1) % 4], &state};
    }
    store.write_snapshots(static_cast<std::uint32_t>(i % 9 / 3), i, writes, event.emitted_at);
    for (std::size_t k = 0; k < 3; ++k) {
      const RunOrdinal run = events[i - k - 1].run;
      if (seq_of[(i - k - 1) % 4] == kEventsPerRun) store.release_run(run);
    }
    store.claim_outbox(0, event.emitted_at, event.emitted_at + seconds(30), 100, claimed);
    delivered.clear();
    for (const OutboxRow& row : claimed) delivered.push_back(row.position);
    store.mark_delivered(delivered, event.emitted_at);
  }
  store.flush();
  return static_cast<double>(events.size()) / seconds_since(start);
}

double duplicate_rate(StateStore& store, const std::vector<NewEvent>& events, std::size_t count) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    const auto receipt = store.append(events[events.size() - 1 - i % 2000], Instant{});
    if (!receipt || !receipt.value().idempotent) std::abort();
  }
  return static_cast<double>(count) / seconds_since(start);
}

void report(const std::string& path, const std::vector<NewEvent>& events) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::size_t runs = events.size() / kEventsPerRun + kOpenRuns + 1;
  const double raw = raw_rate(events, path);
  fmt::print("raw SQLite          {:>10}  {:>9.0f} events/s\n", path, raw);
  for (const bool with_readers : {false, true}) {
    remove_file(path);
    SqliteStateStore store(SqliteOptions{path, UnixNanos{1'767'225'600'000'000'000}});
    describe(store, runs);
    const double rate = store_rate(store, events, with_readers);
    fmt::print("store, {} {:>10}  {:>9.0f} events/s  {:.2f} of raw  {:.1f} B/event\n",
               with_readers ? "with readers" : "appends only", path, rate, rate / raw,
               static_cast<double>(store.bytes()) / static_cast<double>(events.size()));
    if (with_readers) {
      fmt::print("duplicates          {:>10}  {:>9.0f} appends/s\n", path, duplicate_rate(store, events, 200'000));
    }
  }
  {
    remove_file(path);
    SqliteOptions options{path, UnixNanos{1'767'225'600'000'000'000}, Commit::per_append};
    SqliteStateStore store(options);
    const std::vector<NewEvent> some(events.begin(), events.begin() + 2'000);  // each waits for the medium
    describe(store, runs);
    fmt::print("store, per append   {:>10}  {:>9.0f} events/s\n", path, store_rate(store, some, false));
  }
  remove_file(path);
}

}  // namespace
}  // namespace dvt::store

int main(int argc, char** argv) {
  using namespace dvt::store;
  std::size_t count = 400'000;
  if (argc > 1 && std::strcmp(argv[1], "raw") == 0) {
    if (argc > 2) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), count);
    const auto events = make_events(count);
    const std::clock_t before = std::clock();
    const double rate = raw_rate(events, ":memory:");
    fmt::print("{} {:.4f} {:.4f}\n", count, static_cast<double>(count) / rate,
               static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
    return 0;
  }
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  const auto events = make_events(count);
  report(":memory:", events);
  report(argc > 2 ? argv[2] : "bench_store.db", events);
  MemoryStateStore memory(MemoryOptions{dvt::UnixNanos{1'767'225'600'000'000'000}});
  describe(memory, events.size() / kEventsPerRun + kOpenRuns + 1);
  fmt::print("memory store                    {:>9.0f} events/s\n", store_rate(memory, events, true));
  return 0;
}
