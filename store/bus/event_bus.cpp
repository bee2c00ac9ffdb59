#include "store/bus/event_bus.h"

#include <utility>

#include "engine/base/assert.h"

namespace dvt::store {

bool PositionSet::contains(std::uint64_t position) const {
  if (position < floor_) return true;
  const std::uint64_t bit = position - floor_;
  const std::size_t word = first_ + static_cast<std::size_t>(bit / 64);
  return word < words_.size() && (words_[word] >> (bit % 64) & 1) != 0;
}

bool PositionSet::insert(std::uint64_t position) {
  if (position < floor_) return false;
  const std::uint64_t bit = position - floor_;
  const std::size_t word = first_ + static_cast<std::size_t>(bit / 64);
  if (word >= words_.size()) words_.resize(word + 1, 0);
  const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
  if ((words_[word] & mask) != 0) return false;
  words_[word] |= mask;
  // Position 0 does not exist: it counts as present, so that the first word can fill up.
  if (floor_ == 0) words_[first_] |= 1;
  while (first_ < words_.size() && words_[first_] == ~std::uint64_t{0}) {
    ++first_;
    floor_ += 64;
  }
  if (first_ > 1024 && first_ * 2 > words_.size()) {
    words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  return true;
}

EventBus::EventBus(Timers& timers, const Random& random, Telemetry& telemetry, BusOptions options)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      backoff_(options.backoff),
      max_attempts_(options.max_attempts) {
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

void EventBus::set_latency(std::uint32_t subscription, std::uint32_t percent, Duration extra) {
  subscriptions_[subscription].percent = percent;
  subscriptions_[subscription].extra = extra;
}

void EventBus::publish(const StoredEvent& event, PublishDone done) {
  if (!up_) {
    done(false);
    return;
  }
  if (!subscriptions_.empty()) {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    slots_[slot].event = event;
    slots_[slot].open = static_cast<std::uint32_t>(subscriptions_.size());
    open_ += subscriptions_.size();
    for (std::uint32_t i = 0; i < subscriptions_.size(); ++i) deliver_after(Duration{}, slot, i, 1);
  }
  done(!acknowledgements_lost_);
}

void EventBus::deliver_after(Duration pause, std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt) {
  const Subscription& to = subscriptions_[subscription];
  Draws draws(random_, Purpose::bus_delivery, slots_[slot].event.position, subscription, attempt);
  Duration latency = to.latency.sample(draws);
  if (to.percent != 100) latency = latency * to.percent / 100;
  timers_.call_after(pause + latency + to.extra,
                     [this, slot, subscription, attempt] { arrive(slot, subscription, attempt); });
}

void EventBus::arrive(std::uint32_t slot, std::uint32_t index, std::uint32_t attempt) {
  Subscription& to = subscriptions_[index];
  const StoredEvent& event = slots_[slot].event;
  const Instant now = timers_.now();
  const bool known = to.settled.contains(event.position);

  // A consumer that has seen (run, run_seq) acknowledges without doing anything.
  const bool accepted = to.up && (known || !to.consumer || to.consumer(event));
  if (accepted) {
    if (!known) to.settled.insert(event.position);
    ++(known ? to.duplicates : to.delivered);
    telemetry_.delivered(index, event, attempt, !known, now);
    close_delivery(slot);
    return;
  }
  if (known) {  // one publication of it got through already: this copy is not needed
    close_delivery(slot);
    return;
  }
  if (attempt >= max_attempts_) {
    to.settled.insert(event.position);
    ++to.dead_letters;
    telemetry_.dead_lettered(index, event, now);
    close_delivery(slot);
    return;
  }
  Draws draws(random_, Purpose::bus_backoff, event.position, attempt, index + std::uint64_t{1});
  const Duration pause = backoff_delay(backoff_, attempt, draws);
  deliver_after(pause, slot, index, attempt + 1);
}

void EventBus::close_delivery(std::uint32_t slot) {
  --open_;
  if (--slots_[slot].open > 0) return;
  slots_[slot].event.payload.reset();
  free_slots_.push_back(slot);
}

}  // namespace dvt::store
