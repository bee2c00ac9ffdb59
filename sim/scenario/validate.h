// Checks among sections: names that refer to others, plans, windows of time, disk faults. Private to sim/scenario; they
// run on a scenario whose keys were all read, well or not.
#pragma once

#include "sim/scenario/node.h"
#include "sim/scenario/reading.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// Reports at the place of the node that a message is about. `root` is the tree the scenario was read from.
void validate(const Scenario& scenario, const Node& root, Reading& reading);

/// The parts, one file each.
void validate_plans(const Scenario& scenario, const Node& root, Reading& reading);
void validate_operations(const Scenario& scenario, const Node& root, Reading& reading);

/// The node at a path, as deep as it exists. Parts are keys or indices.
const Node& node_at(const Node& root, std::initializer_list<std::string_view> parts);

/// Records an error at a path.
void error_at(Reading& reading, const Node& root, std::initializer_list<std::string_view> parts, std::string message);

}  // namespace dvt::sim
