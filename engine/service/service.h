// The service: Temporal's history service behind a frontend, in one object. It owns the executions, writes their
// histories by the rules of the spec page "Temporal histories", keeps their timers and hands tasks to workers through
// Matching. Everything a worker or an adapter may ask is a method here; what the service tells is in ServiceListener
// and Telemetry. Deterministic: no iteration over hashed containers reaches an event.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "engine/service/execution.h"
#include "engine/service/matching.h"
#include "engine/workflow/commands.h"

namespace dvt::engine {

/// What one execution may grow to (spec: "Timeouts and retries", limits). Temporal's defaults; tests set small ones.
struct ExecutionLimits {
  /// From here on WorkflowTaskStarted suggests to continue as new.
  std::uint32_t suggest_events = 4'096;
  std::uint64_t suggest_bytes = 4ull << 20;
  /// A change that would take a running execution past these is dropped, and the execution terminated.
  std::uint32_t history_events = 51'200;
  std::uint64_t history_bytes = 50ull << 20;
  /// One more fails the workflow task with PENDING_ACTIVITIES_LIMIT_EXCEEDED.
  std::uint32_t pending_activities = 2'000;
  /// One more is refused and leaves no event.
  std::uint32_t signals = 10'000;
  /// One more fails the workflow task they wait for with FORCE_CLOSE_COMMAND, so that they are written.
  std::uint32_t buffered_events = 100;
};

struct ServiceOptions {
  Distribution poll_latency;  // a matched task's way to the worker (domain §21, "worker poll round trip")
  Duration sticky_schedule_to_start = seconds(10);
  ExecutionLimits limits;
};

struct StartWorkflow {
  RunOrdinal run;
  PlanOrdinal plan;  // for telemetry only
  ExecutionInfoRef info;
  Payload input;
};

struct WorkflowTaskDelivery {
  WorkflowTaskToken token;
  PlanOrdinal plan;
  const Execution* execution = nullptr;  // valid during the call
  EventId first_event = 1;               // 1: full history; otherwise the first event the cache has not seen
  bool sticky = false;
  std::uint32_t attempt = 1;  // >= 2: transient, its scheduled and started events are not in the history
  std::vector<UpdateMessage> updates;
};

struct ActivityTaskDelivery {
  ActivityTaskToken token;
  PlanOrdinal plan;
  std::uint32_t activity_id = 0;
  std::uint32_t chain_activity = 0;  // activity number over the whole chain: names its random draws
  Symbol type;
  Payload input;
  ActivityOptionsRef options;
  Instant scheduled_at;
  Instant started_at;
  Payload heartbeat_details;
};

/// Implemented by worker/: tasks arrive after the poll's way, if the worker still lives.
class WorkerHost {
 public:
  virtual ~WorkerHost() = default;
  virtual void deliver_workflow_task(const WorkflowTaskDelivery& delivery) = 0;
  virtual void deliver_activity_task(const ActivityTaskDelivery& delivery) = 0;
  /// A query for an execution; `cached` says whether the worker was chosen because it holds the execution.
  virtual Payload answer_query(std::uint32_t worker, const Execution& execution, Symbol query) = 0;
  /// Does what reaches the worker's process: now, or as soon as the process goes on.
  virtual void when_awake(std::uint32_t /*worker*/, Callback work) { work(); }
};

/// When update_workflow() calls back: as soon as the update is accepted, or when its handler ended.
enum class UpdateWait : std::uint8_t { accepted, completed };

/// What became of a worker's answer to a workflow task.
enum class TaskAnswer : std::uint8_t {
  taken,
  refused,    // the task is no longer the server's: the worker must drop its cached execution
  forgotten,  // a speculative task that changed nothing: as if it had never been
};

enum class CloseStatus : std::uint8_t {
  completed,
  failed,
  cancelled,
  terminated,
  timed_out,
  continued_as_new,
  reset,  // terminated, and another execution of the run goes on from an earlier point
};

class ServiceListener {
 public:
  virtual ~ServiceListener() = default;
  /// `result` is the workflow's result (completed) or next input (continued); `failure` is set when it failed.
  virtual void execution_closed(const Execution& execution, CloseStatus status, const Payload& result,
                                const FailureRef& failure) = 0;
  virtual void signal_applied(RunOrdinal run, std::uint64_t signal, Instant at) = 0;
  virtual void signal_lost(RunOrdinal run, std::uint64_t signal, Instant at) = 0;
};

class Service final : public MatchHandler {
 public:
  Service(Timers& timers, const Random& random, Telemetry& telemetry, ServiceOptions options);
  ~Service() override;
  void attach(WorkerHost& host, ServiceListener& listener);
  /// Tasks take so much longer to reach their workers. Null: they do not. Not owned.
  void set_scale(const LatencyScale* scale) { scale_ = scale; }

  Matching& matching() { return matching_; }

