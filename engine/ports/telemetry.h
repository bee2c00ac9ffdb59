// Telemetry: the facts of a run, told as they happen. Metrics, invariants, the fingerprint and the recorder are all
// readers of these facts, so that each is measured once and none can disagree. Listeners are passive: they set no
// timer, draw nothing, and a run is the same with and without them. Durations are virtual nanoseconds.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/ports/state_store.h"

namespace dvt {

enum class RunOutcome : std::uint8_t { completed, failed, cancelled, terminated };
enum class ErrorClass : std::uint8_t { none, engine, user };
const char* to_string(RunOutcome outcome);
const char* to_string(ErrorClass error_class);

struct RunAccepted {
  RunOrdinal run;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  Uuid run_id;
  Instant requested_at;  // the API received the request
  Instant accepted_at;   // RunQueued's commit was acknowledged
};

struct RunClosed {
  RunOrdinal run;
  PlanOrdinal plan;
  RunOutcome outcome = RunOutcome::completed;
  ErrorClass error_class = ErrorClass::none;
  std::string_view error_code;  // NONE when completed
  Instant requested_at;
  Instant closed_at;  // the engine's own close
};

enum class ActivityKind : std::uint8_t { control, step };
enum class ActivityOutcome : std::uint8_t {
  completed,
  failed_retryable,
  failed,
  timed_out_start_to_close,
  timed_out_schedule_to_start,
  timed_out_schedule_to_close,
  timed_out_heartbeat,
  cancelled,
};
const char* to_string(ActivityOutcome outcome);

/// One attempt of an activity. `step` is set for executeStep and for emitEvent of a step event.
struct ActivityFact {
  RunOrdinal run;
  PlanOrdinal plan;
  std::uint32_t activity = 0;  // activityId within the run (over its whole continue-as-new chain)
  std::uint32_t attempt = 1;   // engine attempt
  ActivityKind kind = ActivityKind::control;
  std::string_view type;  // executeStep, emitEvent, …
  StepIndex step = kNoStep;
  Instant scheduled_at;  // this attempt became available for dispatch
  Instant started_at;    // valid from the started fact on
  Instant at;            // when the fact happened
};

struct WorkflowTaskFact {
  RunOrdinal run;
  std::uint32_t task = 0;  // ordinal within the run
  std::uint32_t history_events = 0;
  std::uint32_t replayed_events = 0;  // 0: continued from the worker's cache
  std::uint32_t queue = 0;            // index of the task queue
  std::uint32_t worker = 0;
  Instant scheduled_at;
  Instant at;
};

enum class ChildEnd : std::uint8_t { completed, failed, cancelled, terminated, timed_out };
const char* to_string(ChildEnd end);

/// An execution that a run's workflow started as its child, or a child's child. What it does inside (tasks, activities,
/// timers) is told to nobody.
struct ChildFact {
  RunOrdinal run;
  std::uint32_t child = 0;  // number in the run's tree, from 1
  std::string_view type;
  Instant at;
};

struct SignalFact {
  RunOrdinal run;
  SignalType type = SignalType::pause;
  DecisionStatus status = DecisionStatus::accepted;
  std::string_view code;
  std::uint64_t signal = 0;  // ordinal of the signal in the world
  Instant received_at;
  Instant at;                 // decided (received → decision record stored), or applied
  bool was_deferred = false;  // decided: the signal had been answered `deferred` before
};

struct AppendFact {
  NewEvent event;
  Instant issued_at;
  Instant at;
  bool ok = false;
  StoreError error = StoreError::unavailable;
  AppendReceipt receipt;
};

enum class SpoolStep : std::uint8_t {
  spooled,     // its write failed open: the worker keeps the event
  reconciled,  // it is in the log
  lost,        // it never will be: the worker died, or the store refused the event for good
};

/// What becomes of an event that failed open (domain §3).
struct SpoolFact {
  NewEvent event;
  SpoolStep step = SpoolStep::spooled;
  std::uint32_t worker = 0;   // over all queues
  std::uint64_t pending = 0;  // events in the spools of all workers from now on
  Instant at;
};

struct SnapshotFact {
  RunOrdinal run;
  std::uint64_t up_to_seq = 0;
  const RunState* state = nullptr;
  std::uint32_t invalid_transitions = 0;  // ignored in this batch
};

struct WarehouseFact {
  std::uint32_t warehouse = 0;
  RunOrdinal run;
  StepIndex step;
  std::uint32_t attempt = 1;
  Instant submitted_at;
  Instant began_at;  // left the warehouse's queue
  Instant at;
  bool ok = false;
};

/// The projector folded a run anew from the log (domain §3). Complete only when it moved forward: up_to_seq >
/// known_seq, or the log has nothing newer than known_seq.
struct ResyncFact {
  RunOrdinal run;
  bool from_snapshot = false;   // false: from the beginning of the log
  std::uint64_t known_seq = 0;  // covered by the read model before
  std::uint64_t up_to_seq = 0;  // … and after
  Instant at;
};

/// A status read was answered by a read replica that had not seen all of its run's events.
struct StaleReadFact {
  RunOrdinal run;
  Duration behind;           // age of the oldest event that the answer lacks
  bool unknown_run = false;  // the replica had not seen the run at all
  bool own_writes = false;   // something was acknowledged before the read was sent, and is not in the answer
  Instant at;
};

/// What notice() may tell of.
inline constexpr std::string_view kNoticeNames[] = {"CAUSAL_VIOLATION", "ORPHANED_TASK", "PAUSE_DRAIN_TIMEOUT",
                                                    "STORE_CORRUPTION"};

/// An alert that no rule stands behind: `counts.notice.<NAME>` (design §7). Texts are valid during the call.
struct NoticeFact {
  std::string_view name;  // one of kNoticeNames
  RunOrdinal run;
  std::string_view text;
  Instant at;
};

/// All methods default to nothing. `at` in a fact is the present instant.
class Telemetry {
 public:
  virtual ~Telemetry() = default;

