// Workers: processes that poll task queues, run workflow code on fibers and activities as callbacks. A worker keeps the
// executions it ran lately in its sticky cache; one that is not there is rebuilt by replaying its history. A worker
// that dies takes its cache and the tasks in its hands with it: fibers are unwound, answers never come.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/ports/fibers.h"
#include "engine/ports/worker_processes.h"
#include "engine/service/service.h"
#include "engine/worker/standstill.h"
#include "engine/workflow/instance.h"

namespace dvt::engine {

/// What an activity implementation gets.
struct ActivityInvocation {
  RunOrdinal run;
  PlanOrdinal plan;            // of the run
  std::uint32_t activity = 0;  // number over the chain; a local activity's own within its execution
  std::uint32_t attempt = 1;
  Payload input;
  Instant scheduled_at;
  Instant started_at;
  Payload heartbeat_details;
  ExecutionKey execution;
  std::uint32_t worker = 0;  // that runs it, over all queues
  bool local = false;
  /// What `run` and `activity` leave open: local activities count apart, and so does every child.
  std::uint64_t source() const {
    return execution.child | (local ? kLocal | std::uint64_t{execution.chain} << 32 : std::uint64_t{0});
  }
  /// Names the activity's random draws.
  DrawKey key() const { return {run.value, activity | source() << 32, attempt | source() >> 32 << 32}; }

 private:
  static constexpr std::uint64_t kLocal = std::uint64_t{1} << 63;
};

/// Outcome of an activity: a result (null for void), a failure, or that it heeded a request to cancel it.
struct ActivityAnswer {
  Payload result;
  FailureRef failure;      // set: it failed
  bool cancelled = false;  // only after cancel_requested()
};
using ActivityDone = InplaceFunction<void(ActivityAnswer), 48>;

/// An activity's code. `done` is called exactly once, now or later; calling it after the worker died is harmless.
class Activity {
 public:
  virtual ~Activity() = default;
  virtual void start(const ActivityInvocation& invocation, ActivityDone done) = 0;
  /// What the next heartbeat of the attempt `key` tells; the next attempt gets it. Null: nothing.
  virtual Payload heartbeat_details(const DrawKey& /*key*/) { return nullptr; }
  /// A heartbeat brought back that the attempt `key` is to be cancelled (so an activity without a heartbeat timeout
  /// never hears of it). Code that heeds it answers `cancelled`; the default goes on.
  virtual void cancel_requested(const DrawKey& /*key*/) {}
};

/// A server ends a poll that found nothing after this (Temporal's long poll): a worker that stands still for longer is
/// given no more work. Until then up to `pollers` tasks of each sort are still handed to it, and hang.
inline constexpr Duration kPollTimeout = seconds(60);

/// Local activities run in the worker's process beside its slots; a workflow task that waits for them is kept alive by
/// heartbeats: it is answered after this share of its timeout, and goes on as a new task.
inline constexpr std::int64_t kTaskHeartbeatPercent = 80;

struct WorkerOptions {
  Distribution respond_latency;  // an answer's way to the server (domain §21)
  Distribution workflow_task;    // execution time of a workflow task
  /// Calls workflow code may make in one task without waiting; more is a potential deadlock and fails the task.
  std::uint32_t call_budget = WorkflowInstance::kCallBudget;
};

class Workers final : public WorkerHost, public WorkerProcesses {
 public:
  Workers(Service& service, Timers& timers, Fibers& fibers, const Random& random, Telemetry& telemetry,
          WorkerOptions options);
  ~Workers() override;

  void register_workflow(Symbol type, WorkflowFunction function);
  /// Not owned; must outlive the workers.
  void register_activity(Symbol type, Activity& activity);

  /// Adds `count` workers to a queue, all down. Returns the first one's index.
  std::uint32_t add_workers(std::uint32_t queue, std::uint32_t count, WorkerLimits limits, std::uint32_t sticky_cache);
  void start(std::uint32_t worker) override;
  void kill(std::uint32_t worker) override;
  bool up(std::uint32_t worker) const override { return workers_[worker].up; }
  void stall(std::uint32_t worker, bool on) override;
  void pause(std::uint32_t worker, bool on) override;
  void drop_heartbeats(std::uint32_t worker, bool on) override;
  void cut_off(std::uint32_t worker) override;
  void release_zombies(std::uint32_t worker) override;
  void drain(std::uint32_t worker, Callback down) override;
  void unreachable(bool on) override;
  void set_scale(const LatencyScale* scale) override;
  bool has_process_faults() const override { return true; }
  std::size_t cached(std::uint32_t worker) const { return workers_[worker].cache.size(); }
  /// The execution closed: whoever has it cached drops it.
  void forget(const ExecutionKey& key, std::optional<WorkerRef> sticky);

  /// Replays a history with the registered code and reports the first disagreement.
  std::optional<NondeterminismReport> verify(ExecutionKey key, const History& history);

