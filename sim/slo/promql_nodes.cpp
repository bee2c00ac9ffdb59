// Evaluating, with the order of operations of Prometheus 2.42, so that results agree to the bit wherever they can.
// Comparisons filter: what does not hold is left out, what holds keeps its own value.
#include "sim/slo/promql_nodes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>  // exact: isnan, isinf
#include <limits>
#include <optional>
#include <regex>
#include <span>

#include "engine/base/format.h"
#include "sim/slo/promql.h"

namespace dvt::sim::promql {

std::uint32_t LabelBook::of(LabelPairs labels) {
  const auto [it, fresh] = numbers_.try_emplace(std::move(labels), static_cast<std::uint32_t>(sets_.size()));
  if (fresh) sets_.push_back(it->first);
  return it->second;
}

std::uint32_t LabelBook::of_series(const SeriesStore& store, std::uint32_t series) {
  if (series >= by_series_.size()) by_series_.resize(store.size(), 0);
  if (by_series_[series] == 0) {
    LabelPairs labels = store.info(series).labels;
    std::erase_if(labels, [](const auto& label) { return label.second.empty(); });  // an empty label is none
    by_series_[series] = of(std::move(labels)) + 1;
  }
  return by_series_[series] - 1;
}

bool is_plain_pattern(const std::string& pattern) {
  // No (?…), back references, classes by name or lazy repeats: there the dialects differ.
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/:,=@%<>~ .|()[]*+?^$\\";
  if (pattern.find_first_not_of(kPlain) != std::string::npos) return false;
  for (const char* apart : {"(?", "[:", "*?", "+?", "??", "*+", "++", "?+", "**"})
    if (pattern.find(apart) != std::string::npos) return false;
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    if (std::string_view(".-/|()[]*+?^$\\dws").find(pattern[i + 1]) == std::string_view::npos) return false;
    ++i;
  }
  try {
    const std::regex tried(pattern);
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double in_seconds(Duration d) {
  return static_cast<double>(d.ns) / 1e9;
}

// ---- Labels ----

/// The label set that a grouping leaves of another, remembered.
class Projection {
 public:
  explicit Projection(Grouping by) : by_(std::move(by)) {}
  std::uint32_t of(std::uint32_t labels, LabelBook& book) {
    if (labels >= known_.size()) known_.resize(labels + 1, 0);
    if (known_[labels] == 0) {
      LabelPairs kept = book.labels(labels);
      std::erase_if(kept, [&](const auto& label) { return names(label.first) != by_.keep; });
      known_[labels] = book.of(std::move(kept)) + 1;
    }
    return known_[labels] - 1;
  }

 private:
  bool names(const std::string& label) const { return std::ranges::find(by_.names, label) != by_.names.end(); }
  Grouping by_;
  std::vector<std::uint32_t> known_;  // by label set: its projection + 1
};

/// Label set → place in a vector, emptied at no cost. Label sets are small numbers.
class Places {
 public:
  void clear() { ++now_; }
  const std::size_t* find(std::uint32_t labels) const {
    return labels < entries_.size() && entries_[labels].set_at == now_ ? &entries_[labels].place : nullptr;
  }
  void set(std::uint32_t labels, std::size_t place) {
    if (labels >= entries_.size()) entries_.resize(labels + 1);
    entries_[labels] = {place, now_};
  }

 private:
  struct Entry {
    std::size_t place = 0;
    std::uint64_t set_at = 0;
  };
  std::vector<Entry> entries_;
  std::uint64_t now_ = 1;
};

// ---- Leaves ----

class Number final : public Node {
 public:
  explicit Number(double value) : value_(value) {}
  void evaluate(const Moment&, LabelBook& book, std::vector<Element>& out) override {
    out.assign(1, {book.of({}), value_});
  }
  bool scalar() const override { return true; }

 private:
  double value_;
};

class Time final : public Node {
 public:
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    out.assign(1, {book.of({}), static_cast<double>(moment.start.ns + moment.at.ns) / 1e9});
  }
  bool scalar() const override { return true; }
};

/// The series that a selector chooses, by their labels, as Prometheus takes them from a block: sums depend on the
/// order. Series are only ever added, and those seen are remembered.
class Chosen {
 public:
  explicit Chosen(const Selector& selector) : selector_(selector) {
    for (const Matcher& matcher : selector_.matchers) {
      const bool pattern = matcher.kind == Matcher::Kind::like || matcher.kind == Matcher::Kind::not_like;
      patterns_.push_back(pattern ? std::optional<std::regex>(matcher.value) : std::nullopt);
    }
  }
  const std::vector<std::uint32_t>& series(const SeriesStore& store) {
    const std::span<const std::uint32_t> all = store.find(selector_.name);
    for (; looked_at_ < all.size(); ++looked_at_) {
      const std::uint32_t id = all[looked_at_];
      if (!fits(store.info(id))) continue;
      const auto place = std::ranges::upper_bound(chosen_, labels_of(store, id), {},
                                                  [&](std::uint32_t other) { return labels_of(store, other); });
      chosen_.insert(place, id);
    }
    return chosen_;
  }
  const Selector& selector() const { return selector_; }

