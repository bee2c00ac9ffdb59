// Fibers: sequential code in virtual time (workflow code, users' activity code). Two ways to run one:
// *queued* (spawn_queued, wake, sleep_for, join: the kernel runs it when its turn comes) and *stepped* (spawn + run:
// the caller, on the main stack, runs it until it parks or ends; a workflow task does this).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/time.h"

namespace dvt {

struct FiberId {
  std::uint64_t value = 0;  // 0: none
  constexpr bool operator==(const FiberId&) const = default;
  explicit constexpr operator bool() const { return value != 0; }
};

/// Thrown out of park() in a fiber that is being killed. Never swallow it; destructors that run during the
/// unwinding must emit no commands and no metrics. Not derived from std::exception on purpose.
struct FiberKilled {};

class Fibers {
 public:
  virtual ~Fibers() = default;

  /// Creates a fiber that has not started. `body` must not outlive what it captures.
  virtual FiberId spawn(std::string name, std::function<void()> body) = 0;
  /// Creates a fiber and puts it into the ready queue.
  virtual FiberId spawn_queued(std::string name, std::function<void()> body) = 0;

  /// From the main stack: runs a new or parked fiber until it parks or ends. True while it is alive.
  /// An exception that leaves the body (other than FiberKilled) is rethrown here.
  virtual bool run(FiberId fiber) = 0;
  /// Puts a parked fiber into the ready queue; nothing if it is ready, running or ended already.
  virtual void wake(FiberId fiber) = 0;
  /// Throws FiberKilled out of the fiber's park() and runs it to its end before returning (main stack only).
  /// A fiber that never started is discarded. Nothing if it ended already.
  virtual void kill(FiberId fiber) = 0;
  virtual bool alive(FiberId fiber) const = 0;

  /// From inside a fiber: waits to be woken or run. `waits_for` (a literal) is printed in deadlock reports.
  virtual void park(const char* waits_for) = 0;
  virtual void sleep_for(Duration duration) = 0;
  /// From inside a fiber: waits until `fiber` ended.
  virtual void join(FiberId fiber) = 0;
  /// The running fiber; none on the main stack.
  virtual FiberId current() const = 0;
};

}  // namespace dvt
