#include "adapters/provider_calls.h"

#include <memory>

namespace dvt::adapters {

void ProviderCalls::call(const char* method, DrawKey key, Callback then) {
  Draws draws(random_, Purpose::adapter_rpc, key.a, key.b, key.c);
  const Duration took = latency_.sample(draws);
  struct Call {
    const char* method;
    Duration took;
    Callback then;
  };
  auto call = std::make_unique<Call>(Call{method, took, std::move(then)});
  timers_.call_after(took, [this, held = std::move(call)] {
    telemetry_.adapter_rpc(held->method, "OK", held->took, timers_.now());
    held->then();
  });
}

}  // namespace dvt::adapters
