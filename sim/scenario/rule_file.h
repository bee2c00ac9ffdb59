// Rule files of Prometheus (`groups`, `rules`), as `alerts.files` names them. The YAML front end is the scenario's own,
// so anchors, aliases, duplicate keys and excess are refused with their place. Expressions stay text here: whether one
// can be evaluated is the reader of expressions' business (sim/slo/promql_expr.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/scenario/diagnostic.h"

namespace dvt::sim {

using RuleLabels = std::vector<std::pair<std::string, std::string>>;  // in written order, names distinct

struct PrometheusRule {
  std::string group;
  std::optional<Duration> interval;  // of the group; absent: the global one
  bool recording = false;
  std::string name;  // `alert` or `record`
  std::string expr;
  Duration hold;         // `for`
  Duration keep_firing;  // `keep_firing_for`
  RuleLabels labels;
  RuleLabels annotations;
  std::uint32_t line = 0;  // where the expression stands in the file
  std::uint32_t column = 0;
};

/// A duration as Prometheus writes it: units y w d h m s ms in falling order, each once, such as `1h30m`; or `0`.
std::optional<Duration> parse_prometheus_duration(std::string_view text);
/// The shortest such text; `0s` for zero.
std::string format_prometheus_duration(Duration duration);

/// Reads one rule file. Every error has its place; the list is never empty and in file order.
Result<std::vector<PrometheusRule>, std::vector<Diagnostic>> read_rule_file(std::string_view text,
                                                                            const std::string& file_name);
/// The same from a file; one that cannot be opened or is over 1 MiB is a diagnostic too.
Result<std::vector<PrometheusRule>, std::vector<Diagnostic>> load_rule_file(const std::string& path);

}  // namespace dvt::sim
