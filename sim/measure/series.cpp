// Ring, sink and running aggregates of the sampled series.
#include "sim/measure/series.h"

#include <algorithm>
#include <limits>

#include "engine/base/assert.h"

namespace dvt::sim {

namespace {
constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
bool is_absent(double value) {
  return value != value;
}
}  // namespace

const std::string* SeriesInfo::label(std::string_view label_name) const {
  for (const auto& [key, value] : labels) {
    if (key == label_name) return &value;
  }
  return nullptr;
}

SeriesStore::SeriesStore(std::size_t keep_rows) : ring_(std::max<std::size_t>(keep_rows, 2)) {}

void SeriesStore::keep_longer(std::vector<std::string> names, std::size_t rows) {
  DVT_ASSERT(rows_ == 0, "what is kept longer must be said before the first sample");
  if (names.empty() || rows <= ring_.size()) return;
  far_names_ = std::move(names);
  far_.resize(rows);
  for (std::uint32_t id = 0; id < infos_.size(); ++id) {
    if (std::ranges::find(far_names_, infos_[id].name) != far_names_.end()) far_ids_.push_back(id);
  }
  for (Row& row : far_) row.values.reserve(far_ids_.size());  // memory is flat from the beginning
}

std::uint64_t SeriesStore::first_kept(std::uint32_t id) const {
  const bool far = std::ranges::find(far_ids_, id) != far_ids_.end();
  if (!far) return first_kept();
  return rows_ > far_.size() ? rows_ - far_.size() : 0;
}

void SeriesStore::set_sink(SampleSink* sink) {
  sink_ = sink;
  if (sink_ == nullptr) return;
  for (std::uint32_t id = 0; id < infos_.size(); ++id) sink_->series_added(id, infos_[id]);
}

std::uint32_t SeriesStore::add_series(SeriesInfo info) {
  const auto id = static_cast<std::uint32_t>(infos_.size());
  std::ranges::sort(info.labels);
  info.first_row = rows_;
  by_name_[info.name].push_back(id);
  for (Query& query : queries_) {
    if (!matches(query.answer.query, info)) continue;
    query.ids.push_back(id);
    // It stood at zero in the rows before.
    if (query.seen && info.kind != MetricKind::gauge) query.answer.min = std::min(query.answer.min, 0.0);
  }
  if (std::ranges::find(far_names_, info.name) != far_names_.end()) far_ids_.push_back(id);
  infos_.push_back(std::move(info));
  if (sink_ != nullptr) sink_->series_added(id, infos_.back());
  return id;
}

bool SeriesStore::matches(const SeriesQuery& query, const SeriesInfo& info) {
  if (query.metric != info.name) return false;
  return std::ranges::all_of(query.labels, [&](const auto& wanted) {
    const std::string* value = info.label(wanted.first);
    // An absent label equals the empty text, as in PromQL.
    return value == nullptr ? wanted.second.empty() : *value == wanted.second;
  });
}

std::size_t SeriesStore::add_query(SeriesQuery query) {
  DVT_ASSERT(rows_ == 0, "a metric query must be asked before the first sample");
  Query entry;
  for (std::uint32_t id = 0; id < infos_.size(); ++id) {
    if (matches(query, infos_[id])) entry.ids.push_back(id);
  }
  entry.answer.query = std::move(query);
  queries_.push_back(std::move(entry));
  return queries_.size() - 1;
}

void SeriesStore::add_row(Instant at, std::vector<double>& values) {
  DVT_ASSERT(rows_ == 0 || at > time(rows_ - 1), "samples must be taken at increasing instants");
  DVT_ASSERT(values.size() == infos_.size(), "a row must hold every series");
  for (Query& query : queries_) update(query, at, values);
  if (sink_ != nullptr) sink_->sampled(at, values);
  if (!far_.empty()) {
    Row& far = far_[rows_ % far_.size()];
    far.at = at;
    far.values.clear();
    for (const std::uint32_t id : far_ids_) far.values.push_back(values[id]);
  }
  Row& row = ring_[rows_ % ring_.size()];
  row.at = at;
  std::swap(row.values, values);
  ++rows_;
}

void SeriesStore::update(Query& query, Instant at, std::span<const double> values) const {
  const SeriesQuery& asked = query.answer.query;
  if (at > asked.to) return;
  double total = 0;
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  bool any = false;
  for (const std::uint32_t id : query.ids) {
    if (is_absent(values[id])) continue;
    total += values[id];
    least = std::min(least, values[id]);
    greatest = std::max(greatest, values[id]);
    any = true;
  }
  const MetricEntry* entry = find_metric(asked.metric);
  const bool is_gauge = entry != nullptr && entry->kind == MetricKind::gauge;
  if (query.ids.empty() && entry != nullptr && entry->fed() && !is_gauge) {
    // A counter that nobody has touched yet stands at zero.
    least = 0;
    greatest = 0;
    any = true;
  }
  if (!any) return;
  if (at <= asked.from) {
    query.before = total;
    query.seen_before = true;
  }
  if (at < asked.from) return;
  SeriesAnswer& answer = query.answer;
  if (!query.seen) {
    answer.min = least;
    answer.max = greatest;
    // A window that opens before the first row: counters were zero, a gauge starts where it is first seen.
    if (!query.seen_before) query.before = is_gauge ? total : 0;
    query.seen = true;
  }
  answer.min = std::min(answer.min, least);
  answer.max = std::max(answer.max, greatest);
  query.sum += total;
  ++answer.samples;
  answer.mean = query.sum / static_cast<double>(answer.samples);
  answer.last = total;
  answer.increase = total - query.before;
}

std::span<const std::uint32_t> SeriesStore::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) return {};
  return it->second;
}

double SeriesStore::value(std::uint64_t row, std::uint32_t id) const {
  DVT_ASSERT(row < rows_ && row >= first_kept(id), "the row is not kept");
  if (row < first_kept()) {
    const auto column = static_cast<std::size_t>(std::ranges::find(far_ids_, id) - far_ids_.begin());
    const std::vector<double>& kept = far_[row % far_.size()].values;
    if (column < kept.size()) return kept[column];
    return infos_[id].kind == MetricKind::gauge ? kAbsent : 0.0;
  }
  const std::vector<double>& values = ring_[row % ring_.size()].values;
  if (id < values.size()) return values[id];
  return infos_[id].kind == MetricKind::gauge ? kAbsent : 0.0;
}

std::uint64_t SeriesStore::row_at_or_after(Instant t, std::uint32_t id) const {
  std::uint64_t low = first_kept(id);
  std::uint64_t high = rows_;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (time(middle) < t) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::vector<SeriesAnswer> SeriesStore::answers() const {
  std::vector<SeriesAnswer> out;
  out.reserve(queries_.size());
  for (const Query& query : queries_) out.push_back(query.answer);
  return out;
}

}  // namespace dvt::sim
