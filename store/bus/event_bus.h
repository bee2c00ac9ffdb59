// The EventBus (domain §5): takes events from the outbox relays and delivers each to every subscription, at least once
// and in no promised order. Consumers are idempotent by (run, run_seq), so an event has its effect once however often
// it is published; a delivery that fails is retried with backoff and goes to the dead letters after `max_attempts`.
//
// Faults act on a hop: between the relays and the bus, or between the bus and one consumer. Which messages they strike
// is drawn by (position, subscription, attempt), so the same message meets the same fate whatever else happens.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/bus.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "store/bus/hop_faults.h"
#include "store/bus/position_set.h"
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
  Distribution publish_latency;       // from a publication to its acknowledgement; constant 0: within the call
  Duration ack_timeout = seconds(5);  // a message without an answer counts as failed after this
  Duration message_interval;          // a subscription takes one message in this time; 0: no limit
};

class EventBus final : public BusPort {
 public:
  /// What a consumer does with an event, once per event; false: it failed, deliver again.
  using Consumer = std::function<bool(const StoredEvent&)>;

  /// Deliveries under way hold on to the bus: it must outlive the last callback of `timers`.
  EventBus(Timers& timers, const Random& random, Telemetry& telemetry, BusOptions options);
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  /// Without publish latency and faults it answers within the call.
  void publish(const StoredEvent& event, std::uint32_t attempt, PublishDone done) override;

  std::uint32_t subscriptions() const { return static_cast<std::uint32_t>(subscriptions_.size()); }
  std::optional<std::uint32_t> find(std::string_view name) const;
  const std::string& name(std::uint32_t subscription) const { return subscriptions_[subscription].name; }
  void set_consumer(std::uint32_t subscription, Consumer consumer);

  // Fault hooks; messages that a hop holds go on when it does so no longer.
  /// Of the way from the relays to the bus. `held` stops the deliveries of every subscription too.
  void set_faults(const HopFaults& faults);
  /// Of the way from the bus to a consumer.
  void set_faults(std::uint32_t subscription, const HopFaults& faults);

  /// Operator's action: the subscription's dead letters are delivered again, with fresh attempts; returns how many.
  std::size_t redrive(std::uint32_t subscription);

  std::uint64_t delivered(std::uint32_t subscription) const { return subscriptions_[subscription].delivered; }
  std::uint64_t duplicates(std::uint32_t subscription) const { return subscriptions_[subscription].duplicates; }
  /// Events given up so far; those driven again counted once for each death.
  std::uint64_t dead_letters(std::uint32_t subscription) const { return subscriptions_[subscription].dead_letters; }
  /// Deliveries neither acknowledged nor given up, and publications that the bus holds.
  std::uint64_t open_deliveries() const { return open_ + held_publications_.size() + (overtaken_ ? 1 : 0); }

 private:
  struct Delivery {
    std::uint32_t slot;
    std::uint32_t attempt;
  };
  struct Subscription {
    std::string name;
    Distribution latency;
    Consumer consumer;
    HopFaults faults;
    PositionSet consumed;               // the consumer has done its work
    PositionSet settled;                // acknowledged or dead
    std::set<std::uint64_t> redriven;   // dead letters on their way again: not settled, whatever `settled` says
    std::vector<StoredEvent> dead;      // the dead letter queue
    std::deque<Delivery> held;          // arrived while the hop stood still
    std::optional<Delivery> overtaken;  // waits for the next one to pass
    Instant free_at;                    // when it can take the next message, with a message interval
    std::uint64_t delivered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t dead_letters = 0;
  };
  struct Publication {
    StoredEvent event;
    std::uint32_t open = 0;  // deliveries still under way
  };
  struct Answer {
    PublishDone done;
    std::uint32_t use = 0;  // counts the slot's uses, so that a late timer is recognised
  };
  struct HeldPublication {
    StoredEvent event;
    std::uint32_t attempt;
    std::uint32_t answer;
    std::uint32_t use;
  };

  bool struck(std::int64_t share_ppb, Fate fate, std::uint64_t position, std::uint64_t hop,
              std::uint32_t attempt) const;
  std::uint32_t keep(PublishDone done);
  void answer(std::uint32_t slot, std::uint32_t use, bool accepted);
  void answer_after(Duration pause, std::uint32_t slot, bool accepted);
  void accept(const StoredEvent& event, std::uint32_t attempt);
  void take(const StoredEvent& event);
  std::uint32_t new_publication(const StoredEvent& event, std::uint32_t deliveries);
  bool is_settled(const Subscription& to, std::uint64_t position) const {
    return to.settled.contains(position) && !to.redriven.contains(position);
  }
  void send(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt, std::uint32_t copy);
  void arrive(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void pass(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void hand_over(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void failed(std::uint32_t slot, std::uint32_t subscription, std::uint32_t attempt);
  void close_delivery(std::uint32_t slot);
  void go_on(std::uint32_t subscription);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  BackoffPolicy backoff_;
  std::uint32_t max_attempts_;
  Distribution publish_latency_;
  bool answers_at_once_;
  Duration ack_timeout_;
  Duration message_interval_;
  HopFaults faults_;  // between relays and bus
  std::vector<Subscription> subscriptions_;
  std::deque<Publication> slots_;  // stays in place while a consumer publishes
  std::vector<std::uint32_t> free_slots_;
  std::vector<Answer> answers_;
  std::vector<std::uint32_t> free_answers_;
  std::deque<HeldPublication> held_publications_;
  std::optional<std::pair<StoredEvent, std::uint32_t>> overtaken_;  // a publication that the next one passes
  std::uint64_t open_ = 0;
};

}  // namespace dvt::store
