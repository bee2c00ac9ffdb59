#include "sim/world/operators.h"

#include <algorithm>

namespace dvt::sim {
namespace {

// Of an action: the runs that go on.
RunFilter filter_of(const Operation& operation) {
  return operation.select.filter(operation.signal.value_or(SignalType::cancel));
}

}  // namespace

Operators::Operators(Timers& timers, const Random& random, const Scenario& scenario, engine::ApiFront& api,
                     RunBoard& board, OperatorActions& actions, const OnCall& oncall)
    : timers_(timers),
      random_(random),
      scenario_(scenario),
      api_(api),
      board_(board),
      actions_(actions),
      oncall_(oncall),
      operations_(scenario.operations.size()) {
  for (const BackgroundSignal& signal : scenario.workload.signals)
    resume_after_.push_back(signal.resume_after ? signal.resume_after->build() : Distribution::constant({}));
  const auto selects_ended = [](const Operation& operation) {
    const RunFilter status = filter_of(operation);
    return status == RunFilter::completed || status == RunFilter::failed || status == RunFilter::cancelled;
  };
  if (std::any_of(scenario.operations.begin(), scenario.operations.end(), selects_ended)) board_.keep_ended();
  board_.on_drained([this](RunOrdinal run) { run_drained(run); });
}

void Operators::start() {
  for (std::size_t i = 0; i < scenario_.workload.signals.size(); ++i) next_background(i, 0);
  if (!scenario_.workload.reads.rate.is_zero()) next_read(0);
  for (std::size_t i = 0; i < scenario_.operations.size(); ++i)
    if (scenario_.operations[i].at)
      timers_.call_at(Instant{scenario_.operations[i].at->ns}, [this, i] { begin_operation(i); });
}

std::int64_t Operators::plan_index(const std::string& name) const {
  for (std::size_t i = 0; i < scenario_.workload.plans.size(); ++i)
    if (scenario_.workload.plans[i].name == name) return static_cast<std::int64_t>(i);
  return -1;  // any
}

void Operators::next_background(std::size_t index, std::uint64_t number) {
  const BackgroundSignal& signal = scenario_.workload.signals[index];
  if (signal.rate.is_zero()) return;
  Draws draws(random_, Purpose::signal_gap, index, number);
  const Duration gap = Distribution::exponential(signal.rate.interval()).sample(draws);
  timers_.call_after(gap, [this, index, number] {
    background(index, number);
    next_background(index, number + 1);
  });
}

void Operators::background(std::size_t index, std::uint64_t number) {
  const BackgroundSignal& signal = scenario_.workload.signals[index];
  std::uint64_t words[4];
  random_.words(Purpose::signal_target, index, number, 0, 0, words);
  const auto run =
      board_.pick(signal.select.filter(signal.signal), plan_index(signal.select.plan), signal.select.tenant, words[0]);
  if (!run) return;
  engine::SignalRequest request;
  request.run = *run;
  request.type = signal.signal;
  request.roles = {engine::required_role(request.type)};
  request.actor = "background";
  request.reason = "background traffic";
  api_.submit_signal(std::move(request));
  if (!signal.resume_after) return;
  Draws draws(random_, Purpose::signal_resume, index, number);
  const Duration after = resume_after_[index].sample(draws);
  timers_.call_after(after, [this, run_paused = *run] {
    engine::SignalRequest resume;
    resume.run = run_paused;
    resume.type = SignalType::resume;
    resume.actor = "background";
    api_.submit_signal(std::move(resume));
  });
}

void Operators::next_read(std::uint64_t number) {
  Draws draws(random_, Purpose::read_gap, number);
  const Duration gap = Distribution::exponential(scenario_.workload.reads.rate.interval()).sample(draws);
  timers_.call_after(gap, [this, number] {
    std::uint64_t words[4];
    random_.words(Purpose::read_target, number, 0, 0, 0, words);
    if (const auto run = board_.pick(RunFilter::running, -1, std::nullopt, words[0])) api_.submit_read(*run, number);
    next_read(number + 1);
  });
}

std::vector<RunOrdinal> Operators::choose(std::size_t index) {
  const Operation& operation = scenario_.operations[index];
  const Select& select = operation.select;
  std::vector<RunOrdinal> runs = board_.matching(filter_of(operation), plan_index(select.plan), select.tenant);
  if (select.fraction.ppb >= 1'000'000'000) return runs;
  // The runs with the smallest draws: the choice of one run depends on no other.
  std::vector<std::pair<std::uint64_t, RunOrdinal>> ranked;
  for (const RunOrdinal run : runs) {
    std::uint64_t words[4];
    random_.words(Purpose::operation, index, run.value, 0, 0, words);
    ranked.emplace_back(words[0], run);
  }
  std::sort(ranked.begin(), ranked.end());
  const auto count = static_cast<std::size_t>(
      (static_cast<std::uint64_t>(runs.size()) * static_cast<std::uint64_t>(select.fraction.ppb) + 999'999'999) /
      1'000'000'000);
  runs.clear();
  for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i) runs.push_back(ranked[i].second);
  std::sort(runs.begin(), runs.end());
  return runs;
}

void Operators::begin_operation(std::size_t index) {
  const Operation& operation = scenario_.operations[index];
  OperationState& state = operations_[index];
  ++state.begun;
  if (operation.action && !OperatorActions::takes_runs(*operation.action)) {
    actions_.act(operation);
    return operation_chose(index);
  }
  if (!operation.select.same_as.empty()) {
    for (std::size_t i = 0; i < scenario_.operations.size(); ++i)
      if (scenario_.operations[i].name == operation.select.same_as) state.chosen = operations_[i].chosen;
  } else {
    state.chosen = choose(index);
  }
  state.chosen_made = true;
  for (const RunOrdinal run : state.chosen) {
    for (std::int64_t repeat = 0; repeat < operation.repeat; ++repeat) {
      Draws draws(random_, Purpose::operation, index, run.value, static_cast<std::uint64_t>(repeat) + 1);
      const Duration delay =
          operation.spread.ns > 0 ? Distribution::uniform({}, operation.spread).sample(draws) : Duration{};
      timers_.call_after(delay, [this, index, run] { act_on_one(index, run); });
    }
  }
  operation_chose(index);
}

// `repeat` of an operation that waits for a drain: all at once.
void Operators::send(std::size_t index, RunOrdinal run) {
  for (std::int64_t repeat = 0; repeat < scenario_.operations[index].repeat; ++repeat) act_on_one(index, run);
}

void Operators::act_on_one(std::size_t index, RunOrdinal run) {
  const Operation& operation = scenario_.operations[index];
  if (operation.action) return actions_.act_on(operation, run);
  engine::SignalRequest request;
  request.run = run;
  request.type = *operation.signal;
  request.roles = {operation.as};
  request.actor = operation.name;
  request.reason = operation.reason;
  if (operation.payload != JsonText{}) request.payload = operation.payload.text;
  // Each signal is sent `repeat` times with the same id (scenario.md): one id for a run, where none is given.
  if (!operation.signal_id.empty()) {
    request.signal_id = operation.signal_id;
  } else if (operation.repeat > 1) {
    request.signal_id = operation.name + "-" + std::to_string(run.value);
  }
  api_.submit_signal(std::move(request));
}

bool Operators::wait_for_alerts() const {
  return std::any_of(scenario_.operations.begin(), scenario_.operations.end(),
                     [](const Operation& operation) { return operation.on.has_value(); });
}

void Operators::alert_changed(const AlertTransition& change, Instant at) {
  const std::string rule = std::string(change.set) + "/" + std::string(change.rule);
  AlertNow& now = alerts_[rule];
  if (change.to == AlertState::firing) ++now.firings;
  now.firing = change.to == AlertState::firing;
  for (std::size_t i = 0; i < scenario_.operations.size(); ++i) {
    const std::optional<OnAlert>& on = scenario_.operations[i].on;
    if (!on || (on->alert != change.rule && on->alert != rule)) continue;
    const bool entered = on->state == OnAlert::State::pending  ? change.to == AlertState::pending
                         : on->state == OnAlert::State::firing ? change.to == AlertState::firing
                                                               : change.from == AlertState::firing;
    if (entered) react(i, change, now, at);
  }
}

void Operators::react(std::size_t index, const AlertTransition& change, const AlertNow& now, Instant at) {
  const Operation& operation = scenario_.operations[index];
  if (operation.reaction) {
    // Keyed by what has happened before to this operation: the n-th reaction of one run is the n-th of another.
    constexpr std::uint64_t kReactions = ~std::uint64_t{0};
    Draws draws(random_, Purpose::operation, index, kReactions, operations_[index].reactions++);
    const Duration after = operation.reaction->build().sample(draws);
    timers_.call_at(at + after, [this, index] { begin_operation(index); });
    return;
  }
  const std::uint64_t number = now.firings;  // from 1
  const auto acknowledged = oncall_.acknowledged_at({change.set, change.rule, number - 1}, change.severity, at);
  if (!acknowledged) return;
  // Nodes of the map stay where they are.
  timers_.call_at(*acknowledged, [this, index, state = &now, number] {
    if (state->firing && state->firings == number) begin_operation(index);
  });
}

std::map<std::string, std::uint64_t> Operators::begun() const {
  std::map<std::string, std::uint64_t> out;
  for (std::size_t i = 0; i < operations_.size(); ++i) out[scenario_.operations[i].name] = operations_[i].begun;
  return out;
}

// Operations that come after this one: at once when it is done, or run by run when each has drained.
void Operators::operation_chose(std::size_t index) {
  const std::string& name = scenario_.operations[index].name;
  for (std::size_t i = 0; i < scenario_.operations.size(); ++i) {
    const Operation& next = scenario_.operations[i];
    if (!next.after || next.after->operation != name) continue;
    if (next.after->until == After::Until::done) {
      timers_.call_after(scenario_.operations[index].spread, [this, i] { begin_operation(i); });
      continue;
    }
    operations_[i].chosen = operations_[index].chosen;
    operations_[i].chosen_made = true;
    for (const RunOrdinal run : operations_[index].chosen) {
      operations_[i].waiting[run.value] = true;
      timers_.call_after(next.after->timeout, [this, i, run] { release(i, run); });
    }
    operation_chose(i);
  }
}

void Operators::run_drained(RunOrdinal run) {
  for (std::size_t i = 0; i < operations_.size(); ++i) release(i, run);
}

void Operators::release(std::size_t index, RunOrdinal run) {
  auto found = operations_[index].waiting.find(run.value);
  if (found == operations_[index].waiting.end() || !found->second) return;
  found->second = false;
  timers_.post([this, index, run] { send(index, run); });
}

}  // namespace dvt::sim
