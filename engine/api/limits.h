// The API's limits as plain values with an explicit present: at most so many in a window, signal processors, and the
// queue of deferred signals. No timers, no side effects: SignalDesk and ApiFront say when.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/time.h"

namespace dvt::engine {

/// At most `count` in any `per`; count 0: no limit.
struct Allowance {
  std::uint32_t count = 0;
  Duration per = minutes(1);
};

/// What was let through in the last `per`. Instants are given in order.
class RateWindow {
 public:
  bool room(const Allowance& allowance, Instant now);
  void take(Instant now) { taken_.push_back(now); }
  /// The one taken at `at` turned out not to count.
  void give_back(Instant at);
  /// From now until there is room; zero when there is.
  Duration wait(const Allowance& allowance, Instant now);

 private:
  void forget(const Allowance& allowance, Instant now);
  std::deque<Instant> taken_;
};

/// The signal processors: each is busy for `per_signal` with one signal, then free again.
class SignalProcessors {
 public:
  SignalProcessors(std::uint32_t count, Duration per_signal) : per_signal_(per_signal), free_at_(count) {}

  /// Occupies a processor; false when none is free (or none works).
  bool take(Instant now) { return take(now, per_signal_); }
  /// As above; it is busy for `busy`.
  bool take(Instant now, Duration busy);
  Duration per_signal() const { return per_signal_; }
  /// When the next one is free; nullopt when none works.
  std::optional<Instant> next_free() const;
  /// Stopped processors take nothing; what they have begun is not lost.
  void stop(bool stopped) { stopped_ = stopped; }

 private:
  Duration per_signal_;
  std::vector<Instant> free_at_;
  bool stopped_ = false;
};

struct DeferredSignal {
  std::uint64_t signal = 0;
  std::uint32_t retries = 0;
};

/// Deferred signals by the instant from which they may be tried again, then in the order in which they came.
class DeferralQueue {
 public:
  void add(DeferredSignal deferred, Instant due) { waiting_.emplace(std::pair(due, ++last_), deferred); }
  std::size_t size() const { return waiting_.size(); }
  /// The earliest due instant; nullopt when empty.
  std::optional<Instant> next_due() const;
  /// Takes the first that is due.
  std::optional<DeferredSignal> pop(Instant now);
  /// Makes everything due at `now`.
  void make_due(Instant now);
  /// In queue order.
  std::vector<std::uint64_t> signals() const;
  /// Takes one out wherever it stands.
  void remove(std::uint64_t signal);

 private:
  std::map<std::pair<Instant, std::uint64_t>, DeferredSignal> waiting_;
  std::uint64_t last_ = 0;
};

}  // namespace dvt::engine
