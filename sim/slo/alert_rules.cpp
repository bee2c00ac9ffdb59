// The two rule sets as a table (names, severities and expressions are those of rules-upstream.yaml and
// rules-corrected.yaml), and the typed forms of the rules that are evaluated.
#include <algorithm>
#include <array>

#include "sim/slo/alerts.h"
#include "sim/slo/promql.h"

namespace dvt::sim {

namespace {

constexpr std::string_view kEvents = "dvt_projection_lag_events";
constexpr std::string_view kSeconds = "dvt_projection_lag_seconds";
constexpr std::string_view kCompleted = "dvt_runs_completed_total";

/// `dvt_projection_lag_events > 100`: one alert a label set.
class UpstreamProjectionLag final : public AlertRule {
 public:
  using AlertRule::AlertRule;
  void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) const override {
    for (const std::uint32_t id : store.find(kEvents)) {
      const auto value = promql::instant(store, id, at);
      if (value && *value > 100) holding.push_back(promql::label_text(store.info(id).labels));
    }
  }
};

/// `max(dvt_projection_lag_events) > 100 and max(dvt_projection_lag_seconds) > 1`.
class CorrectedProjectionLag final : public AlertRule {
 public:
  using AlertRule::AlertRule;
  void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) const override {
    const auto events = greatest(store, kEvents, at);
    const auto age = greatest(store, kSeconds, at);
    if (events && age && *events > 100 && *age > 1) holding.emplace_back("{}");
  }

 private:
  static std::optional<double> greatest(const SeriesStore& store, std::string_view name, Instant at) {
    std::optional<double> out;
    for (const std::uint32_t id : store.find(name)) {
      const auto value = promql::instant(store, id, at);
      if (value && (!out || *value > *out)) out = value;
    }
    return out;
  }
};

/// `sum(increase(failed by the engine[10m])) / sum(increase(all[10m])) > 0.01 and the numerator >= 5`.
class CorrectedErrorRate final : public AlertRule {
 public:
  using AlertRule::AlertRule;
  Duration window() const override { return minutes(10); }
  void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) const override {
    const auto failed =
        promql::sum_of_increases(store, kCompleted, {{"status", "failed"}, {"error_class", "engine"}}, at, window());
    const auto all = promql::sum_of_increases(store, kCompleted, {}, at, window());
    if (!failed || !all) return;
    // 0 / 0 is NaN, which is not greater than anything.
    if (*failed / *all > 0.01 && *failed >= 5) holding.emplace_back("{}");
  }
};

/// `rate(…{status="failed"}[10m]) / rate(…[10m]) > threshold`, without sum(): PromQL pairs series with identical
/// labels, so each failed series is divided by itself and the quotient is 1, or NaN while its rate is zero. The
/// threshold never matters (domain §20); that is the fault these rules reproduce.
class UpstreamErrorRatio final : public AlertRule {
 public:
  UpstreamErrorRatio(AlertRuleInfo rule_info, double threshold)
      : AlertRule(std::move(rule_info)), threshold_(threshold) {}
  Duration window() const override { return minutes(10); }
  void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) const override {
    for (const std::uint32_t left : store.find(kCompleted)) {
      if (!promql::matches(store.info(left), {{"status", "failed"}})) continue;
      const std::uint32_t right = left;  // the one series whose labels are identical
      const auto numerator = promql::rate(store, left, at, window());
      const auto denominator = promql::rate(store, right, at, window());
      if (!numerator || !denominator) continue;
      if (*numerator / *denominator > threshold_) holding.push_back(promql::label_text(store.info(left).labels));
    }
  }

 private:
  double threshold_;
};

enum class Form : std::uint8_t { not_yet, upstream_lag, corrected_lag, corrected_error_rate, upstream_error_ratio };

struct Row {
  RuleSet set;
  std::string_view name;
  std::string_view severity;
  Duration hold;
  Form form;
  double threshold;         // of upstream_error_ratio
  std::string_view expr;    // of the evaluated ones
  std::string_view reason;  // of the others
};

constexpr std::string_view kQuantile = "not evaluated yet: histogram_quantile";
constexpr std::string_view kAbsentMetric = "not evaluated yet: its metric is absent";
constexpr std::string_view kPlain = "not evaluated yet";
constexpr std::string_view kRatio =
    "rate(dvt_runs_completed_total{status=\"failed\"}[10m]) / rate(dvt_runs_completed_total[10m])";

