#include "sim/scenario/openslo.h"

#include <optional>
#include <string>

#include "engine/base/format.h"
#include "sim/scenario/node.h"
#include "sim/scenario/scalars.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {

namespace {

/// `metric{label="value", other="x"}`: a plain selector, as labels in `status=failed,other=x` form.
struct Selected {
  std::string metric;
  std::string labels;
};
std::optional<Selected> selector(std::string_view query) {
  const auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
  };
  Selected out;
  std::size_t at = 0;
  while (at < query.size() && is_name(query[at])) ++at;
  out.metric = std::string(query.substr(0, at));
  if (out.metric.empty()) return std::nullopt;
  if (at == query.size()) return out;
  if (query[at] != '{' || query.back() != '}') return std::nullopt;
  for (const char c : query.substr(at + 1, query.size() - at - 2)) {
    if (c == '~' || c == '!' || c == '{' || c == '}') return std::nullopt;  // only equality
    if (c != ' ' && c != '"') out.labels += c;
  }
  return out;
}

class OpenSlo {
 public:
  OpenSlo(std::string file, std::vector<Diagnostic>& wrong) : file_(std::move(file)), wrong_(wrong) {}

  std::vector<ObjectiveSpec> read() {
    const std::optional<std::string> text = yaml_text(file_);
    if (!text) {
      error({}, "", "cannot be read");
      return {};
    }
    std::vector<Diagnostic> syntax;
    const auto root = parse_yaml(*text, syntax);
    for (Diagnostic& one : syntax) {
      one.file = file_;
      wrong_.push_back(std::move(one));
    }
    if (!root || !wrong_.empty()) return {};
    expect_word(*root, "apiVersion", "openslo/v1");
    expect_word(*root, "kind", "SLO");
    const Node* metadata = need(*root, "metadata");
    const Node* name = metadata == nullptr ? nullptr : need(*metadata, "name");
    const Node* spec = need(*root, "spec");
    if (name == nullptr || spec == nullptr) return {};
    if (!is_name(name->text))
      error(name->mark, "metadata.name", fmt::format("expected a name, found {}", describe(*name)));
    common_.name = name->text;
    common_.source = {name->mark.line, name->mark.column};
    window(*spec);
    budgeting(*spec);
    indicator(*spec);
    return objectives(*spec);
  }

 private:
  void error(Mark mark, std::string path, std::string message) {
    Diagnostic one;
    one.file = file_;
    one.line = mark.line;
    one.column = mark.column;
    one.path = std::move(path);
    one.message = std::move(message);
    wrong_.push_back(std::move(one));
  }
  const Node* need(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (found == nullptr) error(node.mark, "", fmt::format("\"{}\" is missing", key));
    return found;
  }
  void expect_word(const Node& node, std::string_view key, std::string_view word) {
    const Node* found = need(node, key);
    if (found != nullptr && !found->is_word(word))
      error(found->mark, std::string(key), fmt::format("expected {}, found {}", word, describe(*found)));
  }

  void window(const Node& spec) {
    const Node* windows = need(spec, "timeWindow");
    if (windows == nullptr) return;
    if (!windows->is_sequence() || windows->items.size() != 1)
      return error(windows->mark, "spec.timeWindow", "expected a list of one window");
    const Node& one = windows->items.front();
    if (const Node* calendar = one.find("calendar"))
      return error(calendar->mark, "spec.timeWindow",
                   "calendar windows belong to budgetPolicy; expected a rolling one");
    if (const Node* rolling = one.find("isRolling"); rolling != nullptr && !rolling->is_word("true"))
      return error(rolling->mark, "spec.timeWindow", "expected isRolling: true");
    const Node* duration = need(one, "duration");
    if (duration == nullptr) return;
    const auto parsed = parse_duration(duration->text);
    if (!parsed.has_value() || parsed.value() <= Duration{})
      return error(duration->mark, "spec.timeWindow.duration",
                   fmt::format("expected a duration such as 30d, found {}", describe(*duration)));
    common_.window = parsed.value();
  }

  void budgeting(const Node& spec) {
    const Node* method = spec.find("budgetingMethod");
    if (method == nullptr || method->is_word("Occurrences")) return;
    if (method->is_word("Timeslices")) {
      common_.budgeting = Budgeting::timeslices;
      return;
    }
    error(method->mark, "spec.budgetingMethod",
          fmt::format("expected Occurrences or Timeslices, found {}", describe(*method)));
  }