 private:
  bool fits(const SeriesInfo& info) const {
    static const std::string kNone;  // a label that is not there is empty
    for (std::size_t i = 0; i < selector_.matchers.size(); ++i) {
      const Matcher& matcher = selector_.matchers[i];
      const std::string* found = info.label(matcher.label);
      const std::string& value = found == nullptr ? kNone : *found;
      const bool same = patterns_[i] ? std::regex_match(value, *patterns_[i]) : value == matcher.value;
      if (same != (matcher.kind == Matcher::Kind::equal || matcher.kind == Matcher::Kind::like)) return false;
    }
    return true;
  }

  static LabelPairs labels_of(const SeriesStore& store, std::uint32_t id) {
    LabelPairs labels = store.info(id).labels;
    std::erase_if(labels, [](const auto& label) { return label.second.empty(); });  // an empty label is none
    return labels;
  }

  Selector selector_;
  std::vector<std::optional<std::regex>> patterns_;  // by matcher
  std::size_t looked_at_ = 0;
  std::vector<std::uint32_t> chosen_;
};

class Instants final : public Node {
 public:
  explicit Instants(const Selector& selector) : chosen_(selector) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    out.clear();
    const Instant at = moment.at - chosen_.selector().offset;
    for (const std::uint32_t id : chosen_.series(moment.series)) {
      if (const auto value = instant(moment.series, id, at)) out.push_back({book.of_series(moment.series, id), *value});
    }
  }

 private:
  Chosen chosen_;
};

// ---- Ranges ----

/// Neumaier's sum, step by step as Prometheus takes it.
struct CarefulSum {
  double sum = 0;
  double carry = 0;
  void add(double value) {
    const double t = sum + value;
    const auto size = [](double x) { return x < 0 ? -x : x; };
    if (size(sum) >= size(value)) {
      carry += (sum - t) + value;
    } else {
      carry += (value - t) + sum;
    }
    sum = t;
  }
  double total() const { return sum + carry; }
};

struct Line {
  double slope = 0;
  double intercept = 0;
};

Line regression(std::span<const Sample> samples, Instant origin) {
  CarefulSum x_sum, y_sum, xy_sum, xx_sum;
  bool constant = true;
  for (const Sample& sample : samples) {
    if (sample.value != samples.front().value) constant = false;
    const double x = static_cast<double>((sample.at - origin).ns / 1'000'000) / 1e3;  // by milliseconds
    x_sum.add(x);
    y_sum.add(sample.value);
    xy_sum.add(x * sample.value);
    xx_sum.add(x * x);
  }
  const double first = samples.front().value;
  if (constant) return std::isinf(first) ? Line{kNan, kNan} : Line{0, first};
  const auto n = static_cast<double>(samples.size());
  const double x = x_sum.total();
  const double y = y_sum.total();
  const double slope = (xy_sum.total() - x * y / n) / (xx_sum.total() - x * x / n);
  return {slope, y / n - slope * x / n};
}

double average(std::span<const Sample> samples) {
  CarefulSum mean;
  double count = 0;
  for (const Sample& sample : samples) {
    count += 1;
    if (std::isinf(mean.sum)) {
      if (std::isinf(sample.value) && (mean.sum > 0) == (sample.value > 0)) continue;
      if (!std::isinf(sample.value) && !std::isnan(sample.value)) continue;
    }
    mean.add(sample.value / count - mean.sum / count);
  }
  return std::isinf(mean.sum) ? mean.sum : mean.total();
}

