// Reading and evaluating. Precedence as in Prometheus: or, then and and unless, then comparisons, then + and -, then *
// and /. Comparisons filter: what does not hold is left out, what holds keeps its own value.
#include "sim/slo/promql_expr.h"

#include "engine/base/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>  // exact: isnan, isinf
#include <limits>
#include <map>
#include <optional>

#include "sim/slo/promql.h"

namespace dvt::sim::promql {

std::uint32_t LabelBook::of(LabelPairs labels) {
  const auto [it, fresh] = numbers_.try_emplace(std::move(labels), static_cast<std::uint32_t>(sets_.size()));
  if (fresh) sets_.push_back(it->first);
  return it->second;
}

std::uint32_t LabelBook::of_series(const SeriesStore& store, std::uint32_t series) {
  if (series >= by_series_.size()) by_series_.resize(store.size(), 0);
  if (by_series_[series] == 0) by_series_[series] = of(store.info(series).labels) + 1;
  return by_series_[series] - 1;
}

/// Everything is a vector; `scalar()` says that it has one element without labels, for how operators pair it.
class Node {
 public:
  virtual ~Node() = default;
  virtual void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) = 0;
  virtual bool scalar() const { return false; }
};

namespace {

using NodePtr = std::unique_ptr<Node>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

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

struct Matcher {
  std::string label;
  std::string value;
  bool equal = true;
};

struct Selector {
  std::string name;
  std::vector<Matcher> matchers;
  Duration range;  // zero: an instant selector

  /// Ids of the series it selects. Series are only ever added, and those seen are remembered.
  const std::vector<std::uint32_t>& series(const SeriesStore& store) {
    const std::span<const std::uint32_t> all = store.find(name);
    for (; looked_at < all.size(); ++looked_at) {
      const SeriesInfo& info = store.info(all[looked_at]);
      const bool fits = std::ranges::all_of(matchers, [&](const Matcher& matcher) {
        const std::string* value = info.label(matcher.label);
        return (value == nullptr ? matcher.value.empty() : *value == matcher.value) == matcher.equal;
      });
      if (fits) chosen.push_back(all[looked_at]);
    }
    return chosen;
  }

 private:
  std::size_t looked_at = 0;
  std::vector<std::uint32_t> chosen;
};

class Instants final : public Node {
 public:
  explicit Instants(Selector selector) : selector_(std::move(selector)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    out.clear();
    for (const std::uint32_t id : selector_.series(moment.series)) {
      if (const auto value = instant(moment.series, id, moment.at))
        out.push_back({book.of_series(moment.series, id), *value});
    }
  }

 private:
  Selector selector_;
};

class Increase final : public Node {
 public:
  Increase(Selector selector, bool per_second) : selector_(std::move(selector)), per_second_(per_second) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    out.clear();
    for (const std::uint32_t id : selector_.series(moment.series)) {
      range(moment.series, id, moment.at, selector_.range, RangeStart::included, samples_);
      const auto value = per_second_ ? extrapolated_rate(samples_, moment.at, selector_.range)
                                     : extrapolated_increase(samples_, moment.at, selector_.range);
      if (value) out.push_back({book.of_series(moment.series, id), *value});
    }
  }

 private:
  Selector selector_;
  bool per_second_;
  std::vector<Sample> samples_;
};

// ---- Aggregation ----

enum class Aggregate : std::uint8_t { sum, min, max, avg, count };

