// Measurements: what a run measured, as plain values. The one thing that objectives, verdicts and reports read; made by
// Measure::finish() (recorder.h). Durations are virtual nanoseconds, instants count from the scenario's start. Unless a
// field says otherwise, `runs`, `store` and `counts` cover the whole run and everything else begins when warm-up ends
// (design §7): an observation counts when it *starts* at or after the end of warm-up.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/load.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"

namespace dvt::sim {

/// Five-minute windows that held data, and how many of them missed the objective by the same integer rule.
struct WindowCount {
  std::uint64_t n = 0;
  std::uint64_t failed = 0;
  bool operator==(const WindowCount&) const = default;
};

/// A five-minute window that held bad observations: where an indicator was bad, and how much budget was gone when.
struct BadWindow {
  Instant from;
  std::uint64_t n = 0;
  std::uint64_t bad = 0;
  Instant first_bad;  // when the first bad one of the window ended
  Instant last_bad;
  bool operator==(const BadWindow&) const = default;
};

/// [from, to].
struct TimeSpan {
  Instant from;
  Instant to;
  bool operator==(const TimeSpan&) const = default;
};

/// Nearest-rank quantiles x₍⌈q·N⌉₎ of N values. Meaningful when n > 0.
struct Percentiles {
  std::uint64_t n = 0;
  Duration p50;
  Duration p99;
  Duration max;
  bool operator==(const Percentiles&) const = default;
};

/// A latency against its threshold. good + bad == n; an observation equal to the threshold is good. p99 is above the
/// threshold exactly when 100·good < 99·n: it never contradicts the verdict.
struct LatencySummary {
  Duration threshold;
  std::uint64_t n = 0;
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  std::uint64_t open = 0;  // of the bad ones: still open at the end and already older than the threshold
  Percentiles percentiles;
  bool exact = true;  // false: quantiles come from bins, relative error at most 2^-12
  WindowCount windows;
  std::vector<BadWindow> bad_windows;  // ascending
};

struct NamedLatency {
  std::string name;
  LatencySummary latency;
};

/// Whole run. `failed` holds the runs terminated by an operator too.
struct RunCounts {
  std::uint64_t requested = 0;
  std::uint64_t started = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t in_flight = 0;  // started and not closed, at the end
  std::uint64_t stuck = 0;      // domain §13, error-rate; at the end
};

/// Whole run.
struct StoreResult {
  std::uint64_t events = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t write_errors = 0;
  std::uint64_t bytes = 0;  // not told by any fact: filled in by whoever owns the store
};

/// Global lag of the projection: bad while events >= 50 and the oldest is >= 1 s old; exact between facts.
struct LagSummary {
  Duration total;
  Duration bad;
  std::uint64_t max_events = 0;
  Duration max_age;
  WindowCount windows;  // by 1000·good >= 999·total in each
  bool any_event = false;
  /// When it was bad, to the nanosecond, ascending; stretches less than a minute apart are one.
  std::vector<TimeSpan> bad_spans;
};

struct GapSummary {
  std::uint64_t suspected = 0;
  std::uint64_t confirmed = 0;
  static constexpr std::size_t kListLimit = 10'000;
  std::vector<Instant> confirmed_at;  // the first of them
};

/// One full virtual day after warm-up.
struct ThroughputDay {
  Instant from;
  std::uint64_t offered = 0;    // runs requested
  std::uint64_t completed = 0;  // runs that completed
};

/// Terminal runs after warm-up, each once, by who is to blame (domain §13, error-rate).
struct TerminalCounts {
  std::uint64_t completed = 0;
  std::uint64_t failed_engine = 0;
  std::uint64_t failed_user = 0;
  std::uint64_t terminated = 0;  // TERMINATED_BY_OPERATOR
  std::uint64_t cancelled = 0;
};

/// What a minute of the control plane was (domain §13, availability). Several reasons may hold at once.
inline constexpr std::uint8_t kMinuteJudged = 1;  // a request, a write or a probe tells of it
inline constexpr std::uint8_t kBadRequests = 2;   // more than 5 % of its valid requests failed
inline constexpr std::uint8_t kBadWrites = 4;     // no write succeeded, though some were tried
inline constexpr std::uint8_t kBadProbe = 8;      // the no-op run was not seen to start
inline constexpr std::uint8_t kMinuteBad = kBadRequests | kBadWrites | kBadProbe;

struct MinuteCounts {
  std::uint64_t judged = 0;
  std::uint64_t good = 0;
  std::uint64_t bad_requests = 0;
  std::uint64_t bad_writes = 0;
  std::uint64_t bad_probe = 0;
  std::uint64_t bad() const { return judged - good; }
  bool operator==(const MinuteCounts&) const = default;
};

/// What the runs of a plan, or of a tenant, used after warm-up (slo/cost.h says what it costs). Runs of probes, and
/// what belongs to no run that is known, stand in an entry of their own.
struct ResourceUse {
  std::string name;
  std::uint64_t completed = 0;
  std::vector<std::int64_t> slot_ns;  // by task queue: time that activity attempts held slots
  std::uint64_t stored_bytes = 0;
  std::uint64_t moved_bytes = 0;
};

/// A planned release and what became of it (domain §15). Told by the world, like capacity.
enum class ReleaseFate : std::uint8_t { shipped, waiting, dropped };
constexpr std::string_view to_string(ReleaseFate fate) {
  return fate == ReleaseFate::shipped ? "shipped" : fate == ReleaseFate::waiting ? "waiting" : "dropped";
}
struct ReleaseRecord {
  std::string name;          // of the series
  std::uint32_t number = 0;  // in it, from 0
  Instant planned_at;
  ReleaseFate fate = ReleaseFate::shipped;
  std::optional<Instant> shipped_at;
  bool incident = false;       // it caused its fault
  std::uint32_t together = 1;  // releases that shipped in the same batch
};
struct ReleaseSummary {
  std::uint64_t planned = 0;
  std::uint64_t shipped = 0;
  std::uint64_t deferred = 0;  // had to wait, whether they shipped later or not
  std::uint64_t waiting = 0;   // still do at the end
  std::uint64_t dropped = 0;
  std::uint64_t incidents = 0;
  Duration delayed;                 // over all, up to the end for those that wait
  std::vector<ReleaseRecord> list;  // by planned instant
};

/// An objective of the scenario's own, counted on the sampling grid (slo/own_objectives.h).
struct OwnObjectiveCounts {
  double total = 0;  // occurrences or slices in the objective's window
  double bad = 0;
  WindowCount windows;  // of five minutes
};

/// How long steps of a kind and size took in the data plane (SLOs §2): informative, and never decides anything.
struct StepClassResult {
  std::string kind;
  std::string size;
  LatencySummary latency;  // threshold zero: the document has none
};

enum class PauseEnd : std::uint8_t { drained, resume, terminal, drain_timeout, end_of_run };
std::string_view to_string(PauseEnd end);

/// One accepted PAUSE (domain §7). Durations count from acceptance. Only step activities (executeStep) are meant:
/// the control ones that carry out the pause, such as emitEvent(RunPaused), are not activities it should stop.
struct PauseRecord {
  RunOrdinal run;
  Uuid run_id;
  Instant accepted_at;
  std::optional<Duration> applied;  // the workflow task that handled it completed; absent: never
  Duration last_scheduled;          // first attempts; 0 if none after acceptance
  Duration last_started;            // first attempts; 0 if none; what the objective judges
  Duration last_retry_started;      // beside it
  std::optional<Duration> drained;  // applied, standing still, and no step attempt queued, running or in backoff
  std::uint32_t first_attempts_started = 0;
  std::uint32_t retries_started = 0;
  std::uint32_t queue_depth = 0;      // at acceptance: this run's step attempts waiting in a task queue
  std::uint32_t in_flight = 0;        // at acceptance: this run's step attempts running
  std::uint32_t warehouse_queue = 0;  // at acceptance: statements waiting in all warehouses
  PauseEnd ended_by = PauseEnd::end_of_run;
  std::uint32_t activities_started() const { return first_attempts_started + retries_started; }
};

struct PauseGroup {
  std::uint64_t n = 0;
  Percentiles applied;
  Percentiles last_scheduled;
  Percentiles last_started;
  Percentiles last_retry_started;
  Percentiles drained;
};

struct PauseSummary {
  PauseGroup all;
  PauseGroup with_backlog;  // those with queue_depth > 0
  LatencySummary with_backlog_latency;
  std::uint64_t activities_started_after_pause = 0;  // first attempts and retries
  std::uint64_t retries_started_after_pause = 0;     // of those
  std::uint64_t ended_by[5] = {};                    // by PauseEnd
  std::vector<PauseRecord> list;                     // by acceptance; at most PauseLog::kListLimit
  bool list_truncated = false;
};

/// An episode of a fault, whole run.
struct FaultEpisode {
  Instant injected_at;
  std::optional<Instant> healed_at;
  std::optional<Instant> recovered_at;
};

struct FaultSummary {
  std::string name;
  std::optional<Instant> injected_at;  // of the first episode
  std::optional<Instant> healed_at;    // of the last healed one
  std::uint64_t count = 0;             // episodes
  std::uint64_t strikes = 0;
  /// Longest time from heal to recovery (faults.h says what recovery is); absent when an episode has not recovered.
  std::optional<Duration> recovered;
  std::vector<FaultEpisode> episodes;  // at most FaultLog::kEpisodeLimit, the first ones
};

/// A question to the sampled series: metric(NAME{label=value}) within [from, to].
struct SeriesQuery {
  std::string metric;  // as in the catalogue, or a histogram's …_bucket, …_sum, …_count
  std::vector<std::pair<std::string, std::string>> labels;  // every one must match
  Instant from;
  Instant to;
  bool operator==(const SeriesQuery&) const = default;
};

/// Several series: min of minima, max of maxima; mean, last and increase of their sum at each sample. Absent values
/// (gauges never set) are left out. `increase` is the last value minus the one at the last sample before or at `from`.
struct SeriesAnswer {
  SeriesQuery query;
  std::uint64_t samples = 0;  // 0: nothing was sampled in the window; the numbers mean nothing
  double min = 0;
  double max = 0;
  double mean = 0;
  double last = 0;
  double increase = 0;
};

/// How loaded a part of the topology was after warm-up, for sizing it: store (connections), projector (replicas),
/// outbox (relays). Told by no fact: filled in by whoever owns the parts.
struct CapacityResult {
  std::string resource;
  LoadFigures load;
};

struct AbsentMetric {
  std::string name;
  std::string reason;
};

/// Verdict of one invariant (written by sim/check; here so that sim/slo can read it).
struct InvariantResult {
  std::string name;
  std::uint64_t checks = 0;
  std::uint64_t violations = 0;
  int known_fault = 0;  // 1 to 10: broken by an enabled known fault and therefore no failure; 0: none
  std::vector<std::string> examples;
};

/// A plan that runs of the world may take.
struct MeasuredPlan {
  std::string plan_id;
  std::uint64_t steps = 0;
};

struct Measurements {
  Instant warmup_end;
  Instant end;
  Duration sample_interval;
  std::string adapter;
  std::vector<MeasuredPlan> plans;

