#include "sim/report/openmetrics.h"

#include "engine/base/format.h"

#include <algorithm>
#include <cmath>

#include "engine/base/result.h"
#include "engine/base/text.h"
#include "sim/measure/catalogue.h"

namespace dvt::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string labels_text(const LabelPairs& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (value.empty()) continue;  // to Prometheus an empty label is none
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  }
  return out.empty() ? out : "{" + out + "}";
}

/// Seconds since 1970 with as many decimals as it takes.
std::string timestamp(std::int64_t unix_ns) {
  std::string out = fmt::format("{}", unix_ns / kSecond);
  const std::int64_t rest = unix_ns % kSecond;
  if (rest == 0) return out;
  out += fmt::format(".{:09}", rest);
  out.erase(out.find_last_not_of('0') + 1);
  return out;
}

/// One line a sample: name and labels, then value and time.
struct Line {
  std::string head;
  std::uint32_t series_no = 0;
};

/// The series that differ in `le` and in the histogram's suffix only; a counter's or gauge's own.
struct LabelSet {
  LabelPairs labels;
  std::vector<Line> lines;
};

struct FamilyOfSeries {
  std::string name;
  MetricKind kind = MetricKind::counter;
  std::vector<LabelSet> label_sets;
};

std::string family_name(const RecordedSeries& series) {
  const auto without = [&](std::string_view suffix) {
    return std::string_view(series.name).ends_with(suffix) ? series.name.substr(0, series.name.size() - suffix.size())
                                                           : series.name;
  };
  if (series.kind == MetricKind::counter) return without("_total");
  if (series.kind == MetricKind::gauge) return series.name;
  for (const char* suffix : {"_bucket", "_sum", "_count"})
    if (series.name.ends_with(suffix)) return without(suffix);
  return series.name;
}

/// The catalogue's name of a series' metric.
std::string metric_name(const RecordedSeries& series) {
  return series.kind == MetricKind::counter ? series.name : family_name(series);
}

std::vector<RecordedSeries> only(std::vector<RecordedSeries> all, const std::vector<std::string>& metrics) {
  for (const std::string& metric : metrics) {
    if (std::ranges::find(all, metric, metric_name) != all.end()) continue;
    std::vector<std::string> recorded;
    for (const RecordedSeries& series : all) recorded.push_back(metric_name(series));
    const std::vector<std::string_view> names(recorded.begin(), recorded.end());
    const std::string_view nearest = nearest_name(metric, names);
    throw Error(fmt::format("no metric \"{}\" was recorded{}", metric,
                            nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }
  std::erase_if(all, [&](const RecordedSeries& series) {
    return std::ranges::find(metrics, metric_name(series)) == metrics.end();
  });
  return all;
}

}  // namespace

struct OpenMetrics::Parts {
  explicit Parts(RunFile& opened) : file(opened) {}

  RunFile& file;
  UnixNanos start;
  std::vector<Instant> times;
  std::vector<FamilyOfSeries> families;
  /// Index of the first sample of each day, and the number of samples.
  std::vector<std::size_t> day_from;

  std::int64_t unix_ns(Instant at) const { return start.ns + at.ns; }
  std::string value_lines(const LabelSet& set, std::size_t from, std::size_t to) const;
};

OpenMetrics::OpenMetrics(RunFile& file, const std::vector<std::string>& metrics)
    : parts_(std::make_unique<Parts>(file)) {
  parts_->start = file.start();
  parts_->times = file.sample_times();
  std::vector<RecordedSeries> chosen = file.series();
  if (!metrics.empty()) chosen = only(std::move(chosen), metrics);
  for (const RecordedSeries& series : chosen) {
    const std::string name = family_name(series);
    auto family = std::ranges::find(parts_->families, name, &FamilyOfSeries::name);
    if (family == parts_->families.end())
      family = parts_->families.insert(parts_->families.end(), FamilyOfSeries{name, series.kind, {}});
    LabelPairs labels = series.labels;
    std::erase_if(labels, [](const auto& label) { return label.first == "le"; });
    auto set = std::ranges::find(family->label_sets, labels, &LabelSet::labels);
    if (set == family->label_sets.end()) set = family->label_sets.insert(family->label_sets.end(), {labels, {}});
    set->lines.push_back({series.name + labels_text(series.labels) + " ", series.series_no});
  }
  std::int64_t day = -1;
  for (std::size_t i = 0; i < parts_->times.size(); ++i) {
    const std::int64_t unix_ns = parts_->unix_ns(parts_->times[i]);
    const bool ends_at_midnight = i + 1 == parts_->times.size() && i > 0 && unix_ns % kDay == 0;
    if (unix_ns / kDay != day && !ends_at_midnight) {
      day = unix_ns / kDay;
      parts_->day_from.push_back(i);
    }
  }
  parts_->day_from.push_back(parts_->times.size());
}

OpenMetrics::~OpenMetrics() = default;

std::vector<std::string> OpenMetrics::days() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < parts_->day_from.size(); ++i) {
    const Instant first = parts_->times[parts_->day_from[i]];
    names.push_back(format_rfc3339(UnixNanos{parts_->unix_ns(first)}, 9).substr(0, 10));
  }
  return names;
}

std::string OpenMetrics::Parts::value_lines(const LabelSet& set, std::size_t from, std::size_t to) const {
  std::vector<std::vector<Sample>> samples;
  for (const Line& line : set.lines) samples.push_back(file.samples(line.series_no, times[from], times[to - 1]));
  std::vector<std::size_t> at(samples.size(), 0);
  std::string out;
  for (std::size_t i = from; i < to; ++i) {
    const std::string time = timestamp(unix_ns(times[i]));
    for (std::size_t s = 0; s < samples.size(); ++s) {
      std::size_t& next = at[s];
      while (next < samples[s].size() && samples[s][next].at < times[i]) ++next;
      // Before a counter's first sample it is zero; gauges are recorded as absent.
      const bool there = next < samples[s].size() && samples[s][next].at == times[i];
      const double value = there ? samples[s][next].value : 0.0;
      if (std::isnan(value)) continue;
      out += fmt::format("{}{} {}\n", set.lines[s].head, value, time);
    }
  }
  return out;
}

void OpenMetrics::write(std::size_t day, const Sink& sink) const {
  for (const FamilyOfSeries& family : parts_->families) {
    const MetricEntry* entry = find_metric(family.kind == MetricKind::counter ? family.name + "_total" : family.name);
    sink(fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name,
                     entry == nullptr ? "recorded" : fmt::format("fed by: {}", entry->fed_by), family.name,
                     to_string(family.kind)));
    for (const LabelSet& set : family.label_sets)
      sink(parts_->value_lines(set, parts_->day_from[day], parts_->day_from[day + 1]));
  }
  sink("# EOF\n");
}

}  // namespace dvt::sim