  // API
  /// `error` is empty when the request succeeded; otherwise it says why (engine/api/api_error.h lists them).
  virtual void api_request(std::string_view /*route*/, int /*http_code*/, std::string_view /*error*/, Duration /*took*/,
                           Instant /*at*/) {}
  virtual void run_requested(RunOrdinal, PlanOrdinal, TenantOrdinal, Instant /*at*/) {}
  virtual void run_accepted(const RunAccepted&) {}
  /// One attempt of a run request was refused; its client may try again.
  virtual void run_rejected(RunOrdinal, std::string_view /*code*/, Instant /*at*/) {}
  /// The client asks again for a run (`attempt` from 1), or gives up after the last one.
  virtual void run_request_retried(RunOrdinal, std::uint32_t /*attempt*/, Instant /*at*/) {}
  virtual void run_request_given_up(RunOrdinal, std::string_view /*code*/, Instant /*at*/) {}
  /// Admission let the run go to the provider.
  virtual void run_admitted(RunOrdinal, Instant /*at*/) {}
  /// A decision record was committed: a new one, or one that takes the place of another. `at` is the commit.
  virtual void decision_stored(const SignalDecision&, Instant /*at*/) {}
  /// Once a signal: accepted, rejected or deferred. A deferred one is told again when it is decided for good.
  virtual void signal_decided(const SignalFact&) {}
  /// A signal whose id was decided before: nothing happened; `status` and `code` are the first one's.
  virtual void signal_repeated(const SignalFact&) {}
  /// A deferred signal enters the deferral queue or leaves it to be tried; `length` signals wait from now on.
  virtual void signal_waits(RunOrdinal, std::uint64_t /*signal*/, bool /*waits*/, std::size_t /*length*/,
                            Instant /*at*/) {}
  /// ESCALATE_ALERT was applied.
  virtual void alert_escalated(RunOrdinal, std::string_view /*level*/, Instant /*at*/) {}
  /// The workflow task that handled the signal completed.
  virtual void signal_applied(const SignalFact&) {}
  /// The signal will never be applied: the run closed first, or a known fault lost it.
  virtual void signal_lost(const SignalFact&) {}

