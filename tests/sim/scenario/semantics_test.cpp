// Checks among sections: names that refer to others, plans, windows of time; and what is only warned of.
#include <algorithm>

#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/words.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

struct Wrong {
  std::string more;  // lines added to the small scenario
  const char* expected;
};

TEST(References, ToUnknownNamesAreReportedWithTheNearest) {
  const std::vector<Wrong> cases{
      {"faults: {f: {kind: latency, factor: 2, target: warehouse/defualt}}",
       "s.yaml:10:48: faults.f.target: no warehouse \"defualt\" (did you mean \"default\"?)"},
      {"faults: {f: {kind: kill, target: worker/tq-dta/*}}", "no task queue \"tq-dta\" (did you mean \"tq-data\"?)"},
      {"faults: {f: {kind: kill, target: worker/tq-data/10}}", "only 10 workers exist, counted from 0"},
      {"faults: {f: {kind: stall, target: projector/3}}", "only 3 replicas exist, counted from 0"},
      {"faults: {f: {kind: stall, target: projector/random(4)}}", "only 3 replicas exist"},
      {"operations: {a: {at: 1m, signal: PAUSE, select: {plan: smal}}}",
       "operations.a.select.plan: no plan \"smal\" (did you mean \"small\"?)"},
      {"operations: {a: {at: 1m, signal: PAUSE, select: {tenant: 1}}}", "only 1 tenants exist, counted from 0"},
      {"operations: {a: {at: 1m, signal: PAUSE, select: {tenant: x}}}", "expected any, or a tenant's number from 0"},
      {"operations: {p: {at: 1m, signal: PAUSE}, r: {after: {operation: q}, signal: RESUME}}",
       "operations.r.after.operation: no operation \"q\""},
      {"operations: {p: {at: 1m, signal: PAUSE, select: {sameAs: p}}}", "no other operation \"p\""},
      {"operations: {p: {at: 1m, signal: CANCEL}, r: {after: {operation: p, until: drained}, signal: RESUME}}",
       "drained needs a PAUSE"},
      {"operations: {a: {after: {operation: b}, signal: PAUSE}, b: {after: {operation: a}, signal: PAUSE}}",
       "operations wait for each other in a circle"},
      {"operations: {a: {after: {operation: a}, signal: PAUSE}}", "operations wait for each other in a circle"},
      {"provenance: {topology.stateStore.writeLatncy: measured}",
       "no such key (did you mean \"topology.stateStore.writeLatency\"?)"},
      {"topology: {taskQueues: {tq-dat: {workers: 1}}}", "no activity goes to this queue (did you mean \"tq-data\"?)"},
      {"topology: {activityOptions: {sprak: {startToClose: 2h}}}",
       "no warehouse runs kind \"sprak\" (did you mean \"spark\"?)"},
      {"topology: {stateStore: {failOpen: [StepStarted, StepCompleted]}}",
       "StepCompleted cannot fail open: only StepStarted may be written late"},
      {"topology: {stateStore: {writeBudget: 0s}}", "expected more than 0s"},
      {"warehouses: {w: {kinds: [dbt], duration: {small: 1s}}}", "no warehouse runs kind \"spark\""},
      {"warehouses: {w: {kinds: [dbt, spark], duration: {small: 1s}}}", "warehouse w has no duration for spark/medium"},
      {"warehouses: {w: {kinds: [dbt, spark], duration: {small: 1s, medum: 2s, medium: 2s}}}",
       "(did you mean \"medium\"?)"},
  };
  for (const Wrong& wrong : cases) {
    const std::string errors = errors_of(small_and(wrong.more));
    EXPECT_NE(errors.find(wrong.expected), std::string::npos) << wrong.more << "\n" << errors;
  }
}

