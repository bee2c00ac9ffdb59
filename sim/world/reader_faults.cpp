#include "sim/world/reader_faults.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "sim/scenario/fault_kinds.h"

namespace dvt::sim {
namespace {

bool is_of_a_process(FaultKind kind) {
  return kind == FaultKind::stall || kind == FaultKind::process_pause || kind == FaultKind::kill ||
         kind == FaultKind::restart;
}

bool is_slowness(FaultKind kind) {
  return kind == FaultKind::latency || kind == FaultKind::throttle;
}

const LatencyScale* if_active(const std::unique_ptr<LatencyWindow>& window) {
  return window->active() ? window.get() : nullptr;
}

// Two faults that strike messages independently of each other.
std::int64_t either(std::int64_t a_ppb, std::int64_t b_ppb) {
  return a_ppb + b_ppb - a_ppb * b_ppb / store::kEveryMessage;
}

}  // namespace

ReaderFaults::ReaderFaults(Timers& timers, const Random& random, const Scenario& scenario, store::Projector& projector,
                           store::OutboxRelays& relays, store::EventBus& bus)
    : timers_(timers),
      random_(random),
      projector_(projector),
      relays_(relays),
      bus_(bus),
      projector_members_{TargetKind::projector, scenario.topology.projector.restart_delay.build(), {}},
      relay_members_{TargetKind::outbox, scenario.topology.outbox.restart_delay.build(), {}} {
  resize(projector_members_, static_cast<std::size_t>(scenario.topology.projector.replicas));
  resize(relay_members_, static_cast<std::size_t>(scenario.topology.outbox.relays));
  for (std::uint32_t i = 0; i <= bus.subscriptions(); ++i)
    hops_.push_back(
        {std::make_unique<LatencyWindow>(timers, random, i), std::make_unique<LatencyWindow>(timers, random, i)});
}

// Members that are new meet the slowness that holds for all of their target.
void ReaderFaults::resize(Group& group, std::size_t count) {
  if (count < group.members.size()) {
    for (Open& open : open_)
      if (open.fault->target.kind == group.kind)
        std::erase_if(open.members, [count](std::uint32_t member) { return member >= count; });
    group.members.resize(count);
  }
  while (group.members.size() < count) {
    const auto index = static_cast<std::uint32_t>(group.members.size());
    Member& added = group.members.emplace_back();
    added.latency = std::make_unique<LatencyWindow>(timers_, random_, index);
    added.throttle = std::make_unique<LatencyWindow>(timers_, random_, index);
    for (const Open& open : open_) {
      if (!is_slowness(open.fault->kind) || !holds_for(open, group, index)) continue;
      (open.fault->kind == FaultKind::latency ? added.latency : added.throttle)
          ->begin(effect_of(*open.fault, open.episode, open.since));
    }
  }
}

bool ReaderFaults::holds_for(const Open& open, const Group& group, std::uint32_t member) const {
  if (open.fault->target.kind != group.kind) return false;
  if (open.fault->target.members == Target::Members::whole && !is_of_a_process(open.fault->kind)) return true;
  return std::find(open.members.begin(), open.members.end(), member) != open.members.end();
}

bool ReaderFaults::suffers(const Group& group, FaultKind kind, std::uint32_t member) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const Open& open) { return open.fault->kind == kind && holds_for(open, group, member); });
}

std::int64_t ReaderFaults::share_of(const Group& group, FaultKind kind, std::uint32_t member) const {
  std::int64_t share = 0;
  for (const Open& open : open_)
    if (open.fault->kind == kind && holds_for(open, group, member)) share = either(share, open.fault->share.ppb);
  return share;
}

bool ReaderFaults::well(const Group& group, std::uint32_t member) const {
  const Member& m = group.members[member];
  return !m.down && !m.out && !suffers(group, FaultKind::stall, member) &&
         !suffers(group, FaultKind::process_pause, member);
}

std::vector<std::uint32_t> ReaderFaults::choose(const Group& group, const Fault& fault, Episode episode) const {
  const auto count = static_cast<std::uint32_t>(group.members.size());
  std::vector<std::uint32_t> all(count);
  for (std::uint32_t i = 0; i < count; ++i) all[i] = i;
  if (fault.target.members == Target::Members::index) {
    if (fault.target.index >= static_cast<std::int64_t>(count)) return {};
    return {static_cast<std::uint32_t>(fault.target.index)};
  }
  if (fault.target.members != Target::Members::random) return all;
  return draw_members(random_, episode, std::move(all), fault.target.index);
}

