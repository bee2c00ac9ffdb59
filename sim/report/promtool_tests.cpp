#include "sim/report/promtool_tests.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/format.h"
#include "engine/base/result.h"
#include "sim/report/sample_replay.h"
#include "sim/slo/alerts.h"

namespace dvt::sim {
namespace {

constexpr std::string_view kTimeOfDay = "dvt_adapter_last_heartbeat_seconds";

/// Why a rule has no test; empty: it has.
std::string untestable(const AlertRuleSpec& rule, Duration step) {
  if (rule.recording) return "a recording rule";
  if (!rule.reason.empty()) return rule.reason;
  if (rule.interval && *rule.interval != step) return "its group has an interval of its own";
  for (const auto& [name, value] : rule.labels)
    if (value.find("{{") != std::string::npos) return "its label " + name + " is a template";
  const promql::Expression expression(rule.expr);
  const bool reads_time = std::ranges::find(expression.metrics(), kTimeOfDay) != expression.metrics().end();
  if (expression.tells_time() != reads_time) return "it compares time() with something other than the heartbeat";
  return {};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

/// Values in promtool's notation: `a+0x3` is a four times, `_x3` is three times nothing.
class ValueText {
 public:
  void add(double value) {
    const bool absent = value != value;
    if (count_ > 0 && (absent ? value_ != value_ : value == value_)) {
      ++count_;
      return;
    }
    flush();
    value_ = value;
    count_ = 1;
  }
  std::string take() {
    flush();
    return std::move(out_);
  }

 private:
  void flush() {
    if (count_ == 0) return;
    if (!out_.empty()) out_ += ' ';
    if (value_ != value_) {
      out_ += count_ == 1 ? "_" : fmt::format("_x{}", count_);
    } else {
      out_ += fmt::format("{}", value_);
      if (count_ > 1) out_ += fmt::format("+0x{}", count_ - 1);
    }
    count_ = 0;
  }
  std::string out_;
  double value_ = 0;
  std::size_t count_ = 0;
};

using PagedAlerts = std::vector<LabelPairs>;  // the alerts of a rule that fire, sorted

/// What one rule is expected to do: the points at which something changed, the ones before, and the last.
struct Expectation {
  std::map<std::int64_t, PagedAlerts> points;  // by nanoseconds
  PagedAlerts now;
  std::int64_t last = -1;
};

void expect(Expectation& rule, PagedAlerts firing, Instant at) {
  std::ranges::sort(firing);
  if (rule.last < 0 || firing != rule.now) {
    if (rule.last >= 0) rule.points[rule.last] = rule.now;
    rule.points[at.ns] = firing;
  }
  rule.now = std::move(firing);
  rule.last = at.ns;
}

std::string label_map(const LabelPairs& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}: \"{}\"", out.size() > 1 ? ", " : "", name, escaped(value));
  return out + "}";
}

std::string at_text(std::int64_t ns) {
  return format_prometheus_duration(Duration{ns});
}

}  // namespace

PromtoolTests promtool_tests(RunFile& file) {
  const Duration step = recorded_interval(file);
  auto read = read_rule_file(file.meta("rules"), "rules");
  if (!read.has_value()) throw Error("the run's rules cannot be read: " + format(read.error()));
  PromtoolTests out;
  std::vector<AlertRuleSpec> tested;
  std::set<std::string, std::less<>> metrics;
  std::string comments;
  Duration reach = minutes(5);
  for (AlertRuleSpec& rule : exported_rules(std::move(read.value()), step)) {
    const std::string why = untestable(rule, step);
    if (!why.empty()) {
      comments += fmt::format("# without a test: {}: {}\n", rule.alert, why);
      ++out.left_out;
      continue;
    }
    const promql::Expression expression(rule.expr);
    metrics.insert(expression.metrics().begin(), expression.metrics().end());
    reach = std::max(reach, expression.reach());
    rule.annotations.clear();
    tested.push_back(std::move(rule));
  }
  out.tested = tested.size();
  out.rules = prometheus_rules(tested);

  // One pass: the values of the series that the rules read, and what fires.
  AlertEvaluator evaluator(tested, Instant{}, file.start());
  std::map<std::uint32_t, ValueText> values;
  std::vector<std::string> names;
  const auto shift = static_cast<double>(file.start().ns / 1'000'000'000);
  std::vector<RecordedSeries> series = file.series();
  std::vector<Expectation> expected(tested.size());
  replay_samples(file, reach, [&](const SeriesStore& store, Instant at) {
    for (std::uint32_t id = 0; id < series.size(); ++id) {
      if (!metrics.contains(series[id].name)) continue;
      const double value = store.value(store.rows() - 1, id);
      values[id].add(series[id].name == kTimeOfDay ? value - shift : value);
    }
    evaluator.step(store, at);
    for (std::size_t i = 0; i < tested.size(); ++i)
      expect(expected[i], evaluator.firing_labels(tested[i].name, tested[i].set), at);
  });
  for (Expectation& rule : expected)
    if (rule.last >= 0) rule.points[rule.last] = rule.now;

  const std::string interval = format_prometheus_duration(step);
  out.tests = comments + fmt::format(
                             "rule_files: [rules.yaml]\nevaluation_interval: {}\ntests:\n- interval: {}\n"
                             "  input_series:\n",
                             interval, interval);
  for (auto& [id, text] : values) {
    std::string labels;
    for (const auto& [name, value] : series[id].labels)
      if (!value.empty()) labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", name, escaped(value));
    std::string head;
    for (const char c : series[id].name + "{" + labels + "}") head += c == '\'' ? std::string("''") : std::string(1, c);
    out.tests += fmt::format("  - series: '{}'\n    values: '{}'\n", head, text.take());
  }
  // PagedAlerts of one name are asked for together: promtool gives all of them.
  std::map<std::pair<std::int64_t, std::string>, PagedAlerts> asked;
  for (std::size_t i = 0; i < tested.size(); ++i)
    for (const auto& [at, firing] : expected[i].points) asked.try_emplace({at, tested[i].alert});
  for (auto& [question, answer] : asked) {
    const auto& [at, alert] = question;
    for (std::size_t i = 0; i < tested.size(); ++i) {
      if (tested[i].alert != alert) continue;
      // What it was at that instant: as of the last point at or before.
      auto next = expected[i].points.upper_bound(at);
      if (next == expected[i].points.begin()) continue;
      const PagedAlerts& then = std::prev(next)->second;
      answer.insert(answer.end(), then.begin(), then.end());
    }
  }
  out.tests += "  alert_rule_test:\n";
  for (const auto& [question, answer] : asked) {
    const auto& [at, alert] = question;
    out.tests += fmt::format("  - eval_time: {}\n    alertname: \"{}\"\n", at_text(at), escaped(alert));
    ++out.checks;
    if (answer.empty()) continue;
    out.tests += "    exp_alerts:\n";
    for (const LabelPairs& labels : answer) out.tests += fmt::format("    - exp_labels: {}\n", label_map(labels));
  }
  return out;
}

}  // namespace dvt::sim
