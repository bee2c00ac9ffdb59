// Static checks of an assertion: do the paths exist, do the kinds fit, can the words occur?
#include "engine/base/format.h"

#include <algorithm>

#include "engine/base/text.h"
#include "sim/scenario/assertion.h"
#include "sim/scenario/assertion_tree.h"

namespace dvt::sim {
namespace assertion {

bool is_comparison(Op op) {
  return op >= Op::equal && op <= Op::greater_equal;
}

Result<ValueKind, std::string> combine_kinds(Op op, ValueKind a, std::int64_t unit_a, ValueKind b,
                                             std::int64_t unit_b) {
  const auto clash = [&](std::string_view verb) {
    return failure(fmt::format("a {} cannot be {} a {}", to_string(a), verb, to_string(b)));
  };
  const auto measure = [](ValueKind kind) { return kind != ValueKind::word && kind != ValueKind::boolean; };
  const auto plain = [](ValueKind kind) { return kind == ValueKind::number || kind == ValueKind::share; };
  const bool metric_meets_duration = (a == ValueKind::number && unit_a > 0 && b == ValueKind::duration) ||
                                     (b == ValueKind::number && unit_b > 0 && a == ValueKind::duration);
  const bool alike = a == b || (plain(a) && plain(b)) || metric_meets_duration;
  if (op == Op::both || op == Op::either) {
    if (a == ValueKind::boolean && b == ValueKind::boolean) return ValueKind::boolean;
    return failure(fmt::format("and, or, not join conditions, not a {}", to_string(a == ValueKind::boolean ? b : a)));
  }
  if (is_comparison(op)) {
    if (!alike) return clash("compared with");
    if (!measure(a) && op != Op::equal && op != Op::not_equal)
      return failure(fmt::format("a {} has no order: use == or !=", to_string(a)));
    return ValueKind::boolean;
  }
  if (!measure(a) || !measure(b)) return clash("combined with");
  if (op == Op::add || op == Op::subtract) {
    if (!alike) return clash(op == Op::add ? "added to" : "subtracted with");
    if (metric_meets_duration) return ValueKind::duration;
    return a == b ? a : ValueKind::number;
  }
  if (op == Op::multiply) {
    if (plain(a)) return plain(b) ? ValueKind::number : b;
    if (plain(b)) return a;
    return clash("multiplied with");
  }
  if (a == b || metric_meets_duration) return ValueKind::number;
  if (plain(b)) return plain(a) ? ValueKind::number : a;
  return clash("divided by");
}

std::int64_t combine_units(Op op, std::int64_t a, std::int64_t b) {
  if (op == Op::multiply) return a == 0 ? b : b == 0 ? a : 0;
  if (op == Op::divide) return b == 0 ? a : 0;
  return a == b ? a : 0;
}

}  // namespace assertion

namespace {

using assertion::Expression;
using assertion::Op;

struct Inferred {
  ValueKind kind = ValueKind::number;
  std::int64_t unit_ns = 0;
};

class Checker {
 public:
  explicit Checker(const PathCatalogue& catalogue) : catalogue_(catalogue) {}

  // nullopt: an error below makes the kind unknown.
  std::optional<Inferred> infer(const Expression& node) {
    switch (node.op) {
      case Op::literal:
        return Inferred{node.literal.kind, 0};
      case Op::path:
        return path(node);
      case Op::metric:
        return metric(node);
      case Op::negate: {
        const auto inner = infer(node.args[0]);
        if (inner && (inner->kind == ValueKind::word || inner->kind == ValueKind::boolean))
          return fail(node, fmt::format("a {} cannot be negated", to_string(inner->kind)));
        return inner;
      }
      case Op::negation: {
        const auto inner = infer(node.args[0]);
        if (inner && inner->kind != ValueKind::boolean)
          return fail(node, fmt::format("and, or, not join conditions, not a {}", to_string(inner->kind)));
        return inner;
      }
      default:
        return binary(node);
    }
  }

  std::vector<AssertionError> take() { return std::move(errors_); }

  std::nullopt_t fail(const Expression& node, std::string message) {
    errors_.push_back({node.offset, std::move(message)});
    return std::nullopt;
  }

 private:
  std::optional<Inferred> path(const Expression& node) {
    if (const auto kind = catalogue_.find(node.path)) return Inferred{*kind, 0};
    const std::string nearest = catalogue_.nearest_path(node.path);
    return fail(node, fmt::format("no path \"{}\"{}", node.path,
                                  nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest)));
  }

