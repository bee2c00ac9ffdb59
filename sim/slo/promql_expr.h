// PromQL expressions of alert rules, read once and evaluated at points of the sampling grid over the sampled series, as
// Prometheus 2.42 evaluates them. A shape, not the language: selectors with = != =~ !~ and offset; rate, increase,
// delta, their instant forms, deriv, predict_linear and …_over_time of a range; histogram_quantile; sum min max avg
// count with by and without; absent, scalar, vector, time(), abs ceil floor round clamp; arithmetic and comparisons
// (also bool) with on, ignoring, group_left, group_right; and or unless. What lies outside (subqueries, @, ^ and %,
// topk, label_replace …) is refused by name when the text is read, never guessed at.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/measure/series.h"

namespace dvt::sim::promql {

/// Label sets as numbers, so that evaluating again and again copies no strings. Numbers are given in order of use.
class LabelBook {
 public:
  std::uint32_t of(LabelPairs labels);
  /// The labels of a series, without its name.
  std::uint32_t of_series(const SeriesStore& store, std::uint32_t series);
  const LabelPairs& labels(std::uint32_t number) const { return sets_[number]; }

 private:
  std::vector<LabelPairs> sets_;
  std::vector<std::uint32_t> by_series_;  // 0: not asked for yet, otherwise number + 1
  std::map<LabelPairs, std::uint32_t> numbers_;
};

/// One element of an instant vector.
struct Element {
  std::uint32_t labels = 0;  // in the expression's LabelBook
  double value = 0;
};

/// The moment an expression is about.
struct Moment {
  const SeriesStore& series;
  Instant at;
  UnixNanos start;  // the scenario's start: time() counts seconds since 1970
};

class Node;

class Expression {
 public:
  /// Throws dvt::Error: column, what was met, what was expected.
  explicit Expression(std::string_view text);
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  /// The vector it is at that moment; a scalar is one element without labels. Replaces `out`. Moments never go back.
  /// Throws dvt::Error where Prometheus refuses to evaluate: series that match more than once.
  void evaluate(const Moment& moment, std::vector<Element>& out);
  const LabelPairs& labels(const Element& element) const;
  std::string label_text(const Element& element) const;
  /// The longest range that is looked back over; zero when it reads present values only.
  Duration window() const { return window_; }
  /// How far back samples must be kept to evaluate it: ranges, offsets and the look-back of instant selectors.
  Duration reach() const { return reach_; }
  /// Names of the metrics it reads, sorted.
  const std::vector<std::string>& metrics() const { return metrics_; }
  /// It calls time().
  bool tells_time() const { return tells_time_; }

 private:
  std::unique_ptr<Node> root_;
  std::unique_ptr<LabelBook> book_;
  Duration window_;
  Duration reach_;
  std::vector<std::string> metrics_;
  bool tells_time_ = false;
};

}  // namespace dvt::sim::promql
