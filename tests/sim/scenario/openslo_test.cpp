// OpenSLO files: what is read, and that whatever has no counterpart is refused at its line.
#include "sim/scenario/openslo.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support.h"

namespace dvt::sim::test {
namespace {

const std::string kThreshold = R"(apiVersion: openslo/v1
kind: SLO
metadata: {name: persisted}
spec:
  service: api
  indicator:
    metadata: {name: latency}
    spec:
      thresholdMetric:
        metricSource: {type: Prometheus, spec: {query: dvt_plan_persist_duration_ms}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Timeslices
  objectives:
    - {op: lte, value: 300, target: 0.99, timeSliceWindow: 5m}
    - {op: lte, value: 600, targetPercent: 99.9}
)";

const std::string kRatio = R"(apiVersion: openslo/v1
kind: SLO
metadata: {name: failures}
spec:
  indicator:
    spec:
      ratioMetric:
        bad: {metricSource: {spec: {query: 'dvt_runs_completed_total{status="failed", error_class="engine"}'}}}
        total: {metricSource: {spec: {query: dvt_runs_completed_total}}}
  timeWindow: [{duration: 7d, isRolling: true}]
  objectives: [{target: 0.999}]
)";

struct Loaded {
  Scenario scenario;
  std::string wrong;
};

Loaded load(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("openslo-" + std::to_string(::getpid()) + ".yaml");
  std::ofstream(path) << text;
  Loaded out;
  out.scenario.objectives.file.path = path.string();
  for (const Diagnostic& one : add_objectives_of_file(out.scenario)) {
    if (!out.wrong.empty()) out.wrong += "\n";
    out.wrong += std::to_string(one.line) + ": " + one.message;
  }
  std::filesystem::remove(path);
  return out;
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(OpenSlo, ThresholdsBecomeOneObjectiveEach) {
  const Loaded loaded = load(kThreshold);
  EXPECT_EQ(loaded.wrong, "");
  const std::vector<ObjectiveSpec>& objectives = loaded.scenario.objectives.added;
  ASSERT_EQ(objectives.size(), 2U);
  EXPECT_EQ(objectives[0].name, "persisted-1");
  EXPECT_EQ(objectives[0].metric, "dvt_plan_persist_duration_ms");
  EXPECT_EQ(objectives[0].threshold, "300");
  EXPECT_EQ(objectives[0].target, percent(99));
  EXPECT_EQ(objectives[0].budgeting, Budgeting::timeslices);
  EXPECT_EQ(objectives[0].slice, minutes(5));
  EXPECT_EQ(objectives[0].window, days(30));
  EXPECT_EQ(objectives[1].target.ppb, 999'000'000);
  EXPECT_EQ(objectives[1].slice, minutes(1));
}

TEST(OpenSlo, ARatioBecomesBadLabels) {
  const Loaded loaded = load(kRatio);
  EXPECT_EQ(loaded.wrong, "");
  ASSERT_EQ(loaded.scenario.objectives.added.size(), 1U);
  const ObjectiveSpec& objective = loaded.scenario.objectives.added.front();
  EXPECT_EQ(objective.name, "failures");
  EXPECT_EQ(objective.bad, "status=failed,error_class=engine");
  EXPECT_EQ(objective.budgeting, Budgeting::occurrences);
}

TEST(OpenSlo, WhatHasNoCounterpartIsRefusedAtItsLine) {
  EXPECT_EQ(load(changed(kThreshold, "openslo/v1", "openslo/v2")).wrong,
            "1: expected openslo/v1, found \"openslo/v2\"");
  EXPECT_EQ(load(changed(kThreshold, "op: lte", "op: lt")).wrong,
            "14: expected op: lte: what equals its threshold is good");
  EXPECT_EQ(load(changed(kThreshold, "isRolling: true", "calendar: {}")).wrong,
            "11: calendar windows belong to budgetPolicy; expected a rolling one");
  EXPECT_EQ(
      load(changed(kRatio, "query: dvt_runs_completed_total}", "query: 'rate(dvt_runs_completed_total[5m])'}")).wrong,
      "9: expected a plain selector such as dvt_runs_completed_total{status=\"failed\"}, found "
      "\"rate(dvt_runs_completed_total[5m])\"");
  EXPECT_EQ(load(changed(kRatio, "0.999", "999")).wrong.substr(0, 3), "11:");
  EXPECT_TRUE(load(changed(kRatio, "0.999", "999")).scenario.objectives.added.empty()) << "nothing is half read";
}

TEST(OpenSlo, AFileThatIsNotThereIsNamed) {
  Scenario scenario;
  scenario.objectives.file.path = "/nowhere/slo.yaml";
  const std::vector<Diagnostic> wrong = add_objectives_of_file(scenario);
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_EQ(wrong.front().file, "/nowhere/slo.yaml");
}

}  // namespace
}  // namespace dvt::sim::test
