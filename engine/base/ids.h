// Strong ids. Inside the simulator runs, plans, steps and tenants are dense integers (cheap keys, small rows);
// their text forms (UUIDs, plan ids, step ids) are looked up at the edges.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace dvt {

template <class Tag, class Rep = std::uint32_t>
struct Id {
  Rep value = 0;
  constexpr auto operator<=>(const Id&) const = default;
};

/// Arrival index of a run, from 0. Every random draw of a run is keyed by it.
using RunOrdinal = Id<struct RunOrdinalTag>;
/// Index of a plan in the world's plan catalogue, from 0.
using PlanOrdinal = Id<struct PlanOrdinalTag>;
/// Index of a step in its plan's declaration order, from 0.
using StepIndex = Id<struct StepIndexTag>;
using TenantOrdinal = Id<struct TenantOrdinalTag>;

/// Stands where an event concerns the run and no step.
inline constexpr StepIndex kNoStep{std::numeric_limits<std::uint32_t>::max()};

}  // namespace dvt
