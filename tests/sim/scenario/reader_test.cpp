// Reading: defaults, messages with place and nearest name, `--set`, files.
#include "sim/scenario/fault_kinds.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

TEST(SmallScenario, TakesEveryDefaultFromTheBaseline) {
  const Scenario s = must_read(kSmall);
  EXPECT_EQ(s.seed, 1U);
  EXPECT_EQ(s.start.ns, 1'767'225'600'000'000'000);
  EXPECT_EQ(s.sample_interval, seconds(15));
  EXPECT_EQ(s.topology, Topology{});
  EXPECT_EQ(s.topology.state_store.write_latency, Dist::lognormal(milliseconds(2), milliseconds(8)));
  EXPECT_EQ(s.topology.task_queue("tq-control")->slots, 20);
  EXPECT_EQ(s.topology.task_queue("tq-data")->slots, 8);
  ASSERT_EQ(s.warehouses.size(), 1U);
  EXPECT_EQ(s.warehouses[0].name, "default");
  EXPECT_TRUE(s.warehouses[0].runs("spark"));
  EXPECT_EQ(s.warehouses[0].concurrency, 50);
  EXPECT_EQ(*s.warehouses[0].duration_for("dbt", "small", ""), Dist::lognormal(seconds(3), seconds(30)));
  EXPECT_EQ(*s.warehouses[0].duration_for("spark", "large", ""), Dist::lognormal(minutes(20), hours(1)));
  EXPECT_EQ(*s.warehouses[0].duration_for("dbt", "large", "view"), Dist::lognormal_log(-0.33, 0.32, seconds(1)));
  EXPECT_EQ(s.alerts.rule_sets, std::vector<RuleSet>{RuleSet::corrected});
  EXPECT_EQ(s.workload.reads.rate, per_second(1));
}

TEST(SmallScenario, MergesQueuesAndSubscriptionsIntoTheDefaults) {
  const Scenario s =
      must_read(small_and("topology: {taskQueues: {tq-data: {workers: 20}}, bus: {subscriptions: {ui: {latency: 1s}, "
                          "planner: {latency: 2s}}}}"));
  ASSERT_EQ(s.topology.task_queues.size(), 2U);
  EXPECT_EQ(s.topology.task_queue("tq-data")->workers, 20);
  EXPECT_EQ(s.topology.task_queue("tq-data")->slots, 8);
  ASSERT_EQ(s.topology.bus.subscriptions.size(), 4U);
  EXPECT_EQ(s.topology.bus.subscriptions[0].latency, Dist::constant(seconds(1)));
  EXPECT_EQ(s.topology.bus.subscriptions[3].name, "planner");
}

TEST(SmallScenario, ReplacesTheDefaultWarehouseByThoseGiven) {
  const Scenario s = must_read(small_and("warehouses: {w: {kinds: [dbt, spark], duration: {small: 1s, medium: 2s}}}"));
  ASSERT_EQ(s.warehouses.size(), 1U);
  EXPECT_EQ(s.warehouses[0].duration.size(), 2U);
  EXPECT_EQ(*s.warehouses[0].duration_for("dbt", "small", "view"), Dist::constant(seconds(1)));
}

TEST(Errors, AreAllReportedAtOnceInFileOrder) {
  const std::string errors = errors_of(R"(apiVersion: dvtsim/v2
kind: Scenario
metadata: {}
duration: 5
sede: 3
workload:
  plans: {a: {synthetic: {steps: 0}}}
  arrivals: {rate: 35}
)");
  const char* expected =
      "s.yaml:1:13: apiVersion: expected dvtsim/v1, found dvtsim/v2\n"
      "s.yaml:3:11: metadata: \"name\" is missing (text, such as pause-storm)\n"
      "s.yaml:4:11: duration: expected a duration such as 250ms, 90s or 1h30m, found \"5\" (the unit is missing)\n"
      "s.yaml:5:1: sede: unknown key (did you mean \"seed\"?)\n"
      "s.yaml:7:34: workload.plans.a.synthetic.steps: expected 1 to 10000, found 0\n"
      "s.yaml:8:20: workload.arrivals.rate: expected a rate such as 35/m, 400/s or 2/w, found \"35\" (the interval is "
      "missing)\n";
  EXPECT_EQ(errors, expected);
}

