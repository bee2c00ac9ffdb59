// SpoolChecker: what failed open (domain §3) is accounted for: spooled = reconciled + lost + pending, by event and not
// only in number, and what is said to be reconciled is in the log.
#pragma once

#include <set>
#include <vector>

#include "sim/check/invariant.h"
#include "sim/check/log_checker.h"

namespace dvt::sim {

class SpoolChecker final : public Checker {
 public:
  SpoolChecker(const InvariantConfig& config, const LogChecker& log)
      : log_(log), accounts_("spool-accounts-for-every-event", config) {}

  void spool_changed(const SpoolFact& fact) override;
  void finish(const EndOfRun& end) override;
  std::vector<Invariant*> invariants() override { return {&accounts_}; }

 private:
  const LogChecker& log_;
  std::set<Digest> pending_;  // keys of the events in spools
  Invariant accounts_;
};

}  // namespace dvt::sim
