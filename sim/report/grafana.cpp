#include "sim/report/grafana.h"

#include <array>
#include <span>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "sim/measure/catalogue.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim {
namespace {

struct Query {
  std::string_view expr;
  std::string_view legend;
};
struct Panel {
  std::string_view title;
  std::string_view unit;  // Grafana's name of it
  std::string_view note;
  std::array<Query, 3> queries;
  double threshold = 0;  // 0: none
};
struct Board {
  std::string_view uid;
  std::string_view title;
  std::span<const Panel> panels;
};

// SLOs.md §1 as it stands, then with sums, _bucket and the metric that is meant; then the other objectives.
constexpr std::array kObjectives{
    Panel{
        "API: RunRequest → plan persisted (p99), as documented",
        "s",
        "As the document has it: it reads run-completion buckets, whose first is 0.5 s, so it never shows less than "
        "0.495 s; and it gives one line a label set.",
        {{{"histogram_quantile(0.99, rate(dvt_run_completion_duration_seconds_bucket[5m]))", "{{planId}} {{status}}"}}},
        0.3},
    Panel{"API: RunRequest → plan persisted (p99)",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_plan_persist_duration_ms_bucket[5m])))", "p99"}}},
          300},
    Panel{"StateStore: write latency (p99), as documented",
          "ms",
          "As the document has it: without sum by (le) it gives a quantile per label set.",
          {{{"histogram_quantile(0.99, rate(dvt_statestore_write_duration_ms_bucket[5m]))", "{{event_type}}"}}},
          10},
    Panel{"StateStore: write latency (p99)",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_statestore_write_duration_ms_bucket[5m])))", "p99"}}},
          10},
    Panel{"StateStore: projection lag, as documented",
          "short",
          "As the document has it: events only; a violation needs 50 events and one second.",
          {{{"dvt_projection_lag_events", "{{adapter}}"}}},
          50},
    Panel{"StateStore: projection lag",
          "short",
          "",
          {{{"max(dvt_projection_lag_events)", "events"}, {"max(dvt_projection_lag_seconds)", "seconds"}}},
          50},
    Panel{"Engine: signal processing latency (p99), as documented",
          "ms",
          "As the document has it: all signals, not PAUSE alone, and what is asked for is the pause, not the signal.",
          {{{"histogram_quantile(0.99, rate(dvt_signal_processing_duration_ms_bucket[5m]))", "{{signal_type}}"}}},
          1000},
    Panel{"Engine: PAUSE → no new activities (p99)",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_pause_to_quiescence_ms_bucket[5m])))", "p99"}}},
          1000},
    Panel{"API: state update → UI refresh (p99)",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_ui_refresh_duration_ms_bucket[5m])))", "p99"}}},
          1000},
    Panel{"EventBus: outbox delivery (p99)",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_outbox_delivery_duration_ms_bucket[5m])))", "p99"}}},
          5000},
    Panel{"Availability (control plane)",
          "percentunit",
          "",
          {{{"sum(increase(dvt_control_plane_minutes_good_total[4h])) / "
             "sum(increase(dvt_control_plane_minutes_total[4h]))",
             "4 h"}}},
          0.995},
    Panel{"Error rate (engine)",
          "percentunit",
          "",
          {{{"sum(increase(dvt_runs_completed_total{status=\"failed\",error_class=\"engine\"}[10m])) / "
             "sum(increase(dvt_runs_completed_total[10m]))",
             "10 m"}}},
          0.001},
    Panel{
        "Completion latency (p99)",
        "s",
        "",
        {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_run_control_plane_duration_seconds_bucket[5m])))", "p99"}}},
        5},
    Panel{"Projection gaps", "short", "", {{{"sum(increase(dvt_projection_gaps_total[1m]))", "gaps in 1 m"}}}, 1},
    Panel{"Runs completed a day",
          "short",
          "",
          {{{"sum(increase(dvt_runs_completed_total{status=\"completed\"}[1d]))", "24 h"}}},
          50'000},
    Panel{"Cost per run", "currencyUSD", "", {{{"avg(dvt_run_cost_estimate)", "mean"}}}, 0.01},
};

