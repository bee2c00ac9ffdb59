// The StateStore on a disk that fails (store/db/faulty_vfs.h): what is acknowledged stays, what is refused can be asked
// for again, and what does not come back as it was written is told and never handed out.
#include <algorithm>

#include "store/db/faulty_vfs.h"
#include "store/sqlite/audit.h"
#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

using store::Commit;
using store::SqliteStateStore;
using store::db::DiskFault;
using store::db::FaultyDisk;
using test::numbered_event;

struct Told final : store::StoreObserver {
  std::vector<std::string> corruption;
  std::vector<std::uint64_t> recovered;
  void corruption_found(std::string_view what) override { corruption.emplace_back(what); }
  void event_recovered(const StoredEvent& event) override { recovered.push_back(event.position); }
};

class FailingDisk : public testing::Test {
 protected:
  explicit FailingDisk(bool checksums = true) : disk(FaultyDisk::Medium::scratch, checksums) {
    store::SqliteOptions options = test::sqlite_options(file.path(), Commit::per_append);
    options.vfs = disk.vfs();
    store = std::make_unique<SqliteStateStore>(options);
    store->set_observer(&told);
    test::describe_world(*store, kRuns);
  }

  Result<AppendReceipt, StoreError> append(std::uint32_t number) {
    NewEvent event = numbered_event(number % kRuns, number);
    event.payload = std::make_shared<const std::string>(200, 'p');
    return store->append(event, Instant{number});
  }
  /// Events `from` to `to` - 1 are acknowledged as new.
  void append_all(std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) {
      const auto receipt = append(i);
      ASSERT_TRUE(receipt) << i;
      EXPECT_FALSE(receipt.value().idempotent) << i;
    }
  }
  void expect_exactly(std::uint32_t events) {
    std::vector<StoredEvent> log;
    ASSERT_EQ(store->read_partition(0, 0, 1, 1'000'000, log), events);
    ASSERT_EQ(log.size(), events);
    for (std::uint32_t i = 0; i < events; ++i)
      EXPECT_EQ(log[i].idempotency_key, numbered_event(i % kRuns, i).idempotency_key) << i;
    store->flush();
    EXPECT_TRUE(store::audit(store->database()).empty());
  }
  void crash(const std::function<std::uint64_t()>& draw = {}) {
    disk.power_off();
    store->crash();
    disk.lose_unsynced(draw);
    disk.power_on();
  }

  static constexpr std::uint32_t kRuns = 4;
  test::TemporaryFile file{"faulty"};
  FaultyDisk disk;
  Told told;
  std::unique_ptr<SqliteStateStore> store;
};

struct Refusal {
  const char* name;
  DiskFault fault;
  StoreError error;
};

class Refusing : public FailingDisk, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusing, AppendsFailWhileItLastsAndAreStoredOnceAfterwards) {
  append_all(0, 20);
  disk.begin(GetParam().fault);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto refused = append(20);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), GetParam().error);
  }
  EXPECT_GE(disk.struck(GetParam().fault), 3U);
  EXPECT_EQ(store->counts().events, 20U);
  disk.end(GetParam().fault);
  append_all(20, 40);
  expect_exactly(40);
  EXPECT_TRUE(told.corruption.empty());
}

TEST_P(Refusing, ACrashAmidItLosesNothingAcknowledged) {
  append_all(0, 20);
  disk.begin(GetParam().fault);
  ASSERT_FALSE(append(20));
  std::uint64_t word = 7;
  crash([&word] { return word = word * 6364136223846793005 + 1442695040888963407, word >> 33; });
  disk.end(GetParam().fault);
  ASSERT_TRUE(store->reopen());
  // The refused event may have reached the medium all the same: then asking again finds it.
  const auto again = append(20);
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().position, 21U);
  EXPECT_EQ(again.value().idempotent, told.recovered == std::vector<std::uint64_t>{21});
  append_all(21, 30);
  expect_exactly(30);
}

INSTANTIATE_TEST_SUITE_P(Disks, Refusing,
                         testing::Values(Refusal{"full", DiskFault::full, StoreError::disk_full},
                                         Refusal{"write_error", DiskFault::write_error, StoreError::io_error},
                                         Refusal{"short_write", DiskFault::short_write, StoreError::io_error},
                                         Refusal{"sync_error", DiskFault::sync_error, StoreError::io_error}),
                         [](const auto& refusal) { return refusal.param.name; });

TEST_F(FailingDisk, AFailedSyncMayLeaveTheEventAndItsRepetitionFindsIt) {
  append_all(0, 20);
  disk.begin(DiskFault::sync_error);
  ASSERT_FALSE(append(20));
  disk.end(DiskFault::sync_error);
  crash([] { return std::uint64_t{1}; });  // everything unsynced reached the medium
  ASSERT_TRUE(store->reopen());
  EXPECT_EQ(told.recovered, std::vector<std::uint64_t>{21});
  const auto again = append(20);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again.value().idempotent);
  EXPECT_EQ(again.value().position, 21U);
  append_all(21, 25);
  expect_exactly(25);
}

