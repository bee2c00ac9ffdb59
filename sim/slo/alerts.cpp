// pending → firing → resolved, and what each firing is worth.
#include "sim/slo/alerts.h"

#include <algorithm>

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

bool overlaps_an_impact(const Impact& impact, const Firing& firing, Instant end, Duration reach) {
  const Instant until = firing.resolved_at.value_or(end);
  return std::ranges::any_of(
      impact.spans, [&](const TimeSpan& span) { return span.from <= until && firing.pending_at <= span.to + reach; });
}

ImpactTruth truth_of(const Impact& impact, const std::vector<Firing>& firings, Instant end, Duration reach) {
  ImpactTruth out;
  out.n = impact.spans.size();
  for (const Firing& firing : firings)
    if (overlaps_an_impact(impact, firing, end, reach)) ++out.true_firings;
  for (const TimeSpan& span : impact.spans) {
    const auto first = std::ranges::find_if(
        firings, [&](const Firing& firing) { return firing.resolved_at.value_or(end) >= span.from; });
    if (first == firings.end() || first->firing_at > span.to + reach) {
      ++out.missed;
      out.spans.emplace_back();
      continue;
    }
    const bool late = first->firing_at > span.to;
    ++(late ? out.late : out.caught);
    out.detections.push_back(std::max(Duration{}, first->firing_at - span.from));
    out.spans.push_back({out.detections.back(), late});
  }
  return out;
}

}  // namespace

std::optional<Duration> censored_median(std::vector<Duration> known, std::uint64_t n) {
  if (n == 0) return std::nullopt;
  std::ranges::sort(known);
  const std::uint64_t middle = (n + 1) / 2 - 1;
  return middle < known.size() ? std::optional(known[middle]) : std::nullopt;
}

std::optional<double> AlertResult::precision() const {
  if (!impact || firings.empty()) return std::nullopt;
  return static_cast<double>(impact->true_firings) / static_cast<double>(fired());
}

std::optional<double> AlertResult::recall() const {
  if (!impact || impact->n == 0) return std::nullopt;
  return static_cast<double>(impact->caught) / static_cast<double>(impact->n);
}

AlertEvaluator::AlertEvaluator(std::vector<AlertRuleSpec> rules, Instant warmup_end, UnixNanos start)
    : rules_(std::move(rules)), warmup_end_(warmup_end), start_(start) {
  for (std::size_t i = 0; i < rules_.size(); ++i)
    if (!rules_[i].recording && rules_[i].reason.empty()) entries_.push_back({i, promql::Expression(rules_[i].expr)});
}

std::span<const AlertTransition> AlertEvaluator::step(const SeriesStore& store, Instant at) {
  ++steps_;
  transitions_.clear();
  for (Entry& entry : entries_) {
    const std::optional<Duration> interval = rules_[entry.rule].interval;
    if (!interval || at.ns % interval->ns == 0) step_rule(entry, store, at);
  }
  return transitions_;
}

void AlertEvaluator::step_rule(Entry& entry, const SeriesStore& store, Instant at) {
  const AlertRuleSpec& rule = rules_[entry.rule];
  try {
    entry.expression.evaluate({store, at, start_}, holding_);
  } catch (const Error& error) {  // as in Prometheus, everything stays as it was
    if (entry.failed_steps++ == 0) entry.failure = error.what();
    return;
  }
  for (const promql::Element& element : holding_) {
    const auto [it, fresh] = entry.label_sets.try_emplace(entry.expression.label_text(element));
    if (fresh) it->second.active_at = at;
    it->second.element = element;
    it->second.seen_at_step = steps_;
  }
  // The label set that fires first names the page's pending_at.
  std::optional<Instant> first_active;
  AlertState state = AlertState::inactive;
  for (auto it = entry.label_sets.begin(); it != entry.label_sets.end();) {
    LabelSet& labels = it->second;
    if (labels.seen_at_step == steps_) {
      labels.kept_since.reset();
    } else {
      if (labels.firing && !labels.kept_since) labels.kept_since = at;
      if (!labels.firing || at - *labels.kept_since >= rule.keep_firing) {
        it = entry.label_sets.erase(it);
        continue;
      }
    }
    if (!labels.firing && at - labels.active_at >= rule.hold) labels.firing = true;
    if (labels.firing) {
      state = AlertState::firing;
      if (!first_active || labels.active_at < *first_active) first_active = labels.active_at;
    } else if (state == AlertState::inactive) {
      state = AlertState::pending;
    }
    ++it;
  }

  if (state == AlertState::firing && entry.state != AlertState::firing)
    entry.firings.push_back({*first_active, at, {}});
  if (entry.state == AlertState::firing && state != AlertState::firing) entry.firings.back().resolved_at = at;
  if (state != entry.state) {
    transitions_.push_back({rule.name, rule.set, rule.severity, entry.state, state});
    entry.state = state;
  }
}