constexpr std::array kExecutive{
    Panel{"Runs per minute",
          "short",
          "With the mean of the last hour as the trend.",
          {{{"60 * sum(rate(dvt_runs_completed_total[5m]))", "now"},
            {"60 * sum(rate(dvt_runs_completed_total[1h]))", "trend, 1 h"}}}},
    Panel{
        "Completion p99",
        "s",
        "",
        {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_run_control_plane_duration_seconds_bucket[5m])))", "p99"}}},
        5},
    Panel{"Errors in 24 h",
          "short",
          "",
          {{{"sum by (error_code) (increase(dvt_runs_completed_total{status=\"failed\"}[1d]))", "{{error_code}}"}}}},
    Panel{"Runs in flight", "short", "", {{{"sum(dvt_runs_in_flight)", "in flight"}}}},
    Panel{"Pause p99",
          "ms",
          "",
          {{{"histogram_quantile(0.99, sum by (le) (rate(dvt_pause_to_quiescence_ms_bucket[5m])))", "p99"}}},
          1000},
    Panel{"Run time by plan (mean)",
          "s",
          "",
          {{{"sum by (planId) (rate(dvt_run_completion_duration_seconds_sum[1h])) / "
             "sum by (planId) (rate(dvt_run_completion_duration_seconds_count[1h]))",
             "{{planId}}"}}}},
    Panel{"Adapters: seconds since the last heartbeat",
          "s",
          "",
          {{{"time() - dvt_adapter_last_heartbeat_seconds", "{{adapter}}"}}},
          60},
};

constexpr std::array kOperations{
    Panel{"Write latency",
          "ms",
          "",
          {{{"histogram_quantile(0.5, sum by (le) (rate(dvt_statestore_write_duration_ms_bucket[5m])))", "p50"},
            {"histogram_quantile(0.95, sum by (le) (rate(dvt_statestore_write_duration_ms_bucket[5m])))", "p95"},
            {"histogram_quantile(0.99, sum by (le) (rate(dvt_statestore_write_duration_ms_bucket[5m])))", "p99"}}},
          10},
    Panel{"Events per second by type",
          "short",
          "",
          {{{"sum by (event_type) (rate(dvt_event_emission_duration_ms_count[5m]))", "{{event_type}}"}}}},
    Panel{"Projection lag",
          "short",
          "",
          {{{"max(dvt_projection_lag_events)", "events"}, {"max(dvt_projection_lag_seconds)", "seconds"}}},
          50},
    Panel{"Projection gaps", "short", "", {{{"sum(increase(dvt_projection_gaps_total[5m]))", "gaps in 5 m"}}}, 1},
    Panel{"Worker capacity by domain",
          "short",
          "",
          {{{"sum by (adapter, domain) (dvt_workers_available)", "{{adapter}} {{domain}}"}}}},
    Panel{"Error rate by plan",
          "percentunit",
          "",
          {{{"sum by (planId) (rate(dvt_runs_completed_total{status=\"failed\"}[10m])) / "
             "sum by (planId) (rate(dvt_runs_completed_total[10m]))",
             "{{planId}}"}}}},
    Panel{"Top failing steps",
          "short",
          "",
          {{{"sum by (planId, stepId) (increase(dvt_step_retries_total[1h]))", "{{planId}} {{stepId}}"}}}},
    Panel{"Deferred signals", "short", "", {{{"max(dvt_deferred_signals_queue_length)", "queue"}}}, 1000},
};

constexpr std::array kDeveloper{
    Panel{"Step time by plan and step (p99)",
          "s",
          "Step labels need metrics.stepLabels: true.",
          {{{"histogram_quantile(0.99, sum by (le, planId, stepId) (rate(dvt_step_duration_seconds_bucket[5m])))",
             "{{planId}} {{stepId}}"}}}},
    Panel{"Retries by plan and step",
          "short",
          "",
          {{{"sum by (planId, stepId) (increase(dvt_step_retries_total[5m]))", "{{planId}} {{stepId}}"}}}},
    Panel{"Snapshot hash mismatches (determinism)",
          "short",
          "",
          {{{"sum(increase(dvt_snapshot_hash_mismatches_total[5m]))", "mismatches in 5 m"}}},
          1},
    Panel{"Waterfall of a run, event replay",
          "short",
          "Metrics cannot show these: `dvtsim export temporal-history` writes the history of every recorded run.",
          {}},
};

constexpr std::array kBoards{
    Board{"dvtsim-objectives", "DVT objectives", kObjectives},
    Board{"dvtsim-executive", "DVT executive", kExecutive},
    Board{"dvtsim-operations", "DVT operations", kOperations},
    Board{"dvtsim-developer", "DVT developer", kDeveloper},
};

