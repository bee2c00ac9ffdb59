// WorkflowContext: all that workflow code sees. The code runs on a fiber, reads like sequential C++ and must be
// deterministic: time, randomness, waiting and effects only through this class. On replay the same calls are answered
// from the history.
//
// Errors reach workflow code as exceptions: ActivityFailure (execute_activity), CancelledFailure (a native cancel
// request reached a waiting call). What leaves the workflow function decides the execution: a return value completes
// it, CancelledFailure cancels it, WorkflowFailure and ActivityFailure fail it, anything else fails the workflow
// *task*, which the server retries. FiberKilled must never be caught.
//
// Code that calls on and on without waiting (a loop until now() has moved, a loop while !ready()) is stopped after a
// budget of calls, and its task fails as a potential deadlock. A loop that calls nothing cannot be interrupted: it
// holds the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "engine/ports/fibers.h"
#include "engine/ports/random.h"
#include "engine/service/ids.h"
#include "engine/workflow/commands.h"

namespace dvt::engine {

class WorkflowInstance;

/// Names one activity started by this execution.
struct ActivityHandle {
  std::uint32_t activity_id = 0;
};

struct ActivityResult {
  bool ok = false;
  Payload value;       // of a completed activity; null for void
  FailureRef failure;  // set when !ok
};

class ActivityFailure : public std::exception {
 public:
  explicit ActivityFailure(FailureRef failure) : failure_(std::move(failure)) {}
  const char* what() const noexcept override { return failure_->message.c_str(); }
  const FailureRef& failure() const { return failure_; }

 private:
  FailureRef failure_;
};

class CancelledFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "the workflow was cancelled"; }
};

class WorkflowFailure : public std::exception {
 public:
  explicit WorkflowFailure(FailureRef failure) : failure_(std::move(failure)) {}
  const char* what() const noexcept override { return failure_->message.c_str(); }
  const FailureRef& failure() const { return failure_; }

 private:
  FailureRef failure_;
};

/// Thrown by continue_as_new() to leave the workflow function; WorkflowInstance turns it into the command. Not derived
/// from std::exception, so that workflow code does not catch it by accident.
struct ContinueAsNewThrown {
  Payload input;
  std::source_location where;
};

/// Thrown out of a call in a signal handler that goes on for ever. Not derived from std::exception, like FiberKilled.
struct EndlessTask {};

class WorkflowContext {
 public:
  using Where = std::source_location;

  RunOrdinal run() const { return key_.run; }
  const ExecutionInfo& info() const { return *info_; }

  /// Schedules an activity; it runs while the code goes on. Throws CancelledFailure once cancel was requested.
  ActivityHandle start_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                                Where where = Where::current());
  bool ready(ActivityHandle activity, Where where = Where::current()) const;
  /// Waits for the activity and takes its result; asking twice is a programmer's error. Throws CancelledFailure.
  ActivityResult wait(ActivityHandle activity, Where where = Where::current());
  /// start_activity + wait; throws ActivityFailure when it failed for good.
  Payload execute_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                           Where where = Where::current());

  /// Durable timer. Throws CancelledFailure.
  void sleep(Duration duration, Where where = Where::current());
  /// Waits until `condition` holds; it is asked again whenever something happened. Throws CancelledFailure.
  void await(const std::function<bool()>& condition, Where where = Where::current());
  /// The same with a durable timer; false when the time ran out first.
  bool await(const std::function<bool()>& condition, Duration timeout, Where where = Where::current());

  /// Handlers run before the workflow code goes on, in the order the signals came. Signals that came before their
  /// handler was registered are kept and handed over at registration.
  void on_signal(Symbol name, std::function<void(const Payload&)> handler);
  void on_query(Symbol name, std::function<Payload()> handler);

  [[noreturn]] void continue_as_new(Payload input, Where where = Where::current());
  /// A native cancel request arrived.
  bool cancelled(Where where = Where::current()) const {
    note(where);
    return cancelled_;
  }
  /// True where new code may run: on first execution of this point, and on replays of histories that recorded it.
  bool patched(Symbol change, Where where = Where::current());
  /// Time of the present workflow task's start; the same on replay.
  Instant now(Where where = Where::current()) const {
    note(where);
    return now_;
  }
  /// Deterministic 64 random bits, keyed by the execution; the same on replay.
  std::uint64_t random(Where where = Where::current());
  bool replaying(Where where = Where::current()) const {
    note(where);
    return replaying_;
  }
  /// The history grew so long, or so big, that the server suggests to continue as new (as of the present task's start).
  bool continue_as_new_suggested(Where where = Where::current()) const {
    note(where);
    return continue_as_new_suggested_;
  }

 private:
  friend class WorkflowInstance;

  struct ActivitySlot {
    std::uint32_t activity_id = 0;
    EventId scheduled = 0;
    bool done = false;
    ActivityResult result;
  };
  struct TimerSlot {
    std::uint32_t timer_id = 0;
    EventId started = 0;
    bool fired = false;
  };

  WorkflowContext(Fibers& fibers, const Random& random) : fibers_(fibers), random_(random) {}
  /// Every call passes here: it is the place a report names, and what keeps endless loops out.
  void note(std::source_location where) const {
    last_call_ = where;
    if (++calls_ > call_budget_) stop_endless_task();
  }
  void stop_endless_task() const;
  void emit(CommandBody body, std::source_location where);
  void yield(const char* waits_for);
  ActivitySlot* slot(std::uint32_t activity_id);
  std::uint32_t start_timer(Duration duration, std::source_location where);
  void drop_timer(std::uint32_t timer_id, std::source_location where);
  void throw_if_cancelled() const;

  Fibers& fibers_;
  const Random& random_;
  ExecutionKey key_;
  ExecutionInfoRef info_;
  Instant now_;
  bool replaying_ = false;
  bool cancelled_ = false;
  bool unwinding_ = false;  // the fiber is being destroyed: nothing may be emitted
  std::uint32_t next_activity_id_ = 1;
  std::uint32_t next_timer_id_ = 1;
  std::uint64_t next_random_ = 0;
  std::uint32_t random_chain_ = 0;  // the execution that names the random draws: after a reset, the copy's own
  bool continue_as_new_suggested_ = false;
  std::uint32_t call_budget_ = 0;    // calls a task may make without waiting
  mutable std::uint32_t calls_ = 0;  // of the present task
  mutable bool endless_ = false;     // the budget is used up: the task has failed
  mutable std::source_location last_call_;
  std::vector<ActivitySlot> activities_;
  std::vector<TimerSlot> timers_;
  std::vector<Symbol> patches_;           // answered true so far
  std::vector<Symbol> recorded_patches_;  // markers that the history holds
  std::vector<std::pair<Symbol, std::function<void(const Payload&)>>> signal_handlers_;
  std::vector<std::pair<Symbol, std::function<Payload()>>> query_handlers_;
  std::vector<std::pair<Symbol, Payload>> unhandled_signals_;
  std::vector<Command> outgoing_;  // issued, not yet matched with history or sent
};

/// The workflow's code: input in, result out. Captures nothing that differs between workers.
using WorkflowFunction = std::function<Payload(WorkflowContext&, const Payload& input)>;

}  // namespace dvt::engine
