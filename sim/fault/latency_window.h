// The latency faults that act on one target just now, composed in the order they are written: each multiplies a drawn
// latency by its factor, eased in over `ramp`, and varies it by ± jitter.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "sim/fault/fault_plan.h"

namespace dvt::sim {

class LatencyWindow final : public LatencyScale {
 public:
  LatencyWindow(const Clock& clock, const Random& random, std::uint32_t target)
      : clock_(clock), random_(random), target_(target) {}

  struct Effect {
    std::uint32_t fault = 0;  // place in the scenario
    double factor = 1;
    double jitter = 0;  // share, 0 to 1
    Duration ramp;
    Instant since;
  };
  void begin(const Effect& effect);
  void end(std::uint32_t fault);
  bool active() const { return !effects_.empty(); }

  Duration scaled(Duration drawn, const DrawKey& key) const override;

 private:
  const Clock& clock_;
  const Random& random_;
  std::uint32_t target_;
  std::vector<Effect> effects_;  // by fault
};

/// What an episode of a `latency` or `throttle` fault does to a window from `since` on.
LatencyWindow::Effect effect_of(const Fault& fault, Episode episode, Instant since);

}  // namespace dvt::sim
