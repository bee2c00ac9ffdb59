// The weight of the plan workflow's payloads, which limits of histories count, against the JSON they stand for.
#include "engine/plan/contracts.h"

#include <gtest/gtest.h>

namespace dvt::engine {
namespace {

struct Payloads : ::testing::Test {
  void expect_weight(const PayloadBody& body) {
    std::string json;
    body.write_json(json);
    const auto weight = static_cast<double>(body.approximate_bytes());
    const auto bytes = static_cast<double>(json.size());
    EXPECT_NEAR(weight, bytes, 0.05 * bytes + 6) << json;
  }
  static PlanEntryRef plan() {
    Plan plan;
    plan.metadata.plan_id = "orders";
    plan.metadata.plan_version = "1.4.2";
    for (int i = 0; i < 12; ++i) {
      Step step;
      step.step_id = "model_of_orders_" + std::to_string(i);
      step.kind = "dbt";
      if (i > 0) step.depends_on = {"model_of_orders_0", "model_of_orders_" + std::to_string(i - 1)};
      plan.steps.push_back(step);
    }
    static PlanCatalogue catalogue;
    return catalogue.add(std::move(plan));
  }
  static RunIdentityRef run() {
    RunIdentity identity;
    identity.run_id_text = "7f3e8a52-6f0e-4a54-9d20-6a1d8f1f3c77";
    identity.tenant_id = "tenant-17";
    identity.project_id = "default";
    identity.environment_id = "prod";
    return std::make_shared<const RunIdentity>(identity);
  }
};

TEST_F(Payloads, WeighAboutAsMuchAsTheirJson) {
  const PlanEntryRef entry = plan();
  const RunIdentityRef identity = run();
  const auto input = std::make_shared<const PlanRunInput>(identity, entry, "temporal", 0u, 0u, 0u);
  expect_weight(*input);
  expect_weight(PlanRunInput(identity, entry, "temporal", 3u, 6u, 2u));
  expect_weight(SaveRunMetadataInput(identity, entry));
  expect_weight(EmitEventInput(input, EventType::run_started, kNoStep, 0));
  expect_weight(EmitEventInput(input, EventType::step_completed, StepIndex{3}, 0));
  expect_weight(FetchPlanInput(identity, entry->ref));
  expect_weight(FetchedPlan(entry));
  expect_weight(ExecuteStepInput(input, entry, StepIndex{0}));
  expect_weight(ExecuteStepInput(input, entry, StepIndex{5}));
  expect_weight(StepResult(entry, StepIndex{5}, true, Symbol{}));
  expect_weight(StepResult(entry, StepIndex{5}, false, Symbol::intern("PermanentStepError")));
  expect_weight(PlanRunResult(identity, RunOutcome::completed, ErrorClass::none, Symbol{}, 0));
  expect_weight(JsonPayload("{\"a\":1}"));
}

}  // namespace
}  // namespace dvt::engine
