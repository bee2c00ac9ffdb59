#include "sim/study/summary.h"

#include <gtest/gtest.h>

namespace dvt::sim {
namespace {

Replication of(std::optional<AssertValue> value, int exit_code = 0) {
  Replication run;
  run.exit_code = exit_code;
  run.values.push_back(std::move(value));
  return run;
}

StudyPlan two_variants(ValueKind kind) {
  StudyPlan plan;
  plan.measures = {{"m", kind}};
  plan.cells.resize(2);
  plan.cells[0].variant = "base";
  plan.cells[1].variant = "other";
  plan.compare = CompareSpec{"base", {"m"}, {}};
  return plan;
}

TEST(Summary, CountsWhatEndedHow) {
  const CellSummary summary = summarise(
      {{"m", ValueKind::number}},
      {of(AssertValue::of_number(1)), of(std::nullopt, 3), of(AssertValue::of_number(4), 5), of(std::nullopt, 1)},
      0.95);
  EXPECT_EQ(summary.n, 4);
  EXPECT_EQ(summary.passed, 1);
  EXPECT_EQ(summary.violated, 1);
  EXPECT_EQ(summary.broken, 1);
  EXPECT_EQ(summary.measures[0].n, 2);
  EXPECT_EQ(summary.measures[0].absent, 2);
  EXPECT_DOUBLE_EQ(summary.measures[0].mean.mean, 2.5);
  EXPECT_EQ(summary.measures[0].median, 1);
  EXPECT_EQ(summary.measures[0].max, 4);
}

TEST(Comparison, PairsTheSeedsSoThatWhatTheyShareCancels) {
  StudyPlan plan = two_variants(ValueKind::number);
  std::vector<CellRuns> runs(2);
  for (const double shared : {10.0, 500.0, 90.0, 3.0, 7000.0}) {
    runs[0].runs.push_back(of(AssertValue::of_number(shared)));
    runs[1].runs.push_back(of(AssertValue::of_number(shared + 2 + shared / 10'000)));
  }
  const std::vector<Comparison> compared = compare(plan, runs);
  ASSERT_EQ(compared.size(), 1u);
  const Comparison::Difference& d = compared[0].differences.at(0);
  EXPECT_EQ(d.n, 5);
  EXPECT_TRUE(d.significant) << "the seeds differ by thousands, the variants by two";
  EXPECT_NEAR(d.mean.mean, 2.15, 0.01);
}

TEST(Comparison, DoesNotClaimADifferenceThatChanceExplains) {
  StudyPlan plan = two_variants(ValueKind::number);
  std::vector<CellRuns> runs(2);
  for (const double difference : {1.0, -1.5, 0.5, -0.2, 0.3}) {
    runs[0].runs.push_back(of(AssertValue::of_number(7)));
    runs[1].runs.push_back(of(AssertValue::of_number(7 + difference)));
  }
  EXPECT_FALSE(compare(plan, runs)[0].differences.at(0).significant);
}

TEST(Comparison, OfWordsCountsChanges) {
  StudyPlan plan = two_variants(ValueKind::word);
  std::vector<CellRuns> runs(2);
  for (int i = 0; i < 8; ++i) {
    runs[0].runs.push_back(of(AssertValue::of_word("pass")));
    runs[1].runs.push_back(of(AssertValue::of_word(i < 6 ? "fail" : "pass")));
  }
  const Comparison::Difference six = compare(plan, runs)[0].differences.at(0);
  EXPECT_EQ(six.same, 2);
  EXPECT_EQ(six.changes, (std::vector<std::pair<std::string, std::int64_t>>{{"pass -> fail", 6}}));
  EXPECT_TRUE(six.significant) << "six of six one way";
  runs[1].runs[0] = of(AssertValue::of_word("pass"));
  EXPECT_FALSE(compare(plan, runs)[0].differences.at(0).significant) << "five of five may be chance";
}

TEST(Comparison, LeavesOutSeedsThatOnlyOneRan) {
  StudyPlan plan = two_variants(ValueKind::number);
  std::vector<CellRuns> runs(2);
  runs[0].runs = {of(AssertValue::of_number(1)), of(AssertValue::of_number(1))};
  runs[1].runs = {of(AssertValue::of_number(2)), of(std::nullopt), of(AssertValue::of_number(9))};
  EXPECT_EQ(compare(plan, runs)[0].differences.at(0).n, 1);
}

}  // namespace
}  // namespace dvt::sim
