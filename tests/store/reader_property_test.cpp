// Whatever is done to the readers of a store, and whenever: once everything is up again, each event is in the read
// model exactly as a rebuild folds it, and had its effect on each consumer once. Random lists of operations, with
// crashes of relays, replicas and the store, on SQLite and in memory; a list that fails is shrunk and printed.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "sim/study/ddmin.h"
#include "store/bus/event_bus.h"
#include "store/db/snapshot_hasher.h"
#include "store/outbox/outbox_relays.h"
#include "store/projector/projector.h"
#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt {
namespace {

using store::EventBus;
using store::HopFaults;
using store::OutboxRelays;
using store::Projector;
using store::ResyncMode;

constexpr std::uint32_t kRuns = 7;

struct Operation {
  enum class Kind : std::uint8_t {
    append,  // a: run
    again,   // a: which of the events so far
    pass,    // a: milliseconds
    kill_replica,
    stop_replica,
    restart_replica,
    pause_replica,
    wake_replica,
    stall_replica,
    unstall_replica,
    scale_projector,
    replay_projector,
    resync,   // a: run
    rebuild,  // a: run
    kill_relay,
    drain_relay,
    restart_relay,
    stall_relay,
    unstall_relay,
    scale_relays,
    bus_fault,  // a: which hop, b: which fault
    bus_well,   // a: which hop
    redrive,
    reopen_store,
  };
  static constexpr std::uint32_t kKinds = static_cast<std::uint32_t>(Kind::reopen_store) + 1;
  Kind kind = Kind::append;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

std::string text_of(const std::vector<Operation>& operations) {
  static constexpr const char* kNames[] = {
      "append",        "again",        "pass",          "kill_replica",    "stop_replica",    "restart_replica",
      "pause_replica", "wake_replica", "stall_replica", "unstall_replica", "scale_projector", "replay_projector",
      "resync",        "rebuild",      "kill_relay",    "drain_relay",     "restart_relay",   "stall_relay",
      "unstall_relay", "scale_relays", "bus_fault",     "bus_well",        "redrive",         "reopen_store"};
  static_assert(std::size(kNames) == Operation::kKinds);
  std::string text = std::to_string(operations.size()) + " operations:\n";
  for (const Operation& operation : operations) {
    text += "  " + std::string(kNames[static_cast<std::size_t>(operation.kind)]) + " " + std::to_string(operation.a) +
            " " + std::to_string(operation.b) + "\n";
  }
  return text;
}

std::vector<Operation> random_operations(std::uint64_t seed, std::size_t count) {
  test::TestBits bits(seed);
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < count; ++i) {
    Operation operation;
    const auto draw = bits.below(100);
    operation.kind = draw < 40   ? Operation::Kind::append
                     : draw < 45 ? Operation::Kind::again
                     : draw < 65 ? Operation::Kind::pass
                                 : static_cast<Operation::Kind>(bits.below(Operation::kKinds));
    operation.a = static_cast<std::uint32_t>(bits.below(operation.kind == Operation::Kind::pass ? 900 : 1000));
    operation.b = static_cast<std::uint32_t>(bits.below(1000));
    operations.push_back(operation);
  }
  return operations;
}

/// Hands everything on to a store that may be taken away and opened again behind it, and can be made to misbehave.
class StoreBehind final : public StateStore {
 public:
  std::unique_ptr<StateStore> rows;
  bool forgets_third = false;  // a defect: the snapshot of a run's third event is dropped

