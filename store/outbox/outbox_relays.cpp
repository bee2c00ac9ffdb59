#include "store/outbox/outbox_relays.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::store {

OutboxRelays::OutboxRelays(StateStore& store, BusPort& bus, Timers& timers, const Random& random, Telemetry& telemetry,
                           OutboxOptions options)
    : store_(store), bus_(bus), timers_(timers), random_(random), telemetry_(telemetry), options_(options) {
  DVT_ASSERT(options_.relays > 0 && options_.batch > 0 && options_.max_attempts > 0, "an outbox without a relay");
  DVT_ASSERT(options_.poll_interval > Duration{} && options_.lease > Duration{}, "a poll interval and a lease last");
}

OutboxRelays::~OutboxRelays() {
  for (const Relay& relay : relays_) timers_.cancel(relay.timer);
}

void OutboxRelays::start() {
  DVT_ASSERT(!started_, "the relays were started twice");
  started_ = true;
  start_ = timers_.now();
  scale(options_.relays);
}

void OutboxRelays::scale(std::uint32_t relays) {
  DVT_ASSERT(relays > 0, "an outbox without a relay");
  load_.set_servers(relays, timers_.now());
  while (relays_.size() > relays) {
    kill(static_cast<std::uint32_t>(relays_.size() - 1));
    relays_.pop_back();
  }
  while (relays_.size() < relays) {
    const auto index = static_cast<std::uint32_t>(relays_.size());
    Relay& relay = relays_.emplace_back();
    relay.life = ++lives_;
    relay.grid = PollGrid::staggered(start_, options_.poll_interval, index % options_.relays, options_.relays);
    wake_at(index, relay.grid.at_or_after(timers_.now()));
  }
}

void OutboxRelays::wake_all() {
  wake_for_commit_ = false;
  const Instant now = timers_.now();
  for (std::uint32_t i = 0; i < relays_.size(); ++i) {
    if (running(relays_[i])) wake_at(i, relays_[i].grid.after(now));
  }
}

void OutboxRelays::wake_at(std::uint32_t index, Instant when) {
  Relay& relay = relays_[index];
  when = std::max(when, relay.rest_until);
  if (relay.timer) {
    if (relay.timer_at <= when) return;
    timers_.cancel(relay.timer);
  }
  relay.timer_at = when;
  relay.timer = timers_.call_at(when, [this, index] { poll(index); });
}

void OutboxRelays::work_at(Instant when) {
  when = std::max(when, timers_.now());  // a lease may be out already
  work_.push(when);
  for (std::uint32_t i = 0; i < relays_.size(); ++i) {
    if (running(relays_[i]) && !relays_[i].polling) wake_at(i, relays_[i].grid.at_or_after(when));
  }
}

void OutboxRelays::poll(std::uint32_t index) {
  const Instant now = timers_.now();
  relays_[index].timer = TimerId{};
  relays_[index].polling = true;
  while (!work_.empty() && work_.top() <= now) work_.pop();
  claim_and_publish(index, now);
  Relay& relay = relays_[index];
  relay.polling = false;
  if (relay.faults.latency != nullptr)
    relay.rest_until = now + relay.faults.latency->scaled(options_.poll_interval, {index, ++relay.polls, 0});
  if (relay.left_behind) wake_at(index, relay.grid.after(now));
  if (!work_.empty()) wake_at(index, relay.grid.at_or_after(work_.top()));
  wake_for_commit_ = true;
}

void OutboxRelays::claim_and_publish(std::uint32_t index, Instant now) {
  const Instant lease_until = now + options_.lease;
  Relay& relay = relays_[index];
  // Throttled: rows take longer, so that fewer fit between two polls, and no batch follows the other at once.
  const LatencyScale* throttle = relay.faults.throttle;
  std::size_t limit = options_.batch;
  if (throttle != nullptr) {
    const Duration a_row = throttle->scaled(options_.poll_interval, {index, ++relay.polls, 1});
    limit = static_cast<std::size_t>(static_cast<std::int64_t>(options_.batch) * options_.poll_interval.ns /
                                     std::max<std::int64_t>(a_row.ns, 1));
    limit = std::clamp<std::size_t>(limit, 1, options_.batch);
  }
  for (;;) {
    try {
      store_.claim_outbox(index, now, lease_until, limit, claimed_);
    } catch (const StoreFailure&) {  // nothing is leased
      wake_at(index, relay.grid.after(now));
      return;
    }
    const bool full = claimed_.size() == limit;
    for (OutboxRow& row : claimed_) {
      telemetry_.outbox_leased(index, row.position, lease_until, now);
      publish(index, std::move(row), lease_until);
    }
    if (!delivered_.empty()) mark(delivered_);
    delivered_.clear();
    relays_[index].left_behind = full && throttle != nullptr;
    if (!full || throttle != nullptr) return;
  }
}

std::uint32_t OutboxRelays::take_slot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void OutboxRelays::publish(std::uint32_t index, OutboxRow&& row, Instant lease_until) {
  const std::uint32_t slot = take_slot();
  slots_[slot] = InFlight{std::move(row), lease_until};
  relays_[index].in_flight.push_back(slot);
  const std::uint32_t life = relays_[index].life;
  // The bus may answer at once, within the call; the slot's row is copied by the bus if it is to be kept.
  const StoredEvent event = slots_[slot].row.event;
  const std::uint32_t attempt = slots_[slot].row.attempts + 1;
  if (struck(relays_[index].faults.duplicated_ppb, Fate::duplicated, event.position))
    bus_.publish(event, attempt, [](bool) {});
  bus_.publish(event, attempt, [this, index, life, slot](bool accepted) { published(index, life, slot, accepted); });
}

