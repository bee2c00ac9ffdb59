// The server's machine of one update: admitted, sent with a workflow task, accepted or rejected by the workflow code,
// completed. An update leaves no trace in the history before it is accepted, and none at all when it is rejected.
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class UpdateState : std::uint8_t { admitted, sent, accepted, completed, rejected, aborted };
enum class UpdateEvent : std::uint8_t { task_started, task_not_completed, accept, complete, reject, execution_closed };

inline constexpr std::array<TransitionRow<UpdateState, UpdateEvent>, 8> kUpdateTransitions{{
    {UpdateState::admitted, UpdateEvent::task_started, UpdateState::sent},
    {UpdateState::sent, UpdateEvent::task_not_completed, UpdateState::admitted},  // failed or timed out: sent again
    {UpdateState::sent, UpdateEvent::accept, UpdateState::accepted},
    {UpdateState::sent, UpdateEvent::reject, UpdateState::rejected},
    {UpdateState::accepted, UpdateEvent::complete, UpdateState::completed},
    {UpdateState::admitted, UpdateEvent::execution_closed, UpdateState::aborted},
    {UpdateState::sent, UpdateEvent::execution_closed, UpdateState::aborted},
    {UpdateState::accepted, UpdateEvent::execution_closed, UpdateState::aborted},
}};
using UpdateMachine = Machine<UpdateState, UpdateEvent, kUpdateTransitions>;

}  // namespace dvt::engine
