// The bus, as the outbox relay sees it: hand an event over, learn whether it was taken. Delivery to subscribers is at
// least once and the bus's own affair (domain §5).
#pragma once

#include <cstdint>

#include "engine/base/function.h"
#include "engine/ports/state_store.h"

namespace dvt {

/// Runs exactly once, during publish() or later, on the main stack. false: not taken, publish it again.
using PublishDone = InplaceFunction<void(bool accepted), 48>;

/// Stands for the subscription where it was the outbox relay that gave an event up (Telemetry::dead_lettered).
inline constexpr std::uint32_t kNoSubscription = 0xFFFFFFFF;

class BusPort {
 public:
  virtual ~BusPort() = default;
  /// `event` need not outlive the call. The same event may be published again after a lost acknowledgement; `attempt`
  /// counts from 1 and names the draws of this publication.
  virtual void publish(const StoredEvent& event, std::uint32_t attempt, PublishDone done) = 0;
};

}  // namespace dvt
