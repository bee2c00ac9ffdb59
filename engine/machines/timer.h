// The server's machine of a workflow timer: it fires once or is cancelled, never both.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class TimerState : std::uint8_t { running, fired, cancelled };
enum class TimerEvent : std::uint8_t { fire, cancel };

inline constexpr std::array<TransitionRow<TimerState, TimerEvent>, 2> kTimerTransitions{{
    {TimerState::running, TimerEvent::fire, TimerState::fired},
    {TimerState::running, TimerEvent::cancel, TimerState::cancelled},
}};
using TimerMachine = Machine<TimerState, TimerEvent, kTimerTransitions>;

}  // namespace dvt::engine