/// Rounded down; what is too large to have a fraction stays.
double rounded_down(double value) {
  constexpr double kWhole = 4'503'599'627'370'496.0;  // 2^52
  if (!(value > -kWhole && value < kWhole)) return value;
  const auto whole = static_cast<double>(static_cast<std::int64_t>(value));
  return whole > value ? whole - 1 : whole;
}

double quantile_of(double q, std::span<const Sample> samples) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.value);
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, rounded_down(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - rounded_down(rank);
  return values[static_cast<std::size_t>(lower)] * (1 - weight) + values[static_cast<std::size_t>(upper)] * weight;
}

class RangeNode final : public Node {
 public:
  RangeNode(RangeFunction function, const Selector& selector, NodePtr parameter)
      : function_(function), chosen_(selector), parameter_(std::move(parameter)) {}

  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    out.clear();
    if (parameter_) {
      parameter_->evaluate(moment, book, parameter_value_);
      number_ = parameter_value_.front().value;
    }
    const SeriesStore& store = moment.series;
    const Instant at = moment.at - chosen_.selector().offset;
    const std::vector<std::uint32_t>& ids = chosen_.series(store);
    windows_.resize(store.size());
    const bool counter = function_ == RangeFunction::increase || function_ == RangeFunction::rate;
    if (ids.empty()) return;
    // They have one name, and are kept equally long.
    const Rows rows{store.row_at_or_after(at - chosen_.selector().range, ids.front()),
                    store.row_at_or_after(Instant{at.ns + 1}, ids.front())};
    for (const std::uint32_t id : ids) {
      // A counter is there in every row, so its window is known by its ends, as long as nothing falls in it.
      const bool by_ends = counter && store.info(id).kind != MetricKind::gauge;
      const auto value = by_ends && slide(store, id, rows, windows_[id]) == 0 ? of_ends(store, id, rows, at)
                                                                              : of_samples(store, id, at);
      if (value) out.push_back({book.of_series(store, id), *value});
    }
  }

 private:
  struct Rows {
    std::uint64_t from = 0;
    std::uint64_t to = 0;  // one past the last
  };
  struct Window {
    Rows rows;
    std::uint64_t falls = 0;  // from one row of the window to the next
  };

  /// Moves a window on to `rows` and counts the falls in it: rows that entered and left are looked at, once.
  static std::uint64_t slide(const SeriesStore& store, std::uint32_t id, const Rows& rows, Window& window) {
    const auto falls = [&](std::uint64_t row) { return store.value(row, id) < store.value(row - 1, id) ? 1U : 0U; };
    Rows& now = window.rows;
    const bool on = now.to > now.from && now.from >= store.first_kept(id) && rows.from >= now.from &&
                    rows.from < now.to && rows.to >= now.to;
    if (!on) {
      now = {rows.from, std::min(rows.from + 1, rows.to)};
      window.falls = 0;
    }
    while (now.from < rows.from) {
      if (now.from + 1 < now.to) window.falls -= falls(now.from + 1);
      ++now.from;
    }
    for (; now.to < rows.to; ++now.to) window.falls += falls(now.to);
    return window.falls;
  }

  std::optional<double> of_ends(const SeriesStore& store, std::uint32_t id, const Rows& rows, Instant at) const {
    if (rows.to < rows.from + 2) return std::nullopt;
    const WindowEnds ends{{store.time(rows.from), store.value(rows.from, id)},
                          {store.time(rows.to - 1), store.value(rows.to - 1, id)},
                          rows.to - rows.from,
                          0};
    return function_ == RangeFunction::rate ? extrapolated_rate(ends, at, chosen_.selector().range)
                                            : extrapolated_increase(ends, at, chosen_.selector().range);
  }

  std::optional<double> of_samples(const SeriesStore& store, std::uint32_t id, Instant at) {
    const Duration range = chosen_.selector().range;
    promql::range(store, id, at, range, RangeStart::included, samples_);
    const std::size_t n = samples_.size();
    switch (function_) {
      case RangeFunction::increase:
        return extrapolated_increase(samples_, at, range);
      case RangeFunction::rate:
        return extrapolated_rate(samples_, at, range);
      case RangeFunction::delta:
        return extrapolated_delta(samples_, at, range);
      case RangeFunction::irate:
      case RangeFunction::idelta:
        if (n < 2) return std::nullopt;
        return of_last_two();
      case RangeFunction::deriv:
        if (n < 2) return std::nullopt;
        return regression(samples_, samples_.front().at).slope;
      case RangeFunction::predict_linear: {
        if (n < 2) return std::nullopt;
        const Line line = regression(samples_, at + chosen_.selector().offset);
        return line.slope * number_ + line.intercept;
      }
      default:
        if (n == 0) return std::nullopt;
        return over_time();
    }
  }

  double of_last_two() const {
    const Sample& last = samples_[samples_.size() - 1];
    const Sample& before = samples_[samples_.size() - 2];
    if (function_ == RangeFunction::idelta) return last.value - before.value;
    const double increase = last.value < before.value ? last.value : last.value - before.value;
    return increase / in_seconds(last.at - before.at);
  }

  double over_time() const {
    switch (function_) {
      case RangeFunction::avg:
        return average(samples_);
      case RangeFunction::sum: {
        CarefulSum sum;
        for (const Sample& sample : samples_) sum.add(sample.value);
        return std::isinf(sum.sum) ? sum.sum : sum.total();
      }
      case RangeFunction::count:
        return static_cast<double>(samples_.size());
      case RangeFunction::last:
        return samples_.back().value;
      case RangeFunction::present:
        return 1;
      case RangeFunction::quantile:
        return quantile_of(number_, samples_);
      case RangeFunction::min:
        return std::ranges::min_element(samples_, {}, &Sample::value)->value;
      case RangeFunction::max:
        return std::ranges::max_element(samples_, {}, &Sample::value)->value;
      default:
        break;
    }
    double changes = 0;
    for (std::size_t i = 1; i < samples_.size(); ++i) {
      const double now = samples_[i].value;
      const double before = samples_[i - 1].value;
      if (function_ == RangeFunction::resets ? now < before : now != before) changes += 1;
    }
    return changes;
  }

  RangeFunction function_;
  Chosen chosen_;
  NodePtr parameter_;
  double number_ = 0;
  std::vector<Element> parameter_value_;
  std::vector<Window> windows_;  // by series
  std::vector<Sample> samples_;
};

