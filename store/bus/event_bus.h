// The EventBus (domain §5): takes events from the outbox relays and delivers each to every subscription, at least once
// and in no promised order. Consumers are idempotent by (run, run_seq), so an event has its effect once however often
// it is published; a delivery that fails is retried with backoff and goes to the dead letters after `max_attempts`.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/bus.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "store/outbox/backoff.h"

namespace dvt::store {

struct SubscriptionOptions {
  std::string name;
  Distribution latency;  // from the bus to the consumer's acknowledgement
};

struct BusOptions {
  std::vector<SubscriptionOptions> subscriptions;
  BackoffPolicy backoff;
  std::uint32_t max_attempts = 10;
};

/// A set of positions that is nearly everything up to some point: a floor, and one bit for each position above it.
class PositionSet {
 public:
  /// False when it was in already.
  bool insert(std::uint64_t position);
  bool contains(std::uint64_t position) const;
  std::size_t words() const { return words_.size() - first_; }

 private:
  std::vector<std::uint64_t> words_;  // from first_ on in use
  std::size_t first_ = 0;
  std::uint64_t floor_ = 0;  // positions below this are all in
};

class EventBus final : public BusPort {
 public:
  /// What a consumer does with an event, once per event; false: it failed, deliver again.
  using Consumer = std::function<bool(const StoredEvent&)>;

  /// Deliveries under way hold on to the bus: it must outlive the last callback of `timers`.
  EventBus(Timers& timers, const Random& random, Telemetry& telemetry, BusOptions options);
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  /// Answers within the call: a publication is either taken at once or refused.
  void publish(const StoredEvent& event, PublishDone done) override;

  std::uint32_t subscriptions() const { return static_cast<std::uint32_t>(subscriptions_.size()); }
  std::optional<std::uint32_t> find(std::string_view name) const;
  const std::string& name(std::uint32_t subscription) const { return subscriptions_[subscription].name; }
  void set_consumer(std::uint32_t subscription, Consumer consumer);

  // Fault hooks.
  /// Down: every publication is refused. Deliveries under way go on.
  void set_up(bool up) { up_ = up; }
  /// Lost: events are taken and delivered, and yet the relay is told otherwise, so it publishes them again.
  void set_acknowledgements_lost(bool lost) { acknowledgements_lost_ = lost; }
  /// Down: deliveries that arrive fail.
  void set_subscription_up(std::uint32_t subscription, bool up) { subscriptions_[subscription].up = up; }
  /// From now on a delivery takes drawn latency × percent / 100 + extra.
  void set_latency(std::uint32_t subscription, std::uint32_t percent, Duration extra);

  std::uint64_t delivered(std::uint32_t subscription) const { return subscriptions_[subscription].delivered; }
  std::uint64_t duplicates(std::uint32_t subscription) const { return subscriptions_[subscription].duplicates; }
  std::uint64_t dead_letters(std::uint32_t subscription) const { return subscriptions_[subscription].dead_letters; }
  /// Deliveries not acknowledged and not given up.
  std::uint64_t open_deliveries() const { return open_; }

 private:
  struct Subscription {
    std::string name;
    Distribution latency;
    Consumer consumer;
    bool up = true;
    std::uint32_t percent = 100;
    Duration extra;
    PositionSet settled;  // acknowledged or dead
    std::uint64_t delivered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t dead_letters = 0;
  };
  struct Publication {
    StoredEvent event;
    std::uint32_t open = 0;  // deliveries still under way
  };

  void deliver_after(Duration pause, std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void arrive(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void close_delivery(std::uint32_t slot);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  BackoffPolicy backoff_;
  std::uint32_t max_attempts_;
  bool up_ = true;
  bool acknowledgements_lost_ = false;
  std::vector<Subscription> subscriptions_;
  std::deque<Publication> slots_;  // stays in place while a consumer publishes
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t open_ = 0;
};

}  // namespace dvt::store