TEST_F(FailingDisk, ACrashOfTheHostLosesNothingThatWasAcknowledgedWhateverReachedTheMedium) {
  std::uint32_t events = 0;
  std::uint64_t word = 1, losses = 0;
  for (int round = 0; round < 60; ++round) {
    append_all(events, events + 11);
    events += 11;
    if (round % 3 == 0) disk.begin(DiskFault::sync_error, {static_cast<std::uint64_t>(round % 5), 1});
    const auto uncertain = append(events);
    disk.end(DiskFault::sync_error);
    losses += disk.unsynced_writes();
    crash([&word] { return word = word * 6364136223846793005 + 1442695040888963407, word >> 33; });
    ASSERT_TRUE(store->reopen());
    ASSERT_TRUE(append(events)) << round;  // stored, recovered or new
    ++events;
    (void)uncertain;
  }
  EXPECT_GT(losses, 20U) << "nothing was ever unsynced";
  expect_exactly(events);
  EXPECT_TRUE(told.corruption.empty());
}

class LyingDisk : public FailingDisk, public testing::WithParamInterface<DiskFault> {};

TEST_P(LyingDisk, AMissingAcknowledgedEventIsFoundAndNothingIsServed) {
  append_all(0, 20);
  disk.begin(GetParam());
  append_all(20, 23);
  crash();
  EXPECT_FALSE(store->reopen());
  ASSERT_FALSE(told.corruption.empty());
  EXPECT_EQ(told.corruption[0].find("events up to 23 were acknowledged"), 0U) << told.corruption[0];
  const auto refused = append(23);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), StoreError::corrupt);
  std::vector<StoredEvent> log;
  EXPECT_THROW(store->fetch(RunOrdinal{0}, 0, 10, log), StoreFailure);
  EXPECT_TRUE(log.empty());
}

INSTANTIATE_TEST_SUITE_P(Syncs, LyingDisk, testing::Values(DiskFault::lost_sync, DiskFault::delayed_sync));

TEST_F(FailingDisk, AnUnreadableMediumIsNoAnswerAndNoLoss) {
  append_all(0, 200);
  store->drop_caches();
  disk.begin(DiskFault::read_error);
  std::vector<StoredEvent> log;
  EXPECT_THROW(store->fetch(RunOrdinal{0}, 0, 10, log), StoreFailure);
  EXPECT_THROW(store->read_partition(0, 0, 1, 10, log), StoreFailure);
  EXPECT_THROW((void)store->find_request(test::make_run(0).request_key), StoreFailure);
  std::vector<OutboxRow> claimed;
  EXPECT_THROW(store->claim_outbox(0, Instant{}, Instant{5}, 10, claimed), StoreFailure);
  EXPECT_TRUE(claimed.empty());
  EXPECT_FALSE(append(0)) << "a duplicate cannot be told from a new event";
  disk.end(DiskFault::read_error);
  store->claim_outbox(1, Instant{}, Instant{5}, 10, claimed);  // the failed claim holds no lease
  ASSERT_EQ(claimed.size(), 10U);
  EXPECT_EQ(claimed[0].position, 1U);
  EXPECT_TRUE(append(0).value().idempotent);
  expect_exactly(200);
}

TEST_F(FailingDisk, AnAlteredBlockIsToldAndNeverServed) {
  append_all(0, 200);
  store->drop_caches();
  disk.begin(DiskFault::altered_read);
  std::vector<StoredEvent> log;
  EXPECT_THROW(store->fetch(RunOrdinal{0}, 0, 10, log), StoreFailure);
  EXPECT_EQ(append(200).error(), StoreError::corrupt);
  EXPECT_EQ(told.corruption.size(), 2U);
  disk.end(DiskFault::altered_read);
  append_all(200, 210);
  expect_exactly(210);
}

class WithoutChecksums : public FailingDisk {
 protected:
  WithoutChecksums() : FailingDisk(false) {}
};

TEST_F(WithoutChecksums, ARowThatChangedIsStillFoundByItsHash) {
  append_all(0, 2'000);
  store->flush();
  std::uint32_t found = 0, served = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    store->drop_caches();
    disk.seed(seed);
    disk.begin(DiskFault::altered_read, {4 + seed, 1});  // one bit of one block, most of which hold events
    std::vector<StoredEvent> log;
    try {
      store->read_partition(0, 0, 1, 1'000'000, log);
      ++served;
      ASSERT_EQ(log.size(), 2'000U);
      for (std::uint32_t i = 0; i < log.size(); ++i) {
        NewEvent asked = numbered_event(i % kRuns, i);
        EXPECT_EQ(log[i].idempotency_key, asked.idempotency_key);
        EXPECT_EQ(*log[i].payload, std::string(200, 'p'));
      }
    } catch (const StoreFailure& failure) {
      EXPECT_EQ(failure.store_error(), StoreError::corrupt) << failure.what();
      ++found;
    }
    disk.end(DiskFault::altered_read);
    EXPECT_EQ(told.corruption.size(), found);
  }
  EXPECT_GT(found, 10U) << served;
  store->drop_caches();
  expect_exactly(2'000);
}

}  // namespace
}  // namespace dvt