class Aggregation final : public Node {
 public:
  Aggregation(Aggregate how, std::vector<std::string> by, NodePtr of)
      : how_(how), by_(std::move(by)), of_(std::move(of)) {}
  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    of_->evaluate(moment, book, values_);
    out.clear();
    counts_.clear();
    for (const Element& value : values_) {
      const std::uint32_t labels = group_of(value.labels, book);
      const auto group = std::ranges::find(out, labels, &Element::labels);
      if (group == out.end()) {
        out.push_back({labels, value.value});
        counts_.push_back(1);
        continue;
      }
      double& sum = group->value;
      counts_[static_cast<std::size_t>(group - out.begin())] += 1;
      switch (how_) {
        case Aggregate::sum:
        case Aggregate::avg:
          sum += value.value;
          break;
        case Aggregate::min:
          if (value.value < sum || std::isnan(sum)) sum = value.value;
          break;
        case Aggregate::max:
          if (value.value > sum || std::isnan(sum)) sum = value.value;
          break;
        case Aggregate::count:
          break;
      }
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (how_ == Aggregate::avg) out[i].value /= counts_[i];
      if (how_ == Aggregate::count) out[i].value = counts_[i];
    }
  }

 private:
  std::uint32_t group_of(std::uint32_t labels, LabelBook& book) {
    if (labels >= groups_.size()) groups_.resize(labels + 1, 0);
    if (groups_[labels] == 0) {
      LabelPairs kept = book.labels(labels);
      std::erase_if(kept, [&](const auto& label) { return std::ranges::find(by_, label.first) == by_.end(); });
      groups_[labels] = book.of(std::move(kept)) + 1;
    }
    return groups_[labels] - 1;
  }

  Aggregate how_;
  std::vector<std::string> by_;
  NodePtr of_;
  std::vector<std::uint32_t> groups_;  // by label set: its group's + 1
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

enum class Operator : std::uint8_t { or_, and_, unless, eq, ne, gt, lt, ge, le, add, sub, mul, div };

constexpr bool is_comparison(Operator op) {
  return op >= Operator::eq && op <= Operator::le;
}

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
  Binary(Operator op, NodePtr left, NodePtr right) : op_(op), left_(std::move(left)), right_(std::move(right)) {}
  bool scalar() const override { return left_->scalar() && right_->scalar(); }

  void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) override {
    left_->evaluate(moment, book, a_);
    right_->evaluate(moment, book, b_);
    out.clear();
    if (op_ == Operator::or_ || op_ == Operator::and_ || op_ == Operator::unless) {
      for (const Element& a : a_)
        if (op_ == Operator::or_ || (find(b_, a.labels) != nullptr) == (op_ == Operator::and_)) out.push_back(a);
      if (op_ != Operator::or_) return;
      for (const Element& b : b_)
        if (find(a_, b.labels) == nullptr) out.push_back(b);
      return;
    }
    if (right_->scalar()) {
      for (const Element& a : a_) combine(a.value, b_.front().value, a, out);
    } else if (left_->scalar()) {
      for (const Element& b : b_) combine(a_.front().value, b.value, b, out);
    } else {
      for (const Element& a : a_)
        if (const Element* b = find(b_, a.labels)) combine(a.value, b->value, a, out);
    }
  }

 private:
  static const Element* find(const std::vector<Element>& in, std::uint32_t labels) {
    const auto found = std::ranges::find(in, labels, &Element::labels);
    return found == in.end() ? nullptr : &*found;
  }
  // `kept` is the vector's side: whose labels, and under a comparison whose value, stay.
  void combine(double a, double b, const Element& kept, std::vector<Element>& out) const {
    if (!is_comparison(op_)) {
      out.push_back({kept.labels, arithmetic(op_, a, b)});
    } else if (compares(op_, a, b)) {
      out.push_back(kept);
    }
  }

  Operator op_;
  NodePtr left_;
  NodePtr right_;
  std::vector<Element> a_;
  std::vector<Element> b_;
};

