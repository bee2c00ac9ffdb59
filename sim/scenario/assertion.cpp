// Tokens → tree (recursive descent, bounded depth), and what one can ask of the tree without a result.
#include "sim/scenario/assertion.h"

#include "engine/base/format.h"

#include "engine/base/detmath.h"
#include "sim/scenario/assertion_tree.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {

using assertion::Expression;
using assertion::Op;
using assertion::Token;

namespace {

constexpr std::pair<MetricFunction, std::string_view> kFunctions[] = {{MetricFunction::min, "min"},
                                                                      {MetricFunction::max, "max"},
                                                                      {MetricFunction::mean, "mean"},
                                                                      {MetricFunction::last, "last"},
                                                                      {MetricFunction::increase, "increase"}};

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // nullopt: error() says why.
  std::optional<Expression> run() {
    Expression root;
    if (!parse_or(root)) return std::nullopt;
    if (now().kind != Token::Kind::end) {
      fail("expected an operator or the end");
      return std::nullopt;
    }
    return root;
  }
  AssertionError error() const { return error_; }

 private:
  const Token& now() const { return tokens_[at_]; }
  bool at_symbol(std::string_view text) const { return now().kind == Token::Kind::symbol && now().text == text; }
  bool at_word(std::string_view text) const { return now().kind == Token::Kind::name && now().text == text; }

  bool fail(std::string message) {
    if (error_.message.empty()) {
      const std::string_view found = now().kind == Token::Kind::end ? "the end" : std::string_view(now().text);
      if (!found.empty() && message.starts_with("expected"))
        message += fmt::format(", found {}", found == "the end" ? std::string(found) : fmt::format("\"{}\"", found));
      error_ = {now().offset, std::move(message)};
    }
    return false;
  }
  bool take_symbol(std::string_view text) {
    if (!at_symbol(text)) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view text) {
    if (!at_word(text)) return false;
    ++at_;
    return true;
  }
  bool need_symbol(std::string_view text) { return take_symbol(text) || fail(fmt::format("expected \"{}\"", text)); }

  static void join(Expression& left, Op op, std::size_t offset, Expression right) {
    Expression node;
    node.op = op;
    node.offset = offset;
    node.args.reserve(2);
    node.args.push_back(std::move(left));
    node.args.push_back(std::move(right));
    left = std::move(node);
  }

  bool parse_or(Expression& out) {
    if (!parse_and(out)) return false;
    while (at_word("or")) {
      const std::size_t offset = now().offset;
      ++at_;
      Expression right;
      if (!parse_and(right)) return false;
      join(out, Op::either, offset, std::move(right));
    }
    return true;
  }

  bool parse_and(Expression& out) {
    if (!parse_not(out)) return false;
    while (at_word("and")) {
      const std::size_t offset = now().offset;
      ++at_;
      Expression right;
      if (!parse_not(right)) return false;
      join(out, Op::both, offset, std::move(right));
    }
    return true;
  }

  bool parse_not(Expression& out) {
    if (!at_word("not")) return parse_comparison(out);
    out.offset = now().offset;
    ++at_;
    Expression inner;
    if (++depth_ > assertion::kMaxDepth) return fail("nested too deeply");
    if (!parse_not(inner)) return false;
    --depth_;
    out.op = Op::negation;
    out.args.push_back(std::move(inner));
    return true;
  }

