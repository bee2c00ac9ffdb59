// The server's machine of an execution's workflow task: one is outstanding at most (spec: "Ordering rules").
#pragma once

#include <cstdint>

#include "engine/machines/machine.h"

namespace dvt::engine {

enum class WorkflowTaskState : std::uint8_t { none, scheduled, started };
enum class WorkflowTaskEvent : std::uint8_t { schedule, start, complete, fail, time_out };

inline constexpr std::array<TransitionRow<WorkflowTaskState, WorkflowTaskEvent>, 6> kWorkflowTaskTransitions{{
    {WorkflowTaskState::none, WorkflowTaskEvent::schedule, WorkflowTaskState::scheduled},
    {WorkflowTaskState::scheduled, WorkflowTaskEvent::start, WorkflowTaskState::started},
    {WorkflowTaskState::scheduled, WorkflowTaskEvent::time_out, WorkflowTaskState::none},  // sticky schedule-to-start
    {WorkflowTaskState::started, WorkflowTaskEvent::complete, WorkflowTaskState::none},
    {WorkflowTaskState::started, WorkflowTaskEvent::fail, WorkflowTaskState::none},
    {WorkflowTaskState::started, WorkflowTaskEvent::time_out, WorkflowTaskState::none},
}};
using WorkflowTaskMachine = Machine<WorkflowTaskState, WorkflowTaskEvent, kWorkflowTaskTransitions>;

}  // namespace dvt::engine
