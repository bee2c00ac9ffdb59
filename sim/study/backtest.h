// Backtest: rule sets against each other over many seeds of one scenario, with a truth that no production system has:
// what was caught, late, missed and false (domain §14). Alerts do not act on these runs, so every set sees the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/confidence.h"
#include "sim/slo/alerts.h"
#include "sim/slo/escalation.h"

namespace dvt::sim {

/// Firings and impacts, pooled over seeds.
struct AlertTally {
  std::uint64_t firings = 0;
  std::uint64_t judged = 0;  // firings of rules whose truth is known
  std::uint64_t false_alarms = 0;
  std::uint64_t impacts = 0;
  std::uint64_t caught = 0;
  std::uint64_t late = 0;
  std::uint64_t missed = 0;
  std::vector<Duration> detections;  // of the impacts that were caught or late

  /// Of all impacts; a missed one counts as longer than any.
  std::optional<Duration> median_detection() const { return censored_median(detections, impacts); }
  /// false_alarms ÷ judged; 0 when nothing was judged.
  double false_ratio() const {
    return judged == 0 ? 0.0 : static_cast<double>(false_alarms) / static_cast<double>(judged);
  }
  /// Exact two-sided 95 % interval of false_alarms ÷ judged.
  confidence::Interval false_share() const;
};

struct RuleTally {
  std::string rule;
  std::string set;
  std::string severity;
  std::string objective;  // empty: it tells of causes
  std::string reason;     // not evaluated, or why its firings are not judged
  AlertTally tally;
};

enum class BacktestVerdict : std::uint8_t { passed, failed, inconclusive };
std::string_view to_string(BacktestVerdict verdict);

/// The pages of a rule set together: a span is caught when any rule of its objective caught it.
struct SetTally {
  std::string set;
  AlertTally pages;
  BacktestVerdict verdict = BacktestVerdict::inconclusive;
};

struct BacktestOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 10;
  unsigned jobs = 1;
  std::string store = "memory";
  double limit = 0.05;  // greatest false-alarm share
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::size_t done, std::size_t all)> progress;
};

struct BacktestResult {
  std::string scenario;
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 0;  // that ended as they should
  double limit = 0.05;
  std::vector<RuleTally> rules;  // in the order of the sets
  std::vector<SetTally> sets;
  std::vector<std::string> problems;  // runs that did not end
  bool interrupted = false;
};

/// Alerts of one run of the scenario under a seed, judged by `rules`, acting on nothing. Throws what the run throws.
std::vector<AlertResult> alerts_of_run(const Scenario& scenario, std::uint64_t seed,
                                       const std::vector<AlertRuleSpec>& rules, const std::string& store);

/// passed: the one-sided 95 % upper bound of the share is at most `limit` (59 firings without a false one put it below
/// 5 %); failed: the lower bound is above it; otherwise inconclusive.
BacktestVerdict judge_false_share(const AlertTally& tally, double limit);

BacktestResult backtest(const Scenario& scenario, const BacktestOptions& options);
/// The pooled tallies of runs, for tests: `runs` hold each run's alerts in the rules' order.
BacktestResult pool(const std::vector<std::vector<AlertResult>>& runs, double limit);

/// 3: a set fails; otherwise 7 when one is inconclusive or nothing ran; otherwise 0.
int exit_code(const BacktestResult& result);

}  // namespace dvt::sim
