// The life of one signal at an execution: received, delivered with a workflow task that started after it, applied when
// that task completed (domain §7 measures this moment), or lost because the execution closed first.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class SignalState : std::uint8_t { received, delivered, applied, lost };
enum class SignalEvent : std::uint8_t { task_started, task_completed, task_not_completed, execution_closed };

inline constexpr std::array<TransitionRow<SignalState, SignalEvent>, 5> kSignalTransitions{{
    {SignalState::received, SignalEvent::task_started, SignalState::delivered},
    {SignalState::delivered, SignalEvent::task_completed, SignalState::applied},
    {SignalState::delivered, SignalEvent::task_not_completed, SignalState::received},  // failed or timed out: again
    {SignalState::received, SignalEvent::execution_closed, SignalState::lost},
    {SignalState::delivered, SignalEvent::execution_closed, SignalState::lost},
}};
using SignalMachine = Machine<SignalState, SignalEvent, kSignalTransitions>;

}  // namespace dvt::engine
