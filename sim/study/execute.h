// Runs one scenario from its values to its verdict: what `run`, `test` and studies share.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/scenario/reader.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/verdict.h"
#include "sim/world/world.h"

namespace dvt::sim {

struct ExecuteOptions {
  WorldOptions world;
  std::string reproduce;  // the command line that repeats the run
  /// Told of the world once it is built, and null when it is gone: for interruption.
  std::function<void(World*)> on_world;
};

struct Executed {
  Verdict verdict;
  bool interrupted = false;
  std::vector<std::string> warnings;
};

/// Throws dvt::Error when the scenario's files are unusable (before the run) and std::exception for what goes wrong in
/// it.
Executed execute(const Scenario& scenario, ExecuteOptions options);

/// Reads a scenario and everything it names (plans, workflows, assertion paths), with its overrides: what is wrong, all
/// of it, or a scenario that can be run. Throws dvt::Error when the file cannot be opened.
Result<Scenario, std::vector<Diagnostic>> read_runnable(const std::string& file,
                                                        std::span<const SetOverride> overrides);

/// The command line that repeats a run of `scenario`.
std::string reproduce_line(const Scenario& scenario, const std::vector<std::string>& sets, const std::string& store);

}  // namespace dvt::sim