  // Frontend
  /// False, and nothing happens, while another execution with the same workflow id is open.
  bool start_workflow(const StartWorkflow& request);
  /// False when the run is not open, or had its limit of signals, or went over another limit by this one.
  bool signal_workflow(RunOrdinal run, Symbol name, Payload input, std::uint64_t signal);
  bool request_cancel(RunOrdinal run);
  bool terminate(RunOrdinal run, FailureRef reason);
  /// Starts the open execution of a run again from one of its workflow tasks: terminates it, and opens another whose
  /// history is a copy up to that task, which it fails with RESET_WORKFLOW; activities and timers that were open there
  /// are started again, and signals that came later are recorded again. `task_finished` is the task's closing event (or
  /// the next id, when its scheduled or started event is the last one). `reason` becomes the termination's and the
  /// failed task's message.
  enum class ResetAnswer : std::uint8_t { done, not_open, no_workflow_task_there };
  ResetAnswer reset_workflow(RunOrdinal run, EventId task_finished, const std::string& reason);
  /// An operator gives up on the attempts of this type that workers have: each fails with FORCED_TIMEOUT, and its retry
  /// policy says what follows. Nobody but the operator can know that they hang. Returns how many there were.
  std::size_t fail_started_activities(RunOrdinal run, Symbol type, const std::string& reason);
  /// Keeps back, or lets go, activities of `held_type` (known fault 6 fixed: a paused run starts no more steps).
  void hold_activities(RunOrdinal run, bool hold);
  void set_held_type(Symbol type) { held_type_ = type; }
  /// Asks the workflow code; runs a replay on a worker when no cache has it. Null when the run is not open, no worker
  /// is up, or the handler throws.
  Payload query_workflow(RunOrdinal run, Symbol query);
  /// Hands an update to the workflow code; `done` is called once, with the stage it waited for or the update's end
  /// without it. An id that the execution has seen is not handed over again: it gets the first one's answer. False when
  /// the run is not open.
  bool update_workflow(RunOrdinal run, UpdateRequest request, UpdateWait wait, UpdateDone done);
  bool is_open(RunOrdinal run) const { return executions_.contains(run.value); }
  const Execution* execution(RunOrdinal run) const { return execution_of(ExecutionKey{run, 0, 0}.stream()); }
  /// The open execution of a run or child (ExecutionKey::stream()).
  const Execution* execution_of(std::uint64_t stream) const;
  /// The open execution with this workflow id, runs and children alike.
  const Execution* execution_with_id(std::string_view workflow_id) const;
  /// Of runs; their children are not counted.
  std::size_t open_executions() const { return open_runs_; }
  /// Open executions of runs and of their children, by run and child.
  std::vector<ExecutionKey> open_keys() const;

  // Workers' answers. A stale token is ignored (the task timed out, the run closed, another attempt took over).
  /// `new_task`: the worker goes on with the same code at once (a heartbeat for its local activities).
  TaskAnswer respond_workflow_task_completed(const WorkflowTaskToken& token, std::vector<Command> commands,
                                             std::uint32_t replayed_events, bool new_task = false,
                                             std::vector<UpdateRejection> rejections = {});
  void respond_workflow_task_failed(const WorkflowTaskToken& token, WorkflowTaskFailedCause cause, FailureRef failure);
  void respond_activity_completed(const ActivityTaskToken& token, Payload result);
  void respond_activity_failed(const ActivityTaskToken& token, FailureRef failure);
  void respond_activity_cancelled(const ActivityTaskToken& token);
  enum class HeartbeatAnswer : std::uint8_t { go_on, cancel_requested, not_found };
  HeartbeatAnswer record_heartbeat(const ActivityTaskToken& token, Payload details);
  /// The worker dropped the execution from its cache; later tasks go to the common queue.
  void sticky_lost(const ExecutionKey& execution, std::uint32_t worker);

  // MatchHandler
  bool begin_workflow_task(const WorkflowTaskRef& task, WorkerRef worker) override;
  bool begin_activity_task(const ActivityTaskRef& task, WorkerRef worker) override;

 private:
  struct Open {
    Execution execution;
    PlanOrdinal plan;
    std::uint32_t activities_before = 0;  // of earlier executions in the chain
    std::uint32_t tasks_before = 0;
  };

  /// Facts are of runs: of their children only start and end are told. Other facts of theirs name no run, and are held
  /// back.
  class RunFacts;
  static constexpr RunOrdinal kNoRun{~std::uint32_t{0}};
  static RunOrdinal run_of_facts(const ExecutionKey& key) { return key.child == 0 ? key.run : kNoRun; }

