// InvariantSuite: every rule of design §8 that facts can show, watched in one pass. Passive, like all listeners. A fact
// is passed only to the checkers that read it, which is decided when the suite is built.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/history/events.h"
#include "sim/check/invariant.h"

namespace dvt::sim {

/// Names of all invariants, in the order of the results: for `invariants.except`, for assertion paths, for help.
const std::vector<std::string>& invariant_names();

class InvariantSuite final : public Telemetry {
 public:
  /// Throws dvt::Error for an unknown name in `except`, with the nearest known one.
  explicit InvariantSuite(InvariantConfig config);
  ~InvariantSuite() override;
  InvariantSuite(const InvariantSuite&) = delete;
  InvariantSuite& operator=(const InvariantSuite&) = delete;

  /// A history was replayed after the fact; `mismatch` is empty when the commands agreed.
  void replay_checked(RunOrdinal run, std::string_view mismatch, Instant at);
  /// A history that closed, and is to be judged by the history checker.
  void history_closed(RunOrdinal run, const engine::History& history, Instant at);

  /// What is known until now; what only the end can show is not judged.
  std::vector<InvariantResult> so_far() const;
  /// Ends the observation; once. One result for each invariant that was not left out.
  std::vector<InvariantResult> finish(const EndOfRun& end);
  std::vector<InvariantResult> finish(Instant end) { return finish(EndOfRun{end, {}, false}); }

  /// Runs remembered, over all checkers: stays with the runs in flight.
  std::size_t runs_held() const;

  void run_accepted(const RunAccepted& fact) override;
  void decision_stored(const SignalDecision& decision, Instant at) override;
  void signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) override;
  void run_admitted(RunOrdinal run, Instant at) override;
  void signal_decided(const SignalFact& fact) override;
  void signal_applied(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;

  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void run_resumed(RunOrdinal run, Instant at) override;
  void activity_scheduled(const ActivityFact& fact) override;
  void activity_started(const ActivityFact& fact) override;
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) override;
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                      std::uint32_t max_attempts) override;
  void workflow_task_scheduled(const WorkflowTaskFact& fact) override;
  void workflow_task_started(const WorkflowTaskFact& fact) override;
  void workflow_task_completed(const WorkflowTaskFact& fact) override;
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override;
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override;
  void timer_fired(RunOrdinal run, Instant due, Instant at) override;

  void append_done(const AppendFact& fact) override;
  void spool_changed(const SpoolFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& snapshots, Instant at) override;
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override;
  void outbox_published(const StoredEvent& event, Instant at) override;
  void run_resynced(const ResyncFact& fact) override;
  void projector_laid_out(std::uint32_t partitions, Instant at) override;
  void outbox_released(std::uint64_t position, Instant at) override;
  void event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override;
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) override;

 private:
  friend const std::vector<std::string>& invariant_names();
  struct Checkers;
  InvariantConfig config_;
  std::unique_ptr<Checkers> checkers_;
};

}  // namespace dvt::sim