TEST(Errors, NameTheNearestKnownWord) {
  const std::string errors = errors_of(small_and(R"(schedule: fio
topology: {projektor: {replicas: 3}, stateStore: {writeLatncy: 2ms}}
faults: {f: {kind: latncy, target: warehouse/default, factor: 2}, g: {kind: stall, target: projektor}})"));
  for (const char* expected :
       {"s.yaml:10:11: schedule: expected one of fifo, shuffled, found \"fio\"",
        "topology.projektor: unknown key (did you mean \"projector\"?)",
        "topology.stateStore.writeLatncy: unknown key (did you mean \"writeLatency\"?)", "(did you mean \"latency\"?)",
        "faults.g.target: expected a target, found \"projektor\" (did you mean \"projector\"?)"}) {
    EXPECT_NE(errors.find(expected), std::string::npos) << expected << "\nin\n" << errors;
  }
}

TEST(Errors, ReadScalarsByTheFieldsTypeNotByYamls) {
  const Scenario s = must_read(small_and("seed: \"7\"\nmetrics: {stepLabels: \"true\"}"),
                               {{"metadata.name", "true"}, {"metadata.description", "010"}});
  EXPECT_EQ(s.seed, 7U);
  EXPECT_EQ(s.metadata.name, "true");
  EXPECT_EQ(s.metadata.description, "010");
  EXPECT_NE(errors_of(small_and("seed: 010")).find("leading zeros"), std::string::npos);
  EXPECT_NE(errors_of(small_and("metrics: {stepLabels: yes}")).find("expected true or false"), std::string::npos);
  EXPECT_NE(errors_of(small_and("seed: 0x10")).find("expected a whole number"), std::string::npos);
}

TEST(Errors, OfUnmodelledPartsNameThePart) {
  const std::string errors =
      errors_of(small_and("topology: {taskQueues: {tq-data: {rateLimit: 5/s}}, orphanedQuery: cancelled}"));
  EXPECT_EQ(errors,
            "s.yaml:10:46: topology.taskQueues.tq-data.rateLimit: not modelled yet; only its default 0/s is accepted\n"
            "s.yaml:10:68: topology.orphanedQuery: cancelled is not modelled yet\n");
}

TEST(Errors, OfAStudySayWhatRunsIt) {
  EXPECT_EQ(errors_of("apiVersion: dvtsim/v1\nkind: Study\nmetadata: {name: s}\nscenario: a.yaml\n"),
            "s.yaml:2:7: kind: a Study holds many runs: `dvtsim study` runs it; expected Scenario\n");
}

TEST(KnownFaults, AreSwitchedAllTogetherOrByNumber) {
  EXPECT_FALSE(must_read(kSmall).known_faults.fixed(7));
  const Scenario fixed = must_read(small_and("knownFaults: fixed"));
  for (const KnownFaultInfo& fault : known_faults())
    EXPECT_EQ(fixed.known_faults.fixed(fault.number), fault.fix_modelled) << fault.number;
  const Scenario one = must_read(small_and("knownFaults: {7: fixed, 1: upstream}"));
  EXPECT_TRUE(one.known_faults.fixed(7));
  EXPECT_FALSE(one.known_faults.fixed(5));
  EXPECT_NE(errors_of(small_and("knownFaults: {11: fixed}")).find("1 to 10"), std::string::npos);
}

TEST(KnownFaults, NumberEightFixedGivesEveryActivityAHeartbeatAndEveryStepTimeForItsKindAndSize) {
  const Scenario upstream = must_read(kSmall);
  EXPECT_EQ(upstream.activity_options("spark", "large", "").heartbeat, Duration{});
  EXPECT_EQ(upstream.activity_options("spark", "large", "").start_to_close, minutes(30));
  const Scenario fixed = must_read(small_and("knownFaults: {8: fixed}"));
  EXPECT_EQ(fixed.activity_options("", "", "").heartbeat, seconds(20));
  EXPECT_EQ(fixed.activity_options("", "", "").start_to_close, minutes(30));
  EXPECT_EQ(fixed.activity_options("dbt", "small", "").start_to_close, minutes(30));
  EXPECT_EQ(fixed.activity_options("spark", "large", "").start_to_close, hours(3));  // three times its p99
  // What is written wins.
  const Scenario written =
      must_read(small_and("knownFaults: {8: fixed}\ntopology: {activityOptions: {spark: {startToClose: 2h}, "
                          "spark/large: {heartbeat: 0s}}}"));
  EXPECT_EQ(written.activity_options("spark", "small", "").heartbeat, seconds(20));
  EXPECT_EQ(written.activity_options("spark", "large", "").heartbeat, Duration{});
  EXPECT_EQ(written.activity_options("spark", "large", "").start_to_close, hours(2));
}

TEST(Plans, MayGoUncheckedWhenTheirStepsAreWrittenOut) {
  const std::string cycle = "steps: [{stepId: a, kind: dbt, dependsOn: [b]}, {stepId: b, kind: dbt, dependsOn: [a]}]";
  const auto with = [](const std::string& plan) {
    return "apiVersion: dvtsim/v1\nkind: Scenario\nmetadata: {name: s}\nduration: 1h\nworkload: {plans: {p: {" + plan +
           "}}, arrivals: {runs: 1}}\n";
  };
  EXPECT_NE(errors_of(with(cycle)).find("cyclic_dependencies_detected"), std::string::npos);
  EXPECT_TRUE(must_read(with("unchecked: true, " + cycle)).workload.plans[0].unchecked);
  EXPECT_NE(errors_of(with("unchecked: true, synthetic: {steps: 2}")).find("unchecked belongs to steps"),
            std::string::npos);
}

TEST(Plans, BoundTheirStepsByTheThreadsOfADbtProjectOnlyWithItsResults) {
  const auto with = [](const std::string& dbt) {
    return "apiVersion: dvtsim/v1\nkind: Scenario\nmetadata: {name: s}\nduration: 1h\nworkload: {plans: {p: {dbt: {" +
           dbt + "}}}, arrivals: {runs: 1}}\n";
  };
  EXPECT_FALSE(std::get<DbtPlan>(must_read(with("manifest: m.json")).workload.plans[0].body).threads);
  EXPECT_TRUE(
      std::get<DbtPlan>(must_read(with("manifest: m.json, runResults: r.json, threads: true")).workload.plans[0].body)
          .threads);
  EXPECT_NE(errors_of(with("manifest: m.json, threads: true")).find("threads needs runResults"), std::string::npos);
}

TEST(Interpreter, OfDataflowHasNoLayersToCount) {
  EXPECT_EQ(errors_of(small_and("topology: {interpreter: {kind: dataflow, continueAsNewAfterLayers: 3}}")),
            "s.yaml:10:68: topology.interpreter.continueAsNewAfterLayers: kind: dataflow has no layers after which it "
            "could continue as new\n");
  const Scenario hold = must_read(small_and("topology: {interpreter: {kind: dataflow, onStepFailure: hold}}"));
  EXPECT_EQ(hold.topology.interpreter.kind, InterpreterKind::dataflow);
  EXPECT_EQ(hold.topology.interpreter.on_step_failure, OnStepFailure::hold);
}

TEST(Overrides, ChangeValuesBeforeTheyAreChecked) {
  const Scenario s = must_read(small_and("faults: {slow: {kind: latency, target: warehouse/default, factor: 6}}"),
                               {{"faults.slow.factor", "4"},
                                {"topology.projector.replicas", "5"},
                                {"topology.stateStore.writeLatency", "{lognormal: {p50: 40ms, p99: 80ms}}"},
                                {"workload.plans.small.steps.1.size", "large"},
                                {"provenance.topology.stateStore.writeLatency", "measured"},
                                {"metadata.name", ""},
                                {"metadata.name", "set twice"}});
  EXPECT_DOUBLE_EQ(s.faults[0].factor, 4);
  EXPECT_EQ(s.topology.projector.replicas, 5);
  EXPECT_EQ(s.topology.state_store.write_latency, Dist::lognormal(milliseconds(40), milliseconds(80)));
  EXPECT_EQ(std::get<InlinePlan>(s.workload.plans[0].body).steps[1].size, "large");
  ASSERT_EQ(s.provenance.size(), 1U);
  EXPECT_EQ(s.provenance[0].first, "topology.stateStore.writeLatency");
  EXPECT_EQ(s.metadata.name, "set twice");
}

TEST(Overrides, CanRepairAFileThatIsWrong) {
  EXPECT_EQ(must_read(small_and("seed: x"), {{"seed", "3"}}).seed, 3U);
}

TEST(Overrides, ReportTheirErrorsUnderTheirOwnName) {
  EXPECT_EQ(errors_of(kSmall, {{"topology.projector.replica", "5"}}),
            "--set topology.projector.replica: unknown key (did you mean \"replicas\"?)\n");
  EXPECT_EQ(errors_of(kSmall, {{"topology.projector.replicas", "0"}}),
            "--set topology.projector.replicas: expected 1 to 1000, found 0\n");
  EXPECT_NE(errors_of(kSmall, {{"workload.plans.small.steps.9.size", "small"}}).find("a list of 2 has no item \"9\""),
            std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"seed", "a: 1"}}).find("scalar or a flow value"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"seed", "[1"}}).find("not valid YAML"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"seed", "&a 1"}}).find("anchors are not allowed"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"topology.", "1"}}).find("a path is names with dots"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{".seed", "1"}}).find("a path is names with dots"), std::string::npos);
  std::string deep = "a";
  for (int i = 0; i < 200; ++i) deep += ".a";
  EXPECT_NE(errors_of(kSmall, {{deep, "1"}}).find("nested deeper"), std::string::npos);
}

