// Calls to a provider: each takes the adapter's RPC latency, is told as a fact when it arrives, and acts then.
#pragma once

#include "engine/base/distribution.h"
#include "engine/ports/random.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::adapters {

class ProviderCalls {
 public:
  ProviderCalls(Timers& timers, const Random& random, Telemetry& telemetry, Distribution latency)
      : timers_(timers), random_(random), telemetry_(telemetry), latency_(std::move(latency)) {}

  /// `method` must outlive the call; `key` names its random draw.
  void call(const char* method, DrawKey key, Callback then);

 private:
  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  Distribution latency_;
};

}  // namespace dvt::adapters
