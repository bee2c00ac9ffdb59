// WorkflowContext: all that workflow code sees. The code runs on a fiber, reads like sequential C++ and must be
// deterministic: time, randomness, waiting and effects only through this class. On replay the same calls are answered
// from the history. Errors reach the code as the exceptions of failures.h. FiberKilled must never be caught.
//
// Cancellation is by scopes, as in Temporal's SDKs. Everything that waits belongs to the scope in which it was started;
// cancelling a scope asks the server to cancel its activities and children, and calls that wait for its activities,
// timers and conditions throw CancelledFailure. A native cancel request cancels the root scope. A shield lets nothing
// in from outside: that is where clean-up work runs after a cancel.
//
// Code that calls on and on without waiting (a loop until now() has moved, a loop while !ready()) is stopped after a
// budget of calls, and its task fails as a potential deadlock. A loop that calls nothing cannot be interrupted: it
// holds the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/history/markers.h"
#include "engine/ports/fibers.h"
#include "engine/ports/random.h"
#include "engine/service/ids.h"
#include "engine/workflow/commands.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {

class WorkflowContext;
class WorkflowInstance;

/// Names one activity started by this execution.
struct ActivityHandle {
  std::uint32_t activity_id = 0;
};
/// Names one local activity.
struct LocalActivityHandle {
  std::uint32_t seq = 0;
};
/// Names one child workflow.
struct ChildHandle {
  std::uint32_t number = 0;
};
/// Names one branch of the workflow's code.
struct BranchHandle {
  std::uint32_t number = 0;
};

struct ActivityResult {
  bool ok = false;
  Payload value;       // of a completed activity; null for void
  FailureRef failure;  // set when !ok
};

/// A local activity runs in the worker, inside the workflow task. 0 means "not set"; start_to_close or
/// schedule_to_close is needed. Attempts whose backoff is longer than `local_retry_threshold` wait on a durable timer.
struct LocalActivityOptions {
  Duration schedule_to_close;
  Duration start_to_close;  // of one attempt
  RetryPolicy retry;
  Duration local_retry_threshold = minutes(1);
};
using LocalActivityOptionsRef = std::shared_ptr<const LocalActivityOptions>;

/// What a worker must run for a workflow task before it can be answered.
struct LocalActivityRequest {
  std::uint32_t seq = 0;
  Symbol type;
  Payload input;
  LocalActivityOptionsRef options;
  std::uint32_t attempt = 1;       // > 1: earlier attempts were told by a marker
  Instant original_schedule_time;  // of the first attempt
};

/// Empty texts and symbols: the parent's run id with the child's number, the parent's task queue.
struct ChildOptions {
  std::string workflow_id;
  Symbol task_queue;
  Duration run_timeout;  // 0: none
  ParentClosePolicy close_policy = ParentClosePolicy::terminate;
};

/// A part of the workflow that can be cancelled for itself. A handle: copies name the same scope.
class CancellationScope {
 public:
  /// From workflow code: another branch, a signal handler, the scope itself. Cancelling twice, or a shield, does
  /// nothing.
  void cancel(std::source_location where = std::source_location::current()) const;
  /// Cancelled itself, or with a scope around it.
  bool cancelled() const;

 private:
  friend class WorkflowContext;
  friend class WorkflowInstance;
  struct State {
    std::shared_ptr<State> parent;
    bool shielded = false;
    bool requested = false;
  };
  CancellationScope(WorkflowContext& ctx, std::shared_ptr<State> state) : ctx_(&ctx), state_(std::move(state)) {}
  static bool reached(const State* scope);

  WorkflowContext* ctx_;
  std::shared_ptr<State> state_;
};

class WorkflowContext {
 public:
  using Where = std::source_location;

  RunOrdinal run() const { return key_.run; }
  const ExecutionInfo& info() const { return *info_; }

