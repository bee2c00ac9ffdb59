// A schedule: active, or paused by an operator or by a failure of what it started.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class ScheduleState : std::uint8_t { active, paused };
enum class ScheduleEvent : std::uint8_t { pause, unpause };

inline constexpr std::array<TransitionRow<ScheduleState, ScheduleEvent>, 2> kScheduleTransitions{{
    {ScheduleState::active, ScheduleEvent::pause, ScheduleState::paused},
    {ScheduleState::paused, ScheduleEvent::unpause, ScheduleState::active},
}};
using ScheduleMachine = Machine<ScheduleState, ScheduleEvent, kScheduleTransitions>;

}  // namespace dvt::engine
