// The control plane's parts and their parameters (scenario.md, `topology` and `warehouses`). Defaults: scenario.md's
// `#=` values, otherwise the baseline of domain §21. Plain values; times are virtual.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/event_type.h"
#include "engine/plan/plan.h"
#include "sim/scenario/values.h"

namespace dvt::sim {

enum class AdapterKind { temporal, conductor, mock };
/// The same in the words of plans.
engine::TargetAdapter target_of(AdapterKind kind);
/// How the temporal adapter hands on a CANCEL: as the provider's own request, or as the workflow signal `cancel`.
enum class CancelBy { native, signal };

struct AdapterSpec {
  AdapterKind kind = AdapterKind::temporal;
  CancelBy cancel = CancelBy::native;
  Duration heartbeat_interval = seconds(10);
  Dist rpc_latency = Dist::lognormal(milliseconds(5), milliseconds(30));  // worker poll, response and plan fetch alike
  Rate capacity;  // the control plane's calls to the provider; zero: no limit
  bool operator==(const AdapterSpec&) const = default;
};

enum class InterpreterKind { layers, dataflow };
enum class OnStepFailure { fail, hold };

struct InterpreterSpec {
  InterpreterKind kind = InterpreterKind::layers;
  std::int64_t continue_as_new_after_layers = 0;  // 0: never
  OnStepFailure on_step_failure = OnStepFailure::fail;
  Dist task_latency = Dist::lognormal(milliseconds(2), milliseconds(15));  // execution of one workflow task
  bool operator==(const InterpreterSpec&) const = default;
};

/// Activity options as they apply to one activity; zero durations mean "none". Defaults: production's (domain §6).
struct ActivityOptions {
  Duration start_to_close = minutes(30);
  Duration schedule_to_start;
  Duration schedule_to_close;
  Duration heartbeat;
  std::int64_t max_attempts = 3;  // 0: no limit
  Duration initial_interval = seconds(1);
  double coefficient = 2;
  Duration max_interval = seconds(60);
  bool operator==(const ActivityOptions&) const = default;
};

/// One entry of `topology.activityOptions`, named `default`, a step kind, or `kind/size`; only what was written.
struct ActivityOptionsEntry {
  std::string name;
  Source source;
  std::optional<Duration> start_to_close;
  std::optional<Duration> schedule_to_start;
  std::optional<Duration> schedule_to_close;
  std::optional<Duration> heartbeat;
  std::optional<std::int64_t> max_attempts;
  std::optional<Duration> initial_interval;
  std::optional<double> coefficient;
  std::optional<Duration> max_interval;
  bool operator==(const ActivityOptionsEntry&) const = default;
};

/// A task queue and the workers that serve it. `slots` bound activities and workflow tasks apart.
struct TaskQueueSpec {
  std::string name;
  Source source;
  std::int64_t workers = 4;
  std::int64_t slots = 20;   // per worker, for each of the two kinds of task
  std::int64_t pollers = 5;  // per worker
  std::int64_t zones = 2;    // worker i stands in zone i mod zones
  Dist restart_delay = Dist::lognormal(seconds(20), seconds(90));
  std::int64_t sticky_cache = 1000;  // workflows kept by one worker; 0: none
  Rate rate_limit;                   // zero: none
  Duration poll_interval;            // Conductor's workers; 0: the domain's own, see poll_interval_of()
  bool operator==(const TaskQueueSpec&) const = default;
};

enum class OrphanPolicy { accept, reject };

struct ConductorSpec {
  Duration drain_timeout = minutes(5);
  OrphanPolicy orphan_policy = OrphanPolicy::accept;
  Duration poll_interval = milliseconds(100);
  Duration task_timeout = seconds(30);
  bool operator==(const ConductorSpec&) const = default;
};

struct PauseSpec {
  bool cancel_running = false;
  bool operator==(const PauseSpec&) const = default;
};

enum class AdmissionPolicy { reject, queue, delay };

struct AdmissionSpec {
  AdmissionPolicy policy = AdmissionPolicy::queue;
  std::int64_t max_in_flight = 5000;  // runs; 0: no limit
  Rate quota_per_tenant;              // zero: none
  bool operator==(const AdmissionSpec&) const = default;
};

struct ApiSpec {
  Dist latency = Dist::lognormal(milliseconds(40), milliseconds(220));
  Rate capacity = per_second(200);
  AdmissionSpec admission;
  bool operator==(const ApiSpec&) const = default;
};

enum class StoreBackend { sqlite_memory, memory, file };
enum class CommitMode { batched, per_append };
enum class ReplicaRead { status, projector };  // who reads from a read replica

struct StateStoreSpec {
  Dist write_latency = Dist::lognormal(milliseconds(2), milliseconds(8));
  Dist read_latency = Dist::constant(milliseconds(1));
  std::int64_t connections = 50;
  Duration write_budget = seconds(3);
  std::vector<EventType> fail_open{EventType::step_started};
  StoreBackend backend = StoreBackend::sqlite_memory;
  CommitMode commit = CommitMode::batched;
  Dist replica_lag = Dist::constant(Duration{});  // zero: there is no read replica
  std::vector<ReplicaRead> replica_reads{ReplicaRead::status, ReplicaRead::projector};
  Bytes disk_size;  // zero: no bound
  Duration retention = days(90);
  bool operator==(const StateStoreSpec&) const = default;
};

struct ProjectorSpec {
  std::int64_t replicas = 3;
  Rate throughput = per_second(60);  // events, per replica
  Duration poll_interval = milliseconds(100);
  std::int64_t batch = 10;
  Duration flush = milliseconds(200);
  Duration takeover = seconds(10);
  std::int64_t backpressure_at = 100;  // events behind
  Dist restart_delay = Dist::lognormal(seconds(20), seconds(90));
  bool operator==(const ProjectorSpec&) const = default;
};

struct BackoffSpec {
  Duration initial = seconds(1);
  double factor = 2;
  Duration max = seconds(30);
  Share jitter = percent(20);
  bool operator==(const BackoffSpec&) const = default;
};

struct OutboxSpec {
  std::int64_t relays = 2;
  Duration poll_interval = milliseconds(250);
  std::int64_t batch = 100;
  Duration lease = seconds(30);
  BackoffSpec backoff;
  std::int64_t max_attempts = 10;  // after so many the row goes to the dead letter queue
  Dist restart_delay = Dist::lognormal(seconds(20), seconds(90));
  bool operator==(const OutboxSpec&) const = default;
};

struct SubscriptionSpec {
  std::string name;
  Source source;
  Dist latency = Dist::constant(milliseconds(50));
  bool operator==(const SubscriptionSpec&) const = default;
};

/// ui, audit and webhooks exist by default; entries of the file change them or add others.
std::vector<SubscriptionSpec> default_subscriptions();

struct BusSpec {
  std::vector<SubscriptionSpec> subscriptions = default_subscriptions();
  Dist publish_latency = Dist::constant(Duration{});  // publication to its acknowledgement
  Duration ack_timeout = seconds(5);                  // of publications and deliveries
  Rate throughput;                                    // messages a subscription takes; zero: no limit
  bool operator==(const BusSpec&) const = default;
};

struct SignalsSpec {
  std::int64_t processors = 2;
  Rate throughput = per_second(200);
  std::int64_t max_per_run_per_minute = 60;
  Bytes max_bytes{65'536};
  Dist restart_delay = Dist::lognormal(seconds(20), seconds(90));
  bool operator==(const SignalsSpec&) const = default;
};

enum class OncallHours { always, business };

struct OncallSpec {
  Dist acknowledge = Dist::lognormal(minutes(4), minutes(20));
  OncallHours hours = OncallHours::always;
  bool operator==(const OncallSpec&) const = default;
};

enum class OrphanedQuery { continues, cancelled };

/// Workers of a queue that does not say how many, on Conductor (domain §10): tq-control 10, tq-data 5,
/// tq-isolation-… 2.
std::int64_t conductor_workers(std::string_view queue);

/// The tenant, from 0, that `tq-isolation-tenant-<n>` isolates; nullopt when there is none of `tenants`.
std::optional<std::int64_t> isolated_tenant(std::string_view queue, std::int64_t tenants);

/// tq-control (4 workers of 20 slots) and tq-data (10 of 8) exist by default; entries of the file change them.
std::vector<TaskQueueSpec> default_task_queues();

struct Topology {
  AdapterSpec adapter;
  InterpreterSpec interpreter;
  std::vector<ActivityOptionsEntry> activity_options;
  std::vector<TaskQueueSpec> task_queues = default_task_queues();
  ConductorSpec conductor;
  PauseSpec pause;
  ApiSpec api;
  StateStoreSpec state_store;
  ProjectorSpec projector;
  OutboxSpec outbox;
  BusSpec bus;
  SignalsSpec signals;
  OncallSpec oncall;
  OrphanedQuery orphaned_query = OrphanedQuery::continues;
  bool operator==(const Topology&) const = default;

