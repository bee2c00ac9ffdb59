// The order of execution: the documented examples, and properties on random graphs.
#include "engine/plan/layers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace dvt::engine {
namespace {

using testing::ElementsAre;

Plan plan_of(std::vector<Step> steps) {
  Plan plan;
  plan.metadata.plan_id = "p";
  plan.metadata.plan_version = "1";
  plan.steps = std::move(steps);
  return plan;
}

Step step(std::string id) {
  return {std::move(id), "dbt", std::nullopt};
}
Step step(std::string id, std::vector<std::string> depends_on) {
  return {std::move(id), "dbt", std::move(depends_on)};
}

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& layer : layers(plan)) {
    out.emplace_back();
    for (const StepIndex index : layer) out.back() += plan.steps[index.value].step_id + " ";
  }
  return out;
}

TEST(Layers, RunOneStepAtATimeWhenNoStepSaysWhatItDependsOn) {
  EXPECT_THAT(names(plan_of({step("c"), step("a"), step("b")})), ElementsAre("c ", "a ", "b "));
}

TEST(Layers, RunEverythingAtOnceWhenOneStepDeclaresAnEmptyList) {
  EXPECT_THAT(names(plan_of({step("c"), step("a", {}), step("b")})), ElementsAre("c a b "));
}

TEST(Layers, AreFrontiersInDeclarationOrderWhoeverReleasedTheSteps) {
  // z releases b and a releases c, yet the second layer stands in declaration order.
  const Plan plan = plan_of({step("d", {"b", "c"}), step("c", {"a"}), step("b", {"z"}), step("z"), step("a")});
  EXPECT_THAT(names(plan), ElementsAre("z a ", "c b ", "d "));
}

TEST(Layers, CountARepeatedDependencyOnce) {
  EXPECT_THAT(names(plan_of({step("a"), step("b", {"a", "a", "a"}), step("c", {"b", "a", "b"})})),
              ElementsAre("a ", "b ", "c "));
}

TEST(Layers, OfAPlanWithoutStepsAreNone) {
  EXPECT_TRUE(layers(plan_of({})).empty());
}

TEST(Dependencies, KeepTheWrittenOrderAndLeaveOutWhatIsNotThere) {
  const Plan plan = plan_of({step("a"), step("b"), step("c", {"b", "nowhere", "a", "c", "b"})});
  EXPECT_THAT(dependencies(plan)[2], ElementsAre(StepIndex{1}, StepIndex{0}));
}

TEST(RunDependencies, OfAPlanThatSaysNothingOfItsDependenciesAreTheStepBefore) {
  const auto chain = run_dependencies(plan_of({step("a"), step("b"), step("c")}));
  EXPECT_THAT(chain, ElementsAre(ElementsAre(), ElementsAre(StepIndex{0}), ElementsAre(StepIndex{1})));
  const auto graph = run_dependencies(plan_of({step("a"), step("b"), step("c", {"a"})}));
  EXPECT_THAT(graph, ElementsAre(ElementsAre(), ElementsAre(), ElementsAre(StepIndex{0})));
}

/// A random acyclic plan whose declaration order has nothing to do with its dependencies.
Plan random_plan(std::mt19937_64& random, std::size_t steps) {
  std::vector<std::size_t> declared(steps);
  for (std::size_t i = 0; i < steps; ++i) declared[i] = i;
  for (std::size_t i = steps; i > 1; --i) std::swap(declared[i - 1], declared[random() % i]);
  std::vector<Step> by_rank;
  for (std::size_t rank = 0; rank < steps; ++rank) {
    std::vector<std::string> depends_on;
    const std::size_t wanted = rank == 0 ? 0 : random() % 4;
    for (std::size_t k = 0; k < wanted; ++k) depends_on.push_back(fmt::format("s{}", random() % rank));
    by_rank.push_back(step(fmt::format("s{}", rank), std::move(depends_on)));
  }
  std::vector<Step> shuffled(steps);
  for (std::size_t i = 0; i < steps; ++i) shuffled[declared[i]] = by_rank[i];
  return plan_of(std::move(shuffled));
}

TEST(Layers, OfRandomGraphsPlaceEachStepOnceAsEarlyAsItsDependenciesAllow) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 400; ++round) {
    const Plan plan = random_plan(random, 1 + random() % 60);
    ASSERT_TRUE(validate(plan).empty());
    const auto result = layers(plan);
    std::map<std::string, std::size_t> layer_of;
    for (std::size_t layer = 0; layer < result.size(); ++layer) {
      ASSERT_FALSE(result[layer].empty());
      ASSERT_TRUE(std::is_sorted(result[layer].begin(), result[layer].end())) << "declaration order in each layer";
      for (const StepIndex index : result[layer])
        ASSERT_TRUE(layer_of.emplace(plan.steps[index.value].step_id, layer).second) << "placed twice";
    }
    ASSERT_EQ(layer_of.size(), plan.steps.size());
    for (const Step& one : plan.steps) {
      // Least depth: right behind the latest of its dependencies.
      std::size_t earliest = 0;
      for (const std::string& dependency : *one.depends_on) earliest = std::max(earliest, layer_of.at(dependency) + 1);
      ASSERT_EQ(layer_of.at(one.step_id), earliest) << one.step_id;
    }
  }
}

TEST(Layers, OfAChainOfTenThousandStepsNeedNoStack) {
  std::vector<Step> steps;
  for (int i = 0; i < 10'000; ++i)
    steps.push_back(i == 9'999 ? step("s9999", {}) : step(fmt::format("s{}", i), {fmt::format("s{}", i + 1)}));
  const Plan plan = plan_of(std::move(steps));
  ASSERT_TRUE(validate(plan).empty());
  const auto result = layers(plan);
  ASSERT_EQ(result.size(), 10'000U);
  EXPECT_THAT(result.front(), ElementsAre(StepIndex{9'999}));
  EXPECT_THAT(result.back(), ElementsAre(StepIndex{0}));
}

TEST(Layers, OfAWideGraphWithAMillionEdgesAreFound) {
  std::vector<Step> steps;
  std::vector<std::string> first;
  for (int i = 0; i < 1'000; ++i) {
    first.push_back(fmt::format("a{}", i));
    steps.push_back(step(first.back(), {}));
  }
  for (int i = 0; i < 1'000; ++i) steps.push_back(step(fmt::format("b{}", i), first));
  const auto result = layers(plan_of(std::move(steps)));
  ASSERT_EQ(result.size(), 2U);
  EXPECT_EQ(result[0].size(), 1'000U);
  EXPECT_EQ(result[1].size(), 1'000U);
}

}  // namespace
}  // namespace dvt::engine
