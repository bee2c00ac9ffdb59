// The table of domain §12.
#include "sim/measure/catalogue.h"

#include <string>

#include "engine/base/assert.h"

namespace dvt::sim {

namespace {

constexpr LabelDomain kClosed = LabelDomain::closed;
constexpr LabelDomain kOpen = LabelDomain::open;

constexpr LabelEntry kPlan{"planId", kOpen};
constexpr LabelEntry kStep{"stepId", kOpen};
constexpr LabelEntry kStatus{"status", kClosed};
constexpr LabelEntry kAdapter{"adapter", kClosed};
constexpr LabelEntry kEventType{"event_type", kClosed};
constexpr LabelEntry kSubscription{"subscription", kClosed};
constexpr LabelEntry kSignalType{"signal_type", kClosed};

std::vector<MetricEntry> make_catalogue() {
  using enum Metric;
  using enum MetricKind;
  return {
      {runs_started,
       "dvt_runs_started_total",
       counter,
       {kPlan, {"planVersion", kOpen}, {"environmentId", kClosed}, kAdapter},
       {},
       "engine",
       ""},
      {runs_in_flight, "dvt_runs_in_flight", gauge, {{"environmentId", kClosed}, kAdapter}, {}, "engine", ""},
      {run_completion_duration,
       "dvt_run_completion_duration_seconds",
       histogram,
       {kPlan, kStatus},
       {0.5, 1, 2, 5, 10, 30, 60},
       "end-to-end, as upstream",
       ""},
      {run_control_plane_duration,
       "dvt_run_control_plane_duration_seconds",
       histogram,
       {kPlan, kStatus},
       {1, 2, 5, 10, 30, 60},
       "objective completion",
       ""},
      {runs_completed,
       "dvt_runs_completed_total",
       counter,
       {kPlan, kStatus, {"error_code", kOpen}, {"error_class", kClosed}},
       {},
       "engine",
       ""},
      {step_duration,
       "dvt_step_duration_seconds",
       histogram,
       {kPlan, kStep, kStatus},
       {1, 5, 30, 120, 300, 600, 1200, 3600},
       "adapters",
       ""},
      {step_retries, "dvt_step_retries_total", counter, {kPlan, kStep, {"cause", kClosed}}, {}, "engine", ""},
      {step_artifacts_bytes,
       "dvt_step_artifacts_written_bytes_total",
       counter,
       {kPlan, kStep},
       {},
       "adapters",
       "steps write no artifacts in the model"},
      {write_duration,
       "dvt_statestore_write_duration_ms",
       histogram,
       {kEventType},
       {1, 5, 10, 20, 50, 100, 500},
       "store",
       ""},
      {write_errors, "dvt_statestore_write_errors_total", counter, {kEventType, {"code", kClosed}}, {}, "store", ""},
      {lag_events, "dvt_projection_lag_events", gauge, {kAdapter}, {}, "projector", ""},
      {lag_seconds, "dvt_projection_lag_seconds", gauge, {kAdapter}, {}, "projector", ""},
      {lag_bad_ms, "dvt_projection_lag_bad_ms_total", counter, {}, {}, "projector", ""},
      {projection_gaps, "dvt_projection_gaps_total", counter, {}, {}, "projector (confirmed)", ""},
      {event_emission_duration,
       "dvt_event_emission_duration_ms",
       histogram,
       {kEventType},
       {10, 50, 100, 500, 1000, 5000, 10000, 30000},
       "outbox relay, commit to published",
       ""},
      {outbox_delivery_duration,
       "dvt_outbox_delivery_duration_ms",
       histogram,
       {kSubscription},
       {100, 500, 1000, 5000, 10000, 30000},
       "bus, commit to first acknowledgement",
       ""},
      {outbox_dead_letters, "dvt_outbox_dead_letters_total", counter, {kSubscription}, {}, "bus", ""},
      {plan_persist_duration, "dvt_plan_persist_duration_ms", histogram, {}, {50, 100, 300, 450, 600, 1000}, "API", ""},
      {ui_refresh_duration, "dvt_ui_refresh_duration_ms", histogram, {}, {100, 500, 1000, 2000, 5000}, "projector", ""},
      {pause_to_quiescence,
       "dvt_pause_to_quiescence_ms",
       histogram,
       {kAdapter},
       {100, 500, 1000, 2000, 5000, 10000, 60000},
       "objective pause-latency",
       ""},
      {pause_drain, "dvt_pause_drain_seconds", histogram, {kAdapter}, {1, 5, 30, 60, 300, 1800, 3600}, "pause", ""},
      {signals_received, "dvt_signals_received_total", counter, {kSignalType, kStatus}, {}, "API", ""},
      {signal_processing_duration,
       "dvt_signal_processing_duration_ms",
       histogram,
       {kSignalType},
       {100, 500, 1000, 2000, 5000, 10000},
       "API, accepted to applied",
       ""},
      {deferred_signals_queue_length, "dvt_deferred_signals_queue_length", gauge, {}, {}, "signal processor", ""},
      {workers_available, "dvt_workers_available", gauge, {kAdapter, {"domain", kClosed}}, {}, "workers", ""},
      {adapter_last_heartbeat, "dvt_adapter_last_heartbeat_seconds", gauge, {kAdapter}, {}, "adapters", ""},
      {adapter_api_errors,
       "dvt_adapter_api_errors_total",
       counter,
       {kAdapter, {"endpoint", kOpen}, {"status_code", kClosed}},
       {},
       "adapters",
       ""},
      {adapter_rpc_duration,
       "dvt_adapter_rpc_duration_ms",
       histogram,
       {kAdapter, {"method", kOpen}, {"status_code", kClosed}},
       {1, 5, 10, 50, 100, 500, 1000},
       "adapters",
       ""},
      {api_requests, "dvt_api_requests_total", counter, {{"code", kClosed}}, {}, "API", ""},
      {api_request_duration,
       "dvt_api_request_duration_ms",
       histogram,
       {{"route", kOpen}},
       {10, 50, 100, 300, 1000, 5000},
       "API",
       ""},
      {control_plane_minutes, "dvt_control_plane_minutes_total", counter, {}, {}, "availability slices", ""},
      {control_plane_minutes_good, "dvt_control_plane_minutes_good_total", counter, {}, {}, "availability slices", ""},
      {run_cost_estimate, "dvt_run_cost_estimate", gauge, {kPlan}, {}, "cost", ""},
      {snapshot_hash_mismatches, "dvt_snapshot_hash_mismatches_total", counter, {}, {}, "store", ""},
      {disk_free_ratio, "dvt_statestore_disk_free_ratio", gauge, {}, {}, "store, with a virtual disk", ""},
  };
}

}  // namespace

std::string_view to_string(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  DVT_ASSERT(false, "unknown metric kind");
}

const std::vector<MetricEntry>& metric_catalogue() {
  static const std::vector<MetricEntry> catalogue = [] {
    std::vector<MetricEntry> entries = make_catalogue();
    DVT_ASSERT(entries.size() == kMetricCount, "the catalogue and the Metric enum differ in length");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      DVT_ASSERT(static_cast<std::size_t>(entries[i].metric) == i, "the catalogue is out of order");
    }
    return entries;
  }();
  return catalogue;
}

const MetricEntry& metric_entry(Metric metric) {
  return metric_catalogue()[static_cast<std::size_t>(metric)];
}

const MetricEntry* find_metric(std::string_view name) {
  for (const MetricEntry& entry : metric_catalogue()) {
    if (entry.name == name) return &entry;
    if (entry.kind != MetricKind::histogram || !name.starts_with(entry.name)) continue;
    const std::string_view suffix = name.substr(entry.name.size());
    if (suffix == "_bucket" || suffix == "_sum" || suffix == "_count") return &entry;
  }
  return nullptr;
}

std::vector<AbsentMetric> absent_metrics() {
  std::vector<AbsentMetric> out;
  for (const MetricEntry& entry : metric_catalogue()) {
    if (!entry.fed()) out.push_back({std::string(entry.name), std::string(entry.absent_because)});
  }
  out.push_back({"dvt_plugin_*", "plugins are not simulated"});
  return out;
}

}  // namespace dvt::sim
