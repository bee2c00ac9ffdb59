// From a failing run to the smallest scenario that still fails the same way: fewer faults, operations, signals, plans,
// runs; less time; the topology's defaults.
#pragma once

#include <functional>
#include <string>

#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// How a run fails, as far as it must stay the same: the exit code and the name of the first invariant or assertion.
struct Failure {
  int exit_code = 0;
  std::string what;  // `invariant NAME`, or the assertion's text; an internal error's message up to its figures
  bool operator==(const Failure&) const = default;
};

/// Runs a scenario under its own seed.
Failure failure_of(const Scenario& scenario);

struct ShrinkResult {
  Scenario scenario;
  Failure failure;
  std::size_t runs = 0;  // tried on the way
  bool complete = true;  // false: stopped before nothing more could be left out
};

/// `scenario` fails with `failure`. Never grows anything; ends when no single step makes it smaller, or when `go_on`
/// says no. The result has, as its only assertion, the one that fails (of an invariant: that it has no violations).
ShrinkResult shrink(const Scenario& scenario, const Failure& failure, const std::function<bool()>& go_on);

}  // namespace dvt::sim
