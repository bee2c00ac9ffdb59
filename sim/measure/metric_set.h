// The live metrics: prometheus-cpp families made from the catalogue, with handles that stay valid for the whole run.
// A labelled look-up costs 200 to 300 ns, so hot paths keep the handle. Past the series budget, the values of open
// labels fold into `other` (domain §12); closed labels (status, event_type …) never do, so alert rules keep working.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/measure/catalogue.h"
#include "sim/measure/series.h"

namespace dvt::sim {

class CounterHandle {
 public:
  CounterHandle() = default;
  explicit CounterHandle(prometheus::Counter* counter) : counter_(counter) {}
  void add() { counter_->Increment(); }
  void add(double amount) { counter_->Increment(amount); }
  explicit operator bool() const { return counter_ != nullptr; }

 private:
  prometheus::Counter* counter_ = nullptr;
};

/// A gauge and whether it was ever set: until then its series is absent.
struct GaugeCell {
  prometheus::Gauge* gauge = nullptr;
  bool set_once = false;
  void set(double value) {
    gauge->Set(value);
    set_once = true;
  }
};

/// A histogram. Observations are gathered in plain buckets and handed to prometheus-cpp when the metrics are read: its
/// own observe takes a lock and two compare-and-swaps, 15 to 20 ns, and there are millions a virtual day.
class HistogramCell {
 public:
  HistogramCell() = default;
  HistogramCell(prometheus::Histogram* histogram, const std::vector<double>& bounds)
      : histogram_(histogram), bounds_(&bounds), pending_(bounds.size() + 1, 0.0) {}

  /// A value on a bound belongs to that bound's bucket.
  void observe(double value) {
    std::size_t bucket = 0;
    while (bucket < bounds_->size() && value > (*bounds_)[bucket]) ++bucket;
    pending_[bucket] += 1;
    pending_sum_ += value;
    touched_ = true;
  }
  /// Hands over what was gathered; false when there was nothing.
  bool flush();
  const prometheus::Histogram& histogram() const { return *histogram_; }

 private:
  prometheus::Histogram* histogram_ = nullptr;
  const std::vector<double>* bounds_ = nullptr;
  std::vector<double> pending_;  // by bucket
  double pending_sum_ = 0;
  bool touched_ = false;
};

class MetricSet {
 public:
  /// `series_budget` time series, a histogram's buckets counted one by one. Label sets are added to `store`.
  MetricSet(SeriesStore& store, std::size_t series_budget);

  // Label values in the catalogue's order. The same values give the same handle. Asking for a metric that is absent,
  // of another kind, or with another number of labels is a programmer's error.
  CounterHandle counter(Metric metric, std::initializer_list<std::string_view> values);
  GaugeCell& gauge(Metric metric, std::initializer_list<std::string_view> values);
  HistogramCell& histogram(Metric metric, std::initializer_list<std::string_view> values);

  /// Appends the present value of every series, in the store's order, to `row` (cleared first). Also brings the
  /// registry up to date: whoever exposes it reads first.
  void read(std::vector<double>& row);

  std::size_t series() const { return series_; }
  std::uint64_t folded_label_sets() const { return folded_; }
  prometheus::Registry& registry() { return registry_; }

 private:
  using Values = std::vector<std::string>;
  /// Where a label set's numbers come from; one a label set, in order of creation.
  struct Source {
    MetricKind kind = MetricKind::counter;
    prometheus::Counter* counter = nullptr;
    GaugeCell gauge;
    HistogramCell histogram;
    std::vector<double> collected;  // a histogram's series as last collected
  };
  struct Family {
    prometheus::Family<prometheus::Counter>* counter = nullptr;
    prometheus::Family<prometheus::Gauge>* gauge = nullptr;
    prometheus::Family<prometheus::Histogram>* histogram = nullptr;
    std::map<Values, Source*> label_sets;
  };

  Source& label_set(Metric metric, MetricKind kind, std::initializer_list<std::string_view> values);
  Source& create(const MetricEntry& entry, const Values& values);
  void add_series(const MetricEntry& entry, const Values& values);
  static void collect(Source& source);

  SeriesStore& store_;
  std::size_t budget_;
  std::size_t series_ = 0;
  std::uint64_t folded_ = 0;
  prometheus::Registry registry_;
  std::array<Family, kMetricCount> families_;
  std::deque<Source> sources_;  // addresses stay
};

}  // namespace dvt::sim
