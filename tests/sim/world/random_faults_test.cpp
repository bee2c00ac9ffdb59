// Whatever befalls a world, in any mixture: its invariants hold. Lists of random faults over all targets; a list that
// breaks an invariant is shrunk to a scenario file that `dvtsim run` repeats.
#include <gtest/gtest.h>

#include <fstream>

#include "engine/workflow/context.h"
#include "sim/scenario/reader.h"
#include "sim/study/ddmin.h"
#include "sim/world/world.h"
#include "tests/support/fake_random.h"

namespace dvt::sim {
namespace {

using test::TestBits;

/// One entry of `faults`, without its name.
using FaultTexts = std::vector<std::string>;

// Kinds that last for a while, and kinds that are over at once.
constexpr const char* kLasting[] = {
    "kind: latency, target: store, factor: 5",
    "kind: failover, target: store",
    "kind: commit-unknown, target: store",
    "kind: corrupt, target: store",
    "kind: partition, target: link/worker/store",
    "kind: loss, target: link/worker/store",
    "kind: duplicate, target: link/worker/store",
    "kind: stall, target: projector/random(1)",
    "kind: process-pause, target: projector/1",
    "kind: outage, target: outbox/0",
    "kind: duplicate, target: bus/ui, share: 50%",
    "kind: error, target: bus, share: 50%",
    "kind: outage, target: adapter",
    "kind: partition, target: adapter",
    "kind: loss, target: adapter, share: 30%",
    "kind: error, target: adapter, share: 30%",
    "kind: latency, target: adapter, factor: 50",
    "kind: error, target: api, share: 20%",
    "kind: outage, target: api",
    "kind: stall, target: signals",
    "kind: duplicate, target: signals",
    "kind: reorder, target: signals",
    "kind: loss, target: signals, share: 50%",
    "kind: process-pause, target: worker/tq-data/0",
    "kind: process-pause, target: worker/tq-control/0",
    "kind: stall, target: worker/tq-control/1",
    "kind: zombie-complete, target: worker/tq-data/1",
    "kind: zombie-complete, target: worker/tq-control/2",
    "kind: heartbeat-drop, target: worker/tq-data/2",
    "kind: outage, target: plans",
    "kind: clock-skew, target: clock/worker, offset: 20s",
    "kind: throttle, target: warehouse/bq, factor: 10",
    "kind: error, target: warehouse/bq, share: 30%",
};
constexpr const char* kSudden[] = {
    "kind: kill, target: worker/tq-control/*, maxDown: 50%",
    "kind: kill, target: worker/tq-data/3",
    "kind: restart, target: worker/tq-data/2",
    "kind: restart, target: worker/tq-control, maxDown: 50%",
    "kind: kill, target: projector/0",
    "kind: kill, target: signals",
    "kind: restart, target: outbox/1",
};

FaultTexts random_faults(std::uint64_t seed, std::size_t count) {
  TestBits bits(seed);
  FaultTexts faults;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string at = ", at: " + std::to_string(30 + bits.below(870)) + "s";
    if (bits.chance(25)) {
      faults.push_back(kSudden[bits.below(std::size(kSudden))] + at);
    } else {
      static constexpr int kSeconds[] = {5, 20, 60, 150};
      faults.push_back(kLasting[bits.below(std::size(kLasting))] + at +
                       ", for: " + std::to_string(kSeconds[bits.below(4)]) + "s");
    }
  }
  return faults;
}

std::string scenario_text(const FaultTexts& faults, std::uint64_t seed) {
  std::string text = R"(apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: random-faults}
duration: 45m
knownFaults: fixed
workload:
  plans:
    small: {weight: 3, synthetic: {steps: 4, layers: 2, kind: dbt, size: small}}
    long: {weight: 1, synthetic: {steps: 12, layers: 6, kind: dbt, size: small}}
  arrivals: {process: poisson, rate: 6/m}
  stages: [{for: 16m, rate: 6/m}, {for: 29m, rate: 0/m}]
  signals: {PAUSE: {rate: 6/m, select: {status: RUNNING}, resumeAfter: 20s}}
operations:
  cancel: {at: 5m, signal: CANCEL, select: {status: RUNNING, fraction: 20%}}
topology:
  activityOptions: {default: {heartbeat: 20s, maxAttempts: 40, maxInterval: 10s}}
  stateStore: {replicaLag: {uniform: {min: 0s, max: 2s}}}
  interpreter: {continueAsNewAfterLayers: 3}
warehouses:
  bq: {kinds: [dbt, spark, custom], concurrency: 50, duration: {small: 15s, medium: 20s, large: 2m}}
)";
  text += "seed: " + std::to_string(seed) + "\n";
  if (!faults.empty()) text += "faults:\n";
  for (std::size_t i = 0; i < faults.size(); ++i) text += "  f" + std::to_string(i) + ": {" + faults[i] + "}\n";
  return text;
}

