// What the tool says about its own language, from the tables that read it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dvt::sim {

/// JSON Schema (draft 2020-12) of scenario files, indented.
std::string json_schema();

/// There is no such topic; a sentence with the nearest one.
struct NoTopic {
  std::string message;
};

/// Topics: `scenario`, `scenario.KEY` (names may be filled in: scenario.faults.slow.factor), `study`, `study.KEY`,
/// `fault`, `fault KIND`, `distribution`, `objectives`, `objectives NAME`, `known-faults`, `traps`, `traps N`,
/// `assertions`, `units`, `exit-codes`. An empty topic lists them.
Result<std::string, NoTopic> explain(std::string_view topic);

/// A small scenario with comments, for `dvtsim init`.
std::string init_template();

}  // namespace dvt::sim
