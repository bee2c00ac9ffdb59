#include "sim/study/execute.h"

#include <algorithm>

#include "sim/check/fingerprint.h"
#include "sim/check/invariants.h"
#include "sim/import/plan_source.h"
#include "sim/scenario/openslo.h"
#include "sim/slo/own_objectives.h"
#include "sim/slo/result_paths.h"
#include "sim/world/workflow_plans.h"

namespace dvt::sim {
namespace {

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/=:%+,@") ==
                                          std::string::npos;
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Result<Scenario, std::vector<Diagnostic>> read_runnable(const std::string& file,
                                                        std::span<const SetOverride> overrides) {
  auto read = load_scenario(file, overrides);
  if (!read.has_value()) return read;
  Scenario& scenario = read.value();
  std::vector<Diagnostic> wrong = check_workflows(scenario);
  for (Diagnostic& one : add_objectives_of_file(scenario)) wrong.push_back(std::move(one));
  for (Diagnostic& one : check_own_objectives(scenario)) wrong.push_back(std::move(one));
  for (Diagnostic& one : check_plan_files(scenario)) wrong.push_back(std::move(one));
  const std::vector<Diagnostic> rules = check_rule_files(scenario);
  if (!rules.empty()) {  // the paths of assertions are not known without them
    wrong.insert(wrong.end(), rules.begin(), rules.end());
    return failure(std::move(wrong));
  }
  const PathCatalogue paths = result_paths(scenario, invariant_names());
  for (Diagnostic& one : check_assertions(scenario, paths)) wrong.push_back(std::move(one));
  for (Diagnostic& one : check_alert_names(scenario, paths)) wrong.push_back(std::move(one));
  if (!wrong.empty()) return failure(std::move(wrong));
  return read;
}

std::string reproduce_line(const Scenario& scenario, const std::vector<std::string>& sets, const std::string& store) {
  std::string line = "dvtsim run " + quoted(scenario.file_name) + " --seed " + std::to_string(scenario.seed);
  for (const std::string& set : sets) line += " --set " + quoted(set);
  if (store == "memory") line += " --store memory";
  return line;
}

namespace {

RunIdentity run_identity(const Scenario& scenario, const WorldResult& result, std::string reproduce) {
  RunIdentity identity;
  identity.scenario = scenario.metadata.name;
  identity.seed = scenario.seed;
  identity.fingerprint = hex16(result.fingerprint);
  identity.start = scenario.start;
  identity.events_total = result.events_total;
  identity.kernel_events = result.kernel_events;
  identity.reproduce = std::move(reproduce);
  return identity;
}

Verdict judge(const Scenario& scenario, WorldResult result, std::string reproduce) {
  RunIdentity identity = run_identity(scenario, result, std::move(reproduce));
  Verdict verdict = evaluate(std::move(identity), std::move(result.measured), scenario, std::move(result.alerts),
                             std::move(result.invariants));
  verdict.escalation = std::move(result.escalation);
  return verdict;
}

// An assertion that everything is known of and that does not hold.
bool must_abort(const std::vector<Assertion>& abort_on_fail, const Verdict& verdict) {
  const VerdictView view(verdict);
  return std::any_of(abort_on_fail.begin(), abort_on_fail.end(), [&](const Assertion& assertion) {
    const AssertionOutcome now = assertion.evaluate(view);
    return now.decided && !now.passed;
  });
}

}  // namespace

Executed execute(const Scenario& scenario, ExecuteOptions options) {
  std::vector<Assertion> assertions, abort_on_fail;
  for (const AssertionSpec& spec : scenario.assertions) {
    auto parsed = Assertion::parse(spec.text);
    if (!parsed.has_value()) continue;
    if (spec.abort_on_fail) abort_on_fail.push_back(parsed.value());
    assertions.push_back(std::move(parsed.value()));
  }
  options.world.queries = series_queries(assertions, Instant{scenario.warmup.ns});
  if (!abort_on_fail.empty()) {
    options.world.keep_going = [&](WorldResult so_far) {
      return !must_abort(abort_on_fail, judge(scenario, std::move(so_far), {}));
    };
  }
  World world(scenario, std::move(options.world));
  if (options.on_world) options.on_world(&world);
  WorldResult result = world.run();
  if (options.on_world) options.on_world(nullptr);

  Executed executed;
  executed.interrupted = result.interrupted;
  executed.warnings = std::move(result.warnings);
  const bool diverged =
      std::any_of(result.invariants.begin(), result.invariants.end(), [](const InvariantResult& invariant) {
        return invariant.name == "replay-gives-same-commands" && invariant.violations > 0;
      });
  const bool aborted = result.aborted;
  executed.verdict = judge(scenario, std::move(result), std::move(options.reproduce));
  std::vector<AssertionResult> outcomes = evaluate_assertions(scenario, executed.verdict);
  // What fails at the end only has ended the run as well.
  const bool failed_last = std::any_of(outcomes.begin(), outcomes.end(),
                                       [](const AssertionResult& a) { return a.abort_on_fail && !a.passed; });
  conclude(executed.verdict, std::move(outcomes), diverged ? Replay::diverged : Replay::agreed,
           aborted || failed_last ? Ending::aborted : Ending::complete);
  return executed;
}

}  // namespace dvt::sim