std::uint32_t ReaderFaults::begin(const Fault& fault, Episode episode) {
  if (fault.target.kind != TargetKind::bus) return begin_on_members(group_of(fault.target.kind), fault, episode);
  const Instant now = timers_.now();
  open_.push_back(Open{episode, &fault, now, {}});
  Hop& hop = hops_[hop_of(fault)];
  if (is_slowness(fault.kind))
    (fault.kind == FaultKind::latency ? hop.latency : hop.throttle)->begin(effect_of(fault, episode, now));
  apply_hops();
  return 1;
}

std::uint32_t ReaderFaults::begin_on_members(Group& group, const Fault& fault, Episode episode) {
  const Instant now = timers_.now();
  std::vector<std::uint32_t> chosen = choose(group, fault, episode);
  if (is_of_a_process(fault.kind)) {
    std::erase_if(chosen, [&](std::uint32_t i) { return group.members[i].down || group.members[i].out; });
    std::int64_t unwell = 0;
    for (std::uint32_t i = 0; i < group.members.size(); ++i) unwell += well(group, i) ? 0 : 1;
    const std::int64_t unwell_max =
        static_cast<std::int64_t>(group.members.size()) * fault.max_down.ppb / 1'000'000'000;
    std::vector<std::uint32_t> struck;
    for (const std::uint32_t member : chosen) {
      if (well(group, member) && unwell++ >= unwell_max) break;
      struck.push_back(member);
    }
    chosen = std::move(struck);
  }
  if (chosen.empty()) return 0;
  const auto count = static_cast<std::uint32_t>(chosen.size());
  if (!info(fault.kind).has_length) {
    for (const std::uint32_t member : chosen) fell(group, member, fault.kind == FaultKind::restart);
    return count;
  }
  if (is_slowness(fault.kind)) {
    for (const std::uint32_t member : chosen) {
      Member& slow = group.members[member];
      (fault.kind == FaultKind::latency ? slow.latency : slow.throttle)->begin(effect_of(fault, episode, now));
    }
  }
  open_.push_back(Open{episode, &fault, now, std::move(chosen)});
  apply(group);
  return count;
}

void ReaderFaults::end(const Fault& fault, Episode episode) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& open) {
    return open.episode.fault == episode.fault && open.episode.number == episode.number;
  });
  DVT_ASSERT(found != open_.end(), "an episode ended that had not begun");
  const bool latency = fault.kind == FaultKind::latency;
  if (fault.target.kind == TargetKind::bus) {
    Hop& hop = hops_[hop_of(fault)];
    if (is_slowness(fault.kind)) (latency ? hop.latency : hop.throttle)->end(episode.fault);
    open_.erase(found);
    apply_hops();
    return;
  }
  Group& group = group_of(fault.target.kind);
  if (is_slowness(fault.kind)) {
    for (std::uint32_t i = 0; i < group.members.size(); ++i) {
      if (holds_for(*found, group, i))
        (latency ? group.members[i].latency : group.members[i].throttle)->end(episode.fault);
    }
  }
  open_.erase(found);
  apply(group);
}

// ---- Members ----

void ReaderFaults::apply(Group& group) {
  for (std::uint32_t i = 0; i < group.members.size(); ++i) {
    Member& member = group.members[i];
    const bool out = suffers(group, FaultKind::outage, i);
    if (out && !member.out) {
      end_process_faults(group, i);  // nothing of the process is left
      if (!member.down) group.kind == TargetKind::projector ? projector_.kill(i) : relays_.kill(i);
    }
    const bool over = member.out && !out;
    member.out = out;
    if (over && !member.down) start_again(group, i);
    const bool stalled = suffers(group, FaultKind::stall, i);
    const bool paused = suffers(group, FaultKind::process_pause, i);
    if (group.kind == TargetKind::projector) {
      projector_.stall(i, stalled);
      projector_.pause(i, paused);
      const LatencyScale* latency = if_active(member.latency);
      const LatencyScale* throttle = if_active(member.throttle);
      projector_.set_scales(i, latency, throttle);
    } else {
      relays_.stall(i, stalled || paused);  // nobody watches a relay: its leases run out either way
      relays_.set_faults(i, {share_of(group, FaultKind::duplicate, i), share_of(group, FaultKind::ack_lost, i),
                             if_active(member.latency), if_active(member.throttle)});
    }
  }
}

