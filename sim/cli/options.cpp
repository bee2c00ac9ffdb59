#include "sim/cli/options.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "sim/check/invariants.h"
#include "sim/import/plan_source.h"
#include "sim/slo/result_paths.h"
#include "sim/world/workflow_plans.h"

namespace dvt::sim::cli {
namespace {
// Static initialisation runs within a millisecond of the process's start.
const std::chrono::steady_clock::time_point g_process_start = std::chrono::steady_clock::now();
}  // namespace

double seconds_since_start() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - g_process_start).count();
}

bool CommonOptions::colored() const {
  if (color == "always") return true;
  if (color == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDOUT_FILENO) == 1;
}

std::vector<SetOverride> parse_overrides(const std::vector<std::string>& arguments) {
  std::vector<SetOverride> overrides;
  for (const std::string& argument : arguments) {
    auto parsed = parse_override(argument);
    if (!parsed.has_value()) throw Error("--set " + argument + ": " + parsed.error());
    overrides.push_back(std::move(parsed.value()));
  }
  return overrides;
}

std::optional<Scenario> read_checked(const std::string& file, std::span<const SetOverride> overrides,
                                     const CommonOptions& common) {
  auto read = load_scenario(file, overrides);
  if (!read.has_value()) {
    std::fputs(format(read.error()).c_str(), stderr);
    return std::nullopt;
  }
  Scenario scenario = std::move(read.value());
  std::vector<Diagnostic> wrong = check_workflows(scenario);
  for (Diagnostic& one : check_plan_files(scenario)) wrong.push_back(std::move(one));
  for (Diagnostic& one : check_assertions(scenario, result_paths(scenario, invariant_names())))
    wrong.push_back(std::move(one));
  if (!wrong.empty()) {
    std::fputs(format(wrong).c_str(), stderr);
    return std::nullopt;
  }
  if (!common.quiet) std::fputs(format(scenario_warnings(scenario)).c_str(), stderr);
  return scenario;
}

}  // namespace dvt::sim::cli