TEST(Faults, TakeOnlyTargetsAndParametersOfTheirKind) {
  const std::vector<Wrong> cases{
      {"faults: {f: {kind: kill, target: warehouse/default}}", "kind: kill cannot strike \"warehouse/default\""},
      {"faults: {f: {kind: latency, target: warehouse/default}}", "kind: latency needs a factor other than 1"},
      {"faults: {f: {kind: kill, target: worker/tq-data/*, factor: 2}}", "\"factor\" has no meaning for kind: kill"},
      {"faults: {f: {kind: kill, target: worker/tq-data/*, for: 2m}}", "\"for\" has no meaning for kind: kill"},
      {"faults: {f: {kind: stall, target: projector, jitter: 10%}}", "\"jitter\" has no meaning for kind: stall"},
      {"faults: {f: {kind: outage, target: warehouse/default, at: 10m, until: 10m}}",
       "until (10m) is not after at (10m)"},
      {"faults: {f: {kind: latency, factor: 2, target: warehouse/default, for: 1m, ramp: 2m}}",
       "ramp is longer than for"},
      {"faults: {f: {kind: outage, target: warehouse/default, every: 0s}}", "every must be more than 0s"},
      {"faults: {f: {kind: outage, target: warehouse/default, every: {poisson: 0/d}}}", "expected more than 0/s"},
      {"faults: {f: {kind: loss, target: api}}", "kind: loss cannot strike \"api\"; it can strike link/worker/store"},
      {"faults: {f: {kind: loss, target: link/worker/store, share: 30%}}",
       "share has no meaning for the store and its link"},
      {"faults: {f: {kind: clock-skew, target: clock/worker}}", "kind: clock-skew needs an offset"},
      {"faults: {f: {kind: stall, target: signals, offset: 3s}}", "\"offset\" has no meaning for kind: stall"},
      {"faults: {f: {kind: throttle, target: adapter, factor: 2}}", "topology.adapter.capacity has no limit"},
      {"topology: {adapter: {kind: conductor}}\nfaults: {f: {kind: stall, target: worker/tq-data}}",
       "kind: stall on workers needs adapter.kind: temporal"},
      {"topology: {stateStore: {backend: memory}}\nfaults: {f: {kind: corrupt, target: store}}",
       "the memory store keeps no hashes"},
      {"topology: {stateStore: {diskSize: 1GiB}}", "only a virtual disk has a size"},
      {"faults: {f: {kind: stall, target: bus, share: 30%}}", "\"share\" has no meaning for kind: stall"},
      {"faults: {f: {kind: throttle, target: bus, factor: 2}}", "topology.bus.throughput has no limit"},
      {"faults: {f: {kind: loss, target: bus/uy}}", "no subscription \"uy\" (did you mean \"ui\"?)"},
      {"faults: {f: {kind: kill, target: outbox/2}}", "only 2 relays exist, counted from 0"},
      {"faults: {f: {kind: disk-full, target: store/disk}}",
       "disk faults need topology.stateStore {backend: file, commit: per-append}, found {backend: :memory:, commit: "
       "batched}"},
      {"faults: {f: {kind: lose-unsynced, target: store/disk, for: 1m}}",
       "\"for\" has no meaning for kind: lose-unsynced, which is over at once"},
      {"faults: {f: {kind: disk-slow, target: store/disk}}", "kind: disk-slow needs a factor other than 1"},
      {"faults: {f: {kind: failover, target: link/worker/store}}",
       "kind: failover cannot strike \"link/worker/store\"; it can strike store"},
      {"faults: {f: {kind: partition, target: link/worker/store, group: zone}}",
       "\"group\" has no meaning for kind: partition"},
      {"faults: {f: {kind: pool-exhaustion, target: store, factor: 2}}",
       "\"factor\" has no meaning for kind: pool-exhaustion"},
      {"faults: {f: {kind: throttle, target: store}}", "kind: throttle needs a factor other than 1"},
      {"topology: {adapter: {kind: mock}}\nfaults: {f: {kind: partition, target: link/worker/store}}",
       "adapter.kind: mock has no workers"},
      {"faults: {f: {target: api}}", "\"kind\" is missing"},
      {"faults: {f.g: {kind: stall, target: projector}}", "a name has letters, digits"},
      {"faults: [{kind: stall, target: projector}]", "expected a map by name"},
  };
  for (const Wrong& wrong : cases) {
    const std::string errors = errors_of(small_and(wrong.more));
    EXPECT_NE(errors.find(wrong.expected), std::string::npos) << wrong.more << "\n" << errors;
  }
}

TEST(Faults, AreModelledWhereverTheyMayStrike) {
  for (const FaultKindInfo& kind : fault_kinds())
    for (const TargetKind target : kind.targets)
      EXPECT_NE(std::find(kind.modelled.begin(), kind.modelled.end(), target), kind.modelled.end())
          << word(kind.kind) << " on " << info(target).notation;
}

