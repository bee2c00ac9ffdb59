#include "sim/fault/latency_window.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/detmath.h"
#include "engine/base/distribution.h"

namespace dvt::sim {

void LatencyWindow::begin(const Effect& effect) {
  effects_.push_back(effect);
  std::stable_sort(effects_.begin(), effects_.end(),
                   [](const Effect& a, const Effect& b) { return a.fault < b.fault; });
}

void LatencyWindow::end(std::uint32_t fault) {
  const auto found =
      std::find_if(effects_.begin(), effects_.end(), [fault](const Effect& e) { return e.fault == fault; });
  DVT_ASSERT(found != effects_.end(), "a latency fault ended that had not begun");
  effects_.erase(found);
}

Duration LatencyWindow::scaled(Duration drawn, const DrawKey& key) const {
  if (effects_.empty()) return drawn;
  double value = static_cast<double>(drawn.ns);
  for (const Effect& effect : effects_) {
    double factor = effect.factor;
    if (effect.ramp.ns > 0) {
      const Duration age = clock_.now() - effect.since;
      if (age < effect.ramp)
        factor = 1 + (effect.factor - 1) * (static_cast<double>(age.ns) / static_cast<double>(effect.ramp.ns));
    }
    value *= factor;
    if (effect.jitter > 0) {
      Draws draws(random_, Purpose::fault_effect, (std::uint64_t{effect.fault} << 32) | target_, key.a,
                  (key.b << 16) | key.c);
      value *= 1 + effect.jitter * (2 * draws.uniform() - 1);
    }
  }
  const double limit = static_cast<double>(Distribution::kMax.ns);
  return Duration{detmath::round_to_int64(std::min(value, limit))};
}

LatencyWindow::Effect effect_of(const Fault& fault, Episode episode, Instant since) {
  return {episode.fault, fault.factor, fault.jitter.fraction(), fault.ramp, since};
}

}  // namespace dvt::sim