  void add_plan(const PlanRecord& plan) override { rows->add_plan(plan); }
  void add_tenant(const TenantRecord& tenant) override { rows->add_tenant(tenant); }
  void add_run(const RunRecord& run) override { rows->add_run(run); }
  std::optional<RunOrdinal> find_request(const Digest& key) override { return rows->find_request(key); }
  Result<AppendReceipt, StoreError> append(const NewEvent& event, Instant at) override {
    return rows->append(event, at);
  }
  Result<DecisionReceipt, StoreError> decide(const SignalDecision& decision) override { return rows->decide(decision); }
  void fetch(RunOrdinal run, std::uint64_t after, std::size_t limit, std::vector<StoredEvent>& out) override {
    rows->fetch(run, after, limit, out);
  }
  std::uint64_t read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                               std::size_t limit, std::vector<StoredEvent>& out) override {
    return rows->read_partition(after, partition, partitions, limit, out);
  }
  void write_snapshots(std::uint32_t partition, std::uint64_t watermark, std::span<const SnapshotWrite> snapshots,
                       Instant at) override {
    std::vector<SnapshotWrite> kept;
    for (const SnapshotWrite& snapshot : snapshots)
      if (!forgets_third || snapshot.up_to_seq != 3) kept.push_back(snapshot);
    rows->write_snapshots(partition, watermark, kept, at);
  }
  std::optional<StoredSnapshot> snapshot(RunOrdinal run) override { return rows->snapshot(run); }
  std::uint64_t watermark(std::uint32_t partition) override { return rows->watermark(partition); }
  void claim_outbox(std::uint32_t relay, Instant now, Instant until, std::size_t limit,
                    std::vector<OutboxRow>& out) override {
    rows->claim_outbox(relay, now, until, limit, out);
  }
  void mark_delivered(std::span<const std::uint64_t> positions, Instant now) override {
    rows->mark_delivered(positions, now);
  }
  void retry_outbox(std::uint64_t position, Instant not_before) override { rows->retry_outbox(position, not_before); }
  void dead_letter(std::uint64_t position, Instant now) override { rows->dead_letter(position, now); }
  void redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) override {
    rows->redrive_dead_letters(now, out);
  }
  void release_run(RunOrdinal run) override { rows->release_run(run); }
  void flush() override { rows->flush(); }
  StoreCounts counts() override { return rows->counts(); }
  std::uint64_t bytes() override { return rows->bytes(); }
};

enum class Backend : std::uint8_t { memory, sqlite_memory, sqlite_file };

