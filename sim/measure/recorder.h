// Measure: the listener that turns the facts of a run into live metrics and into the plain values that objectives are
// judged on. One pass, no clock of its own, no draws; memory follows what is in flight, not the length of the run.
// Definitions: domain §7, §12, §13; readings made here are listed in the folder's README.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/measure/counts.h"
#include "sim/measure/event_window.h"
#include "sim/measure/fault_log.h"
#include "sim/measure/lag.h"
#include "sim/measure/metric_set.h"
#include "sim/measure/minutes.h"
#include "sim/measure/observations.h"
#include "sim/measure/pause_log.h"
#include "sim/measure/results.h"
#include "sim/measure/run_table.h"
#include "sim/measure/series.h"
#include "sim/measure/use_ledger.h"

namespace dvt::sim {

/// Domain §13.
struct ObjectiveThresholds {
  Duration plan_persisted = milliseconds(300);
  Duration ui_refresh = seconds(1);
  Duration pause = seconds(1);  // Conductor: 5 s (domain §10)
  Duration write = milliseconds(10);
  Duration outbox = seconds(5);
  Duration completion = seconds(5);
};

struct MeasureConfig {
  /// Where a step belongs: indices into `queues` and `step_classes`.
  struct StepNote {
    std::uint32_t queue = 0;
    std::uint32_t step_class = 0;
  };
  struct Plan {
    std::string plan_id;
    std::string plan_version;
    std::vector<std::string> step_ids;  // by StepIndex; read only when step_labels is on
    std::vector<StepNote> steps;        // by StepIndex; empty: not known
  };
  /// A kind and size of steps, with the document's p99 (SLOs §2); zero: it has none.
  struct StepClass {
    std::string kind;
    std::string size;
    Duration threshold;
  };
  struct Queue {
    std::string domain;  // the queue's name, e.g. tq-data
    std::uint32_t workers = 0;
  };
  UnixNanos start;     // the scenario's start: gauges that show UNIX time need it
  Instant warmup_end;  // observations that start before it do not count
  Duration sample_interval = seconds(15);
  Duration keep_samples = hours(1);     // how far back alert rules can look; at least the longest window
  std::vector<std::string> far_series;  // these are kept for `keep_far`
  Duration keep_far;
  std::string adapter = "temporal";
  std::string environment_id = "prod";
  std::vector<Plan> plans;           // by PlanOrdinal; the probes' is not among them
  std::vector<std::string> tenants;  // by TenantOrdinal; nor the probes'
  std::vector<StepClass> step_classes;
  std::uint32_t control_queue = 0;  // of control activities, into `queues`
  /// Runs with this ordinal or a later one are synthetic no-op runs: they are told by availability and counts.probes_*
  /// alone, and by what the store, its readers and the fingerprint do with their events.
  RunOrdinal first_probe{UINT32_MAX};
  std::string_view probe_route;  // of their requests
  UsePrices prices;
  std::vector<Queue> queues;               // by the facts' queue index; all workers are up at t0
  std::vector<std::string> subscriptions;  // by the facts' subscription index; `ui` is the UI's push
  std::uint32_t warehouses = 0;
  std::vector<FaultInfo> faults;  // in the scenario's order
  Duration drain_timeout;         // 0: none
  Standing standing = Standing::lets_its_queue_start;
  bool hold_failed_steps = false;  // a failed step waits for an operator (interpreter.onStepFailure: hold)
  bool step_labels = false;
  std::size_t series_budget = 2'000;
  ObjectiveThresholds thresholds;
};

class Measure final : public Telemetry, private PauseListener {
 public:
  explicit Measure(MeasureConfig config);
  ~Measure() override;

  // --- The run's surroundings, told by whoever drives it ---------------------------------------------------------
  /// Copies every metric into the series. Call on the sampling grid, from t0 on, after the instant's last event, and
  /// once more at the end instant when that is not on the grid.
  void sample(Instant at);
  /// What has been measured up to `now`, for assertions that may abort a run: nothing that is open is judged yet, and
  /// stuck runs are not looked for.
  Measurements so_far(Instant now);
  /// Everything measured, what is still open included. The facts must be over; `end` >= the last fact; once.
  Measurements finish(Instant end);

