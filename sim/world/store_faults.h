// Faults of the StateStore and of the link between it and the workers: turns their episodes into the switches of
// StoreModel. Episodes of one kind may overlap: a switch is off when the last of them is over.
#pragma once

#include <array>
#include <cstdint>

#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/fault/store_model.h"

namespace dvt::sim {

class StoreFaults final : public FaultActions {
 public:
  /// `first_window`: names the draws of the windows, which take this number and the next two.
  StoreFaults(Timers& timers, const Random& random, StoreModel& store, std::uint32_t first_window);

  /// Whether the fault's target is one of these.
  static bool owns(const Fault& fault);
  std::uint32_t begin(const Fault& fault, Episode episode) override;
  void end(const Fault& fault, Episode episode) override;

 private:
  /// What a kind of fault turns on and off.
  struct Switch {
    FaultKind kind;
    void (StoreModel::*set)(bool);
  };
  static const std::array<Switch, 9> kSwitches;
  /// Index into kSwitches.
  static std::size_t switch_of(const Fault& fault);
  /// nullptr for kinds that are switched.
  LatencyWindow* window_of(const Fault& fault);

  Timers& timers_;
  StoreModel& store_;
  LatencyWindow latency_;
  LatencyWindow throttle_;
  LatencyWindow link_latency_;
  std::array<std::uint32_t, 9> open_{};  // episodes, by switch
};

}  // namespace dvt::sim
