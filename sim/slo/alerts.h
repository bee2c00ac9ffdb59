// Alert rules, stepped on the sampling grid as Prometheus steps them: an expression that holds makes a label set
// pending, one that holds for `for` makes it firing, one that no longer holds resolves it. The same evaluator serves
// operations that react during the run and the verdict after it.
//
// A rule's firing is one page: it begins when the first of its label sets fires and ends when none does. Rules are
// stepped from t0, because state before warm-up's end counts; a firing counts when it *begins* at or after the end of
// warm-up (design §7). Rules whose metric is absent are listed with the reason, never silently left out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/measure/series.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// What kind of truth a rule's firings are judged against.
enum class AlertTruth : std::uint8_t { none, projection_lag };

struct AlertRuleInfo {
  std::string name;
  RuleSet set = RuleSet::corrected;
  std::string severity;
  std::string expr;  // PromQL, as in the rule file
  Duration hold;     // `for`
  AlertTruth truth = AlertTruth::none;
};
std::string_view to_string(RuleSet set);  // upstream, corrected

class AlertRule {
 public:
  explicit AlertRule(AlertRuleInfo rule_info) : info_(std::move(rule_info)) {}
  virtual ~AlertRule() = default;
  const AlertRuleInfo& info() const { return info_; }
  /// Appends the label sets for which the expression holds at `at`.
  virtual void evaluate(const SeriesStore& store, Instant at, std::vector<std::string>& holding) = 0;
  /// How far back the expression's ranges look; zero when it reads present values only.
  virtual Duration window() const { return {}; }

 private:
  AlertRuleInfo info_;
};

/// Rules of the set whose metrics are fed. `start`: the scenario's, for time().
std::vector<std::unique_ptr<AlertRule>> evaluated_rules(RuleSet set, UnixNanos start);
/// The sets as one rule file of Prometheus, rules that are not evaluated here included.
std::string prometheus_rules(std::span<const RuleSet> sets);
/// Rules of the set that are not evaluated.
struct UnevaluatedRule {
  std::string name;
  RuleSet set = RuleSet::corrected;
  std::string severity;
  std::string reason;
};
std::vector<UnevaluatedRule> unevaluated_rules(RuleSet set);
/// Names of all rules of the set, evaluated or not, in the file's order.
std::vector<std::string> rule_names(RuleSet set);
/// The longest window of the evaluated rules of the sets: MeasureConfig::keep_samples must cover it.
Duration longest_alert_window(std::span<const RuleSet> sets);

struct Firing {
  Instant pending_at;
  Instant firing_at;
  std::optional<Instant> resolved_at;  // absent: still firing at the end
};

struct AlertResult {
  std::string rule;
  RuleSet set = RuleSet::corrected;
  std::string severity;
  bool evaluated = true;
  std::string reason;           // why not evaluated
  std::vector<Firing> firings;  // those that count
  /// Onset of the cause → first firing; absent: no firing, or no fault to relate it to.
  std::optional<Duration> detection;
  /// Firings that overlap neither a fault nor an interval in which the exact SLI was bad; absent: the rule's truth is
  /// not measured yet.
  std::optional<std::uint64_t> false_alarms;
  std::uint64_t fired() const { return firings.size(); }
};

enum class AlertState : std::uint8_t { inactive, pending, firing };

/// A change of a rule's state, for operations that react to it. firing → inactive is "resolved".
struct AlertTransition {
  std::string_view rule;
  RuleSet set = RuleSet::corrected;
  AlertState from = AlertState::inactive;
  AlertState to = AlertState::inactive;
};

class AlertEvaluator {
 public:
  AlertEvaluator(std::span<const RuleSet> sets, Instant warmup_end, UnixNanos start);

  /// Call on the grid after Measure::sample(at); not at an end instant off the grid. Returns what changed, in the order
  /// of the rules; valid until the next step.
  std::span<const AlertTransition> step(const SeriesStore& store, Instant at);
  AlertState state(std::string_view rule, RuleSet set) const;

  /// Firings, their detection time and their truth. `faults` from the run's measurements.
  std::vector<AlertResult> results(const std::vector<FaultSummary>& faults, Instant end) const;

 private:
  struct LabelSet {
    Instant active_at;
    bool firing = false;
    std::uint64_t seen_at_step = 0;
  };
  struct Counted {
    Firing firing;
    bool counted = false;   // began after warm-up
    double bad_before = 0;  // the SLI's bad time just before it became pending
    bool impact = false;
  };
  struct Entry {
    std::unique_ptr<AlertRule> rule;
    std::map<std::string, LabelSet, std::less<>> label_sets;
    AlertState state = AlertState::inactive;
    std::vector<Counted> firings;
    double bad_at_last_step = 0;
    double bad_before_pending = 0;
  };
  void step_rule(Entry& entry, const SeriesStore& store, Instant at);
  static double bad_time(const Entry& entry, const SeriesStore& store, Instant at);

  std::vector<Entry> entries_;
  std::vector<UnevaluatedRule> unevaluated_;
  std::vector<std::pair<RuleSet, std::string>> order_;  // all rules, for results
  Instant warmup_end_;
  std::uint64_t steps_ = 0;
  std::vector<AlertTransition> transitions_;
  std::vector<std::string> holding_;
};

}  // namespace dvt::sim