bool OutboxRelays::struck(std::int64_t share_ppb, Fate fate, std::uint64_t position) const {
  if (share_ppb <= 0) return false;
  // By instant too: a row whose lease ran out is published again as the same attempt.
  Draws draws(random_, Purpose::message_fault, position, std::uint64_t{1} << 63 | static_cast<std::uint64_t>(fate),
              static_cast<std::uint64_t>(timers_.now().ns));
  return static_cast<std::int64_t>(draws.next() % kEveryMessage) < share_ppb;
}

void OutboxRelays::published(std::uint32_t index, std::uint32_t life, std::uint32_t slot, bool accepted) {
  const bool abandoned = index >= relays_.size() || relays_[index].life != life;
  if (abandoned) {  // its relay was killed: published, and yet not marked
    free_slots_.push_back(slot);
    return;
  }
  Relay& relay = relays_[index];
  if (relay.stalled) {
    relay.unanswered.emplace_back(slot, accepted);
    return;
  }
  settle(index, slot, accepted);
}

void OutboxRelays::settle(std::uint32_t index, std::uint32_t slot, bool accepted) {
  Relay& relay = relays_[index];
  const auto place = std::find(relay.in_flight.rbegin(), relay.in_flight.rend(), slot);
  DVT_ASSERT(place != relay.in_flight.rend(), "a publication was answered twice");
  *place = relay.in_flight.back();
  relay.in_flight.pop_back();

  const Instant now = timers_.now();
  InFlight& sent = slots_[slot];
  const std::uint64_t position = sent.row.position;
  if (accepted) {
    ++published_;
    telemetry_.outbox_published(sent.row.event, now);
    if (struck(relay.faults.ack_lost_ppb, Fate::ack_lost, position)) {
      work_at(sent.lease_until);  // the store has not heard of it
    } else if (relay.polling) {
      delivered_.push_back(position);  // one mark for the whole batch
    } else {
      mark(std::span(&position, 1));
    }
  } else if (now < sent.lease_until) {  // otherwise the row is another relay's by now
    const std::uint32_t failures = sent.row.attempts + 1;
    if (failures >= options_.max_attempts) {
      ++dead_letters_;
      store_.dead_letter(position, now);
      load_.set_queue(store_.counts().outbox_pending, now);
      telemetry_.dead_lettered(kNoSubscription, sent.row.event, now);
    } else {
      ++retries_;
      Draws draws(random_, Purpose::bus_backoff, position, failures);
      const Instant not_before = now + backoff_delay(options_.backoff, failures, draws);
      store_.retry_outbox(position, not_before);
      telemetry_.outbox_released(position, now);
      work_at(not_before);
    }
  }
  sent.row.event.payload.reset();
  free_slots_.push_back(slot);
}

void OutboxRelays::mark(std::span<const std::uint64_t> positions) {
  store_.mark_delivered(positions, timers_.now());
  // Asked for, not counted: another relay may have marked one of them before.
  load_.set_queue(store_.counts().outbox_pending, timers_.now());
}

void OutboxRelays::leases_left_behind(const Relay& relay) {
  for (const std::uint32_t slot : relay.in_flight) work_at(slots_[slot].lease_until);
}

void OutboxRelays::kill(std::uint32_t index) {
  Relay& relay = relays_[index];
  if (!relay.alive) return;
  relay.alive = false;
  relay.stalled = false;
  relay.draining = false;
  relay.life = ++lives_;
  timers_.cancel(relay.timer);
  relay.timer = TimerId{};
  leases_left_behind(relay);
  // Answers that waited for the stalled relay come to nobody; the others free their slots when they come.
  for (const auto& [slot, accepted] : relay.unanswered) free_slots_.push_back(slot);
  relay.unanswered.clear();
  relay.in_flight.clear();
}

void OutboxRelays::restart(std::uint32_t index) {
  Relay& relay = relays_[index];
  if (relay.alive && !relay.draining) return;
  relay.alive = true;
  relay.draining = false;
  if (running(relay)) wake_at(index, relay.grid.after(timers_.now()));
}

void OutboxRelays::drain(std::uint32_t index) {
  Relay& relay = relays_[index];
  if (!relay.alive || relay.draining) return;
  relay.draining = true;
  timers_.cancel(relay.timer);
  relay.timer = TimerId{};
}

std::size_t OutboxRelays::redrive() {
  std::vector<StoredEvent> dead;
  try {
    store_.redrive_dead_letters(timers_.now(), dead);
  } catch (const StoreFailure&) {  // asked again until the store answers
    timers_.call_after(options_.poll_interval, [this] { redrive(); });
    return 0;
  }
  load_.set_queue(store_.counts().outbox_pending, timers_.now());
  for (const StoredEvent& event : dead) telemetry_.dead_letter_redriven(kNoSubscription, event, timers_.now());
  if (!dead.empty()) wake_all();
  return dead.size();
}

void OutboxRelays::stall(std::uint32_t index, bool on) {
  Relay& relay = relays_[index];
  if (!relay.alive || relay.stalled == on) return;
  relay.stalled = on;
  if (on) {
    timers_.cancel(relay.timer);
    relay.timer = TimerId{};
    leases_left_behind(relay);
    return;
  }
  const auto unanswered = std::move(relay.unanswered);
  relay.unanswered.clear();
  for (const auto& [slot, accepted] : unanswered) settle(index, slot, accepted);
  if (running(relays_[index])) wake_at(index, relays_[index].grid.after(timers_.now()));
}

}  // namespace dvt::store
