// Shared by the scenario tests: a small valid scenario, reading shortcuts, and the reference file of the language.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/reader.h"

namespace dvt::sim::test {

inline constexpr std::string_view kSmall = R"(apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: small}
duration: 2h
workload:
  plans:
    small: {weight: 8, steps: [{stepId: a, kind: dbt, size: small}, {stepId: b, kind: dbt, dependsOn: [a]}]}
    wide: {synthetic: {steps: 40, layers: 8, kind: spark, size: medium}}
  arrivals: {rate: 35/m}
)";

using ReadResult = Result<Scenario, std::vector<Diagnostic>>;

inline ReadResult read(std::string_view text, const std::vector<SetOverride>& sets = {}) {
  return read_scenario(text, "s.yaml", sets);
}

/// The small scenario with more lines at its end.
inline std::string small_and(std::string_view more) {
  return std::string(kSmall) + std::string(more) + "\n";
}

/// Reads what must be right; a failure prints the diagnostics.
inline Scenario must_read(std::string_view text, const std::vector<SetOverride>& sets = {}) {
  auto result = read(text, sets);
  if (!result.has_value()) {
    ADD_FAILURE() << format(result.error());
    return {};
  }
  return std::move(result.value());
}

/// Every diagnostic of a text that must be wrong, one a line.
inline std::string errors_of(std::string_view text, const std::vector<SetOverride>& sets = {}) {
  const auto result = read(text, sets);
  if (result.has_value()) return "";
  return format(result.error());
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The reference file of the scenario language, unchanged.
inline std::string reference() {
  return read_file(std::string(DVT_TEST_DATA) + "/reference.yaml");
}

/// The same without the entries whose models do not exist yet.
inline std::string modelled_reference() {
  std::istringstream lines(reference());
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    bool drop = false;
    for (std::string_view start : {"  scale:  {on", "releases:"}) drop = drop || line.starts_with(start);
    if (!drop) out += line + "\n";
  }
  return out;
}

}  // namespace dvt::sim::test
