// Assembling and deciding.
#include "sim/slo/verdict.h"

#include "engine/base/format.h"
#include "sim/scenario/scalars.h"
#include "sim/slo/serial_floor.h"

#include <algorithm>

namespace dvt::sim {

namespace {

std::string names_of(const std::vector<ObjectiveResult>& objectives, ObjectiveVerdict wanted) {
  std::string out;
  for (const ObjectiveResult& objective : objectives) {
    if (objective.verdict != wanted) continue;
    if (!out.empty()) out += ", ";
    out += objective.name;
  }
  return out;
}

void decide(Verdict& verdict, ExitCode code, std::string why) {
  verdict.exit_code = code;
  verdict.passed = code == ExitCode::passed;
  verdict.decided_by = std::move(why);
}

void decide_by_assertions(Verdict& verdict) {
  const auto failed = std::ranges::count(verdict.assertions, false, &AssertionResult::passed);
  const std::size_t all = verdict.assertions.size();
  if (failed == 0) {
    decide(verdict, ExitCode::passed, fmt::format("all {} assertions hold", all));
  } else {
    decide(verdict, ExitCode::failed, fmt::format("{} of {} assertions failed", failed, all));
  }
}

void decide_by_objectives(Verdict& verdict) {
  const auto of = [&](ObjectiveVerdict wanted) {
    return std::ranges::count(verdict.objectives, wanted, &ObjectiveResult::verdict);
  };
  const auto failed = of(ObjectiveVerdict::fail);
  const auto passed = of(ObjectiveVerdict::pass);
  if (failed > 0) {
    decide(verdict, ExitCode::failed,
           fmt::format("objectives missed: {}", names_of(verdict.objectives, ObjectiveVerdict::fail)));
  } else if (passed > 0) {
    decide(verdict, ExitCode::passed,
           fmt::format("{} objectives met, {} not decided", passed,
                       static_cast<std::int64_t>(verdict.objectives.size()) - passed));
  } else {
    decide(verdict, ExitCode::nothing_checked, "no objective could be decided");
  }
}

// Known fault 10 is nothing that happened: it is named where it shows, whatever the verdict.
void name_serial_floors(Verdict& verdict, const Scenario& scenario) {
  for (ObjectiveResult& objective : verdict.objectives) {
    if (objective.name != "completion") continue;
    for (const SerialFloor& floor : serial_floors(scenario, verdict.measured.plans, objective.target.duration)) {
      objective.reason += fmt::format(
          "{}known fault 10: plan {} of {} steps makes {} control activities one after the other, {} a run at the mean "
          "with nothing wrong: {} is out of its reach",
          objective.reason.empty() ? "" : "; ", floor.plan, floor.steps, floor.activities, format_value(floor.floor),
          format_value(objective.target.duration));
    }
  }
}

}  // namespace

Verdict evaluate(RunIdentity identity, Measurements measured, const Scenario& scenario, std::vector<AlertResult> alerts,
                 std::vector<InvariantResult> invariants) {
  Verdict verdict;
  verdict.identity = std::move(identity);
  verdict.cost = cost_of(measured, scenario);
  verdict.budget = budget_result(measured, scenario);
  verdict.objectives = evaluate_objectives(measured, scenario.objectives, {}, verdict.cost);
  verdict.measured = std::move(measured);
  name_serial_floors(verdict, scenario);
  verdict.alerts = std::move(alerts);
  verdict.invariants = std::move(invariants);
  return verdict;
}

void conclude(Verdict& verdict, std::vector<AssertionResult> assertions, Replay replay, Ending ending) {
  verdict.assertions = std::move(assertions);
  std::string violated;
  for (const InvariantResult& invariant : verdict.invariants) {
    if (invariant.violations == 0 || invariant.known_fault != 0) continue;
    if (!violated.empty()) violated += ", ";
    violated += invariant.name;
  }
  if (!violated.empty()) {
    decide(verdict, ExitCode::violated, fmt::format("invariants violated: {}", violated));
  } else if (replay == Replay::diverged) {
    decide(verdict, ExitCode::violated, "replay diverged");
  } else if (ending == Ending::aborted) {
    decide(verdict, ExitCode::aborted,
           fmt::format("an assertion with abortOnFail failed; the run ended at {}",
                       format_value(Duration{verdict.measured.end.ns})));
  } else if (!verdict.assertions.empty()) {
    decide_by_assertions(verdict);
  } else {
    decide_by_objectives(verdict);
  }
}

}  // namespace dvt::sim
