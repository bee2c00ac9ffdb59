#include "sim/world/control_faults.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/detmath.h"
#include "sim/scenario/fault_kinds.h"

namespace dvt::sim {
namespace {

// Two faults that strike requests independently of each other; shares in parts per billion.
constexpr std::int64_t kEvery = 1'000'000'000;
std::int64_t either(std::int64_t a, std::int64_t b) {
  return a + b - a * b / kEvery;
}

const LatencyScale* if_active(const LatencyWindow& window) {
  return window.active() ? &window : nullptr;
}

// Of this module's draws by (fault, episode).
constexpr std::uint64_t kZoneDraw = 1;
constexpr std::uint64_t kClockDraw = 11;
// Names the restart delays of the signal processors beside those of workers, which are numbered from 0.
constexpr std::uint64_t kProcessors = 0xFFFF'FFFF;
// Targets of the windows' draws; warehouses, store and disk have their own.
constexpr std::uint32_t kFirstWindow = 0xFFFF'FF00;

bool is_of_a_process(FaultKind kind) {
  return kind == FaultKind::stall || kind == FaultKind::process_pause || kind == FaultKind::heartbeat_drop;
}

}  // namespace

ControlFaults::ControlFaults(Timers& timers, const Random& random, const Scenario& scenario, Parts parts,
                             std::vector<WorkerGroup> groups)
    : timers_(timers),
      random_(random),
      parts_(parts),
      groups_(std::move(groups)),
      processors_restart_(scenario.topology.signals.restart_delay.build()),
      api_latency_(timers, random, kFirstWindow),
      api_throttle_(timers, random, kFirstWindow + 1),
      signals_slow_(timers, random, kFirstWindow + 2),
      adapter_latency_(timers, random, kFirstWindow + 3),
      adapter_throttle_(timers, random, kFirstWindow + 4),
      plans_latency_(timers, random, kFirstWindow + 5) {
  std::uint32_t workers = 0;
  for (const WorkerGroup& group : groups_) workers = std::max(workers, group.first + group.count);
  lives_.assign(workers, 0);
  draining_.assign(workers, 0);
  const bool skewed = std::any_of(scenario.faults.begin(), scenario.faults.end(),
                                  [](const Fault& fault) { return fault.kind == FaultKind::clock_skew; });
  if (skewed) parts_.events.set_clocks(this);
}

bool ControlFaults::owns(TargetKind target) {
  switch (target) {
    case TargetKind::api:
    case TargetKind::signals:
    case TargetKind::adapter:
    case TargetKind::plans:
    case TargetKind::worker:
    case TargetKind::clock_worker:
      return true;
    default:
      return false;
  }
}

// ---- Episodes ----

bool ControlFaults::suffers(TargetKind target, FaultKind kind) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const Open& open) { return open.fault->target.kind == target && open.fault->kind == kind; });
}

std::int64_t ControlFaults::share_of(TargetKind target, FaultKind kind) const {
  std::int64_t share = 0;
  for (const Open& open : open_)
    if (open.fault->target.kind == target && open.fault->kind == kind) share = either(share, open.fault->share.ppb);
  return share;
}

LatencyWindow* ControlFaults::window_of(const Fault& fault) {
  const bool latency = fault.kind == FaultKind::latency;
  if (!latency && fault.kind != FaultKind::throttle) return nullptr;
  switch (fault.target.kind) {
    case TargetKind::api:
      return latency ? &api_latency_ : &api_throttle_;
    case TargetKind::signals:
      return &signals_slow_;
    case TargetKind::adapter:
      return latency ? &adapter_latency_ : &adapter_throttle_;
    default:
      return &plans_latency_;
  }
}

std::uint32_t ControlFaults::begin(const Fault& fault, Episode episode) {
  Open open{episode, &fault, {}};
  if (fault.target.kind == TargetKind::worker) {
    const WorkerGroup& group = group_of(fault.target.name);
    for (const std::uint32_t worker : choose(group, fault, episode)) {
      // Read before: what ends the process begins another life.
      const Struck struck{worker, lives_[worker]};
      if (strike(group, worker, fault.kind)) open.workers.push_back(struck);
    }
    const auto count = static_cast<std::uint32_t>(open.workers.size());
    if (count > 0 && info(fault.kind).has_length) open_.push_back(std::move(open));
    return count;
  }
  if (fault.target.kind == TargetKind::adapter && parts_.calls == nullptr) return 0;
  if (fault.target.kind == TargetKind::signals && (fault.kind == FaultKind::kill || fault.kind == FaultKind::restart)) {
    processors_go_down();
    return 1;
  }
  if (LatencyWindow* window = window_of(fault)) window->begin(effect_of(fault, episode, timers_.now()));
  open_.push_back(std::move(open));
  apply();
  return fault.kind == FaultKind::clock_skew ? static_cast<std::uint32_t>(lives_.size()) : 1;
}

