// The capability matrix of domain §10, and what a plan's fallbackBehavior makes of what is missing.
#include "engine/plan/capabilities.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dvt::engine {
namespace {

Plan plan_needing(std::vector<std::string> capabilities, FallbackBehavior fallback = FallbackBehavior::reject) {
  Plan plan;
  plan.metadata.plan_id = "p";
  plan.metadata.plan_version = "1";
  plan.metadata.requires_capabilities = std::move(capabilities);
  plan.metadata.fallback_behavior = fallback;
  plan.steps = {{"a", "dbt", {}}};
  return plan;
}

PlanVerdict on_conductor(std::vector<std::string> capabilities, FallbackBehavior fallback) {
  return judge_plan(plan_needing(std::move(capabilities), fallback), 100, TargetAdapter::conductor);
}

using Lines = std::vector<std::string>;

TEST(Capabilities, AreTheDocumentsRows) {
  const AdapterProfile& temporal = adapter_profile(TargetAdapter::temporal);
  const AdapterProfile& conductor = adapter_profile(TargetAdapter::conductor);
  EXPECT_EQ(temporal.offers.size(), 10u);
  EXPECT_EQ(conductor.offers.size(), 6u);
  EXPECT_TRUE(temporal.offers_capability("workflow.continue.as.new"));
  EXPECT_FALSE(conductor.offers_capability("workflow.continue.as.new"));
  EXPECT_TRUE(conductor.offers_capability("cancel.forced"));
  EXPECT_FALSE(temporal.offers_capability("cancel.forced"));
  EXPECT_EQ(temporal.max_signal_bytes, 64'000u);
  EXPECT_EQ(temporal.signals_per_run_per_minute, 60u);
  EXPECT_EQ(temporal.max_deferral, hours(24));
  EXPECT_EQ(conductor.max_task_bytes, 32'000u);
  // ten of Temporal's and four that only Conductor has
  EXPECT_EQ(all_capabilities().size(), 14u);
}

TEST(Capabilities, ThatAreOfferedNeedNoWord) {
  const PlanVerdict verdict =
      judge_plan(plan_needing({"signal.pause.native", "replay.full"}), 100, TargetAdapter::temporal);
  EXPECT_TRUE(verdict.accepted());
  EXPECT_EQ(verdict.code(), "");
  EXPECT_EQ(verdict.report(), Lines{});
  ASSERT_EQ(verdict.findings.size(), 2u);
  EXPECT_EQ(verdict.findings[0].decision, CapabilityDecision::offered);
}

TEST(Capabilities, ThatAreMissingRejectThePlanByDefault) {
  const PlanVerdict verdict = on_conductor({"workflow.fan.parallel", "replay.full"}, FallbackBehavior::reject);
  EXPECT_FALSE(verdict.accepted());
  EXPECT_EQ(verdict.code(), "CAPABILITY_NOT_SUPPORTED");
  EXPECT_EQ(verdict.report(), Lines{"conductor lacks replay.full: rejected"});
}

TEST(Capabilities, AreEmulatedWhereTheAdapterHasSomethingThatStandsIn) {
  const PlanVerdict verdict = on_conductor({"signal.pause.native"}, FallbackBehavior::emulate);
  EXPECT_TRUE(verdict.accepted());
  EXPECT_EQ(verdict.report(), Lines{"conductor lacks signal.pause.native: emulated by signal.pause.emulated"});
}

TEST(Capabilities, ThatNothingCanEmulateAreRejectedAllTheSame) {
  const PlanVerdict verdict = on_conductor({"signal.pause.native", "workflow.child.workflows", "cancel.cooperative"},
                                           FallbackBehavior::emulate);
  EXPECT_EQ(verdict.code(), "CAPABILITY_NOT_SUPPORTED");
  EXPECT_EQ(verdict.report(), (Lines{"conductor lacks signal.pause.native: emulated by signal.pause.emulated",
                                     "conductor lacks workflow.child.workflows: rejected, nothing there can emulate it",
                                     "conductor lacks cancel.cooperative: rejected, nothing there can emulate it"}));
}

TEST(Capabilities, ThatAreMissingDegradeAPlanThatAllowsIt) {
  const PlanVerdict verdict = on_conductor({"signals.concurrent", "signals.concurrent"}, FallbackBehavior::degrade);
  EXPECT_TRUE(verdict.accepted());
  EXPECT_EQ(verdict.report(), Lines{"conductor lacks signals.concurrent: degraded, the plan runs without it"});
}

TEST(Capabilities, ThatNobodyHasAreAnErrorWithTheNearestName) {
  const PlanVerdict verdict = on_conductor({"signal.pause.nativ"}, FallbackBehavior::degrade);
  EXPECT_EQ(verdict.code(), "CAPABILITY_UNKNOWN");
  EXPECT_EQ(
      verdict.report(),
      Lines{"no adapter has a capability \"signal.pause.nativ\" (did you mean \"signal.pause.native\"?): rejected"});
}

TEST(Capabilities, APlanForAnotherAdapterIsAnErrorWhateverItNeeds) {
  Plan plan = plan_needing({}, FallbackBehavior::degrade);
  plan.metadata.target_adapter = TargetAdapter::temporal;
  EXPECT_TRUE(judge_plan(plan, 100, TargetAdapter::temporal).accepted());
  const PlanVerdict verdict = judge_plan(plan, 100, TargetAdapter::conductor);
  EXPECT_EQ(verdict.code(), "PLAN_TARGET_ADAPTER_MISMATCH");
  EXPECT_EQ(verdict.report(), Lines{"targetAdapter is temporal, the adapter is conductor: rejected"});
}

TEST(Capabilities, APlanWhoseTasksCarryTooMuchCannotRunOnConductor) {
  EXPECT_TRUE(judge_plan(plan_needing({}), 32'000, TargetAdapter::conductor).accepted());
  const PlanVerdict fetched = judge_plan(plan_needing({}), 32'001, TargetAdapter::conductor);
  EXPECT_EQ(fetched.code(), "PLAN_TASK_TOO_LARGE");
  EXPECT_EQ(fetched.report(),
            Lines{"the plan's largest task carries 32001 B, conductor takes at most 32000 B: rejected"});
  EXPECT_TRUE(judge_plan(plan_needing({}), 32'001, TargetAdapter::temporal).accepted());
  Plan joined = plan_needing({});
  joined.steps.push_back({"z", "dbt", std::vector<std::string>(40, std::string(1'000, 'x'))});
  EXPECT_EQ(judge_plan(joined, 100, TargetAdapter::conductor).code(), "PLAN_TASK_TOO_LARGE");
}

}  // namespace
}  // namespace dvt::engine
