// Families, label sets, folding and reading.
#include "sim/measure/metric_set.h"

#include "engine/base/format.h"

#include <algorithm>
#include <limits>

#include "engine/base/assert.h"

namespace dvt::sim {

namespace {

constexpr std::string_view kOther = "other";

LabelPairs pairs(const MetricEntry& entry, const std::vector<std::string>& values) {
  LabelPairs out;
  for (std::size_t i = 0; i < values.size(); ++i) out.emplace_back(std::string(entry.labels[i].name), values[i]);
  return out;
}

}  // namespace

bool HistogramCell::flush() {
  if (!touched_) return false;
  histogram_->ObserveMultiple(pending_, pending_sum_);
  std::ranges::fill(pending_, 0.0);
  pending_sum_ = 0;
  touched_ = false;
  return true;
}

MetricSet::MetricSet(SeriesStore& store, std::size_t series_budget) : store_(store), budget_(series_budget) {
  for (const MetricEntry& entry : metric_catalogue()) {
    if (!entry.fed()) continue;
    Family& family = families_[static_cast<std::size_t>(entry.metric)];
    const std::string name(entry.name);
    const std::string help = fmt::format("fed by: {}", entry.fed_by);
    switch (entry.kind) {
      case MetricKind::counter:
        family.counter = &prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
        break;
      case MetricKind::gauge:
        family.gauge = &prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
        break;
      case MetricKind::histogram:
        family.histogram = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
        break;
    }
  }
}

CounterHandle MetricSet::counter(Metric metric, std::initializer_list<std::string_view> values) {
  return CounterHandle(label_set(metric, MetricKind::counter, values).counter);
}

GaugeCell& MetricSet::gauge(Metric metric, std::initializer_list<std::string_view> values) {
  return label_set(metric, MetricKind::gauge, values).gauge;
}

HistogramCell& MetricSet::histogram(Metric metric, std::initializer_list<std::string_view> values) {
  return label_set(metric, MetricKind::histogram, values).histogram;
}

MetricSet::Source& MetricSet::label_set(Metric metric, MetricKind kind,
                                        std::initializer_list<std::string_view> values) {
  const MetricEntry& entry = metric_entry(metric);
  DVT_ASSERT(entry.fed() && entry.kind == kind, "a metric was asked for that is absent or of another kind");
  DVT_ASSERT(values.size() == entry.labels.size(), "a label set must have the catalogue's labels");
  Family& family = families_[static_cast<std::size_t>(metric)];
  Values key(values.begin(), values.end());
  if (const auto it = family.label_sets.find(key); it != family.label_sets.end()) return *it->second;
  if (series_ + entry.series_per_label_set() > budget_) {
    Values folded = key;
    for (std::size_t i = 0; i < folded.size(); ++i) {
      if (entry.labels[i].domain == LabelDomain::open) folded[i] = kOther;
    }
    if (folded != key) {
      ++folded_;
      const auto it = family.label_sets.find(folded);
      Source& source = it != family.label_sets.end() ? *it->second : create(entry, folded);
      family.label_sets.emplace(std::move(key), &source);
      return source;
    }
  }
  return create(entry, key);
}

MetricSet::Source& MetricSet::create(const MetricEntry& entry, const Values& values) {
  Family& family = families_[static_cast<std::size_t>(entry.metric)];
  prometheus::Labels labels;
  for (std::size_t i = 0; i < values.size(); ++i) labels.emplace(std::string(entry.labels[i].name), values[i]);
  Source& source = sources_.emplace_back();
  source.kind = entry.kind;
  switch (entry.kind) {
    case MetricKind::counter:
      source.counter = &family.counter->Add(labels);
      break;
    case MetricKind::gauge:
      source.gauge.gauge = &family.gauge->Add(labels);
      break;
    case MetricKind::histogram:
      source.histogram = HistogramCell(&family.histogram->Add(labels, entry.bounds), entry.bounds);
      source.collected.assign(entry.series_per_label_set(), 0.0);
      break;
  }
  family.label_sets.emplace(values, &source);
  series_ += entry.series_per_label_set();
  add_series(entry, values);
  return source;
}

void MetricSet::add_series(const MetricEntry& entry, const Values& values) {
  const std::string name(entry.name);
  if (entry.kind != MetricKind::histogram) {
    store_.add_series({name, pairs(entry, values), entry.kind, 0});
    return;
  }
  for (std::size_t i = 0; i <= entry.bounds.size(); ++i) {
    LabelPairs labels = pairs(entry, values);
    labels.emplace_back("le", i < entry.bounds.size() ? fmt::format("{}", entry.bounds[i]) : "+Inf");
    store_.add_series({name + "_bucket", std::move(labels), entry.kind, 0});
  }
  store_.add_series({name + "_sum", pairs(entry, values), entry.kind, 0});
  store_.add_series({name + "_count", pairs(entry, values), entry.kind, 0});
}

void MetricSet::collect(Source& source) {
  const prometheus::ClientMetric metric = source.histogram.histogram().Collect();
  std::size_t i = 0;
  for (const auto& bucket : metric.histogram.bucket)
    source.collected[i++] = static_cast<double>(bucket.cumulative_count);
  source.collected[i++] = metric.histogram.sample_sum;
  source.collected[i] = static_cast<double>(metric.histogram.sample_count);
}

void MetricSet::read(std::vector<double>& row) {
  row.clear();
  for (Source& source : sources_) {
    switch (source.kind) {
      case MetricKind::counter:
        row.push_back(source.counter->Value());
        break;
      case MetricKind::gauge:
        row.push_back(source.gauge.set_once ? source.gauge.gauge->Value() : std::numeric_limits<double>::quiet_NaN());
        break;
      case MetricKind::histogram:
        if (source.histogram.flush()) collect(source);
        row.insert(row.end(), source.collected.begin(), source.collected.end());
        break;
    }
  }
}

}  // namespace dvt::sim
