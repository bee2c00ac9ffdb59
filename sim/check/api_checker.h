// ApiChecker: what the API promises of admission and of signal decisions (domain §8, §9): a run goes to the provider
// once and within the limit; no signal has an effect without its record; an id is decided once; a run gets no more
// signals than its limit; a deferred signal is decided for good or still waits.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/check/invariant.h"
#include "sim/check/run_pool.h"

namespace dvt::sim {

/// The API's side of one run.
struct RunAtApi {
  bool admitted = false;
  std::set<std::string> decided;  // signal ids with a record
  std::deque<Instant> accepted;   // decisions of the last minute
  void reset();
};

class ApiChecker final : public Checker {
 public:
  explicit ApiChecker(const InvariantConfig& config);
  std::size_t runs_held() const { return runs_.size(); }

  void decision_stored(const SignalDecision& decision, Instant at) override;
  void signal_decided(const SignalFact& fact) override;
  void signal_applied(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;
  void signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) override;
  void run_admitted(RunOrdinal run, Instant at) override;
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void finish(const EndOfRun& end) override;
  std::vector<Invariant*> invariants() override;

 private:
  struct Deferred {
    RunOrdinal run;
    bool waits = true;  // in the queue
    Instant since;      // deferred, entered or left the queue
  };

  RunPool<RunAtApi> runs_;
  std::unordered_map<std::uint64_t, RunOrdinal> recorded_;  // signals with an accepted record, not settled; looked up
  std::map<std::uint64_t, Deferred> deferred_;
  std::uint64_t admitted_ = 0;  // and not closed
  const InvariantConfig& config_;

  Invariant once_;
  Invariant limit_;
  Invariant recorded_first_;
  Invariant one_decision_;
  Invariant rate_;
  Invariant settled_;
};

}  // namespace dvt::sim
