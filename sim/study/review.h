// Review (the document's §5): after many runs, thresholds and holding times that keep a rule's false-alarm share within
// the limit, and targets that the load of these runs supports. Proposals, each with the figures it rests on; nothing is
// changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/study/backtest.h"

namespace dvt::sim {

/// A rule with another threshold or another `for`, and how it would have done on the same runs.
struct RuleVariant {
  std::string expr;
  double threshold = 0;
  Duration hold;
  AlertTally tally;
};

struct RuleReview {
  std::string rule;
  std::string set;
  std::string severity;
  RuleVariant now;
  /// The share of false alarms is above the limit as it stands.
  bool above_limit = false;
  /// Of the variants within the limit the one that catches most, then the fastest, then the nearest to what is; absent:
  /// the rule is within the limit, or no variant is.
  std::optional<RuleVariant> proposed;
  std::string note;
};

struct TargetReview {
  std::string objective;
  std::string unit;
  double target = 0;
  double worst = 0;  // of the runs' observed values
  std::uint64_t runs = 0;
  std::uint64_t met = 0;  // runs that met the target
  double proposed = 0;    // the worst, with a tenth more, to two digits
  std::string advice;     // tighten, keep or relax
};

struct ReviewResult {
  std::string scenario;
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 0;
  double limit = 0.05;
  std::vector<RuleReview> rules;  // evaluated rules whose truth is known and that fired
  std::vector<TargetReview> targets;
  std::vector<std::string> problems;
  bool interrupted = false;
};

/// The number a rule compares with, when its expression has exactly one comparison with a number; where it stands.
struct Threshold {
  std::size_t at = 0;
  std::size_t length = 0;
  double value = 0;
  bool above = true;  // > or >=
};
std::optional<Threshold> threshold_of(const std::string& expr);
std::string with_threshold(const std::string& expr, const Threshold& threshold, double value);

ReviewResult review(const Scenario& scenario, const BacktestOptions& options);

}  // namespace dvt::sim
