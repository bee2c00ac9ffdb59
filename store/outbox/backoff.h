// Exponential backoff with jitter, in integers (design §3): the relay's and the bus's schedule of retries.
#pragma once

#include <cstdint>

#include "engine/base/bits.h"
#include "engine/base/time.h"

namespace dvt::store {

struct BackoffPolicy {
  Duration initial = seconds(1);
  std::int64_t factor_milli = 2000;  // thousandths: 2000 doubles
  Duration max = seconds(30);
  std::int64_t jitter_ppm = 200'000;  // millionths of the delay, to either side
};

/// The pause after the `failures`-th failed attempt (from 1): initial × factor^(failures − 1), at most `max`, then
/// moved by a uniform share of ± jitter. One word of `bits`, also without jitter; never negative.
Duration backoff_delay(const BackoffPolicy& policy, std::uint32_t failures, BitSource& bits);

/// The shortest and the longest pause that backoff_delay() can give.
struct BackoffRange {
  Duration shortest;
  Duration longest;
};
BackoffRange backoff_range(const BackoffPolicy& policy);

}  // namespace dvt::store
