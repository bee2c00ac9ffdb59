// The Conductor server: workflows as state (a position in the task graph and the tasks under way), not as a history.
// Workers poll tasks and update them; after each update the decider looks at the state and schedules what follows. A
// restart of a worker loses nothing but the tasks in its hands, which time out.
//
// Guarantees: the events of a run are those of the production interpreter, in its order (domain §6); one attempt of a
// task at a time; only the current attempt's update counts; a step that completed is never scheduled again.
//
// PAUSE drains (domain §7): no step is handed out any more, running ones finish, and what has finished is recorded.
// When nothing runs, RunPaused is written; where the interpreter's gate lies before that, it is written there. At the
// drain timeout RunPaused is written in any case: late completions are then applied as always (accept), or the tasks
// still running are orphans (reject): their updates are refused and audited, and RESUME schedules their steps anew.
// CANCEL is forced: running steps are cancelled on the spot and RunCancelled is written by a task of its own.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "adapters/conductor/definition.h"
#include "adapters/conductor/task_queues.h"
#include "engine/base/distribution.h"
#include "engine/history/events.h"
#include "engine/plan/contracts.h"
#include "engine/ports/provider_adapter.h"
#include "engine/ports/random.h"
#include "engine/worker/worker.h"

namespace dvt::adapters {

enum class OrphanPolicy : std::uint8_t { accept, reject };

struct ConductorServerOptions {
  Distribution poll_latency{};  // the way of a polled task to its worker
  Distribution decide{};        // one evaluation of the task graph
  Duration task_timeout = seconds(30);
  bool timeout_by_kind = false;  // known fault 9 mended: executeStep has the start-to-close of its kind and size
  Duration drain_timeout = minutes(5);
  OrphanPolicy orphan_policy = OrphanPolicy::accept;
  bool trace_short_pauses = false;  // known fault 5 mended
  bool number_pauses = false;       // known fault 7 mended
  engine::ActivityOptionsRef control{};
  std::function<engine::ActivityOptionsRef(PlanOrdinal, StepIndex)> step_options{};
  /// The isolation domain of a tenant; nullopt: its steps go to the common ones.
  std::function<std::optional<std::uint32_t>(TenantOrdinal)> isolation = [](TenantOrdinal) { return std::nullopt; };
};

/// What a worker gets at the end of a poll.
struct TaskDelivery {
  TaskRef ref;
  engine::WorkerRef worker;
  Symbol type;
  engine::Payload input;
  Instant scheduled_at;
  Instant started_at;
};

class TaskHost {
 public:
  virtual ~TaskHost() = default;
  virtual void deliver_task(const TaskDelivery& delivery) = 0;
};

enum class WorkflowState : std::uint8_t { running, paused_draining, paused };

class ConductorServer final : public PollHandler {
 public:
  ConductorServer(Timers& timers, const Random& random, Telemetry& telemetry, ConductorServerOptions options);

  TaskQueues& queues() { return queues_; }
  const TaskQueues& queues() const { return queues_; }
  /// Both before the first call of anything else.
  void attach(TaskHost& host) { host_ = &host; }
  void attach(RunListener& listener) { listener_ = &listener; }

  // Clients. Those of a run that is not open return false.
  void start_workflow(RunIdentityRef run, std::shared_ptr<const engine::PlanRunInput> input,
                      const WorkflowDefinition& definition);
  /// `accepted_at`: from when the drain timeout runs.
  bool pause(RunOrdinal run, std::uint64_t signal, Instant accepted_at);
  bool resume(RunOrdinal run, std::uint64_t signal);
  bool terminate(RunOrdinal run, std::uint64_t signal);
  /// No step of the run is handed out from now on; a RESUME or the pause that follows decides when again.
  bool hold(RunOrdinal run);
  bool is_open(RunOrdinal run) const { return workflows_.contains(run.value); }
  std::size_t open() const { return workflows_.size(); }
  std::optional<WorkflowState> state(RunOrdinal run) const;

  // Workers.
  void update_task(const TaskRef& ref, engine::WorkerRef worker, engine::ActivityAnswer answer);
  /// The worker's process died: its tasks with a heartbeat time out a heartbeat after their last one.
  void worker_lost(engine::WorkerRef worker);
  bool begin_task(const TaskRef& ref, engine::WorkerRef worker) override;