// ---- Functions of a vector ----

class Absent final : public Node {
 public:
  Absent(NodePtr of, LabelPairs labels) : of_(std::move(of)), labels_(std::move(labels)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    of_->evaluate(moment, book, values_);
    out.clear();
    if (values_.empty()) out.push_back({book.of(labels_), 1});
  }

 private:
  NodePtr of_;
  LabelPairs labels_;
  std::vector<Element> values_;
};

class Mapped final : public Node {
 public:
  Mapped(Mapping how, NodePtr of, NodePtr first, NodePtr second)
      : how_(how), of_(std::move(of)), first_(std::move(first)), second_(std::move(second)) {}
  bool scalar() const override { return of_->scalar(); }
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    const double first = parameter(first_, moment, book);
    const double second = parameter(second_, moment, book);
    of_->evaluate(moment, book, out);
    if (how_ == Mapping::clamp && first > second) out.clear();
    for (Element& element : out) element.value = of(element.value, first, second);
  }

 private:
  double parameter(const NodePtr& node, const Moment& moment, LabelBook& book) {
    if (!node) return 0;
    node->evaluate(moment, book, values_);
    return values_.front().value;
  }
  double of(double value, double first, double second) const {
    const auto at_least = [](double v, double low) {
      return std::isnan(v) || std::isnan(low) ? kNan : std::max(v, low);
    };
    const auto at_most = [](double v, double top) {
      return std::isnan(v) || std::isnan(top) ? kNan : std::min(v, top);
    };
    switch (how_) {
      case Mapping::absolute:
        return value < 0 ? -value : value;
      case Mapping::ceiling:
        return -rounded_down(-value);
      case Mapping::floor:
        return rounded_down(value);
      case Mapping::sign:
        return value < 0 ? -1 : value > 0 ? 1 : value;
      case Mapping::negate:
        return -value;
      case Mapping::round: {
        const double inverse = 1.0 / (first_ ? first : 1.0);
        return rounded_down(value * inverse + 0.5) / inverse;
      }
      case Mapping::clamp:
        return at_least(at_most(value, second), first);
      case Mapping::clamp_min:
        return at_least(value, first);
      case Mapping::clamp_max:
        return at_most(value, first);
    }
    return value;
  }

  Mapping how_;
  NodePtr of_;
  NodePtr first_;
  NodePtr second_;
  std::vector<Element> values_;
};

