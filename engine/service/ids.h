// Names of things inside the service.
#pragma once

#include <compare>
#include <cstdint>

#include "engine/base/ids.h"

namespace dvt::engine {

/// Index of a worker over all task queues; `epoch` counts its lives, so that answers of a dead life are recognised.
struct WorkerRef {
  std::uint32_t worker = 0;
  std::uint32_t epoch = 0;
  constexpr bool operator==(const WorkerRef&) const = default;
};

/// One execution: a run, its place in the continue-as-new chain, from 0, and, for the executions that a run's workflow
/// started as its children (and theirs), the child's number within the run's tree, in the order of their initiation.
struct ExecutionKey {
  RunOrdinal run;
  std::uint32_t chain = 0;
  std::uint32_t child = 0;  // 0: the run's own execution
  constexpr bool operator==(const ExecutionKey&) const = default;
  /// Names the chain of executions: one of them is open at most. For random draws too; a run's own is its ordinal.
  constexpr std::uint64_t stream() const { return run.value | std::uint64_t{child} << 32; }
};

/// Proves that an answer belongs to the workflow task the server waits for.
struct WorkflowTaskToken {
  ExecutionKey execution;
  std::uint32_t task = 0;  // ordinal of the task within the execution
  WorkerRef worker;
};

struct ActivityTaskToken {
  ExecutionKey execution;
  std::uint32_t scheduled = 0;  // event id of ActivityTaskScheduled
  std::uint32_t attempt = 1;
  WorkerRef worker;
};

}  // namespace dvt::engine
