#include "sim/world/releases.h"

#include <algorithm>
#include <utility>

namespace dvt::sim {

Releases::Releases(Timers& timers, const Random& random, Telemetry& telemetry, const Scenario& scenario, Instant end,
                   FaultActions& actions, Minutes minutes)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      scenario_(scenario),
      end_(end),
      actions_(actions),
      minutes_(std::move(minutes)),
      acknowledge_(scenario.topology.oncall.acknowledge.build()) {
  if (scenario.budget_policy && scenario.budget_policy->enforce)
    budget_.emplace(*scenario.budget_policy, scenario.start, Instant{scenario.warmup.ns});
  for (const Release& release : scenario.releases) {
    Series& series = series_.emplace_back();
    series.fault = release.fault();
    if (series.fault) series.length = series.fault->length->build();
  }
}

void Releases::start() {
  for (std::uint32_t i = 0; i < series_.size(); ++i) plan(i, 0);
}

void Releases::plan(std::uint32_t series, std::uint32_t number) {
  const Instant at = Instant{} + scenario_.releases[series].every * (static_cast<std::int64_t>(number) + 1);
  if (at > end_) return;
  timers_.call_at(at, [this, series, number] {
    due(series, number);
    plan(series, number + 1);
  });
}

BudgetState Releases::state() {
  if (!budget_) return BudgetState::normal;
  budget_->advance(minutes_(timers_.now()));
  return budget_->status().state;
}

bool Releases::may_ship(const Release& release, BudgetState state) const {
  switch (state) {
    case BudgetState::normal:
      return true;
    case BudgetState::advisory:
      return release.risk <= scenario_.budget_policy->advisory.defer_risk_above;
    case BudgetState::exhausted:
      return release.type == ReleaseType::reliability;
  }
  return true;
}

void Releases::due(std::uint32_t index, std::uint32_t number) {
  const Release& release = scenario_.releases[index];
  const std::size_t place = records_.size();
  records_.push_back({release.name, number, timers_.now(), ReleaseFate::waiting, std::nullopt, false, 1});
  deferred_.push_back(false);
  const BudgetState now = state();
  if (may_ship(release, now)) return ship(index, {place});
  if (now == BudgetState::exhausted && release.when_frozen == WhenFrozen::drop) {
    records_[place].fate = ReleaseFate::dropped;
    return;
  }
  deferred_[place] = true;
  series_[index].waiting.push_back(place);
  watch();
}

// The state changes when a minute ends, and at no other time.
void Releases::watch() {
  if (watching_) return;
  watching_ = true;
  const Instant next{(timers_.now().ns / minutes(1).ns + 1) * minutes(1).ns};
  timers_.call_at(next, [this] {
    watching_ = false;
    look_again();
  });
}

void Releases::look_again() {
  const BudgetState now = state();
  bool more = false;
  for (std::uint32_t i = 0; i < series_.size(); ++i) {
    Series& series = series_[i];
    if (series.waiting.empty()) continue;
    const Release& release = scenario_.releases[i];
    if (may_ship(release, now) && series.incidents_open == 0) {
      std::vector<std::size_t> out;
      if (release.when_frozen == WhenFrozen::batch) {
        out = std::exchange(series.waiting, {});
      } else {
        out.push_back(series.waiting.front());
        series.waiting.erase(series.waiting.begin());
      }
      ship(i, out);
    }
    more = more || !series.waiting.empty();
  }
  if (more) watch();
}

bool Releases::goes_wrong(std::uint32_t series, std::uint32_t number) const {
  std::uint64_t words[4];
  random_.words(Purpose::fault_episode, kFirstReleaseFault + series, number, 0, 0, words);
  return static_cast<std::int64_t>(words[0] % 1'000'000'000) < scenario_.releases[series].risk.ppb;
}

void Releases::ship(std::uint32_t index, const std::vector<std::size_t>& places) {
  std::optional<std::uint32_t> wrong;
  for (const std::size_t place : places) {
    ReleaseRecord& record = records_[place];
    record.fate = ReleaseFate::shipped;
    record.shipped_at = timers_.now();
    record.together = static_cast<std::uint32_t>(places.size());
    if (!goes_wrong(index, record.number)) continue;
    record.incident = true;
    if (!wrong) wrong = record.number;
  }
  if (wrong) begin_incident(index, *wrong);
}

void Releases::begin_incident(std::uint32_t index, std::uint32_t number) {
  Series& series = series_[index];
  if (!series.fault) return;
  const Episode episode{kFirstReleaseFault + index, number};
  const std::uint32_t struck = actions_.begin(*series.fault, episode);
  if (struck == 0) return;
  ++series.incidents_open;
  telemetry_.fault_injected(series.fault->name, timers_.now());
  for (std::uint32_t i = 0; i < struck; ++i) telemetry_.fault_struck(series.fault->name, timers_.now());
  Draws length(random_, Purpose::fault_episode, kFirstReleaseFault + index, number, 2);
  const Duration lasts = series.length.sample(length);
  Draws acknowledged(random_, Purpose::oncall, kFirstReleaseFault + index, number);
  const Duration rolled_back = acknowledge_.sample(acknowledged) + scenario_.releases[index].rollback;
  const Instant stop = timers_.now() + std::min(lasts, rolled_back);
  if (stop >= end_) return;
  timers_.call_at(stop, [this, index, episode] {
    --series_[index].incidents_open;
    actions_.end(*series_[index].fault, episode);
    telemetry_.fault_healed(series_[index].fault->name, timers_.now());
  });
}

ReleaseSummary Releases::summary(Instant now) const {
  ReleaseSummary out;
  out.list = records_;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const ReleaseRecord& record = records_[i];
    ++out.planned;
    switch (record.fate) {
      case ReleaseFate::shipped:
        ++out.shipped;
        break;
      case ReleaseFate::waiting:
        ++out.waiting;
        break;
      case ReleaseFate::dropped:
        ++out.dropped;
        break;
    }
    if (record.incident) ++out.incidents;
    if (!deferred_[i]) continue;
    ++out.deferred;
    out.delayed += record.shipped_at.value_or(now) - record.planned_at;
  }
  return out;
}

}  // namespace dvt::sim
