// The order in which a plan's steps run: dependencies as indices, and the layers of the production interpreter
// (domain §6). Pure functions of a valid plan; equal plans give equal layers.
#pragma once

#include <vector>

#include "engine/plan/plan.h"

namespace dvt::engine {

/// For each step the steps it waits for, in the order written, repetitions once. Dependencies that do not exist, and a
/// step's dependency on itself, are left out (validate() names them).
std::vector<std::vector<StepIndex>> dependencies(const Plan& plan);

/// What each step waits for when it runs: its dependencies, or, in a plan without any `depends_on`, the step before it
/// (domain §6). Precondition: validate(plan) is empty.
std::vector<std::vector<StepIndex>> run_dependencies(const Plan& plan);

/// Without any `depends_on`: one step per layer in declaration order. Otherwise Kahn's frontiers, each in declaration
/// order, repeated dependencies counted once (domain §6). A plan without steps has no layers.
/// Precondition: validate(plan) is empty.
std::vector<std::vector<StepIndex>> layers(const Plan& plan);

/// Kahn's frontiers of a dependency table. Steps on a cycle, or behind one, are in none of them.
std::vector<std::vector<StepIndex>> frontiers(const std::vector<std::vector<StepIndex>>& dependencies);

}  // namespace dvt::engine