 private:
  enum class TaskRole : std::uint8_t { stage, step, tell_pause, tell_resume, tell_short, tell_failure, tell_cancel };
  enum class TaskStatus : std::uint8_t { scheduled, in_progress, waiting };  // waiting: for a retry
  struct Task {
    std::uint32_t id = 0;
    std::uint32_t attempt = 1;
    TaskRole role = TaskRole::stage;
    TaskStatus status = TaskStatus::scheduled;
    Symbol type;
    StepIndex step = kNoStep;
    engine::Payload input;
    engine::ActivityOptionsRef options;
    std::uint32_t domain = 0;
    Duration timeout;  // of one attempt; 0: none
    Instant first_scheduled_at;
    Instant scheduled_at;
    Instant started_at;
    Instant delivered_at;
    engine::WorkerRef worker;
    TimerId attempt_timer;
    TimerId total_timer;
  };
  struct Slot {  // a step of the layer that is forked
    enum class State : std::uint8_t { waiting, open, completed, failed };
    StepIndex step;
    State state = State::waiting;
    Symbol code;                                // failed
    ErrorClass error_class = ErrorClass::none;  // failed
  };
  enum class Pause : std::uint8_t { none, draining, telling, standing, resuming };
  enum class Ending : std::uint8_t { none, failing, cancelling };
  struct Workflow {
    RunIdentityRef run;
    std::shared_ptr<const engine::PlanRunInput> input;
    const WorkflowDefinition* definition = nullptr;
    std::size_t stage = 0;
    std::size_t cursor = 0;   // announce, record: the step
    bool stage_busy = false;  // the stage's task is under way
    std::vector<Slot> layer;  // fork, record
    std::vector<Task> tasks;
    std::vector<TaskRef> orphans;
    std::uint32_t next_task = 1;
    bool hold = false;  // no step is handed out
    std::vector<TaskRef> held;
    bool paused = false;  // by the signals applied
    Pause pause = Pause::none;
    Instant pause_accepted_at;
    TimerId drain_timer;
    std::uint32_t pauses = 0;       // PAUSE signals that took effect
    std::uint32_t pauses_told = 0;  // of those, told by RunPaused, or let go untold (known fault 5)
    std::uint32_t ordinal = 0;      // of the pause being told; 0: not numbered
    std::uint32_t ordinals = 0;
    bool short_paused = false;  // a short pause is told: RunPaused is written, RunResumed follows
    Ending ending = Ending::none;
    std::vector<std::uint64_t> too_late;  // signals that met its end under way
    std::uint64_t cancel_waits = 0;       // a CANCEL that met the run's last event under way
    ErrorClass error_class = ErrorClass::none;
    Symbol error_code;
  };

  const Stage& stage(const Workflow& w) const { return w.definition->stages[w.stage]; }
  Workflow* find(RunOrdinal run);
  static Task* find_task(Workflow& w, std::uint32_t id);

  // The decider (decider.cpp).
  void decide(Workflow& w);
  bool advance(Workflow& w);
  bool pass_gate(Workflow& w, bool last);
  bool fork(Workflow& w);
  bool record(Workflow& w);
  void settle_pause(Workflow& w);
  void task_ended(Workflow& w, const Task& task, const engine::ActivityAnswer& answer);
  void step_ended(Workflow& w, const Task& task, const engine::ActivityAnswer& answer);
  void control_failed(Workflow& w, const Task& task, const engine::FailureRef& failure);
  void tell_pause(Workflow& w);
  void tell_resume(Workflow& w);
  void pause_told(Workflow& w);
  void resume_told(Workflow& w);
  static bool take_too_late(Workflow& w, std::uint64_t signal);
  void begin_drain(Workflow& w);
  void drain_timed_out(Workflow& w);
  void release(Workflow& w);
  void cancel_now(Workflow& w, std::uint64_t signal);
  void end(Workflow& w, RunOutcome outcome, ErrorClass error_class, std::string_view code);
  bool last_event_in_progress(const Workflow& w) const;

  // Tasks (server.cpp).
  void schedule(Workflow& w, TaskRole role, Symbol type, engine::Payload input, StepIndex step = kNoStep);
  void emit(Workflow& w, TaskRole role, EventType type, StepIndex step = kNoStep, std::uint32_t ordinal = 0);
  void dispatch(Workflow& w, Task& task);
  void fail_or_retry(Workflow& w, Task& task, const engine::FailureRef& failure,
                     std::optional<engine::TimeoutType> timeout);
  void on_timeout(TaskRef ref, engine::TimeoutType type);
  void close(Workflow& w, Task& task, ActivityOutcome outcome, std::string_view code);
  Task take(Workflow& w, std::uint32_t id);
  ActivityFact fact(const Workflow& w, const Task& task) const;
  void decide_later(const Workflow& w, const Task& task);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  ConductorServerOptions options_;
  engine::ActivityOptionsRef until_written_;  // the control options without a limit of attempts
  TaskQueues queues_;
  TaskHost* host_ = nullptr;
  RunListener* listener_ = nullptr;
  std::unordered_map<std::uint32_t, std::unique_ptr<Workflow>> workflows_;  // looked up only
};

}  // namespace dvt::adapters
