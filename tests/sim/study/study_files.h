// Studies written down in the tests: files in a folder of their own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sim/study/plan.h"

namespace dvt::sim {

/// Half a minute of small runs, in memory: some 10 ms of work. `failing` has an assertion that some seeds fail.
inline constexpr const char* kTinyScenario = R"(apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: tiny}
seed: 5
duration: 30s
workload:
  plans: {a: {synthetic: {steps: 2, layers: 1, kind: dbt, size: small}}}
  arrivals: {process: poisson, rate: 40/m}
warehouses: {bq: {kinds: [dbt, spark, custom], duration: {small: 1s}}}
topology: {stateStore: {backend: memory}}
)";

class StudyFiles : public testing::Test {
 protected:
  StudyFiles() : folder_(std::filesystem::path(testing::TempDir()) / ("study" + unique())) {
    std::filesystem::create_directories(folder_);
    write("tiny.yaml", std::string(kTinyScenario) + "assertions: [runs.started >= 20]\n");
  }
  ~StudyFiles() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// A study of tiny.yaml with these lines below its head.
  Study study(const std::string& lines) const {
    auto read = read_study("apiVersion: dvtsim/v1\nkind: Study\nmetadata: {name: s}\nscenario: tiny.yaml\n" + lines,
                           path("s.yaml"));
    EXPECT_TRUE(read.has_value()) << (read.has_value() ? "" : format(read.error()));
    return read.has_value() ? read.value() : Study{};
  }
  StudyPlan plan(const std::string& lines) const {
    auto made = plan_study(study(lines), {});
    EXPECT_TRUE(made.has_value()) << (made.has_value() ? "" : format(made.error()));
    return made.has_value() ? std::move(made.value()) : StudyPlan{};
  }

 private:
  static std::string unique() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    return std::string("-") + test->test_suite_name() + "-" + test->name();
  }
  std::filesystem::path folder_;
};

}  // namespace dvt::sim
