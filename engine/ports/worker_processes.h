// Worker processes as faults see them, whatever provider they work for.
#pragma once

#include <cstdint>

namespace dvt {

class WorkerProcesses {
 public:
  virtual ~WorkerProcesses() = default;
  /// Workers are numbered over all queues. Nothing when it is up.
  virtual void start(std::uint32_t worker) = 0;
  /// The process dies at once. Nothing when it is down.
  virtual void kill(std::uint32_t worker) = 0;
  virtual bool up(std::uint32_t worker) const = 0;
};

}  // namespace dvt
