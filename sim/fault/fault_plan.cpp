#include "sim/fault/fault_plan.h"

#include <algorithm>

#include "sim/scenario/fault_kinds.h"

namespace dvt::sim {

std::vector<std::uint32_t> draw_members(const Random& random, Episode episode, std::vector<std::uint32_t> members,
                                        std::int64_t wanted) {
  // A partial Fisher-Yates shuffle, one word a pick.
  Draws draws(random, Purpose::fault_effect, episode.fault, episode.number, 3);
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(wanted), members.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = draws.next();
    std::swap(members[i], members[i + word % (members.size() - i)]);
  }
  members.resize(count);
  std::sort(members.begin(), members.end());
  return members;
}

FaultPlan::FaultPlan(Timers& timers, const Random& random, Telemetry& telemetry, const std::vector<Fault>& faults,
                     Instant end, FaultActions& actions)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      faults_(faults),
      end_(end),
      actions_(actions),
      states_(faults.size()) {
  for (const Fault& fault : faults)
    lengths_.push_back(fault.length ? fault.length->build() : Distribution::constant({}));
}

void FaultPlan::start() {
  for (std::uint32_t i = 0; i < faults_.size(); ++i) plan_next(i, Instant{faults_[i].at.ns});
}

// `not_before`: the window's start for the first episode, the previous episode's start afterwards.
void FaultPlan::plan_next(std::uint32_t index, Instant not_before) {
  const Fault& fault = faults_[index];
  State& state = states_[index];
  const std::uint32_t number = state.next_episode;
  if (number > 0 && !fault.every) return;
  if (fault.max_count > 0 && state.struck >= static_cast<std::uint64_t>(fault.max_count)) return;
  Instant when = not_before;
  if (fault.every) {
    if (fault.every->gap) {
      if (number > 0) when = not_before + *fault.every->gap;
    } else {
      if (fault.every->poisson.is_zero()) return;
      Draws draws(random_, Purpose::fault_episode, index, number, 0);
      when = not_before + Distribution::exponential(fault.every->poisson.interval()).sample(draws);
    }
  }
  const Instant window_end = fault.until ? Instant{fault.until->ns} : end_;
  if (when > end_ || (fault.every && when >= window_end)) return;
  ++state.next_episode;
  timers_.call_at(when, [this, index, number, when] {
    strike(index, number);
    plan_next(index, when);
  });
}

// Whether the episode happens; with `correlation` it repeats the previous draw instead of drawing.
bool FaultPlan::drawn(std::uint32_t index, std::uint32_t number) {
  const Fault& fault = faults_[index];
  State& state = states_[index];
  std::uint64_t words[4];
  random_.words(Purpose::fault_episode, index, number, 1, 0, words);
  const auto share = [](std::uint64_t word) { return static_cast<std::int64_t>(word % 1'000'000'000); };
  const bool repeats = number > 0 && share(words[0]) < fault.correlation.ppb;
  if (!repeats) state.last_draw = share(words[1]) < fault.probability.ppb;
  return state.last_draw;
}

void FaultPlan::strike(std::uint32_t index, std::uint32_t number) {
  const Fault& fault = faults_[index];
  if (states_[index].healed || !drawn(index, number)) return;
  const Episode episode{index, number};
  const std::uint32_t struck = actions_.begin(fault, episode);
  if (struck == 0) return;
  ++states_[index].struck;
  telemetry_.fault_injected(fault.name, timers_.now());
  for (std::uint32_t i = 0; i < struck; ++i) telemetry_.fault_struck(fault.name, timers_.now());
  if (!info(fault.kind).has_length) {
    telemetry_.fault_healed(fault.name, timers_.now());  // an instant; its aftermath is the target's recovery
    return;
  }
  Instant stop = end_;
  if (fault.length) {
    Draws draws(random_, Purpose::fault_episode, index, number, 2);
    stop = timers_.now() + lengths_[index].sample(draws);
  } else if (fault.until && !fault.every) {
    stop = Instant{fault.until->ns};
  }
  Running running{episode, {}};
  if (stop < end_) running.stop = timers_.call_at(stop, [this, episode] { this->stop(episode); });
  states_[index].running.push_back(running);
}

void FaultPlan::stop(Episode episode) {
  std::erase_if(states_[episode.fault].running,
                [&](const Running& running) { return running.episode.number == episode.number; });
  actions_.end(faults_[episode.fault], episode);
  telemetry_.fault_healed(faults_[episode.fault].name, timers_.now());
}

void FaultPlan::heal(std::string_view name) {
  for (std::uint32_t index = 0; index < faults_.size(); ++index) {
    if (faults_[index].name != name) continue;
    states_[index].healed = true;
    const std::vector<Running> running = states_[index].running;
    for (const Running& episode : running) {
      if (episode.stop) timers_.cancel(episode.stop);
      stop(episode.episode);
    }
  }
}

}  // namespace dvt::sim
