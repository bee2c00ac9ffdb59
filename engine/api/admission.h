// Admission (domain §9): which run requests are accepted, and when accepted runs go to the provider. Three answers to
// overload: QUEUE accepts (PENDING) and starts later, REJECT answers 429 with a retry-after, DELAY holds the request
// itself until there is room. Plain values with an explicit present; ApiFront sets the timers.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/api/api_error.h"
#include "engine/api/limits.h"
#include "engine/base/ids.h"

namespace dvt::engine {

enum class OverloadPolicy : std::uint8_t { reject, queue, delay };

struct AdmissionOptions {
  OverloadPolicy policy = OverloadPolicy::queue;
  std::uint32_t max_in_flight = 0;  // runs; 0: no limit
  Allowance quota_per_tenant;       // run requests; count 0: none
  Duration lease = seconds(30);     // of a waiting run by the one who starts it
  Duration overload_retry_after = seconds(1);
  /// Backpressure (domain §4): while the projection is at least so many events behind, each new run is delayed by the
  /// time the projector needs for its backlog, at most backpressure_max (a reading: the documents say only that new
  /// runs are delayed; without a bound a stalled read model would stop all work).
  std::uint64_t backpressure_at = 0;  // 0: none
  Duration projector_per_event;
  Duration backpressure_max = seconds(1);
};

/// A request's way in.
struct Entry {
  enum class Way : std::uint8_t { accept, refuse, hold };
  Way way = Way::accept;
  ApiError error = ApiError::none;  // of refuse
  Duration retry_after;             // of refuse
};

class Admission {
 public:
  explicit Admission(AdmissionOptions options) : options_(options) {}
  const AdmissionOptions& options() const { return options_; }

  /// Judges a new request and counts it against its tenant's quota unless it is refused. `in_flight`: accepted runs
  /// that have not ended. `others_held`: requests that came earlier are held.
  Entry enter(TenantOrdinal tenant, std::size_t in_flight, bool others_held, Instant now);
  /// Whether one more run may be in flight.
  bool room(std::size_t in_flight) const { return options_.max_in_flight == 0 || in_flight < options_.max_in_flight; }

  /// An operator's throttle: new runs go to the provider no faster than one an `interval`; nullopt: as fast as they
  /// come.
  void throttle(std::optional<Duration> interval, Instant now);
  /// QUEUE throttles accepted runs on their way to the provider; REJECT and DELAY throttle requests.
  bool throttles_starts() const { return options_.policy == OverloadPolicy::queue; }
  /// When the throttle lets the next run go; `now` without one.
  Instant next_start(Instant now) const { return throttle_ && next_start_ > now ? next_start_ : now; }
  /// A run (QUEUE) or a request (REJECT, DELAY) took the throttle's turn.
  void started(Instant now);

  /// How long a new run is kept back because the projection is `behind` events late.
  Duration backpressure(std::uint64_t behind) const;

 private:
  AdmissionOptions options_;
  std::optional<Duration> throttle_;
  Instant next_start_;
  std::unordered_map<std::uint32_t, RateWindow> quotas_;  // by tenant; looked up only
};

/// Accepted runs that wait for the provider, first come, first served. Whoever takes one holds it under a lease: it is
/// done when the run was seen to be started, and comes back to the front when the lease runs out before. So each run is
/// started, and by one at a time.
class StartQueue {
 public:
  struct Lease {
    RunOrdinal run;
    std::uint64_t number = 0;  // names this lease
    Instant since;             // the run has waited from here on
  };

  void add(RunOrdinal run, Instant now) { waiting_.push_back({run, 0, now}); }
  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::size_t leased() const { return leases_.size(); }
  /// Takes the first one. Precondition: !empty().
  Lease take();
  /// The run was started or has ended: the lease is over. False when it was over before.
  bool done(const Lease& lease);
  /// The lease ran out: the run waits again, at the front. False when the lease was over before.
  bool expired(const Lease& lease);

 private:
  std::deque<Lease> waiting_;                                // numbers are given when taken
  std::unordered_map<std::uint32_t, std::uint64_t> leases_;  // run → its live lease; looked up only
  std::uint64_t last_ = 0;
};

}  // namespace dvt::engine
