// The nightly archiving (topology.stateStore.retention): every 24 h of virtual time, runs that closed longer ago than
// the retention leave the store for its archive. What cannot go yet, or could not because the store refused, is tried
// again the next night. A run shorter than the retention sets no timer at all.
#pragma once

#include <deque>
#include <vector>

#include "engine/ports/run_archive.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

class Retention final : public Telemetry {
 public:
  /// `end`: of the run.
  Retention(Timers& timers, RunArchive& archive, Duration retention, Instant end);
  /// Sets the first timer, if any. Call once, at time 0.
  void start();
  void run_closed(const RunClosed& fact) override;

 private:
  struct Closed {
    RunOrdinal run;
    Instant at;
  };
  void sweep_at(Instant when);
  void sweep();

  Timers& timers_;
  RunArchive& archive_;
  Duration retention_;
  Instant end_;
  std::deque<Closed> closed_;  // in the order of their closing
};

}  // namespace dvt::sim
