#include "engine/api/admission.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dvt::engine {

Entry Admission::enter(TenantOrdinal tenant, std::size_t in_flight, bool others_held, Instant now) {
  const bool has_quota = options_.quota_per_tenant.count > 0;
  if (has_quota) {
    const Duration wait = quotas_[tenant.value].wait(options_.quota_per_tenant, now);
    if (wait.ns > 0) return {Entry::Way::refuse, ApiError::quota_exceeded, wait};
  }
  Entry entry;
  const bool full = !room(in_flight);
  const Duration throttled = next_start(now) - now;
  if (options_.policy == OverloadPolicy::reject) {
    if (full) return {Entry::Way::refuse, ApiError::overloaded, options_.overload_retry_after};
    if (throttled.ns > 0) return {Entry::Way::refuse, ApiError::throttled, throttled};
  }
  if (options_.policy == OverloadPolicy::delay && (full || throttled.ns > 0 || others_held))
    entry.way = Entry::Way::hold;
  if (has_quota) quotas_[tenant.value].take(now);
  if (entry.way == Entry::Way::accept && !throttles_starts()) started(now);
  return entry;
}

void Admission::throttle(std::optional<Duration> interval, Instant now) {
  throttle_ = interval;
  next_start_ = now;
}

void Admission::started(Instant now) {
  if (throttle_) next_start_ = std::max(next_start_, now) + *throttle_;
}

Duration Admission::backpressure(std::uint64_t behind) const {
  if (options_.backpressure_at == 0 || behind < options_.backpressure_at) return {};
  const auto events = static_cast<std::int64_t>(std::min<std::uint64_t>(behind, 1'000'000'000));
  const std::int64_t per_event = std::min<std::int64_t>(options_.projector_per_event.ns, 1'000'000'000);
  return std::min(Duration{events * per_event}, options_.backpressure_max);
}

StartQueue::Lease StartQueue::take() {
  DVT_ASSERT(!waiting_.empty(), "no run waits to be started");
  Lease lease = waiting_.front();
  waiting_.pop_front();
  lease.number = ++last_;
  const bool is_new = leases_.emplace(lease.run.value, lease.number).second;
  DVT_ASSERT(is_new, "a run has two live leases");
  return lease;
}

bool StartQueue::done(const Lease& lease) {
  const auto found = leases_.find(lease.run.value);
  if (found == leases_.end() || found->second != lease.number) return false;
  leases_.erase(found);
  return true;
}

bool StartQueue::expired(const Lease& lease) {
  if (!done(lease)) return false;
  waiting_.push_front(lease);
  return true;
}

}  // namespace dvt::engine
