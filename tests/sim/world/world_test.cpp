// Whole worlds: what must hold of any run, and the figures that the scenarios promise.
#include "sim/world/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <source_location>
#include <sstream>

#include "engine/ports/telemetry.h"
#include "sim/scenario/reader.h"
#include "sim/slo/objectives.h"
#include "sim/slo/verdict.h"
#include "sim/world/workflow_plans.h"

namespace dvt::sim {
namespace {

std::string scenario_path(const std::string& name) {
  return std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/" + name;
}

Scenario load(const std::string& name, std::vector<std::pair<std::string, std::string>> sets = {}) {
  std::vector<SetOverride> overrides;
  for (auto& [path, value] : sets) overrides.push_back({path, value});
  auto read = load_scenario(scenario_path(name), overrides);
  if (!read.has_value()) throw Error(format(read.error()));
  return std::move(read.value());
}

WorldResult run(const Scenario& scenario, WorldOptions options = {}) {
  World world(scenario, std::move(options));
  return world.run();
}

class EventKeys final : public Telemetry {
 public:
  std::set<Digest> keys;
  void event_committed(const StoredEvent& event) override { keys.insert(event.idempotency_key); }
};

void expect_no_violation(const WorldResult& result) {
  for (const InvariantResult& invariant : result.invariants) {
    if (invariant.known_fault != 0) continue;
    EXPECT_EQ(invariant.violations, 0u) << invariant.name << ": "
                                        << (invariant.examples.empty() ? "" : invariant.examples.front());
  }
}

TEST(World, TheSameSeedGivesTheSameFingerprintAndAnotherSeedAnother) {
  const Scenario scenario = load("dbt-project.yaml");
  const WorldResult first = run(scenario);
  EXPECT_EQ(run(scenario).fingerprint, first.fingerprint);
  EXPECT_NE(run(load("dbt-project.yaml", {{"seed", "2"}})).fingerprint, first.fingerprint);
}

TEST(World, EveryStoreGivesTheSameFingerprint) {
  const Scenario scenario = load("dbt-project.yaml");
  const std::uint64_t expected = run(scenario).fingerprint;
  WorldOptions memory;
  memory.store = "memory";
  EXPECT_EQ(run(scenario, memory).fingerprint, expected);
  WorldOptions per_append;
  per_append.commit = CommitMode::per_append;
  EXPECT_EQ(run(scenario, per_append).fingerprint, expected);
  EXPECT_EQ(run(load("dbt-project.yaml", {{"topology.stateStore.backend", "file"}})).fingerprint, expected);
}

TEST(World, TwoWorldsInOneProcessDoNotKnowOfEachOther) {
  const Scenario hello = load("hello.yaml");
  const Scenario other = load("dbt-project.yaml");
  const std::uint64_t alone = run(hello).fingerprint;
  World first(hello, {});
  World second(other, {});
  second.run();
  EXPECT_EQ(first.run().fingerprint, alone);
}

TEST(World, EndsAtTheFirstGridPointWhereItMayNotGoOn) {
  const Scenario scenario = load("hello.yaml");
  WorldOptions options;
  options.keep_going = [](const WorldResult& so_far) { return so_far.measured.runs.completed == 0; };
  const WorldResult result = run(scenario, options);
  EXPECT_TRUE(result.aborted);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.measured.runs.completed, 1u);
  EXPECT_EQ(result.ended_at.ns % scenario.sample_interval.ns, 0);
  EXPECT_LT(result.ended_at.ns, scenario.duration.ns);
}

TEST(World, IsTheSameWhetherSomebodyAsksOnTheWayOrNot) {
  const Scenario scenario = load("dbt-project.yaml");
  WorldOptions options;
  std::uint64_t asked = 0;
  options.keep_going = [&asked](const WorldResult& so_far) {
    asked += so_far.invariants.empty() ? 0 : 1;
    return true;
  };
  const WorldResult watched = run(scenario, options);
  EXPECT_EQ(watched.fingerprint, run(scenario).fingerprint);
  EXPECT_FALSE(watched.aborted);
  EXPECT_GT(asked, 10u);
}

TEST(World, CountsOnlyWorkersThatCameBackAsRestarts) {
  const WorldResult calm = run(load("hello.yaml"));
  EXPECT_EQ(calm.measured.counts.at("worker_restarts"), 0);
  const WorldResult crashed = run(load("worker-crash.yaml"));
  EXPECT_GT(crashed.measured.counts.at("worker_crashes"), 0);
  EXPECT_EQ(crashed.measured.counts.at("worker_restarts"), crashed.measured.counts.at("worker_crashes"));
}

TEST(World, AWorkerCrashLeavesTheSameSetOfEventsAsNoCrash) {
  EventKeys crashed, calm;
  WorldOptions with;
  with.listeners.push_back(&crashed);
  const WorldResult result = run(load("worker-crash.yaml"), with);
  WorldOptions without;
  without.listeners.push_back(&calm);
  run(load("worker-crash.yaml", {{"faults.crash.probability", "0%"}}), without);
  EXPECT_GE(result.measured.counts.at("workflow_tasks_replayed"), 100);
  EXPECT_EQ(crashed.keys.size(), calm.keys.size());
  EXPECT_TRUE(crashed.keys == calm.keys);
  expect_no_violation(result);
}

TEST(World, StepsStillStartAfterPauseUnderTheKnownFaultAndNoneWhenItIsFixed) {
  const WorldResult upstream = run(load("pause-under-backlog.yaml"));
  ASSERT_EQ(upstream.measured.pauses.list.size(), 3u);
  EXPECT_EQ(upstream.measured.pauses.list[0].activities_started(), 12u - 8u);
  EXPECT_EQ(upstream.measured.pauses.list[1].activities_started(), 20u - 8u);
  EXPECT_EQ(upstream.measured.pauses.list[2].activities_started(), 40u - 8u);
  const WorldResult fixed = run(load("pause-under-backlog.yaml", {{"knownFaults", "fixed"}}));
  ASSERT_EQ(fixed.measured.pauses.list.size(), 3u);
  for (const PauseRecord& pause : fixed.measured.pauses.list) EXPECT_EQ(pause.activities_started(), 0u);
  EXPECT_EQ(fixed.measured.runs.completed, 1u);
  expect_no_violation(fixed);
}

// Two pauses that stand at a gate between layers for minutes.
const std::pair<std::string, std::string> kTwoLongPauses{"operations",
                                                         "{p1: {at: 30s, signal: PAUSE}, r1: {at: 4m, signal: RESUME, "
                                                         "select: {status: PAUSED}}, p2: {at: 5m, signal: PAUSE}, "
                                                         "r2: {at: 12m, signal: RESUME, select: {status: PAUSED}}}"};

TEST(World, ASecondPauseIsSwallowedByTheStoreUnderKnownFaultSevenOnly) {
  const WorldResult upstream = run(load("pause-under-backlog.yaml", {kTwoLongPauses}));
  const WorldResult fixed = run(load("pause-under-backlog.yaml", {kTwoLongPauses, {"knownFaults", "{7: fixed}"}}));
  EXPECT_EQ(upstream.measured.runs.completed, 1u);
  EXPECT_GT(upstream.measured.store.duplicates, 0u);
  EXPECT_EQ(fixed.measured.store.duplicates, 0u);
}

TEST(World, APauseThatIsOverBeforeTheGateLeavesNoTraceUnlessKnownFaultFiveIsFixed) {
  const WorldResult upstream = run(load("pause-under-backlog.yaml"));
  const WorldResult fixed = run(load("pause-under-backlog.yaml", {{"knownFaults", "{5: fixed, 7: fixed}"}}));
  // RUN_PAUSED and RUN_RESUMED for each of the three pauses
  EXPECT_EQ(fixed.measured.store.events, upstream.measured.store.events + 6);
}

TEST(World, SlowWritesFailTheWriteObjective) {
  const Scenario slow = load("dbt-project.yaml", {{"topology.stateStore.writeLatency", "40ms"}});
  const auto objectives = evaluate_objectives(run(slow).measured);
  EXPECT_EQ(find_objective(objectives, "statestore-write")->verdict, ObjectiveVerdict::fail);
  const auto healthy = evaluate_objectives(run(load("dbt-project.yaml")).measured);
  EXPECT_EQ(find_objective(healthy, "statestore-write")->verdict, ObjectiveVerdict::pass);
}

TEST(World, AnOutageOfTheWarehouseIsRetriedAndALongOneFailsRuns) {
  const Scenario outage =
      load("dbt-project.yaml", {{"faults", "{down: {kind: outage, target: warehouse/default, at: 2h, for: 30m}}"}});
  const WorldResult result = run(outage);
  EXPECT_GT(result.measured.counts.at("activity_retries"), 0);
  EXPECT_GT(result.measured.runs.failed, 0u);
  expect_no_violation(result);
}

TEST(World, AStoreOutageIsAnsweredByRetriesAndLosesNothingAcknowledged) {
  const Scenario outage =
      load("dbt-project.yaml", {{"faults", "{down: {kind: outage, target: store, at: 2h, for: 2m}}"}});
  const WorldResult result = run(outage);
  EXPECT_EQ(result.measured.faults.at(0).count, 1u);
  EXPECT_GT(result.measured.store.write_errors, 0u);
  expect_no_violation(result);
}

TEST(World, ContinueAsNewCarriesTheRunOn) {
  const WorldResult plain = run(load("dbt-project.yaml"));
  const WorldResult chained = run(load("dbt-project.yaml", {{"topology.interpreter.continueAsNewAfterLayers", "1"}}));
  EXPECT_EQ(chained.measured.runs.started, plain.measured.runs.started);
  EXPECT_GT(chained.measured.runs.completed, 0u);
  EXPECT_EQ(chained.measured.runs.failed, 0u);
  expect_no_violation(chained);
}

TEST(World, TheMockAdapterWritesTheSameEventsOfARun) {
  EventKeys temporal, mock;
  WorldOptions with_temporal, with_mock;
  with_temporal.listeners.push_back(&temporal);
  with_mock.listeners.push_back(&mock);
  run(load("hello.yaml"), with_temporal);
  run(load("hello.yaml", {{"topology.adapter.kind", "mock"}}), with_mock);
  EXPECT_TRUE(temporal.keys == mock.keys);
}

TEST(World, DataflowTellsTheSameEventsAsLayersAndIsDoneSooner) {
  // No errors and no signals: what is left of a layer after a failure, and what a pause meets, the two tell
  // differently.
  const std::vector<std::pair<std::string, std::string>> calm{
      {"warmup", "0s"},
      {"workload.arrivals", "{runs: 40}"},
      {"workload.signals", "{}"},
      {"warehouses", "{w: {kinds: [dbt, spark, custom], concurrency: 2000}}"}};
  auto by_dataflow_sets = calm;
  by_dataflow_sets.emplace_back("topology.interpreter.kind", "dataflow");
  EventKeys layers, dataflow;
  WorldOptions with_layers, with_dataflow;
  with_layers.listeners.push_back(&layers);
  with_dataflow.listeners.push_back(&dataflow);
  const WorldResult by_layers = run(load("dbt-project.yaml", calm), with_layers);
  const WorldResult by_dataflow = run(load("dbt-project.yaml", by_dataflow_sets), with_dataflow);
  ASSERT_EQ(by_layers.measured.runs.completed, 40u);
  EXPECT_EQ(by_dataflow.measured.runs.completed, 40u);
  EXPECT_TRUE(layers.keys == dataflow.keys);
  EXPECT_LT(by_dataflow.measured.completion.percentiles.p50, by_layers.measured.completion.percentiles.p50);
  expect_no_violation(by_dataflow);
}

TEST(World, EveryFixModelledKeepsEveryInvariantUnderPausesCancelsAndCrashes) {
  const std::vector<std::pair<std::string, std::string>> busy{
      {"duration", "2h"},
      {"workload.arrivals", "{rate: 120/h}"},
      {"operations",
       "{c: {at: 40m, signal: CANCEL, select: {fraction: 50%}}, p: {at: 60m, signal: PAUSE}, "
       "r: {after: {operation: p, until: drained, timeout: 5m}, signal: RESUME, select: {sameAs: p}}, "
       "d: {at: 61m, signal: CANCEL, select: {status: PAUSED, fraction: 50%}}}"},
      {"faults", "{storm: {kind: kill, target: worker/tq-control/*, at: 30m, until: 90m, every: 3m, maxDown: 50%}}"},
      {"knownFaults", "fixed"}};
  for (const char* kind : {"layers", "dataflow"}) {
    for (const char* cancel : {"native", "signal"}) {
      SCOPED_TRACE(testing::Message() << kind << ", cancel: " << cancel);
      auto sets = busy;
      sets.emplace_back("topology.interpreter.kind", kind);
      sets.emplace_back("topology.adapter.cancel", cancel);
      const WorldResult result = run(load("dbt-project.yaml", sets));
      EXPECT_GT(result.measured.runs.cancelled, 0u);
      EXPECT_GT(result.measured.runs.completed, 100u);
      for (const InvariantResult& invariant : result.invariants)
        EXPECT_EQ(invariant.violations, 0u)
            << invariant.name << ": " << (invariant.examples.empty() ? "" : invariant.examples.front());
    }
  }
}

// 40 steps of a minute each, eight at a time.
Scenario backlog(const char* options) {
  return load("known-faults/06-queued-steps-start.yaml",
              {{"operations", "{}"}, {"assertions", "[]"}, {"topology.activityOptions", options}});
}

TEST(World, ActivityOptionsReachTheStepsOfTheirKindAndSizeAndNoOthers) {
  EXPECT_EQ(run(backlog("{}")).measured.runs.completed, 1u);
  // The last steps wait four minutes in the queue.
  EXPECT_EQ(run(backlog("{dbt: {scheduleToStart: 3m}}")).measured.runs.failed, 1u);
  EXPECT_EQ(run(backlog("{dbt: {scheduleToStart: 10m}}")).measured.runs.failed, 0u);
  EXPECT_EQ(run(backlog("{dbt/small: {scheduleToStart: 3m}}")).measured.runs.failed, 1u);
  EXPECT_EQ(run(backlog("{dbt/medium: {scheduleToStart: 3m}}")).measured.runs.failed, 0u);
  EXPECT_EQ(run(backlog("{spark: {scheduleToStart: 3m}}")).measured.runs.failed, 0u);
  EXPECT_EQ(run(backlog("{dbt: {scheduleToClose: 3m}}")).measured.runs.failed, 1u);
  const WorldResult cut_off = run(backlog("{dbt: {startToClose: 30s, maxAttempts: 2}}"));
  EXPECT_EQ(cut_off.measured.runs.failed, 1u);
  EXPECT_EQ(cut_off.measured.counts.at("activity_timeouts"), 80);  // two attempts of each step
}

TEST(World, HeartbeatsFreeTheStepsOfADeadWorkerLongBeforeTheirStartToClose) {
  const auto short_runs = [](const char* options) {
    const WorldResult result =
        run(load("known-faults/08-no-heartbeat.yaml",
                 {{"assertions", "[]"}, {"workload.plans.long.weight", "0"}, {"topology.activityOptions", options}}));
    EXPECT_EQ(result.measured.runs.completed, 20u);
    return result.measured.completion.percentiles.max;
  };
  EXPECT_GT(short_runs("{}"), minutes(25));
  EXPECT_LT(short_runs("{dbt: {heartbeat: 20s}}"), minutes(3));
}

class Busiest final : public Telemetry {
 public:
  std::uint32_t running = 0;
  void warehouse_level(std::uint32_t, std::uint32_t now_running, std::uint32_t, Instant) override {
    running = std::max(running, now_running);
  }
};

TEST(World, ADbtProjectRunsAsManyStepsAtOnceAsItHadThreadsWhenThatIsAskedFor) {
  // Ten models without dependencies, recorded with three threads.
  const std::string folder = testing::TempDir();
  std::string nodes, results;
  for (int i = 0; i < 10; ++i) {
    const std::string id = "model.p.m" + std::to_string(i);
    nodes += (i == 0 ? "\"" : ",\"") + id + "\":{\"unique_id\":\"" + id +
             "\",\"resource_type\":\"model\",\"config\":{\"materialized\":\"table\"},\"depends_on\":{\"nodes\":[]}}";
    results += (i == 0 ? "{\"unique_id\":\"" : ",{\"unique_id\":\"") + id +
               "\",\"status\":\"success\",\"execution_time\":30.0,\"timing\":[]}";
  }
  std::ofstream(folder + "/manifest.json")
      << R"({"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v12.json","project_name":"p"},)"
      << "\"nodes\":{" << nodes << "},\"sources\":{}}";
  std::ofstream(folder + "/run_results.json")
      << R"({"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/run-results/v6.json"},)"
      << "\"args\":{\"threads\":3},\"results\":[" << results << "]}";
  for (const char* kind : {"layers", "dataflow"}) {
    for (const bool asked : {false, true}) {
      SCOPED_TRACE(testing::Message() << kind << (asked ? ", threads: true" : ""));
      Busiest busiest;
      WorldOptions options;
      options.listeners.push_back(&busiest);
      const WorldResult result =
          run(load("dbt-project.yaml", {{"workload.plans.project.dbt.manifest", folder + "/manifest.json"},
                                        {"workload.plans.project.dbt.runResults", folder + "/run_results.json"},
                                        {"workload.plans.project.dbt.threads", asked ? "true" : "false"},
                                        {"workload.arrivals", "{runs: 1}"},
                                        {"workload.signals", "{}"},
                                        {"topology.interpreter.kind", kind}}),
              options);
      EXPECT_EQ(result.measured.runs.completed, 1u);
      EXPECT_EQ(busiest.running, asked ? 3u : 10u);
      expect_no_violation(result);
    }
  }
}

TEST(World, ShuffledSchedulesKeepEveryInvariant) {
  for (int seed = 1; seed <= 5; ++seed) {
    const WorldResult result =
        run(load("dbt-project.yaml", {{"schedule", "shuffled"}, {"seed", std::to_string(seed)}}));
    expect_no_violation(result);
    EXPECT_GT(result.measured.runs.completed, 0u);
  }
}

// A deployment that changes the plan workflow's first command while runs are under way: the survivors of the crash
// replay, and cannot.
TEST(World, CodeThatChangesUnderRunsIsReportedWithEventCommandAndLineAndViolatesReplay) {
  const Scenario scenario =
      load("worker-crash.yaml", {{"workload.arrivals.runs", "20"}, {"assertions", "[]"}, {"duration", "30m"}});
  WorldOptions options;
  std::uint32_t line = 0;
  options.deploy = [&line](engine::WorkflowFunction plan) {
    return [&line, plan = std::move(plan)](engine::WorkflowContext& ctx, const engine::Payload& input) {
      line = std::source_location::current().line() + 1;
      if (ctx.replaying()) ctx.sleep(seconds(1));
      return plan(ctx, input);
    };
  };
  const WorldResult result = run(scenario, std::move(options));
  EXPECT_GT(result.measured.counts.at("nondeterminism"), 0);
  const auto replay = std::find_if(result.invariants.begin(), result.invariants.end(),
                                   [](const InvariantResult& i) { return i.name == "replay-gives-same-commands"; });
  ASSERT_NE(replay, result.invariants.end());
  EXPECT_GT(replay->violations, 0u);
  ASSERT_FALSE(replay->examples.empty());
  const std::string& report = replay->examples.front();
  for (const std::string& part : {std::string("event 5"), std::string("ActivityTaskScheduled 1 'saveRunMetadata'"),
                                  std::string("StartTimer 1"), "world_test.cpp:" + std::to_string(line)})
    EXPECT_NE(report.find(part), std::string::npos) << report;
  Verdict verdict = evaluate({}, result.measured, scenario, result.alerts, result.invariants);
  conclude(verdict, {});
  EXPECT_EQ(verdict.exit_code, ExitCode::violated);
}

TEST(World, KillsEveryMinuteForAnHourLoseNoRun) {
  const WorldResult result = run(load(
      "dbt-project.yaml",
      {{"faults", "{storm: {kind: kill, target: worker/tq-control/*, at: 1h, until: 2h, every: 1m, maxDown: 50%}}"},
       {"topology.activityOptions", "{default: {heartbeat: 20s}}"},
       {"workload.probe", "none"}}));
  EXPECT_GT(result.measured.counts.at("worker_crashes"), 30);
  EXPECT_GT(result.measured.counts.at("workflow_tasks_replayed"), 0);
  EXPECT_EQ(result.measured.runs.failed, 0u);
  expect_no_violation(result);
}

class Rejections final : public Telemetry {
 public:
  std::vector<std::string> codes;
  void run_rejected(RunOrdinal, std::string_view code, Instant) override { codes.emplace_back(code); }
};

TEST(World, RunsOfAPlanWhoseCapabilitiesTheAdapterLacksAreRefusedAtTheirRequest) {
  for (const auto& [fallback, completed] : {std::pair{"reject", 0u}, std::pair{"emulate", 1u}}) {
    Rejections rejections;
    WorldOptions options;
    options.listeners.push_back(&rejections);
    const WorldResult result =
        run(load("hello.yaml", {{"topology.adapter.kind", "conductor"},
                                {"workload.plans.hello.requiresCapabilities", "[signal.pause.native]"},
                                {"workload.plans.hello.fallbackBehavior", fallback}}),
            options);
    EXPECT_EQ(result.measured.runs.completed, completed);
    EXPECT_EQ(rejections.codes,
              completed == 1 ? std::vector<std::string>{} : std::vector<std::string>{"CAPABILITY_NOT_SUPPORTED"});
  }
}

TEST(World, APlanThatIsTooLargeForConductorsTasksIsReportedAndItsRunsAreRefused) {
  const WorldResult result =
      run(load("hello.yaml", {{"topology.adapter.kind", "conductor"},
                              {"workload.plans", "{p: {synthetic: {steps: 1000, layers: 2}}}"}}));
  EXPECT_EQ(result.measured.runs.completed, 0u);
  EXPECT_EQ(result.measured.counts.at("rejected.PLAN_TASK_TOO_LARGE"), 1);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("conductor takes at most 32000 B: rejected"), std::string::npos);
}