  /// The options written for `executeStep` of a step: `kind/size` over `kind` over `default` over `unwritten`. For the
  /// other activities pass empty texts. What holds in a scenario is Scenario::activity_options.
  ActivityOptions options_for(std::string_view kind, std::string_view size, ActivityOptions unwritten = {}) const;
  /// Between two polls of a Conductor worker: the queue's own, otherwise `conductor.pollInterval` for tq-control, five
  /// times that for tq-data and twice for tq-isolation-… (domain §10: 100 ms, 500 ms, 200 ms).
  Duration poll_interval_of(const TaskQueueSpec& queue) const;
  /// nullptr when there is none of that name.
  const TaskQueueSpec* task_queue(std::string_view name) const;
};

struct WarehouseErrors {
  Share rate;                                                   // per attempt
  NamedValues<Share> codes{{"transient_error", percent(100)}};  // sums to 100 %
  Share permanent;                                              // the part of the errors that is PermanentStepError
  bool operator==(const WarehouseErrors&) const = default;
};

/// Baseline durations (domain §21, §11): dbt by size, Spark by kind/size, the BigQuery fits by materialization.
NamedValues<Dist> default_step_durations();

struct WarehouseSpec {
  std::string name;
  Source source;
  std::vector<std::string> kinds{"dbt", "spark", "custom"};
  std::int64_t concurrency = 50;
  NamedValues<Dist> duration = default_step_durations();  // keys: materialization, kind/size, or size
  WarehouseErrors errors;
  bool operator==(const WarehouseSpec&) const = default;

  bool runs(std::string_view kind) const;
  /// materialization over kind/size over size; nullptr when no key fits.
  const Dist* duration_for(std::string_view kind, std::string_view size, std::string_view materialization) const;
};

/// The warehouse of a scenario that names none: `default`, running dbt, spark and custom.
std::vector<WarehouseSpec> default_warehouses();

}  // namespace dvt::sim
