// What a recorded run gives to promtool and to Grafana.
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "sim/measure/catalogue.h"
#include "sim/record/run_recorder.h"
#include "sim/report/grafana.h"
#include "sim/report/promtool_tests.h"
#include "sim/report/sample_replay.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
constexpr UnixNanos kStart{1'767'225'600'000'000'000};

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

class ExportsTest : public testing::Test {
 protected:
  ExportsTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("exports_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ExportsTest() override { std::filesystem::remove_all(folder_); }

  /// Lag of one adapter by grid point, every 15 s; the series appears with the first value.
  void record(const std::vector<double>& lag, const std::string& rules) {
    RecorderOptions options;
    options.path = (folder_ / "run.db").string();
    options.start = kStart;
    RunRecorder recorder(options);
    recorder.series_added(0, {"dvt_projection_gaps_total", {}, MetricKind::counter, 0});
    recorder.series_added(1, {"dvt_projection_lag_events", {{"adapter", "it's"}}, MetricKind::gauge, 0});
    for (std::size_t i = 0; i < lag.size(); ++i) {
      const std::vector<double> row{static_cast<double>(i / 2), lag[i]};
      recorder.sampled(at(static_cast<std::int64_t>(i) * 15), row);
    }
    recorder.finish({{"rules", rules}});
  }

  std::filesystem::path folder_;
};

constexpr const char* kRules = R"(groups:
- name: g
  rules:
  - {alert: Lag, expr: 'dvt_projection_lag_events > 10', for: 30s, keep_firing_for: 15s, labels: {severity: page, rule_set: own}, annotations: {a: b}}
  - {alert: Templated, expr: 'dvt_projection_gaps_total > 1', labels: {plan: '{{ $labels.plan }}', rule_set: own}}
  - {alert: Unknown, expr: 'up == 0', labels: {rule_set: own}}
)";

TEST_F(ExportsTest, PromtoolTestsAskAtEveryChangeAndJustBefore) {
  record({kAbsent, 0, 20, 20, 20, 20, 5, 5, 5}, kRules);  // pending at 30 s, fires at 60 s, 5 from 90 s on
  RunFile file(folder_.string());
  const PromtoolTests tests = promtool_tests(file);
  EXPECT_EQ(tests.tested, 1U);
  EXPECT_EQ(tests.left_out, 2U);
  EXPECT_EQ(tests.rules, R"(groups:
- name: 'g'
  rules:
  - alert: 'Lag'
    expr: 'dvt_projection_lag_events > 10'
    for: 30s
    keep_firing_for: 15s
    labels: {severity: 'page', rule_set: 'own'}
)");
  const std::string fires = R"(
    exp_alerts:
    - exp_labels: {adapter: "it's", rule_set: "own", severity: "page"}
)";
  EXPECT_EQ(tests.tests, R"(# without a test: Templated: its label plan is a template
# without a test: Unknown: its metric up is not in the catalogue
rule_files: [rules.yaml]
evaluation_interval: 15s
tests:
- interval: 15s
  input_series:
  - series: 'dvt_projection_lag_events{adapter="it''s"}'
    values: '_ 0 20+0x3 5+0x2'
  alert_rule_test:
  - eval_time: 0s
    alertname: "Lag"
  - eval_time: 45s
    alertname: "Lag"
  - eval_time: 1m
    alertname: "Lag")" + fires +
                             R"(  - eval_time: 1m30s
    alertname: "Lag")" + fires +
                             R"(  - eval_time: 1m45s
    alertname: "Lag"
  - eval_time: 2m
    alertname: "Lag"
)");
}

TEST_F(ExportsTest, ReplayGivesEveryRowAsItWasSampled) {
  record({kAbsent, 1, 2, 3}, kRules);
  RunFile file(folder_.string());
  std::vector<std::string> rows;
  replay_samples(file, minutes(1), [&](const SeriesStore& store, Instant when) {
    rows.push_back(fmt::format("{} {} {}", when.ns / 1'000'000'000, store.value(store.rows() - 1, 0),
                               store.value(store.rows() - 1, 1)));
  });
  EXPECT_EQ(rows, (std::vector<std::string>{"0 0 nan", "15 0 1", "30 1 2", "45 1 3"}));
}

TEST(Grafana, BoardsAreJsonWithStableNumbers) {
  const std::vector<Dashboard> boards = grafana_dashboards(kStart, UnixNanos{kStart.ns + 3'600'000'000'000});
  ASSERT_EQ(boards.size(), 4U);
  EXPECT_EQ(boards[0].uid, "dvtsim-objectives");
  for (const Dashboard& board : boards) {
    const auto parsed = json::parse(board.json);
    ASSERT_TRUE(parsed.has_value()) << board.uid;
    EXPECT_NE(board.json.find("\"from\": \"2026-01-01T00:00:00.000Z\""), std::string::npos);
    EXPECT_NE(board.json.find("\"uid\": \"" + board.uid + "\""), std::string::npos);
  }
  EXPECT_EQ(boards[0].json, grafana_dashboards(kStart, UnixNanos{kStart.ns + 3'600'000'000'000})[0].json);
}

TEST(Grafana, AsksForTheDocumentsQueriesAndOnlyForMetricsOfTheCatalogue) {
  const std::vector<std::string> expressions = grafana_expressions();
  for (const char* documented :
       {"histogram_quantile(0.99, rate(dvt_run_completion_duration_seconds_bucket[5m]))",
        "histogram_quantile(0.99, rate(dvt_statestore_write_duration_ms_bucket[5m]))", "dvt_projection_lag_events",
        "histogram_quantile(0.99, rate(dvt_signal_processing_duration_ms_bucket[5m]))"})
    EXPECT_EQ(std::count(expressions.begin(), expressions.end(), documented), 1) << documented;
  for (const std::string& text : expressions) {
    const promql::Expression expression(text);
    for (const std::string& metric : expression.metrics())
      EXPECT_NE(find_metric(metric), nullptr) << metric << " in " << text;
  }
}

}  // namespace
}  // namespace dvt::sim
