// The twelve objectives of domain §13, judged on plain measurements. Pure functions: the same values give the same
// verdicts, during a run, after it, and when a recorded run is read again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/cost.h"

namespace dvt::sim {

/// `insufficient` and `not_measured` never fail a run by themselves (design §7).
enum class ObjectiveVerdict : std::uint8_t { pass, fail, insufficient, not_measured, not_applicable };
std::string_view to_string(ObjectiveVerdict verdict);

enum class Unit : std::uint8_t { seconds, share, gaps, events, runs_per_day, dollars };
/// As the JSON result writes it: seconds, share, gaps, events, runs/day, USD.
std::string_view to_string(Unit unit);

/// A number with its unit. Seconds are exact nanoseconds in `duration`; everything else is in `number`.
struct Quantity {
  Unit unit = Unit::seconds;
  Duration duration;
  double number = 0;

  static Quantity of(Duration duration) { return {Unit::seconds, duration, 0}; }
  static Quantity of(Unit unit, double number) { return {unit, {}, number}; }
  /// The decimal JSON number, in seconds where the unit is seconds.
  std::string text() const;
  double in_unit() const;
  bool operator==(const Quantity&) const = default;
};

/// A figure shown next to the observed one, e.g. `max` or `with_backlog_p99`.
struct Beside {
  std::string name;
  Quantity value;
};

struct ObjectiveResult {
  std::string name;
  std::string metric;
  Quantity target;
  std::optional<Quantity> observed;  // absent: nothing was observed, or the objective is not measured
  std::uint64_t n = 0;               // observations; projection-lag: milliseconds; throughput: full days
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  ObjectiveVerdict verdict = ObjectiveVerdict::not_measured;
  std::string reason;    // why, when the verdict is neither pass nor fail; or what to know of it
  bool emergent = true;  // false: input-driven, the figure mostly repeats an assumed latency
  WindowCount windows;   // five-minute windows with data, and how many missed the target; availability: of four hours
  /// Share of the error budget left: 1 when nothing was bad, 0 when all of it is used, negative when overdrawn.
  std::optional<double> budget_left;
  std::vector<Beside> beside;
};

/// Observations that a p99 needs before "pass" means anything: with fewer, the 95 % upper bound of the bad share is
/// above 1 % even when none was bad (domain §13).
inline constexpr std::uint64_t kSufficient = 299;

struct ObjectiveTargets {
  std::uint64_t runs_per_day = 50'000;  // phase 3: 500,000
};

/// All twelve, in the order of the table, then the scenario's own.
std::vector<ObjectiveResult> evaluate_objectives(const Measurements& measured, const Objectives& own = {},
                                                 const ObjectiveTargets& targets = {}, const CostResult& cost = {});

/// Consecutive bad minutes of the control plane.
struct BadSlice {
  Instant from;
  Instant to;
  MinuteCounts counts;
};
/// After warm-up, in time's order; at most kBadSliceLimit of them, the first ones.
std::vector<BadSlice> bad_slices(const Measurements& measured);
inline constexpr std::size_t kBadSliceLimit = 100;
/// Minutes that began at or after the end of warm-up.
MinuteCounts counted_minutes(const Measurements& measured);

/// nullptr when there is none of that name.
const ObjectiveResult* find_objective(const std::vector<ObjectiveResult>& objectives, std::string_view name);

}  // namespace dvt::sim