/// A store and its readers, and what was told of them.
class Readers {
 public:
  Readers(Backend backend, bool defect, const std::string& path) : backend_(backend), path_(path) {
    store_.forgets_third = defect;
    open();
    store::OutboxOptions outbox;
    outbox.lease = seconds(3);
    outbox.backoff.max = seconds(2);
    outbox.max_attempts = 4;
    relays_ = std::make_unique<OutboxRelays>(store_, bus_, timers_, random_, recorder_, outbox);
    start_projector();
    relays_->start();
    for (std::uint32_t i = 0; i < 2; ++i)
      bus_.set_consumer(i, [this, i](const StoredEvent& event) { return ++effects_[{i, event.position}] > 0; });
  }
  ~Readers() {
    relays_.reset();
    projector_.reset();
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  void act(const Operation& operation);
  /// Lets everything come up and drain, and says what is wrong then.
  std::optional<std::string> verdict();

 private:
  static store::BusOptions bus_options() {
    store::BusOptions options;
    options.subscriptions = {{"ui", Distribution::uniform(Duration{}, milliseconds(300))},
                             {"audit", Distribution::constant(milliseconds(50))}};
    options.publish_latency = Distribution::constant(milliseconds(40));
    options.backoff.max = seconds(2);
    options.max_attempts = 4;
    return options;
  }
  void open() {
    if (backend_ == Backend::memory) {
      store_.rows = std::make_unique<store::MemoryStateStore>(test::memory_options());
    } else {
      const bool file = backend_ == Backend::sqlite_file;
      store_.rows = std::make_unique<store::SqliteStateStore>(
          test::sqlite_options(file ? path_ : ":memory:", store::Commit::batched, 5));
    }
    test::describe_world(store_, kRuns);
  }
  // A failover: the rows are opened anew, and the projector with them, which goes on from its watermarks.
  void reopen() {
    if (backend_ != Backend::sqlite_file) return;
    store_.flush();
    store_.rows.reset();
    open();
    const std::uint32_t replicas = projector_->replicas();
    projector_.reset();
    start_projector(replicas);
  }
  void start_projector(std::uint32_t replicas = 3) {
    store::ProjectorOptions options;
    options.replicas = replicas;
    options.batch = 4;
    options.takeover = seconds(2);
    projector_ = std::make_unique<Projector>(store_, timers_, recorder_, options);
    projector_->start();
  }
  NewEvent next_event(std::uint32_t run);
  void append(const NewEvent& event);

  Backend backend_;
  std::string path_;
  test::FakeTimers timers_;
  test::FakeRandom random_;
  test::Recorder recorder_;
  StoreBehind store_;
  EventBus bus_{timers_, random_, recorder_, bus_options()};
  std::unique_ptr<OutboxRelays> relays_;
  std::unique_ptr<Projector> projector_;
  std::vector<NewEvent> sent_;
  std::map<std::uint32_t, std::uint32_t> lives_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, int> effects_;
  std::optional<std::string> wrong_;
};

// Runs live for ever, with steps that fail and are tried again; now and then an event that is not allowed.
NewEvent Readers::next_event(std::uint32_t run) {
  using enum EventType;
  const std::uint32_t number = lives_[run]++;
  if (number == 0) return test::make_event(run, run_queued, kNoStep, 1, timers_.now());
  if (number == 1) return test::make_event(run, run_started, kNoStep, 1, timers_.now());
  const std::uint32_t attempt = 1 + number / 2;
  static constexpr EventType kTypes[] = {step_started, step_failed, run_resumed, step_completed};
  const EventType type = number % 11 == 10 ? run_resumed : kTypes[number % 2];
  return test::make_event(run, type, is_step_event(type) ? StepIndex{run % 4} : kNoStep, attempt, timers_.now());
}

void Readers::append(const NewEvent& event) {
  const auto receipt = store_.append(event, timers_.now());
  if (!receipt || receipt.value().idempotent) return;
  std::vector<StoredEvent> stored;
  store_.fetch(event.run, receipt.value().run_seq - 1, 1, stored);
  relays_->event_committed();
  projector_->event_committed(stored.at(0));
}

void Readers::act(const Operation& operation) {
  using Kind = Operation::Kind;
  const std::uint32_t replica = operation.a % projector_->replicas();
  const std::uint32_t relay = operation.a % relays_->relays();
  const std::uint32_t run = operation.a % kRuns;
  switch (operation.kind) {
    case Kind::append:
      sent_.push_back(next_event(run));
      return append(sent_.back());
    case Kind::again:
      if (!sent_.empty()) append(sent_[operation.a % sent_.size()]);
      return;
    case Kind::pass:
      return timers_.run_for(milliseconds(operation.a));
    case Kind::kill_replica:
      return projector_->kill(replica);
    case Kind::stop_replica:
      projector_->stall(replica, false);
      projector_->pause(replica, false);
      return projector_->stop(replica);
    case Kind::restart_replica:
      return projector_->restart(replica);
    case Kind::pause_replica:
      return projector_->pause(replica, true);
    case Kind::wake_replica:
      return projector_->pause(replica, false);
    case Kind::stall_replica:
      return projector_->stall(replica, true);
    case Kind::unstall_replica:
      return projector_->stall(replica, false);
    case Kind::scale_projector:
      return projector_->scale(1 + operation.a % 6);
    case Kind::replay_projector:
      return projector_->replay();
    case Kind::resync:
      projector_->resync(RunOrdinal{run}, operation.b % 2 == 0 ? ResyncMode::full : ResyncMode::from_snapshot);
      return;
    case Kind::rebuild:
      projector_->rebuild(RunOrdinal{run});
      return;
    case Kind::kill_relay:
      return relays_->kill(relay);
    case Kind::drain_relay:
      return relays_->drain(relay);
    case Kind::restart_relay:
      return relays_->restart(relay);
    case Kind::stall_relay:
      return relays_->stall(relay, true);
    case Kind::unstall_relay:
      return relays_->stall(relay, false);
    case Kind::scale_relays:
      return relays_->scale(1 + operation.a % 4);
    case Kind::bus_fault: {
      HopFaults faults;
      const std::int64_t half = store::kEveryMessage / 2;
      std::int64_t* const shares[] = {&faults.refused_ppb, &faults.lost_ppb, &faults.ack_lost_ppb,
                                      &faults.duplicated_ppb, &faults.reordered_ppb};
      if (operation.b % 7 < 5) *shares[operation.b % 7] = half;
      faults.held = operation.b % 7 == 5;
      faults.down = operation.b % 7 == 6;
      operation.a % 3 == 2 ? bus_.set_faults(faults) : bus_.set_faults(operation.a % 3, faults);
      return;
    }
    case Kind::bus_well:
      operation.a % 3 == 2 ? bus_.set_faults({}) : bus_.set_faults(operation.a % 3, {});
      return;
    case Kind::redrive:
      relays_->redrive();
      bus_.redrive(operation.a % 2);
      return;
    case Kind::reopen_store:
      return reopen();
  }
}

std::optional<std::string> Readers::verdict() {
  bus_.set_faults({});
  for (std::uint32_t i = 0; i < 2; ++i) bus_.set_faults(i, {});
  for (std::uint32_t i = 0; i < relays_->relays(); ++i) relays_->restart(i), relays_->stall(i, false);
  for (std::uint32_t i = 0; i < projector_->replicas(); ++i) {
    projector_->restart(i);
    projector_->stall(i, false);
    projector_->pause(i, false);
  }
  timers_.run_for(minutes(2));
  relays_->redrive();
  for (std::uint32_t i = 0; i < 2; ++i) bus_.redrive(i);
  timers_.run();

  if (projector_->lag_events() != 0) return "the projector is behind for ever";
  if (projector_->gaps_confirmed() != 0) return "a gap where nothing was lost";
  const PlanRecord plan = test::make_plan(0, 4);
  store::db::SnapshotHasher hasher(test::kStart);
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    const auto log = test::events_of(store_, run);
    const auto snapshot = store_.snapshot(RunOrdinal{run});
    if (snapshot.has_value() == log.empty()) return "run " + std::to_string(run) + " has rows or a snapshot, not both";
    if (!snapshot) continue;
    if (snapshot->up_to_seq != log.back().run_seq) return "run " + std::to_string(run) + " is not projected to its end";
    const RunState rebuilt = projector_->rebuild(RunOrdinal{run});
    if (snapshot->state != rebuilt) return "run " + std::to_string(run) + " differs from its rebuild";
    if (snapshot->hash != hasher.hash(test::make_run(run).run_id, plan, rebuilt))
      return "run " + std::to_string(run) + " has another hash than its rebuild";
  }
  const std::uint64_t events = store_.counts().events;
  if (store_.counts().outbox_pending != 0 || bus_.open_deliveries() != 0) return "something is not delivered";
  if (store_.counts().dead_letters != 0) return "a dead letter was not driven again";
  for (std::uint32_t i = 0; i < 2; ++i) {
    for (std::uint64_t position = 1; position <= events; ++position) {
      const int effects = effects_[{i, position}];
      if (effects != 1)
        return "position " + std::to_string(position) + " had " + std::to_string(effects) + " effects on consumer " +
               std::to_string(i);
    }
  }
  return std::nullopt;
}

