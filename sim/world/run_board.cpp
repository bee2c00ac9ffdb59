#include "sim/world/run_board.h"

#include <algorithm>

namespace dvt::sim {

RunBoard::Run* RunBoard::get(RunOrdinal run) {
  const auto found = runs_.find(run.value);
  return found == runs_.end() ? nullptr : &found->second;
}

const RunBoard::Run* RunBoard::find(RunOrdinal run) const {
  const auto found = runs_.find(run.value);
  return found == runs_.end() ? nullptr : &found->second;
}

bool RunBoard::takes(const Run& run, std::int64_t plan_index, std::optional<std::int64_t> tenant) {
  return (plan_index < 0 || run.plan.value == static_cast<std::uint64_t>(plan_index)) &&
         (!tenant || run.tenant.value == static_cast<std::uint64_t>(*tenant));
}

std::vector<RunOrdinal> RunBoard::matching(RunFilter status, std::int64_t plan_index,
                                           std::optional<std::int64_t> tenant) const {
  std::vector<RunOrdinal> out;
  for (std::size_t i = 0; i < std::size(lists_); ++i) {
    const auto listed = static_cast<RunFilter>(i);
    const bool ended = listed == RunFilter::completed || listed == RunFilter::failed || listed == RunFilter::cancelled;
    if (status == RunFilter::any ? ended : listed != status) continue;  // any: any that is open
    for (const std::uint32_t run : lists_[i])
      if (takes(runs_.at(run), plan_index, tenant)) out.push_back({run});
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<RunOrdinal> RunBoard::pick(RunFilter status, std::int64_t plan_index, std::optional<std::int64_t> tenant,
                                         std::uint64_t word) const {
  if (status != RunFilter::any && plan_index < 0 && !tenant) {
    const auto& runs = lists_[static_cast<std::size_t>(status)];
    if (runs.empty()) return std::nullopt;
    return RunOrdinal{runs[word % runs.size()]};
  }
  const std::vector<RunOrdinal> runs = matching(status, plan_index, tenant);
  if (runs.empty()) return std::nullopt;
  return runs[word % runs.size()];
}

void RunBoard::move(Run& run, RunFilter status) {
  auto& from = list(run.status);
  from[run.place] = from.back();
  runs_.at(from[run.place]).place = run.place;
  from.pop_back();
  run.status = status;
  run.place = static_cast<std::uint32_t>(list(status).size());
  list(status).push_back(run.run.value);
}

void RunBoard::run_accepted(const RunAccepted& fact) {
  if (fact.run >= hidden_from_) return;
  Run& run = runs_[fact.run.value];
  run = Run{fact.run, fact.plan, fact.tenant};
  run.place = static_cast<std::uint32_t>(list(run.status).size());
  list(run.status).push_back(fact.run.value);
}

void RunBoard::event_committed(const StoredEvent& event) {
  if (event.type != EventType::run_approved) return;
  Run* run = get(event.run);
  if (run != nullptr && run->status == RunFilter::pending) move(*run, RunFilter::approved);
}

void RunBoard::run_started(RunOrdinal ordinal, PlanOrdinal, Instant) {
  if (Run* run = get(ordinal)) move(*run, RunFilter::running);
}

void RunBoard::run_closed(const RunClosed& fact) {
  Run* run = get(fact.run);
  if (run == nullptr) return;
  const bool waited_for = run->pause_accepted;
  if (keep_ended_) {
    run->pause_accepted = false;
    move(*run, fact.outcome == RunOutcome::completed   ? RunFilter::completed
               : fact.outcome == RunOutcome::cancelled ? RunFilter::cancelled
                                                       : RunFilter::failed);
  } else {
    auto& from = list(run->status);
    from[run->place] = from.back();
    runs_.at(from[run->place]).place = run->place;
    from.pop_back();
    runs_.erase(fact.run.value);
  }
  if (waited_for && drained_) drained_(fact.run);
}

void RunBoard::run_paused(RunOrdinal ordinal, Instant) {
  if (Run* run = get(ordinal)) move(*run, RunFilter::paused);
}

void RunBoard::run_resumed(RunOrdinal ordinal, Instant) {
  if (Run* run = get(ordinal)) move(*run, RunFilter::running);
}

void RunBoard::signal_decided(const SignalFact& fact) {
  Run* run = get(fact.run);
  if (run == nullptr || fact.status != DecisionStatus::accepted) return;
  if (fact.type == SignalType::pause) {
    run->pause_accepted = true;
    check_drained(*run);
  } else if (fact.type == SignalType::resume) {
    run->pause_accepted = false;
  }
}

void RunBoard::check_drained(const Run& run) {
  if (run.pause_accepted && run.steps_in_flight.empty() && drained_) drained_(run.run);
}

void RunBoard::activity_started(const ActivityFact& fact) {
  if (fact.kind != ActivityKind::step) return;
  if (Run* run = get(fact.run)) run->steps_in_flight.push_back(fact.activity);
}

// An attempt may close without having started: timed out in the queue, or cancelled there.
void RunBoard::activity_closed(const ActivityFact& fact, ActivityOutcome, std::string_view) {
  if (fact.kind != ActivityKind::step) return;
  Run* run = get(fact.run);
  if (run == nullptr || std::erase(run->steps_in_flight, fact.activity) == 0) return;
  check_drained(*run);
}

}  // namespace dvt::sim
