// The assertion language (scenario.md, last part): text → checked expression → outcome against a finished (or running)
// result. Pure: the result is seen through ResultView, the known names through PathCatalogue.
//
//   expr    := and { "or" and }          and := not { "and" not }        not := [ "not" ] comparison
//   comparison := sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ] [ "within" "[" duration "," duration "]" ]
//   sum     := term { ("+" | "-") term }  (spaces around -)    term := unary { ("*" | "/") unary }    unary := [ "-" ]
//   primary primary := literal | word | path | metric "(" NAME [ "{" label "=" value { "," … } "}" ] ")" "." fn | "("
//   expr ")"
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace dvt::sim {

/// What a value measures; two sides of a comparison must agree (a bare number fits share).
enum class ValueKind { number, duration, share, money, bytes, rate, word, boolean };
std::string_view to_string(ValueKind kind);

/// A value of the result. Numbers are doubles: durations in nanoseconds, shares as fractions, money in nano-dollars,
/// bytes, rates in events per second. Whole numbers up to 2^53 are exact.
struct AssertValue {
  ValueKind kind = ValueKind::number;
  double number = 0;
  bool truth = false;
  std::string text;  // kind word

  static AssertValue of_number(double value) { return {ValueKind::number, value, false, {}}; }
  static AssertValue of_duration(Duration value) {
    return {ValueKind::duration, static_cast<double>(value.ns), false, {}};
  }
  static AssertValue of_share(double fraction) { return {ValueKind::share, fraction, false, {}}; }
  static AssertValue of_money(std::int64_t nano_dollars) {
    return {ValueKind::money, static_cast<double>(nano_dollars), false, {}};
  }
  static AssertValue of_word(std::string word) { return {ValueKind::word, 0, false, std::move(word)}; }
  static AssertValue of_boolean(bool value) { return {ValueKind::boolean, 0, value, {}}; }
  /// For people: 1h30m, 12, 0.5%, fail, 0.003 USD.
  std::string show() const;
};

enum class MetricFunction { min, max, mean, last, increase };
std::string_view to_string(MetricFunction function);

/// A window of virtual time; both ends included.
struct Window {
  Instant from;
  Instant to;
};

/// `metric(NAME{label=value})`: labels as written; a series must have them all.
struct MetricQuery {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  MetricFunction function = MetricFunction::last;
  std::optional<Window> window;  // absent: from warm-up to the end
};

/// How an assertion sees a result.
class ResultView {
 public:
  virtual ~ResultView() = default;
  /// The value at a path such as `objectives.pause-latency.observed`; nullopt when there is none (not measured).
  virtual std::optional<AssertValue> lookup(std::string_view path) const = 0;
  /// The function over all samples of the matching series in the window, in the metric's own unit; nullopt when there
  /// is no sample. Several series: min of minima, max of maxima, sum of increases and of last values, mean over samples
  /// of sums.
  virtual std::optional<double> metric(const MetricQuery& query) const = 0;
};

/// The paths and metrics that a result of this scenario can have.
class PathCatalogue {
 public:
  void add(std::string path, ValueKind kind);
  /// Any path that begins with `prefix` (e.g. `counts.`) exists and has this kind.
  void add_open(std::string prefix, ValueKind kind);
  /// Words that a word-valued path can have; a comparison with another word is an error.
  void add_word_path(std::string path, std::vector<std::string> words);
  void add_metric(std::string name);

  std::optional<ValueKind> find(std::string_view path) const;
  /// nullptr: any word.
  const std::vector<std::string>* words(std::string_view path) const;
  bool has_metric(std::string_view name) const;
  /// False as long as no metric was added: then metric names are not checked.
  bool knows_metrics() const { return !metrics_.empty(); }
  std::string nearest_path(std::string_view path) const;
  std::string nearest_metric(std::string_view name) const;

 private:
  struct Entry {
    std::string path;
    ValueKind kind;
    std::vector<std::string> words;
  };
  std::vector<Entry> entries_;
  std::vector<Entry> open_;
  std::vector<std::string> metrics_;
};

/// What is wrong, and where in the text (offset in bytes from 0).
struct AssertionError {
  std::size_t offset = 0;
  std::string message;
};

struct AssertionOutcome {
  bool passed = false;
  bool decided = false;  // everything that it needs had a value
  std::string observed;  // `objectives.pause-latency.verdict = pass, …`, and why it could not be evaluated
};

namespace assertion {
struct Expression;
}

/// A parsed assertion; a value, cheap to copy.
class Assertion {
 public:
  static Result<Assertion, AssertionError> parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// Unknown paths and metrics (with the nearest name), words a path never has, kinds that do not fit.
  std::vector<AssertionError> check(const PathCatalogue& catalogue) const;
  /// A path without a value, a division by zero or kinds that do not fit fail the assertion and say so.
  AssertionOutcome evaluate(const ResultView& view) const;
  /// Every path it reads, in order of appearance.
  std::vector<std::string> paths() const;
  /// Every metric it reads.
  std::vector<MetricQuery> metrics() const;

 private:
  std::string text_;
  std::shared_ptr<const assertion::Expression> root_;
};

/// Nanoseconds in one unit of a `_ms` or `_seconds` metric (also `_ms_sum`, `_ms_total` …); 0 for all others, counts
/// and buckets included.
std::int64_t metric_unit_ns(std::string_view name);

}  // namespace dvt::sim
