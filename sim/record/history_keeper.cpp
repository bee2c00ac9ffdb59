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

void HistoryKeeper::execution_closed(ExecutionName execution, const engine::History& history) {
  if (!undecided()) {
    if (chosen(execution.run)) write(execution, history);
  } else if (outlived_.contains(execution.run.value)) {
    add_late(execution, history);
  } else {
    held_[execution.run.value].push_back({execution, history});
  }
}

void HistoryKeeper::run_closed(const RunClosed& fact) {
  if (!undecided()) return;
  if (open_children_.contains(fact.run.value)) outlived_[fact.run.value] = fact.outcome == RunOutcome::failed;
  auto node = held_.extract(fact.run.value);
  if (node.empty()) return;  // a provider without executions
  if (rule_.kind == HistoryRule::Kind::slowest) {
    offer(fact.run, fact.closed_at - fact.requested_at, std::move(node.mapped()));
  } else if (fact.outcome == RunOutcome::failed) {
    for (const Held& held : node.mapped()) write(held.name, held.history);
  }
}

// A child that outlived its run: it is kept if its run was.
void HistoryKeeper::add_late(ExecutionName execution, const engine::History& history) {
  if (rule_.kind == HistoryRule::Kind::failed) {
    if (outlived_.at(execution.run.value)) write(execution, history);
    return;
  }
  for (auto& [key, executions] : slowest_)
    if (key.run == execution.run.value) executions.push_back({execution, history});
}

void HistoryKeeper::child_started(const ChildFact& fact) {
  if (undecided()) ++open_children_[fact.run.value];
}

void HistoryKeeper::child_closed(const ChildFact& fact, ChildEnd) {
  const auto found = open_children_.find(fact.run.value);
  if (found == open_children_.end() || --found->second > 0) return;
  open_children_.erase(found);
  outlived_.erase(fact.run.value);
}

void HistoryKeeper::execution_open_at_end(ExecutionName execution, const engine::History& history, Instant now) {
  if (!undecided()) {
    if (chosen(execution.run)) write(execution, history);
  } else if (outlived_.contains(execution.run.value)) {
    add_late(execution, history);
  } else if (rule_.kind == HistoryRule::Kind::slowest) {
    if (execution.child != 0) return add_late(execution, history);  // its run came first, and was judged
    Executions& executions = held_[execution.run.value];
    executions.push_back({execution, history});
    const Duration age = now - executions.front().history.at(1).time;
    offer(execution.run, age, std::move(executions));
    held_.erase(execution.run.value);
  }
}

void HistoryKeeper::offer(RunOrdinal run, Duration took, Executions executions) {
  slowest_.emplace(Slower{took, run.value}, std::move(executions));
  if (slowest_.size() > rule_.n) slowest_.erase(std::prev(slowest_.end()));
}

void HistoryKeeper::finish() {
  for (const auto& [key, executions] : slowest_)
    for (const Held& held : executions) write(held.name, held.history);
  slowest_.clear();
}

void HistoryKeeper::write(ExecutionName execution, const engine::History& history) {
  const auto& started = std::get<engine::WorkflowExecutionStarted>(history.at(1).attributes);
  json_.clear();
  engine::append_temporal_json(json_, history, {start_});
  recorder_.add_history(execution.run, execution.child, execution.chain, started.info->first_run_id, history.last_id(),
                        json_);
}

}  // namespace dvt::sim
