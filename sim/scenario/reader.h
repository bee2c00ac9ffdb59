// File → Scenario, and back. One function each way, on values: read_scenario() says everything that is wrong at once;
// write_resolved() writes every key with its value, so that a run can be repeated from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "sim/scenario/assertion.h"
#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// One `--set PATH=VALUE`. The value is a YAML scalar or flow value; applied in order, before anything is checked.
struct SetOverride {
  std::string path;
  std::string value;
};

/// Splits `PATH=VALUE` at the first `=`; the error is a sentence for people.
Result<SetOverride, std::string> parse_override(std::string_view argument);

/// Reads one scenario. `file_name` appears in messages and its folder is where relative paths start; nothing is opened.
/// The error list is never empty and has errors only, in file order. Takes bounded time and memory on any input.
Result<Scenario, std::vector<Diagnostic>> read_scenario(std::string_view text, std::string file_name,
                                                        std::span<const SetOverride> overrides = {});

/// The same from a file. Throws dvt::Error when it cannot be opened; a file over 1 MiB is a diagnostic.
Result<Scenario, std::vector<Diagnostic>> load_scenario(const std::string& file_name,
                                                        std::span<const SetOverride> overrides = {});

/// What `check` says beside errors: steps whose p99 exceeds their start-to-close timeout (known fault 8), kinds that
/// two warehouses run, fault windows and operations after the end, exceptions without a reason …
std::vector<Diagnostic> scenario_warnings(const Scenario& scenario);

/// The sentence of known fault 8 when such a step's p99 exceeds its start-to-close timeout; for plans that are resolved
/// later (files, dbt projects).
std::optional<std::string> timeout_warning(const Scenario& scenario, std::string_view kind, std::string_view size,
                                           std::string_view materialization);

/// The paths that any result of this scenario has: objectives, runs, store, pauses, budget, cost, faults, counts. The
/// caller adds what it knows better: alerts (`alerts.<rule>.fired` …), invariants, metrics.
PathCatalogue path_catalogue(const Scenario& scenario);

/// Adds `alerts.<rule>.{fired,detection,false_alarms,first_firing}`, and `alerts.<set>/<rule>.…` too.
void add_alert(PathCatalogue& catalogue, std::string_view rule_set, std::string_view rule);
/// Adds `invariants.<name>.violations`.
void add_invariant(PathCatalogue& catalogue, std::string_view name);

/// Unknown paths and metrics in the assertions, with their positions.
std::vector<Diagnostic> check_assertions(const Scenario& scenario, const PathCatalogue& catalogue);

/// The whole scenario as YAML, every key written. Read back as `target_file` it gives an equal Scenario: file paths are
/// made relative to that file's folder.
std::string write_resolved(const Scenario& scenario, std::string_view target_file);

/// A built-in objective (domain §13).
struct ObjectiveInfo {
  std::string_view name;
  std::string_view metric;
  std::string_view measured;  // from → to
  std::string_view target;
  std::string_view alert;  // empty: none
  ValueKind observed;
};
/// In the order of domain §13.
std::span<const ObjectiveInfo> builtin_objectives();

}  // namespace dvt::sim
