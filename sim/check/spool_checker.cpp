#include "sim/check/spool_checker.h"

#include "engine/base/format.h"

namespace dvt::sim {

void SpoolChecker::spool_changed(const SpoolFact& fact) {
  accounts_.checked();
  const NewEvent& event = fact.event;
  if (fact.step == SpoolStep::spooled) {
    if (!pending_.insert(event.idempotency_key).second)
      accounts_.broken(fact.at, event.run, [&] {
        return fmt::format("{} of step {} was spooled twice", to_string(event.type), event.step.value);
      });
  } else if (pending_.erase(event.idempotency_key) == 0) {
    accounts_.broken(fact.at, event.run, [&] {
      return fmt::format("{} of step {} was {} and was in no spool", to_string(event.type), event.step.value,
                         fact.step == SpoolStep::lost ? "lost" : "reconciled");
    });
  }
  if (fact.step == SpoolStep::reconciled) {
    const RunLog* log = log_.find(event.run);
    if (log != nullptr && log->find_key(RunLog::short_key(event.idempotency_key)) == RunLog::kNone)
      accounts_.broken(fact.at, event.run, [&] {
        return fmt::format("{} of step {} was reconciled, and no row has its key", to_string(event.type),
                           event.step.value);
      });
  }
  if (fact.pending != pending_.size())
    accounts_.broken(fact.at, event.run, [&] {
      return fmt::format("the spools say they keep {} events; spooled less reconciled and lost are {}", fact.pending,
                         pending_.size());
    });
}

void SpoolChecker::finish(const EndOfRun& end) {
  if (!end.spool_pending) return;
  accounts_.checked();
  if (*end.spool_pending == pending_.size()) return;
  accounts_.broken(end.at, RunOrdinal{UINT32_MAX}, [&] {
    return fmt::format("the spools keep {} events at the end; spooled less reconciled and lost are {}",
                       *end.spool_pending, pending_.size());
  });
}

}  // namespace dvt::sim
