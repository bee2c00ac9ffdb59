#include "sim/study/review.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <mutex>

#include "engine/base/format.h"
#include "sim/scenario/rule_file.h"
#include "sim/study/execute.h"
#include "sim/study/parallel.h"

namespace dvt::sim {
namespace {

constexpr std::array kFactors{1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0};
constexpr std::array kHolds{minutes(1), minutes(2), minutes(5), minutes(10), minutes(15)};

struct Passes {
  const Scenario& scenario;
  const BacktestOptions& options;
  std::mutex telling{};
  std::size_t done = 0;
  std::size_t all = 0;

  void told() {
    const std::scoped_lock lock(telling);
    if (options.progress) options.progress(++done, all);
  }
};

/// The rule with other thresholds and other holding times, itself first.
std::vector<AlertRuleSpec> variants_of(const AlertRuleSpec& rule) {
  std::vector<std::string> expressions{rule.expr};
  if (const auto threshold = threshold_of(rule.expr)) {
    for (const double factor : kFactors) {
      if (factor == 1.0) continue;
      const double value = threshold->above ? threshold->value * factor : threshold->value / factor;
      expressions.push_back(with_threshold(rule.expr, *threshold, value));
    }
  }
  std::vector<Duration> holds{rule.hold};
  for (const Duration hold : kHolds)
    if (hold > rule.hold) holds.push_back(hold);
  std::vector<AlertRuleSpec> out;
  for (const std::string& expr : expressions) {
    for (const Duration hold : holds) {
      AlertRuleSpec variant = rule;
      variant.name = fmt::format("{}-v{}", rule.name, out.size());
      variant.expr = expr;
      variant.hold = hold;
      out.push_back(std::move(variant));
    }
  }
  return out;
}

/// Catches more, then is faster, then comes earlier in the list of variants, which begins with the nearest.
bool is_better(const RuleVariant& a, const RuleVariant& b) {
  if (a.tally.caught != b.tally.caught) return a.tally.caught > b.tally.caught;
  const auto median = [](const RuleVariant& v) { return v.tally.median_detection().value_or(Duration{INT64_MAX}); };
  return median(a) < median(b);
}

void propose(RuleReview& rule, const std::vector<RuleVariant>& variants, double limit) {
  const RuleVariant* best = nullptr;
  for (const RuleVariant& variant : variants) {
    if (variant.tally.firings == 0 || variant.tally.false_ratio() > limit) continue;
    if (best == nullptr || is_better(variant, *best)) best = &variant;
  }
  if (best == nullptr) {
    rule.note = "no threshold up to ten times as far and no `for` up to 15m keeps it within the limit and still fires";
    return;
  }
  rule.proposed = *best;
  if (judge_false_share(best->tally, limit) != BacktestVerdict::passed)
    rule.note = fmt::format("{} firings are too few to claim it: 59 without a false one are needed for 5 %",
                            best->tally.judged);
}

/// Two digits, upwards.
double rounded_up(double value) {
  if (!(value > 0)) return 0;
  double scale = 1;
  while (value * scale >= 100) scale /= 10;
  while (value * scale < 10) scale *= 10;
  auto digits = static_cast<std::int64_t>(value * scale);
  if (static_cast<double>(digits) < value * scale) ++digits;
  return static_cast<double>(digits) / scale;
}

void review_targets(ReviewResult& out, const std::vector<std::vector<ObjectiveResult>>& runs) {
  if (runs.empty()) return;
  for (std::size_t i = 0; i < runs.front().size(); ++i) {
    const ObjectiveResult& first = runs.front()[i];
    if (first.target.unit != Unit::seconds) continue;  // shares, counts and gaps have no percentile to move
    TargetReview target;
    target.objective = first.name;
    target.unit = to_string(first.target.unit);
    target.target = first.target.in_unit();
    for (const std::vector<ObjectiveResult>& run : runs) {
      if (!run[i].observed || run[i].verdict == ObjectiveVerdict::not_measured) continue;
      ++target.runs;
      target.met += run[i].verdict == ObjectiveVerdict::pass ? 1 : 0;
      target.worst = std::max(target.worst, run[i].observed->in_unit());
    }
    if (target.runs == 0) continue;
    target.proposed = rounded_up(target.worst * 1.1);
    target.advice = target.worst > target.target          ? "relax, or mend what makes it slow"
                    : target.proposed < target.target / 2 ? "tighten"
                                                          : "keep";
    out.targets.push_back(std::move(target));
  }
}

}  // namespace

std::optional<Threshold> threshold_of(const std::string& expr) {
  std::optional<Threshold> found;
  int comparisons = 0;
  char quote = 0;
  for (std::size_t i = 0; i < expr.size(); ++i) {
    const char c = expr[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'' || c == '`') quote = c;
    if (c == '{') {  // matchers hold = and != of their own
      while (i < expr.size() && expr[i] != '}') ++i;
      continue;
    }
    if (c != '<' && c != '>') continue;
    ++comparisons;
    std::size_t at = i + 1;
    if (at < expr.size() && expr[at] == '=') ++at;
    while (at < expr.size() && expr[at] == ' ') ++at;
    double value = 0;
    const auto read = std::from_chars(expr.data() + at, expr.data() + expr.size(), value);
    if (read.ec != std::errc{}) continue;
    const auto end = static_cast<std::size_t>(read.ptr - expr.data());
    // A product such as 14.4 * 0.005 is no number to move.
    const std::size_t next = expr.find_first_not_of(' ', end);
    const bool whole = next == std::string::npos || expr[next] == ')' || expr.compare(next, 3, "and") == 0 ||
                       expr.compare(next, 2, "or") == 0 || expr.compare(next, 6, "unless") == 0;
    if (whole && value > 0) found = Threshold{at, end - at, value, c == '>'};
    i = end - 1;
  }
  if (comparisons != 1) return std::nullopt;
  return found;
}

std::string with_threshold(const std::string& expr, const Threshold& threshold, double value) {
  std::string out = expr;
  return out.replace(threshold.at, threshold.length, fmt::format("{}", value));
}

ReviewResult review(const Scenario& scenario, const BacktestOptions& options) {
  ReviewResult out;
  out.scenario = scenario.metadata.name;
  out.first_seed = options.first_seed;
  out.limit = options.limit;
  Passes passes{scenario, options};
  passes.all = 2 * options.runs;
  const std::vector<AlertRuleSpec> rules = alert_rules(scenario);

  // First: the rules and the objectives as they are.
  std::vector<std::optional<Verdict>> verdicts(options.runs);
  std::vector<std::string> problems(options.runs);
  parallel_for(
      options.runs, options.jobs,
      [&](std::size_t i) {
        try {
          Scenario own = scenario;
          own.seed = options.first_seed + i;
          own.alerts.act_on_run = false;
          ExecuteOptions execution;
          execution.world.store = options.store;
          verdicts[i] = execute(own, std::move(execution)).verdict;
        } catch (const std::exception& error) {
          problems[i] = fmt::format("seed {}: {}", options.first_seed + i, error.what());
        }
        passes.told();
      },
      options.stop);
  std::vector<std::vector<AlertResult>> alerts;
  std::vector<std::vector<ObjectiveResult>> objectives;
  for (const auto& verdict : verdicts) {
    if (!verdict) continue;
    alerts.push_back(verdict->alerts);
    objectives.push_back(verdict->objectives);
  }
  for (std::string& problem : problems)
    if (!problem.empty()) out.problems.push_back(std::move(problem));
  out.runs = alerts.size();
  review_targets(out, objectives);

  // Then: the variants of those that cry wolf, all of them in the same runs again.
  const BacktestResult now = pool(alerts, options.limit);
  std::vector<AlertRuleSpec> variants;
  struct Reviewed {
    std::size_t rule;   // in out.rules
    std::size_t first;  // in variants
    std::size_t count;
  };
  std::vector<Reviewed> reviewed;
  for (const RuleTally& tally : now.rules) {
    if (tally.tally.judged == 0) continue;
    const auto spec = std::ranges::find_if(
        rules, [&](const AlertRuleSpec& rule) { return rule.name == tally.rule && rule.set == tally.set; });
    RuleReview rule{tally.rule, tally.set, tally.severity, {spec->expr, 0, spec->hold, tally.tally}, false, {}, {}};
    if (const auto threshold = threshold_of(spec->expr)) rule.now.threshold = threshold->value;
    rule.above_limit = tally.tally.false_ratio() > options.limit;
    if (rule.above_limit) {
      std::vector<AlertRuleSpec> own = variants_of(*spec);
      reviewed.push_back({out.rules.size(), variants.size(), own.size()});
      for (AlertRuleSpec& variant : own) variants.push_back(std::move(variant));
    }
    out.rules.push_back(std::move(rule));
  }
  out.interrupted = options.stop != nullptr && *options.stop;
  if (variants.empty() || out.interrupted) return out;
  std::vector<std::optional<std::vector<AlertResult>>> again(options.runs);
  parallel_for(
      options.runs, options.jobs,
      [&](std::size_t i) {
        if (!verdicts[i]) return;
        again[i] = alerts_of_run(scenario, options.first_seed + i, variants, options.store);
        passes.told();
      },
      options.stop);
  std::vector<std::vector<AlertResult>> runs;
  for (auto& run : again)
    if (run) runs.push_back(std::move(*run));
  const BacktestResult tried = pool(runs, options.limit);
  for (const Reviewed& one : reviewed) {
    std::vector<RuleVariant> candidates;
    for (std::size_t i = one.first; i < one.first + one.count && i < tried.rules.size(); ++i) {
      RuleVariant variant{variants[i].expr, 0, variants[i].hold, tried.rules[i].tally};
      if (const auto threshold = threshold_of(variants[i].expr)) variant.threshold = threshold->value;
      candidates.push_back(std::move(variant));
    }
    propose(out.rules[one.rule], candidates, options.limit);
  }
  out.interrupted = options.stop != nullptr && *options.stop;
  return out;
}

}  // namespace dvt::sim
