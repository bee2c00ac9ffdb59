// The parent's machine of one child workflow: asked for, started, closed. Closes come from the child's own chain.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class ChildState : std::uint8_t { initiated, started, closed };
enum class ChildEvent : std::uint8_t { start, start_failed, close };

inline constexpr std::array<TransitionRow<ChildState, ChildEvent>, 3> kChildTransitions{{
    {ChildState::initiated, ChildEvent::start, ChildState::started},
    {ChildState::initiated, ChildEvent::start_failed, ChildState::closed},
    {ChildState::started, ChildEvent::close, ChildState::closed},
}};
using ChildMachine = Machine<ChildState, ChildEvent, kChildTransitions>;

}  // namespace dvt::engine