void ControlFaults::end(const Fault& fault, Episode episode) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& open) {
    return open.episode.fault == episode.fault && open.episode.number == episode.number;
  });
  if (found == open_.end()) return;  // of a kind without a length
  const Open ended = std::move(*found);
  open_.erase(found);
  if (fault.target.kind == TargetKind::worker) return relieve(ended);
  if (LatencyWindow* window = window_of(fault)) window->end(episode.fault);
  apply();
}

void ControlFaults::apply() {
  using T = TargetKind;
  using K = FaultKind;
  engine::ApiFaults api;
  api.away = suffers(T::api, K::outage);
  api.failing_ppb = share_of(T::api, K::error);
  api.latency = if_active(api_latency_);
  api.throttle = if_active(api_throttle_);
  api.signals_failing_ppb = share_of(T::signals, K::error);
  api.signals_lost_ppb = share_of(T::signals, K::loss);
  api.signals_duplicated_ppb = share_of(T::signals, K::duplicate);
  api.signals_overtaken_ppb = share_of(T::signals, K::reorder);
  parts_.api.set_faults(api);
  parts_.api.signals().set_scale(if_active(signals_slow_));
  apply_processors();

  PlanFaults plans;
  plans.away = suffers(T::plans, K::outage);
  plans.altered = suffers(T::plans, K::corrupt);
  plans.failing_ppb = share_of(T::plans, K::error);
  plans.latency = if_active(plans_latency_);
  parts_.plans.set_faults(plans);

  if (parts_.calls == nullptr) return;
  adapters::CallFaults calls;
  calls.unreachable = suffers(T::adapter, K::outage);
  calls.partitioned = suffers(T::adapter, K::partition);
  calls.refused_ppb = share_of(T::adapter, K::error);
  calls.lost_ppb = share_of(T::adapter, K::loss);
  calls.latency = if_active(adapter_latency_);
  calls.throttle = if_active(adapter_throttle_);
  parts_.calls->set_faults(calls);
  parts_.workers.set_scale(calls.latency);
  const bool unreachable = calls.unreachable || calls.partitioned;
  if (unreachable != std::exchange(unreachable_, unreachable)) parts_.workers.unreachable(unreachable);
}

bool ControlFaults::heartbeat_lost() const {
  return unreachable_ || suffers(TargetKind::adapter, FaultKind::heartbeat_drop);
}

// ---- Signal processors ----

void ControlFaults::apply_processors() {
  const bool stopped = processors_down_ > 0 || suffers(TargetKind::signals, FaultKind::outage) ||
                       suffers(TargetKind::signals, FaultKind::stall);
  if (stopped != std::exchange(processors_stopped_, stopped)) parts_.api.signals().stop_processors(stopped);
}

// They hold nothing that is not in a decision record or in the deferral queue: killed or stopped, they are away for a
// while and go on where they were. A stall ends with their process.
void ControlFaults::processors_go_down() {
  std::erase_if(open_, [](const Open& open) {
    return open.fault->target.kind == TargetKind::signals && open.fault->kind == FaultKind::stall;
  });
  ++processors_down_;
  apply_processors();
  Draws draws(random_, Purpose::worker_restart, kProcessors, processor_deaths_++, 0);
  timers_.call_after(processors_restart_.sample(draws), [this] {
    --processors_down_;
    apply_processors();
  });
}

// ---- Workers ----

const WorkerGroup& ControlFaults::group_of(const std::string& queue) const {
  const auto group =
      std::find_if(groups_.begin(), groups_.end(), [&](const WorkerGroup& g) { return g.queue == queue; });
  DVT_ASSERT(group != groups_.end(), "the reader lets only known task queues pass");
  return *group;
}

// Workers of the group that are down, or that an open fault keeps from working.
std::uint32_t ControlFaults::struck_now(const WorkerGroup& group) const {
  std::uint32_t count = 0;
  for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
    const bool held = std::any_of(open_.begin(), open_.end(), [&](const Open& open) {
      if (open.fault->kind != FaultKind::stall && open.fault->kind != FaultKind::process_pause) return false;
      return std::any_of(open.workers.begin(), open.workers.end(),
                         [&](const Struck& struck) { return struck.worker == i && struck.life == lives_[i]; });
    });
    count += held || !parts_.workers.up(i) ? 1 : 0;
  }
  return count;
}

