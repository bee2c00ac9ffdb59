// The outbox relays (domain §5): poll pending rows, publish them on the bus, mark them delivered. At least once: a
// crash between publishing and marking publishes again, never loses. No row has two live leases. Publishing is
// pipelined: a relay neither waits for one publication before the next nor for the batch before it polls again.
#pragma once

#include <functional>
#include <queue>
#include <span>
#include <vector>

#include "engine/base/load.h"
#include "engine/ports/bus.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"
#include "store/bus/hop_faults.h"
#include "store/outbox/backoff.h"
#include "store/outbox/poll_grid.h"

namespace dvt::store {

/// What goes wrong with one relay just now, beside its process. Shares as in HopFaults.
struct RelayFaults {
  std::int64_t duplicated_ppb = 0;         // rows that it publishes twice
  std::int64_t ack_lost_ppb = 0;           // published rows of which the store is not told: their leases run out
  const LatencyScale* latency = nullptr;   // scales the time from one poll to the next
  const LatencyScale* throttle = nullptr;  // scales the time that a row takes: a poll takes so much fewer of them
};

struct OutboxOptions {
  std::uint32_t relays = 2;
  Duration poll_interval = milliseconds(250);
  std::uint32_t batch = 100;
  Duration lease = seconds(30);
  BackoffPolicy backoff;
  std::uint32_t max_attempts = 10;  // then the dead letter queue
};

class OutboxRelays {
 public:
  /// Everything referred to must outlive the relays.
  OutboxRelays(StateStore& store, BusPort& bus, Timers& timers, const Random& random, Telemetry& telemetry,
               OutboxOptions options);
  /// Publications that are not answered yet must not be answered any more.
  ~OutboxRelays();
  OutboxRelays(const OutboxRelays&) = delete;
  OutboxRelays& operator=(const OutboxRelays&) = delete;

  /// Relay i polls at start + i × interval / relays and then every interval.
  void start();
  /// To be called after each new row of the store, at the instant of its commit.
  void event_committed() {
    load_.offered(1, timers_.now());
    load_.set_queue(load_.queue() + 1, timers_.now());
    if (wake_for_commit_) wake_all();
  }

  // Fault hooks. A killed relay forgets what it published and did not mark; its leases run out. A stalled one does
  // nothing until it goes on where it was. A drained one takes no more rows and marks those that it has published.
  void kill(std::uint32_t relay);
  void drain(std::uint32_t relay);
  /// After kill() or drain().
  void restart(std::uint32_t relay);
  void stall(std::uint32_t relay, bool on);
  void set_faults(std::uint32_t relay, const RelayFaults& faults) { relays_[relay].faults = faults; }
  /// Relays added start polling now; relays taken away are killed.
  void scale(std::uint32_t relays);
  /// Operator's action: every dead letter of the store goes back into the outbox; returns how many. A store that does
  /// not answer is asked again at each poll interval (0).
  std::size_t redrive();

  std::uint32_t relays() const { return static_cast<std::uint32_t>(relays_.size()); }
  std::uint64_t published() const { return published_; }  // acknowledged publications, duplicates counted
  std::uint64_t retries() const { return retries_; }
  std::uint64_t dead_letters() const { return dead_letters_; }
  /// Rows that wait to be delivered, from `from` on; drained when no more than a batch is left. Relays pipeline their
  /// publications, so they have no service time: utilisation and capacity stay 0. Call before start().
  void count_load_from(Instant from) { load_.count_from(from, options_.batch); }
  LoadFigures load(Instant to) const { return load_.figures(to); }
  bool working(std::uint32_t relay) const { return running(relays_[relay]); }

 private:
  struct Relay {
    PollGrid grid;
    TimerId timer;
    Instant timer_at;
    std::uint32_t life = 0;  // unique to this start of it: an answer to an earlier life is nobody's
    bool alive = true;
    bool stalled = false;
    bool draining = false;
    bool polling = false;
    RelayFaults faults;
    std::uint64_t polls = 0;                                 // while its polls are slow: names their draws
    Instant rest_until;                                      // no poll before this
    bool left_behind = false;                                // throttled: the last poll did not take all that was due
    std::vector<std::uint32_t> in_flight;                    // slots whose publication is not answered yet
    std::vector<std::pair<std::uint32_t, bool>> unanswered;  // answers that came while stalled: slot, accepted
  };
  struct InFlight {
    OutboxRow row;
    Instant lease_until;
  };

  bool running(const Relay& relay) const { return relay.alive && !relay.stalled && !relay.draining; }
  void wake_all();
  void wake_at(std::uint32_t relay, Instant when);
  /// Rows become claimable at `when`: a retry is due, or a dead relay's lease has run out.
  void work_at(Instant when);
  void poll(std::uint32_t relay);
  void claim_and_publish(std::uint32_t relay, Instant now);
  bool struck(std::int64_t share_ppb, Fate fate, std::uint64_t position) const;
  void publish(std::uint32_t relay, OutboxRow&& row, Instant lease_until);
  void published(std::uint32_t relay, std::uint32_t life, std::uint32_t slot, bool accepted);
  void settle(std::uint32_t relay, std::uint32_t slot, bool accepted);
  void mark(std::span<const std::uint64_t> positions);
  void leases_left_behind(const Relay& relay);
  std::uint32_t take_slot();

  StateStore& store_;
  BusPort& bus_;
  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  OutboxOptions options_;
  Instant start_;
  bool started_ = false;
  bool wake_for_commit_ = false;  // some running relay has no poll set
  std::vector<Relay> relays_;
  std::vector<InFlight> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<OutboxRow> claimed_;
  std::vector<std::uint64_t> delivered_;
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> work_;
  std::uint32_t lives_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t dead_letters_ = 0;
  ServerLoad load_;
};

}  // namespace dvt::store
