// The two rule sets as a table: groups, names, severities and expressions are those of rules-upstream.yaml and
// rules-corrected.yaml. A rule whose metric the simulator does not feed is listed with that reason, not evaluated.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "engine/base/format.h"
#include "sim/measure/catalogue.h"
#include "sim/scenario/scalars.h"
#include "sim/slo/alerts.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim {

namespace {

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
std::string absent_metric(const promql::Expression& expression, const std::set<std::string>& recorded) {
  for (const std::string& name : expression.metrics()) {
    if (recorded.contains(name))
      return fmt::format(
          "it reads {}, which a recording rule makes; recording rules are left to a real prometheus "
          "(export openmetrics, export rules)",
          name);
    const MetricEntry* entry = find_metric(name);
    if (entry == nullptr) return fmt::format("its metric {} is not in the catalogue", name);
    if (!entry->fed()) return fmt::format("its metric {} is absent: {}", name, entry->absent_because);
  }
  return {};
}

const std::string* value_of(const RuleLabels& labels, std::string_view name) {
  const auto it = std::ranges::find(labels, name, &std::pair<std::string, std::string>::first);
  return it == labels.end() ? nullptr : &it->second;
}

/// What follows from the text: why it cannot be evaluated, and what its truth is.
void read_expression(AlertRuleSpec& rule, Duration sample_interval, const std::set<std::string>& recorded) {
  if (rule.recording) return;
  for (const RuleLabels* labels : {&rule.labels, &rule.annotations})
    if (const std::string* named = value_of(*labels, "objective"); named != nullptr) rule.objective = *named;
  try {
    const promql::Expression expression(rule.expr);
    for (const std::string& metric : expression.metrics())
      if (rule.objective.empty()) rule.objective = objective_of_metric(metric);
    rule.reason = absent_metric(expression, recorded);
  } catch (const Error& error) {
    rule.reason = fmt::format(
        "outside the expressions that are evaluated here ({}); a real prometheus can evaluate it "
        "(export openmetrics, export rules)",
        error.what());
    return;
  }
  if (rule.interval && rule.interval->ns % sample_interval.ns != 0)
    rule.reason = fmt::format("its group's interval of {} is no multiple of the sampling interval, {}",
                              format_prometheus_duration(*rule.interval), format_prometheus_duration(sample_interval));
}

AlertRuleSpec shipped(const Row& row) {
  AlertRuleSpec rule;
  rule.name = row.name;
  rule.alert = row.name;
  rule.set = to_string(row.set);
  rule.group = row.group;
  rule.severity = row.severity;
  rule.expr = row.expr;
  rule.hold = row.hold;
  rule.labels = {{"severity", rule.severity}};
  return rule;
}

AlertRuleSpec from_file(PrometheusRule read, const std::string& set) {
  AlertRuleSpec rule;
  rule.name = read.name;
  rule.alert = std::move(read.name);
  rule.set = set;
  rule.group = std::move(read.group);
  rule.expr = std::move(read.expr);
  rule.hold = read.hold;
  rule.keep_firing = read.keep_firing;
  rule.interval = read.interval;
  rule.recording = read.recording;
  if (const std::string* severity = value_of(read.labels, "severity"); severity != nullptr) rule.severity = *severity;
  rule.labels = std::move(read.labels);
  rule.annotations = std::move(read.annotations);
  return rule;
}

/// A name that paths can hold and that is not taken: letters, digits, _ and -, then -2, -3 …
std::string distinct(std::string name, std::set<std::string>& taken) {
  for (char& c : name)
    if (!is_name(std::string(1, c)) && c != '_' && c != '-') c = '-';
  if (name.empty() || !((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'))) name = "r" + name;
  std::string out = name;
  for (int n = 2; !taken.insert(out).second; ++n) out = fmt::format("{}-{}", name, n);
  return out;
}

struct FileRules {
  std::vector<AlertRuleSpec> rules;
  std::vector<Diagnostic> wrong;
};

FileRules read_files(const Scenario& scenario) {
  FileRules out;
  std::set<std::string> sets{"upstream", "corrected"};
  for (const FilePath& file : scenario.alerts.files) {
    auto read = load_rule_file(file.path);
    if (!read.has_value()) {
      out.wrong.insert(out.wrong.end(), read.error().begin(), read.error().end());
      continue;
    }
    const std::string set = distinct(std::filesystem::path(file.path).stem().string(), sets);
    std::set<std::string> names;
    for (PrometheusRule& rule : read.value()) {
      out.rules.push_back(from_file(std::move(rule), set));
      if (!out.rules.back().recording) out.rules.back().name = distinct(out.rules.back().name, names);
    }
  }
  return out;
}

/// A YAML text: in single quotes, or in double ones when it has more than one line.
std::string yaml_text(std::string_view text) {
  const bool lines = std::ranges::any_of(text, [](char c) { return c == '\n' || c == '\t' || c == '\r'; });
  std::string out(1, lines ? '"' : '\'');
  for (const char c : text) {
    if (!lines && c == '\'') {
      out += "''";
    } else if (lines && (c == '"' || c == '\\')) {
      out += std::string("\\") + c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  return out += out.front();
}

std::string flow_map(const RuleLabels& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", name, yaml_text(value));
  return out + "}";
}

}  // namespace

std::string_view to_string(RuleSet set) {
  return set == RuleSet::upstream ? "upstream" : "corrected";
}

std::vector<AlertRuleSpec> alert_rules(const Scenario& scenario) {
  std::vector<AlertRuleSpec> out;
  for (const RuleSet set : scenario.alerts.rule_sets) {
    for (const Row& row : kRules)
      if (row.set == set) out.push_back(shipped(row));
  }
  FileRules files = read_files(scenario);
  if (!files.wrong.empty()) throw Error(format(files.wrong));
  std::set<std::string> recorded;
  for (AlertRuleSpec& rule : files.rules) {
    if (rule.recording) recorded.insert(rule.alert);
    out.push_back(std::move(rule));
  }
  for (AlertRuleSpec& rule : out) read_expression(rule, scenario.sample_interval, recorded);
  return out;
}

std::vector<AlertRuleSpec> exported_rules(std::vector<PrometheusRule> read, Duration sample_interval) {
  std::vector<AlertRuleSpec> out;
  std::map<std::string, std::set<std::string>> names;  // by set
  std::set<std::string> recorded;
  for (PrometheusRule& rule : read) {
    const std::string* set = value_of(rule.labels, "rule_set");
    AlertRuleSpec spec = from_file(rule, set == nullptr ? std::string() : *set);
    if (spec.recording) recorded.insert(spec.alert);
    if (!spec.recording) spec.name = distinct(spec.name, names[spec.set]);
    out.push_back(std::move(spec));
  }
  for (AlertRuleSpec& rule : out) read_expression(rule, sample_interval, recorded);
  return out;
}

std::vector<Diagnostic> check_rule_files(const Scenario& scenario) {
  return read_files(scenario).wrong;
}

Duration longest_reach(std::span<const AlertRuleSpec> rules) {
  Duration longest;
  for (const AlertRuleSpec& rule : rules) {
    if (!rule.recording && rule.reason.empty()) longest = std::max(longest, promql::Expression(rule.expr).reach());
  }
  return longest;
}

AlertReach alert_reach(std::span<const AlertRuleSpec> rules, Duration near) {
  AlertReach reach;
  for (const AlertRuleSpec& rule : rules) {
    if (rule.recording || !rule.reason.empty()) continue;
    const promql::Expression expression(rule.expr);
    if (expression.reach() <= near) {
      reach.near_reach = std::max(reach.near_reach, expression.reach());
      continue;
    }
    reach.far_reach = std::max(reach.far_reach, expression.reach());
    reach.far_series.insert(reach.far_series.end(), expression.metrics().begin(), expression.metrics().end());
  }
  std::ranges::sort(reach.far_series);
  const auto repeated = std::ranges::unique(reach.far_series);
  reach.far_series.erase(repeated.begin(), repeated.end());
  return reach;
}

std::string prometheus_rules(std::span<const AlertRuleSpec> rules) {
  std::string out = "groups:\n";
  // Two sets may have a group of the same name; in one file it may stand once.
  std::set<std::string> taken;
  const AlertRuleSpec* before = nullptr;
  for (const AlertRuleSpec& rule : rules) {
    if (before == nullptr || before->set != rule.set || before->group != rule.group) {
      std::string group = rule.group;
      if (!taken.insert(group).second) taken.insert(group = fmt::format("{}/{}", rule.set, rule.group));
      out += fmt::format("- name: {}\n", yaml_text(group));
      if (rule.interval) out += fmt::format("  interval: {}\n", format_prometheus_duration(*rule.interval));
      out += "  rules:\n";
    }
    before = &rule;
    out += fmt::format("  - {}: {}\n    expr: {}\n", rule.recording ? "record" : "alert", yaml_text(rule.alert),
                       yaml_text(rule.expr));
    if (rule.hold > Duration{}) out += fmt::format("    for: {}\n", format_prometheus_duration(rule.hold));
    if (rule.keep_firing > Duration{})
      out += fmt::format("    keep_firing_for: {}\n", format_prometheus_duration(rule.keep_firing));
    RuleLabels labels = rule.labels;
    if (!rule.recording) {
      std::erase_if(labels, [](const auto& label) { return label.first == "rule_set"; });
      labels.emplace_back("rule_set", rule.set);
    }
    if (!labels.empty()) out += fmt::format("    labels: {}\n", flow_map(labels));
    if (!rule.annotations.empty()) out += fmt::format("    annotations: {}\n", flow_map(rule.annotations));
  }
  return out;
}

}  // namespace dvt::sim