// ---- Reading ----

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  NodePtr read() {
    NodePtr root = operation(0);
    skip_space();
    if (at_ < text_.size()) refuse("an operator or the end");
    return root;
  }
  Duration window() const { return window_; }
  std::vector<std::string> metrics() {
    std::ranges::sort(metrics_);
    const auto again = std::ranges::unique(metrics_);
    metrics_.erase(again.begin(), again.end());
    return metrics_;
  }

 private:
  static constexpr int kDeepest = 64;

  [[noreturn]] void refuse(std::string_view expected) const {
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    throw Error(fmt::format("column {}: expected {}, found {}", at_ + 1, expected,
                            rest.empty() ? "the end" : fmt::format("'{}'", rest.substr(0, 20))));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) refuse(fmt::format("'{}'", token));
  }
  static bool is_word(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
  }
  std::string_view peek_word() {
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end], end == at_)) ++end;
    return text_.substr(at_, end - at_);
  }
  std::string word(std::string_view what) {
    const std::string_view found = peek_word();
    if (found.empty()) refuse(what);
    at_ += found.size();
    return std::string(found);
  }

  struct Level {
    std::string_view token;
    Operator op;
    int level;
  };
  std::optional<Level> next_operator() {
    static constexpr std::array kLevels{
        Level{"or", Operator::or_, 0}, Level{"and", Operator::and_, 1}, Level{"unless", Operator::unless, 1},
        Level{"==", Operator::eq, 2},  Level{"!=", Operator::ne, 2},    Level{">=", Operator::ge, 2},
        Level{"<=", Operator::le, 2},  Level{">", Operator::gt, 2},     Level{"<", Operator::lt, 2},
        Level{"+", Operator::add, 3},  Level{"-", Operator::sub, 3},    Level{"*", Operator::mul, 4},
        Level{"/", Operator::div, 4},
    };
    const std::string_view found = peek_word();
    for (const Level& level : kLevels) {
      const bool named = is_word(level.token.front(), true);
      if (named ? found == level.token : text_.substr(at_).starts_with(level.token)) return level;
    }
    return std::nullopt;
  }

  NodePtr operation(int lowest) {
    if (++depth_ > kDeepest) refuse("fewer nested expressions");
    NodePtr left = operand();
    for (;;) {
      const std::optional<Level> next = next_operator();
      if (!next || next->level < lowest) break;
      at_ += next->token.size();
      for (const char* modifier : {"bool", "on", "ignoring", "group_left", "group_right"})
        if (peek_word() == modifier) refuse(fmt::format("an operand; the modifier '{}' is not supported", modifier));
      NodePtr right = operation(next->level + 1);
      if (next->level < 2 && (left->scalar() || right->scalar())) refuse("two vectors around and, or, unless");
      if (next->level == 2 && left->scalar() && right->scalar()) refuse("a vector in a comparison");
      left = std::make_unique<Binary>(next->op, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  NodePtr operand() {
    if (take("(")) {
      NodePtr inside = operation(0);
      expect(")");
      return inside;
    }
    skip_space();
    if (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '.' || text_[at_] == '-'))
      return number();
    const std::string name = word("a number, a metric, a function or '('");
    if (name == "time") {
      expect("(");
      expect(")");
      return std::make_unique<Time>();
    }
    if (name == "increase" || name == "rate") {
      expect("(");
      Selector selector = this->selector(word("a metric"));
      if (selector.range == Duration{}) refuse("a range such as [5m]");
      expect(")");
      return std::make_unique<Increase>(std::move(selector), name == "rate");
    }
    if (name == "histogram_quantile") {
      expect("(");
      NodePtr quantile = operation(0);
      if (!quantile->scalar()) refuse("a number as the quantile");
      expect(",");
      NodePtr of = operation(0);
      expect(")");
      return std::make_unique<HistogramQuantile>(std::move(quantile), std::move(of));
    }
    static constexpr std::array<std::string_view, 5> kAggregates{"sum", "min", "max", "avg", "count"};
    const auto aggregate = std::ranges::find(kAggregates, name);
    if (aggregate != kAggregates.end()) return aggregation(static_cast<Aggregate>(aggregate - kAggregates.begin()));
    skip_space();
    if (at_ < text_.size() && text_[at_] == '(') {
      at_ -= name.size();
      refuse(
          "increase, rate, histogram_quantile, time, sum, min, max, avg or count (other functions are not supported)");
    }
    Selector selector = this->selector(name);
    if (selector.range != Duration{}) refuse("increase or rate around a range");
    return std::make_unique<Instants>(std::move(selector));
  }

  NodePtr aggregation(Aggregate how) {
    std::vector<std::string> by = grouping();
    expect("(");
    NodePtr of = operation(0);
    expect(")");
    if (by.empty()) by = grouping();
    return std::make_unique<Aggregation>(how, std::move(by), std::move(of));
  }

  std::vector<std::string> grouping() {
    std::vector<std::string> by;
    if (peek_word() == "without") refuse("by (without is not supported)");
    if (peek_word() != "by") return by;
    at_ += 2;
    expect("(");
    while (!take(")")) {
      by.push_back(word("a label"));
      if (!take(",")) {
        expect(")");
        break;
      }
    }
    return by;
  }

  NodePtr number() {
    const char* from = text_.data() + at_;
    double value = 0;
    const auto read = std::from_chars(from, text_.data() + text_.size(), value);
    if (read.ec != std::errc{}) refuse("a number");
    at_ += static_cast<std::size_t>(read.ptr - from);
    return std::make_unique<Number>(value);
  }

  Selector selector(std::string name) {
    Selector out;
    out.name = std::move(name);
    metrics_.push_back(out.name);
    if (take("{")) {
      while (!take("}")) {
        Matcher matcher;
        matcher.label = word("a label");
        if (take("=~") || take("!~")) refuse("= or != (regular expressions are not supported)");
        if (take("!=")) {
          matcher.equal = false;
        } else {
          expect("=");
        }
        matcher.value = quoted();
        out.matchers.push_back(std::move(matcher));
        if (!take(",")) {
          expect("}");
          break;
        }
      }
    }
    if (take("[")) {
      out.range = range();
      if (take(":")) refuse("']' (subqueries are not supported)");
      expect("]");
      window_ = std::max(window_, out.range);
    }
    if (peek_word() == "offset" || (at_ < text_.size() && text_[at_] == '@')) refuse("no offset and no @");
    return out;
  }

  std::string quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) refuse("a text in quotes");
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) out += text_[at_++];
    }
    if (at_ >= text_.size()) refuse("the closing quote");
    ++at_;
    return out;
  }

  Duration range() {
    struct Scale {
      std::string_view unit;
      Duration length;
    };
    static constexpr std::array kScales{Scale{"ms", milliseconds(1)}, Scale{"s", seconds(1)}, Scale{"m", minutes(1)},
                                        Scale{"h", hours(1)},         Scale{"d", hours(24)},  Scale{"w", hours(7 * 24)},
                                        Scale{"y", hours(365 * 24)}};
    skip_space();
    Duration total;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      std::int64_t count = 0;
      const char* from = text_.data() + at_;
      const auto read = std::from_chars(from, text_.data() + text_.size(), count);
      if (read.ec != std::errc{} || count > 100'000'000) refuse("a shorter range");
      at_ += static_cast<std::size_t>(read.ptr - from);
      const auto unit =
          std::ranges::find_if(kScales, [&](const Scale& scale) { return text_.substr(at_).starts_with(scale.unit); });
      if (unit == kScales.end()) refuse("a unit: ms s m h d w y");
      if (count > (INT64_MAX / 2) / unit->length.ns) refuse("a shorter range");
      at_ += unit->unit.size();
      total += unit->length * count;
    }
    if (total == Duration{}) refuse("a range such as 5m");
    return total;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Duration window_;
  std::vector<std::string> metrics_;
};

}  // namespace

Expression::Expression(std::string_view text) : book_(std::make_unique<LabelBook>()) {
  Reader reader(text);
  root_ = reader.read();
  window_ = reader.window();
  metrics_ = reader.metrics();
}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;

void Expression::evaluate(const Moment& moment, std::vector<Element>& out) {
  root_->evaluate(moment, *book_, out);
}

std::string Expression::label_text(const Element& element) const {
  return promql::label_text(book_->labels(element.labels));
}

}  // namespace dvt::sim::promql