  // WorkerHost
  void deliver_workflow_task(const WorkflowTaskDelivery& delivery) override;
  void deliver_activity_task(const ActivityTaskDelivery& delivery) override;
  Payload answer_query(std::uint32_t worker, const Execution& execution, Symbol query) override;
  void when_awake(std::uint32_t worker, Callback work) override { standstill_.when_awake(worker, std::move(work)); }

 private:
  struct LocalRun {
    std::uint64_t id = 0;  // unique in this object: answers of forgotten runs are recognised
    LocalActivityRequest request;
    bool started = false;  // once; between two attempts it is started too
    bool ended = false;
    TimerId start_to_close;
    TimerId schedule_to_close;
    TimerId backoff;
  };
  /// The workflow task of an execution whose local activities run.
  struct LocalWork {
    bool task_in_hand = false;  // between a heartbeat and the next task there is none
    TimerId heartbeat;
    std::vector<LocalRun> runs;
    std::vector<LocalActivityMarker::Data> ended;  // while no task was in hand
  };
  struct Cached {
    ExecutionKey key;
    std::unique_ptr<WorkflowInstance> instance;
    bool busy = false;  // a task of it is being executed, or its local activities are
    WorkflowTaskToken token;
    PlanOrdinal plan;
    std::uint32_t task_attempt = 1;
    std::uint32_t activations = 0;      // of the present task
    std::uint32_t replayed_events = 0;  // by the present task
    std::unique_ptr<LocalWork> local;
  };
  struct Worker {
    std::uint32_t queue = 0;
    std::uint32_t number = 0;  // in its queue, from 0
    std::uint32_t sticky_cache = 0;
    bool up = false;
    std::uint32_t deaf_heartbeats = 0;  // reasons for which its heartbeats do not arrive
    std::list<Cached> cache;            // most recently used first
    std::unordered_map<std::uint64_t, std::list<Cached>::iterator> by_run;  // by stream(); looked up only
  };
  struct Running {
    ActivityTaskToken token;
    bool open = false;
    std::uint32_t generation = 0;
    TimerId heartbeat;
    Activity* activity = nullptr;
    DrawKey key;
    bool cancel_told = false;
    bool zombie = false;           // its process is thought dead and works on
    bool cut_off_is_over = false;  // … and can tell again
  };
  /// What an activity's code has told a process that stands still.
  struct LateDone {
    std::uint32_t worker = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    ActivityAnswer answer;
    DrawKey key;
  };
  struct ZombieAnswer {
    ActivityTaskToken token;
    ActivityAnswer answer;
  };

  Cached* find(Worker& worker, const ExecutionKey& key);
  void drop(Worker& worker, const ExecutionKey& key);
  void make_room(Worker& worker, std::uint32_t index);
  const WorkflowFunction& function(Symbol type) const;
  Activity& activity(Symbol type) const;
  void activated(Cached& cached, ActivationOutcome outcome);
  void fail_task(const Cached& cached, const ActivationOutcome& outcome, Duration after);
  void answer_task(Cached& cached, std::vector<Command> commands, std::vector<UpdateRejection> rejections,
                   Duration after, bool new_task);
  void begin_local_work(Cached& cached, std::vector<LocalActivityRequest> requests, Duration after);
  void task_heartbeat(ExecutionKey key, WorkflowTaskToken token);
  LocalRun* find_local(WorkerRef worker, const ExecutionKey& key, std::uint64_t id, Cached*& cached);
  void start_local(WorkerRef worker, ExecutionKey key, std::uint64_t id);
  void local_answered(WorkerRef worker, ExecutionKey key, std::uint64_t id, std::uint32_t attempt,
                      ActivityAnswer answer);
  void retry_or_end_local(Cached& cached, LocalRun& run, FailureRef failure, std::optional<TimeoutType> timeout);
  void end_local(Cached& cached, LocalRun& run, Payload result, FailureRef failure, Duration backoff);
  void forget_local(LocalRun& run);
  void heartbeat(std::uint32_t slot, std::uint32_t generation, Duration every);
  void activity_done(std::uint32_t slot, std::uint32_t generation, ActivityAnswer answer, DrawKey key);
  void take_late_answers();
  void bury(std::uint32_t worker, bool zombies);
  void respond(const ActivityTaskToken& token, ActivityAnswer answer);
  Duration answer_way(Duration drawn, const DrawKey& key) const {
    return scale_ == nullptr ? drawn : scale_->scaled(drawn, key);
  }

  Service& service_;
  Timers& timers_;
  Fibers& fibers_;
  const Random& random_;
  Telemetry& telemetry_;
  WorkerOptions options_;
  std::vector<Worker> workers_;
  std::vector<std::pair<Symbol, WorkflowFunction>> workflows_;
  std::vector<std::pair<Symbol, Activity*>> activities_;
  std::vector<Running> running_;
  std::vector<std::uint32_t> free_running_;
  std::uint64_t next_local_ = 1;
  Standstill standstill_;
  std::vector<LateDone> late_done_;
  std::vector<ZombieAnswer> zombie_answers_;  // of workers that are still cut off
  const LatencyScale* scale_ = nullptr;
};

}  // namespace dvt::engine
