// Callbacks in virtual time. Equal deadlines fire in the order they were set (or permuted by a stream under
// `schedule: shuffled`). Callbacks run on the main stack, never on a fiber's, so they may call SQLite.
#pragma once

#include <cstdint>

#include "engine/base/function.h"
#include "engine/base/time.h"
#include "engine/ports/clock.h"

namespace dvt {

/// Names one set timer; value 0 is "none". Safe to cancel after it fired (nothing happens).
struct TimerId {
  std::uint64_t value = 0;
  constexpr bool operator==(const TimerId&) const = default;
  explicit constexpr operator bool() const { return value != 0; }
};

class Timers : public Clock {
 public:
  /// Runs `callback` at `when`; a time in the past is a programmer's error.
  virtual TimerId call_at(Instant when, Callback&& callback) = 0;
  /// True if the timer had not fired yet and now never will.
  virtual bool cancel(TimerId timer) = 0;

  TimerId call_after(Duration delay, Callback&& callback) { return call_at(now() + delay, std::move(callback)); }
  /// Runs `callback` at this same instant, after everything already due.
  TimerId post(Callback&& callback) { return call_at(now(), std::move(callback)); }
};

}  // namespace dvt
