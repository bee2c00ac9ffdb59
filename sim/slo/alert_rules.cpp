// The two rule sets as a table: groups, names, severities and expressions are those of rules-upstream.yaml and
// rules-corrected.yaml. A rule whose metric the simulator does not feed is listed with that reason, not evaluated.
#include <algorithm>
#include <array>

#include "engine/base/format.h"
#include "sim/measure/catalogue.h"
#include "sim/slo/alerts.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim {

namespace {

class ExpressionRule final : public AlertRule {
 public:
  ExpressionRule(AlertRuleInfo rule_info, promql::Expression expression, UnixNanos start)
      : AlertRule(std::move(rule_info)), expression_(std::move(expression)), start_(start) {}
  Duration window() const override { return expression_.window(); }
  void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) override {
    expression_.evaluate({store, at, start_}, found_);
    for (const promql::Element& element : found_) holding.push_back(expression_.label_text(element));
  }

 private:
  promql::Expression expression_;
  UnixNanos start_;
  std::vector<promql::Element> found_;
};

struct Row {
  RuleSet set;
  std::string_view group;
  std::string_view name;
  std::string_view severity;
  Duration hold;
  std::string_view expr;
};

constexpr std::array kRules{
    Row{RuleSet::upstream, "observability-P1", "ProjectionGapDetected", "P1", minutes(1),
        "dvt_projection_gaps_total > 0"},
    Row{RuleSet::upstream, "observability-P1", "StateStoreWriteFailure", "P1", minutes(2),
        "rate(dvt_statestore_write_errors_total[5m]) > 0"},
    Row{RuleSet::upstream, "observability-P1", "RunCompletionSLAViolation", "P1", minutes(5),
        "histogram_quantile(0.99, dvt_run_completion_duration_seconds) > 30"},
    Row{RuleSet::upstream, "observability-P1", "AdapterHeartbeatLost", "P1", minutes(2),
        "(time() - dvt_adapter_last_heartbeat_seconds{adapter=\"temporal\"}) > 60"},
    Row{RuleSet::upstream, "observability-P2", "HighErrorRate", "P2", minutes(10),
        "(rate(dvt_runs_completed_total{status=\"failed\"}[10m]) / "
        "rate(dvt_runs_completed_total[10m])) > 0.05"},
    Row{RuleSet::upstream, "observability-P2", "ProjectionLag", "P2", minutes(5), "dvt_projection_lag_events > 100"},
    Row{RuleSet::upstream, "observability-P2", "DeferredSignalsQueueBuildup", "P2", minutes(10),
        "dvt_deferred_signals_queue_length > 1000"},
    Row{RuleSet::upstream,
        "slos",
        "SLOAvailability",
        "Sev0",
        {},
        "rate(dvt_control_plane_minutes_good_total[4h]) / "
        "rate(dvt_control_plane_minutes_total[4h]) < 0.99"},
    Row{RuleSet::upstream,
        "slos",
        "SLOErrorRate",
        "Sev1",
        {},
        "rate(dvt_runs_completed_total{status=\"failed\"}[10m]) / "
        "rate(dvt_runs_completed_total[10m]) > 0.01"},
    Row{RuleSet::upstream,
        "slos",
        "SLOCompletion",
        "Sev1",
        {},
        "histogram_quantile(0.99, rate(dvt_run_completion_duration_seconds_bucket[5m])) > 30"},
    Row{RuleSet::upstream,
        "slos",
        "SLOPause",
        "Sev2",
        {},
        "histogram_quantile(0.99, rate(dvt_signal_processing_duration_ms_bucket[5m])) > 5000"},
    Row{RuleSet::upstream, "severity-matrix", "StateStoreUnavailable", "Sev0", minutes(2),
        "rate(dvt_statestore_write_errors_total[1m]) > 0"},
    Row{RuleSet::upstream, "severity-matrix", "DataCorruption", "Sev0", {}, "dvt_snapshot_hash_mismatches_total > 0"},
    Row{RuleSet::upstream,
        "severity-matrix",
        "AdapterHeartbeatLostMatrix",
        "Sev1",
        {},
        "(time() - dvt_adapter_last_heartbeat_seconds) > 300"},
    Row{RuleSet::upstream,
        "severity-matrix",
        "ProjectionGapDetectedMatrix",
        "Sev1",
        {},
        "dvt_projection_lag_events > 100 or dvt_projection_lag_seconds > 300"},
    Row{RuleSet::upstream, "severity-matrix", "OutboxDeliveryFailure", "Sev1", minutes(5),
        "histogram_quantile(0.99, rate(dvt_outbox_delivery_duration_ms_bucket[5m])) > 30000"},
    Row{RuleSet::upstream, "severity-matrix", "HighErrorRateMatrix", "Sev2", minutes(10),
        "(rate(dvt_runs_completed_total{status=\"failed\"}[10m]) / "
        "rate(dvt_runs_completed_total[10m])) > 0.001"},
    Row{RuleSet::upstream, "severity-matrix", "WorkerPodDown", "Sev2", minutes(5), "dvt_workers_available < 1"},
    Row{RuleSet::upstream, "severity-matrix", "DiskSpaceLow", "Sev2", {}, "dvt_statestore_disk_free_ratio < 0.2"},
    Row{RuleSet::corrected,
        "symptoms",
        "Availability",
        "Sev0",
        {},
        "sum(increase(dvt_control_plane_minutes_good_total[4h])) / "
        "sum(increase(dvt_control_plane_minutes_total[4h])) < 0.99"},
    Row{RuleSet::corrected,
        "symptoms",
        "ErrorRate",
        "Sev1",
        {},
        "sum(increase(dvt_runs_completed_total{status=\"failed\",error_class=\"engine\"}[10m])) "
        "/ sum(increase(dvt_runs_completed_total[10m])) > 0.01 and "
        "sum(increase(dvt_runs_completed_total{status=\"failed\",error_class=\"engine\"}[10m])) "
        ">= 5"},
    Row{RuleSet::corrected, "symptoms", "CompletionLatency", "Sev1", minutes(5),
        "histogram_quantile(0.99, sum by (le) "
        "(increase(dvt_run_control_plane_duration_seconds_bucket[5m]))) > 30"},
    Row{RuleSet::corrected,
        "symptoms",
        "PauseLatency",
        "Sev2",
        {},
        "histogram_quantile(0.99, sum by (le) (increase(dvt_pause_to_quiescence_ms_bucket[5m]))) "
        "> 5000"},
    Row{RuleSet::corrected, "symptoms", "ProjectionLag", "Sev1", minutes(5),
        "max(dvt_projection_lag_events) > 100 and max(dvt_projection_lag_seconds) > 1"},
    Row{RuleSet::corrected,
        "symptoms",
        "ProjectionGap",
        "Sev1",
        {},
        "sum(increase(dvt_projection_gaps_total[1m])) > 0"},
    Row{RuleSet::corrected, "symptoms", "OutboxDelivery", "Sev1", minutes(5),
        "histogram_quantile(0.99, sum by (le) "
        "(increase(dvt_outbox_delivery_duration_ms_bucket[5m]))) > 30000"},
    Row{RuleSet::corrected, "symptoms", "StateStoreWriteLatency", "Sev2", minutes(5),
        "histogram_quantile(0.99, sum by (le) "
        "(increase(dvt_statestore_write_duration_ms_bucket[5m]))) > 20"},
    Row{RuleSet::corrected, "causes", "StateStoreUnavailable", "Sev0", minutes(2),
        "sum(increase(dvt_statestore_write_errors_total[1m])) > 0"},
    Row{RuleSet::corrected,
        "causes",
        "DataCorruption",
        "Sev0",
        {},
        "sum(increase(dvt_snapshot_hash_mismatches_total[5m])) > 0"},
    Row{RuleSet::corrected, "causes", "AdapterHeartbeatLost", "Sev1", minutes(2),
        "max by (adapter) (time() - dvt_adapter_last_heartbeat_seconds) > 60"},
    Row{RuleSet::corrected, "causes", "WorkerDomainDown", "Sev1", minutes(2),
        "min by (adapter, domain) (dvt_workers_available) < 1"},
    Row{RuleSet::corrected, "causes", "DeferredSignalsQueueBuildup", "Sev2", minutes(10),
        "max(dvt_deferred_signals_queue_length) > 1000"},
    Row{RuleSet::corrected, "causes", "DiskSpaceLow", "Sev2", {}, "min(dvt_statestore_disk_free_ratio) < 0.2"},
    Row{RuleSet::corrected,
        "availability-burn",
        "BudgetBurn14",
        "Sev0",
        {},
        "(1 - sum(increase(dvt_control_plane_minutes_good_total[1h])) / "
        "sum(increase(dvt_control_plane_minutes_total[1h]))) > 14.4 * 0.005 and (1 - "
        "sum(increase(dvt_control_plane_minutes_good_total[5m])) / "
        "sum(increase(dvt_control_plane_minutes_total[5m]))) > 14.4 * 0.005"},
    Row{RuleSet::corrected,
        "availability-burn",
        "BudgetBurn6",
        "Sev1",
        {},
        "(1 - sum(increase(dvt_control_plane_minutes_good_total[6h])) / "
        "sum(increase(dvt_control_plane_minutes_total[6h]))) > 6 * 0.005 and (1 - "
        "sum(increase(dvt_control_plane_minutes_good_total[30m])) / "
        "sum(increase(dvt_control_plane_minutes_total[30m]))) > 6 * 0.005"},
    Row{RuleSet::corrected,
        "availability-burn",
        "BudgetBurn3",
        "Sev2",
        {},
        "(1 - sum(increase(dvt_control_plane_minutes_good_total[1d])) / "
        "sum(increase(dvt_control_plane_minutes_total[1d]))) > 3 * 0.005 and (1 - "
        "sum(increase(dvt_control_plane_minutes_good_total[2h])) / "
        "sum(increase(dvt_control_plane_minutes_total[2h]))) > 3 * 0.005"},
    Row{RuleSet::corrected,
        "availability-burn",
        "BudgetBurn1",
        "Sev3",
        {},
        "(1 - sum(increase(dvt_control_plane_minutes_good_total[3d])) / "
        "sum(increase(dvt_control_plane_minutes_total[3d]))) > 0.005 and (1 - "
        "sum(increase(dvt_control_plane_minutes_good_total[6h])) / "
        "sum(increase(dvt_control_plane_minutes_total[6h]))) > 0.005"},
};