// As many of the target's living workers as maxDown leaves room for, over all queues, in order.
std::vector<std::uint32_t> ControlFaults::choose(const WorkerGroup& group, const Fault& fault, Episode episode) const {
  std::vector<std::uint32_t> candidates;
  std::uint64_t zone_words[4];
  random_.words(Purpose::fault_effect, episode.fault, episode.number, kZoneDraw, 0, zone_words);
  const auto zone = static_cast<std::uint32_t>(zone_words[0] % group.zones);
  for (std::uint32_t i = 0; i < group.count; ++i) {
    if (fault.target.members == Target::Members::index && i != static_cast<std::uint64_t>(fault.target.index)) continue;
    if (fault.group == FaultGroup::zone && i % group.zones != zone) continue;
    if (parts_.workers.up(group.first + i)) candidates.push_back(i);
  }
  if (fault.target.members == Target::Members::random)
    candidates = draw_members(random_, episode, std::move(candidates), fault.target.index);
  const std::int64_t down_max = static_cast<std::int64_t>(group.count) * fault.max_down.ppb / 1'000'000'000;
  const std::int64_t room = std::max<std::int64_t>(down_max - struck_now(group), 0);
  if (candidates.size() > static_cast<std::uint64_t>(room)) candidates.resize(static_cast<std::size_t>(room));
  for (std::uint32_t& worker : candidates) worker += group.first;
  return candidates;
}

bool ControlFaults::strike(const WorkerGroup& group, std::uint32_t worker, FaultKind kind) {
  switch (kind) {
    case FaultKind::kill:
      parts_.workers.kill(worker);
      start_later(group, worker);
      return true;
    case FaultKind::zombie_complete:
      parts_.workers.cut_off(worker);
      start_later(group, worker);
      return true;
    case FaultKind::restart:
      if (draining_[worker] == lives_[worker] + 1) return false;  // it is on its way down already
      drain(group, worker);
      return true;
    case FaultKind::stall:
      parts_.workers.stall(worker, true);
      return true;
    case FaultKind::process_pause:
      parts_.workers.pause(worker, true);
      return true;
    case FaultKind::heartbeat_drop:
      parts_.workers.drop_heartbeats(worker, true);
      return true;
    default:
      DVT_ASSERT(false, "the reader lets only modelled fault kinds pass");
      return false;
  }
}

void ControlFaults::relieve(const Open& open) {
  for (const Struck& struck : open.workers) {
    if (open.fault->kind == FaultKind::zombie_complete) {
      parts_.workers.release_zombies(struck.worker);
      continue;
    }
    if (struck.life != lives_[struck.worker] || !is_of_a_process(open.fault->kind)) continue;
    if (open.fault->kind == FaultKind::stall) parts_.workers.stall(struck.worker, false);
    if (open.fault->kind == FaultKind::process_pause) parts_.workers.pause(struck.worker, false);
    if (open.fault->kind == FaultKind::heartbeat_drop) parts_.workers.drop_heartbeats(struck.worker, false);
  }
}

void ControlFaults::drain(const WorkerGroup& group, std::uint32_t worker) {
  draining_[worker] = lives_[worker] + 1;
  parts_.workers.drain(worker, [this, &group, worker] { start_later(group, worker); });
}

// The process is gone; another comes in its place.
void ControlFaults::start_later(const WorkerGroup& group, std::uint32_t worker) {
  Draws draws(random_, Purpose::worker_restart, worker, lives_[worker]++, 0);
  const Duration delay = group.restart_delay.sample(draws);
  timers_.call_after(delay, [this, worker] { parts_.workers.start(worker); });
}

void ControlFaults::restart(const Target& target) {
  if (target.kind == TargetKind::signals) return processors_go_down();
  const WorkerGroup& group = group_of(target.name);
  for (std::uint32_t i = 0; i < group.count; ++i) {
    const std::uint32_t worker = group.first + i;
    if (target.members == Target::Members::index && i != static_cast<std::uint64_t>(target.index)) continue;
    if (!parts_.workers.up(worker) || draining_[worker] == lives_[worker] + 1) continue;
    drain(group, worker);
  }
}

// ---- Clocks ----

// Drawn for each worker and episode, evenly from -offset to +offset.
Duration ControlFaults::ahead(std::uint32_t worker) const {
  Duration sum;
  for (const Open& open : open_) {
    if (open.fault->kind != FaultKind::clock_skew) continue;
    Draws draws(random_, Purpose::fault_effect, open.episode.fault, open.episode.number,
                (std::uint64_t{worker} << 8) | kClockDraw);
    const double share = 2 * draws.uniform() - 1;
    sum += Duration{detmath::round_to_int64(share * static_cast<double>(open.fault->offset.ns))};
  }
  return sum;
}

}  // namespace dvt::sim
