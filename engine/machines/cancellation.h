// A native cancel request of an execution: recorded once; the workflow code decides what it becomes.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class CancellationState : std::uint8_t { none, requested };
enum class CancellationEvent : std::uint8_t { request };

inline constexpr std::array<TransitionRow<CancellationState, CancellationEvent>, 1> kCancellationTransitions{{
    {CancellationState::none, CancellationEvent::request, CancellationState::requested},
}};
using CancellationMachine = Machine<CancellationState, CancellationEvent, kCancellationTransitions>;

}  // namespace dvt::engine