TEST(Operations, HaveOneTriggerAndOneDeed) {
  const std::vector<Wrong> cases{
      {"operations: {a: {signal: PAUSE}}", "expected exactly one of at, after, on"},
      {"operations: {a: {at: 1m, after: {operation: b}, signal: PAUSE}, b: {at: 1m, signal: PAUSE}}",
       "found at and after"},
      {"operations: {a: {at: 1m}}", "expected exactly one of signal, action"},
      {"operations: {a: {at: 1m, action: set-timeout, kind: dbt}}", "action: set-timeout needs \"startToClose\""},
      {"operations: {a: {at: 1m, action: scale}}", "action: scale needs \"target\""},
      {"operations: {a: {at: 1m, action: heal, fault: f}}", "no fault \"f\""},
      {"operations: {a: {at: 1m, action: scale, target: outbox/1, to: 3}}", "action: scale takes all of it: outbox"},
      {"operations: {a: {at: 1m, action: restart, target: bus}}", "action: restart on \"bus\" is not modelled yet"},
      {"operations: {a: {at: 1m, action: replay-from-snapshot, target: bus/adit}}", "(did you mean \"audit\"?)"},
      {"operations: {a: {at: 1m, action: restart, target: projecter}}", "expected a target, found \"projecter\""},
      {"operations: {a: {at: 1m, action: scale, target: projector, to: 0}}", "expected"},
      {"operations: {a: {at: 1m, signal: PAUSE, to: 3}}", "\"to\" belongs to an action"},
      {"operations: {a: {at: 1m, action: throtle, rate: 1/s}}",
       "operations.a.action: expected one of scale, restart, throttle"},
      {"operations: {a: {at: 1m, action: throttle}}", "action: throttle needs \"rate\""},
      {"operations: {a: {at: 1m, action: throttle, rate: 1/s, select: {plan: small}}}",
       "\"select\" has no meaning for action: throttle, which takes no runs"},
      {"operations: {a: {at: 1m, action: purge-deferred, spread: 5s}}",
       "\"spread\" has no meaning for action: purge-deferred, which takes no runs"},
      {"operations: {a: {at: 1m, action: terminate, select: {plan: small}, repeat: 2}}",
       "\"repeat\" belongs to a signal"},
      {"operations: {a: {at: 1m, action: terminate}}", "action: terminate needs \"select\""},
      {"operations: {p: {at: 1m, signal: PAUSE}, a: {after: {operation: p, until: drained}, action: requeue-deferred}}",
       "until: drained acts on each run as it drains; action: requeue-deferred takes no runs"},
      {"operations: {a: {at: 1m, action: set-timeout, kind: dbt, startToClose: 0s}}",
       "expected more than 0s, found 0s"},
      {"operations: {a: {at: 1m, action: set-timeout, kind: dbr, startToClose: 1h}}",
       "operations.a.kind: no warehouse runs the kind \"dbr\" (did you mean \"dbt\"?)"},
      {"operations: {a: {at: 1m, action: set-timeout, kind: dbt/larg, startToClose: 1h}}",
       "operations.a.kind: no size \"larg\" (did you mean \"large\"?)"},
      {"operations: {a: {at: 1m, signal: PAUS}}", "expected one of PAUSE, RESUME"},
      {"operations: {p: {at: 1m, signal: PAUSE}, a: {at: 2m, signal: RESUME, select: {sameAs: p, plan: small}}}",
       "sameAs excludes the other keys"},
      {"operations: {a: {at: 1m, signal: PAUSE, reaction: 5m}}", "reaction belongs to on"},
      {"operations: {a: {on: {alert: ProjectionLag, state: resolved}, signal: PAUSE}}", "give a reaction time"},
  };
  for (const Wrong& wrong : cases) {
    const std::string errors = errors_of(small_and(wrong.more));
    EXPECT_NE(errors.find(wrong.expected), std::string::npos) << wrong.more << "\n" << errors;
  }
}

std::string with_plan(std::string_view body) {
  return "apiVersion: dvtsim/v1\nkind: Scenario\nmetadata: {name: p}\nduration: 1h\nworkload:\n  arrivals: {rate: "
         "1/m}\n  plans:\n    p: " +
         std::string(body) + "\n";
}