  RunCounts runs;
  StoreResult store;

  LatencySummary plan_persisted;
  std::uint64_t rejected_apart = 0;  // overload and client errors, not in plan_persisted
  LatencySummary ui_refresh;
  LatencySummary ui_push;  // commit → acknowledged by the subscription `ui`, shown beside
  LatencySummary pause_latency;
  LatencySummary statestore_write;
  LatencySummary duplicate_write;  // apart
  LatencySummary outbox_delivery;
  std::vector<NamedLatency> delivery_by_subscription;
  LatencySummary completion;
  LatencySummary admission_wait;  // RunQueued acknowledged → workflow started, shown beside
  LagSummary lag;
  GapSummary gaps;
  std::vector<ThroughputDay> days;
  TerminalCounts terminal;
  std::vector<BadWindow> error_bad_windows;  // of the same, those with an engine error, ascending
  WindowCount error_windows;          // five-minute windows with a terminal run, and those with too many engine errors
  std::vector<std::uint8_t> minutes;  // flags of every minute from the scenario's start on
  std::vector<StepClassResult> data_plane;
  ReleaseSummary releases;
  std::vector<OwnObjectiveCounts> own;     // in the order of the scenario's objectives
  std::vector<ResourceUse> use_by_plan;    // in the plans' order, then `other`
  std::vector<ResourceUse> use_by_tenant;  // in the tenants' order, then `other`

  std::vector<CapacityResult> capacity;

  PauseSummary pauses;
  std::vector<FaultSummary> faults;  // in the order of the scenario
  std::map<std::string, std::int64_t, std::less<>> counts;
  std::vector<SeriesAnswer> answers;
  std::vector<AbsentMetric> absent_metrics;
  std::uint64_t series = 0;
  std::uint64_t folded_label_sets = 0;  // past the series budget
};

}  // namespace dvt::sim
