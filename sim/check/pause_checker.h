// PauseChecker: what PAUSE and RESUME promise (domain §7) and where production's known faults 2, 5 and 6 break it. The
// moments are the facts': accepted (the decision is stored), applied (the workflow task that handled it completed),
// standing (RunPaused was acknowledged).
#pragma once

#include <vector>

#include "sim/check/invariant.h"
#include "sim/check/run_pool.h"

namespace dvt::sim {

struct RunPauses {
  // Between acceptance of a PAUSE and of a RESUME. Not while a RESUME is on its way: it lets go whatever stands.
  bool held = false;
  std::uint64_t held_by = 0;  // the signal
  std::uint32_t resumes_under_way = 0;
  // Between RunPaused's acknowledgement and the acceptance of a RESUME or CANCEL.
  bool standing = false;
  Instant standing_since;
  // An applied PAUSE that no RunPaused has followed yet. The gate lies between a layer's StepCompleted and the next
  // layer's executeStep.
  bool paused = false;  // by the signals applied
  bool untold = false;
  bool layer_ended = false;

  void reset() { *this = RunPauses{}; }
};

class PauseChecker final : public Checker {
 public:
  explicit PauseChecker(const InvariantConfig& config);
  std::size_t runs_held() const { return runs_.size(); }

  void signal_decided(const SignalFact& fact) override;
  void signal_applied(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void run_resumed(RunOrdinal run, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void activity_scheduled(const ActivityFact& fact) override;
  void activity_started(const ActivityFact& fact) override;
  void append_done(const AppendFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  std::vector<Invariant*> invariants() override;

 private:
  RunPool<RunPauses> runs_;  // of runs that got a signal

  Invariant drained_;
  Invariant queued_;
  Invariant obeyed_;
  Invariant traced_;
};

}  // namespace dvt::sim
