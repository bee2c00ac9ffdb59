// Worker processes as faults see them, whatever provider they work for.
#pragma once

#include <cstdint>

#include "engine/base/function.h"
#include "engine/ports/fault_point.h"

namespace dvt {

class WorkerProcesses {
 public:
  virtual ~WorkerProcesses() = default;
  /// Workers are numbered over all queues. Nothing when it is up.
  virtual void start(std::uint32_t worker) = 0;
  /// The process dies at once. Nothing when it is down.
  virtual void kill(std::uint32_t worker) = 0;
  virtual bool up(std::uint32_t worker) const = 0;

  // Faults that leave the process alive. Whoever begins one ends it; the process's death ends it too.
  /// It keeps what it holds and does nothing; heartbeats, sent by a thread of their own, go on.
  virtual void stall(std::uint32_t /*worker*/, bool /*on*/) {}
  /// Time stops for it: its heartbeats stop as well.
  virtual void pause(std::uint32_t /*worker*/, bool /*on*/) {}
  /// The heartbeats of its activities do not arrive.
  virtual void drop_heartbeats(std::uint32_t /*worker*/, bool /*on*/) {}
  /// The server takes it for dead and forgets it, and another process comes in its place (start); the old one works on
  /// what it holds, and cannot tell anybody before release_zombies().
  virtual void cut_off(std::uint32_t worker) { kill(worker); }
  virtual void release_zombies(std::uint32_t /*worker*/) {}
  /// It takes no more work, and is down once it holds none. `down` is called then; never when it dies before.
  virtual void drain(std::uint32_t /*worker*/, Callback /*down*/) {}
  /// Nothing passes between the workers and their server: it waits. Heartbeats are lost.
  virtual void unreachable(bool /*on*/) {}
  /// What passes takes so much longer. Null: it does not. Not owned.
  virtual void set_scale(const LatencyScale* /*scale*/) {}
  /// Whether those that strike one worker have an effect.
  virtual bool has_process_faults() const { return false; }
};

}  // namespace dvt
