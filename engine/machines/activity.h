// The server's machine of one activity (spec: Temporal histories, "Timeouts and retries"). An attempt that fails in a
// retryable way goes through backing_off to scheduled again; only the last attempt leaves events in the history.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class ActivityState : std::uint8_t { scheduled, started, backing_off, closed };
enum class ActivityEvent : std::uint8_t { dispatched, closed, retry_decided, retry_due };

inline constexpr std::array<TransitionRow<ActivityState, ActivityEvent>, 6> kActivityTransitions{{
    {ActivityState::scheduled, ActivityEvent::dispatched, ActivityState::started},
    {ActivityState::scheduled, ActivityEvent::closed, ActivityState::closed},  // schedule-to-* timeout, cancel
    {ActivityState::started, ActivityEvent::closed, ActivityState::closed},
    {ActivityState::started, ActivityEvent::retry_decided, ActivityState::backing_off},
    {ActivityState::backing_off, ActivityEvent::retry_due, ActivityState::scheduled},
    {ActivityState::backing_off, ActivityEvent::closed, ActivityState::closed},
}};
using ActivityMachine = Machine<ActivityState, ActivityEvent, kActivityTransitions>;

}  // namespace dvt::engine
