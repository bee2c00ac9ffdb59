#include "sim/record/history_keeper.h"

#include <algorithm>

#include "engine/history/temporal_json.h"

namespace dvt::sim {

HistoryKeeper::HistoryKeeper(RunRecorder& recorder, HistoryRule rule, UnixNanos start)
    : recorder_(recorder), rule_(rule), start_(start) {
  DVT_ASSERT(rule.kind == HistoryRule::Kind::all || rule.kind == HistoryRule::Kind::failed || rule.n > 0,
             "this rule needs a number");
}

// For the rules that need no outcome.
bool HistoryKeeper::chosen(RunOrdinal run) const {
  return rule_.kind == HistoryRule::Kind::all || (rule_.kind == HistoryRule::Kind::every && run.value % rule_.n == 0);
}

void HistoryKeeper::execution_closed(RunOrdinal run, std::uint32_t chain, const engine::History& history) {
  if (undecided()) {
    held_[run.value].push_back({chain, history});
  } else if (chosen(run)) {
    write(run, chain, history);
  }
}

void HistoryKeeper::run_closed(const RunClosed& fact) {
  if (!undecided()) return;
  auto node = held_.extract(fact.run.value);
  if (node.empty()) return;  // a provider without executions
  if (rule_.kind == HistoryRule::Kind::slowest) {
    offer(fact.run, fact.closed_at - fact.requested_at, std::move(node.mapped()));
  } else if (fact.outcome == RunOutcome::failed) {
    for (const Held& held : node.mapped()) write(fact.run, held.chain, held.history);
  }
}

void HistoryKeeper::execution_open_at_end(RunOrdinal run, std::uint32_t chain, const engine::History& history,
                                          Instant now) {
  if (rule_.kind == HistoryRule::Kind::slowest) {
    Chain& executions = held_[run.value];
    executions.push_back({chain, history});
    const Duration age = now - executions.front().history.at(1).time;
    offer(run, age, std::move(executions));
    held_.erase(run.value);
  } else if (chosen(run)) {
    write(run, chain, history);
  }
}

void HistoryKeeper::offer(RunOrdinal run, Duration took, Chain chain) {
  slowest_.emplace(Slower{took, run.value}, std::move(chain));
  if (slowest_.size() > rule_.n) slowest_.erase(std::prev(slowest_.end()));
}

void HistoryKeeper::finish() {
  for (const auto& [key, chain] : slowest_)
    for (const Held& held : chain) write(RunOrdinal{key.run}, held.chain, held.history);
  slowest_.clear();
}

void HistoryKeeper::write(RunOrdinal run, std::uint32_t chain, const engine::History& history) {
  const auto& started = std::get<engine::WorkflowExecutionStarted>(history.at(1).attributes);
  json_.clear();
  engine::append_temporal_json(json_, history, {start_});
  recorder_.add_history(run, started.info->first_run_id, chain, history.last_id(), json_);
}

}  // namespace dvt::sim
