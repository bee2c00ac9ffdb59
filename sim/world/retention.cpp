#include "sim/world/retention.h"

#include <algorithm>

namespace dvt::sim {

namespace {
constexpr Duration kNight = hours(24);
}

Retention::Retention(Timers& timers, RunArchive& archive, Duration retention, Instant end)
    : timers_(timers), archive_(archive), retention_(retention), end_(end) {}

void Retention::start() {
  // Nothing can be old enough before.
  sweep_at(Instant{(retention_.ns / kNight.ns + 1) * kNight.ns});
}

void Retention::sweep_at(Instant when) {
  if (when > end_) return;
  timers_.call_at(when, [this, when] {
    sweep();
    sweep_at(when + kNight);
  });
}

void Retention::run_closed(const RunClosed& fact) {
  if (Instant{} + retention_ < end_) closed_.push_back({fact.run, fact.closed_at});
}

void Retention::sweep() {
  const Instant now = timers_.now();
  std::vector<RunOrdinal> old;
  for (const Closed& closed : closed_) {
    if (closed.at + retention_ > now) break;
    old.push_back(closed.run);
  }
  if (old.empty()) return;
  std::vector<RunOrdinal> moved;
  if (!archive_.archive(old, now, moved)) return;  // the store refused; all of them are tried again
  std::sort(moved.begin(), moved.end());
  std::erase_if(closed_,
                [&](const Closed& closed) { return std::binary_search(moved.begin(), moved.end(), closed.run); });
}

}  // namespace dvt::sim