  Open* find(const ExecutionKey& key);
  Open* find_run(RunOrdinal run) { return find_stream(ExecutionKey{run, 0, 0}.stream()); }
  Open* find_stream(std::uint64_t stream);
  Open* find_id(std::string_view workflow_id);
  Open& open(const ExecutionKey& key, PlanOrdinal plan, ExecutionInfoRef info, const Payload& input);
  bool signal_execution(Open& open, Symbol name, Payload input, std::uint64_t signal, ExternalCallerRef caller);
  bool request_cancel_of(Open& open, ExternalCallerRef caller);
  void write(Execution& execution, Attributes attributes);
  void write_at(Execution& execution, Instant time, Attributes attributes);
  void write_activity_close(Open& open, PendingActivity& activity, Attributes close);
  bool flush_buffer(Execution& execution);
  EventId drop_buffered_timer_fired(Execution& execution, std::uint32_t timer_id);
  void signals_not_completed(Execution& execution);
  bool exceeds_limits(Open& open, std::uint32_t events);
  bool arrivals_exceed_limits(Open& open, std::uint32_t events);
  void terminate_open(Open& open, FailureRef reason);
  void time_out(ExecutionKey key, bool whole_chain);
  void write_arrival(Open& open, Attributes attributes);
  void reconnect_children(Open& next, std::vector<PendingChild> children, const History& base, EventId last);

  void schedule_workflow_task(Open& open, bool speculative = false);
  void fail_workflow_task(Open& open, WorkflowTaskEvent event, Attributes recorded);
  void force_close_task(Open& open);
  void on_sticky_timeout(ExecutionKey key, std::uint32_t task);
  void on_workflow_task_timeout(ExecutionKey key, std::uint32_t task);
  void record_task_scheduled(Execution& execution, Instant at);
  void record_task_started(Execution& execution);
  WorkflowTaskFact task_fact(const Open& open) const;

  /// Why the server refuses the commands of a task; nullopt when it takes them.
  struct Refusal {
    WorkflowTaskFailedCause cause;
    FailureRef failure;
  };
  std::optional<Refusal> refusal(const Execution& execution, const std::vector<Command>& commands) const;
  void apply_command(Open& open, Command& command, EventId completed);
  bool apply_child_command(Open& open, Command& command, EventId completed);
  bool apply_update_command(Open& open, Command& command, EventId completed);
  struct ChildStart;
  void initiate_child(Open& open, StartChild& start, EventId completed);
  void begin_child(const ChildStart& start);
  void child_closed(const ParentLink& link, CloseStatus status, const Payload& result, const FailureRef& failure);
  void apply_close_policies(const Execution& parent);
  Open* find_target(const ExecutionKey& caller, const ExternalTarget& target);
  void deliver_cancel(const ExecutionKey& caller, EventId initiated);
  void deliver_signal(const ExecutionKey& caller, EventId initiated);
  ExternalCallerRef caller_of(const Execution& execution, EventId initiated) const;
  static void set_search_attributes(Execution& execution, const SearchAttributes& attributes);
  void record_speculative_task(Execution& execution);
  void deliver_updates(Open& open);
  void reject_updates(Execution& execution, const std::vector<UpdateRejection>& rejections);
  void end_updates(Execution& execution);
  void close(Open& open, CloseStatus status, const Payload& result, const FailureRef& failure);
  void continue_as_new(Open& old, const Payload& input);
  void arm_run_timer(Execution& execution);
  void rebuild(Open& open, const History& base, EventId last);
  Uuid next_run_id(const Execution& execution) const;

  void add_activity(Open& open, PendingActivity activity);
  void add_timer(Execution& execution, PendingTimer timer);
  void dispatch_scheduled(Open& open);
  void dispatch_activity(Open& open, PendingActivity& activity);
  void on_activity_timeout(ExecutionKey key, EventId scheduled, std::uint32_t attempt, TimeoutType type);
  void on_retry_due(ExecutionKey key, EventId scheduled, std::uint32_t attempt);
  void fail_or_retry(Open& open, PendingActivity& activity, const FailureRef& failure,
                     std::optional<TimeoutType> timeout);
  void finish_activity(Open& open, EventId scheduled);
  void cancel_activity_timers(PendingActivity& activity);
  PendingActivity* find_activity(Execution& execution, EventId scheduled);
  PendingActivity* current_attempt(const ActivityTaskToken& token, Open*& open);
  /// The same for a worker's answer; one that nobody waits for is told.
  PendingActivity* answered_attempt(const ActivityTaskToken& token, Open*& open);
  void activity_task_arrives(const ActivityTaskToken& token);
  void workflow_task_arrives(const WorkflowTaskToken& token, bool sticky);
  Duration poll_way(Duration drawn, const DrawKey& key) const {
    return scale_ == nullptr ? drawn : scale_->scaled(drawn, key);
  }
  ActivityFact activity_fact(const Open& open, const PendingActivity& activity) const;
  void cancel_unstarted_or_request(Open& open, std::uint32_t activity_id, EventId completed);
  void on_timer_fired(ExecutionKey key, std::uint32_t timer_id);

  Timers& timers_;
  const Random& random_;
  std::unique_ptr<Telemetry> run_facts_;
  Telemetry& telemetry_;
  ServiceOptions options_;
  Matching matching_;
  WorkerHost* host_ = nullptr;
  const LatencyScale* scale_ = nullptr;
  ServiceListener* listener_ = nullptr;
  Symbol held_type_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Open>>
      executions_;  // by stream(); looked up, never iterated into anything visible
  std::map<std::string, std::uint64_t, std::less<>> by_id_;  // workflow ids of the open ones
  std::size_t open_runs_ = 0;
};

}  // namespace dvt::engine