TEST(InlinePlans, AreCheckedByThePlanModel) {
  const std::vector<Wrong> cases{
      {"{steps: [{stepId: a, kind: dbt}, {stepId: a, kind: dbt}]}", "INVALID_PLAN_SCHEMA: duplicate_step_id:a"},
      {"{steps: [{stepId: a, kind: dbt, dependsOn: [b]}, {stepId: bb, kind: dbt}]}",
       "INVALID_PLAN_SCHEMA: unknown_dependency:a->b"},
      {"{steps: [{stepId: a, kind: dbt, dependsOn: [a]}]}", "INVALID_PLAN_SCHEMA: self_dependency:a"},
      {"{steps: [{stepId: a, kind: dbt, dependsOn: [b]}, {stepId: b, kind: dbt, dependsOn: [a]}, {stepId: c, kind: "
       "dbt}]}",
       "INVALID_PLAN_SCHEMA: cyclic_dependencies_detected (among a, b)"},
      {"{steps: []}", "expected at least one"},
      {"{steps: [{stepId: \"a|b\", kind: dbt}]}", "without '|'"},
      {"{steps: [{kind: dbt}]}", "s.yaml:8:17: workload.plans.p.steps.0: \"stepId\" is missing"},
      {"{steps: [{stepId: a, kind: dbt, size: huge}]}", "expected small, medium or large, found huge"},
      {"{steps: [{stepId: a, kind: cobol}]}", "no warehouse runs kind \"cobol\""},
      {"{synthetic: {steps: 3, layers: 4}}", "4 layers need at least as many steps"},
      {"{steps: [{stepId: a, kind: dbt}], synthetic: {steps: 3}}", "found steps and synthetic"},
      {"{weight: 1}", "expected exactly one of steps, synthetic, dbt, file, workflow"},
      {"{weight: 0, synthetic: {steps: 3}}", "the weights of all plans are 0"},
      {"{weight: -1, synthetic: {steps: 3}}", "expected 0 to 1000000000, found -1"},
      {"{dbt: {runResults: r.json}}", "\"manifest\" is missing"},
      {"{dbt: {manifest: m.json, select: [modle]}}", "among model, seed, test, snapshot"},
  };
  for (const Wrong& wrong : cases) {
    const std::string errors = errors_of(with_plan(wrong.more));
    EXPECT_NE(errors.find(wrong.expected), std::string::npos) << wrong.more << "\n" << errors;
  }
}

TEST(Arrivals, FitTheirProcess) {
  const auto with = [](std::string_view arrivals) {
    return "apiVersion: dvtsim/v1\nkind: Scenario\nmetadata: {name: p}\nduration: 1h\nworkload:\n  plans: {p: "
           "{synthetic: {steps: 2}}}\n  arrivals: " +
           std::string(arrivals) + "\n";
  };
  EXPECT_NE(errors_of(with("{}")).find("\"rate\" is missing"), std::string::npos);
  EXPECT_NE(errors_of(with("{rate: 1/m, runs: 10}")).find("not both"), std::string::npos);
  EXPECT_NE(errors_of(with("{process: trace}")).find("needs file and column"), std::string::npos);
  EXPECT_NE(errors_of(with("{rate: 1/m, file: a.csv}")).find("belong to process: trace"), std::string::npos);
  EXPECT_NE(errors_of(with("{rate: 1/m, cv: 2}")).find("cv belongs to process: gamma"), std::string::npos);
  EXPECT_NE(errors_of(with("{rate: 1/m, scale: 0}")).find("expected more than 0"), std::string::npos);
  EXPECT_EQ(must_read(with("{runs: 1000}")).workload.arrivals.runs, 1000);
  EXPECT_EQ(must_read(with("{process: trace, file: a.csv, column: t, unit: ms}")).workload.arrivals.unit,
            milliseconds(1));
  EXPECT_DOUBLE_EQ(must_read(with("{process: gamma, rate: 1/m, cv: 2}")).workload.arrivals.cv, 2);
}

