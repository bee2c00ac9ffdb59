// EventSpool: what workers keep of events whose write failed open (domain §3). An event that is not critical and could
// not be written within the budget is kept in the memory of the worker that emitted it, its activity goes on, and the
// worker writes it later: its events one after the other, oldest first, with a pause after each failure. The same event
// id and key are used, so an event that had been committed after all is not stored twice. A worker that dies loses what
// it keeps; every event is told as spooled, and once as reconciled or lost.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engine/ports/state_store.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::engine {

struct SpoolOptions {
  std::vector<EventType> fail_open;      // types that may
  Duration retry_interval = seconds(1);  // after a failed try
};

class EventSpool {
 public:
  EventSpool(StoreClient& store, Timers& timers, Telemetry& telemetry, SpoolOptions options)
      : store_(store), timers_(timers), telemetry_(telemetry), options_(std::move(options)) {}
  EventSpool(const EventSpool&) = delete;
  EventSpool& operator=(const EventSpool&) = delete;

  /// Whether an event of the type that was not written for this reason may wait in the spool.
  bool takes(EventType type, StoreError error) const;
  /// Counts the worker's lives: what was begun in one must not be kept in the next.
  std::uint32_t life(std::uint32_t worker);
  /// `key` named the draws of the write that failed.
  void keep(std::uint32_t worker, NewEvent event, DrawKey key);
  /// The worker died. An event whose write is under way is lost only if that write comes to nothing.
  void worker_lost(std::uint32_t worker);

  /// Events in all spools.
  std::uint64_t pending() const { return pending_; }

 private:
  struct Kept {
    NewEvent event;
    DrawKey key;
    std::uint32_t tries = 0;
  };
  struct Spool {
    std::deque<Kept> events;  // oldest first
    std::uint32_t life = 0;
    bool writing = false;  // the first one
    TimerId retry;
  };
  Spool& of(std::uint32_t worker);
  void write_first(std::uint32_t worker);
  void written(std::uint32_t worker, Kept kept, std::uint32_t life, const AppendOutcome& outcome);
  void tell(const NewEvent& event, SpoolStep step, std::uint32_t worker);

  StoreClient& store_;
  Timers& timers_;
  Telemetry& telemetry_;
  SpoolOptions options_;
  std::vector<Spool> spools_;  // by worker
  std::uint64_t pending_ = 0;
};

}  // namespace dvt::engine
