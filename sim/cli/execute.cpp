#include "sim/cli/execute.h"

#include <algorithm>

#include "sim/check/fingerprint.h"
#include "sim/slo/result_paths.h"

namespace dvt::sim::cli {
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

std::string reproduce_line(const Scenario& scenario, const std::vector<std::string>& sets, const std::string& store) {
  std::string line = "dvtsim run " + quoted(scenario.file_name) + " --seed " + std::to_string(scenario.seed);
  for (const std::string& set : sets) line += " --set " + quoted(set);
  if (store == "memory") line += " --store memory";
  return line;
}

Executed execute(const Scenario& scenario, ExecuteOptions options) {
  std::vector<Assertion> assertions;
  for (const AssertionSpec& spec : scenario.assertions) {
    auto parsed = Assertion::parse(spec.text);
    if (parsed.has_value()) assertions.push_back(std::move(parsed.value()));
  }
  options.world.queries = series_queries(assertions, Instant{scenario.warmup.ns});
  World world(scenario, std::move(options.world));
  if (options.on_world) options.on_world(&world);
  WorldResult result = world.run();
  if (options.on_world) options.on_world(nullptr);

  RunIdentity identity;
  identity.scenario = scenario.metadata.name;
  identity.seed = scenario.seed;
  identity.fingerprint = hex16(result.fingerprint);
  identity.start = scenario.start;
  identity.events_total = result.events_total;
  identity.kernel_events = result.kernel_events;
  identity.reproduce = std::move(options.reproduce);
  Executed executed;
  executed.interrupted = result.interrupted;
  executed.warnings = std::move(result.warnings);
  const bool diverged =
      std::any_of(result.invariants.begin(), result.invariants.end(), [](const InvariantResult& invariant) {
        return invariant.name == "replay-gives-same-commands" && invariant.violations > 0;
      });
  executed.verdict = evaluate(std::move(identity), std::move(result.measured), scenario, std::move(result.alerts),
                              std::move(result.invariants));
  std::vector<AssertionResult> outcomes = evaluate_assertions(scenario, executed.verdict);
  const bool aborted = std::any_of(outcomes.begin(), outcomes.end(),
                                   [](const AssertionResult& a) { return a.abort_on_fail && !a.passed; });
  conclude(executed.verdict, std::move(outcomes), diverged ? Replay::diverged : Replay::agreed,
           aborted ? Ending::aborted : Ending::complete);
  return executed;
}

}  // namespace dvt::sim::cli
