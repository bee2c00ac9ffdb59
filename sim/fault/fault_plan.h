// The fault plan: turns the scenario's `faults` into episodes in virtual time (scenario language, "Meanings that need a
// sentence") and tells whoever owns the targets when one begins and ends. Draws are keyed by (fault, episode), so a
// fault that is added moves no other.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

struct Episode {
  std::uint32_t fault = 0;   // place in the scenario's list
  std::uint32_t number = 0;  // of this fault's episodes, from 0
};

class FaultActions {
 public:
  virtual ~FaultActions() = default;
  /// Returns how many members of the target were struck (0: nothing was there to strike).
  virtual std::uint32_t begin(const Fault& fault, Episode episode) = 0;
  /// Not called for kinds without a length (kill, lose-unsynced).
  virtual void end(const Fault& fault, Episode episode) = 0;
};

/// `wanted` different ones of `members` (all of them when there are no more), drawn for the episode and in ascending
/// order: target `…/random(k)`.
std::vector<std::uint32_t> draw_members(const Random& random, Episode episode, std::vector<std::uint32_t> members,
                                        std::int64_t wanted);

class FaultPlan {
 public:
  FaultPlan(Timers& timers, const Random& random, Telemetry& telemetry, const std::vector<Fault>& faults, Instant end,
            FaultActions& actions);
  /// Sets the first timers. Call once, at time 0.
  void start();
  /// Ends the open episodes of a fault now, and lets none follow. What a kill has done stays done.
  void heal(std::string_view fault);

 private:
  struct Running {
    Episode episode;
    TimerId stop;  // none: it lasts to the end of the run
  };
  struct State {
    bool healed = false;
    std::vector<Running> running;
    std::uint32_t next_episode = 0;
    std::uint32_t struck = 0;
    bool last_draw = true;
  };
  void plan_next(std::uint32_t fault, Instant not_before);
  void strike(std::uint32_t fault, std::uint32_t number);
  void stop(Episode episode);
  bool drawn(std::uint32_t fault, std::uint32_t number);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  const std::vector<Fault>& faults_;
  Instant end_;
  FaultActions& actions_;
  std::vector<State> states_;
  std::vector<Distribution> lengths_;  // built once; constant 0 where there is none
};

}  // namespace dvt::sim
