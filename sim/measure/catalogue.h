// The metric catalogue: names, labels, kinds and bounds of domain §12, which are a contract, as one table. Every metric
// is either fed by the facts of a run or listed as absent with the reason, so that nothing is silently missing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/measure/results.h"

namespace dvt::sim {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };
std::string_view to_string(MetricKind kind);

/// Values of a label of high cardinality become `other` once the series budget is spent; those of a closed one never
/// do.
enum class LabelDomain : std::uint8_t { closed, open };

struct LabelEntry {
  std::string_view name;
  LabelDomain domain = LabelDomain::closed;
};

/// Order of the table; also the order in which families are created and sampled.
enum class Metric : std::uint8_t {
  runs_started,
  runs_in_flight,
  run_completion_duration,
  run_control_plane_duration,
  runs_completed,
  step_duration,
  step_retries,
  step_artifacts_bytes,
  write_duration,
  write_errors,
  lag_events,
  lag_seconds,
  lag_bad_ms,
  projection_gaps,
  event_emission_duration,
  outbox_delivery_duration,
  outbox_dead_letters,
  plan_persist_duration,
  ui_refresh_duration,
  pause_to_quiescence,
  pause_drain,
  signals_received,
  signal_processing_duration,
  deferred_signals_queue_length,
  workers_available,
  adapter_last_heartbeat,
  adapter_api_errors,
  adapter_rpc_duration,
  api_requests,
  api_request_duration,
  control_plane_minutes,
  control_plane_minutes_good,
  run_cost_estimate,
  snapshot_hash_mismatches,
  disk_free_ratio,
};
inline constexpr std::size_t kMetricCount = 35;

struct MetricEntry {
  Metric metric;
  std::string_view name;
  MetricKind kind;
  std::vector<LabelEntry> labels;
  std::vector<double> bounds;  // of histograms, in the unit the name ends in; +Inf not listed
  std::string_view fed_by;
  std::string_view absent_because;  // empty: fed
  bool fed() const { return absent_because.empty(); }
  /// Time series of one label set: a histogram has one a bound, +Inf, _sum and _count.
  std::size_t series_per_label_set() const { return kind == MetricKind::histogram ? bounds.size() + 3 : 1; }
};

/// By Metric.
const std::vector<MetricEntry>& metric_catalogue();
const MetricEntry& metric_entry(Metric metric);
/// nullptr when no such metric is in the catalogue. Takes a histogram's `…_bucket`, `…_sum`, `…_count` too.
const MetricEntry* find_metric(std::string_view name);

/// The metrics that this simulator does not feed, each with its reason, dvt_plugin_* among them.
std::vector<AbsentMetric> absent_metrics();

}  // namespace dvt::sim
