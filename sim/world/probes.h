// The synthetic no-op run of domain §13, availability: at the beginning of every minute (or every so many) a client
// asks for a run without steps, for a plan and a tenant that are nobody's. Only minutes that end within the run get
// one.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/api/front.h"
#include "engine/plan/plan.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

inline constexpr const char* kProbeName = "dvt-probe";  // plan and tenant

/// A plan without steps: its run writes RunStarted and RunCompleted and nothing else.
inline engine::Plan probe_plan() {
  engine::Plan plan;
  plan.metadata.plan_id = kProbeName;
  plan.metadata.plan_version = "1";
  return plan;
}

class Probes {
 public:
  /// `ask` requests the run of that ordinal.
  Probes(Timers& timers, Duration every, Instant end, std::function<void(RunOrdinal)> ask)
      : timers_(timers), every_(every), end_(end), ask_(std::move(ask)) {}
  /// Call at time 0.
  void start() { next(Instant{}); }

 private:
  void next(Instant at) {
    if (at + minutes(1) > end_) return;
    timers_.call_at(at, [this, at] {
      ask_({engine::kFirstProbeRun + count_++});
      next(at + every_);
    });
  }

  Timers& timers_;
  Duration every_;
  Instant end_;
  std::function<void(RunOrdinal)> ask_;
  std::uint32_t count_ = 0;
};

}  // namespace dvt::sim
