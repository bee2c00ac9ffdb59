// Every form of a plan specification becomes a valid plan with its notes.
#include "sim/import/plan_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/plan/layers.h"
#include "engine/plan/plan.h"

namespace dvt::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::size_t> widths(const engine::Plan& plan) {
  std::vector<std::size_t> out;
  for (const auto& layer : engine::layers(plan)) out.push_back(layer.size());
  return out;
}

PlanSpec spec(std::variant<InlinePlan, SyntheticPlan, DbtPlan, PlanFile, WorkflowPlan> body) {
  PlanSpec out;
  out.name = "shop";
  out.body = std::move(body);
  return out;
}

std::vector<std::string> errors_of(const PlanSpec& plan) {
  const auto loaded = load_plan(plan);
  return loaded.has_value() ? std::vector<std::string>{} : loaded.error();
}

/// A file that goes when the test ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) : path_(testing::TempDir() + "dvtsim_plan_source_test.json") {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(SyntheticPlanShape, HasExactlyTheLayersAskedFor) {
  for (std::uint32_t steps = 1; steps <= 45; ++steps)
    for (std::uint32_t layers = 1; layers <= steps; ++layers) {
      const engine::AnnotatedPlan made = synthetic_plan("p", {steps, layers, "dbt", engine::StepSize::small});
      ASSERT_TRUE(engine::validate(made.plan).empty());
      ASSERT_EQ(made.plan.steps.size(), steps);
      ASSERT_EQ(made.notes.size(), steps);
      const std::vector<std::size_t> found = widths(made.plan);
      ASSERT_EQ(found.size(), layers) << steps << " steps";
      for (std::uint32_t layer = 0; layer < layers; ++layer)
        ASSERT_EQ(found[layer], steps / layers + (layer < steps % layers ? 1 : 0));
    }
}

TEST(SyntheticPlanShape, RunsInColumns) {
  const engine::AnnotatedPlan made = synthetic_plan("p", {5, 2, "spark", engine::StepSize::medium});
  std::vector<std::string> found;
  for (const engine::Step& step : made.plan.steps)
    found.push_back(step.step_id + "<-" + (step.depends_on->empty() ? "" : step.depends_on->front()));
  EXPECT_THAT(found, ElementsAre("l1s1<-", "l1s2<-", "l1s3<-", "l2s1<-l1s1", "l2s2<-l1s2"));
  EXPECT_EQ(made.plan.steps[0].kind, "spark");
  EXPECT_EQ(made.notes[4].size, engine::StepSize::medium);
}

TEST(LoadPlan, MakesASyntheticPlanUnderTheSpecificationsName) {
  const auto loaded = load_plan(spec(SyntheticPlan{40, 8, "spark", "medium"}));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded.value().annotated.plan.metadata.plan_id, "shop");
  EXPECT_EQ(loaded.value().annotated.plan.metadata.plan_version, "1");
  EXPECT_EQ(widths(loaded.value().annotated.plan), std::vector<std::size_t>(8, 5));
}

TEST(LoadPlan, RefusesImpossibleShapes) {
  for (const SyntheticPlan& body : {SyntheticPlan{0, 1, "dbt", "small"}, SyntheticPlan{3, 4, "dbt", "small"},
                                    SyntheticPlan{3, 0, "dbt", "small"}, SyntheticPlan{2'000'000, 1, "dbt", "small"}})
    EXPECT_THAT(errors_of(spec(body)), ElementsAre(HasSubstr("synthetic:")));
  EXPECT_THAT(errors_of(spec(SyntheticPlan{3, 1, "dbt", "huge"})), ElementsAre(HasSubstr("\"huge\"")));
}

TEST(LoadPlan, TakesInlineStepsAsTheyStand) {
  InlinePlan body;
  body.steps.resize(2);
  body.steps[0].step_id = "a";
  body.steps[0].kind = "dbt";
  body.steps[0].materialization = "view";
  body.steps[1].step_id = "b";
  body.steps[1].kind = "spark";
  body.steps[1].size = "large";
  body.steps[1].depends_on = {{"a"}};
  const auto loaded = load_plan(spec(body));
  ASSERT_TRUE(loaded.has_value());
  const engine::AnnotatedPlan& made = loaded.value().annotated;
  EXPECT_THAT(made.plan.steps,
              ElementsAre(engine::Step{"a", "dbt", std::nullopt}, engine::Step{"b", "spark", {{"a"}}}));
  EXPECT_EQ(made.notes[0].materialization, "view");
  EXPECT_EQ(made.notes[0].size, engine::StepSize::small);
  EXPECT_EQ(made.notes[1].materialization, std::nullopt);
  EXPECT_EQ(made.notes[1].size, engine::StepSize::large);
}

TEST(LoadPlan, ListsEveryErrorOfInlineSteps) {
  InlinePlan body;
  body.steps.resize(2);
  for (PlanStep& step : body.steps) {
    step.step_id = "a";
    step.kind = "dbt";
    step.depends_on = {{"x"}};
  }
  EXPECT_THAT(errors_of(spec(body)), ElementsAre("INVALID_PLAN_SCHEMA: duplicate_step_id:a (steps[1])",
                                                 "INVALID_PLAN_SCHEMA: unknown_dependency:a->x (steps[0].dependsOn)",
                                                 "INVALID_PLAN_SCHEMA: unknown_dependency:a->x (steps[1].dependsOn)"));
}

TEST(LoadPlan, ReadsPlanFilesUnderTheirOwnName) {
  const engine::AnnotatedPlan made = synthetic_plan("from-file", {6, 3, "dbt", engine::StepSize::large});
  const TemporaryFile file(engine::write_plan_file(made));
  const auto loaded = load_plan(spec(PlanFile{{file.path()}}));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded.value().annotated, made);
}

TEST(LoadPlan, ReadsDbtProjectsUnderTheSpecificationsNameAndPassesWarningsOn) {
  const std::string folder = std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/dbt/";
  DbtPlan body;
  body.manifest = {folder + "manifest.json"};
  auto loaded = load_plan(spec(body));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded.value().annotated.plan.metadata.plan_id, "shop");
  EXPECT_EQ(loaded.value().annotated.plan.steps.size(), 11U);
  EXPECT_EQ(loaded.value().annotated.notes[0].duration, std::nullopt);

  body.run_results = {folder + "run_results.json"};
  body.select = {"model"};
  loaded = load_plan(spec(body));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded.value().annotated.plan.steps.size(), 5U);
  EXPECT_TRUE(loaded.value().annotated.notes[0].duration.has_value());
}

TEST(LoadPlan, ThrowsWithThePathOfAFileThatIsNotThere) {
  try {
    static_cast<void>(load_plan(spec(PlanFile{{"/nowhere/plan.json"}})));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot open /nowhere/plan.json: No such file or directory");
  }
}

}  // namespace
}  // namespace dvt::sim