class Scalar final : public Node {
 public:
  explicit Scalar(NodePtr of) : of_(std::move(of)) {}
  bool scalar() const override { return true; }
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    of_->evaluate(moment, book, out);
    const double value = out.size() == 1 ? out.front().value : kNan;
    out.assign(1, {book.of({}), value});
  }

 private:
  NodePtr of_;
};

class Vector final : public Node {
 public:
  explicit Vector(NodePtr of) : of_(std::move(of)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    of_->evaluate(moment, book, out);
  }

 private:
  NodePtr of_;
};

// ---- Aggregation ----

class Aggregation final : public Node {
 public:
  Aggregation(Aggregate how, Grouping by, NodePtr of) : how_(how), groups_(std::move(by)), of_(std::move(of)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    of_->evaluate(moment, book, values_);
    out.clear();
    counts_.clear();
    places_.clear();
    for (const Element& value : values_) {
      const std::uint32_t labels = groups_.of(value.labels, book);
      const std::size_t* place = places_.find(labels);
      if (place == nullptr) {
        places_.set(labels, out.size());
        out.push_back({labels, value.value});
        counts_.push_back(1);
        continue;
      }
      counts_[*place] += 1;
      join(out[*place].value, value.value, counts_[*place]);
    }
    if (how_ != Aggregate::count) return;
    for (std::size_t i = 0; i < out.size(); ++i) out[i].value = counts_[i];
  }

 private:
  void join(double& sum, double value, double count) const {
    switch (how_) {
      case Aggregate::sum:
        sum += value;
        break;
      case Aggregate::avg:
        if (std::isinf(sum)) {
          if (std::isinf(value) && (sum > 0) == (value > 0)) break;
          if (!std::isinf(value) && !std::isnan(value)) break;
        }
        sum += value / count - sum / count;
        break;
      case Aggregate::min:
        if (value < sum || std::isnan(sum)) sum = value;
        break;
      case Aggregate::max:
        if (value > sum || std::isnan(sum)) sum = value;
        break;
      case Aggregate::count:
        break;
    }
  }

  Aggregate how_;
  Projection groups_;
  NodePtr of_;
  Places places_;
  std::vector<Element> values_;
  std::vector<double> counts_;
};

// ---- histogram_quantile ----

struct Bucket {
  double bound = 0;
  double count = 0;
};

// As Prometheus 2.42 does it: linear within a bucket, the last finite bound when the rank lies above it, counts that
// fall back are lifted (extrapolation makes them a little uneven).
double bucket_quantile(double q, std::vector<Bucket>& buckets) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  std::ranges::sort(buckets, {}, &Bucket::bound);
  if (buckets.empty() || !std::isinf(buckets.back().bound)) return kNan;
  std::size_t kept = 0;  // equal bounds are one bucket
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].bound == buckets[kept].bound) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  buckets.resize(kept + 1);
  for (std::size_t i = 1; i < buckets.size(); ++i) buckets[i].count = std::max(buckets[i].count, buckets[i - 1].count);
  const double observations = buckets.back().count;
  if (buckets.size() < 2 || observations == 0 || std::isnan(observations)) return kNan;
  double rank = q * observations;
  std::size_t b = 0;
  while (b + 1 < buckets.size() && !(buckets[b].count >= rank)) ++b;
  if (b + 1 == buckets.size()) return buckets[b - 1].bound;
  if (b == 0 && buckets[0].bound <= 0) return buckets[0].bound;
  double from = 0;
  double count = buckets[b].count;
  if (b > 0) {
    from = buckets[b - 1].bound;
    count -= buckets[b - 1].count;
    rank -= buckets[b - 1].count;
  }
  return from + (buckets[b].bound - from) * (rank / count);
}

class HistogramQuantile final : public Node {
 public:
  HistogramQuantile(NodePtr quantile, NodePtr of) : quantile_(std::move(quantile)), of_(std::move(of)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    quantile_->evaluate(moment, book, q_);
    of_->evaluate(moment, book, values_);
    out.clear();
    std::vector<std::vector<Bucket>> histograms;
    for (const Element& value : values_) {
      const Place& place = place_of(value.labels, book);
      if (!place.bucket) continue;  // no le, or one that is no number: not a bucket
      auto group = std::ranges::find(out, place.labels, &Element::labels);
      if (group == out.end()) {
        out.push_back({place.labels, 0});
        histograms.emplace_back();
        group = out.end() - 1;
      }
      histograms[static_cast<std::size_t>(group - out.begin())].push_back({place.bound, value.value});
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i].value = bucket_quantile(q_.front().value, histograms[i]);
  }