  std::optional<Inferred> metric(const Expression& node) {
    const std::string& name = node.metric.name;
    if (catalogue_.knows_metrics() && !catalogue_.has_metric(name)) {
      const std::string nearest = catalogue_.nearest_metric(name);
      return fail(node, fmt::format("no metric \"{}\"{}", name,
                                    nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest)));
    }
    return Inferred{ValueKind::number, metric_unit_ns(name)};
  }

  std::optional<Inferred> binary(const Expression& node) {
    const auto a = infer(node.args[0]);
    const auto b = infer(node.args[1]);
    if (!a || !b) return std::nullopt;
    const auto kind = assertion::combine_kinds(node.op, a->kind, a->unit_ns, b->kind, b->unit_ns);
    if (!kind.has_value()) return fail(node, kind.error());
    if (assertion::is_comparison(node.op)) {
      check_word(node.args[0], node.args[1]);
      check_word(node.args[1], node.args[0]);
    }
    const std::int64_t unit =
        kind.value() == ValueKind::number ? assertion::combine_units(node.op, a->unit_ns, b->unit_ns) : 0;
    return Inferred{kind.value(), unit};
  }

  void check_word(const Expression& side, const Expression& other) {
    if (side.op != Op::path || other.op != Op::literal || other.literal.kind != ValueKind::word) return;
    const std::vector<std::string>* words = catalogue_.words(side.path);
    if (words == nullptr || std::find(words->begin(), words->end(), other.literal.text) != words->end()) return;
    fail(other,
         fmt::format("{} is never \"{}\"; it is one of {}", side.path, other.literal.text, fmt::join(*words, ", ")));
  }

  const PathCatalogue& catalogue_;
  std::vector<AssertionError> errors_;
};

std::string nearest(std::string_view name, const std::vector<std::string_view>& known) {
  constexpr std::size_t kLongest = 100;
  return name.size() > kLongest ? std::string() : std::string(nearest_name(name, known));
}

}  // namespace

std::vector<AssertionError> Assertion::check(const PathCatalogue& catalogue) const {
  Checker checker(catalogue);
  const auto kind = checker.infer(*root_);
  if (kind && kind->kind != ValueKind::boolean)
    checker.fail(*root_,
                 fmt::format("an assertion is a condition such as runs.failed == 0, not a {}", to_string(kind->kind)));
  return checker.take();
}

void PathCatalogue::add(std::string path, ValueKind kind) {
  entries_.push_back({std::move(path), kind, {}});
}
void PathCatalogue::add_open(std::string prefix, ValueKind kind) {
  open_.push_back({std::move(prefix), kind, {}});
}
void PathCatalogue::add_word_path(std::string path, std::vector<std::string> words) {
  entries_.push_back({std::move(path), ValueKind::word, std::move(words)});
}
void PathCatalogue::add_metric(std::string name) {
  metrics_.push_back(std::move(name));
}

std::optional<ValueKind> PathCatalogue::find(std::string_view path) const {
  for (const Entry& entry : entries_) {
    if (entry.path == path) return entry.kind;
  }
  for (const Entry& entry : open_) {
    if (path.size() > entry.path.size() && path.starts_with(entry.path)) return entry.kind;
  }
  return std::nullopt;
}

const std::vector<std::string>* PathCatalogue::words(std::string_view path) const {
  for (const Entry& entry : entries_) {
    if (entry.path == path && !entry.words.empty()) return &entry.words;
  }
  return nullptr;
}

bool PathCatalogue::has_metric(std::string_view name) const {
  // Histograms are seen through their parts too.
  for (const std::string& known : metrics_) {
    if (known == name) return true;
    if (!name.starts_with(known)) continue;
    const std::string_view rest = name.substr(known.size());
    if (rest == "_bucket" || rest == "_sum" || rest == "_count") return true;
  }
  return false;
}

std::string PathCatalogue::nearest_path(std::string_view path) const {
  std::vector<std::string_view> known;
  for (const Entry& entry : entries_) known.push_back(entry.path);
  return nearest(path, known);
}

std::string PathCatalogue::nearest_metric(std::string_view name) const {
  return nearest(name, {metrics_.begin(), metrics_.end()});
}

}  // namespace dvt::sim
