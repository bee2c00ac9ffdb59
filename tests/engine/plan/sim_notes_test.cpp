// Plan files: notes beside the plan, exact durations, and errors a person can act on.
#include "engine/plan/sim_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/plan/duration_text.h"
#include "engine/plan/plan_json.h"

namespace dvt::engine {
namespace {

using testing::ElementsAre;

AnnotatedPlan example() {
  AnnotatedPlan annotated;
  annotated.plan.metadata.plan_id = "shop";
  annotated.plan.metadata.plan_version = "1";
  annotated.plan.steps = {{"seed.countries", "dbt", std::vector<std::string>{}},
                          {"model.orders", "dbt", {{"seed.countries"}}},
                          {"test.orders", "dbt", {{"model.orders"}}}};
  annotated.notes.resize(3);
  annotated.notes[1].size = StepSize::medium;
  annotated.notes[1].materialization = "incremental";
  annotated.notes[1].duration = Duration{2'383'677'959};
  annotated.notes[1].outcome = RecordedOutcome::error;
  annotated.notes[1].message = "line 1\nline 2";
  annotated.notes[2].outcome = RecordedOutcome::skipped;
  annotated.concurrency = 4;
  return annotated;
}

std::vector<std::string> errors_of(std::string_view sim) {
  const auto read = parse_plan_file(R"({"metadata":{"planId":"p","planVersion":"1","schemaVersion":"1"},
      "steps":[{"stepId":"orders","kind":"dbt"}],)" +
                                    std::string(sim) + "}");
  return read.has_value() ? std::vector<std::string>{} : read.error();
}

TEST(PlanFile, IsReadBackAsItWasWritten) {
  const auto read = parse_plan_file(write_plan_file(example()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read.value(), example());
}

TEST(PlanFile, ShowsNotesOfTheStepsThatHaveAny) {
  EXPECT_THAT(write_plan_file(example()), testing::EndsWith(R"(  "sim": {
    "model.orders": {
      "size": "medium",
      "materialization": "incremental",
      "duration": "2.383677959s",
      "outcome": "error",
      "message": "line 1\nline 2"
    },
    "test.orders": {
      "outcome": "skipped"
    }
  },
  "simPlan": {
    "concurrency": 4
  }
}
)"));
}

TEST(PlanFile, KeepsNotesOutOfThePlansBytes) {
  const std::string bytes = plan_bytes(example().plan);
  AnnotatedPlan bare = example();
  bare.notes.assign(3, {});
  bare.concurrency.reset();
  EXPECT_EQ(plan_bytes(parse_plan_file(write_plan_file(example())).value().plan), bytes);
  EXPECT_EQ(plan_bytes(parse_plan_file(write_plan_file(bare)).value().plan), bytes);
  EXPECT_EQ(write_plan_file(bare).find("sim"), std::string::npos);
}

TEST(PlanFile, GivesEveryStepNotesEvenWhenTheFileHasNone) {
  const auto read = parse_plan_file(plan_bytes(example().plan));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read.value().notes, std::vector<StepNotes>(3));
}

TEST(PlanFile, NamesEveryMistakeInTheNotesWithItsPath) {
  EXPECT_THAT(errors_of(R"("sim":{"order":{"size":"small"},
                           "orders":{"size":"huge","duration":2.5,"outcome":"ok","materialisation":"view"}},
                           "simPlan":{"concurrency":0}, "simm":{})"),
              ElementsAre("plan file: unknown member \"simm\"; did you mean \"sim\"?",
                          "sim: unknown member \"order\"; did you mean \"orders\"?",
                          "sim.orders.size: expected small, medium or large",
                          "sim.orders.duration: expected a duration in a string, such as \"2.5s\"",
                          "sim.orders.outcome: expected success, error, skipped or fail",
                          "sim.orders: unknown member \"materialisation\"; did you mean \"materialization\"?",
                          "simPlan.concurrency: expected a whole number of at least 1"));
}

TEST(PlanFile, ReportsThePlansErrorsInTheEnginesWords) {
  const auto read = parse_plan_file(R"({"metadata":{"planId":"p","planVersion":"1","schemaVersion":"1"},
      "steps":[{"stepId":"a","kind":"dbt","dependsOn":["a"],"size":"small"}]})");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error(), ElementsAre("INVALID_STEP_SCHEMA: field_not_allowed:size (steps[0])",
                                        "INVALID_PLAN_SCHEMA: self_dependency:a (steps[0].dependsOn)"));
  EXPECT_THAT(parse_plan_file("[1,]").error(), ElementsAre(testing::StartsWith("1:4: not JSON")));
}

TEST(DurationFromDecimal, IsExactToTheNanosecond) {
  EXPECT_EQ(duration_from_decimal("1.001", seconds(1)), Duration{1'001'000'000});
  EXPECT_EQ(duration_from_decimal("2.3836779594421387", seconds(1)), Duration{2'383'677'959});
  EXPECT_EQ(duration_from_decimal("0", seconds(1)), Duration{0});
  EXPECT_EQ(duration_from_decimal("-0.25", seconds(1)), Duration{-250'000'000});
  EXPECT_EQ(duration_from_decimal("007.5", minutes(1)), seconds(450));
  EXPECT_EQ(duration_from_decimal("9223372036.854775807", seconds(1)), Duration{INT64_MAX});
}

TEST(DurationFromDecimal, RoundsHalvesAwayFromZero) {
  EXPECT_EQ(duration_from_decimal("0.0000000005", seconds(1)), Duration{1});
  EXPECT_EQ(duration_from_decimal("0.00000000049999999999999", seconds(1)), Duration{0});
  EXPECT_EQ(duration_from_decimal("-0.0000000015", seconds(1)), Duration{-2});
}

TEST(DurationFromDecimal, ReadsExponents) {
  EXPECT_EQ(duration_from_decimal("9.5367431640625e-07", seconds(1)), Duration{954});
  EXPECT_EQ(duration_from_decimal("1E+3", milliseconds(1)), seconds(1));
  EXPECT_EQ(duration_from_decimal("1e-9000", seconds(1)), Duration{0});
  EXPECT_EQ(duration_from_decimal("0e9000", seconds(1)), Duration{0});
  EXPECT_EQ(duration_from_decimal("0.000001e6", seconds(1)), seconds(1));
}

TEST(DurationFromDecimal, RefusesWhatIsNoNumberOrTooLarge) {
  for (const char* text : {"", "-", ".5", "5.", "1.2.3", "1e", "1e+", "1e--3", "1e+-3", "nan", "0x10", "1 ", "+1",
                           "9223372036.854775808", "1e18", "1e9000", "99999999999999999999999999"})
    EXPECT_FALSE(duration_from_decimal(text, seconds(1)).has_value()) << text;
}

TEST(DurationFromText, ReadsTheScenarioLanguagesSpellings) {
  EXPECT_EQ(duration_from_text("250us"), microseconds(250));
  EXPECT_EQ(duration_from_text("90s"), seconds(90));
  EXPECT_EQ(duration_from_text("1h30m"), minutes(90));
  EXPECT_EQ(duration_from_text("7d"), hours(168));
  EXPECT_EQ(duration_from_text("1.5s250ms3ns"), Duration{1'750'000'003});
  EXPECT_EQ(duration_from_text("0s"), Duration{0});
}

TEST(DurationFromText, RefusesBareNumbersAndUnknownUnits) {
  for (const char* text : {"", "5", "s", "5 s", "5sec", "-5s", "5m3", "1e3s", "300000000h", "106751d107000d"})
    EXPECT_FALSE(duration_from_text(text).has_value()) << text;
}

}  // namespace
}  // namespace dvt::engine
