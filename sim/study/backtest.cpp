#include "sim/study/backtest.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/base/format.h"
#include "sim/study/parallel.h"
#include "sim/world/world.h"

namespace dvt::sim {
namespace {

void add(AlertTally& tally, const AlertResult& alert) {
  tally.firings += alert.fired();
  if (alert.false_alarms) {
    tally.judged += alert.fired();
    tally.false_alarms += *alert.false_alarms;
  }
}

void add_span(AlertTally& tally, const ImpactTruth::Span& span) {
  ++tally.impacts;
  if (!span.detection) {
    ++tally.missed;
    return;
  }
  ++(span.late ? tally.late : tally.caught);
  tally.detections.push_back(*span.detection);
}

/// The better of two rules' outcomes for the same span: in time before late before missed, then the faster.
ImpactTruth::Span better(const ImpactTruth::Span& a, const ImpactTruth::Span& b) {
  if (!a.detection || !b.detection) return a.detection ? a : b;
  if (a.late != b.late) return a.late ? b : a;
  return *a.detection <= *b.detection ? a : b;
}

/// One run's pages of a set: firings of each rule, spans of each objective.
void add_pages(AlertTally& pages, const std::vector<AlertResult>& alerts, const std::string& set) {
  std::map<std::string, std::vector<ImpactTruth::Span>> by_objective;
  for (const AlertResult& alert : alerts) {
    if (alert.set != set || !alert.evaluated || !is_page(alert.severity)) continue;
    add(pages, alert);
    if (!alert.impact) continue;
    auto [it, fresh] = by_objective.try_emplace(alert.objective, alert.impact->spans);
    if (fresh) continue;
    for (std::size_t i = 0; i < it->second.size(); ++i) it->second[i] = better(it->second[i], alert.impact->spans[i]);
  }
  for (const auto& [objective, spans] : by_objective)
    for (const ImpactTruth::Span& span : spans) add_span(pages, span);
}

RuleTally described(const AlertResult& alert) {
  RuleTally rule;
  rule.rule = alert.rule;
  rule.set = alert.set;
  rule.severity = alert.severity;
  rule.objective = alert.objective;
  rule.reason = alert.reason;
  if (alert.evaluated && !alert.false_alarms)
    rule.reason = "the impact of " + alert.objective + " is not measured over time";
  return rule;
}

}  // namespace

confidence::Interval AlertTally::false_share() const {
  return confidence::share(static_cast<std::int64_t>(false_alarms), static_cast<std::int64_t>(judged), 0.95);
}

std::string_view to_string(BacktestVerdict verdict) {
  switch (verdict) {
    case BacktestVerdict::passed:
      return "passed";
    case BacktestVerdict::failed:
      return "failed";
    case BacktestVerdict::inconclusive:
      return "inconclusive";
  }
  return "";
}

BacktestVerdict judge_false_share(const AlertTally& tally, double limit) {
  const auto hits = static_cast<std::int64_t>(tally.false_alarms);
  const auto n = static_cast<std::int64_t>(tally.judged);
  if (confidence::share_at_most(hits, n, 0.95) <= limit) return BacktestVerdict::passed;
  constexpr double kRounding = 1e-9;
  if (confidence::share_at_least(hits, n, 0.95) > limit + kRounding) return BacktestVerdict::failed;
  return BacktestVerdict::inconclusive;
}

std::vector<AlertResult> alerts_of_run(const Scenario& scenario, std::uint64_t seed,
                                       const std::vector<AlertRuleSpec>& rules, const std::string& store) {
  Scenario own = scenario;
  own.seed = seed;
  own.alerts.act_on_run = false;
  WorldOptions options;
  options.store = store;
  options.alert_rules = rules;
  World world(own, std::move(options));
  return world.run().alerts;
}

BacktestResult pool(const std::vector<std::vector<AlertResult>>& runs, double limit) {
  BacktestResult out;
  out.limit = limit;
  out.runs = runs.size();
  if (runs.empty()) return out;
  for (const AlertResult& alert : runs.front()) {
    out.rules.push_back(described(alert));
    if (std::ranges::find(out.sets, alert.set, &SetTally::set) == out.sets.end())
      out.sets.push_back({alert.set, {}, {}});
  }
  for (const std::vector<AlertResult>& run : runs) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      add(out.rules[i].tally, run[i]);
      if (!run[i].impact) continue;
      for (const ImpactTruth::Span& span : run[i].impact->spans) add_span(out.rules[i].tally, span);
    }
    for (SetTally& set : out.sets) add_pages(set.pages, run, set.set);
  }
  for (SetTally& set : out.sets) set.verdict = judge_false_share(set.pages, limit);
  return out;
}

BacktestResult backtest(const Scenario& scenario, const BacktestOptions& options) {
  const std::vector<AlertRuleSpec> rules = alert_rules(scenario);
  std::vector<std::optional<std::vector<AlertResult>>> found(options.runs);
  std::vector<std::string> problems(options.runs);
  std::mutex telling;
  std::size_t done = 0;
  parallel_for(
      options.runs, options.jobs,
      [&](std::size_t i) {
        const std::uint64_t seed = options.first_seed + i;
        try {
          found[i] = alerts_of_run(scenario, seed, rules, options.store);
        } catch (const std::exception& error) {
          problems[i] = fmt::format("seed {}: {}", seed, error.what());
        }
        const std::scoped_lock lock(telling);
        if (options.progress) options.progress(++done, options.runs);
      },
      options.stop);
  std::vector<std::vector<AlertResult>> runs;
  for (auto& run : found)
    if (run) runs.push_back(std::move(*run));
  BacktestResult out = pool(runs, options.limit);
  out.scenario = scenario.metadata.name;
  out.first_seed = options.first_seed;
  for (std::string& problem : problems)
    if (!problem.empty()) out.problems.push_back(std::move(problem));
  out.interrupted = options.stop != nullptr && *options.stop;
  return out;
}

int exit_code(const BacktestResult& result) {
  if (!result.problems.empty()) return 1;
  const auto any = [&](BacktestVerdict verdict) {
    return std::ranges::find(result.sets, verdict, &SetTally::verdict) != result.sets.end();
  };
  if (any(BacktestVerdict::failed)) return 3;
  return result.sets.empty() || any(BacktestVerdict::inconclusive) ? 7 : 0;
}

}  // namespace dvt::sim