TEST(Windows, ThatLeaveNothingAreErrors) {
  EXPECT_NE(
      errors_of(small_and("warmup: 2h")).find("s.yaml:10:9: warmup: warm-up (2h) leaves nothing of the duration (2h)"),
      std::string::npos);
  EXPECT_NE(errors_of(small_and("sampleInterval: 0s")).find("expected 1ms to 1d"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"duration", "0s"}}).find("duration"), std::string::npos);
  EXPECT_NE(errors_of(kSmall, {{"workload.stages", "[{for: 1m, rate: 1/m, ramp: 2m}]"}})
                .find("ramp is longer than the stage"),
            std::string::npos);
}

TEST(Warnings, NameStepsThatOutliveTheirTimeout) {
  const std::string text = small_and("").replace(kSmall.find("size: medium"), 12, "size: large");
  const std::string warnings = format(scenario_warnings(must_read(text)));
  EXPECT_EQ(warnings,
            "s.yaml:8:5: warning: workload.plans.wide: spark/large steps have a p99 of 1h, longer than their "
            "start-to-close timeout of 30m: such a step can "
            "never finish (known fault 8)\n");
  EXPECT_EQ(format(scenario_warnings(must_read(text + "topology: {activityOptions: {spark: {startToClose: 2h}}}\n"))),
            "");
  EXPECT_EQ(
      format(scenario_warnings(must_read(text + "topology: {activityOptions: {spark/large: {startToClose: 0s}}}\n"))),
      "");
}

