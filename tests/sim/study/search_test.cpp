#include "sim/study/search.h"

#include <gtest/gtest.h>

#include "tests/sim/study/study_files.h"

namespace dvt::sim {
namespace {

class Searching : public StudyFiles {};

TEST(Decide, NeedsTwentyNineRunsToPromiseNinetyPercent) {
  SearchSpec spec;
  EXPECT_EQ(decide(spec, 28, 28), Sufficient::undecided);
  EXPECT_EQ(decide(spec, 29, 29), Sufficient::yes);
  EXPECT_EQ(decide(spec, 29, 30), Sufficient::undecided);
  EXPECT_EQ(decide(spec, 0, 1), Sufficient::undecided);
  EXPECT_EQ(decide(spec, 0, 2), Sufficient::no);
  EXPECT_EQ(decide(spec, 0, 0), Sufficient::undecided);
}

// Runs started in half a minute at 40/m × scale: 20 on average at scale 1.
TEST_F(Searching, FindsTheSmallestValueThatSuffices) {
  const StudyPlan made = plan(
      "replications: {max: 60}\nsearch: {minimise: workload.arrivals.scale, in: 1..16, suchThat: runs.started >= "
      "60}\n");
  const auto found = run_search(made, {});
  ASSERT_TRUE(found.has_value());
  ASSERT_TRUE(found.value().best.has_value());
  EXPECT_GE(*found.value().best, 3) << "three times the rate gives 60 in half of all seeds at most";
  EXPECT_LE(*found.value().best, 5);
  for (const Trial& trial : found.value().trials) {
    if (trial.value >= *found.value().best)
      EXPECT_EQ(trial.sufficient, Sufficient::yes) << trial.value;
    else
      EXPECT_NE(trial.sufficient, Sufficient::yes) << trial.value;
  }
}

TEST_F(Searching, FindsTheGreatestValueThatIsTolerable) {
  const StudyPlan made = plan(
      "replications: {max: 60}\nsearch: {maximise: workload.arrivals.scale, in: 1..16, suchThat: runs.started <= "
      "100}\n");
  const auto found = run_search(made, {});
  ASSERT_TRUE(found.has_value());
  ASSERT_TRUE(found.value().best.has_value());
  EXPECT_GE(*found.value().best, 3);
  EXPECT_LE(*found.value().best, 4);
}

TEST_F(Searching, SaysWhenNothingSuffices) {
  const auto found = run_search(
      plan("search: {minimise: topology.projector.replicas, in: 1..4, suchThat: runs.started > 1000}\n"), {});
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found.value().best.has_value());
  EXPECT_FALSE(found.value().inconclusive);
  EXPECT_EQ(found.value().trials.size(), 1u) << "the easiest end of the range is enough to know";
}

TEST_F(Searching, RefusesAConditionThatTheResultDoesNotHave) {
  EXPECT_FALSE(
      run_search(plan("search: {minimise: topology.projector.replicas, in: 1..4, suchThat: runs.begun > 10}\n"), {})
          .has_value());
}

}  // namespace
}  // namespace dvt::sim
