// The operators' view of the runs: which are open, in what state, what they have in flight. Selections for signals are
// made on it. Unlike measuring listeners it may set things going (an operation that waits for a drain), so every world
// has one.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/scenario/workload.h"

namespace dvt::sim {

class RunBoard final : public Telemetry {
 public:
  struct Run {
    RunOrdinal run;
    PlanOrdinal plan;
    TenantOrdinal tenant;
    RunFilter status = RunFilter::pending;
    bool pause_accepted = false;
    std::vector<std::uint32_t> steps_in_flight{};  // activities of the steps whose attempt started
    std::uint32_t place = 0;                       // in its status list
  };

  /// Runs that a selection may take now, by ordinal. `plan_index`: place in workload.plans, or -1 for any.
  std::vector<RunOrdinal> matching(RunFilter status, std::int64_t plan_index, std::optional<std::int64_t> tenant) const;
  /// One of the open runs in `status` by a uniform word; none when there is no such run. O(1) without filters.
  std::optional<RunOrdinal> pick(RunFilter status, std::int64_t plan_index, std::optional<std::int64_t> tenant,
                                 std::uint64_t word) const;
  const Run* find(RunOrdinal run) const;
  std::size_t open() const { return runs_.size(); }

  /// Keep runs that have ended, for operations that select them; otherwise they are forgotten.
  void keep_ended() { keep_ended_ = true; }
  /// Runs with this ordinal or a later one are nobody's to select: probes.
  void hide_from(RunOrdinal first) { hidden_from_ = first; }
  /// Called when a run with an accepted PAUSE has no step in flight any more, or has ended.
  void on_drained(std::function<void(RunOrdinal)> callback) { drained_ = std::move(callback); }

  void run_accepted(const RunAccepted& fact) override;
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void run_resumed(RunOrdinal run, Instant at) override;
  void event_committed(const StoredEvent& event) override;
  void signal_decided(const SignalFact& fact) override;
  void activity_started(const ActivityFact& fact) override;
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) override;

 private:
  Run* get(RunOrdinal run);
  void move(Run& run, RunFilter status);
  std::vector<std::uint32_t>& list(RunFilter status) { return lists_[static_cast<std::size_t>(status)]; }
  static bool takes(const Run& run, std::int64_t plan_index, std::optional<std::int64_t> tenant);
  void check_drained(const Run& run);

  std::unordered_map<std::uint32_t, Run> runs_;  // looked up; lists_ give the order
  std::vector<std::uint32_t> lists_[8];          // by RunFilter: ordinals, in an order fixed by the facts
  std::function<void(RunOrdinal)> drained_;
  bool keep_ended_ = false;
  RunOrdinal hidden_from_{UINT32_MAX};
};

}  // namespace dvt::sim