TEST(Warnings, NameWhatComesAfterTheEndAndWhatIsLeftOutWithoutAReason) {
  const std::string warnings =
      format(scenario_warnings(must_read(small_and(R"(faults: {f: {kind: outage, target: warehouse/default, at: 3h}}
operations: {o: {at: 2h, signal: PAUSE}}
invariants: {except: [a-b, c-d: because]}
warehouses: {default: {errors: {codes: {timeuot: 100%}}}, second: {kinds: [dbt]}})"))));
  for (const char* expected :
       {"faults.f.at: 3h is not before the end of the run (2h)", "operations.o.at: 2h is not before the end",
        "\"a-b\" is left out without a reason", "(did you mean \"timeout\"?)",
        "warehouses.second.kinds: dbt is run by default already"}) {
    EXPECT_NE(warnings.find(expected), std::string::npos) << expected << "\nin\n" << warnings;
  }
  EXPECT_EQ(warnings.find("c-d"), std::string::npos);
}

constexpr const char* kConductor = "topology: {adapter: {kind: conductor}}";

TEST(Conductor, HasItsDocumentedWorkersAndPollsWhereTheScenarioSaysNothing) {
  const Topology plain = must_read(small_and(kConductor)).topology;
  EXPECT_EQ(plain.task_queue("tq-control")->workers, 10);
  EXPECT_EQ(plain.task_queue("tq-data")->workers, 5);
  EXPECT_EQ(plain.poll_interval_of(*plain.task_queue("tq-control")), milliseconds(100));
  EXPECT_EQ(plain.poll_interval_of(*plain.task_queue("tq-data")), milliseconds(500));
  EXPECT_EQ(plain.conductor.task_timeout, seconds(30));
  EXPECT_EQ(plain.conductor.drain_timeout, minutes(5));

  const Topology said = must_read(small_and(R"(topology:
  adapter: {kind: conductor}
  conductor: {pollInterval: 50ms, orphanPolicy: reject}
  taskQueues: {tq-data: {workers: 7, pollInterval: 1s}, tq-control: {slots: 4}, tq-isolation-tenant-1: {}})"))
                            .topology;
  EXPECT_EQ(said.task_queue("tq-data")->workers, 7);
  EXPECT_EQ(said.task_queue("tq-control")->workers, 10);
  EXPECT_EQ(said.task_queue("tq-isolation-tenant-1")->workers, 2);
  EXPECT_EQ(said.poll_interval_of(*said.task_queue("tq-control")), milliseconds(50));
  EXPECT_EQ(said.poll_interval_of(*said.task_queue("tq-data")), seconds(1));
  EXPECT_EQ(said.poll_interval_of(*said.task_queue("tq-isolation-tenant-1")), milliseconds(100));
  EXPECT_EQ(said.conductor.orphan_policy, OrphanPolicy::reject);
  EXPECT_EQ(must_read(kSmall).topology.task_queue("tq-data")->workers, 10);  // Temporal's
}

TEST(Conductor, IsReadBackFromItsResolvedForm) {
  const Scenario s = must_read(small_and(kConductor));
  EXPECT_TRUE(must_read(write_resolved(s, "s.yaml")) == s);
}

TEST(Conductor, RefusesWhatItHasNoWayToDo) {
  const std::vector<Wrong> cases{
      {"topology: {adapter: {kind: conductor}, interpreter: {continueAsNewAfterLayers: 5}}",
       "Conductor keeps no history"},
      {"topology: {adapter: {kind: conductor}, taskQueues: {tq-isolation-tenant-2: {}}}",
       "expected tq-isolation-tenant-1 to tq-isolation-tenant-1"},
      {"topology: {taskQueues: {tq-isolation-tenant-1: {}}}", "modelled with adapter.kind: conductor only"},
  };
  for (const Wrong& wrong : cases) {
    const std::string errors = errors_of(small_and(wrong.more));
    EXPECT_NE(errors.find(wrong.expected), std::string::npos) << wrong.expected << "\nin\n" << errors;
  }
}

TEST(Conductor, WarnsOfStepsThatItsOneTaskTimeoutKills) {
  const auto warned = [](const std::string& more) { return format(scenario_warnings(must_read(small_and(more)))); };
  EXPECT_NE(
      warned(kConductor).find("longer than their task timeout of 30s: such a step can never finish (known fault 9)"),
      std::string::npos);
  EXPECT_EQ(warned(std::string(kConductor) + "\nknownFaults: {9: fixed}").find("known fault 9"), std::string::npos);
  EXPECT_NE(warned("topology: {conductor: {taskTimeout: 1m}}").find("topology.conductor: has no effect"),
            std::string::npos);
  EXPECT_NE(warned("topology: {taskQueues: {tq-data: {pollInterval: 1s}}}")
                .find("topology.taskQueues.tq-data.pollInterval: has no effect"),
            std::string::npos);
}

TEST(Conductor, TakesPlansAndNoWorkflowCode) {
  std::string text(kSmall);
  text.replace(text.find("    wide:"), 0, "    saga: {workflow: order-saga}\n");
  EXPECT_NE(errors_of(text + kConductor).find("workload.plans.saga.workflow: workflow code runs on Temporal only"),
            std::string::npos);
  EXPECT_EQ(errors_of(text), "");
}

// The small scenario with one more plan that says what it needs.
std::string needing(const std::string& metadata, const std::string& adapter = "conductor") {
  std::string text(kSmall);
  text.replace(text.find("    wide:"), 0, "    picky: {" + metadata + ", steps: [{stepId: a, kind: dbt}]}\n");
  return text + "topology: {adapter: {kind: " + adapter + "}}\n";
}

TEST(Capabilities, ThatAreMistakenAreErrors) {
  EXPECT_NE(
      errors_of(needing("requiresCapabilities: [signal.pause.nativ]"))
          .find("workload.plans.picky.requiresCapabilities: no adapter has a capability \"signal.pause.nativ\" (did "
                "you mean \"signal.pause.native\"?)"),
      std::string::npos);
  EXPECT_NE(
      errors_of(needing("targetAdapter: temporal"))
          .find("workload.plans.picky.targetAdapter: the plan may run on temporal only, and topology.adapter.kind "
                "is conductor"),
      std::string::npos);
  EXPECT_EQ(errors_of(needing("targetAdapter: temporal", "temporal")), "");
}

TEST(Capabilities, ThatAreMissingAreReportedWithWhatWasDecided) {
  const auto warned = [](const std::string& text) { return format(scenario_warnings(must_read(text))); };
  const std::string needs = "requiresCapabilities: [signal.pause.native]";
  EXPECT_NE(warned(needing(needs)).find("conductor lacks signal.pause.native: rejected"), std::string::npos);
  EXPECT_NE(warned(needing(needs + ", fallbackBehavior: emulate")).find("emulated by signal.pause.emulated"),
            std::string::npos);
  EXPECT_NE(warned(needing(needs + ", fallbackBehavior: degrade")).find("degraded"), std::string::npos);
  EXPECT_EQ(warned(needing(needs, "temporal")).find("lacks"), std::string::npos);
}

}  // namespace
}  // namespace dvt::sim::test
