// What a verdict rests on: the parameters that decide most of the figures, their values, and where each comes from.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/scenario.h"

namespace dvt::sim {

struct Assumption {
  std::string path;    // topology.stateStore.writeLatency
  std::string value;   // p50 2 ms, p99 8 ms
  std::string feeds;   // the objective that mostly repeats or depends on it
  std::string origin;  // measured, assumed, default; `scenario` when it was set and not marked
};

std::vector<Assumption> assumptions(const Scenario& scenario);

}  // namespace dvt::sim
