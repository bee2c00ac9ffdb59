#include <gmock/gmock.h>

#include "tests/sim/study/study_files.h"

namespace dvt::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Plan : public StudyFiles {
 protected:
  std::string refusal(const std::string& lines) const {
    const auto read =
        read_study("apiVersion: dvtsim/v1\nkind: Study\nmetadata: {name: s}\nscenario: tiny.yaml\n" + lines, "s.yaml");
    if (!read.has_value()) return format(read.error());
    const auto planned = plan_study(study(lines), {});
    return planned.has_value() ? "" : format(planned.error());
  }
};

TEST_F(Plan, HasACellForEachValueAndVariant) {
  const StudyPlan made = plan(
      "vary: {topology.projector.replicas: [3, 5], duration: [10s]}\n"
      "variants: {calm: {}, busy: {workload.arrivals.scale: 2}}\n");
  std::vector<std::string> labels;
  for (const StudyCell& cell : made.cells) labels.push_back(cell.label());
  EXPECT_THAT(labels, ElementsAre("calm, topology.projector.replicas=3, duration=10s",
                                  "busy, topology.projector.replicas=3, duration=10s",
                                  "calm, topology.projector.replicas=5, duration=10s",
                                  "busy, topology.projector.replicas=5, duration=10s"));
  EXPECT_EQ(made.cells[3].scenario.topology.projector.replicas, 5);
  EXPECT_EQ(made.cells[3].scenario.duration, seconds(10));
  EXPECT_NE(made.cells[3].scenario.workload.arrivals.scale, made.cells[2].scenario.workload.arrivals.scale);
}

TEST_F(Plan, LooksAtTheObjectivesWhenItIsNotTold) {
  const StudyPlan made = plan("");
  EXPECT_THAT(made.measures, testing::Contains(StudyMeasure{"objectives.completion.observed", ValueKind::duration}));
  EXPECT_THAT(made.measures, testing::Contains(StudyMeasure{"objectives.completion.verdict", ValueKind::word}));
}

TEST_F(Plan, SaysWhatIsWrongWithAStudy) {
  EXPECT_THAT(refusal("vary: {topology.projector.replica: [3]}\n"),
              HasSubstr("unknown key (did you mean \"replicas\"?)"));
  EXPECT_THAT(refusal("vary: {duration: []}\n"), HasSubstr("vary.duration: expected at least one value"));
  EXPECT_THAT(refusal("replications: {relHalfWidth: 10%}\n"), HasSubstr("relHalfWidth needs `of`"));
  EXPECT_THAT(refusal("replications: {of: runs.complete}\n"), HasSubstr("(did you mean runs.completed?)"));
  EXPECT_THAT(refusal("replications: {of: objectives.completion.verdict}\n"), HasSubstr("expected a number"));
  EXPECT_THAT(refusal("variants: {a: {}, b: {}}\ncompare: {baseline: c, measures: [runs.failed]}\n"),
              HasSubstr("there is no variant \"c\""));
  EXPECT_THAT(refusal("search: {in: 1..2, suchThat: runs.failed == 0}\n"),
              HasSubstr("expected one of minimise and maximise"));
  EXPECT_THAT(refusal("search: {minimise: duration, in: 5..2, suchThat: runs.failed == 0}\n"),
              HasSubstr("expected two whole numbers such as 1..20"));
  EXPECT_THAT(refusal("repetitions: 3\n"), HasSubstr("unknown key"));
}

TEST_F(Plan, TakesScenariosSideBySide) {
  const std::string other = write("other.yaml", std::string(kTinyScenario));
  const auto made = plan_comparison({path("tiny.yaml"), other}, {}, {"runs.started"});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made.value().cells[1].variant, "other");
  EXPECT_EQ(made.value().compare->baseline, "tiny");
}

TEST_F(Plan, ReadsVariedValuesFromTheCommandLine) {
  const auto list = parse_varied("topology.projector.replicas=[3, 5]");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list.value().second, (std::vector<FlowValue>{{"3"}, {"5"}}));
  EXPECT_FALSE(parse_varied("replicas").has_value());
  EXPECT_FALSE(parse_varied("replicas=[]").has_value());
  EXPECT_FALSE(parse_varied("replicas=[3").has_value());
}

}  // namespace
}  // namespace dvt::sim
