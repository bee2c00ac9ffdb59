#include "sim/fault/read_replica.h"

#include <algorithm>

namespace dvt::sim {

Instant ReadReplica::seen_until(const DrawKey& key) const {
  Draws draws(random_, Purpose::replica_lag, key.a, key.b, key.c);
  return clock_.now() - lag_.sample(draws);
}

void ReadReplica::committed(RunOrdinal run) {
  const Instant now = clock_.now();
  runs_[run.value].commits.push_back(now);
  order_.push_back({now, run.value});
  while (order_.front().at + kRemembered < now) {
    const auto found = runs_.find(order_.front().run);
    order_.pop_front();
    found->second.commits.pop_front();
    found->second.first_forgotten = true;
    if (found->second.commits.empty()) runs_.erase(found);
  }
}

std::optional<StaleReadFact> ReadReplica::judge(RunOrdinal run, const DrawKey& key, Instant asked_at) const {
  const auto found = runs_.find(run.value);
  if (found == runs_.end()) return std::nullopt;
  const std::deque<Instant>& commits = found->second.commits;
  const Instant seen = seen_until(key);
  const auto missing = std::upper_bound(commits.begin(), commits.end(), seen);
  if (missing == commits.end()) return std::nullopt;
  StaleReadFact fact;
  fact.run = run;
  fact.at = clock_.now();
  fact.behind = fact.at - *missing;
  fact.unknown_run = missing == commits.begin() && !found->second.first_forgotten;
  fact.own_writes = *missing <= asked_at;
  return fact;
}

}  // namespace dvt::sim
