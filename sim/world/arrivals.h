// When runs arrive, of which plan and for which tenant. Arrivals are drawn in operational time (unit rate) by arrival
// index and stretched by the rate of the moment, so the same index meets the same draw whatever the rate.
#pragma once

#include <functional>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/ids.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

class ArrivalStream {
 public:
  struct Arrival {
    RunOrdinal run;
    PlanOrdinal plan;
    TenantOrdinal tenant;
  };

  ArrivalStream(Timers& timers, const Random& random, const Scenario& scenario,
                std::function<void(const Arrival&)> submit);
  /// Sets the first timer; call at time 0.
  void start();
  /// Arrivals per second at an instant (0 where the process has no rate).
  double rate_at(Instant at) const;

 private:
  void plan_next();
  void arrive();
  Instant next_instant();
  double unit_gap(std::uint64_t index) const;
  void read_trace();

  Timers& timers_;
  const Random& random_;
  const Scenario& scenario_;
  std::function<void(const Arrival&)> submit_;
  std::uint32_t next_run_ = 0;
  Instant last_;
  std::vector<double> plan_edges_;    // cumulative weights
  std::vector<double> tenant_edges_;  // cumulative Zipf weights
  Distribution gap_;                  // of unit mean (1 s)
  std::vector<Instant> trace_;        // process: trace
};

}  // namespace dvt::sim
