// The parts of an expression, made by the reader (promql_reader.cpp) and evaluated at points of the grid. Private to
// the reader and to promql_nodes.cpp; everybody else uses promql_expr.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/slo/promql_expr.h"

namespace dvt::sim::promql {

/// A scalar is one element without labels.
class Node {
 public:
  virtual ~Node() = default;
  /// Replaces `out`. Throws dvt::Error where Prometheus refuses to evaluate (series that match more than once).
  virtual void evaluate(const Moment& moment, LabelBook& book, std::vector<Element>& out) = 0;
  virtual bool scalar() const { return false; }
};
using NodePtr = std::unique_ptr<Node>;

struct Matcher {
  enum class Kind : std::uint8_t { equal, not_equal, like, not_like };
  std::string label;
  std::string value;  // like, not_like: a pattern that must fit the whole value
  Kind kind = Kind::equal;
};

struct Selector {
  std::string name;
  std::vector<Matcher> matchers;
  Duration range;   // zero: an instant selector
  Duration offset;  // looks so far back
};

/// Which labels stay: those named, or all but those named.
struct Grouping {
  bool keep = true;
  std::vector<std::string> names;
};

enum class RangeFunction : std::uint8_t {
  increase,
  rate,
  irate,
  delta,
  idelta,
  deriv,
  predict_linear,
  resets,
  changes,
  avg,
  min,
  max,
  sum,
  count,
  last,
  present,
  quantile,
};
enum class Mapping : std::uint8_t { absolute, ceiling, floor, sign, negate, round, clamp, clamp_min, clamp_max };
enum class Aggregate : std::uint8_t { sum, min, max, avg, count };
enum class Operator : std::uint8_t { or_, and_, unless, eq, ne, gt, lt, ge, le, add, sub, mul, div };
constexpr bool is_set(Operator op) {
  return op <= Operator::unless;
}
constexpr bool is_comparison(Operator op) {
  return op >= Operator::eq && op <= Operator::le;
}

/// How a binary operator pairs the elements of its sides.
struct Matching {
  enum class Many : std::uint8_t { none, left, right };
  Grouping by{false, {}};            // `on`: those named; otherwise all but those ignored
  Many many = Many::none;            // group_left: many on the left
  std::vector<std::string> include;  // labels taken from the one side
  bool as_bool = false;              // a comparison gives 0 or 1 instead of filtering
};

NodePtr make_number(double value);
NodePtr make_time();
NodePtr make_instants(Selector selector);
/// `parameter`: of predict_linear (seconds) and quantile; null otherwise.
NodePtr make_range_function(RangeFunction function, Selector selector, NodePtr parameter);
/// absent() and absent_over_time() of a selector; its equality matchers name the element.
NodePtr make_absent(Selector selector);
/// absent() of any other expression.
NodePtr make_absent(NodePtr of);
NodePtr make_mapping(Mapping how, NodePtr of, NodePtr first, NodePtr second);
NodePtr make_scalar(NodePtr of);
NodePtr make_vector(NodePtr of);
NodePtr make_aggregation(Aggregate how, Grouping by, NodePtr of);
NodePtr make_histogram_quantile(NodePtr quantile, NodePtr of);
NodePtr make_binary(Operator op, Matching matching, NodePtr left, NodePtr right);

/// Whether the pattern is within what both RE2 and our matcher read the same way.
bool is_plain_pattern(const std::string& pattern);

}  // namespace dvt::sim::promql
