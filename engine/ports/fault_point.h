// Where faults act on a part: small switches that the part reads at the moment that matters, set from outside by the
// fault plan. A part without faults has none attached and pays one test of a null pointer.
#pragma once

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

}  // namespace dvt