TEST(World, AnIsolatedTenantsStepsRunOnItsOwnWorkers) {
  const Scenario scenario = load("hello.yaml", {{"topology.adapter.kind", "conductor"},
                                                {"topology.taskQueues", "{tq-isolation-tenant-1: {workers: 2}}"},
                                                {"faults", "{gone: {kind: kill, target: worker/tq-data, at: 1ms}}"},
                                                {"topology.taskQueues.tq-data.restartDelay", "1h"}});
  EXPECT_EQ(run(scenario).measured.runs.completed, 1u);
}

// Everything at once: lost workers, a store that is away and then slow, pauses forced after 20 s, cancels.
TEST(World, ConductorKeepsEveryInvariantThroughAStorm) {
  for (const char* policy : {"accept", "reject"}) {
    const WorldResult result = run(load(
        "dbt-project.yaml",
        {{"topology.adapter.kind", "conductor"},
         {"knownFaults", "fixed"},
         {"topology.conductor", std::string("{drainTimeout: 20s, orphanPolicy: ") + policy + "}"},
         {"topology.activityOptions", "{default: {heartbeat: 20s}}"},
         {"workload.arrivals.rate", "60/h"},
         {"workload.signals",
          "{PAUSE: {rate: 1/m, select: {status: RUNNING}, resumeAfter: {uniform: {min: 1s, max: 1m}}}}"},
         {"operations",
          "{c: {at: 40m, signal: CANCEL, select: {status: RUNNING, fraction: 50%}}, c2: {at: 50m, signal: "
          "CANCEL, select: {status: PAUSED}}}"},
         {"faults",
          "{storm: {kind: kill, target: worker/tq-data/*, at: 1h, until: 2h, every: 1m, maxDown: 50%}, control: {kind: "
          "kill, target: worker/tq-control/*, at: 90m, until: 2h, every: 3m, maxDown: 50%}, gone: {kind: outage, "
          "target: store, at: 80m, for: 1m}, slow: {kind: latency, target: store, at: 100m, for: 10m, factor: 50}}"}}));
    expect_no_violation(result);
    EXPECT_GT(result.measured.counts.at("notice.PAUSE_DRAIN_TIMEOUT"), 0);
    EXPECT_EQ(result.measured.counts.at("notice.ORPHANED_TASK") > 0, std::string_view(policy) == "reject");
    EXPECT_GT(result.measured.runs.completed, 200u);
    EXPECT_GT(result.measured.runs.cancelled, 0u);
    EXPECT_GT(result.measured.counts.at("worker_crashes"), 60);
  }
}

