// The paths that assertions can read (scenario.md, "Assertion grammar"): one list for `check`, which must know which
// paths exist and of which kind they are, and for the finished verdict, which gives them values. Both come from the
// same table, so a path that `check` accepts is one that a result can answer, and the other way round.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/measure/results.h"
#include "sim/scenario/assertion.h"
#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/verdict.h"

namespace dvt::sim {

/// Every path and metric that a result of this scenario can have. Without invariant names any is accepted.
PathCatalogue result_paths(const Scenario& scenario, std::span<const std::string> invariant_names = {});

/// Operations that wait for an alert that no loaded rule set has, with their positions.
std::vector<Diagnostic> check_alert_names(const Scenario& scenario, const PathCatalogue& catalogue);

/// The questions that a scenario's assertions put to the sampled series; register each with SeriesStore::add_query
/// before the run, so that the view below can answer.
std::vector<SeriesQuery> series_queries(std::span<const Assertion> assertions, Instant warmup_end);

/// A verdict as assertions see it. Borrows the verdict. Paths of what is not measured (budget, cost, a rule that is
/// not evaluated) have no value.
class VerdictView final : public ResultView {
 public:
  explicit VerdictView(const Verdict& verdict) : verdict_(verdict) {}
  std::optional<AssertValue> lookup(std::string_view path) const override;
  std::optional<double> metric(const MetricQuery& query) const override;

 private:
  std::optional<AssertValue> objective(std::string_view rest) const;
  std::optional<AssertValue> alert(std::string_view rest) const;
  std::optional<AssertValue> pauses(std::string_view rest) const;
  std::optional<AssertValue> capacity(std::string_view rest) const;
  std::optional<AssertValue> fault(std::string_view rest) const;
  std::optional<AssertValue> invariant(std::string_view rest) const;
  std::optional<AssertValue> plain(std::string_view path) const;

  const Verdict& verdict_;
};

/// Evaluates the scenario's assertions against the verdict, in their order. Text that does not parse fails with the
/// parser's message (the reader has refused it already, so this is for hand-made scenarios).
std::vector<AssertionResult> evaluate_assertions(const Scenario& scenario, const Verdict& verdict);

}  // namespace dvt::sim
