// Releases (domain §15): each series ships on its own clock, may break something, and is held back by the error budget
// policy, which reads the minutes of the control plane as they end. A release that goes wrong begins a real fault, and
// the fault ends when somebody has acknowledged it and rolled back. Draws are keyed by (series, release), so two
// policies meet the same luck.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "sim/fault/fault_plan.h"
#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/budget.h"

namespace dvt::sim {

/// Incidents of releases are episodes of faults numbered from here on: beyond the scenario's own, so that a fault that
/// is added moves no release's draw.
inline constexpr std::uint32_t kFirstReleaseFault = 1U << 16;

class Releases {
 public:
  /// `minutes(now)`: flags of every minute that has ended.
  using Minutes = std::function<const std::vector<std::uint8_t>&(Instant)>;

  Releases(Timers& timers, const Random& random, Telemetry& telemetry, const Scenario& scenario, Instant end,
           FaultActions& actions, Minutes minutes);
  /// Plans the first releases; call at time 0.
  void start();
  ReleaseSummary summary(Instant now) const;

 private:
  struct Series {
    std::optional<Fault> fault;  // its address stays
    Distribution length;
    std::vector<std::size_t> waiting;  // places in records_
    std::uint32_t incidents_open = 0;
  };

  void plan(std::uint32_t series, std::uint32_t number);
  void due(std::uint32_t series, std::uint32_t number);
  BudgetState state();
  bool may_ship(const Release& release, BudgetState state) const;
  void watch();
  void look_again();
  void ship(std::uint32_t series, const std::vector<std::size_t>& records);
  bool goes_wrong(std::uint32_t series, std::uint32_t number) const;
  void begin_incident(std::uint32_t series, std::uint32_t number);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  const Scenario& scenario_;
  Instant end_;
  FaultActions& actions_;
  Minutes minutes_;
  std::optional<BudgetTracker> budget_;  // absent: nothing holds releases back
  Distribution acknowledge_;
  std::vector<Series> series_;
  std::vector<ReleaseRecord> records_;
  std::vector<bool> deferred_;  // by record
  bool watching_ = false;
};

}  // namespace dvt::sim