  /// Flags of every minute that has ended by `now`: for the budget policy, which acts on the run. Facts before `now`
  /// only.
  const std::vector<std::uint8_t>& minutes_until(Instant now) {
    minutes_.advance(now);
    return minutes_.ended();
  }

  SeriesStore& series() { return series_; }
  const SeriesStore& series() const { return series_; }
  MetricSet& metrics() { return metrics_; }
  /// Every name of counts() but the open set rejected.<CODE>, sorted.
  static std::vector<std::string> count_names();
  Counts& counts() { return counts_; }
  const MeasureConfig& config() const { return config_; }
  /// Runs requested and neither closed nor rejected.
  std::size_t open_runs() const { return runs_.in_flight(); }
  /// Pages of the run index and of the event window in use: both stay small however long the run.
  std::size_t pages() const { return runs_.pages() + events_.pages(); }

  // --- Telemetry --------------------------------------------------------------------------------------------------
  void api_request(std::string_view route, int http_code, std::string_view error, Duration took, Instant at) override;
  void run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) override;
  void run_accepted(const RunAccepted& fact) override;
  void run_rejected(RunOrdinal run, std::string_view code, Instant at) override;
  void signal_decided(const SignalFact& fact) override;
  void signal_repeated(const SignalFact& fact) override;
  void signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) override;
  void decision_stored(const SignalDecision& decision, Instant at) override;
  void alert_escalated(RunOrdinal run, std::string_view level, Instant at) override;
  void run_request_retried(RunOrdinal run, std::uint32_t attempt, Instant at) override;
  void run_request_given_up(RunOrdinal run, std::string_view code, Instant at) override;
  void run_admitted(RunOrdinal run, Instant at) override;
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
  void workflow_task_completed(const WorkflowTaskFact& fact) override;
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override;
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override;
  void timer_fired(RunOrdinal run, Instant due, Instant at) override;
  void child_started(const ChildFact& fact) override;
  void child_closed(const ChildFact& fact, ChildEnd end) override;
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) override;
  void adapter_rpc(std::string_view method, std::string_view status, Duration took, Instant at) override;
  void adapter_heartbeat(Instant at) override;
  void completion_refused(RunOrdinal run, std::uint32_t attempt, Instant at) override;
  void notice(const NoticeFact& fact) override;

  void warehouse_done(const WarehouseFact& fact) override;
  void warehouse_level(std::uint32_t warehouse, std::uint32_t running, std::uint32_t queued, Instant at) override;

  void append_done(const AppendFact& fact) override;
  void spool_changed(const SpoolFact& fact) override;
  void stale_read(const StaleReadFact& fact) override;
  void snapshot_unverified(RunOrdinal run, Instant at) override;
  void disk_free(std::int64_t ppb, Instant at) override;
  void event_committed(const StoredEvent& event) override;
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& snapshots, Instant at) override;
  void gap_suspected(RunOrdinal run, Instant at) override;
  void gap_confirmed(RunOrdinal run, Instant at) override;
  void outbox_published(const StoredEvent& event, Instant at) override;
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override;
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override;
  void run_resynced(const ResyncFact& fact) override;

  void fault_injected(std::string_view name, Instant at) override;
  void fault_healed(std::string_view name, Instant at) override;
  void fault_struck(std::string_view name, Instant at) override;

 private:
  struct Handles;  // cached metric handles (recorder_handles.h)
  struct Tallies;  // cached counters of counts_ (recorder_handles.h)

  void pause_ended(const PauseRecord& pause) override;

  bool is_probe(RunOrdinal run) const { return run >= config_.first_probe; }
  void count_minutes_until(Instant now);
  void probe_started(RunOrdinal run, Instant at);
  /// A run ended after warm-up: the five-minute windows of the error rate.
  void count_terminal(bool engine_error, Instant at);
  void close_error_window();
  bool counts_from(Instant start) const { return start >= config_.warmup_end; }
  ThroughputDay* day_of(Instant at);
  /// The run's slot for a fact at `at`, nullptr when it is not in flight. Attempts that ended and turned out not to be
  /// retried are dropped first, as of when they ended; `retried` is the activity that is being retried now.
  RunSlot* slot_for(RunOrdinal run, std::uint32_t retried = UINT32_MAX) {
    RunSlot* slot = runs_.find(run);
    if (slot != nullptr && slot->ended > 0) drop_ended(*slot, retried);
    return slot;
  }
  void drop_ended(RunSlot& run, std::uint32_t retried);
  void note_slot_time(const RunSlot* slot, const ActivityFact& fact);
  void note_step_class(const ActivityFact& fact);
  void note_event_bytes(const StoredEvent& event);
  UseLedger::Owner owner_of(RunOrdinal run);
  void step_closed(RunSlot& run, const ActivityFact& fact, ActivityOutcome outcome);
  /// Adds what is open to the run's excused time, up to `end`.
  static void excuse_open(RunSlot& run, Instant end);
  void measure_completion(RunSlot& run, const RunClosed& fact);
  Measurements collect(Instant now);
  void close_at_end(RunSlot& run, Instant end);
  void close_events_at_end(Instant end);
  static void note_held_step(RunSlot& run, const StoredEvent& event);
  bool is_stuck(const RunSlot& run, Instant end) const;
  std::uint32_t warehouse_queue() const;
  void lag_changed(Instant at);
  bool delivery_is_fresh(Instant at);
  /// The subscription will not get the event in time; false when it had it.
  bool missed(std::uint32_t subscription, const StoredEvent& event, Instant at);
  /// Tells the fault log of every condition that holds now and that some fault waits for.
  void check_levels(Instant at);

  MeasureConfig config_;
  SeriesStore series_;
  MetricSet metrics_;
  Counts counts_;
  std::unique_ptr<Handles> handles_;
  std::unique_ptr<Tallies> tally_;

  RunTable runs_;
  EventWindow events_;
  LagTracker lag_;
  PauseLog pauses_;
  FaultLog faults_;

  Observations plan_persisted_;
  Observations ui_refresh_;
  Observations ui_push_;
  Observations write_;
  Observations duplicate_write_;
  Observations outbox_;
  std::vector<Observations> outbox_by_subscription_;
  Observations completion_;
  Observations admission_wait_;

  RunCounts run_counts_;
  StoreResult store_;
  std::set<Digest> spooled_;  // keys of events in the workers' spools
  TerminalCounts terminal_;
  GapSummary gaps_;
  std::vector<ThroughputDay> days_;
  std::uint64_t rejected_apart_ = 0;
  std::int64_t in_flight_ = 0;
  std::vector<std::vector<bool>> worker_up_;     // by queue, worker
  std::vector<std::uint32_t> workers_down_;      // by queue
  std::vector<std::uint32_t> warehouse_queued_;  // by warehouse
  std::uint32_t ui_subscription_ = UINT32_MAX;
  Duration lag_bad_shown_;
  MinuteJudge minutes_;
  std::size_t minutes_told_ = 0;  // to the counters
  Instant probe_asked_at_;
  RunOrdinal probe_under_way_{UINT32_MAX};  // not seen to start yet
  WindowCount error_windows_;
  std::vector<BadWindow> error_bad_windows_;
  Instant window_first_error_;
  Instant window_last_error_;
  std::int64_t error_window_ = -1;
  std::uint64_t window_terminal_ = 0;
  std::uint64_t window_errors_ = 0;
  std::vector<Observations> step_classes_;
  UseLedger use_;
  std::vector<double> row_;
  std::vector<double> cost_row_;
  bool finished_ = false;
};

}  // namespace dvt::sim