/// Empty when every metric that the expression reads is fed.
std::string absent_metric(const promql::Expression& expression) {
  for (const std::string& name : expression.metrics()) {
    const MetricEntry* entry = find_metric(name);
    if (entry == nullptr) return fmt::format("its metric {} is not in the catalogue", name);
    if (!entry->fed()) return fmt::format("its metric {} is absent: {}", name, entry->absent_because);
  }
  return {};
}

}  // namespace

std::string_view to_string(RuleSet set) {
  return set == RuleSet::upstream ? "upstream" : "corrected";
}

std::vector<std::unique_ptr<AlertRule>> evaluated_rules(RuleSet set, UnixNanos start) {
  std::vector<std::unique_ptr<AlertRule>> out;
  for (const Row& row : kRules) {
    if (row.set != set) continue;
    promql::Expression expression(row.expr);
    if (!absent_metric(expression).empty()) continue;
    AlertRuleInfo info{std::string(row.name), row.set,  std::string(row.severity),
                       std::string(row.expr), row.hold, AlertTruth::none};
    if (row.name == "ProjectionLag") info.truth = AlertTruth::projection_lag;
    out.push_back(std::make_unique<ExpressionRule>(std::move(info), std::move(expression), start));
  }
  return out;
}

std::vector<UnevaluatedRule> unevaluated_rules(RuleSet set) {
  std::vector<UnevaluatedRule> out;
  for (const Row& row : kRules) {
    if (row.set != set) continue;
    std::string reason = absent_metric(promql::Expression(row.expr));
    if (!reason.empty()) out.push_back({std::string(row.name), row.set, std::string(row.severity), std::move(reason)});
  }
  return out;
}

std::vector<std::string> rule_names(RuleSet set) {
  std::vector<std::string> out;
  for (const Row& row : kRules) {
    if (row.set == set) out.emplace_back(row.name);
  }
  return out;
}

Duration longest_alert_window(std::span<const RuleSet> sets) {
  Duration longest;
  for (const RuleSet set : sets) {
    for (const auto& rule : evaluated_rules(set, {})) longest = std::max(longest, rule->window());
  }
  return longest;
}

std::string prometheus_rules(std::span<const RuleSet> sets) {
  std::string out = "groups:\n";
  for (const RuleSet set : sets) {
    std::string_view group;
    for (const Row& row : kRules) {
      if (row.set != set) continue;
      if (row.group != group) out += fmt::format("- name: {}\n  rules:\n", row.group);
      group = row.group;
      // No expression holds a single quote, which YAML would have doubled.
      out += fmt::format("  - alert: {}\n    expr: '{}'\n", row.name, row.expr);
      if (row.hold > Duration{}) out += fmt::format("    for: {}s\n", row.hold.ns / 1'000'000'000);
      out += fmt::format("    labels: {{severity: {}, rule_set: {}}}\n", row.severity, to_string(set));
    }
  }
  return out;
}

}  // namespace dvt::sim
