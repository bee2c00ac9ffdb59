// Faults of the store's readers, and what operators do to them: projector, outbox, bus (domain §4, §5).
//
// Three sorts, which compose. A fault of a *process* (stall, process-pause, kill, restart) strikes the members that it
// found and ends with their process: whoever is restarted is free of it, and members added by scaling never had it. A
// fault of a *place* (outage, latency, throttle, and the outbox's duplicate and ack-lost) holds for whoever is there
// while it lasts. A fault of a *hop* strikes messages on their way into the bus, or out of it to one subscription.
// What a part suffers is computed anew from all open episodes whenever one begins or ends, so overlaps need no care.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/fault/fault_plan.h"
#include "sim/fault/latency_window.h"
#include "sim/scenario/scenario.h"
#include "store/bus/event_bus.h"
#include "store/outbox/outbox_relays.h"
#include "store/projector/projector.h"

namespace dvt::sim {

class ReaderFaults {
 public:
  /// Everything referred to must outlive it. Call before the readers start.
  ReaderFaults(Timers& timers, const Random& random, const Scenario& scenario, store::Projector& projector,
               store::OutboxRelays& relays, store::EventBus& bus);

  static bool owns(TargetKind target) {
    return target == TargetKind::projector || target == TargetKind::outbox || target == TargetKind::bus;
  }
  /// As FaultActions; the target is one that it owns.
  std::uint32_t begin(const Fault& fault, Episode episode);
  void end(const Fault& fault, Episode episode);

  /// The actions scale, restart and replay-from-snapshot on a target that it owns.
  void act(const Operation& operation);

 private:
  /// A projector replica or an outbox relay: a process that can die.
  struct Member {
    bool down = false;         // killed or stopped, and not back yet
    bool out = false;          // an outage holds its place
    std::uint32_t deaths = 0;  // names the draws of its restart delays
    std::uint32_t life = 0;    // of all members' lives: a restart that was meant for another is recognised
    std::unique_ptr<LatencyWindow> latency;
    std::unique_ptr<LatencyWindow> throttle;
  };
  struct Group {
    TargetKind kind;
    Distribution restart_delay;
    std::vector<Member> members;
  };
  struct Open {
    Episode episode;
    const Fault* fault;
    Instant since;
    std::vector<std::uint32_t> members;  // the processes that it struck, or the places of a target that is not whole
  };
  struct Hop {
    std::unique_ptr<LatencyWindow> latency;
    std::unique_ptr<LatencyWindow> throttle;
  };

  Group& group_of(TargetKind kind) { return kind == TargetKind::projector ? projector_members_ : relay_members_; }
  void resize(Group& group, std::size_t count);
  std::vector<std::uint32_t> choose(const Group& group, const Fault& fault, Episode episode) const;
  std::uint32_t begin_on_members(Group& group, const Fault& fault, Episode episode);
  /// Whether an open episode of the kind holds for this member of the group.
  bool suffers(const Group& group, FaultKind kind, std::uint32_t member) const;
  bool holds_for(const Open& open, const Group& group, std::uint32_t member) const;
  std::int64_t share_of(const Group& group, FaultKind kind, std::uint32_t member) const;
  bool well(const Group& group, std::uint32_t member) const;
  void apply(Group& group);
  void fell(Group& group, std::uint32_t member, bool orderly);
  void start_again(Group& group, std::uint32_t member);
  void end_process_faults(const Group& group, std::uint32_t member);
  std::size_t hop_of(const Fault& fault) const;
  store::HopFaults faults_of_hop(std::size_t hop) const;
  void apply_hops();

  Timers& timers_;
  const Random& random_;
  store::Projector& projector_;
  store::OutboxRelays& relays_;
  store::EventBus& bus_;
  Group projector_members_;
  Group relay_members_;
  std::vector<Hop> hops_;  // 0: relays to bus; then by subscription
  std::vector<Open> open_;
  std::uint32_t lives_ = 0;
};

}  // namespace dvt::sim