constexpr std::array kRules{
    Row{RuleSet::upstream, "ProjectionGapDetected", "P1", minutes(1), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "StateStoreWriteFailure", "P1", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "RunCompletionSLAViolation", "P1", minutes(5), Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::upstream, "AdapterHeartbeatLost", "P1", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "HighErrorRate", "P2", minutes(10), Form::upstream_error_ratio, 0.05, kRatio, ""},
    Row{RuleSet::upstream, "ProjectionLag", "P2", minutes(5), Form::upstream_lag, 0, "dvt_projection_lag_events > 100",
        ""},
    Row{RuleSet::upstream, "DeferredSignalsQueueBuildup", "P2", minutes(10), Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::upstream, "SLOAvailability", "Sev0", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::upstream, "SLOErrorRate", "Sev1", {}, Form::upstream_error_ratio, 0.01, kRatio, ""},
    Row{RuleSet::upstream, "SLOCompletion", "Sev1", {}, Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::upstream, "SLOPause", "Sev2", {}, Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::upstream, "StateStoreUnavailable", "Sev0", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "DataCorruption", "Sev0", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::upstream, "AdapterHeartbeatLostMatrix", "Sev1", {}, Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "ProjectionGapDetectedMatrix", "Sev1", {}, Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "OutboxDeliveryFailure", "Sev1", minutes(5), Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::upstream, "HighErrorRateMatrix", "Sev2", minutes(10), Form::upstream_error_ratio, 0.001, kRatio, ""},
    Row{RuleSet::upstream, "WorkerPodDown", "Sev2", minutes(5), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::upstream, "DiskSpaceLow", "Sev2", {}, Form::not_yet, 0, "", kAbsentMetric},

    Row{RuleSet::corrected, "Availability", "Sev0", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected,
        "ErrorRate",
        "Sev1",
        {},
        Form::corrected_error_rate,
        0,
        "sum(increase(dvt_runs_completed_total{status=\"failed\",error_class=\"engine\"}[10m])) / "
        "sum(increase(dvt_runs_completed_total[10m])) > 0.01 and "
        "sum(increase(dvt_runs_completed_total{status=\"failed\",error_class=\"engine\"}[10m])) >= 5",
        ""},
    Row{RuleSet::corrected, "CompletionLatency", "Sev1", minutes(5), Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::corrected, "PauseLatency", "Sev2", {}, Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::corrected, "ProjectionLag", "Sev1", minutes(5), Form::corrected_lag, 0,
        "max(dvt_projection_lag_events) > 100 and max(dvt_projection_lag_seconds) > 1", ""},
    Row{RuleSet::corrected, "ProjectionGap", "Sev1", {}, Form::not_yet, 0, "", kPlain},
    Row{RuleSet::corrected, "OutboxDelivery", "Sev1", minutes(5), Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::corrected, "StateStoreWriteLatency", "Sev2", minutes(5), Form::not_yet, 0, "", kQuantile},
    Row{RuleSet::corrected, "StateStoreUnavailable", "Sev0", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::corrected, "DataCorruption", "Sev0", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "AdapterHeartbeatLost", "Sev1", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::corrected, "WorkerDomainDown", "Sev1", minutes(2), Form::not_yet, 0, "", kPlain},
    Row{RuleSet::corrected, "DeferredSignalsQueueBuildup", "Sev2", minutes(10), Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "DiskSpaceLow", "Sev2", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "BudgetBurn14", "Sev0", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "BudgetBurn6", "Sev1", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "BudgetBurn3", "Sev2", {}, Form::not_yet, 0, "", kAbsentMetric},
    Row{RuleSet::corrected, "BudgetBurn1", "Sev3", {}, Form::not_yet, 0, "", kAbsentMetric},
};

std::unique_ptr<AlertRule> make_rule(const Row& row) {
  const bool lag = row.form == Form::upstream_lag || row.form == Form::corrected_lag;
  AlertRuleInfo info{std::string(row.name), row.set,  std::string(row.severity),
                     std::string(row.expr), row.hold, lag ? AlertTruth::projection_lag : AlertTruth::none};
  switch (row.form) {
    case Form::not_yet:
      break;
    case Form::upstream_lag:
      return std::make_unique<UpstreamProjectionLag>(std::move(info));
    case Form::corrected_lag:
      return std::make_unique<CorrectedProjectionLag>(std::move(info));
    case Form::corrected_error_rate:
      return std::make_unique<CorrectedErrorRate>(std::move(info));
    case Form::upstream_error_ratio:
      return std::make_unique<UpstreamErrorRatio>(std::move(info), row.threshold);
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(RuleSet set) {
  return set == RuleSet::upstream ? "upstream" : "corrected";
}

std::vector<std::unique_ptr<AlertRule>> typed_rules(RuleSet set) {
  std::vector<std::unique_ptr<AlertRule>> out;
  for (const Row& row : kRules) {
    if (row.set != set) continue;
    if (auto rule = make_rule(row)) out.push_back(std::move(rule));
  }
  return out;
}

std::vector<UnevaluatedRule> unevaluated_rules(RuleSet set) {
  std::vector<UnevaluatedRule> out;
  for (const Row& row : kRules) {
    if (row.set != set || row.form != Form::not_yet) continue;
    out.push_back({std::string(row.name), row.set, std::string(row.severity), std::string(row.reason)});
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
    for (const auto& rule : typed_rules(set)) longest = std::max(longest, rule->window());
  }
  return longest;
}

}  // namespace dvt::sim
