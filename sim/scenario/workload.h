// What the scenario asks of the control plane: tenants, plans, arrivals, background signals, reads (scenario.md,
// `workload`). Plain values; plans are specifications, resolved to plans by sim/import and sim/world.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/base/signal.h"
#include "engine/plan/plan.h"
#include "sim/scenario/values.h"

namespace dvt::sim {

/// Which runs a selection takes, by the run states of domain §2.
enum class RunFilter { any, pending, approved, running, paused, completed, failed, cancelled };

/// `select: {status, fraction, plan, tenant}` or `{sameAs: operation}`. `sameAs` repeats the exact runs that the other
/// operation chose and excludes the other members.
struct Select {
  std::optional<RunFilter> status;  // absent: see filter()
  Share fraction = percent(100);
  std::string plan = "any";            // a name of workload.plans, or any
  std::optional<std::int64_t> tenant;  // index from 0; absent: any
  std::string same_as;                 // empty: not used
  bool operator==(const Select&) const = default;
  /// PAUSED for RESUME, FAILED for RETRY_RUN, RUNNING for the rest, unless `status` says otherwise.
  RunFilter filter(SignalType signal) const {
    if (status) return *status;
    if (signal == SignalType::retry_run) return RunFilter::failed;
    return signal == SignalType::resume ? RunFilter::paused : RunFilter::running;
  }
};

struct Tenants {
  std::int64_t count = 1;
  double zipf = 0;  // exponent of the skew; 0: uniform
  bool operator==(const Tenants&) const = default;
};

/// One step of an inline plan. `depends_on` absent differs from an empty list (domain §6, layers).
struct PlanStep {
  Source source;
  std::string step_id;
  std::string kind;
  std::string size = "small";   // small | medium | large
  std::string materialization;  // view | table | incremental | test | seed | snapshot; empty: none
  std::optional<std::vector<std::string>> depends_on;
  bool operator==(const PlanStep&) const = default;
};

struct InlinePlan {
  std::vector<PlanStep> steps;
  bool operator==(const InlinePlan&) const = default;
};

/// `steps` steps in `layers` layers of equal width (the first layers take the remainder).
struct SyntheticPlan {
  std::int64_t steps = 10;
  std::int64_t layers = 1;
  std::string kind = "dbt";
  std::string size = "small";
  bool operator==(const SyntheticPlan&) const = default;
};

struct DbtPlan {
  FilePath manifest;
  FilePath run_results;  // empty: none
  std::vector<std::string> select{"model", "seed", "test", "snapshot"};
  bool threads = false;  // the results' threads bound how many steps of a run are under way at once
  bool operator==(const DbtPlan&) const = default;
};

struct PlanFile {
  FilePath file;
  bool operator==(const PlanFile&) const = default;
};

/// A registered C++ workflow instead of a plan.
struct WorkflowPlan {
  std::string workflow;
  JsonText input;
  bool operator==(const WorkflowPlan&) const = default;
};

struct PlanSpec {
  std::string name;
  Source source;
  bool unchecked = false;  // handed to the workflow as it is, valid or not (steps only)
  double weight = 1;       // >= 0; a run takes the plan with probability weight / sum of weights
  // The plan's metadata (domain §6, §10); a plan file brings its own.
  std::vector<std::string> requires_capabilities;
  engine::FallbackBehavior fallback = engine::FallbackBehavior::reject;
  engine::TargetAdapter target = engine::TargetAdapter::any;
  std::variant<InlinePlan, SyntheticPlan, DbtPlan, PlanFile, WorkflowPlan> body;
  bool operator==(const PlanSpec&) const = default;
  /// The metadata of a plan that no file brings: its id is the name, its version 1.
  engine::PlanMetadata metadata() const;
};

enum class ArrivalProcess { poisson, deterministic, gamma, trace };

/// A sine over the UTC day: rate(t) = rate * (1 + amplitude * cos(2 pi (time of day - peak) / 24 h)).
struct Diurnal {
  Share amplitude;
  Duration peak = hours(14);
  bool operator==(const Diurnal&) const = default;
};

struct Arrivals {
  ArrivalProcess process = ArrivalProcess::poisson;
  Rate rate;         // zero only when `runs` or a trace says when runs arrive
  double scale = 1;  // multiplies every rate (for a trace: compresses its gaps)
  Diurnal diurnal;
  double cv = 1;                     // gamma: coefficient of variation of the gaps
  FilePath file;                     // trace: CSV with one row per run
  std::string column;                // trace: the column of arrival times since the scenario's start
  Duration unit = seconds(1);        // trace: unit of that column's bare numbers
  std::optional<std::int64_t> runs;  // instead of a rate: so many runs at once at the start
  bool operator==(const Arrivals&) const = default;
};

/// One stage of `workload.stages`; `ramp` is the part of `length` in which the rate changes linearly.
struct Stage {
  Source source;
  Duration length;
  Rate rate;
  Duration ramp;
  bool operator==(const Stage&) const = default;
};

/// Background operator traffic: one entry of `workload.signals`, named by its signal.
struct BackgroundSignal {
  Source source;
  SignalType signal = SignalType::pause;
  Rate rate;
  Select select;
  std::optional<Dist> resume_after;  // PAUSE only: a RESUME follows each after such a time; absent: never
  bool operator==(const BackgroundSignal&) const = default;
};

struct Reads {
  Rate rate = per_second(1);
  bool operator==(const Reads&) const = default;
};

struct Clients {
  Duration timeout = seconds(10);
  std::int64_t retries = 3;
  Duration backoff = seconds(1);
  bool operator==(const Clients&) const = default;
};

struct Workload {
  Tenants tenants;
  std::vector<PlanSpec> plans;  // never empty, in written order
  Arrivals arrivals;
  std::vector<Stage> stages;
  std::vector<BackgroundSignal> signals;
  Reads reads;
  Clients clients;
  std::optional<Dist> approval;  // absent: runs need no approval
  /// Time between synthetic no-op runs, whole minutes (domain §13, availability); absent: none.
  std::optional<Duration> probe = minutes(1);
  bool operator==(const Workload&) const = default;
};

}  // namespace dvt::sim
