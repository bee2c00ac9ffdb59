// The StateStore over SQLite (design §5). Real rows, real transactions, real constraints.
//
// commit: batched. Appends are acknowledged from RAM; about `rows_per_commit` of them go into one physical commit.
// Every read sees what is pending, so nobody can tell; a killed process leaves a prefix of the event order in the file.
// commit: per_append. Each append and each decision is on the medium before it is acknowledged. Leases, delivery marks,
// snapshots and watermarks ride along with the next of them: losing the newest ones costs duplicates and re-projection,
// never data.
// The log is synced with each commit then (synchronous FULL), so that a crash of the host takes nothing either.
// A failed commit (full disk, I/O error) leaves database and RAM as before it: what was acknowledged stays pending and
// is tried again with the next commit, what was not acknowledged is forgotten.
// Rows that come from the database are checked against the hash chain, snapshots against their hash, and a reopened
// file against what was acknowledged: what does not match is told to the observer and answered StoreError::corrupt.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/ports/run_archive.h"
#include "engine/ports/state_store.h"
#include "store/db/database.h"
#include "store/db/snapshot_hasher.h"
#include "store/sqlite/event_ring.h"
#include "store/sqlite/outbox_book.h"
#include "store/sqlite/pending_rows.h"
#include "store/sqlite/run_table.h"

namespace dvt::store {

enum class Commit : std::uint8_t { batched, per_append };

/// What befalls the store by itself. Not called for what a caller is told anyway.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  /// Something was found that does not match its hash, its checksum or what was acknowledged. It was not handed out.
  virtual void corruption_found(std::string_view what) = 0;
  /// … and it was the newest snapshot of a run. Told besides.
  virtual void snapshot_unverified(RunOrdinal /*run*/) {}
  /// A reopened file holds an event whose append had failed, or was not answered.
  virtual void event_recovered(const StoredEvent& event) = 0;
};

struct SqliteOptions {
  std::string path = ":memory:";  // or a file, opened if it is a store already, created otherwise
  UnixNanos start = {};           // the scenario's start instant, for texts of times and for snapshot hashes
  Commit commit = Commit::batched;
  std::uint32_t rows_per_commit = 10'000;
  std::string vfs = {};  // name of a registered SQLite VFS; empty: the default
};

/// The database beside a store's file into which closed runs are archived.
inline std::string archive_path(const std::string& store) {
  return store + "-archive";
}

class SqliteStateStore final : public StateStore, public RunArchive {
 public:
  /// Throws dvt::Error when the file cannot be opened, is not a store, or is another scenario's.
  explicit SqliteStateStore(SqliteOptions options);
  /// Flushes what is pending; a failure to do so is swallowed: call flush() to know.
  ~SqliteStateStore() override;

  void add_plan(const PlanRecord& plan) override;
  void add_tenant(const TenantRecord& tenant) override;
  void add_run(const RunRecord& run) override;
  std::optional<RunOrdinal> find_request(const Digest& request_key) override;

  Result<AppendReceipt, StoreError> append(const NewEvent& event, Instant persisted_at) override;
  Result<DecisionReceipt, StoreError> decide(const SignalDecision& decision) override;

