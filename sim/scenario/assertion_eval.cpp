// Evaluation against a result, in three-valued logic: a value that is absent makes its comparison unknown, and an
// assertion that stays unknown fails and says what was absent.
#include "engine/base/format.h"

#include "sim/scenario/assertion.h"
#include "sim/scenario/assertion_tree.h"

namespace dvt::sim {
namespace {

using assertion::Expression;
using assertion::Op;
using assertion::Operand;

class Evaluator {
 public:
  explicit Evaluator(const ResultView& view) : view_(view) {}

  std::optional<Operand> evaluate(const Expression& node) {
    switch (node.op) {
      case Op::literal:
        return Operand{node.literal, 0};
      case Op::path:
        return path(node);
      case Op::metric:
        return metric(node);
      case Op::both:
      case Op::either:
        return logical(node);
      case Op::negation: {
        auto inner = evaluate(node.args[0]);
        if (!inner) return std::nullopt;
        if (inner->value.kind != ValueKind::boolean)
          return problem(fmt::format("not needs a condition, not a {}", to_string(inner->value.kind)));
        inner->value.truth = !inner->value.truth;
        return inner;
      }
      case Op::negate: {
        auto inner = evaluate(node.args[0]);
        if (!inner) return std::nullopt;
        if (inner->value.kind == ValueKind::word || inner->value.kind == ValueKind::boolean)
          return problem(fmt::format("a {} cannot be negated", to_string(inner->value.kind)));
        inner->value.number = -inner->value.number;
        return inner;
      }
      default:
        return binary(node);
    }
  }

  std::string observed() const {
    return fmt::format("{}{}{}", fmt::join(observed_, ", "), observed_.empty() || problems_.empty() ? "" : "; ",
                       fmt::join(problems_, ", "));
  }
  std::nullopt_t problem(std::string text) {
    problems_.push_back(std::move(text));
    return std::nullopt;
  }

 private:
  void saw(std::string text) {
    for (const std::string& known : observed_) {
      if (known == text) return;
    }
    observed_.push_back(std::move(text));
  }

  std::optional<Operand> path(const Expression& node) {
    const auto value = view_.lookup(node.path);
    saw(fmt::format("{} = {}", node.path, value ? value->show() : "absent"));
    if (!value) return std::nullopt;
    return Operand{*value, 0};
  }

  std::optional<Operand> metric(const Expression& node) {
    const auto value = view_.metric(node.metric);
    saw(fmt::format("{}.{} = {}", node.metric.name, to_string(node.metric.function),
                    value ? fmt::format("{}", *value) : "absent"));
    if (!value) return std::nullopt;
    return Operand{AssertValue::of_number(*value), metric_unit_ns(node.metric.name)};
  }

  std::optional<bool> condition(const Expression& node) {
    const auto value = evaluate(node);
    if (!value) return std::nullopt;
    if (value->value.kind == ValueKind::boolean) return value->value.truth;
    problem(fmt::format("expected a condition, not a {}", to_string(value->value.kind)));
    return std::nullopt;
  }

  std::optional<Operand> logical(const Expression& node) {
    const bool decisive = node.op == Op::either;  // the value that decides alone
    const auto a = condition(node.args[0]);
    if (a == decisive) return Operand{AssertValue::of_boolean(decisive), 0};
    const auto b = condition(node.args[1]);
    if (b == decisive) return Operand{AssertValue::of_boolean(decisive), 0};
    if (!a || !b) return std::nullopt;
    return Operand{AssertValue::of_boolean(!decisive), 0};
  }

  std::optional<Operand> binary(const Expression& node) {
    auto a = evaluate(node.args[0]);
    auto b = evaluate(node.args[1]);
    if (!a || !b) return std::nullopt;
    const auto kind = assertion::combine_kinds(node.op, a->value.kind, a->unit_ns, b->value.kind, b->unit_ns);
    if (!kind.has_value()) return problem(kind.error());
    if (node.op != Op::multiply) {
      to_duration(*a, b->value.kind);
      to_duration(*b, a->value.kind);
    }
    if (assertion::is_comparison(node.op) && a->unit_ns > 0 && b->unit_ns > 0 && a->unit_ns != b->unit_ns) {
      to_duration(*a, ValueKind::duration);  // milliseconds against seconds
      to_duration(*b, ValueKind::duration);
    }
    if (assertion::is_comparison(node.op))
      return Operand{AssertValue::of_boolean(compare(node.op, a->value, b->value)), 0};
    return arithmetic(node.op, *a, *b, kind.value());
  }

  // A metric's number becomes a duration where it meets one.
  static void to_duration(Operand& operand, ValueKind other) {
    if (operand.unit_ns == 0 || other != ValueKind::duration) return;
    operand.value = {ValueKind::duration, operand.value.number * static_cast<double>(operand.unit_ns), false, {}};
    operand.unit_ns = 0;
  }

  static bool compare(Op op, const AssertValue& a, const AssertValue& b) {
    if (a.kind == ValueKind::word || a.kind == ValueKind::boolean) {
      const bool same = a.kind == ValueKind::word ? a.text == b.text : a.truth == b.truth;
      return (op == Op::equal) == same;
    }
    switch (op) {
      case Op::equal:
        return a.number == b.number;
      case Op::not_equal:
        return a.number != b.number;
      case Op::less:
        return a.number < b.number;
      case Op::less_equal:
        return a.number <= b.number;
      case Op::greater:
        return a.number > b.number;
      default:
        return a.number >= b.number;
    }
  }

  std::optional<Operand> arithmetic(Op op, const Operand& a, const Operand& b, ValueKind kind) {
    Operand out;
    out.value.kind = kind;
    switch (op) {
      case Op::add:
        out.value.number = a.value.number + b.value.number;
        break;
      case Op::subtract:
        out.value.number = a.value.number - b.value.number;
        break;
      case Op::multiply:
        out.value.number = a.value.number * b.value.number;
        break;
      default:
        if (b.value.number == 0) return problem("division by zero");
        out.value.number = a.value.number / b.value.number;
    }
    if (kind == ValueKind::number) out.unit_ns = assertion::combine_units(op, a.unit_ns, b.unit_ns);
    return out;
  }

  const ResultView& view_;
  std::vector<std::string> observed_;
  std::vector<std::string> problems_;
};

}  // namespace

AssertionOutcome Assertion::evaluate(const ResultView& view) const {
  Evaluator evaluator(view);
  const auto value = evaluator.evaluate(*root_);
  AssertionOutcome outcome;
  if (value && value->value.kind != ValueKind::boolean)
    evaluator.problem(fmt::format("an assertion is a condition, not a {}", to_string(value->value.kind)));
  outcome.decided = value && value->value.kind == ValueKind::boolean;
  outcome.passed = outcome.decided && value->value.truth;
  outcome.observed = evaluator.observed();
  return outcome;
}

}  // namespace dvt::sim