const AlertEvaluator::Entry* AlertEvaluator::find(std::string_view rule, std::string_view set) const {
  const auto it = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return rules_[entry.rule].name == rule && rules_[entry.rule].set == set; });
  return it == entries_.end() ? nullptr : &*it;
}

AlertState AlertEvaluator::state(std::string_view rule, std::string_view set) const {
  const Entry* entry = find(rule, set);
  return entry == nullptr ? AlertState::inactive : entry->state;
}

std::vector<LabelPairs> AlertEvaluator::firing_labels(std::string_view rule, std::string_view set) const {
  std::vector<LabelPairs> out;
  const Entry* entry = find(rule, set);
  if (entry == nullptr) return out;
  for (const auto& [text, labels] : entry->label_sets) {
    if (!labels.firing) continue;
    LabelPairs all = entry->expression.labels(labels.element);
    for (const auto& own : rules_[entry->rule].labels) {  // the rule's own win
      std::erase_if(all, [&](const auto& label) { return label.first == own.first; });
      if (!own.second.empty()) all.push_back(own);
    }
    std::ranges::sort(all);
    out.push_back(std::move(all));
  }
  return out;
}

AlertResult AlertEvaluator::judge(const Entry& entry, const std::vector<FaultSummary>& faults,
                                  const std::vector<Impact>& impacts, Instant end) const {
  const AlertRuleSpec& rule = rules_[entry.rule];
  AlertResult result;
  result.rule = rule.name;
  result.set = rule.set;
  result.severity = rule.severity;
  result.objective = rule.objective;
  result.failed_steps = entry.failed_steps;
  result.failure = entry.failure;
  const Impact* impact = find_impact(impacts, rule.objective);
  // A cause can be behind a firing for as long as the rule looks back.
  const Duration reach = entry.expression.window();
  for (const Firing& firing : entry.firings)
    if (firing.firing_at >= warmup_end_) result.firings.push_back(firing);
  if (rule.objective.empty() || impact != nullptr) {
    result.false_alarms = 0;
    for (const Firing& firing : result.firings) {
      const bool hurt = impact != nullptr && overlaps_an_impact(*impact, firing, end, reach);
      if (!hurt && !overlaps_a_fault(faults, firing, end, reach)) ++*result.false_alarms;
    }
  }
  if (impact != nullptr) {
    // A window still sees what was bad at its start, and the rule holds it for `for`.
    result.impact = truth_of(*impact, result.firings, end, reach + rule.hold);
    if (!result.firings.empty()) result.budget_consumed = impact->consumed(result.firings.front().firing_at);
  }
  if (!result.firings.empty()) {
    if (const auto onset = cause_onset(faults, result.firings.front(), end, reach))
      result.detection = result.firings.front().firing_at - *onset;
  }
  return result;
}

std::vector<AlertResult> AlertEvaluator::results(const std::vector<FaultSummary>& faults,
                                                 const std::vector<Impact>& impacts, Instant end) const {
  std::vector<AlertResult> out;
  auto entry = entries_.begin();  // in the rules' order
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const AlertRuleSpec& rule = rules_[i];
    if (rule.recording) continue;
    if (rule.reason.empty()) {
      out.push_back(judge(*entry++, faults, impacts, end));
      continue;
    }
    AlertResult result;
    result.rule = rule.name;
    result.set = rule.set;
    result.severity = rule.severity;
    result.evaluated = false;
    result.reason = rule.reason;
    result.objective = rule.objective;
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace dvt::sim
