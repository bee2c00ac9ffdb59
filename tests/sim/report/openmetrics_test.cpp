// What a recorded run gives to Prometheus, line by line.
#include "sim/report/openmetrics.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "sim/record/run_recorder.h"

namespace dvt::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMidnight = 1'767'225'600 * kSecond;  // 2026-01-01T00:00:00Z
constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

class OpenMetricsTest : public testing::Test {
 protected:
  OpenMetricsTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("openmetrics_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~OpenMetricsTest() override { std::filesystem::remove_all(folder_); }

  struct Row {
    Instant at;
    std::vector<double> values;
  };
  void record(std::int64_t start_unix_ns, const std::vector<SeriesInfo>& series, const std::vector<Row>& rows) {
    RecorderOptions options;
    options.path = (folder_ / "run.db").string();
    options.start = UnixNanos{start_unix_ns};
    RunRecorder recorder(options);
    std::uint32_t known = 0;
    for (const Row& row : rows) {
      while (known < row.values.size()) {
        recorder.series_added(known, series[known]);
        ++known;
      }
      recorder.sampled(row.at, row.values);
    }
    recorder.finish({});
  }
  std::vector<std::string> days() {
    RunFile file(folder_.string());
    return OpenMetrics(file).days();
  }
  std::string text(std::size_t day = 0) {
    RunFile file(folder_.string());
    std::string out;
    OpenMetrics(file).write(day, [&](std::string_view piece) { out += piece; });
    return out;
  }
  static Instant at(std::int64_t s) { return Instant{s * kSecond}; }

  std::filesystem::path folder_;
};

TEST_F(OpenMetricsTest, WritesFamiliesWithTheirLabelSetsInOrderOfTimeAndEndsInEof) {
  record(kMidnight,
         {{"dvt_runs_started_total", {{"tenant", "a"}}, MetricKind::counter, 0},
          {"dvt_projection_lag_events", {}, MetricKind::gauge, 0},
          {"dvt_ui_refresh_duration_ms_bucket", {{"le", "100"}}, MetricKind::histogram, 0},
          {"dvt_ui_refresh_duration_ms_bucket", {{"le", "+Inf"}}, MetricKind::histogram, 0},
          {"dvt_ui_refresh_duration_ms_sum", {}, MetricKind::histogram, 0},
          {"dvt_ui_refresh_duration_ms_count", {}, MetricKind::histogram, 0}},
         {{at(0), {0, kAbsent, 0, 0, 0, 0}}, {at(15), {3, 2.5, 1, 2, 140.25, 2}}});
  EXPECT_EQ(text(),
            "# HELP dvt_runs_started fed by: engine\n"
            "# TYPE dvt_runs_started counter\n"
            "dvt_runs_started_total{tenant=\"a\"} 0 1767225600\n"
            "dvt_runs_started_total{tenant=\"a\"} 3 1767225615\n"
            "# HELP dvt_projection_lag_events fed by: projector\n"
            "# TYPE dvt_projection_lag_events gauge\n"
            "dvt_projection_lag_events 2.5 1767225615\n"
            "# HELP dvt_ui_refresh_duration_ms fed by: projector\n"
            "# TYPE dvt_ui_refresh_duration_ms histogram\n"
            "dvt_ui_refresh_duration_ms_bucket{le=\"100\"} 0 1767225600\n"
            "dvt_ui_refresh_duration_ms_bucket{le=\"+Inf\"} 0 1767225600\n"
            "dvt_ui_refresh_duration_ms_sum 0 1767225600\n"
            "dvt_ui_refresh_duration_ms_count 0 1767225600\n"
            "dvt_ui_refresh_duration_ms_bucket{le=\"100\"} 1 1767225615\n"
            "dvt_ui_refresh_duration_ms_bucket{le=\"+Inf\"} 2 1767225615\n"
            "dvt_ui_refresh_duration_ms_sum 140.25 1767225615\n"
            "dvt_ui_refresh_duration_ms_count 2 1767225615\n"
            "# EOF\n");
}

TEST_F(OpenMetricsTest, ALateCounterStandsAtZeroFromTheStart) {
  record(kMidnight,
         {{"dvt_runs_started_total", {}, MetricKind::counter, 0},
          {"dvt_projection_gaps_total", {}, MetricKind::counter, 1}},
         {{at(0), {1}}, {at(15), {2, 1}}});
  EXPECT_NE(text().find("dvt_projection_gaps_total 0 1767225600\ndvt_projection_gaps_total 1 1767225615\n"),
            std::string::npos)
      << text();
}

TEST_F(OpenMetricsTest, AFractionalEndKeepsItsNanosecondsAndValuesTheirDigits) {
  record(kMidnight, {{"dvt_projection_lag_seconds", {}, MetricKind::gauge, 0}},
         {{at(0), {0.1}}, {Instant{kSecond / 4}, {1.0 / 3.0}}});
  EXPECT_NE(text().find("dvt_projection_lag_seconds 0.1 1767225600\n"), std::string::npos);
  EXPECT_NE(text().find("dvt_projection_lag_seconds 0.3333333333333333 1767225600.25\n"), std::string::npos);
}

TEST_F(OpenMetricsTest, LabelValuesAreEscaped) {
  record(kMidnight, {{"dvt_runs_started_total", {{"planId", "a\"b\\c\nd"}}, MetricKind::counter, 0}}, {{at(0), {1}}});
  EXPECT_NE(text().find("dvt_runs_started_total{planId=\"a\\\"b\\\\c\\nd\"} 1"), std::string::npos) << text();
}

TEST_F(OpenMetricsTest, AnEmptyLabelIsLeftOut) {
  record(kMidnight, {{"dvt_runs_started_total", {{"a", ""}, {"b", "x"}}, MetricKind::counter, 0}}, {{at(0), {1}}});
  EXPECT_NE(text().find("dvt_runs_started_total{b=\"x\"} 1"), std::string::npos) << text();
}

TEST_F(OpenMetricsTest, EachUtcDayIsAFileOfItsOwn) {
  record(kMidnight + 23 * 3600 * kSecond, {{"dvt_runs_started_total", {}, MetricKind::counter, 0}},
         {{at(0), {1}}, {at(3599), {2}}, {at(3600), {3}}, {at(3700), {4}}});
  EXPECT_EQ(days(), (std::vector<std::string>{"2026-01-01", "2026-01-02"}));
  EXPECT_NE(text(0).find(" 2 1767311999\n# EOF\n"), std::string::npos) << text(0);
  EXPECT_NE(text(1).find("counter\ndvt_runs_started_total 3 1767312000\n"), std::string::npos) << text(1);
  EXPECT_NE(text(1).find(" 4 1767312100\n# EOF\n"), std::string::npos);
}

TEST_F(OpenMetricsTest, ARunThatEndsAtMidnightLiesInOneDay) {
  record(kMidnight, {{"dvt_runs_started_total", {}, MetricKind::counter, 0}}, {{at(0), {1}}, {at(86'400), {2}}});
  EXPECT_EQ(days(), std::vector<std::string>{"2026-01-01"});
  EXPECT_NE(text().find(" 2 1767312000\n"), std::string::npos) << "the end belongs to the run";
}

}  // namespace
}  // namespace dvt::sim
