#include "adapters/provider_calls.h"

#include <algorithm>

namespace dvt::adapters {
namespace {

// Of this module's draws of one try.
constexpr std::uint32_t kRefused = 0;
constexpr std::uint32_t kLost = 1;
constexpr std::uint32_t kLostWhere = 2;

}  // namespace

void ProviderCalls::call(const char* method, DrawKey key, Callback then) {
  send(std::make_unique<Call>(Call{method, key, std::move(then), 0, {}}));
}

void ProviderCalls::send(std::unique_ptr<Call> call) {
  if (gap_ == Duration{}) return leave(std::move(call));
  const Duration gap = faults_.throttle == nullptr ? gap_ : faults_.throttle->scaled(gap_, call->key);
  const Instant turn = std::max(next_turn_, timers_.now());
  next_turn_ = turn + gap;
  if (turn == timers_.now()) return leave(std::move(call));
  timers_.call_at(turn, [this, held = std::move(call)]() mutable { leave(std::move(held)); });
}

void ProviderCalls::leave(std::unique_ptr<Call> call) {
  // The first try's draw has the key of the call alone.
  Draws draws(random_, Purpose::adapter_rpc, call->key.a, call->key.b,
              call->key.c | (std::uint64_t{call->tries} << 32));
  call->took = latency_.sample(draws);
  if (faults_.latency != nullptr) call->took = faults_.latency->scaled(call->took, call->key);
  const Duration took = call->took;
  timers_.call_after(took, [this, held = std::move(call)]() mutable { arrive(std::move(held)); });
}

void ProviderCalls::arrive(std::unique_ptr<Call> call) {
  const Duration took = call->took;
  if (faults_.partitioned) return fail(std::move(call), "DEADLINE_EXCEEDED", kDeadline);
  if (faults_.unreachable) return fail(std::move(call), "UNAVAILABLE", took);
  if (faults_.refused_ppb > 0 || faults_.lost_ppb > 0) {
    std::uint64_t words[4];
    random_.words(Purpose::call_fault, call->key.a, call->key.b, call->key.c | (std::uint64_t{call->tries} << 32), 0,
                  words);
    if (strikes(words[kRefused], faults_.refused_ppb)) return fail(std::move(call), "INTERNAL", took);
    if (strikes(words[kLost], faults_.lost_ppb)) {
      if (words[kLostWhere] % 2 == 0) act(*call);  // only the answer was lost
      return fail(std::move(call), "DEADLINE_EXCEEDED", kDeadline);
    }
  }
  telemetry_.adapter_rpc(call->method, "OK", took, timers_.now());
  act(*call);
}

// The caller hears of the failure `took` after the call left, and asks again.
void ProviderCalls::fail(std::unique_ptr<Call> call, const char* status, Duration took) {
  const Duration rest = std::max(took - call->took, Duration{});
  struct Failed {
    std::unique_ptr<Call> call;
    const char* status;
    Duration took;
  };
  auto failed = std::make_unique<Failed>(Failed{std::move(call), status, took});
  timers_.call_after(rest, [this, held = std::move(failed)]() mutable {
    telemetry_.adapter_rpc(held->call->method, held->status, held->took, timers_.now());
    Duration pause = kFirstRetry;
    for (std::uint32_t i = 0; i < held->call->tries && pause < kLongestRetry; ++i) pause = pause * 2;
    ++held->call->tries;
    timers_.call_after(std::min(pause, kLongestRetry),
                       [this, again = std::move(held->call)]() mutable { send(std::move(again)); });
  });
}

void ProviderCalls::act(Call& call) {
  if (!call.then) return;
  Callback then = std::move(call.then);
  call.then.reset();
  then();
}

}  // namespace dvt::adapters
