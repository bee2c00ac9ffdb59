#include "sim/study/swarm.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/study/shrink.h"
#include "tests/sim/study/study_files.h"

namespace dvt::sim {
namespace {

std::string text_of(const std::vector<SetOverride>& sets) {
  std::string out;
  for (const SetOverride& set : sets) out += set.path + "=" + set.value + "\n";
  return out;
}

class Swarm : public StudyFiles {
 protected:
  static Scenario base() {
    auto read = load_scenario(std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/swarm/base.yaml");
    EXPECT_TRUE(read.has_value());
    return read.value();
  }
};

TEST_F(Swarm, DrawsTheSameForTheSameSeedAndAnotherForAnother) {
  const Scenario scenario = base();
  std::set<std::string> different;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::string drawn = text_of(draw_swarm(scenario, seed));
    EXPECT_EQ(drawn, text_of(draw_swarm(scenario, seed)));
    different.insert(drawn);
  }
  EXPECT_EQ(different.size(), 50u);
}

TEST_F(Swarm, DrawsScenariosThatCanBeRunAndEndTheirTroubleInTime) {
  const std::string file = std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/swarm/base.yaml";
  const Scenario scenario = base();
  std::set<FaultKind> kinds;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const std::vector<SetOverride> sets = draw_swarm(scenario, seed);
    const auto read = load_scenario(file, sets);
    ASSERT_TRUE(read.has_value()) << "seed " << seed << "\n" << format(read.error());
    for (const Fault& fault : read.value().faults) {
      kinds.insert(fault.kind);
      ASSERT_TRUE(fault.until.has_value());
      EXPECT_LE(*fault.until, Duration{scenario.duration.ns * 6 / 10}) << seed;
      if (!fault.length) continue;
      EXPECT_LE(fault.at + fault.length->a, *fault.until) << seed;
    }
  }
  EXPECT_GT(kinds.size(), 18u) << "most kinds of fault have their turn";
}

TEST_F(Swarm, TellsCrashSafetyLivenessAndUnknownApart) {
  SwarmResult result;
  EXPECT_EQ(exit_code(result), 7) << "nothing ran";
  const auto with = [&](SwarmClass found) {
    result.runs.push_back({1, found, "", {}, {}, "", 0});
    return exit_code(result);
  };
  EXPECT_EQ(with(SwarmClass::fine), 0);
  EXPECT_EQ(with(SwarmClass::unknown), 7);
  EXPECT_EQ(with(SwarmClass::liveness), 6);
  EXPECT_EQ(with(SwarmClass::safety), 5);
  EXPECT_EQ(with(SwarmClass::crash), 1);
}

TEST_F(Swarm, AScenarioThatCannotBeReadIsUnknown) {
  const SwarmRun run = run_swarm_seed(path("tiny.yaml"), base(), {{"topology.projector.replicas", "none"}}, 1);
  EXPECT_EQ(run.found, SwarmClass::unknown);
  EXPECT_NE(run.problem, "");
}

// Four faults, an operation and two plans; only the fault of the store and one plan matter to what fails.
TEST_F(Swarm, ShrinksToWhatMatters) {
  const std::string file = write("busy.yaml", R"(apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: busy}
duration: 4m
workload:
  plans:
    small: {synthetic: {steps: 2, layers: 1, kind: dbt, size: small}}
    wide: {synthetic: {steps: 6, layers: 2, kind: dbt, size: small}}
  arrivals: {process: poisson, rate: 60/m}
  signals: {PAUSE: {rate: 2/m, select: {status: RUNNING}, resumeAfter: 5s}}
warehouses: {bq: {kinds: [dbt, spark, custom], duration: {small: 1s}}}
topology: {stateStore: {backend: memory}, projector: {replicas: 5}, outbox: {relays: 3}}
faults:
  slow: {kind: latency, target: warehouse/bq, at: 10s, for: 1m, factor: 3}
  down: {kind: outage, target: store, at: 1m, for: 20s}
  late: {kind: stall, target: projector, at: 30s, for: 20s}
  lost: {kind: loss, target: bus, at: 30s, for: 20s, share: 20%}
operations: {hold: {at: 20s, signal: PAUSE, select: {status: RUNNING, fraction: 30%}}}
assertions: [store.write_errors == 0, runs.started > 0]
)");
  auto read = load_scenario(file);
  ASSERT_TRUE(read.has_value()) << format(read.error());
  const Failure failure = failure_of(read.value());
  ASSERT_EQ(failure, (Failure{3, "store.write_errors == 0"}));
  const ShrinkResult result = shrink(read.value(), failure, [] { return true; });
  EXPECT_TRUE(result.complete);
  ASSERT_EQ(result.scenario.faults.size(), 1u);
  EXPECT_EQ(result.scenario.faults[0].name, "down");
  EXPECT_TRUE(result.scenario.operations.empty());
  EXPECT_TRUE(result.scenario.workload.signals.empty());
  EXPECT_EQ(result.scenario.workload.plans.size(), 1u);
  EXPECT_EQ(result.scenario.topology.projector, Topology{}.projector);
  EXPECT_LT(result.scenario.duration, minutes(4));
  EXPECT_EQ(failure_of(result.scenario), failure);
  // What is written down fails as well: it is the scenario that somebody will be given.
  const auto again = read_scenario(write_resolved(result.scenario, path("small.yaml")), path("small.yaml"));
  ASSERT_TRUE(again.has_value()) << format(again.error());
  EXPECT_EQ(failure_of(again.value()), failure);
}

TEST_F(Swarm, ShrinkingCanBeStopped) {
  auto read = load_scenario(path("tiny.yaml"), std::vector<SetOverride>{{"assertions", "[runs.started == 0]"}});
  ASSERT_TRUE(read.has_value());
  int allowed = 4;
  const ShrinkResult result = shrink(read.value(), failure_of(read.value()), [&] { return allowed-- > 0; });
  EXPECT_FALSE(result.complete);
  EXPECT_LE(result.runs, 4u);
}

}  // namespace
}  // namespace dvt::sim
