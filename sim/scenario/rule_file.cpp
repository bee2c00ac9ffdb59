// Rule files: the keys that Prometheus 2.42 knows, and no other.
#include "sim/scenario/rule_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>

#include "engine/base/format.h"
#include "engine/base/text.h"
#include "sim/scenario/node.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {
namespace {

struct Scale {
  std::string_view unit;
  Duration length;
};
constexpr std::array kScales{Scale{"y", hours(365 * 24)}, Scale{"w", hours(7 * 24)}, Scale{"d", hours(24)},
                             Scale{"h", hours(1)},        Scale{"m", minutes(1)},    Scale{"s", seconds(1)},
                             Scale{"ms", milliseconds(1)}};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_label_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_metric_name(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, ':', '_');
  return is_label_name(plain);
}

class RuleReader {
 public:
  explicit RuleReader(std::vector<Diagnostic>& diagnostics) : diagnostics_(diagnostics) {}

  std::vector<PrometheusRule> read(const Node& root) {
    if (!keys(root, "", kFileKeys)) return {};
    const Node* groups = root.find("groups");
    if (groups == nullptr) {
      error(root.mark, "", "expected groups: the list of rule groups");
      return {};
    }
    if (groups->is_null()) return {};
    if (!groups->is_sequence()) {
      error(groups->mark, "groups", fmt::format("expected a list of groups, found {}", describe(*groups)));
      return {};
    }
    for (std::size_t i = 0; i < groups->items.size(); ++i) group(groups->items[i], fmt::format("groups[{}]", i));
    return std::move(rules_);
  }

 private:
  static constexpr std::array<std::string_view, 1> kFileKeys{"groups"};
  static constexpr std::array<std::string_view, 4> kGroupKeys{"name", "interval", "limit", "rules"};
  static constexpr std::array<std::string_view, 7> kRuleKeys{"alert",           "record", "expr",       "for",
                                                             "keep_firing_for", "labels", "annotations"};

  void error(Mark mark, std::string_view path, std::string message) {
    if (diagnostics_.size() >= kMaxDiagnostics) return;
    Diagnostic diagnostic;
    diagnostic.line = mark.line;
    diagnostic.column = mark.column;
    diagnostic.path = path;
    diagnostic.message = std::move(message);
    diagnostics_.push_back(std::move(diagnostic));
  }

  bool keys(const Node& node, const std::string& path, std::span<const std::string_view> known) {
    if (!node.is_mapping()) {
      error(node.mark, path, fmt::format("expected a map with {}, found {}", fmt::join(known, ", "), describe(node)));
      return false;
    }
    for (const Node::Key& key : node.keys) {
      if (std::ranges::find(known, key.text) != known.end()) continue;
      const std::string_view nearest = nearest_name(key.text, known);
      error(
          key.mark, path,
          fmt::format("unknown key \"{}\"{}; expected {}", key.text,
                      nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest), fmt::join(known, ", ")));
    }
    return true;
  }

  std::string text(const Node& node, std::string_view path, std::string_view what) {
    if (node.is_scalar() && !node.text.empty()) return node.text;
    error(node.mark, path, fmt::format("expected {}, found {}", what, describe(node)));
    return {};
  }

  Duration duration(const Node& node, std::string_view path) {
    const auto parsed = node.is_scalar() ? parse_prometheus_duration(node.text) : std::nullopt;
    if (parsed) return *parsed;
    error(node.mark, path, fmt::format("expected a duration such as 5m or 1h30m, found {}", describe(node)));
    return {};
  }

  RuleLabels labels(const Node* node, const std::string& path) {
    RuleLabels out;
    if (node == nullptr || node->is_null()) return out;
    if (!node->is_mapping()) {
      error(node->mark, path, fmt::format("expected a map of texts, found {}", describe(*node)));
      return out;
    }
    for (std::size_t i = 0; i < node->keys.size(); ++i) {
      const std::string& name = node->keys[i].text;
      if (!is_label_name(name) || name == "__name__")
        error(node->keys[i].mark, path, fmt::format("expected a label name such as severity, found \"{}\"", name));
      if (!node->items[i].is_scalar() && !node->items[i].is_null())
        error(node->items[i].mark, path + "." + name,
              fmt::format("expected a text, found {}", describe(node->items[i])));
      out.emplace_back(name, node->items[i].text);
    }
    return out;
  }

  void group(const Node& node, const std::string& path) {
    if (!keys(node, path, kGroupKeys)) return;
    std::string name;
    if (const Node* named = node.find("name")) {
      name = text(*named, path + ".name", "the group's name");
      if (!name.empty() && !groups_.insert(name).second)
        error(named->mark, path + ".name", fmt::format("a second group \"{}\"; names are distinct in a file", name));
    } else {
      error(node.mark, path, "expected name: every group has one");
    }
    std::optional<Duration> interval;
    if (const Node* given = node.find("interval")) {
      interval = duration(*given, path + ".interval");
      if (interval == Duration{}) interval.reset();  // as Prometheus reads it: the global one
    }
    if (const Node* limit = node.find("limit"); limit != nullptr && !limit->is_word("0"))
      error(limit->mark, path + ".limit", "a limit of alerts is not supported; expected 0 or no such key");
    const Node* rules = node.find("rules");
    if (rules == nullptr || rules->is_null()) return;
    if (!rules->is_sequence()) {
      error(rules->mark, path + ".rules", fmt::format("expected a list of rules, found {}", describe(*rules)));
      return;
    }
    for (std::size_t i = 0; i < rules->items.size(); ++i) {
      PrometheusRule rule;
      rule.group = name;
      rule.interval = interval;
      this->rule(rules->items[i], fmt::format("{}.rules[{}]", path, i), std::move(rule));
    }
  }

  void rule(const Node& node, const std::string& path, PrometheusRule rule) {
    if (!keys(node, path, kRuleKeys)) return;
    const Node* alert = node.find("alert");
    const Node* record = node.find("record");
    if ((alert != nullptr) == (record != nullptr)) {
      error(node.mark, path, "expected either alert: NAME or record: NAME");
      return;
    }
    rule.recording = record != nullptr;
    if (rule.recording) {
      rule.name = text(*record, path + ".record", "the name of the recorded series");
      if (!rule.name.empty() && !is_metric_name(rule.name))
        error(record->mark, path + ".record", fmt::format("\"{}\" is no metric name", rule.name));
    } else {
      rule.name = text(*alert, path + ".alert", "the alert's name");
    }
    if (const Node* expr = node.find("expr")) {
      rule.expr = text(*expr, path + ".expr", "a PromQL expression");
      rule.line = expr->mark.line;
      rule.column = expr->mark.column;
    } else {
      error(node.mark, path, "expected expr: the rule's PromQL expression");
    }
    for (const char* only : {"for", "keep_firing_for", "annotations"}) {
      const Node* given = node.find(only);
      if (rule.recording && given != nullptr)
        error(given->mark, path + "." + only, "a recording rule has no such key; only alert rules have");
    }
    if (const Node* hold = node.find("for")) rule.hold = duration(*hold, path + ".for");
    if (const Node* keep = node.find("keep_firing_for")) rule.keep_firing = duration(*keep, path + ".keep_firing_for");
    rule.labels = labels(node.find("labels"), path + ".labels");
    rule.annotations = labels(node.find("annotations"), path + ".annotations");
    rules_.push_back(std::move(rule));
  }

  std::vector<Diagnostic>& diagnostics_;
  std::set<std::string> groups_;
  std::vector<PrometheusRule> rules_;
};

