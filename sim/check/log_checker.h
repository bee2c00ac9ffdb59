// LogChecker: the log and the read model made from it (domain §2 to §4). Keeps every run in flight as the facts told it
// and holds store, producer and projector against that.
#pragma once

#include <deque>
#include <vector>

#include "sim/check/invariant.h"
#include "sim/check/run_log.h"
#include "sim/check/run_pool.h"

namespace dvt::sim {

class LogChecker final : public Checker {
 public:
  explicit LogChecker(const InvariantConfig& config);

  /// The run as the log has it; nullptr when it has no rows yet or is gone.
  const RunLog* find(RunOrdinal run) const { return runs_.find(run); }
  std::size_t runs_held() const { return runs_.size(); }

  void run_accepted(const RunAccepted& fact) override;
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) override;
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                      std::uint32_t max_attempts) override;
  void append_done(const AppendFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& snapshots, Instant at) override;
  void run_resynced(const ResyncFact& fact) override;
  void projector_laid_out(std::uint32_t partitions, Instant at) override;
  void finish(const EndOfRun& end) override;
  std::vector<Invariant*> invariants() override;

 private:
  void check_receipt(const AppendFact& fact, const RunLog* log);
  void check_transition(const StoredEvent& event, RunLog& log, RunStatus before);
  void check_engine_agrees(const RunClosed& fact, const RunLog& log);
  void cover(const StoredEvent& event, Instant at);
  void check_snapshot(const SnapshotFact& snapshot, Instant at);
  void check_watermark(std::uint32_t partition, std::uint64_t watermark, Instant at);
  void fold_next(RunLog& log);
  void forget_closed(Instant now);

  struct Closed {
    RunOrdinal run;
    Instant at;
  };

  const InvariantConfig& config_;
  RunPool<RunLog> runs_;
  std::deque<Closed> closed_;  // remembered for a while, oldest first
  std::uint64_t last_position_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t covered_ = 0;       // of the committed ones, by the projector
  std::uint64_t out_of_sight_ = 0;  // committed for a run that is gone
  Instant last_close_at_;
  /// What a partition's watermark has not passed, in commit order; empty until the projector was laid out.
  struct Ahead {
    std::uint64_t position;
    RunOrdinal run;
    std::uint64_t run_seq;
  };
  struct Partition {
    std::uint64_t watermark = 0;
    std::deque<Ahead> ahead;
  };
  std::vector<Partition> partitions_;

  Invariant commit_order_;
  Invariant run_seq_;
  Invariant one_row_per_key_;
  Invariant idempotent_;
  Invariant acknowledged_;
  Invariant transitions_;
  Invariant terminal_;
  Invariant never_skips_;
  Invariant equals_fold_;
  Invariant watermark_;
  Invariant resync_;
  Invariant shows_pause_;
  Invariant engine_agrees_;
  Invariant ended_close_;
  Invariant close_once_;
};

}  // namespace dvt::sim