  // Activities
  /// Schedules an activity; it runs while the code goes on. Throws CancelledFailure in a cancelled scope.
  ActivityHandle start_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                                Where where = Where::current());
  bool ready(ActivityHandle activity, Where where = Where::current()) const;
  /// Waits for the activity and takes its result; asking twice is a programmer's error. Throws CancelledFailure when
  /// the activity's scope is cancelled, without waiting for the activity to notice.
  ActivityResult wait(ActivityHandle activity, Where where = Where::current());
  /// start_activity + wait; throws ActivityFailure when it failed for good.
  Payload execute_activity(Symbol type, const ActivityOptionsRef& options, Payload input,
                           Where where = Where::current());

  /// Runs an activity in the worker, inside this workflow task; its end is a marker in the history.
  LocalActivityHandle start_local_activity(Symbol type, const LocalActivityOptionsRef& options, Payload input,
                                           Where where = Where::current());
  ActivityResult wait(LocalActivityHandle activity, Where where = Where::current());
  Payload execute_local_activity(Symbol type, const LocalActivityOptionsRef& options, Payload input,
                                 Where where = Where::current());

  /// The value of `effect`, which is called once and never on replay. It may look at the world outside, and must not
  /// change it, wait or throw.
  Payload side_effect(const std::function<Payload()>& effect, Where where = Where::current());

  // Child workflows and other executions
  /// Asks the server to start a child. Throws CancelledFailure in a cancelled scope.
  ChildHandle start_child(Symbol type, const ChildOptions& options, Payload input, Where where = Where::current());
  /// Waits until the child has started and says its run id; throws ChildWorkflowFailure when it cannot start
  /// (WORKFLOW_ALREADY_EXISTS) and CancelledFailure when it was cancelled before it was asked for.
  Uuid wait_started(ChildHandle child, Where where = Where::current());
  bool ready(ChildHandle child, Where where = Where::current()) const;
  /// Waits for the child's end and takes its result, once. A child in a cancelled scope is asked to cancel and waited
  /// for. Throws CancelledFailure when it ended so (or could not even start) and its scope is cancelled.
  ActivityResult wait(ChildHandle child, Where where = Where::current());
  /// start_child + wait; throws ChildWorkflowFailure when the child did not complete.
  Payload execute_child(Symbol type, const ChildOptions& options, Payload input, Where where = Where::current());
  /// Asks this one child to cancel; nothing when it has ended or was asked before.
  void cancel(ChildHandle child, Where where = Where::current());
  const std::string& workflow_id(ChildHandle child) const;
  /// Both wait for the server's answer; they throw ExternalWorkflowFailure when there is no such open execution.
  void signal(ChildHandle child, Symbol name, Payload input, Where where = Where::current());
  void signal_external(std::string workflow_id, Symbol name, Payload input, Where where = Where::current());
  void cancel_external(std::string workflow_id, Where where = Where::current());

  // Waiting
  /// Durable timer. Throws CancelledFailure.
  void sleep(Duration duration, Where where = Where::current());
  /// Waits until `condition` holds; it is asked again whenever something happened. Throws CancelledFailure.
  void await(const std::function<bool()>& condition, Where where = Where::current());
  /// The same with a durable timer; false when the time ran out first.
  bool await(const std::function<bool()>& condition, Duration timeout, Where where = Where::current());

  // Branches: parallel parts of the code. They share the scope in which they were made, take turns in the order of
  // their making, and are forgotten when the workflow function ends: join those that matter.
  BranchHandle spawn(std::function<void()> body, Where where = Where::current());
  /// Waits for the branch's end and rethrows what left it. Throws CancelledFailure when the present scope is cancelled
  /// first. Once per branch.
  void join(BranchHandle branch, Where where = Where::current());

  // Scopes
  /// A scope inside the present one; run() makes it the present one for a call.
  CancellationScope make_scope() { return make_scope(false); }
  CancellationScope make_shield() { return make_scope(true); }
  template <class Body>
  decltype(auto) run(const CancellationScope& scope, Body&& body) {
    const Entered entered(*this, scope.state_);
    return std::forward<Body>(body)();
  }
  template <class Body>
  decltype(auto) cancellable(Body&& body) {
    return run(make_scope(), std::forward<Body>(body));
  }
  /// Clean-up work after a cancel: nothing outside cancels it.
  template <class Body>
  decltype(auto) non_cancellable(Body&& body) {
    return run(make_shield(), std::forward<Body>(body));
  }
  /// Cancels the body's scope after `timeout`, so that it ends with CancelledFailure; the timer goes with the body.
  template <class Body>
  std::invoke_result_t<Body&> with_timeout(Duration timeout, Body&& body, Where where = Where::current()) {
    const CancellationScope scope = make_scope();
    const std::uint32_t timer = start_scope_timer(timeout, scope, where);
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Body&>>) {
        run(scope, body);
        drop_timer(timer, where);
      } else {
        auto value = run(scope, body);
        drop_timer(timer, where);
        return value;
      }
    } catch (...) {
      drop_timer(timer, where);
      throw;
    }
  }
  CancellationScope current_scope() { return {*this, scope_}; }

  // Signals, queries, updates
  /// Handlers run before the workflow code goes on, in the order the signals came, and must not wait. Signals that came
  /// before their handler was registered are kept and handed over at registration.
  void on_signal(Symbol name, std::function<void(const Payload&)> handler);
  void on_query(Symbol name, std::function<Payload()> handler);
  /// The validator refuses an update by throwing; it must not change anything, wait or start anything. The handler runs
  /// on a branch of its own and may wait; its result or failure is the update's. Updates that came before their handler
  /// was registered wait for it until the end of the workflow task.
  void on_update(Symbol name, std::function<Payload(const Payload&)> handler,
                 std::function<void(const Payload&)> validator = {});

  /// Sets search attributes, values as JSON text; an attribute keeps its value until it is set again.
  void upsert_search_attributes(SearchAttributes attributes, Where where = Where::current());

  [[noreturn]] void continue_as_new(Payload input, Where where = Where::current());
  /// A native cancel request arrived.
  bool cancelled(Where where = Where::current()) const {
    note(where);
    return root_->requested;
  }
  /// True where new code may run: on first execution of this point, and on replays of histories that recorded it.
  bool patched(Symbol change, Where where = Where::current());
  /// Time of the present workflow task's start, or of the local activity's end that it goes on from; the same on
  /// replay.
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
  friend class CancellationScope;
  using ScopeRef = std::shared_ptr<CancellationScope::State>;

  struct ActivitySlot {
    std::uint32_t activity_id = 0;
    EventId scheduled = 0;
    bool done = false;
    bool cancel_sent = false;
    ActivityResult result;
    ScopeRef scope;
    std::uint32_t order = 0;  // over everything that a scope can cancel
  };
  struct LocalSlot {
    LocalActivityRequest request;
    bool requested = false;  // the worker knows of it
    bool done = false;
    LocalActivityMarker::Data end;
    ScopeRef scope;
    std::uint32_t order = 0;
    std::source_location where;
  };
  struct ChildSlot {
    std::uint32_t number = 0;
    ChildInfoRef child;
    EventId initiated = 0;
    bool started = false;
    bool start_failed = false;
    bool cancel_sent = false;
    bool cancelled = false;  // ended so
    bool done = false;
    ActivityResult result;
    ScopeRef scope;
    std::uint32_t order = 0;
  };
  struct ExternalSlot {
    std::uint32_t number = 0;
    EventId initiated = 0;
    bool done = false;
    bool failed = false;
    bool awaited = false;  // a call waits for the answer
  };
  struct TimerSlot {
    std::uint32_t timer_id = 0;
    EventId started = 0;
    bool fired = false;
    ScopeRef cancels;  // the scope of a with_timeout()
  };
  struct Branch {
    std::uint32_t number = 0;
    FiberId fiber;
    ScopeRef scope;
    std::function<void()> body;
    bool ended = false;
    bool joined = false;
    std::exception_ptr error;  // a FailureError or CancelledFailure that left it
  };
  struct UpdateHandler {
    Symbol name;
    std::function<Payload(const Payload&)> handler;
    std::function<void(const Payload&)> validator;
  };
  struct ArrivedUpdate {
    UpdateRequestRef request;
    EventId sequencing = 0;
    bool accepted = false;  // by the history: the validator is not asked again
  };
  /// Makes a scope the present one while it lives. Commands nothing.
  class Entered {
   public:
    Entered(WorkflowContext& ctx, ScopeRef scope) : ctx_(ctx), before_(std::exchange(ctx.scope_, std::move(scope))) {}
    ~Entered() { ctx_.scope_ = std::move(before_); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

   private:
    WorkflowContext& ctx_;
    ScopeRef before_;
  };

  WorkflowContext(Fibers& fibers, const Random& random);
  /// Every call passes here: it is the place a report names, and what keeps endless loops out.
  void note(std::source_location where) const {
    last_call_ = where;
    if (++calls_ > call_budget_) stop_endless_task();
  }
  void stop_endless_task() const;
  void emit(CommandBody body, std::source_location where);
  template <class Start, class Same>
  bool retract(Same same);
  void yield(const char* waits_for);
  template <class Condition>
  void block_until(Condition condition, const char* waits_for);
  ActivitySlot* slot(std::uint32_t activity_id);
  LocalSlot& local(std::uint32_t seq);
  ChildSlot& child(std::uint32_t number);
  std::uint32_t start_timer(Duration duration, std::source_location where);
  std::uint32_t start_scope_timer(Duration timeout, const CancellationScope& scope, std::source_location where);
  void drop_timer(std::uint32_t timer_id, std::source_location where);
  void throw_if_cancelled() const;
  CancellationScope make_scope(bool shielded);
  CancellationScope root_scope() { return {*this, root_}; }
  void cancel_scope(CancellationScope::State& scope, std::source_location where);
  void cancel_local(LocalSlot& slot);
  void cancel_child(ChildSlot& slot, std::source_location where);
  LocalActivityHandle request_local(LocalActivityRequest request, ScopeRef scope, std::source_location where);
  void finish_local(LocalSlot& slot, LocalActivityMarker::Data end);
  void send_external(CommandBody command, std::uint32_t number, std::source_location where);

  Fibers& fibers_;
  const Random& random_;
  ExecutionKey key_;
  ExecutionInfoRef info_;
  Instant now_;
  bool replaying_ = false;
  bool unwinding_ = false;  // the fiber is being destroyed: nothing may be emitted
  ScopeRef root_;
  ScopeRef scope_;  // the present one: of the branch that runs, the root outside of branches
  std::uint32_t next_activity_id_ = 1;
  std::uint32_t next_timer_id_ = 1;
  std::uint32_t next_local_ = 1;
  std::uint32_t next_side_effect_ = 1;
  std::uint32_t next_child_ = 1;
  std::uint32_t next_external_ = 1;
  std::uint32_t next_order_ = 1;
  std::uint64_t next_random_ = 0;
  std::uint32_t random_chain_ = 0;  // the execution that names the random draws: after a reset, the copy's own
  bool continue_as_new_suggested_ = false;
  std::uint32_t call_budget_ = 0;    // calls a task may make without waiting
  mutable std::uint32_t calls_ = 0;  // of the present task
  mutable bool endless_ = false;     // the budget is used up: the task has failed
  mutable std::source_location last_call_;
  std::uint64_t progress_ = 0;  // waits that ended, branches made and ended: something another branch may wait for
  std::vector<ActivitySlot> activities_;
  std::vector<LocalSlot> locals_;
  std::vector<std::uint32_t> dropped_locals_;  // cancelled, and the worker knows of them; told once
  std::vector<ChildSlot> children_;
  std::vector<ExternalSlot> externals_;
  std::vector<TimerSlot> timers_;
  std::vector<std::unique_ptr<Branch>> branches_;  // [0]: the workflow function
  std::vector<Symbol> patches_;                    // answered true so far
  std::vector<Symbol> recorded_patches_;           // markers that the history holds
  std::vector<std::pair<std::uint32_t, Payload>> recorded_side_effects_;
  std::vector<std::pair<Symbol, std::function<void(const Payload&)>>> signal_handlers_;
  std::vector<std::pair<Symbol, std::function<Payload()>>> query_handlers_;
  std::vector<std::pair<Symbol, Payload>> unhandled_signals_;
  std::vector<UpdateHandler> update_handlers_;
  std::vector<ArrivedUpdate> waiting_updates_;      // for a handler, until the end of the task
  std::function<void(ArrivedUpdate)> take_update_;  // WorkflowInstance's
  FailureRef task_failure_;                         // the code threw something that fails the workflow task
  std::vector<Command> outgoing_;                   // issued, not yet matched with history or sent
};

/// The workflow's code: input in, result out. Captures nothing that differs between workers.
using WorkflowFunction = std::function<Payload(WorkflowContext&, const Payload& input)>;

}  // namespace dvt::engine
