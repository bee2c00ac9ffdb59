#include "store/bus/event_bus.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::store {
namespace {

// The hop from the relays to the bus, beside the subscriptions, in the keys of draws.
constexpr std::uint64_t kPublishHop = kNoSubscription;

}  // namespace

EventBus::EventBus(Timers& timers, const Random& random, Telemetry& telemetry, BusOptions options)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      backoff_(options.backoff),
      max_attempts_(options.max_attempts),
      publish_latency_(std::move(options.publish_latency)),
      answers_at_once_(publish_latency_.is_constant() && publish_latency_.mean().ns == 0),
      ack_timeout_(options.ack_timeout),
      message_interval_(options.message_interval) {
  DVT_ASSERT(max_attempts_ > 0, "a delivery needs an attempt");
  for (SubscriptionOptions& subscription : options.subscriptions) {
    Subscription& added = subscriptions_.emplace_back();
    added.name = std::move(subscription.name);
    added.latency = std::move(subscription.latency);
  }
}

std::optional<std::uint32_t> EventBus::find(std::string_view wanted) const {
  for (std::uint32_t i = 0; i < subscriptions_.size(); ++i) {
    if (subscriptions_[i].name == wanted) return i;
  }
  return std::nullopt;
}

void EventBus::set_consumer(std::uint32_t subscription, Consumer consumer) {
  subscriptions_[subscription].consumer = std::move(consumer);
}

bool EventBus::struck(std::int64_t share_ppb, Fate fate, std::uint64_t position, std::uint64_t hop,
                      std::uint32_t attempt) const {
  if (share_ppb <= 0) return false;
  if (share_ppb >= kEveryMessage) return true;
  Draws draws(random_, Purpose::message_fault, position, hop << 8 | static_cast<std::uint64_t>(fate), attempt);
  return static_cast<std::int64_t>(draws.next() % kEveryMessage) < share_ppb;
}

// ---- From the relays to the bus ----

std::uint32_t EventBus::keep(PublishDone done) {
  std::uint32_t slot = 0;
  if (free_answers_.empty()) {
    slot = static_cast<std::uint32_t>(answers_.size());
    answers_.emplace_back();
  } else {
    slot = free_answers_.back();
    free_answers_.pop_back();
  }
  answers_[slot].done = std::move(done);
  return slot;
}

void EventBus::answer(std::uint32_t slot, std::uint32_t use, bool accepted) {
  Answer& kept = answers_[slot];
  if (kept.use != use) return;  // its time ran out
  ++kept.use;
  PublishDone done = std::move(kept.done);
  free_answers_.push_back(slot);
  done(accepted);
}

void EventBus::answer_after(Duration pause, std::uint32_t slot, bool accepted) {
  const std::uint32_t use = answers_[slot].use;
  timers_.call_after(pause, [this, slot, use, accepted] { answer(slot, use, accepted); });
}

void EventBus::publish(const StoredEvent& event, std::uint32_t attempt, PublishDone done) {
  const std::uint64_t position = event.position;
  if (faults_.down || struck(faults_.refused_ppb, Fate::refused, position, kPublishHop, attempt)) {
    done(false);
    return;
  }
  if (struck(faults_.lost_ppb, Fate::lost, position, kPublishHop, attempt)) {
    answer_after(ack_timeout_, keep(std::move(done)), false);
    return;
  }
  if (faults_.held) {
    const std::uint32_t slot = keep(std::move(done));
    held_publications_.push_back(HeldPublication{event, attempt, slot, answers_[slot].use});
    answer_after(ack_timeout_, slot, false);  // the publisher waits no longer than that
    return;
  }
  const bool ack_lost = struck(faults_.ack_lost_ppb, Fate::ack_lost, position, kPublishHop, attempt);
  accept(event, attempt);
  if (ack_lost) {
    answer_after(ack_timeout_, keep(std::move(done)), false);
    return;
  }
  if (answers_at_once_) {
    done(true);
    return;
  }
  Draws draws(random_, Purpose::bus_delivery, position, kPublishHop, attempt);
  Duration latency = publish_latency_.sample(draws);
  if (faults_.latency != nullptr) latency = faults_.latency->scaled(latency, {position, kPublishHop, attempt});
  const bool in_time = latency < ack_timeout_;
  answer_after(in_time ? latency : ack_timeout_, keep(std::move(done)), in_time);
}

