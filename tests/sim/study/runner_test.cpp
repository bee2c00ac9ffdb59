#include "sim/study/runner.h"

#include <gmock/gmock.h>

#include "sim/study/study_report.h"
#include "tests/sim/study/study_files.h"

namespace dvt::sim {
namespace {

using testing::HasSubstr;

class Runner : public StudyFiles {
 protected:
  static StudyResult run(const StudyPlan& plan, unsigned jobs = 1, std::uint64_t shard = 0, std::uint64_t shards = 1) {
    RunnerOptions options;
    options.jobs = jobs;
    options.shard = shard;
    options.shards = shards;
    StudyResult result;
    result.plan = plan;
    result.runs = run_cells(plan, options);
    return result;
  }
};

TEST_F(Runner, RunsTheScenariosSeedAndThoseBehindIt) {
  const StudyResult result = run(plan("replications: {max: 3}\n"));
  ASSERT_EQ(result.runs.size(), 1u);
  ASSERT_EQ(result.runs[0].runs.size(), 3u);
  EXPECT_EQ(result.runs[0].runs[0].seed, 5u);
  EXPECT_EQ(result.runs[0].runs[2].seed, 7u);
  EXPECT_NE(result.runs[0].runs[0].fingerprint, result.runs[0].runs[2].fingerprint);
}

TEST_F(Runner, GivesTheSameBytesWithAnyNumberOfJobs) {
  const StudyPlan made = plan(
      "vary: {workload.arrivals.scale: [1, 2]}\nreplications: {max: 30, min: 4, relHalfWidth: 9%, of: runs.started}\n");
  const std::string alone = render_study_json(run(made, 1));
  EXPECT_EQ(alone, render_study_json(run(made, 3)));
}

TEST_F(Runner, EndsACellAtTheFirstNumberOfRunsThatIsPreciseEnough) {
  const StudyResult result = run(plan("replications: {max: 30, min: 4, relHalfWidth: 12%, of: runs.started}\n"), 2);
  const std::vector<Replication>& runs = result.runs[0].runs;
  ASSERT_TRUE(result.runs[0].precise);
  ASSERT_GT(runs.size(), 4u) << "the scenario is too regular for this test";
  ASSERT_LT(runs.size(), 30u);
  const auto half_width = [&](std::size_t n) {
    const std::vector<Replication> some(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(n));
    for (const MeasureSummary& one : summarise(result.plan.measures, some, 0.95).measures)
      if (one.measure.path == "runs.started") return one.mean.half_width / one.mean.mean;
    return -1.0;
  };
  EXPECT_LE(half_width(runs.size()), 0.12);
  for (std::size_t n = 4; n < runs.size(); ++n) EXPECT_GT(half_width(n), 0.12) << n;
}

TEST_F(Runner, SaysWhenThePrecisionWasNotReached) {
  const StudyResult result = run(plan("replications: {max: 4, min: 4, relHalfWidth: 0.001%, of: runs.started}\n"));
  EXPECT_FALSE(result.runs[0].precise);
  EXPECT_EQ(exit_code(result), 3) << "some runs fail their assertion, which comes first";
  EXPECT_THAT(render_study_text(result, Colour::off), HasSubstr("the interval asked for was not reached"));
}

TEST_F(Runner, ShardsJoinedAreTheWhole) {
  const StudyPlan made = plan(
      "replications: {max: 7}\nvariants: {a: {}, b: {workload.arrivals.scale: 2}}\n"
      "compare: {baseline: a, measures: [runs.started, objectives.completion.verdict]}\n");
  const std::string whole = render_study_json(run(made));
  std::optional<StudyResult> joined;
  for (std::uint64_t shard = 0; shard < 3; ++shard) {
    StudyResult part = read_study_json(render_study_json(run(made, 1, 2 - shard, 3)), "shard");
    if (joined) {
      merge_study(*joined, std::move(part), "shard");
    } else {
      joined = std::move(part);
    }
  }
  EXPECT_EQ(render_study_json(*joined), whole);
}

TEST_F(Runner, AShardOfAnotherStudyIsRefused) {
  StudyResult one = read_study_json(render_study_json(run(plan("replications: {max: 2}\n"))), "one");
  StudyResult two = one;
  two.plan.name = "t";
  EXPECT_THROW(merge_study(one, two, "two"), Error);
  two = one;
  two.runs[0].runs[0].fingerprint = "0";
  EXPECT_THROW(merge_study(one, two, "two"), Error);
  EXPECT_THROW(read_study_json("{\"study\": \"s\"}", "none"), Error);
  EXPECT_THROW(read_study_json("[1", "none"), Error);
}

// abortOnFail is judged on the way, on what is known until then: how often an operation began is known.
TEST_F(Runner, WhatOperationsDidIsKnownOnTheWay) {
  write("tiny.yaml", std::string(kTinyScenario) +
                         "warmup: 16s\n"
                         "operations: {more: {at: 1s, action: scale, target: projector, to: 4}}\n"
                         "assertions: [{expect: counts.operation.more == 1, abortOnFail: true}]\n");
  const StudyPlan made = plan("replications: {max: 1}\n");
  const Replication run = run_once(made.cells[0].scenario, 1, {}, "");
  EXPECT_EQ(run.exit_code, 0) << run.problem;
}

TEST_F(Runner, ARunThatBreaksDownIsAnExitCode) {
  StudyPlan made = plan("replications: {max: 1}\n");
  const Replication run = run_once(made.cells[0].scenario, 1, {}, "/nowhere/at/all.db");
  EXPECT_NE(run.exit_code, 0);
  EXPECT_NE(run.problem, "");
}

}  // namespace
}  // namespace dvt::sim
