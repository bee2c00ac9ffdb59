// The plan's rules and its JSON: every error with the production engine's exact text, all of them at once.
#include "engine/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/plan/plan_json.h"

namespace dvt::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Plan plan_of(std::vector<Step> steps) {
  Plan plan;
  plan.metadata.plan_id = "nightly";
  plan.metadata.plan_version = "3";
  plan.steps = std::move(steps);
  return plan;
}

Step step(std::string id) {
  return {std::move(id), "dbt", std::nullopt};
}
Step step(std::string id, std::vector<std::string> depends_on) {
  return {std::move(id), "dbt", std::move(depends_on)};
}

std::vector<std::string> texts(const std::vector<PlanError>& errors) {
  std::vector<std::string> out;
  for (const PlanError& error : errors) out.push_back(error.text());
  return out;
}

std::vector<std::string> errors_of(std::string_view json) {
  const auto parsed = parse_plan(json);
  return parsed.has_value() ? std::vector<std::string>{} : texts(parsed.error());
}

/// A plan's JSON around the given steps.
std::string with_steps(std::string_view steps) {
  return R"({"metadata":{"planId":"p","planVersion":"1","schemaVersion":"1"},"steps":)" + std::string(steps) + "}";
}

TEST(PlanValidation, AcceptsAGraphAndAPlanWithoutSteps) {
  EXPECT_THAT(validate(plan_of({step("a"), step("b", {"a"}), step("c", {"a", "b", "a"})})), IsEmpty());
  EXPECT_THAT(validate(plan_of({})), IsEmpty());
}

TEST(PlanValidation, NamesADuplicateOnceHoweverOftenItOccurs) {
  EXPECT_THAT(texts(validate(plan_of({step("a"), step("a"), step("b"), step("a")}))),
              ElementsAre("INVALID_PLAN_SCHEMA: duplicate_step_id:a"));
}

TEST(PlanValidation, NamesBothEndsOfAnUnknownDependency) {
  EXPECT_THAT(texts(validate(plan_of({step("a"), step("b", {"missing"})}))),
              ElementsAre("INVALID_PLAN_SCHEMA: unknown_dependency:b->missing"));
}

TEST(PlanValidation, TellsASelfDependencyFromACycle) {
  EXPECT_THAT(texts(validate(plan_of({step("a", {"a"})}))), ElementsAre("INVALID_PLAN_SCHEMA: self_dependency:a"));
  EXPECT_THAT(texts(validate(plan_of({step("a", {"c"}), step("b", {"a"}), step("c", {"b"}), step("d")}))),
              ElementsAre("INVALID_PLAN_SCHEMA: cyclic_dependencies_detected"));
}

TEST(PlanValidation, BlamesTheStepForAnEmptyDependency) {
  EXPECT_THAT(texts(validate(plan_of({step("a"), step("b", {"a", ""})}))),
              ElementsAre("INVALID_PLAN_SCHEMA: invalid_dependency_value:b"));
}

TEST(PlanValidation, KeepsTheKeySeparatorOutOfEveryIdentifier) {
  Plan plan = plan_of({step("a|b"), step("")});
  plan.metadata.plan_id = "night|ly";
  plan.metadata.plan_version = "";
  EXPECT_THAT(texts(validate(plan)), ElementsAre("INVALID_PLAN_SCHEMA: invalid_identifier:metadata.planId",
                                                 "INVALID_PLAN_SCHEMA: invalid_identifier:metadata.planVersion",
                                                 "INVALID_PLAN_SCHEMA: invalid_identifier:steps[0].stepId",
                                                 "INVALID_PLAN_SCHEMA: invalid_identifier:steps[1].stepId"));
}

TEST(PlanValidation, CollectsEveryErrorInDeclarationOrderWithTheCycleLast) {
  const Plan plan = plan_of({step("a", {"b"}), step("b", {"a"}), step("b"), step("c", {"c", "x", "", "y"})});
  EXPECT_THAT(
      texts(validate(plan)),
      ElementsAre("INVALID_PLAN_SCHEMA: duplicate_step_id:b", "INVALID_PLAN_SCHEMA: self_dependency:c",
                  "INVALID_PLAN_SCHEMA: unknown_dependency:c->x", "INVALID_PLAN_SCHEMA: invalid_dependency_value:c",
                  "INVALID_PLAN_SCHEMA: unknown_dependency:c->y", "INVALID_PLAN_SCHEMA: cyclic_dependencies_detected"));
}

TEST(PlanValidation, SaysWhereEachErrorStands) {
  const std::vector<PlanError> errors = validate(plan_of({step("a"), step("b", {"x"})}));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, PlanErrorCode::unknown_dependency);
  EXPECT_EQ(errors[0].where, "steps[1].dependsOn");
}

