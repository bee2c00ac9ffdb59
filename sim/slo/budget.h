// The error budget policy (domain §15): budgets over rolling and calendar windows, the states NORMAL, ADVISORY and
// EXHAUSTED, and the instants at which they changed. Folds the minutes of the control plane one by one, so that the
// live policy and the verdict afterwards are the same function on the same values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

enum class BudgetState : std::uint8_t { normal, advisory, exhausted };
std::string_view to_string(BudgetState state);    // NORMAL, ADVISORY, EXHAUSTED
std::string_view to_string(BudgetWindow window);  // rolling-30d, calendar-month, calendar-quarter

/// [from, to) in UNIX time.
struct BudgetPeriod {
  UnixNanos from;
  UnixNanos to;
  Duration length() const { return Duration{to.ns - from.ns}; }
};
/// The period that `now` lies in: the UTC month or quarter; rolling: the thirty days that end at `now`.
BudgetPeriod budget_period(BudgetWindow window, UnixNanos now);

/// What may be bad of `period` at a target such as 99.5 %: 216 min of thirty days.
Duration budget_of(Duration period, Share target);
inline constexpr Share kAvailabilityTarget{995'000'000};

/// Error ratio over a window ÷ (1 − target): how fast the budget burns, for alerts.
double burn_rate(Duration bad, Duration window, Share target);
/// Consumed share of the budget ÷ elapsed share of the period, for the policy. 0 at the period's beginning.
double budget_pace(Duration consumed, Duration total, Duration elapsed, Duration period);

struct BudgetTransition {
  Instant at;
  BudgetState state = BudgetState::normal;  // from now on
  Duration consumed;
  Duration total;
};

struct BudgetStatus {
  Duration total;
  Duration consumed;
  double pace = 0;
  BudgetState state = BudgetState::normal;
};

class BudgetTracker {
 public:
  /// Minutes before `warmup_end` do not count; minutes before the scenario's start were good.
  BudgetTracker(const BudgetPolicy& policy, UnixNanos start, Instant warmup_end);

  /// Takes in every minute of `minutes` (flags by number from the start) that it has not seen.
  void advance(const std::vector<std::uint8_t>& minutes);
  const BudgetStatus& status() const { return status_; }
  const std::vector<BudgetTransition>& transitions() const { return transitions_; }

 private:
  void take(const std::vector<std::uint8_t>& minutes);
  bool counts(const std::vector<std::uint8_t>& minutes, std::size_t minute) const;
  void judge(Instant now);

  BudgetPolicy policy_;
  UnixNanos start_;
  Instant warmup_end_;
  std::size_t seen_ = 0;
  std::uint64_t bad_ = 0;           // in the window
  std::uint64_t bad_recently_ = 0;  // in the last three days
  BudgetPeriod period_;             // calendar windows
  BudgetStatus status_;
  std::vector<BudgetTransition> transitions_;
};

/// Everything that the report says of the budget.
struct BudgetResult {
  BudgetPolicy policy;
  bool configured = false;  // the scenario has a policy; otherwise the default's figures are shown and nothing acts
  BudgetStatus status;
  std::vector<BudgetTransition> transitions;
};
BudgetResult budget_result(const Measurements& measured, const Scenario& scenario);

}  // namespace dvt::sim