std::vector<Diagnostic> whole_file(const std::string& file, std::string message) {
  Diagnostic diagnostic;
  diagnostic.file = file;
  diagnostic.message = std::move(message);
  return {std::move(diagnostic)};
}

}  // namespace

std::optional<Duration> parse_prometheus_duration(std::string_view text) {
  if (text == "0") return Duration{};
  if (text.empty()) return std::nullopt;
  Duration total;
  std::size_t next = 0;  // units fall, each at most once
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
    if (read.ec != std::errc{} || count < 0 || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    std::size_t length = 0;
    while (length < text.size() && is_letter(text[length])) ++length;
    const auto unit = std::find_if(kScales.begin() + static_cast<std::ptrdiff_t>(next), kScales.end(),
                                   [&](const Scale& scale) { return scale.unit == text.substr(0, length); });
    if (unit == kScales.end() || count > (INT64_MAX / 16) / unit->length.ns) return std::nullopt;
    next = static_cast<std::size_t>(unit - kScales.begin()) + 1;
    text.remove_prefix(length);
    total += unit->length * count;
  }
  return total;
}

std::string format_prometheus_duration(Duration duration) {
  std::string out;
  for (const Scale& scale : kScales) {
    const std::int64_t count = duration.ns / scale.length.ns;
    if (count == 0 || scale.unit == "y" || scale.unit == "w") continue;
    out += fmt::format("{}{}", count, scale.unit);
    duration.ns -= count * scale.length.ns;
  }
  return out.empty() ? "0s" : out;
}

Result<std::vector<PrometheusRule>, std::vector<Diagnostic>> read_rule_file(std::string_view text,
                                                                            const std::string& file_name) {
  std::vector<Diagnostic> diagnostics;
  const std::optional<Node> root = parse_yaml(text, diagnostics);
  std::vector<PrometheusRule> rules;
  if (root) rules = RuleReader(diagnostics).read(*root);
  if (!diagnostics.empty()) return failure(arranged(std::move(diagnostics), file_name));
  return rules;
}

Result<std::vector<PrometheusRule>, std::vector<Diagnostic>> load_rule_file(const std::string& path) {
  const std::optional<std::string> text = yaml_text(path);
  if (!text) return failure(whole_file(path, "cannot be opened; expected a rule file"));
  return read_rule_file(*text, path);
}

}  // namespace dvt::sim
