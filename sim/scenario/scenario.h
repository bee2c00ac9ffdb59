// Scenario: everything one scenario file says, as immutable plain values with every default filled in (scenario.md,
// key by key). Made by read_scenario() (reader.h) and by nothing else outside tests; the world is built from it.
// Names, defaults and units: workload.h, topology.h and below. `operator==` compares meanings, never positions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/time.h"
#include "engine/plan/capabilities.h"
#include "sim/scenario/topology.h"
#include "sim/scenario/values.h"
#include "sim/scenario/workload.h"

namespace dvt::sim {

enum class Tier { quick, full, nightly };

struct Metadata {
  std::string name;
  std::string description;
  NamedValues<std::string> labels;
  Tier tier = Tier::quick;
  bool operator==(const Metadata&) const = default;
};

enum class Schedule { fifo, shuffled };

/// Which of the production design's known faults 1 to 10 (domain §19) are mended; the others are reproduced.
struct KnownFaults {
  std::array<bool, 11> mended{};  // by number; [0] is not used
  bool operator==(const KnownFaults&) const = default;
  bool fixed(int number) const { return mended.at(static_cast<std::size_t>(number)); }
};

struct Record {
  enum class Histories { none, all, failed, slowest, every };
  Histories histories = Histories::none;
  std::int64_t n = 0;  // slowest: how many; every: each n-th run
  bool operator==(const Record&) const = default;
};

enum class Provenance { measured, assumed, unchanged };  // `unchanged` is written `default`

/// Fault kinds, named as Chaos Mesh, Toxiproxy and Jepsen name them (design §6).
enum class FaultKind {
  latency,
  outage,
  error,
  throttle,
  loss,
  duplicate,
  reorder,
  partition,
  stall,
  kill,
  restart,
  process_pause,
  clock_skew,
  disk_full,
  disk_slow,
  io_error,
  lose_unsynced,
  commit_unknown,
  pool_exhaustion,
  failover,
  heartbeat_drop,
  ack_lost,
  zombie_complete,
  corrupt,
};

enum class TargetKind {
  api,
  store,
  store_disk,
  link_worker_store,
  projector,
  outbox,
  bus,
  adapter,
  worker,
  warehouse,
  signals,
  clock_worker,
  plans,
};

/// A parsed target. `worker/tq-data/3`, `projector/2`, `outbox/1`: index 3, 2, 1 (from 0). `worker/tq-data/*`: every
/// worker alone (a kill strikes each of them). `projector`, `worker/tq-data`: the whole. `projector/random(2)`: two
/// different replicas, drawn for each episode.
struct Target {
  TargetKind kind = TargetKind::api;
  std::string name;  // task queue, warehouse or subscription; empty where the kind has none, or for the whole bus
  enum class Members { whole, index, each, random };
  Members members = Members::whole;
  std::int64_t index = 0;  // index: which; random: how many
  std::string text;        // as written
  bool operator==(const Target&) const = default;
};

enum class FaultGroup { none, zone };

/// `every`: a fixed gap between the starts of episodes, or a Poisson process.
struct Every {
  std::optional<Duration> gap;
  Rate poisson;  // when `gap` is absent
  bool operator==(const Every&) const = default;
};

/// One entry of `faults` (their order is the order of composition). Meanings: scenario.md, "Meanings that need a
/// sentence": without `every` there is one episode, at `at`; `until` absent: the end of the run.
struct Fault {
  std::string name;
  Source source;
  FaultKind kind = FaultKind::latency;
  Target target;
  Duration at;
  std::optional<Dist> length;  // `for`; absent for kill, and for a fault that lasts to the end
  std::optional<Every> every;
  std::optional<Duration> until;
  FaultGroup group = FaultGroup::none;
  Share max_down = percent(100);
  Share probability = percent(100);
  Share correlation;
  std::int64_t max_count = 0;  // 0: no limit
  double factor = 1;           // latency: durations are multiplied by it
  Share jitter;
  Duration ramp;
  Share share = percent(100);  // of the messages that are struck
  Duration offset;             // clock-skew: clocks are off by at most this
  bool operator==(const Fault&) const = default;
};

/// `after: {operation, until, timeout}`.
struct After {
  enum class Until { done, drained };
  std::string operation;
  Until until = Until::done;
  Duration timeout = hours(1);
  bool operator==(const After&) const = default;
};

/// `on: {alert, state}`.
struct OnAlert {
  enum class State { pending, firing, resolved };
  std::string alert;
  State state = State::firing;
  bool operator==(const OnAlert&) const = default;
};

enum class OperatorAction {
  scale,
  restart,
  throttle,
  set_timeout,
  add_connections,
  terminate,
  force_timeout,
  replay_from_snapshot,
  requeue_deferred,
  purge_deferred,
  heal,
};

/// One entry of `operations`: exactly one trigger (`at`, `after`, `on`) and exactly one of `signal`, `action`.
struct Operation {
  std::string name;
  Source source;
  std::optional<Duration> at;
  std::optional<After> after;
  std::optional<OnAlert> on;
  std::optional<Dist> reaction;  // of `on`; absent: the on-call model
  std::optional<SignalType> signal;
  std::optional<OperatorAction> action;
  Role as = Role::operator_;
  std::string reason;
  Select select;
  Duration spread;
  JsonText payload;
  std::string signal_id;  // empty: a fresh one for each signal
  std::int64_t repeat = 1;
  std::string target;  // actions scale, restart, replay-from-snapshot
  std::optional<std::int64_t> to;
  std::optional<Rate> rate;
  std::string kind;  // set-timeout
  std::optional<Duration> start_to_close;
  std::optional<std::int64_t> by;
  std::string fault;  // heal
  bool operator==(const Operation&) const = default;
};

enum class ReleaseType { feature, reliability };
enum class WhenFrozen { drop, defer, batch };

struct Incident {
  FaultKind kind = FaultKind::outage;
  std::string target;
  Dist length;
  double factor = 1;
  bool operator==(const Incident&) const = default;
};

struct Release {
  std::string name;
  Source source;
  Duration every = days(7);
  ReleaseType type = ReleaseType::feature;
  Share risk;
  std::optional<Incident> incident;
  Duration rollback = minutes(5);
  WhenFrozen when_frozen = WhenFrozen::defer;
  bool operator==(const Release&) const = default;
  /// The incident as a fault of the series' name, without times; absent: releases do no harm. Precondition: the target
  /// parses.
  std::optional<Fault> fault() const;
};

enum class BudgetWindow { rolling_30d, calendar_month, calendar_quarter };

struct Advisory {
  Share defer_risk_above = percent(20);
  bool operator==(const Advisory&) const = default;
};

struct BudgetPolicy {
  std::string objective = "availability";
  BudgetWindow window = BudgetWindow::rolling_30d;
  Advisory advisory;
  Share recover_below = percent(90);
  bool enforce = true;
  bool operator==(const BudgetPolicy&) const = default;
};

enum class Budgeting { occurrences, timeslices };

struct ObjectiveSpec {
  std::string name;
  Source source;
  std::string metric;
  std::string bad;        // one of bad and threshold
  std::string threshold;  // a number or a value with its unit
  Share target;
  Budgeting budgeting = Budgeting::occurrences;
  Duration slice = minutes(1);
  Duration window = days(30);
  bool operator==(const ObjectiveSpec&) const = default;
};

/// `builtin` is all empty. A map adds to the built-in objectives.
struct Objectives {
  std::vector<ObjectiveSpec> added;
  FilePath file;  // OpenSLO
  bool operator==(const Objectives&) const = default;
};

enum class RuleSet { upstream, corrected };

struct Alerts {
  std::vector<RuleSet> rule_sets{RuleSet::corrected};
  std::vector<FilePath> files;
  bool act_on_run = true;
  bool operator==(const Alerts&) const = default;
};

enum class Escalation { documents, none };

/// Invariants left out, each with its reason (empty when none was given).
struct Invariants {
  NamedValues<std::string> except;
  bool operator==(const Invariants&) const = default;
};

struct Cost {
  Money replica_hour{45'000'000};
  Money gb_month{120'000'000};
  Money gb_moved{10'000'000};
  Date price_date{"2026-01-01"};
  bool operator==(const Cost&) const = default;
};

struct MetricsSpec {
  bool step_labels = false;
  bool operator==(const MetricsSpec&) const = default;
};

/// Text checked for its grammar; assertion.h parses and evaluates it.
struct AssertionSpec {
  Source source;
  std::string text;
  bool abort_on_fail = false;
  bool operator==(const AssertionSpec&) const = default;
};

struct Scenario {
  std::string file_name;  // as given to the reader, for messages
  Metadata metadata;
  std::uint64_t seed = 1;
  UnixNanos start{1'767'225'600'000'000'000};  // 2026-01-01T00:00:00Z
  Duration duration;
  Duration warmup;
  Duration sample_interval = seconds(15);
  Schedule schedule = Schedule::fifo;
  KnownFaults known_faults;
  Record record;
  NamedValues<Provenance> provenance;  // by path
  Workload workload;
  Topology topology;
  std::vector<WarehouseSpec> warehouses = default_warehouses();
  std::vector<Fault> faults;
  std::vector<Operation> operations;
  std::vector<Release> releases;
  std::optional<BudgetPolicy> budget_policy;
  Objectives objectives;
  Alerts alerts;
  Escalation escalation = Escalation::documents;
  Invariants invariants;
  Cost cost;
  MetricsSpec metrics;
  std::vector<AssertionSpec> assertions;

  /// Everything but file_name.
  bool operator==(const Scenario& other) const;

  /// A plan's metadata against the adapter's row of the capability matrix (domain §10); its tasks are judged where the
  /// plan is resolved. Precondition: the plan is no file.
  engine::PlanVerdict judge(const PlanSpec& plan) const;
  /// The warehouse that runs a step kind: the first in written order; nullptr when none does.
  const WarehouseSpec* warehouse_for(std::string_view kind) const;
  /// The options of a step's executeStep: what is written, over production's defaults or their fix (known fault 8). For
  /// the other activities pass empty texts.
  ActivityOptions activity_options(std::string_view kind, std::string_view size,
                                   std::string_view materialization) const;
  /// `file:line:col` of a value, or `file` when it has no position.
  std::string location(Source source) const;
};

/// The task queue of a step kind's executeStep: tq-data for dbt and spark, tq-control for everything else.
std::string_view queue_for_step(std::string_view kind);

}  // namespace dvt::sim
