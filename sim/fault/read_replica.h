// A read replica of the StateStore: answers reads with the log as of t − lag. Each read meets a lag of its own, as
// behind a balancer in front of several replicas; what one read saw, a later one may not.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

class ReadReplica final : public ReadHorizon {
 public:
  ReadReplica(const Clock& clock, const Random& random, Distribution lag)
      : clock_(clock), random_(random), lag_(std::move(lag)) {}

  Instant seen_until(const DrawKey& key) const override;

  /// An event of the run was committed now.
  void committed(RunOrdinal run);
  /// What a status read that was sent at `asked_at` and is answered now lacks; nullopt: nothing.
  std::optional<StaleReadFact> judge(RunOrdinal run, const DrawKey& key, Instant asked_at) const;

 private:
  /// Commits of runs are forgotten this long after: no replica is that far behind, or it would be taken out.
  static constexpr Duration kRemembered = hours(1);
  struct Commit {
    Instant at;
    std::uint32_t run = 0;
  };
  struct Run {
    bool first_forgotten = false;
    std::deque<Instant> commits;  // oldest first
  };

  const Clock& clock_;
  const Random& random_;
  Distribution lag_;
  std::deque<Commit> order_;
  std::unordered_map<std::uint32_t, Run> runs_;  // looked up only
};

}  // namespace dvt::sim
