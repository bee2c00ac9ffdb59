// Metric handles and counters that the recorder looks up once. Private to sim/measure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/measure/recorder.h"

namespace dvt::sim {

/// A few texts to handles: found by comparing, in order of appearance. For labels with a handful of values.
template <class T>
class SmallTextMap {
 public:
  T* find(std::string_view key) {
    for (auto& [text, value] : entries_) {
      if (text == key) return &value;
    }
    return nullptr;
  }
  T& add(std::string_view key, T value) { return entries_.emplace_back(std::string(key), std::move(value)).second; }

 private:
  std::vector<std::pair<std::string, T>> entries_;
};

inline constexpr std::size_t kSignalTypes = 11;
inline constexpr std::array<std::string_view, 3> kRunStatuses{"completed", "failed", "cancelled"};
inline constexpr std::array<std::string_view, 3> kRetryCauses{"timeout", "transient_error", "resource_exhausted"};

struct Measure::Handles {
  struct Step {
    std::array<HistogramCell*, 3> duration{};  // by kRunStatuses
    std::array<CounterHandle, 3> retries;      // by kRetryCauses
  };
  struct Plan {
    CounterHandle started;
    CounterHandle completed;
    GaugeCell* cost = nullptr;
    std::array<HistogramCell*, 3> completion{};     // by kRunStatuses
    std::array<HistogramCell*, 2> control_plane{};  // completed, failed
    std::vector<Step> steps;                        // one, unless step labels are on
  };
  struct Rpc {
    HistogramCell* duration = nullptr;
    CounterHandle errors;  // empty when the status is a success
  };

  Handles(MetricSet& set, const MeasureConfig& config);

  const Step& step(PlanOrdinal plan, StepIndex index) const;
  CounterHandle api_code(int code);
  HistogramCell& api_route(std::string_view route);
  Rpc& rpc(std::string_view method, std::string_view status);

  MetricSet& set;
  const MeasureConfig& config;
  GaugeCell* in_flight = nullptr;
  std::array<HistogramCell*, kEventTypeCount> write{};
  std::array<HistogramCell*, kEventTypeCount> emission{};
  GaugeCell* events_behind = nullptr;
  GaugeCell* seconds_behind = nullptr;
  CounterHandle lag_bad;
  CounterHandle gaps;
  std::vector<HistogramCell*> delivery;  // by subscription
  std::vector<CounterHandle> dead_letters;
  HistogramCell* plan_persist = nullptr;
  HistogramCell* ui_refresh = nullptr;
  HistogramCell* quiescence = nullptr;
  HistogramCell* drain = nullptr;
  std::array<std::array<CounterHandle, 3>, kSignalTypes> signals;  // by type, DecisionStatus
  std::array<HistogramCell*, kSignalTypes> signal_processing{};
  std::vector<GaugeCell*> workers;  // by queue
  GaugeCell* heartbeat = nullptr;
  GaugeCell* deferred = nullptr;
  CounterHandle snapshot_mismatches;
  GaugeCell* disk_free = nullptr;
  CounterHandle minutes;
  CounterHandle minutes_good;
  std::vector<Plan> plans;

 private:
  std::vector<std::pair<int, CounterHandle>> api_codes_;
  SmallTextMap<HistogramCell*> api_routes_;
  SmallTextMap<SmallTextMap<Rpc>> rpcs_;
};

/// counts.<name>: each reference stays valid for the whole run.
struct Measure::Tallies {
  explicit Tallies(Counts& counts);
  std::int64_t &appends_rejected, &run_requests, &run_rejections, &run_requests_retried, &run_requests_given_up,
      &runs_terminated, &signals_received, &signals_repeated, &signals_deferred_max, &signals_deferred_left,
      &signal_decisions, &signal_decisions_replaced, &signals_accepted, &signals_rejected, &signals_deferred,
      &signals_applied, &signals_lost, &workflow_tasks, &workflow_tasks_replayed, &workflow_tasks_failed,
      &replayed_events, &nondeterminism, &activities, &step_activities, &activity_attempts, &activity_retries,
      &activity_timeouts, &timers_fired, &children_started, &children_completed, &children_not_completed,
      &worker_crashes, &worker_restarts, &warehouse_jobs, &warehouse_errors, &deliveries, &duplicate_deliveries,
      &dead_letters, &snapshots, &invalid_transitions, &gaps_suspected, &gaps_confirmed, &dead_letters_redriven,
      &dead_letters_delivered, &outbox_leases, &outbox_published, &resyncs, &events_spooled, &spool_reconciled,
      &spool_lost, &spool_pending, &fault_strikes, &probes_started, &probes_seen, &probes_late, &probes_refused,
      &probes_completed, &probe_events, &notice_dead_letter, &notice_invalid_transition, &notice_plan_integrity,
      &notice_escalated, &reads_stale, &reads_of_unseen_runs, &read_your_writes_violations, &completions_refused;
};

/// Nanoseconds in the unit a metric's name ends in.
inline double in_ms(Duration d) {
  return static_cast<double>(d.ns) / 1e6;
}
inline double in_seconds(Duration d) {
  return static_cast<double>(d.ns) / 1e9;
}

}  // namespace dvt::sim