std::optional<std::string> run(const std::vector<Operation>& operations, Backend backend, bool defect = false) {
  const test::TemporaryFile file("reader_property");
  Readers readers(backend, defect, file.path());
  for (const Operation& operation : operations) readers.act(operation);
  return readers.verdict();
}

class ReadersRecover : public testing::TestWithParam<Backend> {};

TEST_P(ReadersRecover, FromAnySequenceOfFaults) {
  const std::uint64_t seeds = GetParam() == Backend::sqlite_file ? 25 : 60;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::vector<Operation> operations = random_operations(seed, 300);
    const auto wrong = run(operations, GetParam());
    if (!wrong) continue;
    const auto shortest =
        sim::ddmin(operations, [](const std::vector<Operation>& part) { return run(part, GetParam()).has_value(); });
    FAIL() << "seed " << seed << ": " << *wrong << "\nshrunk: " << *run(shortest, GetParam()) << "\n"
           << text_of(shortest);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ReadersRecover,
                         testing::Values(Backend::memory, Backend::sqlite_memory, Backend::sqlite_file));

TEST(Shrinking, FindsTheThreeAppendsThatAPlantedDefectNeeds) {
  // The store drops the snapshot of a run's third event: what fails is a run that ends there.
  std::vector<Operation> operations;
  for (std::uint64_t seed = 1; operations.empty(); ++seed) {
    ASSERT_LT(seed, 200U);
    auto candidate = random_operations(seed, 60);
    if (run(candidate, Backend::memory, true)) operations = std::move(candidate);
  }
  const auto shortest = sim::ddmin(
      operations, [](const std::vector<Operation>& part) { return run(part, Backend::memory, true).has_value(); });
  ASSERT_EQ(shortest.size(), 3U) << text_of(shortest);
  for (const Operation& operation : shortest) {
    EXPECT_EQ(operation.kind, Operation::Kind::append);
    EXPECT_EQ(operation.a % kRuns, shortest[0].a % kRuns);
  }
}

TEST(Shrinking, KeepsOrderAndLeavesNothingThatIsNotNeeded) {
  std::vector<int> numbers;
  for (int i = 0; i < 200; ++i) numbers.push_back(i);
  const auto fails = [](const std::vector<int>& part) {
    const auto seven = std::find(part.begin(), part.end(), 7);
    return seven != part.end() && std::find(seven, part.end(), 150) != part.end();
  };
  EXPECT_EQ(sim::ddmin(numbers, fails), (std::vector<int>{7, 150}));
}

}  // namespace
}  // namespace dvt
