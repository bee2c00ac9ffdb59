// Alert rules, stepped on the sampling grid as Prometheus steps them: an expression that holds makes a label set
// pending, one that holds for `for` makes it firing, one that no longer holds resolves it, after `keep_firing_for` when
// the rule has that. The same evaluator serves operations that react during the run and the verdict after it.
//
// A rule's firing is one page: it begins when the first of its label sets fires and ends when none does. Rules are
// stepped from t0, because state before warm-up's end counts; a firing counts when it *begins* at or after the end of
// warm-up (design §7). Rules that are not evaluated are listed with the reason, never silently left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/measure/series.h"
#include "sim/scenario/rule_file.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/impact.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim {

std::string_view to_string(RuleSet set);  // upstream, corrected

/// One rule of a loaded set, shipped or from a file of the scenario's.
struct AlertRuleSpec {
  std::string name;  // in paths and results: the alert's name, with -2, -3 … where a set has it again
  std::string set;   // upstream, corrected, or a file's name without its ending
  std::string group;
  std::string alert;     // as written; of a recording rule the series that it makes
  std::string severity;  // labels.severity; empty: none
  std::string expr;
  Duration hold;                     // `for`
  Duration keep_firing;              // `keep_firing_for`
  std::optional<Duration> interval;  // the group's own
  RuleLabels labels;
  RuleLabels annotations;
  bool recording = false;
  /// In whose exact indicator the truth lies: a label or annotation `objective`, otherwise what its metrics tell of.
  /// Empty: it tells of causes.
  std::string objective;
  /// Why it is not evaluated; empty: it is.
  std::string reason;
};

/// The rules of an exported rule file as they were before: their sets from the label rule_set.
std::vector<AlertRuleSpec> exported_rules(std::vector<PrometheusRule> read, Duration sample_interval);
/// All rules of the scenario's sets and files, in order, recording rules included. Throws dvt::Error with every
/// diagnostic of files that cannot be read.
std::vector<AlertRuleSpec> alert_rules(const Scenario& scenario);
/// What is wrong with the rule files that a scenario names.
std::vector<Diagnostic> check_rule_files(const Scenario& scenario);
/// The rules as one rule file of Prometheus, each labelled with its rule_set; rules that are not evaluated included.
std::string prometheus_rules(std::span<const AlertRuleSpec> rules);
/// How far back the evaluated rules look: what is kept of the samples must cover it.
Duration longest_reach(std::span<const AlertRuleSpec> rules);
/// The same in two parts: rules that reach back no further than `near` make near_reach; what the others read is named,
/// so that these few series alone are kept for far_reach.
struct AlertReach {
  Duration near_reach;
  Duration far_reach;
  std::vector<std::string> far_series;  // sorted
};
AlertReach alert_reach(std::span<const AlertRuleSpec> rules, Duration near);

struct Firing {
  Instant pending_at;
  Instant firing_at;
  std::optional<Instant> resolved_at;  // absent: still firing at the end
};

/// The middle (nearest rank) of `n` times to detection of which only these are known: the others took longer than any.
/// Absent when the middle one is not known.
std::optional<Duration> censored_median(std::vector<Duration> known, std::uint64_t n);

/// A rule's firings against the spans in which its objective's exact indicator was bad.
struct ImpactTruth {
  std::uint64_t n = 0;       // spans
  std::uint64_t caught = 0;  // it fired while the indicator was bad
  std::uint64_t late = 0;    // it fired after that only, within the reach of its window and `for`
  std::uint64_t missed = 0;  // neither: the time to detection is censored
  std::uint64_t true_firings = 0;
  struct Span {
    std::optional<Duration> detection;  // absent: missed
    bool late = false;
  };
  std::vector<Span> spans;
  /// Onset of each span that was caught or late → firing; zero when it fired already. In order of the spans.
  std::vector<Duration> detections;
  /// Of all spans; a missed one counts as longer than any.
  std::optional<Duration> median_detection() const { return censored_median(detections, n); }
};

struct AlertResult {
  std::string rule;
  std::string set;
  std::string severity;
  bool evaluated = true;
  std::string reason;           // why not evaluated
  std::vector<Firing> firings;  // those that count
  /// Onset of the cause → first firing; absent: no firing, or no fault to relate it to.
  std::optional<Duration> detection;
  /// Firings that overlap neither a fault nor an impact; absent: the impact of the rule's objective is not measured.
  std::optional<std::uint64_t> false_alarms;
  std::string objective;              // empty: the rule tells of causes
  std::optional<ImpactTruth> impact;  // absent: no objective, or one whose impact is not measured
  /// Share of the objective's budget of the run that was gone at the first firing.
  std::optional<double> budget_consumed;
  std::uint64_t failed_steps = 0;  // points of the grid at which the expression could not be evaluated
  std::string failure;             // what the first of them said
  std::uint64_t fired() const { return firings.size(); }
  /// Of its firings, the share that an impact stands behind; of the impacts, the share that it caught in time.
  std::optional<double> precision() const;
  std::optional<double> recall() const;
};

enum class AlertState : std::uint8_t { inactive, pending, firing };

/// A change of a rule's state, for operations that react to it. firing → inactive is "resolved".
struct AlertTransition {
  std::string_view rule;
  std::string_view set;
  std::string_view severity;
  AlertState from = AlertState::inactive;
  AlertState to = AlertState::inactive;
};

class AlertEvaluator {
 public:
  /// `start`: the scenario's, for time().
  AlertEvaluator(std::vector<AlertRuleSpec> rules, Instant warmup_end, UnixNanos start);

  /// Call on the grid after Measure::sample(at); not at an end instant off the grid. Returns what changed, in the order
  /// of the rules; valid until the next step.
  std::span<const AlertTransition> step(const SeriesStore& store, Instant at);
  AlertState state(std::string_view rule, std::string_view set) const;
  /// Labels of the rule's alerts that fire now, the rule's own added; for exports.
  std::vector<LabelPairs> firing_labels(std::string_view rule, std::string_view set) const;
  const std::vector<AlertRuleSpec>& rules() const { return rules_; }

  /// Firings, their detection time and their truth. `faults` from the run's measurements.
  std::vector<AlertResult> results(const std::vector<FaultSummary>& faults, const std::vector<Impact>& impacts,
                                   Instant end) const;

 private:
  struct LabelSet {
    Instant active_at;
    bool firing = false;
    std::optional<Instant> kept_since;  // it no longer holds and is kept firing
    std::uint64_t seen_at_step = 0;
    promql::Element element;
  };
  struct Entry {
    std::size_t rule = 0;  // in rules_
    promql::Expression expression;
    std::map<std::string, LabelSet, std::less<>> label_sets{};
    AlertState state = AlertState::inactive;
    std::vector<Firing> firings{};
    std::uint64_t failed_steps = 0;
    std::string failure{};
  };
  void step_rule(Entry& entry, const SeriesStore& store, Instant at);
  const Entry* find(std::string_view rule, std::string_view set) const;
  AlertResult judge(const Entry& entry, const std::vector<FaultSummary>& faults, const std::vector<Impact>& impacts,
                    Instant end) const;

  std::vector<AlertRuleSpec> rules_;
  std::vector<Entry> entries_;
  Instant warmup_end_;
  UnixNanos start_;
  std::uint64_t steps_ = 0;
  std::vector<AlertTransition> transitions_;
  std::vector<promql::Element> holding_;
};

}  // namespace dvt::sim
