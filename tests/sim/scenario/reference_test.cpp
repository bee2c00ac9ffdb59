// The reference file of the language is read unchanged, and everything in it arrives.
#include "sim/scenario/words.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

TEST(ReferenceFile, IsReadUnchanged) {
  const auto result = read(reference());
  EXPECT_TRUE(result.has_value()) << format(result.error());
}

TEST(ReferenceFile, TellsWorkload) {
  const Scenario s = must_read(modelled_reference());
  EXPECT_EQ(s.metadata.name, "pause-storm");
  EXPECT_EQ(s.metadata.tier, Tier::quick);
  EXPECT_EQ(s.seed, 42U);
  EXPECT_EQ(s.duration, hours(2));
  EXPECT_EQ(s.warmup, minutes(5));
  EXPECT_EQ(s.workload.tenants.count, 12);
  EXPECT_DOUBLE_EQ(s.workload.tenants.zipf, 1.1);
  ASSERT_EQ(s.workload.plans.size(), 5U);
  EXPECT_EQ(std::get<WorkflowPlan>(s.workload.plans[4].body).workflow, "order-saga");
  EXPECT_EQ(std::get<WorkflowPlan>(s.workload.plans[4].body).input.text, "{}");
  const auto& small = std::get<InlinePlan>(s.workload.plans[0].body);
  ASSERT_EQ(small.steps.size(), 2U);
  EXPECT_FALSE(small.steps[0].depends_on.has_value());
  EXPECT_EQ(small.steps[1].depends_on, std::vector<std::string>{"a"});
  EXPECT_EQ(std::get<SyntheticPlan>(s.workload.plans[1].body).layers, 8);
  EXPECT_EQ(std::get<DbtPlan>(s.workload.plans[2].body).manifest.path, "target/manifest.json");
  EXPECT_EQ(std::get<PlanFile>(s.workload.plans[3].body).file.path, "plan.json");
  EXPECT_DOUBLE_EQ(s.workload.plans[0].weight, 8);
  EXPECT_EQ(s.workload.arrivals.rate, per_minute(35));
  ASSERT_EQ(s.workload.stages.size(), 2U);
  EXPECT_EQ(s.workload.stages[1].ramp, minutes(5));
  ASSERT_EQ(s.workload.signals.size(), 1U);
  EXPECT_EQ(s.workload.signals[0].signal, SignalType::pause);
  EXPECT_EQ(s.workload.signals[0].resume_after, Dist::uniform(minutes(1), minutes(10)));
  EXPECT_EQ(s.workload.reads.rate, per_second(5));
  EXPECT_FALSE(s.workload.approval.has_value());
}

TEST(ReferenceFile, TellsTopologyAndWarehouses) {
  const Scenario s = must_read(modelled_reference());
  EXPECT_EQ(s.topology.adapter.rpc_latency, Dist::lognormal(milliseconds(5), milliseconds(30)));
  EXPECT_EQ(s.topology.options_for("spark", "small").start_to_close, hours(2));
  EXPECT_EQ(s.topology.options_for("spark", "small").heartbeat, seconds(20));
  EXPECT_EQ(s.topology.options_for("spark", "small").max_attempts, 3);
  EXPECT_EQ(s.topology.options_for("dbt", "small").start_to_close, minutes(30));
  ASSERT_NE(s.topology.task_queue("tq-data"), nullptr);
  EXPECT_EQ(s.topology.task_queue("tq-data")->workers, 10);
  EXPECT_EQ(s.topology.state_store.backend, StoreBackend::sqlite_memory);
  EXPECT_EQ(s.topology.outbox.backoff.jitter, percent(20));
  ASSERT_EQ(s.topology.bus.subscriptions.size(), 3U);
  EXPECT_EQ(s.topology.signals.max_bytes.count, 65'536);
  ASSERT_EQ(s.warehouses.size(), 2U);
  EXPECT_EQ(s.warehouse_for("custom")->name, "bq");
  EXPECT_EQ(s.warehouse_for("spark")->name, "emr");
  EXPECT_EQ(s.warehouse_for("cobol"), nullptr);
  EXPECT_EQ(s.warehouses[0].errors.rate.ppb, 500'000);
  EXPECT_EQ(*s.warehouses[1].duration_for("spark", "large", ""), Dist::constant(minutes(20)));
}

TEST(ReferenceFile, TellsFaultsOperationsAndAssertions) {
  const Scenario s = must_read(modelled_reference());
  ASSERT_EQ(s.faults.size(), 3U);
  EXPECT_EQ(s.faults[0].name, "slow");
  EXPECT_EQ(s.faults[0].target.kind, TargetKind::warehouse);
  EXPECT_DOUBLE_EQ(s.faults[0].factor, 6);
  EXPECT_EQ(s.faults[1].target.members, Target::Members::random);
  EXPECT_EQ(s.faults[1].every->poisson.per, days(1));
  EXPECT_EQ(s.faults[2].kind, FaultKind::kill);
  EXPECT_EQ(s.faults[2].target.members, Target::Members::each);
  EXPECT_EQ(s.faults[2].group, FaultGroup::zone);
  EXPECT_EQ(s.faults[2].max_down, percent(50));
  ASSERT_EQ(s.operations.size(), 2U);
  EXPECT_EQ(s.operations[0].signal, SignalType::pause);
  EXPECT_EQ(s.operations[0].select.fraction, percent(30));
  EXPECT_EQ(s.operations[1].after->until, After::Until::drained);
  EXPECT_EQ(s.operations[1].select.same_as, "p30");
  EXPECT_EQ(s.operations[1].select.filter(SignalType::resume), RunFilter::paused);
  ASSERT_EQ(s.assertions.size(), 8U);
  EXPECT_EQ(s.assertions[7].text, "budget.consumed < 216m");
  EXPECT_TRUE(s.assertions[7].abort_on_fail);
  EXPECT_EQ(s.location(s.assertions[0].source), "s.yaml:79:5");
}

TEST(ReferenceFile, HasAssertionsWhosePathsExist) {
  const Scenario s = must_read(modelled_reference());
  PathCatalogue catalogue = path_catalogue(s);
  add_alert(catalogue, "corrected", "ProjectionLag");
  EXPECT_EQ(format(check_assertions(s, catalogue)), "");
}

TEST(ReferenceFile, WarnsOfNothingButWhatItShows) {
  // medium Spark steps take 5 min, large ones 20 min, both inside 2 h: nothing to warn of.
  EXPECT_EQ(format(scenario_warnings(must_read(modelled_reference()))), "");
}

}  // namespace
}  // namespace dvt::sim::test
