// What faults and operators do to the projector: stalls, kills with takeover, restarts, scaling.
#include <algorithm>

#include "engine/base/assert.h"
#include "store/projector/projector.h"

namespace dvt::store {

void Projector::stall(std::uint32_t index, bool on) {
  Replica& replica = replicas_[index];
  if (!replica.alive || replica.stalled == on) return;
  const bool was_running = !replica.paused;
  replica.stalled = on;
  if (!was_running) return;  // it stands still anyway
  const Instant now = timers_.now();
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = lanes_[i];
    if (lane.owner != index) continue;
    if (on) {
      if (lane.phase == Phase::applying) lane.apply_left = lane.apply_at - now;
      cancel_timers(lane);
    } else if (lane.phase == Phase::applying) {
      begin(i, lane.apply_left);
    } else if (lane.phase == Phase::collecting) {
      if (!lane.batch.empty()) flush_at(i, std::max(now, lane.flush_at));
      arm_poll(i);
    }
  }
  if (!on && replica.busy_with == kNoLane) next_for(index);
}

void Projector::pause(std::uint32_t index, bool on) {
  Replica& replica = replicas_[index];
  if (!replica.alive || replica.paused == on) return;
  replica.paused = on;
  const Instant now = timers_.now();
  if (on) {
    for (Lane& lane : lanes_) {
      if (lane.owner != index) continue;
      if (!replica.stalled && lane.phase == Phase::applying) lane.apply_left = lane.apply_at - now;
      lane.flush_left = std::max(Duration{}, lane.flush_at - now);
      cancel_timers(lane);
    }
    expect_back(index);
    return;
  }
  cancel(replica.takeover_timer);
  replica.takeover_due = false;
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = lanes_[i];
    if (lane.owner != index || replica.stalled) continue;
    if (lane.phase == Phase::applying) {
      begin(i, lane.apply_left);
    } else if (lane.phase == Phase::collecting) {
      if (!lane.batch.empty()) flush_at(i, now + lane.flush_left);
      arm_poll(i);
    }
  }
  if (replica.stopping) return stop(index);
  take_back(index);
  if (running(replica) && replica.busy_with == kNoLane) next_for(index);
}

void Projector::flush_at(std::uint32_t index, Instant when) {
  lanes_[index].flush_at = when;
  lanes_[index].flush_timer = timers_.call_at(when, [this, index] {
    lanes_[index].flush_timer = TimerId{};
    ready(index);
  });
}

// Its own partition comes back now, or when the stand-in has committed the batch it is applying; and with it those of
// others that nobody could take.
void Projector::take_back(std::uint32_t index) {
  if (lanes_[index].owner != index && lanes_[index].phase != Phase::applying) hand_over(index, index);
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    if (replicas_[i].takeover_due) take_over(i);
  }
}

// A dead process loses what it had read; the partition is read again from its watermark.
void Projector::forget_uncommitted(std::uint32_t index) {
  Lane& lane = lanes_[index];
  cancel_timers(lane);
  lane.batch.clear();
  lane.phase = Phase::collecting;
  lane.read_up_to = lane.watermark;
  lane.unread = lane.backlog.size();
}

void Projector::kill(std::uint32_t index) {
  Replica& replica = replicas_[index];
  if (!replica.alive) return;
  cancel(replica.takeover_timer);
  replica.alive = false;
  replica.stalled = replica.paused = replica.stopping = false;
  replica.busy_with = kNoLane;
  replica.waiting.clear();
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].owner == index) forget_uncommitted(i);
  }
  expect_back(index);
}

void Projector::expect_back(std::uint32_t index) {
  replicas_[index].takeover_timer = timers_.call_after(options_.takeover, [this, index] {
    replicas_[index].takeover_timer = TimerId{};
    replicas_[index].takeover_due = true;
    take_over(index);
  });
}

void Projector::stop(std::uint32_t index) {
  Replica& replica = replicas_[index];
  if (!replica.alive) return;
  replica.stopping = true;
  for (const std::uint32_t lane : replica.waiting) forget_uncommitted(lane);
  replica.waiting.clear();
  const std::uint32_t heir = present_replica_after(index);
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].owner != index || lanes_[i].phase == Phase::applying) continue;
    if (heir == kNoLane) {
      forget_uncommitted(i);
    } else {
      hand_over(i, heir);
    }
  }
  if (replica.busy_with != kNoLane) return;  // finish() comes back here
  cancel(replica.takeover_timer);
  replica.alive = replica.stalled = replica.paused = replica.stopping = false;
  replica.takeover_due = true;  // whoever starts may take what nobody could
}

std::uint32_t Projector::present_replica_after(std::uint32_t index) const {
  for (std::uint32_t i = 1; i < replicas_.size(); ++i) {
    const auto candidate = static_cast<std::uint32_t>((index + i) % replicas_.size());
    if (present(replicas_[candidate])) return candidate;
  }
  return kNoLane;
}

void Projector::take_over(std::uint32_t dead) {
  const std::uint32_t heir = present_replica_after(dead);
  if (heir == kNoLane) return;  // whoever starts first takes it
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].owner == dead) hand_over(i, heir);
  }
}

void Projector::hand_over(std::uint32_t index, std::uint32_t replica) {
  Lane& lane = lanes_[index];
  Replica& former = owner_of(lane);
  std::erase(former.waiting, index);
  if (former.busy_with == index) former.busy_with = kNoLane;
  forget_uncommitted(index);
  lane.owner = replica;
  arm_poll(index);
}

void Projector::restart(std::uint32_t index) {
  Replica& replica = replicas_[index];
  if (replica.alive && !replica.stopping) return;
  if (replica.stopping) {  // it is still at its last batch: it goes on behind it
    replica.stopping = false;
    for (std::uint32_t i = 0; i < lanes_.size(); ++i)
      if (lanes_[i].owner == index) arm_poll(i);
    return take_back(index);
  }
  replica.alive = true;
  replica.takeover_due = false;
  cancel(replica.takeover_timer);
  replica.rest_until = timers_.now();
  if (lanes_[index].owner == index) hand_over(index, index);
  take_back(index);
}

void Projector::replay() {
  for (Replica& replica : replicas_) {
    replica.waiting.clear();
    replica.busy_with = kNoLane;
  }
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    for (const Unprojected& event : lanes_[i].backlog) folds_.drop(event.run);  // loaded from the stored snapshot
    forget_uncommitted(i);
    arm_poll(i);
  }
}

void Projector::scale(std::uint32_t replicas) {
  DVT_ASSERT(replicas > 0, "a projector without replicas");
  std::vector<Unprojected> backlog;
  std::uint64_t newest = 0;
  cancel_all();
  for (Lane& lane : lanes_) {
    newest = std::max({newest, lane.watermark, lane.read_up_to});
    backlog.insert(backlog.end(), lane.backlog.begin(), lane.backlog.end());
  }
  std::sort(backlog.begin(), backlog.end(),
            [](const Unprojected& a, const Unprojected& b) { return a.position < b.position; });
  // Everything below the oldest unprojected event is projected, whichever partition it was in.
  const std::uint64_t watermark = backlog.empty() ? newest : backlog.front().position - 1;
  lay_out(replicas);
  for (Lane& lane : lanes_) lane.watermark = lane.read_up_to = watermark;
  for (const Unprojected& event : backlog) {
    Lane& lane = lanes_[event.run.value % replicas];
    lane.backlog.push_back(event);
    ++lane.unread;
  }
  for (std::uint32_t i = 0; i < replicas; ++i) {
    store_.write_snapshots(i, watermark, {}, timers_.now());
    arm_poll(i);
  }
}

}  // namespace dvt::store
