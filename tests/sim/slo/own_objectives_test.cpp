// Objectives of a scenario's own over hand-made series.
#include "sim/slo/own_objectives.h"

#include <gtest/gtest.h>

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

ObjectiveSpec spec(std::string metric, std::string bad, std::string threshold, Share target) {
  ObjectiveSpec out;
  out.name = "mine";
  out.metric = std::move(metric);
  out.bad = std::move(bad);
  out.threshold = std::move(threshold);
  out.target = target;
  return out;
}

std::string refusal(const ObjectiveSpec& objective) {
  const auto plan = plan_objective(objective);
  return plan.has_value() ? "" : plan.error();
}

TEST(OwnObjectives, AreRefusedWithAReasonAndTheNearestName) {
  EXPECT_EQ(refusal(spec("dvt_run_completed_total", "status=failed", "", percent(99))),
            "no metric \"dvt_run_completed_total\" (did you mean \"dvt_runs_completed_total\"?)");
  EXPECT_NE(refusal(spec("dvt_runs_completed_total", "statos=failed", "", percent(99))).find("no label \"statos\""),
            std::string::npos);
  EXPECT_NE(refusal(spec("dvt_plan_persist_duration_ms", "", "310ms", percent(99))).find("is no bound of"),
            std::string::npos);
  EXPECT_NE(refusal(spec("dvt_runs_completed_total", "", "3", percent(99))).find("needs bad labels"),
            std::string::npos);
  EXPECT_NE(refusal(spec("dvt_runs_in_flight", "adapter=temporal", "", percent(99))).find("needs a threshold"),
            std::string::npos);
  EXPECT_NE(refusal(spec("dvt_step_artifacts_written_bytes_total", "stepId=a", "", percent(99))).find("is absent"),
            std::string::npos);
  EXPECT_EQ(refusal(spec("dvt_plan_persist_duration_ms", "", "300ms", percent(99))), "");
  EXPECT_EQ(refusal(spec("dvt_run_control_plane_duration_seconds", "", "5s", percent(99))), "");
}

/// A store with one counter of completed runs and one of failed ones, and their levels at each sample.
class Series {
 public:
  explicit Series(ObjectiveSpec objective, Instant warmup_end = {})
      : store(64), own({std::move(objective)}, warmup_end) {
    store.add_series({"dvt_runs_completed_total", {{"status", "completed"}}, MetricKind::counter, 0});
    store.add_series({"dvt_runs_completed_total", {{"status", "failed"}}, MetricKind::counter, 0});
  }
  void sample(std::int64_t second, double completed, double failed) {
    std::vector<double> row{completed, failed};
    store.add_row(at(second), row);
    own.step(store, at(second));
  }
  OwnObjectiveCounts counts() const { return own.results().front(); }

  SeriesStore store;
  OwnObjectives own;
};

TEST(OwnObjectives, CountOccurrencesAfterWarmUp) {
  Series series(spec("dvt_runs_completed_total", "status=failed", "", percent(90)), at(60));
  series.sample(0, 0, 0);
  series.sample(60, 50, 50);  // before warm-up's end
  series.sample(120, 140, 60);
  series.sample(420, 150, 60);
  EXPECT_EQ(series.counts().total, 110);
  EXPECT_EQ(series.counts().bad, 10);
  EXPECT_EQ(series.counts().windows, (WindowCount{2, 0})) << "10 of 100 is exactly the target";
}

TEST(OwnObjectives, CountSlicesThatMissTheTargetAndLeaveOutEmptyOnes) {
  ObjectiveSpec objective = spec("dvt_runs_completed_total", "status=failed", "", percent(90));
  objective.budgeting = Budgeting::timeslices;
  objective.slice = minutes(1);
  Series series(objective);
  series.sample(0, 0, 0);
  series.sample(60, 9, 1);    // exactly the target: good
  series.sample(120, 17, 3);  // 2 of 10: bad
  series.sample(180, 17, 3);  // nothing happened: no slice
  series.sample(240, 27, 3);
  EXPECT_EQ(series.counts().total, 3);
  EXPECT_EQ(series.counts().bad, 1);
}

TEST(OwnObjectives, LookBackNoFurtherThanTheirWindow) {
  ObjectiveSpec objective = spec("dvt_runs_completed_total", "status=failed", "", percent(90));
  objective.window = minutes(10);
  Series series(objective);
  series.sample(0, 0, 0);
  series.sample(300, 0, 7);
  series.sample(600, 5, 7);
  series.sample(900, 10, 7);
  EXPECT_EQ(series.counts().bad, 0) << "the seven were in the first five minutes of fifteen";
  EXPECT_EQ(series.counts().total, 10);
  EXPECT_EQ(series.counts().windows, (WindowCount{3, 1}));
}

TEST(OwnObjectives, JudgeAHistogramByTheBucketOfItsThreshold) {
  SeriesStore store(8);
  OwnObjectives own({spec("dvt_plan_persist_duration_ms", "", "300ms", percent(99))}, {});
  store.add_series({"dvt_plan_persist_duration_ms_bucket", {{"le", "300"}}, MetricKind::histogram, 0});
  store.add_series({"dvt_plan_persist_duration_ms_bucket", {{"le", "450"}}, MetricKind::histogram, 0});
  store.add_series({"dvt_plan_persist_duration_ms_count", {}, MetricKind::histogram, 0});
  std::vector<double> row{0, 0, 0};
  store.add_row(at(0), row);
  own.step(store, at(0));
  row = {95, 98, 100};
  store.add_row(at(15), row);
  own.step(store, at(15));
  EXPECT_EQ(own.results().front().total, 100);
  EXPECT_EQ(own.results().front().bad, 5);
}

TEST(OwnObjectives, TakeEachSampleOfAGaugeAsAnOccurrence) {
  SeriesStore store(8);
  OwnObjectives own({spec("dvt_projection_lag_events", "", "50", percent(99))}, {});
  store.add_series({"dvt_projection_lag_events", {{"adapter", "temporal"}}, MetricKind::gauge, 0});
  for (const double level : {0.0, 50.0, 51.0, 20.0}) {
    std::vector<double> row{level};
    const Instant now = at(static_cast<std::int64_t>(15 * store.rows()));
    store.add_row(now, row);
    own.step(store, now);
  }
  EXPECT_EQ(own.results().front().total, 3);
  EXPECT_EQ(own.results().front().bad, 1);
}

}  // namespace
}  // namespace dvt::sim
