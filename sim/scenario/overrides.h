// `--set PATH=VALUE` applied to the node tree, before types are known. Private to sim/scenario.
#pragma once

#include <span>
#include <vector>

#include "sim/scenario/diagnostic.h"
#include "sim/scenario/node.h"
#include "sim/scenario/reader.h"

namespace dvt::sim {

/// Missing maps on the way are made; a scalar on the way gives place to a map. Diagnostics for values that are no YAML
/// and paths that lead nowhere; unknown names are found when the tree is read.
void apply_overrides(Node& root, std::span<const SetOverride> overrides, std::vector<Diagnostic>& diagnostics);

}  // namespace dvt::sim