TEST(PlanJson, ReadsEveryMember) {
  const auto plan = parse_plan(R"({"metadata":{"planId":"p","planVersion":"2","schemaVersion":"1.1",
      "targetAdapter":"conductor","fallbackBehavior":"degrade","requiresCapabilities":["replay.full"]},
      "steps":[{"stepId":"a","kind":"dbt"},{"dependsOn":["a","a"],"stepId":"b","kind":"spark"},
               {"stepId":"c","kind":"custom","dependsOn":[]}]})");
  ASSERT_TRUE(plan.has_value());
  Plan expected = plan_of({step("a"), {"b", "spark", {{"a", "a"}}}, {"c", "custom", std::vector<std::string>{}}});
  expected.metadata = {"p", "2", "1.1", TargetAdapter::conductor, FallbackBehavior::degrade, {"replay.full"}};
  EXPECT_EQ(plan.value(), expected);
}

TEST(PlanJson, DefaultsToAnyAdapterAndRejectingFallback) {
  const auto plan = parse_plan(with_steps("[]"));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan.value().metadata.target_adapter, TargetAdapter::any);
  EXPECT_EQ(plan.value().metadata.fallback_behavior, FallbackBehavior::reject);
}

TEST(PlanJson, WritesTheBytesOfTheContract) {
  EXPECT_EQ(plan_bytes(plan_of({step("a"), step("b", {"a"}), step("c", {})})),
            R"({"metadata":{"planId":"nightly","planVersion":"3","schemaVersion":"1","targetAdapter":"any",)"
            R"("fallbackBehavior":"reject","requiresCapabilities":[]},"steps":[{"stepId":"a","kind":"dbt"},)"
            R"({"stepId":"b","kind":"dbt","dependsOn":["a"]},{"stepId":"c","kind":"dbt","dependsOn":[]}]})");
}

TEST(PlanJson, ReadsBackWhatItWrites) {
  Plan plan = plan_of({step("model.é"), step("b", {"model.é"}), step("c", {})});
  plan.metadata.requires_capabilities = {"signal.pause.native", "cancel.cooperative"};
  plan.metadata.target_adapter = TargetAdapter::mock;
  const auto read = parse_plan(plan_bytes(plan));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read.value(), plan);
  EXPECT_EQ(plan_bytes(read.value()), plan_bytes(plan));
}

TEST(PlanJson, RefusesUnknownFieldsOfAStepByName) {
  EXPECT_THAT(
      errors_of(with_steps(R"([{"stepId":"a","kind":"dbt","retries":3,"size":"small"}])")),
      ElementsAre("INVALID_STEP_SCHEMA: field_not_allowed:retries", "INVALID_STEP_SCHEMA: field_not_allowed:size"));
}

TEST(PlanJson, IgnoresUnknownMembersOutsideSteps) {
  EXPECT_THAT(errors_of(R"({"metadata":{"planId":"p","planVersion":"1","schemaVersion":"1","createdBy":"x"},
                            "steps":[],"signature":"y"})"),
              IsEmpty());
}

TEST(PlanJson, TreatsADependencyThatIsNoTextAsInvalid) {
  for (const std::string_view value : {R"(["a",1])", R"([null])", R"("a")", "null", R"({"a":1})"})
    EXPECT_THAT(errors_of(with_steps(R"([{"stepId":"a","kind":"dbt"},{"stepId":"b","kind":"dbt","dependsOn":)" +
                                     std::string(value) + "}]")),
                ElementsAre("INVALID_PLAN_SCHEMA: invalid_dependency_value:b"))
        << value;
}

TEST(PlanJson, ReportsShapeAndRulesTogetherAndNothingTwice) {
  EXPECT_THAT(
      errors_of(R"({"metadata":{"planId":7,"schemaVersion":"1","targetAdapter":"cadence",
                            "requiresCapabilities":"all"},
                            "steps":[{"kind":"dbt"},{"stepId":"b","dependsOn":["x"]},5]})"),
      ElementsAre("INVALID_PLAN_SCHEMA: invalid_field:metadata.planId",
                  "INVALID_PLAN_SCHEMA: missing_field:metadata.planVersion",
                  "INVALID_PLAN_SCHEMA: invalid_field:metadata.targetAdapter",
                  "INVALID_PLAN_SCHEMA: invalid_field:metadata.requiresCapabilities",
                  "INVALID_PLAN_SCHEMA: missing_field:steps[0].stepId",
                  "INVALID_PLAN_SCHEMA: missing_field:steps[1].kind", "INVALID_PLAN_SCHEMA: invalid_field:steps[2]",
                  "INVALID_PLAN_SCHEMA: unknown_dependency:b->x"));
  EXPECT_THAT(errors_of("{}"),
              ElementsAre("INVALID_PLAN_SCHEMA: missing_field:metadata", "INVALID_PLAN_SCHEMA: missing_field:steps"));
}

TEST(PlanJson, SaysWhereTextStopsBeingJson) {
  const std::vector<std::string> errors = errors_of("{\n  \"metadata\": }");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0], testing::StartsWith("INVALID_PLAN_SCHEMA: malformed_json:2:"));
}

}  // namespace
}  // namespace dvt::engine