  void fetch(RunOrdinal run, std::uint64_t after_seq, std::size_t limit, std::vector<StoredEvent>& out) override;
  std::uint64_t read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                               std::size_t limit, std::vector<StoredEvent>& out) override;

  /// Each write is an immutable snapshot row; of several for one run in one physical commit only the newest is stored,
  /// since nobody could ever read the others back.
  void write_snapshots(std::uint32_t partition, std::uint64_t watermark, std::span<const SnapshotWrite> snapshots,
                       Instant committed_at) override;
  std::optional<StoredSnapshot> snapshot(RunOrdinal run) override;
  std::uint64_t watermark(std::uint32_t partition) override;

  void claim_outbox(std::uint32_t relay, Instant now, Instant lease_until, std::size_t limit,
                    std::vector<OutboxRow>& out) override;
  void mark_delivered(std::span<const std::uint64_t> positions, Instant now) override;
  void retry_outbox(std::uint64_t position, Instant not_before) override;
  void dead_letter(std::uint64_t position, Instant now) override;
  void redrive_dead_letters(Instant now, std::vector<StoredEvent>& out) override;

  void release_run(RunOrdinal run) override;
  /// Throws StoreFailure when the medium refuses; everything stays pending then.
  void flush() override;
  /// `duplicates` counts since the store was opened; the rest is what the store holds.
  StoreCounts counts() override;
  std::uint64_t bytes() override;

  Result<ArchiveCounts, StoreError> archive(std::span<const RunOrdinal> runs, Instant now,
                                            std::vector<RunOrdinal>& moved) override;
  void fetch_archived(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                      std::vector<StoredEvent>& out) override;
  std::optional<StoredSnapshot> archived_snapshot(RunOrdinal run) override;
  ArchiveCounts archived() const override { return archived_; }

  /// Flushes, then copies the database to `path`, and its archive, if there is one, beside it (how an in-memory store
  /// is kept in an output directory).
  void backup_to(const std::string& path);
  /// For further tables beside the store's, for audits and for tests. Flush before reading rows through it.
  db::Database& database() { return db_; }
  /// Of the database's file as it is, without writing what is pending and without its log and its archive. Throws
  /// StoreFailure.
  std::uint64_t file_bytes();
  std::size_t open_runs() const { return runs_.size(); }

  /// Not owned; null: nobody.
  void set_observer(StoreObserver* observer) { observer_ = observer; }
  /// The store's host dies, with commit: per_append: the file is let go as it is. What the store keeps in memory of
  /// acknowledged events is forgotten and read back from the file; what its clients would ask for again (runs
  /// without an event, leases, delivery marks, snapshots that were not written) is kept for them.
  void crash();
  /// Opens the file again, which SQLite recovers, and compares it with what was acknowledged; every later operation
  /// tries it as well. False: the medium refuses, or acknowledged events are gone; the store answers nothing then.
  bool reopen();
  /// From here on rows are read from the medium again.
  void drop_caches();
  /// While on, a bit of each snapshot is flipped before it is compared with its hash, as bad memory or a process gone
  /// astray would: it is found and not handed out. The rows themselves stay sound.
  void alter_snapshots(bool on) { altered_snapshots_ = on; }

 private:
  struct Statements;
  struct DeadLetter {
    std::uint64_t position;
    std::uint32_t attempts;
    Instant at;
  };
  struct Watermark {
    std::uint64_t position = 0;
    Instant at;
    bool touched = false;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  /// Opens a store that is down; tells the observer of what is corrupt.
  template <class Work>
  auto guarded(Work&& work) {
    try {
      if (down_) recover();
      return work();
    } catch (const StoreFailure& failure) {
      tell(failure);
      throw;
    }
  }
  void recover();
  void take_over(std::uint64_t last);
  [[noreturn]] void corrupt(const std::string& what);
  [[noreturn]] void corrupt_snapshot(RunOrdinal run);
  void tell(const StoreFailure& failure);
  /// The row that the statement stands on, with the columns of Statements::verified. Throws StoreFailure.
  StoredEvent verified(const db::Statement& row);
  void fetch_checked(RunOrdinal run, std::uint64_t after_seq, std::size_t limit, std::vector<StoredEvent>& out);
  std::uint64_t read_checked(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions, std::size_t limit,
                             std::vector<StoredEvent>& out);
  std::optional<StoredSnapshot> snapshot_checked(RunOrdinal run);
  /// The snapshot that the statement stands on, with the columns of Statements::select_snapshot.
  StoredSnapshot verified_snapshot(const db::Statement& row, RunOrdinal run);
  void claim_checked(std::uint32_t relay, Instant now, Instant lease_until, std::size_t limit,
                     std::vector<OutboxRow>& out);
  // sqlite_archive.cpp
  ArchiveCounts archive_checked(std::span<const RunOrdinal> runs, Instant now, std::vector<RunOrdinal>& moved);
  bool settled(RunOrdinal run);
  void attach_archive();
  void copy_to_archive();
  ArchiveCounts compare_with_archive();
  void remove_archived(Instant now);
  void load_archived();
  std::uint64_t last_position();
  /// Of a position up to last_position(), in the store or archived.
  Digest hash_of(std::uint64_t position);

  void prepare();
  void load();
  void load_catalogue();
  void load_outbox();
  const PlanRecord& plan_of(const RunRecord& run) const;
  /// The run's slot, opened from the database where need be; kNone for an unknown run.
  std::uint32_t slot_of(RunOrdinal run);
  void load_keys(RunSlot& slot);
  std::optional<AppendReceipt> find_stored(RunOrdinal run, const Digest& key);
  Result<AppendReceipt, StoreError> append_checked(const NewEvent& event, Instant persisted_at);
  Result<DecisionReceipt, StoreError> decide_checked(const SignalDecision& decision);
  StoredEvent event_at(std::uint64_t position);
  void release_slot(std::uint32_t slot);
  bool all_written(const RunSlot& slot) const;
  /// Commits when the batch is full; true if it did (slots of released runs are closed then).
  bool make_room();
  /// An event that a decision allows, together with the decision: false when the two cannot be kept.
  Result<std::optional<AppendReceipt>, StoreError> add_decision(const SignalDecision& decision);

  // sqlite_flush.cpp: one physical commit of all that is pending, with events up to `last`.
  void commit(std::uint64_t last);
  void write_catalogue();
  void write_events(std::uint64_t last);
  void write_runs(std::uint64_t last);
  void write_outbox();
  void write_decisions();
  void write_snapshot_rows();
  void after_commit(std::uint64_t last);

  SqliteOptions options_;
  EventRing ring_;
  PendingRows batch_{ring_};  // before db_: the connection refers to it
  db::Database db_;
  std::unique_ptr<Statements> sql_;
  db::SnapshotHasher hasher_;

  std::vector<PlanRecord> plans_;      // by ordinal
  std::vector<TenantRecord> tenants_;  // by ordinal
  std::size_t plans_written_ = 0;
  std::size_t tenants_written_ = 0;

  RunTable runs_;
  std::vector<std::uint32_t> released_;                          // slots to close once written
  std::unordered_map<Digest, RunOrdinal, DigestHash> requests_;  // of runs whose row is not written yet
  std::uint32_t next_new_run_ = 0;                               // ordinals from here on are not in the database

  std::uint64_t flushed_ = 0;  // newest position in the database
  Digest chain_{};             // its row hash
  OutboxBook outbox_;
  std::vector<DeadLetter> dead_letters_;
  std::vector<std::uint64_t> redriven_;    // positions whose dead_letter rows go with the next commit
  std::vector<SignalDecision> decisions_;  // pending; a later one of the same key replaces the earlier one
  bool decision_rows_ = false;             // the database holds some
  bool together_ = false;                  // an event is being added with its decision: no commit in between
  std::unordered_map<std::string, std::size_t> decision_index_;  // into decisions_
  std::vector<std::uint32_t> snapshots_;                         // slots with a pending snapshot
  std::map<std::uint32_t, Watermark> watermarks_;
  bool watermarks_touched_ = false;
  std::uint64_t outbox_rows_from_ = 1;  // no outbox row in the database has a lower position
  StoreCounts counts_;
  Sha256 sha_;
  StoreObserver* observer_ = nullptr;
  bool archive_attached_ = false;
  ArchiveCounts archived_;
  bool altered_snapshots_ = false;
  bool down_ = false;  // after crash(), until the file could be opened
  bool lost_ = false;  // acknowledged events are gone: nothing is answered any more
  std::string key_scratch_;
  std::string blob_scratch_;
};

}  // namespace dvt::store