 private:
  struct Place {
    bool known = false;
    bool bucket = false;
    double bound = 0;
    std::uint32_t labels = 0;
  };
  const Place& place_of(std::uint32_t labels, LabelBook& book) {
    if (labels >= places_.size()) places_.resize(labels + 1);
    Place& place = places_[labels];
    if (place.known) return place;
    place.known = true;
    LabelPairs rest = book.labels(labels);
    const auto le = std::ranges::find(rest, "le", &std::pair<std::string, std::string>::first);
    if (le == rest.end()) return place;
    if (le->second == "+Inf") {
      place.bound = std::numeric_limits<double>::infinity();
      place.bucket = true;
    } else {
      const char* end = le->second.data() + le->second.size();
      const auto read = std::from_chars(le->second.data(), end, place.bound);
      place.bucket = read.ec == std::errc{} && read.ptr == end;
    }
    rest.erase(le);
    place.labels = book.of(std::move(rest));
    return place;
  }

  NodePtr quantile_;
  NodePtr of_;
  std::vector<Element> q_;
  std::vector<Element> values_;
  std::vector<Place> places_;  // by label set
};

// ---- Operators ----

double arithmetic(Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return a + b;
    case Operator::sub:
      return a - b;
    case Operator::mul:
      return a * b;
    default:
      return a / b;
  }
}

bool compares(Operator op, double a, double b) {
  switch (op) {
    case Operator::eq:
      return a == b;
    case Operator::ne:
      return a != b;
    case Operator::gt:
      return a > b;
    case Operator::lt:
      return a < b;
    case Operator::ge:
      return a >= b;
    default:
      return a <= b;
  }
}

class Binary final : public Node {
 public:
  Binary(Operator op, const Matching& matching, NodePtr left, NodePtr right)
      : op_(op), matching_(matching), signature_(matching.by), left_(std::move(left)), right_(std::move(right)) {}
  bool scalar() const override { return left_->scalar() && right_->scalar(); }

  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    left_->evaluate(moment, book, a_);
    right_->evaluate(moment, book, b_);
    out.clear();
    if (is_set(op_)) {
      set_operation(book, out);
    } else if (right_->scalar()) {
      for (const Element& a : a_) keep(result_of(a.value, b_.front().value, a.value), a.labels, out);
    } else if (left_->scalar()) {
      for (const Element& b : b_) keep(result_of(a_.front().value, b.value, b.value), b.labels, out);
    } else {
      paired(book, out);
    }
  }

 private:
  static void keep(std::optional<double> value, std::uint32_t labels, std::vector<Element>& out) {
    if (value) out.push_back({labels, *value});
  }
  /// `kept`: what a comparison that holds leaves.
  std::optional<double> result_of(double a, double b, double kept) const {
    if (!is_comparison(op_)) return arithmetic(op_, a, b);
    if (matching_.as_bool) return compares(op_, a, b) ? 1 : 0;
    return compares(op_, a, b) ? std::optional(kept) : std::nullopt;
  }

  void set_operation(LabelBook& book, std::vector<Element>& out) {
    const bool all_of_left = op_ == Operator::or_;
    std::vector<Element>& looked_up = all_of_left ? a_ : b_;
    places_.clear();
    for (std::size_t i = 0; i < looked_up.size(); ++i) places_.set(signature_.of(looked_up[i].labels, book), i);
    for (const Element& a : a_) {
      if (all_of_left || (places_.find(signature_.of(a.labels, book)) != nullptr) == (op_ == Operator::and_))
        out.push_back(a);
    }
    if (!all_of_left) return;
    for (const Element& b : b_)
      if (places_.find(signature_.of(b.labels, book)) == nullptr) out.push_back(b);
  }

  void paired(LabelBook& book, std::vector<Element>& out) {
    if (a_.empty() || b_.empty()) return;
    const bool many_right = matching_.many == Matching::Many::right;
    const std::vector<Element>& many = many_right ? b_ : a_;
    const std::vector<Element>& one = many_right ? a_ : b_;
    places_.clear();
    for (std::size_t i = 0; i < one.size(); ++i) {
      const std::uint32_t signature = signature_.of(one[i].labels, book);
      if (places_.find(signature) != nullptr)
        throw Error(fmt::format("found duplicate series for the match group {} on the {} hand-side of the operation",
                                label_text(book.labels(signature)), many_right ? "left" : "right"));
      places_.set(signature, i);
    }
    used_.clear();
    for (const Element& element : many) {
      const std::uint32_t signature = signature_.of(element.labels, book);
      const std::size_t* place = places_.find(signature);
      if (place == nullptr) continue;
      const Element& other = one[*place];
      const Element& a = many_right ? other : element;
      const Element& b = many_right ? element : other;
      const auto value = result_of(a.value, b.value, a.value);
      if (!value) continue;
      const bool one_to_one = matching_.many == Matching::Many::none;
      const std::uint32_t labels = one_to_one ? signature : with_included(element.labels, other.labels, book);
      if (used_.find(labels) != nullptr)
        throw Error(one_to_one ? "multiple matches for labels: many-to-one matching must be explicit "
                                 "(group_left/group_right)"
                               : "multiple matches for labels: grouping labels must ensure unique matches");
      used_.set(labels, out.size());
      out.push_back({labels, *value});
    }
  }

  std::uint32_t with_included(std::uint32_t labels, std::uint32_t from, LabelBook& book) const {
    if (matching_.include.empty()) return labels;
    LabelPairs out = book.labels(labels);
    for (const std::string& name : matching_.include) {
      std::erase_if(out, [&](const auto& label) { return label.first == name; });
      for (const auto& label : book.labels(from))
        if (label.first == name) out.push_back(label);
    }
    std::ranges::sort(out);
    return book.of(std::move(out));
  }

  Operator op_;
  Matching matching_;
  Projection signature_;
  NodePtr left_;
  NodePtr right_;
  Places places_;
  Places used_;
  std::vector<Element> a_;
  std::vector<Element> b_;
};

}  // namespace