/// Code of the run's workflow that somebody broke; none: the interpreter's own.
using Defect = std::function<engine::WorkflowFunction(engine::WorkflowFunction)>;

/// The names of the invariants that a run of the scenario breaks, and whether anything was left undone.
std::string broken(const std::string& text, const Defect& defect = {}) {
  const auto scenario = read_scenario(text, "random-faults.yaml");
  if (!scenario.has_value()) return "unreadable: " + format(scenario.error());
  WorldOptions options;
  options.store = "memory";
  options.deploy = defect;
  if (defect) options.verify_every = 0;  // or every hundredth history would show it by itself
  if (text.find("kind: corrupt") != std::string::npos) options.store = ":memory:";
  World world(scenario.value(), std::move(options));
  const WorldResult result = world.run();
  std::string names;
  for (const InvariantResult& invariant : result.invariants)
    if (invariant.violations > 0 && !invariant.known_fault) names += invariant.name + " ";
  return names;
}

/// Writes the shortest list that still fails as a scenario file; returns its path.
std::string shrink_to_file(const FaultTexts& faults, std::uint64_t seed, const Defect& defect,
                           const std::string& name) {
  const FaultTexts shortest =
      ddmin(faults, [&](const FaultTexts& part) { return !broken(scenario_text(part, seed), defect).empty(); });
  const std::string path = testing::TempDir() + name + ".yaml";
  std::ofstream(path) << scenario_text(shortest, seed);
  return path;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(RandomFaults, BreakNoInvariant) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const FaultTexts faults = random_faults(seed, 10);
    const std::string names = broken(scenario_text(faults, seed));
    if (names.empty()) continue;
    const std::string path = shrink_to_file(faults, seed, {}, "random_faults_" + std::to_string(seed));
    FAIL() << "seed " << seed << " breaks " << names << "\nshrunk to " << path << ":\n" << content_of(path);
  }
}

// Workflow code that does something else when it is replayed: only a world in which a worker dies, or takes an
// execution over, shows it.
engine::WorkflowFunction not_deterministic(engine::WorkflowFunction plan) {
  return [plan = std::move(plan)](engine::WorkflowContext& ctx, const engine::Payload& input) {
    if (ctx.replaying()) ctx.sleep(seconds(1));
    return plan(ctx, input);
  };
}

TEST(RandomFaults, ThatShowAPlantedDefectShrinkToAScenarioThatRepeatsIt) {
  // Without continue-as-new, whose histories are replayed in any case.
  const auto without_replays = [](std::string text) {
    const std::string key = "continueAsNewAfterLayers: 3";
    return text.replace(text.find(key), key.size(), "continueAsNewAfterLayers: 0");
  };
  FaultTexts faults;
  std::uint64_t seed = 0;
  const auto fails = [&](const FaultTexts& part) {
    return !broken(without_replays(scenario_text(part, seed)), not_deterministic).empty();
  };
  ASSERT_FALSE(fails({})) << "nothing befalls it";
  while (faults.empty()) {
    ASSERT_LT(++seed, 20U);
    FaultTexts candidate = random_faults(seed, 8);
    if (fails(candidate)) faults = std::move(candidate);
  }
  const FaultTexts shortest = ddmin(faults, fails);
  ASSERT_EQ(shortest.size(), 1U);
  EXPECT_NE(shortest[0].find("worker/tq-control"), std::string::npos) << shortest[0];

  const std::string path = testing::TempDir() + "planted_defect.yaml";
  std::ofstream(path) << without_replays(scenario_text(shortest, seed));
  EXPECT_NE(broken(content_of(path), not_deterministic).find("replay-gives-same-commands"), std::string::npos);
  EXPECT_EQ(broken(content_of(path)), "") << "the defect alone is what it shows";
}

}  // namespace
}  // namespace dvt::sim