  std::optional<Selected> query_of(const Node& metric, const char* path) {
    const Node* node = metric.find("metricSource");
    if (node != nullptr) node = node->find("spec");
    if (node != nullptr) node = node->find("query");
    if (node == nullptr || !node->is_scalar()) {
      error(metric.mark, path, "expected metricSource.spec.query");
      return std::nullopt;
    }
    auto selected = selector(node->text);
    if (!selected)
      error(node->mark, path,
            fmt::format("expected a plain selector such as dvt_runs_completed_total{{status=\"failed\"}}, found {}",
                        describe(*node)));
    return selected;
  }

  void indicator(const Node& spec) {
    const Node* node = need(spec, "indicator");
    const Node* inner = node == nullptr ? nullptr : need(*node, "spec");
    if (inner == nullptr) return;
    if (const Node* threshold = inner->find("thresholdMetric")) {
      by_threshold_ = true;
      const auto selected = query_of(*threshold, "spec.indicator.spec.thresholdMetric");
      if (!selected) return;
      if (!selected->labels.empty())
        error(threshold->mark, "spec.indicator.spec.thresholdMetric",
              "a threshold is judged over all labels of a metric");
      common_.metric = selected->metric;
      return;
    }
    const Node* ratio = inner->find("ratioMetric");
    if (ratio == nullptr) return error(inner->mark, "spec.indicator.spec", "expected thresholdMetric or ratioMetric");
    const Node* bad = ratio->find("bad");
    if (bad == nullptr)
      return error(ratio->mark, "spec.indicator.spec.ratioMetric", "expected bad and total: good is not read");
    const Node* total = need(*ratio, "total");
    if (total == nullptr) return;
    const auto of_bad = query_of(*bad, "spec.indicator.spec.ratioMetric.bad");
    const auto of_total = query_of(*total, "spec.indicator.spec.ratioMetric.total");
    if (!of_bad || !of_total) return;
    if (of_bad->metric != of_total->metric || !of_total->labels.empty() || of_bad->labels.empty())
      return error(ratio->mark, "spec.indicator.spec.ratioMetric",
                   "expected total to be a metric without labels, and bad the same metric with labels");
    common_.metric = of_total->metric;
    common_.bad = of_bad->labels;
  }

  std::optional<Share> target_of(const Node& objective) {
    const Node* target = objective.find("target");
    const bool percents = target == nullptr;
    if (percents) target = objective.find("targetPercent");
    if (target == nullptr) {
      error(objective.mark, "spec.objectives", "\"target\" is missing");
      return std::nullopt;
    }
    const auto parsed = parse_share(percents ? target->text + "%" : target->text);
    if (!parsed.has_value()) {
      error(target->mark, "spec.objectives.target", parsed.error() + fmt::format(", found {}", describe(*target)));
      return std::nullopt;
    }
    return parsed.value();
  }

  std::vector<ObjectiveSpec> objectives(const Node& spec) {
    std::vector<ObjectiveSpec> out;
    const Node* list = need(spec, "objectives");
    if (list == nullptr) return out;
    if (!list->is_sequence() || list->items.empty()) {
      error(list->mark, "spec.objectives", "expected a list of objectives");
      return out;
    }
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& one = list->items[i];
      ObjectiveSpec objective = common_;
      if (list->items.size() > 1) objective.name += fmt::format("-{}", i + 1);
      if (const auto target = target_of(one)) objective.target = *target;
      if (by_threshold_) {
        if (const Node* op = one.find("op"); op == nullptr || !op->is_word("lte"))
          error(one.mark, "spec.objectives.op", "expected op: lte: what equals its threshold is good");
        if (const Node* value = need(one, "value")) objective.threshold = value->text;
      }
      if (const Node* slice = one.find("timeSliceWindow")) {
        const auto parsed = parse_duration(slice->text);
        if (!parsed.has_value() || parsed.value() <= Duration{})
          error(slice->mark, "spec.objectives.timeSliceWindow",
                fmt::format("expected a duration such as 1m, found {}", describe(*slice)));
        else
          objective.slice = parsed.value();
      }
      if (const Node* slice_target = one.find("timeSliceTarget"))
        error(slice_target->mark, "spec.objectives.timeSliceTarget", "a slice is judged by the objective's own target");
      out.push_back(std::move(objective));
    }
    return out;
  }

  std::string file_;
  std::vector<Diagnostic>& wrong_;
  ObjectiveSpec common_;
  bool by_threshold_ = false;
};

}  // namespace

std::vector<Diagnostic> add_objectives_of_file(Scenario& scenario) {
  std::vector<Diagnostic> wrong;
  if (scenario.objectives.file.empty()) return wrong;
  std::vector<ObjectiveSpec> read = OpenSlo(scenario.objectives.file.path, wrong).read();
  if (wrong.empty())
    for (ObjectiveSpec& one : read) scenario.objectives.added.push_back(std::move(one));
  return wrong;
}

}  // namespace dvt::sim
