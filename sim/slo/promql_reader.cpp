// Reading expressions. Precedence as in Prometheus: or, then and and unless, then comparisons, then + and -, then * and
// /, then signs.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "engine/base/format.h"
#include "sim/scenario/rule_file.h"
#include "sim/slo/promql.h"
#include "sim/slo/promql_expr.h"
#include "sim/slo/promql_nodes.h"

namespace dvt::sim::promql {
namespace {

struct NamedRange {
  std::string_view name;
  RangeFunction function;
};
constexpr std::array kRangeFunctions{
    NamedRange{"increase", RangeFunction::increase},
    NamedRange{"rate", RangeFunction::rate},
    NamedRange{"irate", RangeFunction::irate},
    NamedRange{"delta", RangeFunction::delta},
    NamedRange{"idelta", RangeFunction::idelta},
    NamedRange{"deriv", RangeFunction::deriv},
    NamedRange{"predict_linear", RangeFunction::predict_linear},
    NamedRange{"resets", RangeFunction::resets},
    NamedRange{"changes", RangeFunction::changes},
    NamedRange{"avg_over_time", RangeFunction::avg},
    NamedRange{"min_over_time", RangeFunction::min},
    NamedRange{"max_over_time", RangeFunction::max},
    NamedRange{"sum_over_time", RangeFunction::sum},
    NamedRange{"count_over_time", RangeFunction::count},
    NamedRange{"last_over_time", RangeFunction::last},
    NamedRange{"present_over_time", RangeFunction::present},
    NamedRange{"quantile_over_time", RangeFunction::quantile},
};

struct NamedMapping {
  std::string_view name;
  Mapping mapping;
  int least = 0;  // scalars after the vector
  int most = 0;
};
constexpr std::array kMappings{
    NamedMapping{"abs", Mapping::absolute, 0, 0},        NamedMapping{"ceil", Mapping::ceiling, 0, 0},
    NamedMapping{"floor", Mapping::floor, 0, 0},         NamedMapping{"sgn", Mapping::sign, 0, 0},
    NamedMapping{"round", Mapping::round, 0, 1},         NamedMapping{"clamp", Mapping::clamp, 2, 2},
    NamedMapping{"clamp_min", Mapping::clamp_min, 1, 1}, NamedMapping{"clamp_max", Mapping::clamp_max, 1, 1},
};

constexpr std::array<std::string_view, 5> kAggregates{"sum", "min", "max", "avg", "count"};

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
  Duration reach() const { return reach_; }
  bool tells_time() const { return tells_time_; }
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
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
      } else {
        break;
      }
    }
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
    if (at_ < text_.size() && (text_[at_] == '^' || text_[at_] == '%'))
      refuse(fmt::format("an operator other than {}, which is not supported", text_[at_]));
    if (found == "atan2") refuse("an operator other than atan2, which is not supported");
    return std::nullopt;
  }

  bool take_word(std::string_view wanted) {
    if (peek_word() != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  Matching matching(Operator op) {
    Matching out;
    if (take_word("bool")) {
      if (!is_comparison(op)) refuse("no bool: it belongs to comparisons");
      out.as_bool = true;
    }
    const bool on = peek_word() == "on";
    if (!on && peek_word() != "ignoring") return out;
    at_ += peek_word().size();
    out.by = {on, labels()};
    const bool left = peek_word() == "group_left";
    if (!left && peek_word() != "group_right") return out;
    if (is_set(op)) refuse("no grouping around and, or, unless");
    at_ += peek_word().size();
    out.many = left ? Matching::Many::left : Matching::Many::right;
    skip_space();
    if (text_.substr(at_).starts_with("(")) out.include = labels();
    return out;
  }

  NodePtr operation(int lowest) {
    if (++depth_ > kDeepest) refuse("fewer nested expressions");
    NodePtr left = operand();
    for (;;) {
      const std::optional<Level> next = next_operator();
      if (!next || next->level < lowest) break;
      at_ += next->token.size();
      Matching how = matching(next->op);
      const bool paired = how.by.keep || !how.by.names.empty();
      NodePtr right = operation(next->level + 1);
      if (is_set(next->op) && (left->scalar() || right->scalar())) refuse("two vectors around and, or, unless");
      if (paired && (left->scalar() || right->scalar())) refuse("two vectors around on and ignoring");
      if (is_comparison(next->op) && left->scalar() && right->scalar() && !how.as_bool)
        refuse("a vector in a comparison, or bool between numbers");
      left = make_binary(next->op, std::move(how), std::move(left), std::move(right));
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
    if (take("-")) {
      if (++depth_ > kDeepest) refuse("fewer nested expressions");
      NodePtr of = make_mapping(Mapping::negate, operand(), nullptr, nullptr);
      --depth_;
      return of;
    }
    if (take("+")) {
      if (++depth_ > kDeepest) refuse("fewer nested expressions");
      NodePtr of = operand();
      --depth_;
      return of;
    }
    if (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '.')) return number();
    const std::size_t began = at_;
    const std::string name = word("a number, a metric, a function or '('");
    skip_space();
    const bool call = at_ < text_.size() && text_[at_] == '(';
    const auto aggregate = std::ranges::find(kAggregates, name);
    if (aggregate != kAggregates.end() && (call || peek_word() == "by" || peek_word() == "without"))
      return aggregation(static_cast<Aggregate>(aggregate - kAggregates.begin()));
    if (call) return function(name, began);
    if (name == "Inf" || name == "inf") return make_number(std::numeric_limits<double>::infinity());
    if (name == "NaN" || name == "nan") return make_number(std::numeric_limits<double>::quiet_NaN());
    Selector selector = this->selector(name);
    if (selector.range != Duration{}) refuse("increase, rate or another function around a range");
    return make_instants(std::move(selector));
  }

  NodePtr vector_argument() {
    NodePtr of = operation(0);
    if (of->scalar()) refuse("a vector");
    return of;
  }
  NodePtr scalar_argument(std::string_view what) {
    NodePtr of = operation(0);
    if (!of->scalar()) refuse(what);
    return of;
  }

  NodePtr function(const std::string& name, std::size_t began) {
    expect("(");
    if (name == "time") {
      expect(")");
      tells_time_ = true;
      return make_time();
    }
    NodePtr out;
    const auto range = std::ranges::find(kRangeFunctions, name, &NamedRange::name);
    const auto mapping = std::ranges::find(kMappings, name, &NamedMapping::name);
    if (range != kRangeFunctions.end()) {
      out = range_function(range->function);
    } else if (mapping != kMappings.end()) {
      out = this->mapping(*mapping);
    } else if (name == "histogram_quantile") {
      NodePtr quantile = scalar_argument("a number as the quantile");
      expect(",");
      out = make_histogram_quantile(std::move(quantile), vector_argument());
    } else if (name == "absent_over_time") {
      out = make_absent(range_selector());
    } else if (name == "absent") {
      out = absent();
    } else if (name == "scalar") {
      out = make_scalar(vector_argument());
    } else if (name == "vector") {
      out = make_vector(scalar_argument("a number"));
    } else {
      at_ = began;
      refuse(fmt::format("a function that is supported ({} is not)", name));
    }
    expect(")");
    return out;
  }
  Selector range_selector() {
    Selector selector = this->selector(word("a metric"));
    if (selector.range == Duration{}) refuse("a range such as [5m]");
    return selector;
  }

  NodePtr range_function(RangeFunction function) {
    NodePtr parameter;
    if (function == RangeFunction::quantile) {
      parameter = scalar_argument("a number as the quantile");
      expect(",");
    }
    Selector selector = range_selector();
    if (function == RangeFunction::predict_linear) {
      expect(",");
      parameter = scalar_argument("a number of seconds");
    }
    return make_range_function(function, std::move(selector), std::move(parameter));
  }

  NodePtr mapping(const NamedMapping& named) {
    NodePtr of = vector_argument();
    NodePtr parameters[2];
    for (int i = 0; i < named.most; ++i) {
      if (i >= named.least && !take(",")) break;
      if (i < named.least) expect(",");
      parameters[i] = scalar_argument("a number");
    }
    return make_mapping(named.mapping, std::move(of), std::move(parameters[0]), std::move(parameters[1]));
  }

  /// Of a selector alone, its matchers name what is absent; of anything else nothing does.
  NodePtr absent() {
    const std::size_t began = at_;
    const std::size_t metrics = metrics_.size();
    const std::string_view name = peek_word();
    if (!name.empty()) {
      at_ += name.size();
      skip_space();
      const bool selects = at_ < text_.size() && (text_[at_] == '{' || text_[at_] == ')');
      if (selects) {
        Selector selector = this->selector(std::string(name));
        skip_space();
        if (selector.range == Duration{} && at_ < text_.size() && text_[at_] == ')')
          return make_absent(std::move(selector));
      }
    }
    at_ = began;
    metrics_.resize(metrics);
    return make_absent(vector_argument());
  }

  NodePtr aggregation(Aggregate how) {
    std::optional<Grouping> by = grouping();
    expect("(");
    NodePtr of = vector_argument();
    expect(")");
    if (!by) by = grouping();
    return make_aggregation(how, by.value_or(Grouping{true, {}}), std::move(of));
  }

  std::optional<Grouping> grouping() {
    const bool by = peek_word() == "by";
    if (!by && peek_word() != "without") return std::nullopt;
    at_ += peek_word().size();
    return Grouping{by, labels()};
  }

  std::vector<std::string> labels() {
    std::vector<std::string> out;
    expect("(");
    while (!take(")")) {
      out.push_back(word("a label"));
      if (!take(",")) {
        expect(")");
        break;
      }
    }
    return out;
  }

  NodePtr number() {
    const char* from = text_.data() + at_;
    double value = 0;
    const auto read = std::from_chars(from, text_.data() + text_.size(), value);
    if (read.ec != std::errc{}) refuse("a number");
    at_ += static_cast<std::size_t>(read.ptr - from);
    if (at_ < text_.size() && is_word(text_[at_], false)) refuse("an operator or the end");
    return make_number(value);
  }

  Selector selector(std::string name) {
    Selector out;
    out.name = std::move(name);
    metrics_.push_back(out.name);
    if (take("{")) {
      while (!take("}")) {
        out.matchers.push_back(matcher());
        if (!take(",")) {
          expect("}");
          break;
        }
      }
    }
    if (take("[")) {
      out.range = duration();
      if (take(":")) refuse("']' (subqueries are not supported)");
      expect("]");
      window_ = std::max(window_, out.range);
    }
    if (take_word("offset")) out.offset = duration();
    skip_space();
    if (at_ < text_.size() && text_[at_] == '@') refuse("no @ (it is not supported)");
    constexpr Duration kLookBack = minutes(5);
    reach_ = std::max(reach_, out.offset + (out.range == Duration{} ? kLookBack : out.range));
    return out;
  }

  Matcher matcher() {
    Matcher out;
    out.label = word("a label");
    if (out.label == "__name__") refuse("no matcher of __name__ (write the metric's name)");
    if (take("=~")) {
      out.kind = Matcher::Kind::like;
    } else if (take("!~")) {
      out.kind = Matcher::Kind::not_like;
    } else if (take("!=")) {
      out.kind = Matcher::Kind::not_equal;
    } else {
      expect("=");
    }
    skip_space();
    const std::size_t began = at_;
    out.value = quoted();
    const bool pattern = out.kind == Matcher::Kind::like || out.kind == Matcher::Kind::not_like;
    if (pattern && !is_plain_pattern(out.value)) {
      at_ = began;
      refuse("a plain regular expression (letters, digits, . | ( ) [ ] * + ? and escapes of them)");
    }
    return out;
  }

  std::string quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'' && text_[at_] != '`'))
      refuse("a text in quotes");
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && quote != '`') {
        ++at_;
        if (at_ < text_.size() && text_[at_] != '\\' && text_[at_] != '"' && text_[at_] != '\'')
          refuse("\\\\, \\\" or \\' (other escapes are not supported)");
      }
      if (at_ < text_.size()) out += text_[at_++];
    }
    if (at_ >= text_.size()) refuse("the closing quote");
    ++at_;
    return out;
  }

  Duration duration() {
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != ':' && is_word(text_[end], false)) ++end;
    if (end == at_) refuse("a duration such as 5m");
    const auto parsed = parse_prometheus_duration(text_.substr(at_, end - at_));
    if (!parsed || *parsed == Duration{})
      refuse("a duration such as 5m or 1h30m (a number and a unit: ms s m h d w y)");
    if (*parsed > kLongest) refuse("a shorter range: a year at most");
    at_ = end;
    return *parsed;
  }
  static constexpr Duration kLongest = hours(366 * 24);

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Duration window_;
  Duration reach_;
  bool tells_time_ = false;
  std::vector<std::string> metrics_;
};

}  // namespace

Expression::Expression(std::string_view text) : book_(std::make_unique<LabelBook>()) {
  Reader reader(text);
  root_ = reader.read();
  window_ = reader.window();
  reach_ = reader.reach();
  metrics_ = reader.metrics();
  tells_time_ = reader.tells_time();
}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

void Expression::evaluate(const Moment& moment, std::vector<Element>& out) {
  root_->evaluate(moment, *book_, out);
}

const LabelPairs& Expression::labels(const Element& element) const {
  return book_->labels(element.labels);
}

std::string Expression::label_text(const Element& element) const {
  return promql::label_text(labels(element));
}

}  // namespace dvt::sim::promql