// Events of one kind of run, by type, in the order of their commit.
class EventTypes final : public Telemetry {
 public:
  std::map<std::uint32_t, std::vector<EventType>> by_run;
  void event_committed(const StoredEvent& event) override { by_run[event.run.value].push_back(event.type); }
};

TEST(World, ARegisteredWorkflowTellsTheStoreHowItsRunsBeginAndEndAndNothingElse) {
  EventTypes events;
  WorldOptions options;
  options.listeners.push_back(&events);
  options.verify_every = 1;
  const WorldResult result = run(load("order-saga.yaml", {{"workload.probe", "none"}}), options);
  expect_no_violation(result);
  std::uint64_t completed = 0, failed = 0;
  for (const auto& [run, types] : events.by_run) {
    ASSERT_EQ(types.size(), 3u) << "run " << run;
    EXPECT_EQ(types[0], EventType::run_queued);
    EXPECT_EQ(types[1], EventType::run_started);
    completed += types[2] == EventType::run_completed ? 1 : 0;
    failed += types[2] == EventType::run_failed ? 1 : 0;
  }
  EXPECT_EQ(completed, result.measured.runs.completed);
  EXPECT_EQ(failed, result.measured.runs.failed);
  EXPECT_GT(completed, 0u);
  EXPECT_GT(failed, 0u);
  EXPECT_GT(result.measured.counts.at("workflow_tasks_replayed"), 0);
}

TEST(World, SaysWhatIsWrongWithAWorkflowThatAScenarioNames) {
  const auto messages = [](std::vector<std::pair<std::string, std::string>> sets) {
    std::string out;
    for (const Diagnostic& wrong : check_workflows(load("order-saga.yaml", std::move(sets))))
      out += wrong.text() + "\n";
    return out;
  };
  EXPECT_EQ(messages({}), "");
  EXPECT_NE(
      messages({{"workload.plans.saga.workflow", "order-sage"}})
          .find(
              "workload.plans.saga.workflow: no workflow \"order-sage\" is registered (did you mean \"order-saga\"?)"),
      std::string::npos);
  EXPECT_NE(messages({{"topology.adapter.kind", "mock"}}).find("only topology.adapter.kind: temporal"),
            std::string::npos);
  EXPECT_NE(messages({{"warehouses.shop.kinds", "[dbt]"}, {"topology.activityOptions", "{}"}})
                .find("no warehouse has the kind custom"),
            std::string::npos);
}

}  // namespace
}  // namespace dvt::sim