void EventBus::accept(const StoredEvent& event, std::uint32_t attempt) {
  const std::uint64_t position = event.position;
  if (!overtaken_ && struck(faults_.reordered_ppb, Fate::reordered, position, kPublishHop, attempt)) {
    overtaken_.emplace(event, attempt);
    return;
  }
  take(event);
  if (struck(faults_.duplicated_ppb, Fate::duplicated, position, kPublishHop, attempt)) take(event);
  if (overtaken_) {
    const StoredEvent passed = std::move(overtaken_->first);
    overtaken_.reset();
    take(passed);
  }
}

std::uint32_t EventBus::new_publication(const StoredEvent& event, std::uint32_t deliveries) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].event = event;
  slots_[slot].open = deliveries;
  open_ += deliveries;
  return slot;
}

void EventBus::take(const StoredEvent& event) {
  if (subscriptions_.empty()) return;
  const std::uint32_t slot = new_publication(event, subscriptions());
  for (std::uint32_t i = 0; i < subscriptions_.size(); ++i) send(slot, i, 1, 0);
}

void EventBus::set_faults(const HopFaults& faults) {
  faults_ = faults;
  if (faults_.reordered_ppb == 0 && overtaken_) {
    const StoredEvent passed = std::move(overtaken_->first);
    overtaken_.reset();
    take(passed);
  }
  if (!faults_.held) {
    // Taken in the order in which they came; whoever waits still hears of it now.
    std::deque<HeldPublication> held;
    held.swap(held_publications_);
    for (const HeldPublication& publication : held) {
      accept(publication.event, publication.attempt);
      answer(publication.answer, publication.use, true);
    }
  }
  for (std::uint32_t i = 0; i < subscriptions_.size(); ++i) go_on(i);
}

// ---- From the bus to a consumer ----

void EventBus::set_faults(std::uint32_t subscription, const HopFaults& faults) {
  Subscription& to = subscriptions_[subscription];
  to.faults = faults;
  if (to.faults.reordered_ppb == 0 && to.overtaken) {
    const Delivery passed = *std::exchange(to.overtaken, std::nullopt);
    pass(passed.slot, subscription, passed.attempt);
  }
  go_on(subscription);
}

void EventBus::go_on(std::uint32_t subscription) {
  Subscription& to = subscriptions_[subscription];
  if (to.held.empty() || to.faults.held || faults_.held || faults_.down) return;
  std::deque<Delivery> held;
  held.swap(to.held);
  for (const Delivery& delivery : held) pass(delivery.slot, subscription, delivery.attempt);
}

void EventBus::send(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt, std::uint32_t copy) {
  const Subscription& to = subscriptions_[subscription];
  const std::uint64_t position = slots_[slot].event.position;
  if (struck(to.faults.refused_ppb, Fate::refused, position, subscription, attempt)) {
    timers_.post([this, slot, subscription, attempt] { failed(slot, subscription, attempt); });
    return;
  }
  if (struck(to.faults.lost_ppb, Fate::lost, position, subscription, attempt)) {
    timers_.call_after(ack_timeout_, [this, slot, subscription, attempt] { failed(slot, subscription, attempt); });
    return;
  }
  const std::uint64_t number = attempt | (std::uint64_t{copy} << 32);
  Draws draws(random_, Purpose::bus_delivery, position, subscription, number);
  Duration latency = to.latency.sample(draws);
  for (const LatencyScale* scale : {faults_.latency, to.faults.latency}) {
    if (scale != nullptr) latency = scale->scaled(latency, {position, subscription, number});
  }
  timers_.call_after(latency, [this, slot, subscription, attempt] { arrive(slot, subscription, attempt); });
  if (copy == 0 && struck(to.faults.duplicated_ppb, Fate::duplicated, position, subscription, attempt)) {
    ++slots_[slot].open;
    ++open_;
    send(slot, subscription, attempt, 1);
  }
}

