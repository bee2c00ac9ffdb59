// pending → firing → resolved, and what each firing is worth.
#include "sim/slo/alerts.h"

#include <algorithm>
#include <array>

#include "engine/base/assert.h"
#include "sim/slo/promql.h"

namespace dvt::sim {

namespace {

/// The time in which a fault is to blame for what is seen: from its injection until it is healed and recovered.
Instant episode_end(const FaultEpisode& episode, Instant end) {
  if (episode.recovered_at) return std::max(*episode.recovered_at, episode.healed_at.value_or(*episode.recovered_at));
  return end;
}

bool overlaps_a_fault(const std::vector<FaultSummary>& faults, const Firing& firing, Instant end, Duration reach) {
  const Instant until = firing.resolved_at.value_or(end);
  for (const FaultSummary& fault : faults) {
    for (const FaultEpisode& episode : fault.episodes) {
      if (episode.injected_at <= until && firing.pending_at <= episode_end(episode, end) + reach) return true;
    }
  }
  return false;
}

/// Onset of the fault that a firing is put down to: of the episodes under way when the rule became pending, the one
/// that began last; then back through that fault's earlier episodes as long as each reached the next.
std::optional<Instant> cause_onset(const std::vector<FaultSummary>& faults, const Firing& firing, Instant end,
                                   Duration reach) {
  std::optional<Instant> onset;
  std::optional<Instant> latest;
  for (const FaultSummary& fault : faults) {
    std::optional<Instant> chain_from;
    std::optional<Instant> last_start;
    Instant chain_end{INT64_MIN};
    for (const FaultEpisode& episode : fault.episodes) {
      if (episode.injected_at > firing.pending_at) break;
      if (!chain_from || episode.injected_at > chain_end) chain_from = episode.injected_at;
      chain_end = std::max(chain_end, episode_end(episode, end));
      last_start = episode.injected_at;
    }
    if (!chain_from || firing.pending_at > chain_end + reach) continue;
    if (!latest || *last_start > *latest) {
      latest = last_start;
      onset = chain_from;
    }
  }
  return onset;
}

}  // namespace

AlertEvaluator::AlertEvaluator(std::span<const RuleSet> sets, Instant warmup_end, UnixNanos start)
    : warmup_end_(warmup_end) {
  for (const RuleSet set : sets) {
    for (auto& rule : evaluated_rules(set, start)) {
      Entry entry;
      entry.rule = std::move(rule);
      entries_.push_back(std::move(entry));
    }
    for (UnevaluatedRule& rule : unevaluated_rules(set)) unevaluated_.push_back(std::move(rule));
    for (std::string& name : rule_names(set)) order_.emplace_back(set, std::move(name));
  }
}

std::span<const AlertTransition> AlertEvaluator::step(const SeriesStore& store, Instant at) {
  ++steps_;
  transitions_.clear();
  for (Entry& entry : entries_) step_rule(entry, store, at);
  return transitions_;
}

void AlertEvaluator::step_rule(Entry& entry, const SeriesStore& store, Instant at) {
  holding_.clear();
  entry.rule->evaluate(store, at, holding_);
  for (const std::string& labels : holding_) {
    const auto [it, fresh] = entry.label_sets.try_emplace(labels);
    if (fresh) it->second.active_at = at;
    it->second.seen_at_step = steps_;
  }
  // The label set that fires first names the page's pending_at.
  std::optional<Instant> first_active;
  AlertState state = AlertState::inactive;
  for (auto it = entry.label_sets.begin(); it != entry.label_sets.end();) {
    LabelSet& labels = it->second;
    if (labels.seen_at_step != steps_) {
      it = entry.label_sets.erase(it);
      continue;
    }
    if (!labels.firing && at - labels.active_at >= entry.rule->info().hold) labels.firing = true;
    if (labels.firing) {
      state = AlertState::firing;
      if (!first_active || labels.active_at < *first_active) first_active = labels.active_at;
    } else if (state == AlertState::inactive) {
      state = AlertState::pending;
    }
    ++it;
  }

  const double bad = bad_time(entry, store, at);
  if (entry.state == AlertState::inactive && state != AlertState::inactive)
    entry.bad_before_pending = entry.bad_at_last_step;
  entry.bad_at_last_step = bad;

  if (state == AlertState::firing && entry.state != AlertState::firing) {
    entry.firings.push_back({{*first_active, at, {}}, at >= warmup_end_, entry.bad_before_pending, false});
  }
  if (entry.state == AlertState::firing && state != AlertState::firing) entry.firings.back().firing.resolved_at = at;
  if (state == AlertState::firing && bad > entry.firings.back().bad_before) entry.firings.back().impact = true;
  if (state != entry.state) {
    transitions_.push_back({entry.rule->info().name, entry.rule->info().set, entry.state, state});
    entry.state = state;
  }
}

double AlertEvaluator::bad_time(const Entry& entry, const SeriesStore& store, Instant at) {
  if (entry.rule->info().truth != AlertTruth::projection_lag) return 0;
  double sum = 0;
  for (const std::uint32_t id : store.find("dvt_projection_lag_bad_ms_total")) {
    sum += promql::instant(store, id, at).value_or(0);
  }
  return sum;
}

AlertState AlertEvaluator::state(std::string_view rule, RuleSet set) const {
  for (const Entry& entry : entries_) {
    if (entry.rule->info().name == rule && entry.rule->info().set == set) return entry.state;
  }
  return AlertState::inactive;
}

std::vector<AlertResult> AlertEvaluator::results(const std::vector<FaultSummary>& faults, Instant end) const {
  std::vector<AlertResult> out;
  for (const auto& [set, name] : order_) {
    AlertResult result;
    result.rule = name;
    result.set = set;
    const auto entry = std::ranges::find_if(entries_, [&](const Entry& candidate) {
      return candidate.rule->info().name == name && candidate.rule->info().set == set;
    });
    if (entry == entries_.end()) {
      const auto missing = std::ranges::find_if(
          unevaluated_, [&](const UnevaluatedRule& rule) { return rule.name == name && rule.set == set; });
      DVT_ASSERT(missing != unevaluated_.end(), "a rule is neither evaluated nor listed as not evaluated");
      result.severity = missing->severity;
      result.evaluated = false;
      result.reason = missing->reason;
      out.push_back(std::move(result));
      continue;
    }
    const AlertRuleInfo& info = entry->rule->info();
    const Duration reach = entry->rule->window();
    result.severity = info.severity;
    if (info.truth != AlertTruth::none) result.false_alarms = 0;
    for (const Counted& firing : entry->firings) {
      if (!firing.counted) continue;
      result.firings.push_back(firing.firing);
      if (result.false_alarms && !firing.impact && !overlaps_a_fault(faults, firing.firing, end, reach)) {
        ++*result.false_alarms;
      }
    }
    if (!result.firings.empty()) {
      if (const auto onset = cause_onset(faults, result.firings.front(), end, reach)) {
        result.detection = result.firings.front().firing_at - *onset;
      }
    }
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace dvt::sim