// ---- Making ----

NodePtr make_number(double value) {
  return std::make_unique<Number>(value);
}
NodePtr make_time() {
  return std::make_unique<Time>();
}
NodePtr make_instants(Selector selector) {
  return std::make_unique<Instants>(selector);
}
NodePtr make_range_function(RangeFunction function, Selector selector, NodePtr parameter) {
  return std::make_unique<RangeNode>(function, selector, std::move(parameter));
}
NodePtr make_absent(Selector selector) {
  // A label that two matchers name, or one that is no equality, says nothing of what is absent.
  LabelPairs labels;
  for (const Matcher& matcher : selector.matchers) {
    const auto same = [&](const Matcher& other) { return other.label == matcher.label; };
    if (matcher.kind == Matcher::Kind::equal && !matcher.value.empty() &&
        std::ranges::count_if(selector.matchers, same) == 1)
      labels.emplace_back(matcher.label, matcher.value);
  }
  std::ranges::sort(labels);
  NodePtr of = selector.range == Duration{} ? make_instants(selector)
                                            : make_range_function(RangeFunction::present, selector, nullptr);
  return std::make_unique<Absent>(std::move(of), std::move(labels));
}
NodePtr make_absent(NodePtr of) {
  return std::make_unique<Absent>(std::move(of), LabelPairs{});
}
NodePtr make_mapping(Mapping how, NodePtr of, NodePtr first, NodePtr second) {
  return std::make_unique<Mapped>(how, std::move(of), std::move(first), std::move(second));
}
NodePtr make_scalar(NodePtr of) {
  return std::make_unique<Scalar>(std::move(of));
}
NodePtr make_vector(NodePtr of) {
  return std::make_unique<Vector>(std::move(of));
}
NodePtr make_aggregation(Aggregate how, Grouping by, NodePtr of) {
  return std::make_unique<Aggregation>(how, std::move(by), std::move(of));
}
NodePtr make_histogram_quantile(NodePtr quantile, NodePtr of) {
  return std::make_unique<HistogramQuantile>(std::move(quantile), std::move(of));
}
NodePtr make_binary(Operator op, Matching matching, NodePtr left, NodePtr right) {
  return std::make_unique<Binary>(op, matching, std::move(left), std::move(right));
}

}  // namespace dvt::sim::promql
