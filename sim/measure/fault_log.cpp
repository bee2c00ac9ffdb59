// Episodes and recovery clocks.
#include "sim/measure/fault_log.h"

#include <algorithm>

namespace dvt::sim {

FaultLog::FaultLog(std::vector<FaultInfo> faults) {
  for (FaultInfo& info : faults) {
    Entry entry;
    entry.summary.name = info.name;
    entry.info = std::move(info);
    entries_.push_back(std::move(entry));
  }
}

FaultLog::Entry* FaultLog::find(std::string_view name) {
  for (Entry& entry : entries_) {
    if (entry.summary.name == name) return &entry;
  }
  // A fault that the scenario did not announce (an incident of a release): listed all the same.
  Entry entry;
  entry.summary.name = std::string(name);
  entry.info.name = entry.summary.name;
  entries_.push_back(std::move(entry));
  return &entries_.back();
}

void FaultLog::injected(std::string_view name, Instant at) {
  Entry& entry = *find(name);
  FaultSummary& summary = entry.summary;
  if (!summary.injected_at) summary.injected_at = at;
  ++summary.count;
  if (summary.episodes.size() < kEpisodeLimit) summary.episodes.push_back({at, {}, {}});
  entry.active = true;
  entry.recovering = false;
  if (entry.info.recovers_from_injection) start_recovery(entry, at);
  update_waiting();
}

void FaultLog::healed(std::string_view name, Instant at) {
  Entry& entry = *find(name);
  entry.active = false;
  entry.summary.healed_at = at;
  // The oldest episode not healed yet: overlapping episodes of one fault heal in the order of their injection.
  if (entry.next_unhealed < entry.summary.episodes.size()) entry.summary.episodes[entry.next_unhealed++].healed_at = at;
  if (!entry.info.recovers_from_injection) start_recovery(entry, at);
  update_waiting();
}

void FaultLog::struck(std::string_view name) {
  ++find(name)->summary.strikes;
}

void FaultLog::start_recovery(Entry& entry, Instant at) {
  entry.recovering = true;
  entry.recovering_since = at;
  entry.unwell_seen = false;
  if (entry.info.recovery == RecoveryBy::store) append_seen_ = false;
  if (entry.info.recovery == RecoveryBy::at_heal) recovered(entry, at);
}

void FaultLog::recovered(Entry& entry, Instant at) {
  entry.recovering = false;
  entry.any_recovered = true;
  entry.longest = std::max(entry.longest, at - entry.recovering_since);
  std::vector<FaultEpisode>& episodes = entry.summary.episodes;
  const std::size_t until = entry.info.recovers_from_injection ? episodes.size() : entry.next_unhealed;
  for (; entry.next_unrecovered < until; ++entry.next_unrecovered) episodes[entry.next_unrecovered].recovered_at = at;
}

void FaultLog::level(RecoveryBy by, std::uint32_t index, bool well, Instant at) {
  const bool indexed = by == RecoveryBy::warehouse || by == RecoveryBy::workers;
  for (Entry& entry : entries_) {
    if (!entry.recovering || entry.info.recovery != by || (indexed && entry.info.index != index)) continue;
    if (!well) {
      entry.unwell_seen = true;
    } else if (!entry.info.recovers_from_injection || entry.unwell_seen) {
      recovered(entry, at);
    } else if (at > entry.recovering_since) {
      recovered(entry, entry.recovering_since);
    }
  }
  update_waiting();
}

void FaultLog::update_waiting() {
  waiting_ = 0;
  for (const Entry& entry : entries_) {
    if (entry.recovering) waiting_ |= bit(entry.info.recovery);
  }
}

std::vector<FaultSummary> FaultLog::summary() const {
  std::vector<FaultSummary> out;
  for (const Entry& entry : entries_) {
    FaultSummary summary = entry.summary;
    if (entry.any_recovered && !entry.recovering && !(entry.active && !entry.info.recovers_from_injection)) {
      summary.recovered = entry.longest;
    }
    out.push_back(std::move(summary));
  }
  return out;
}

}  // namespace dvt::sim