TEST(Overrides, AreSplitAtTheFirstEqualsSign) {
  EXPECT_EQ(parse_override("a.b=c=d").value().value, "c=d");
  EXPECT_FALSE(parse_override("a.b").has_value());
  EXPECT_FALSE(parse_override("=1").has_value());
}

TEST(FilePaths, AreRelativeToTheScenarioAndInOverridesToTheWorkingDirectory) {
  const std::string text = small_and("topology: {api: {latency: {empirical: {file: ../times.csv, column: t_ms}}}}");
  const auto from_file = read_scenario(text, "lab/runs/s.yaml");
  ASSERT_TRUE(from_file.has_value());
  EXPECT_EQ(from_file.value().topology.api.latency.file.path, "lab/times.csv");
  const std::vector<SetOverride> sets{{"topology.api.latency.empirical.file", "here.csv"}};
  const auto from_set = read_scenario(text, "lab/runs/s.yaml", sets);
  ASSERT_TRUE(from_set.has_value());
  EXPECT_EQ(from_set.value().topology.api.latency.file.path, "here.csv");
}

TEST(LoadScenario, SaysWhenTheFileCannotBeRead) {
  EXPECT_THROW((void)load_scenario("does/not/exist.yaml"), Error);
  EXPECT_THROW((void)load_scenario(DVT_TEST_DATA), Error);
  EXPECT_TRUE(load_scenario(std::string(DVT_TEST_DATA) + "/reference.yaml").has_value());
}

}  // namespace
}  // namespace dvt::sim::test
