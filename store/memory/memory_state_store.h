// The StateStore in plain C++: no file, no SQL. It is the oracle that the SQLite store is compared with (every
// operation gives the same answer), and the fast store for month-long studies: a run that is released, projected and
// delivered is folded into counters and its events are freed, so memory stays flat.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/digest_index.h"
#include "engine/ports/state_store.h"
#include "store/db/ordinal_map.h"
#include "store/db/snapshot_hasher.h"

namespace dvt::store {

enum class Keep : std::uint8_t {
  open_runs,  // closed runs are folded and forgotten
  all,        // for tests, and to compare with SQLite after the fact
};

struct MemoryOptions {
  UnixNanos start;  // the scenario's start instant, for snapshot hashes
  Keep keep = Keep::open_runs;
};

class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(MemoryOptions options);

  void add_plan(const PlanRecord& plan) override;
  void add_tenant(const TenantRecord& tenant) override;
  void add_run(const RunRecord& run) override;
  /// Forgets the request of a folded run.
  std::optional<RunOrdinal> find_request(const Digest& request_key) override;

  /// A folded run is gone: unknown_run. Release a run only when nothing of it can come any more.
  Result<AppendReceipt, StoreError> append(const NewEvent& event, Instant persisted_at) override;
  Result<DecisionReceipt, StoreError> decide(const SignalDecision& decision) override;

  void fetch(RunOrdinal run, std::uint64_t after_seq, std::size_t limit, std::vector<StoredEvent>& out) override;
  /// Events of folded runs are left out.
  std::uint64_t read_partition(std::uint64_t after, std::uint32_t partition, std::uint32_t partitions,
                               std::size_t limit, std::vector<StoredEvent>& out) override;

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
  void flush() override {}
  StoreCounts counts() override;
  /// An estimate: what the held events and states take.
  std::uint64_t bytes() override;

  std::size_t held_runs() const { return run_index_.size(); }
  std::size_t held_events() const { return held_events_; }
  std::uint64_t folded_runs() const { return folded_runs_; }
  /// Folded runs by the status of their last snapshot.
  const std::map<RunStatus, std::uint64_t>& folded_by_status() const { return folded_by_status_; }

 private:
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  struct Decided {
    DecisionStatus status = DecisionStatus::accepted;
    std::string code;
  };
  struct Run {
    RunRecord record;
    std::vector<StoredEvent> events;           // run_seq = index + 1
    DigestIndex keys;                          // of `events`
    std::map<std::string, Decided> decisions;  // by tenant and signal id
    bool has_snapshot = false;
    std::uint64_t up_to_seq = 0;
    RunState state;
    std::size_t undelivered = 0;
    bool released = false;

    void clear();
  };
  /// A row that is settled (delivered or dead) has no run; a dead letter keeps a copy, and with it its run.
  struct Outbox {
    Run* run = nullptr;
    std::size_t index = 0;  // in run->events
    std::uint32_t attempts = 0;
    bool leased = false;  // and not given back, whether the lease has run out or not
    bool due = false;     // it stands in due_
    Instant time;         // leased: until; otherwise not before. Set only for rows that were claimed before
  };

  Run* find(RunOrdinal run);
  void fold_if_done(Run& run);
  void forget_request(const Run& run);
  /// Null when the position is settled.
  Outbox* outbox_row(std::uint64_t position);
  void wait_until(std::uint64_t position, Outbox& row, Instant time);
  /// The run whose row it was; null when the position was settled before.
  Run* settle(std::uint64_t position);
  bool was_folded(RunOrdinal run) const;
  void remember_folded(RunOrdinal run);

  MemoryOptions options_;
  db::SnapshotHasher hasher_;
  std::vector<PlanRecord> plans_;
  std::size_t tenants_ = 0;
  db::OrdinalMap run_index_;  // ordinal → slot
  std::deque<Run> runs_;      // slots: addresses stay
  std::vector<std::uint32_t> free_runs_;
  std::unordered_map<Digest, RunOrdinal, DigestHash> requests_;
  /// Keys of runs that were folded away, the oldest first. Bounded, so that months stay flat: eight minutes at 1,000
  /// runs a minute, two hours at 50,000 runs a day; clients repeat a request for a minute or so.
  static constexpr std::size_t kFoldedRequests = 4'096;
  std::deque<Digest> folded_requests_;
  /// Accepted for runs that were folded away (RETRY_RUN): by run, tenant and signal id.
  std::map<std::string, Decided> late_decisions_;
  static constexpr std::size_t kFoldedPage = 8'192;
  std::vector<std::vector<bool>> folded_;  // by ordinal, in pages: one bit a run

  /// The log by position, in pages; an entry of a folded run is null, and so is a full page of such entries. Pages, so
  /// that one run that stays open for weeks does not hold the log of those weeks.
  struct LogEntry {
    Run* run = nullptr;
    std::uint32_t index = 0;
    RunOrdinal ordinal;  // beside the pointer, so that a reader of one partition touches no run of another
  };
  static constexpr std::size_t kPage = 1024;
  struct LogPage {
    std::array<LogEntry, kPage> entries;
    std::size_t live = 0;
    std::size_t used = 0;
  };
  void log_event(Run& run, std::size_t index);
  void forget_event(std::uint64_t position);
  std::deque<std::unique_ptr<LogPage>> log_;
  std::uint64_t first_page_ = 0;  // of log_

  using Alarm = std::pair<Instant, std::uint64_t>;
  std::deque<Outbox> outbox_;                 // by position, from the oldest unsettled one on
  std::uint64_t outbox_first_ = 1;            // position of its front
  std::map<std::uint64_t, Outbox> dead_;      // in the dead letter queue
  std::map<std::uint64_t, Outbox> redriven_;  // back from it and not settled again
  std::uint64_t never_claimed_ = 1;           // positions from here on are due
  std::set<std::uint64_t> due_;               // below that: claimable again
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> waiting_;  // leased or backing off, or long settled
  std::uint64_t unsettled_ = 0;
  std::map<std::uint32_t, std::uint64_t> watermarks_;
  StoreCounts counts_;
  std::size_t held_events_ = 0;
  std::uint64_t folded_runs_ = 0;
  std::map<RunStatus, std::uint64_t> folded_by_status_;
};

}  // namespace dvt::store
