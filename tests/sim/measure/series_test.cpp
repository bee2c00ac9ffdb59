// The catalogue, the live metrics and the sampled series.
#include "sim/measure/series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "sim/measure/metric_set.h"

namespace dvt::sim {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

class CountingSink final : public SampleSink {
 public:
  void series_added(std::uint32_t id, const SeriesInfo& info) override {
    EXPECT_EQ(id, names.size());
    names.push_back(info.name);
    first_rows.push_back(info.first_row);
  }
  void sampled(Instant when, std::span<const double> values) override {
    EXPECT_EQ(values.size(), names.size());
    times.push_back(when);
  }
  std::vector<std::string> names;
  std::vector<std::uint64_t> first_rows;
  std::vector<Instant> times;
};

TEST(Catalogue, HasEveryMetricOnceAndSaysWhyOneIsAbsent) {
  std::set<std::string_view> names;
  for (const MetricEntry& entry : metric_catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(entry.kind == MetricKind::histogram, !entry.bounds.empty()) << entry.name;
    EXPECT_TRUE(std::ranges::is_sorted(entry.bounds)) << entry.name;
    EXPECT_EQ(entry.kind == MetricKind::counter, entry.name.ends_with("_total")) << entry.name;
  }
  EXPECT_EQ(names.size(), kMetricCount);
  for (const AbsentMetric& absent : absent_metrics()) EXPECT_FALSE(absent.reason.empty()) << absent.name;
  EXPECT_EQ(absent_metrics().back().name, "dvt_plugin_*");
}

TEST(Catalogue, AnObjectivesHistogramHasItsThresholdTwiceItAndTheAlertValueAsBounds) {
  const auto has = [](Metric metric, std::initializer_list<double> wanted) {
    const std::vector<double>& bounds = metric_entry(metric).bounds;
    return std::ranges::all_of(wanted, [&](double b) { return std::ranges::find(bounds, b) != bounds.end(); });
  };
  EXPECT_TRUE(has(Metric::plan_persist_duration, {300, 600}));
  EXPECT_TRUE(has(Metric::ui_refresh_duration, {1000, 2000}));
  EXPECT_TRUE(has(Metric::pause_to_quiescence, {1000, 2000, 5000}));
  EXPECT_TRUE(has(Metric::write_duration, {10, 20}));
  EXPECT_TRUE(has(Metric::outbox_delivery_duration, {5000, 10000, 30000}));
  EXPECT_TRUE(has(Metric::run_control_plane_duration, {5, 10, 30}));
}

TEST(Catalogue, FindsAHistogramByItsSeries) {
  EXPECT_EQ(find_metric("dvt_ui_refresh_duration_ms_bucket"), &metric_entry(Metric::ui_refresh_duration));
  EXPECT_EQ(find_metric("dvt_projection_gaps_total"), &metric_entry(Metric::projection_gaps));
  EXPECT_EQ(find_metric("dvt_projection_gaps_total_count"), nullptr);
}

TEST(MetricSet, GivesTheSameHandleForTheSameLabels) {
  SeriesStore store(10);
  MetricSet set(store, 2000);
  set.counter(Metric::outbox_dead_letters, {"ui"}).add();
  set.counter(Metric::outbox_dead_letters, {"ui"}).add();
  set.counter(Metric::outbox_dead_letters, {"audit"}).add();
  std::vector<double> row;
  set.read(row);
  EXPECT_EQ(row, (std::vector<double>{2, 1}));
  ASSERT_EQ(store.size(), 2U);
  EXPECT_EQ(store.info(0).labels, (LabelPairs{{"subscription", "ui"}}));
}

TEST(MetricSet, AHistogramIsCumulativeBucketsSumAndCount) {
  SeriesStore store(10);
  MetricSet set(store, 2000);
  HistogramCell& cell = set.histogram(Metric::ui_refresh_duration, {});
  for (const double value : {100.0, 101.0, 7000.0}) cell.observe(value);
  std::vector<double> row;
  set.read(row);
  // le = 100, 500, 1000, 2000, 5000, +Inf, then _sum and _count. A value on a bound belongs to it.
  EXPECT_EQ(row, (std::vector<double>{1, 2, 2, 2, 2, 3, 7201, 3}));
  EXPECT_EQ(*store.info(0).label("le"), "100");
  EXPECT_EQ(*store.info(5).label("le"), "+Inf");
  EXPECT_EQ(store.info(6).name, "dvt_ui_refresh_duration_ms_sum");
}

TEST(MetricSet, PastTheBudgetOpenLabelsFoldAndClosedOnesStay) {
  SeriesStore store(10);
  MetricSet set(store, 2);
  set.counter(Metric::runs_completed, {"p1", "completed", "NONE", "none"}).add();
  set.counter(Metric::runs_completed, {"p2", "completed", "NONE", "none"}).add();
  set.counter(Metric::runs_completed, {"p3", "failed", "TIMEOUT", "engine"}).add();
  set.counter(Metric::runs_completed, {"p4", "failed", "CRASH", "engine"}).add();
  set.counter(Metric::runs_completed, {"p4", "failed", "CRASH", "engine"}).add();
  EXPECT_EQ(set.folded_label_sets(), 2U);
  ASSERT_EQ(store.size(), 3U);
  EXPECT_EQ(
      store.info(2).labels,
      (LabelPairs{{"error_class", "engine"}, {"error_code", "other"}, {"planId", "other"}, {"status", "failed"}}));
  std::vector<double> row;
  set.read(row);
  EXPECT_EQ(row, (std::vector<double>{1, 1, 3}));
}

TEST(Series, ALateCounterWasZeroAndALateGaugeWasAbsent) {
  SeriesStore store(10);
  const std::uint32_t first = store.add_series({"dvt_projection_gaps_total", {}, MetricKind::counter, 0});
  std::vector<double> row{1};
  store.add_row(at(0), row);
  const std::uint32_t counter = store.add_series({"c", {}, MetricKind::counter, 0});
  const std::uint32_t gauge = store.add_series({"g", {}, MetricKind::gauge, 0});
  row = {2, 5, 6};
  store.add_row(at(15), row);
  EXPECT_EQ(store.info(counter).first_row, 1U);
  EXPECT_EQ(store.value(0, first), 1);
  EXPECT_EQ(store.value(0, counter), 0);
  EXPECT_TRUE(std::isnan(store.value(0, gauge)));
  EXPECT_EQ(store.value(1, gauge), 6);
}

TEST(Series, TheRingKeepsTheNewestRowsAndTheSinkSeesAll) {
  SeriesStore store(3);
  CountingSink sink;
  store.add_series({"a", {}, MetricKind::counter, 0});
  store.set_sink(&sink);
  std::vector<double> row;
  for (std::int64_t i = 0; i < 10; ++i) {
    if (i == 4) store.add_series({"b", {}, MetricKind::counter, 0});
    row.assign(store.size(), static_cast<double>(i));
    store.add_row(at(15 * i), row);
  }
  EXPECT_EQ(store.rows(), 10U);
  EXPECT_EQ(store.first_kept(), 7U);
  EXPECT_EQ(store.value(7, 1), 7);
  EXPECT_EQ(store.row_at_or_after(at(0), 0), 7U);
  EXPECT_EQ(store.row_at_or_after(at(120), 0), 8U);
  EXPECT_EQ(store.row_at_or_after(at(121), 0), 9U);
  EXPECT_EQ(store.row_at_or_after(at(136), 0), 10U);
  EXPECT_EQ(sink.times.size(), 10U);
  EXPECT_EQ(sink.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(sink.first_rows, (std::vector<std::uint64_t>{0, 4}));
}

TEST(Series, AQueryAddsUpTheMatchingSeriesInItsWindow) {
  SeriesStore store(2);
  store.add_series({"dvt_outbox_dead_letters_total", {{"subscription", "ui"}}, MetricKind::counter, 0});
  store.add_query({"dvt_outbox_dead_letters_total", {}, at(30), at(60)});
  store.add_query({"dvt_outbox_dead_letters_total", {{"subscription", "audit"}}, at(0), at(1000)});
  std::vector<double> row;
  for (std::int64_t i = 0; i <= 5; ++i) {  // 0 s to 75 s; audit joins at 45 s
    if (i == 3)
      store.add_series({"dvt_outbox_dead_letters_total", {{"subscription", "audit"}}, MetricKind::counter, 0});
    row.assign(store.size(), static_cast<double>(10 * i));
    store.add_row(at(15 * i), row);
  }
  const std::vector<SeriesAnswer> answers = store.answers();
  // Rows at 30, 45, 60 s: sums 20, 60, 80; audit was zero at 30 s.
  EXPECT_EQ(answers[0].samples, 3U);
  EXPECT_EQ(answers[0].min, 0);
  EXPECT_EQ(answers[0].max, 40);
  EXPECT_DOUBLE_EQ(answers[0].mean, 160.0 / 3);
  EXPECT_EQ(answers[0].last, 80);
  EXPECT_EQ(answers[0].increase, 60);
  // A label set that nobody had used yet stood at zero from t0 on.
  EXPECT_EQ(answers[1].samples, 6U);
  EXPECT_EQ(answers[1].min, 0);
  EXPECT_EQ(answers[1].increase, 50);
}

TEST(Series, AGaugeNeverSetHasNoSamples) {
  SeriesStore store(2);
  MetricSet set(store, 2000);
  set.gauge(Metric::adapter_last_heartbeat, {"temporal"});
  store.add_query({"dvt_adapter_last_heartbeat_seconds", {}, at(0), at(100)});
  store.add_query({"dvt_no_such_metric", {}, at(0), at(100)});
  std::vector<double> row;
  set.read(row);
  store.add_row(at(0), row);
  EXPECT_EQ(store.answers()[0].samples, 0U);
  EXPECT_EQ(store.answers()[1].samples, 0U);
  set.gauge(Metric::adapter_last_heartbeat, {"temporal"}).set(5);
  set.read(row);
  store.add_row(at(15), row);
  EXPECT_EQ(store.answers()[0].samples, 1U);
  EXPECT_EQ(store.answers()[0].increase, 0);
}

TEST(SeriesStore, KeepsNamedSeriesLongerThanTheOthers) {
  SeriesStore store(3);
  store.keep_longer({"far"}, 6);
  const std::uint32_t near = store.add_series({"near", {}, MetricKind::counter, 0});
  const std::uint32_t far = store.add_series({"far", {}, MetricKind::counter, 0});
  for (int i = 0; i < 8; ++i) {
    std::vector<double> values{1.0 * i, 10.0 * i};
    store.add_row(at(15 * i), values);
  }
  EXPECT_EQ(store.first_kept(near), 5U);
  EXPECT_EQ(store.first_kept(far), 2U);
  EXPECT_EQ(store.value(2, far), 20);
  EXPECT_EQ(store.value(7, far), 70);
  EXPECT_EQ(store.time(2), at(30));
  EXPECT_EQ(store.row_at_or_after(at(0), near), 5U);
  EXPECT_EQ(store.row_at_or_after(at(0), far), 2U);
}

}  // namespace
}  // namespace dvt::sim