  std::optional<Op> comparison_op() const {
    constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::equal},  {"!=", Op::not_equal},
                                                        {"<", Op::less},    {"<=", Op::less_equal},
                                                        {">", Op::greater}, {">=", Op::greater_equal}};
    for (const auto& [text, op] : kOps) {
      if (at_symbol(text)) return op;
    }
    return std::nullopt;
  }

  bool parse_comparison(Expression& out) {
    if (!parse_sum(out)) return false;
    if (const auto op = comparison_op()) {
      const std::size_t offset = now().offset;
      ++at_;
      Expression right;
      if (!parse_sum(right)) return false;
      join(out, *op, offset, std::move(right));
      if (comparison_op()) return fail("comparisons do not chain: write a < b and b < c");
    }
    if (at_symbol("=")) return fail("equality is written ==");
    return !at_word("within") || parse_window(out);
  }

  bool parse_window(Expression& out) {
    const std::size_t offset = now().offset;
    ++at_;
    Window window;
    if (!need_symbol("[") || !parse_moment(window.from) || !need_symbol(",") || !parse_moment(window.to) ||
        !need_symbol("]"))
      return false;
    if (window.to < window.from) return fail("the window ends before it begins");
    if (set_window(out, window)) return true;
    if (error_.message.empty()) error_ = {offset, "within needs a metric(…) before it: only metrics have a history"};
    return false;
  }

  bool parse_moment(Instant& out) {
    if (now().kind != Token::Kind::literal || now().literal.kind != ValueKind::duration)
      return fail("expected a time since the start such as 30m");
    out = {detmath::round_to_int64(now().literal.number)};
    ++at_;
    return true;
  }

  static bool set_window(Expression& node, const Window& window) {
    bool any = node.op == Op::metric;
    if (any) node.metric.window = window;
    for (Expression& arg : node.args) any = set_window(arg, window) || any;
    return any;
  }

  bool parse_sum(Expression& out) {
    if (!parse_term(out)) return false;
    while (at_symbol("+") || at_symbol("-")) {
      const Op op = at_symbol("+") ? Op::add : Op::subtract;
      const std::size_t offset = now().offset;
      ++at_;
      Expression right;
      if (!parse_term(right)) return false;
      join(out, op, offset, std::move(right));
    }
    return true;
  }

  bool parse_term(Expression& out) {
    if (!parse_unary(out)) return false;
    while (at_symbol("*") || at_symbol("/")) {
      const Op op = at_symbol("*") ? Op::multiply : Op::divide;
      const std::size_t offset = now().offset;
      ++at_;
      Expression right;
      if (!parse_unary(right)) return false;
      join(out, op, offset, std::move(right));
    }
    return true;
  }

  bool parse_unary(Expression& out) {
    if (!at_symbol("-")) return parse_primary(out);
    out.offset = now().offset;
    ++at_;
    Expression inner;
    if (!parse_primary(inner)) return false;
    out.op = Op::negate;
    out.args.push_back(std::move(inner));
    return true;
  }

  bool parse_primary(Expression& out) {
    out.offset = now().offset;
    if (at_symbol("(")) {
      ++at_;
      if (++depth_ > assertion::kMaxDepth) return fail("nested too deeply");
      if (!parse_or(out)) return false;
      --depth_;
      return need_symbol(")");
    }
    if (now().kind == Token::Kind::literal) {
      out.literal = now().literal;
      ++at_;
      return true;
    }
    if (now().kind == Token::Kind::quoted) {
      out.literal = AssertValue::of_word(now().text);
      ++at_;
      return true;
    }
    if (now().kind != Token::Kind::name)
      return fail("expected a value, a path such as runs.failed, or metric(NAME).max");
    return parse_name(out);
  }

  bool parse_name(Expression& out) {
    const std::string& name = now().text;
    for (std::string_view keyword : {"and", "or", "not", "within"}) {
      if (name == keyword) return fail("expected a value");
    }
    if (name == "metric" && tokens_[at_ + 1].kind == Token::Kind::symbol && tokens_[at_ + 1].text == "(")
      return parse_metric(out);
    if (name == "true" || name == "false") {
      out.literal = AssertValue::of_boolean(name == "true");
    } else if (name.find('.') != std::string::npos) {
      out.op = Op::path;
      out.path = name;
    } else {
      out.literal = AssertValue::of_word(name);
    }
    ++at_;
    return true;
  }

  bool parse_metric(Expression& out) {
    out.op = Op::metric;
    at_ += 2;
    if (now().kind != Token::Kind::name || now().text.find_first_of(".-/") != std::string::npos)
      return fail("expected a metric's name");
    out.metric.name = now().text;
    ++at_;
    if (take_symbol("{") && !parse_labels(out)) return false;
    if (!need_symbol(")") || !need_symbol(".")) return false;
    for (const auto& [function, text] : kFunctions) {
      if (!take_word(text)) continue;
      out.metric.function = function;
      return true;
    }
    return fail("expected min, max, mean, last or increase");
  }

  bool parse_labels(Expression& out) {
    if (take_symbol("}")) return true;
    do {
      if (now().kind != Token::Kind::name) return fail("expected a label's name");
      std::string label = now().text;
      ++at_;
      if (!need_symbol("=")) return false;
      const Token& value = now();
      const bool plain = value.kind == Token::Kind::name || value.kind == Token::Kind::quoted;
      const bool number = value.kind == Token::Kind::literal && value.literal.kind == ValueKind::number;
      if (!plain && !number) return fail("expected a label's value");
      out.metric.labels.emplace_back(std::move(label), number ? value.literal.show() : value.text);
      ++at_;
    } while (take_symbol(","));
    return need_symbol("}");
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  AssertionError error_;
};