void ReaderFaults::end_process_faults(const Group& group, std::uint32_t member) {
  for (Open& open : open_)
    if (open.fault->target.kind == group.kind && is_of_a_process(open.fault->kind)) std::erase(open.members, member);
}

void ReaderFaults::fell(Group& group, std::uint32_t index, bool orderly) {
  Member& member = group.members[index];
  end_process_faults(group, index);
  apply(group);
  if (group.kind == TargetKind::projector) {
    orderly ? projector_.stop(index) : projector_.kill(index);
  } else {
    orderly ? relays_.drain(index) : relays_.kill(index);
  }
  member.down = true;
  const std::uint32_t life = member.life = ++lives_;
  Draws draws(random_, Purpose::worker_restart, index, member.deaths++, group.kind == TargetKind::projector ? 1 : 2);
  const Duration delay = group.restart_delay.sample(draws);
  timers_.call_after(delay, [this, &group, index, life] {
    if (index >= group.members.size() || group.members[index].life != life) return;  // scaled away since
    group.members[index].down = false;
    if (!group.members[index].out) start_again(group, index);
  });
}

void ReaderFaults::start_again(Group& group, std::uint32_t index) {
  if (group.kind == TargetKind::projector) {
    projector_.restart(index);
  } else {
    relays_.restart(index);
  }
}

// ---- Hops ----

std::size_t ReaderFaults::hop_of(const Fault& fault) const {
  if (fault.target.name.empty()) return 0;
  const auto subscription = bus_.find(fault.target.name);
  DVT_ASSERT(subscription, "the reader lets only known subscriptions pass");
  return *subscription + std::size_t{1};
}

store::HopFaults ReaderFaults::faults_of_hop(std::size_t hop) const {
  store::HopFaults faults;
  faults.latency = if_active(hops_[hop].latency);
  faults.throttle = if_active(hops_[hop].throttle);
  for (const Open& open : open_) {
    if (open.fault->target.kind != TargetKind::bus || hop_of(*open.fault) != hop) continue;
    const std::int64_t share = open.fault->share.ppb;
    switch (open.fault->kind) {
      case FaultKind::stall:
        faults.held = true;
        break;
      case FaultKind::outage:
        faults.down = true;
        break;
      case FaultKind::error:
        faults.refused_ppb = either(faults.refused_ppb, share);
        break;
      case FaultKind::loss:
      case FaultKind::partition:
        faults.lost_ppb = either(faults.lost_ppb, share);
        break;
      case FaultKind::ack_lost:
        faults.ack_lost_ppb = either(faults.ack_lost_ppb, share);
        break;
      case FaultKind::duplicate:
        faults.duplicated_ppb = either(faults.duplicated_ppb, share);
        break;
      case FaultKind::reorder:
        faults.reordered_ppb = either(faults.reordered_ppb, share);
        break;
      default:
        break;  // slowness: in the windows
    }
  }
  return faults;
}

void ReaderFaults::apply_hops() {
  bus_.set_faults(faults_of_hop(0));
  for (std::uint32_t i = 0; i < bus_.subscriptions(); ++i) bus_.set_faults(i, faults_of_hop(i + 1));
}

// ---- Operators ----

void ReaderFaults::act(const Operation& operation) {
  const Target target = parse_target(operation.target).value();
  if (*operation.action == OperatorAction::replay_from_snapshot) {
    if (target.kind == TargetKind::projector) {
      projector_.replay();
    } else if (target.kind == TargetKind::outbox) {
      relays_.redrive();
    } else {
      for (std::uint32_t i = 0; i < bus_.subscriptions(); ++i)
        if (target.name.empty() || bus_.name(i) == target.name) bus_.redrive(i);
    }
    return;
  }
  Group& group = group_of(target.kind);
  if (*operation.action == OperatorAction::scale) {
    const auto count = static_cast<std::uint32_t>(*operation.to);
    group.kind == TargetKind::projector ? projector_.scale(count) : relays_.scale(count);
    resize(group, count);
    // The projector lays everything out anew; who is down stays down.
    for (std::uint32_t i = 0; i < count && group.kind == TargetKind::projector; ++i)
      if (group.members[i].down || group.members[i].out) projector_.kill(i);
    apply(group);
    return;
  }
  for (std::uint32_t i = 0; i < group.members.size(); ++i) {
    const bool meant = target.members == Target::Members::whole || target.index == static_cast<std::int64_t>(i);
    if (meant && !group.members[i].down && !group.members[i].out) fell(group, i, true);
  }
}

}  // namespace dvt::sim