void EventBus::arrive(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt) {
  Subscription& to = subscriptions_[subscription];
  if (to.faults.held || faults_.held || faults_.down) {
    to.held.push_back(Delivery{slot, attempt});
    return;
  }
  if (!to.overtaken &&
      struck(to.faults.reordered_ppb, Fate::reordered, slots_[slot].event.position, subscription, attempt)) {
    to.overtaken = Delivery{slot, attempt};
    return;
  }
  pass(slot, subscription, attempt);
  if (to.overtaken) {
    const Delivery passed = *std::exchange(to.overtaken, std::nullopt);
    pass(passed.slot, subscription, passed.attempt);
  }
}

// The consumer takes one message after the other, no faster than its throughput.
void EventBus::pass(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt) {
  if (message_interval_.ns == 0) {
    hand_over(slot, subscription, attempt);
    return;
  }
  Subscription& to = subscriptions_[subscription];
  const Instant now = timers_.now();
  const Instant begins = std::max(now, to.free_at);
  Duration takes = message_interval_;
  for (const LatencyScale* scale : {faults_.throttle, to.faults.throttle}) {
    if (scale != nullptr) takes = scale->scaled(takes, {slots_[slot].event.position, subscription, attempt});
  }
  to.free_at = begins + takes;
  if (begins == now) {
    hand_over(slot, subscription, attempt);
  } else {
    timers_.call_at(begins, [this, slot, subscription, attempt] { hand_over(slot, subscription, attempt); });
  }
}

void EventBus::hand_over(std::uint32_t slot, std::uint32_t index, std::uint32_t attempt) {
  Subscription& to = subscriptions_[index];
  const StoredEvent& event = slots_[slot].event;
  const Instant now = timers_.now();

  // A consumer that has seen (run, run_seq) acknowledges without doing anything.
  bool consumed = false;
  if (!to.faults.down) {
    consumed = to.consumed.contains(event.position);
    if (!consumed && (!to.consumer || to.consumer(event))) {
      to.consumed.insert(event.position);
      telemetry_.event_consumed(index, event, now);
      consumed = true;
    }
  }
  const bool known = is_settled(to, event.position);
  if (consumed && struck(to.faults.ack_lost_ppb, Fate::ack_lost, event.position, index, attempt)) {
    timers_.call_after(ack_timeout_, [this, slot, index, attempt] { failed(slot, index, attempt); });
    return;
  }
  if (consumed) {
    if (!known) {
      to.settled.insert(event.position);
      to.redriven.erase(event.position);
    }
    ++(known ? to.duplicates : to.delivered);
    telemetry_.delivered(index, event, attempt, !known, now);
    close_delivery(slot);
    return;
  }
  failed(slot, index, attempt);
}

void EventBus::failed(std::uint32_t slot, std::uint32_t index, std::uint32_t attempt) {
  Subscription& to = subscriptions_[index];
  const StoredEvent& event = slots_[slot].event;
  if (is_settled(to, event.position)) {  // one copy of it got through already: this one is not needed
    close_delivery(slot);
    return;
  }
  if (attempt >= max_attempts_) {
    to.settled.insert(event.position);
    to.redriven.erase(event.position);
    to.dead.push_back(event);
    ++to.dead_letters;
    telemetry_.dead_lettered(index, event, timers_.now());
    close_delivery(slot);
    return;
  }
  Draws draws(random_, Purpose::bus_backoff, event.position, attempt, index + std::uint64_t{1});
  const Duration pause = backoff_delay(backoff_, attempt, draws);
  timers_.call_after(pause, [this, slot, index, attempt] { send(slot, index, attempt + 1, 0); });
}

std::size_t EventBus::redrive(std::uint32_t subscription) {
  Subscription& to = subscriptions_[subscription];
  std::vector<StoredEvent> dead;
  dead.swap(to.dead);
  for (const StoredEvent& event : dead) {
    to.redriven.insert(event.position);
    telemetry_.dead_letter_redriven(subscription, event, timers_.now());
    send(new_publication(event, 1), subscription, 1, 0);
  }
  return dead.size();
}

void EventBus::close_delivery(std::uint32_t slot) {
  --open_;
  if (--slots_[slot].open > 0) return;
  slots_[slot].event.payload.reset();
  free_slots_.push_back(slot);
}

}  // namespace dvt::store