  // Engine
  virtual void run_started(RunOrdinal, PlanOrdinal, Instant /*at*/) {}
  virtual void run_closed(const RunClosed&) {}
  virtual void run_paused(RunOrdinal, Instant /*at*/) {}   // the interpreter stands still
  virtual void run_resumed(RunOrdinal, Instant /*at*/) {}  // and goes on
  virtual void activity_scheduled(const ActivityFact&) {}  // first attempts and retries
  virtual void activity_started(const ActivityFact&) {}
  virtual void activity_closed(const ActivityFact&, ActivityOutcome, std::string_view /*error_code*/) {}
  /// A retry was decided: the next attempt becomes available at `next_at`.
  virtual void activity_retry(const ActivityFact&, std::string_view /*cause*/, Instant /*next_at*/,
                              std::uint32_t /*max_attempts*/) {}
  virtual void workflow_task_scheduled(const WorkflowTaskFact&) {}
  virtual void workflow_task_started(const WorkflowTaskFact&) {}
  virtual void workflow_task_completed(const WorkflowTaskFact&) {}
  virtual void workflow_task_failed(const WorkflowTaskFact&, std::string_view /*cause*/) {}
  virtual void nondeterminism(RunOrdinal, std::string_view /*report*/, Instant /*at*/) {}
  virtual void timer_fired(RunOrdinal, Instant /*due*/, Instant /*at*/) {}
  virtual void child_started(const ChildFact&) {}
  /// Once a child, at the end of its continue-as-new chain; after its run's end when nobody waited for it.
  virtual void child_closed(const ChildFact&, ChildEnd) {}
  /// `worker`: its number in the queue, from 0, as in the target worker/QUEUE/3.
  virtual void worker_changed(std::uint32_t /*queue*/, std::uint32_t /*worker*/, bool /*up*/, Instant /*at*/) {}
  virtual void adapter_rpc(std::string_view /*method*/, std::string_view /*status*/, Duration /*took*/,
                           Instant /*at*/) {}
  virtual void adapter_heartbeat(Instant /*at*/) {}
  /// A worker answered for an attempt that the server waits for no longer (timed out, tried again, or its run closed).
  virtual void completion_refused(RunOrdinal, std::uint32_t /*attempt*/, Instant /*at*/) {}
  virtual void notice(const NoticeFact&) {}

  // Warehouse
  virtual void warehouse_done(const WarehouseFact&) {}
  virtual void warehouse_level(std::uint32_t /*warehouse*/, std::uint32_t /*running*/, std::uint32_t /*queued*/,
                               Instant /*at*/) {}

  // Store, projector, outbox, bus
  virtual void append_done(const AppendFact&) {}
  virtual void spool_changed(const SpoolFact&) {}
  virtual void stale_read(const StaleReadFact&) {}
  /// A stored snapshot does not match its hash, or its block the block's checksum. It was not handed out.
  virtual void snapshot_unverified(RunOrdinal, Instant /*at*/) {}
  /// From now on this share of the disk under the store is free, in parts per billion.
  virtual void disk_free(std::int64_t /*ppb*/, Instant /*at*/) {}
  virtual void event_committed(const StoredEvent&) {}  // new rows only, in commit order
  virtual void snapshots_committed(std::uint32_t /*partition*/, std::uint64_t /*watermark*/,
                                   const std::vector<StoredEvent>& /*events*/, const std::vector<SnapshotFact>&,
                                   Instant /*at*/) {}
  virtual void gap_suspected(RunOrdinal, Instant /*at*/) {}
  virtual void gap_confirmed(RunOrdinal, Instant /*at*/) {}
  virtual void outbox_leased(std::uint32_t /*relay*/, std::uint64_t /*position*/, Instant /*until*/, Instant /*at*/) {}
  virtual void outbox_published(const StoredEvent&, Instant /*at*/) {}
  /// Its relay gave the row back, to be tried again: its lease is over.
  virtual void outbox_released(std::uint64_t /*position*/, Instant /*at*/) {}
  /// A consumer has done what it does with the event. The bus hears of it by `delivered`, or never.
  virtual void event_consumed(std::uint32_t /*subscription*/, const StoredEvent&, Instant /*at*/) {}
  virtual void delivered(std::uint32_t /*subscription*/, const StoredEvent&, std::uint32_t /*attempts*/, bool /*first*/,
                         Instant /*at*/) {}
  virtual void dead_lettered(std::uint32_t /*subscription*/, const StoredEvent&, Instant /*at*/) {}
  /// A dead letter is on its way again, for kNoSubscription or the subscription that it died for.
  virtual void dead_letter_redriven(std::uint32_t /*subscription*/, const StoredEvent&, Instant /*at*/) {}
  virtual void run_resynced(const ResyncFact&) {}
  /// From now on the projector reads so many partitions.
  virtual void projector_laid_out(std::uint32_t /*partitions*/, Instant /*at*/) {}

  // Faults
  virtual void fault_injected(std::string_view /*name*/, Instant /*at*/) {}
  virtual void fault_healed(std::string_view /*name*/, Instant /*at*/) {}
  virtual void fault_struck(std::string_view /*name*/, Instant /*at*/) {}
};

/// Tells every fact to several listeners, in the order added.
class TelemetryFanOut;

}  // namespace dvt
