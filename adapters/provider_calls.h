// Calls to a provider: each takes the adapter's RPC latency, is told as a fact when it arrives, and acts then.
//
// A call that fails is made again by the provider's client library, after one second, then two, up to ten, until it is
// answered: what was accepted must reach the provider. The provider knows a call that comes again by its request id, so
// it acts once, however often it is asked. Status words are gRPC's.
#pragma once

#include <memory>

#include "engine/base/distribution.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::adapters {

/// What calls suffer just now. Shares are parts per billion of the calls, drawn for each try.
struct CallFaults {
  bool unreachable = false;      // UNAVAILABLE, after the call's latency
  bool partitioned = false;      // nobody answers: DEADLINE_EXCEEDED
  std::int64_t refused_ppb = 0;  // INTERNAL, after the call's latency; the provider did nothing
  std::int64_t lost_ppb = 0;     // the call or its answer is lost, one as likely as the other: DEADLINE_EXCEEDED
  const LatencyScale* latency = nullptr;
  const LatencyScale* throttle = nullptr;  // scales the gap between two calls
};

class ProviderCalls {
 public:
  /// A call that nobody answered counts as failed after this (the default of Temporal's clients).
  static constexpr Duration kDeadline = seconds(10);
  static constexpr Duration kFirstRetry = seconds(1);
  static constexpr Duration kLongestRetry = seconds(10);

  /// `gap`: at least between two calls, 1 / capacity; 0: they do not wait for each other.
  ProviderCalls(Timers& timers, const Random& random, Telemetry& telemetry, Distribution latency, Duration gap = {})
      : timers_(timers), random_(random), telemetry_(telemetry), latency_(std::move(latency)), gap_(gap) {}

  /// `method` must outlive the call; `key` names its random draw.
  void call(const char* method, DrawKey key, Callback then);

  void set_faults(const CallFaults& faults) { faults_ = faults; }

 private:
  struct Call {
    const char* method;
    DrawKey key;
    Callback then;  // empty once it has acted
    std::uint32_t tries = 0;
    Duration took;
  };
  void send(std::unique_ptr<Call> call);
  void leave(std::unique_ptr<Call> call);
  void arrive(std::unique_ptr<Call> call);
  void fail(std::unique_ptr<Call> call, const char* status, Duration took);
  static void act(Call& call);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  Distribution latency_;
  Duration gap_;
  Instant next_turn_;
  CallFaults faults_;
};

}  // namespace dvt::adapters