std::string note_of(const Panel& panel) {
  std::string note(panel.note);
  for (const Query& query : panel.queries) {
    if (query.expr.empty()) continue;
    const promql::Expression expression(query.expr);
    for (const std::string& name : expression.metrics()) {
      const MetricEntry* entry = find_metric(name);
      if (entry != nullptr && !entry->fed())
        note += fmt::format("{}{} is absent: {}", note.empty() ? "" : " ", name, entry->absent_because);
    }
  }
  return note;
}

class BoardWriter {
 public:
  explicit BoardWriter(const Board& board) : board_(board), w_(out_, json::Style::pretty) {}

  std::string render(UnixNanos from, UnixNanos to) {
    w_.begin_object();
    w_.member("uid", board_.uid);
    w_.member("title", board_.title);
    w_.key("tags").begin_array().value("dvtsim").end_array();
    w_.member("schemaVersion", 38);
    w_.member("version", 1);
    w_.member("editable", true);
    w_.member("timezone", "utc");
    w_.key("time").begin_object();
    w_.member("from", format_rfc3339(from, 3));
    w_.member("to", format_rfc3339(to, 3));
    w_.end_object();
    w_.key("templating").begin_object().key("list").begin_array().begin_object();
    w_.member("name", "datasource");
    w_.member("label", "Prometheus");
    w_.member("type", "datasource");
    w_.member("query", "prometheus");
    w_.end_object().end_array().end_object();
    w_.key("panels").begin_array();
    int id = 0;
    for (const Panel& panel : board_.panels) this->panel(panel, ++id);
    w_.end_array();
    w_.end_object();
    return out_ + "\n";
  }

 private:
  void datasource() {
    w_.key("datasource").begin_object();
    w_.member("type", "prometheus");
    w_.member("uid", "${datasource}");
    w_.end_object();
  }

  void panel(const Panel& panel, int id) {
    const std::string note = note_of(panel);
    const bool text = panel.queries[0].expr.empty();
    w_.begin_object();
    w_.member("id", id);
    w_.member("type", text ? "text" : "timeseries");
    w_.member("title", panel.title);
    if (!note.empty()) w_.member("description", note);
    w_.key("gridPos").begin_object();
    w_.member("x", (id - 1) % 2 * 12);
    w_.member("y", (id - 1) / 2 * 8);
    w_.member("w", 12);
    w_.member("h", 8);
    w_.end_object();
    if (text) {
      w_.key("options").begin_object();
      w_.member("mode", "markdown");
      w_.member("content", note);
      w_.end_object();
      w_.end_object();
      return;
    }
    datasource();
    w_.key("fieldConfig").begin_object().key("defaults").begin_object();
    w_.member("unit", panel.unit);
    w_.key("thresholds").begin_object();
    w_.member("mode", "absolute");
    w_.key("steps").begin_array();
    step("green", nullptr);
    if (panel.threshold > 0) step("red", &panel.threshold);
    w_.end_array().end_object();
    w_.key("custom").begin_object().key("thresholdsStyle").begin_object();
    w_.member("mode", panel.threshold > 0 ? "line" : "off");
    w_.end_object().end_object();
    w_.end_object().key("overrides").begin_array().end_array().end_object();
    w_.key("targets").begin_array();
    char ref = 'A';
    for (const Query& query : panel.queries) {
      if (query.expr.empty()) continue;
      w_.begin_object();
      w_.member("refId", std::string(1, ref++));
      datasource();
      w_.member("expr", query.expr);
      w_.member("legendFormat", query.legend);
      w_.end_object();
    }
    w_.end_array();
    w_.end_object();
  }

  void step(const char* colour, const double* value) {
    w_.begin_object();
    w_.member("color", colour);
    w_.key("value");
    if (value == nullptr) {
      w_.value(nullptr);
    } else {
      w_.value(*value);
    }
    w_.end_object();
  }

  const Board& board_;
  std::string out_;
  json::Writer w_;
};

}  // namespace

std::vector<Dashboard> grafana_dashboards(UnixNanos from, UnixNanos to) {
  std::vector<Dashboard> out;
  for (const Board& board : kBoards) out.push_back({std::string(board.uid), BoardWriter(board).render(from, to)});
  return out;
}

std::vector<std::string> grafana_expressions() {
  std::vector<std::string> out;
  for (const Board& board : kBoards)
    for (const Panel& panel : board.panels)
      for (const Query& query : panel.queries)
        if (!query.expr.empty()) out.emplace_back(query.expr);
  return out;
}

}  // namespace dvt::sim
