// Where faults act on a part: small switches that the part reads at the moment that matters, set from outside by the
// fault plan. A part without faults has none attached and pays one test of a null pointer.
#pragma once

#include <cstdint>

#include "engine/base/time.h"
#include "engine/ports/state_store.h"

namespace dvt {

/// Scales a drawn latency or duration while latency faults are on. `key` names the draw, so that jitter is drawn by the
/// same logical entity.
class LatencyScale {
 public:
  virtual ~LatencyScale() = default;
  virtual Duration scaled(Duration drawn, const DrawKey& key) const = 0;
};

/// Whether a word of a random stream falls to a share given in parts per billion, in integers.
constexpr bool strikes(std::uint64_t word, std::int64_t ppb) {
  return word % 1'000'000'000 < static_cast<std::uint64_t>(ppb);
}

/// How far back a copy of the log stands that is read instead of the log itself.
class ReadHorizon {
 public:
  virtual ~ReadHorizon() = default;
  /// What was committed after this instant is not seen by the read that `key` names.
  virtual Instant seen_until(const DrawKey& key) const = 0;
};

/// The clocks of the workers' hosts.
class WorkerClocks {
 public:
  virtual ~WorkerClocks() = default;
  /// By how much the clock of a worker (over all queues) is ahead of the true time; negative: behind.
  virtual Duration ahead(std::uint32_t worker) const = 0;
};

}  // namespace dvt
