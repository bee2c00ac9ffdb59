// The sampled series: what a Prometheus that scrapes on the sampling grid would have stored. A ring keeps the newest
// rows for alert rules; every row is handed to an optional sink (the recorder of run.db); registered queries keep
// running aggregates. Memory is flat however long the run.
//
// A counter's or histogram's series that first appears at row k counts as zero in every earlier row from t0 on (domain
// §12: each label set starts at an explicit zero at t0). A gauge that was never set is absent: NaN.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/catalogue.h"
#include "sim/measure/results.h"

namespace dvt::sim {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;  // sorted by name, names distinct

struct SeriesInfo {
  std::string name;  // a histogram's with _bucket, _sum or _count
  LabelPairs labels;
  MetricKind kind = MetricKind::counter;
  std::uint64_t first_row = 0;  // rows before it are zero by contract (gauges: absent)
  /// nullptr when there is no such label.
  const std::string* label(std::string_view label_name) const;
};

/// Receives every series and every row as they come. Passive, like all listeners.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  /// Ids count from 0 and never change; told before the first row that holds the series.
  virtual void series_added(std::uint32_t id, const SeriesInfo& info) = 0;
  /// `values` by series id; NaN: absent. `at` strictly increases.
  virtual void sampled(Instant at, std::span<const double> values) = 0;
};

class SeriesStore {
 public:
  /// Keeps the newest `keep_rows` rows (at least 2).
  explicit SeriesStore(std::size_t keep_rows);
  /// Keeps the newest `rows` rows of the series of these names, for rules that look far back. Before the first row.
  void keep_longer(std::vector<std::string> names, std::size_t rows);

  void set_sink(SampleSink* sink);
  std::uint32_t add_series(SeriesInfo info);
  /// Answers come from answers(), in the order asked. Ask before the first row.
  std::size_t add_query(SeriesQuery query);
  void add_row(Instant at, std::vector<double>& values);

  std::size_t size() const { return infos_.size(); }
  const SeriesInfo& info(std::uint32_t id) const { return infos_[id]; }
  /// Ids of the series of that exact name, ascending; empty when there are none.
  std::span<const std::uint32_t> find(std::string_view name) const;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t first_kept() const { return rows_ > ring_.size() ? rows_ - ring_.size() : 0; }
  /// Of the series: it may reach further back than the others.
  std::uint64_t first_kept(std::uint32_t id) const;
  Instant time(std::uint64_t row) const {
    return row >= first_kept() ? ring_[row % ring_.size()].at : far_[row % far_.size()].at;
  }
  double value(std::uint64_t row, std::uint32_t id) const;
  /// The first row kept of the series at or after `t`; rows() when there is none.
  std::uint64_t row_at_or_after(Instant t, std::uint32_t id) const;

  std::vector<SeriesAnswer> answers() const;

 private:
  struct Row {
    Instant at;
    std::vector<double> values;
  };
  struct Query {
    SeriesAnswer answer;
    std::vector<std::uint32_t> ids;
    double sum = 0;
    double before = 0;  // value at the last row at or before `from`; 0: counters start at zero
    bool seen_before = false;
    bool seen = false;
  };
  static bool matches(const SeriesQuery& query, const SeriesInfo& info);
  void update(Query& query, Instant at, std::span<const double> values) const;

  std::vector<SeriesInfo> infos_;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_name_;
  std::vector<Row> ring_;
  std::vector<std::string> far_names_;
  std::vector<std::uint32_t> far_ids_;  // of series that are kept longer; its places are the columns of far_
  std::vector<Row> far_;                // ring; empty: none is
  std::uint64_t rows_ = 0;
  std::vector<Query> queries_;
  SampleSink* sink_ = nullptr;
};

}  // namespace dvt::sim
