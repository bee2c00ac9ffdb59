#include "store/outbox/backoff.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dvt::store {
namespace {
__extension__ typedef unsigned __int128 Wide;

// How far jitter moves a delay to either side.
std::int64_t jitter_span(const BackoffPolicy& policy, std::int64_t delay) {
  return static_cast<std::int64_t>(static_cast<Wide>(delay) * static_cast<Wide>(policy.jitter_ppm) / 1'000'000);
}
}  // namespace

Duration backoff_delay(const BackoffPolicy& policy, std::uint32_t failures, BitSource& bits) {
  DVT_ASSERT(failures > 0, "a backoff follows a failure");
  std::int64_t delay = std::min(policy.initial.ns, policy.max.ns);
  for (std::uint32_t i = 1; i < failures && delay < policy.max.ns; ++i) {
    if (policy.factor_milli <= 1000) break;  // it does not grow
    const Wide grown = static_cast<Wide>(delay) * static_cast<Wide>(policy.factor_milli) / 1000;
    delay = grown < static_cast<Wide>(policy.max.ns) ? static_cast<std::int64_t>(grown) : policy.max.ns;
  }
  const std::uint64_t word = bits.next();
  const std::int64_t span = jitter_span(policy, delay);
  // Uniform over [-span, +span].
  const auto offset = static_cast<std::int64_t>((static_cast<Wide>(word) * (2 * static_cast<Wide>(span) + 1)) >> 64);
  return Duration{std::max<std::int64_t>(0, delay + offset - span)};
}

BackoffRange backoff_range(const BackoffPolicy& policy) {
  const std::int64_t first = std::min(policy.initial.ns, policy.max.ns);
  const std::int64_t last = policy.factor_milli > 1000 ? policy.max.ns : first;
  return {Duration{std::max<std::int64_t>(0, first - jitter_span(policy, first))},
          Duration{last + jitter_span(policy, last)}};
}

}  // namespace dvt::store