void collect(const Expression& node, std::vector<std::string>& paths, std::vector<MetricQuery>& metrics) {
  if (node.op == Op::path) paths.push_back(node.path);
  if (node.op == Op::metric) metrics.push_back(node.metric);
  for (const Expression& arg : node.args) collect(arg, paths, metrics);
}

}  // namespace

std::string_view to_string(ValueKind kind) {
  switch (kind) {
    case ValueKind::number:
      return "number";
    case ValueKind::duration:
      return "duration";
    case ValueKind::share:
      return "share";
    case ValueKind::money:
      return "amount of money";
    case ValueKind::bytes:
      return "size";
    case ValueKind::rate:
      return "rate";
    case ValueKind::word:
      return "word";
    case ValueKind::boolean:
      return "condition";
  }
  return {};
}

std::string_view to_string(MetricFunction function) {
  for (const auto& [known, text] : kFunctions) {
    if (known == function) return text;
  }
  return {};
}

std::string AssertValue::show() const {
  constexpr double kExact = 9e15;  // below it doubles hold whole numbers, and int64 holds the double
  const bool fits = number < kExact && number > -kExact;
  switch (kind) {
    case ValueKind::word:
      return text;
    case ValueKind::boolean:
      return truth ? "true" : "false";
    case ValueKind::duration:
      if (number >= 9.2e18 || number <= -9.2e18) return fmt::format("{}ns", number);
      return format_duration({detmath::round_to_int64(number)});
    case ValueKind::share:
      if (number < 0 || number > 1000) return fmt::format("{}", number);
      return format_value(Share{detmath::round_to_int64(number * 1e9)});
    case ValueKind::money:
      if (number < 0 || !fits) return fmt::format("{} USD", number / 1e9);
      return format_value(Money{detmath::round_to_int64(number)});
    case ValueKind::bytes:
      return fmt::format("{}B", number);
    case ValueKind::rate:
      return fmt::format("{}/s", number);
    case ValueKind::number:
      break;
  }
  return fmt::format("{}", number);
}

Result<Assertion, AssertionError> Assertion::parse(std::string_view text) {
  auto tokens = assertion::tokenize(text);
  if (!tokens.has_value()) return failure(std::move(tokens.error()));
  Parser parser(std::move(tokens.value()));
  auto root = parser.run();
  if (!root) return failure(parser.error());
  Assertion made;
  made.text_ = text;
  made.root_ = std::make_shared<const Expression>(std::move(*root));
  return made;
}

std::vector<std::string> Assertion::paths() const {
  std::vector<std::string> paths;
  std::vector<MetricQuery> metrics;
  collect(*root_, paths, metrics);
  return paths;
}

std::vector<MetricQuery> Assertion::metrics() const {
  std::vector<std::string> paths;
  std::vector<MetricQuery> metrics;
  collect(*root_, paths, metrics);
  return metrics;
}

std::int64_t metric_unit_ns(std::string_view name) {
  for (std::string_view suffix : {"_sum", "_total"}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  if (name.ends_with("_ms")) return 1'000'000;
  if (name.ends_with("_seconds")) return 1'000'000'000;
  return 0;
}

}  // namespace dvt::sim
