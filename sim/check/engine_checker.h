// EngineChecker: activities, workflow tasks, timers and replay (domain §2, §6; design §8). Keeps the open activities of
// each run in flight.
#pragma once

#include <vector>

#include "engine/history/events.h"
#include "sim/check/invariant.h"
#include "sim/check/log_checker.h"
#include "sim/check/run_pool.h"

namespace dvt::sim {

/// The activities and the workflow task of one run.
struct RunWork {
  enum class Phase : std::uint8_t { scheduled, started, ended, backoff };
  struct Activity {
    std::uint32_t activity = 0;
    std::uint32_t attempt = 1;
    Phase phase = Phase::scheduled;
    bool retry_told = false;  // before the attempt's close was
    Instant next_at;          // phase backoff: the next attempt may come from here on
  };
  std::vector<Activity> open;
  std::vector<std::uint8_t> worked;  // by step: its executeStep closed as completed
  std::uint32_t last_activity = 0;   // highest number scheduled
  std::uint32_t last_task = 0;       // highest workflow task scheduled
  std::uint32_t task = 0;            // the outstanding one; 0: none
  bool task_started = false;

  Activity* find(std::uint32_t activity);
  void erase(Activity* activity);
  void reset();
};

class EngineChecker final : public Checker {
 public:
  EngineChecker(const InvariantConfig& config, const LogChecker& log);
  std::size_t runs_held() const { return runs_.size(); }

  void replay_checked(RunOrdinal run, std::string_view mismatch, Instant at);
  void history_closed(RunOrdinal run, const engine::History& history, Instant at);

  void run_closed(const RunClosed& fact) override;
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
  void event_committed(const StoredEvent& event) override;
  std::vector<Invariant*> invariants() override;

 private:
  /// nullptr, and a violation, when the run has closed.
  RunWork* open(RunOrdinal run, Instant at, const char* what);
  void end_task(const WorkflowTaskFact& fact, bool needs_start, const char* what);

  const LogChecker& log_;
  RunPool<RunWork> runs_;

  Invariant retries_;
  Invariant one_attempt_;
  Invariant current_attempt_;
  Invariant never_again_;
  Invariant after_work_;
  Invariant closed_do_nothing_;
  Invariant one_task_;
  Invariant timers_;
  Invariant replay_;
  Invariant histories_;
};

}  // namespace dvt::sim
