// Tokens and the tree of the assertion language. Private to sim/scenario.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/assertion.h"

namespace dvt::sim::assertion {

inline constexpr std::size_t kMaxTextBytes = 4'000;
inline constexpr int kMaxDepth = 50;

struct Token {
  enum class Kind { end, name, literal, quoted, symbol };
  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::string text;     // name, quoted: its text; symbol: `==` …
  AssertValue literal;  // literal
};

/// The tokens of a text, the last one being `end`; or the first error.
Result<std::vector<Token>, AssertionError> tokenize(std::string_view text);

enum class Op {
  literal,
  path,
  metric,
  negate,
  add,
  subtract,
  multiply,
  divide,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  both,
  either,
  negation
};

struct Expression {
  Op op = Op::literal;
  std::size_t offset = 0;
  AssertValue literal;  // literal
  std::string path;     // path
  MetricQuery metric;   // metric
  std::vector<Expression> args;
};

/// A value on the way: metrics keep their unit, so that they can meet a duration.
struct Operand {
  AssertValue value;
  std::int64_t unit_ns = 0;  // kind number from a `_ms` or `_seconds` metric
};

/// The kind of `a op b`; an error message when the kinds do not fit.
Result<ValueKind, std::string> combine_kinds(Op op, ValueKind a, std::int64_t unit_a, ValueKind b, std::int64_t unit_b);

/// The unit of `a op b` when it is a plain number: sums keep a common unit, a product or quotient that of its one
/// metric.
std::int64_t combine_units(Op op, std::int64_t a, std::int64_t b);

bool is_comparison(Op op);

}  // namespace dvt::sim::assertion
