// Attempts of activities, as every provider counts them: the pause before the next one, and what a timeout is called.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/history/events.h"
#include "engine/ports/telemetry.h"

namespace dvt::engine {

/// min(initial * coefficient^(attempt-1), maximum), in integers (spec, "Timeouts and retries").
inline Duration backoff_after(const RetryPolicy& policy, std::uint32_t attempt) {
  std::int64_t interval = policy.initial_interval.ns;
  for (std::uint32_t i = 1; i < attempt && interval < policy.maximum_interval.ns; ++i) {
    std::int64_t next = 0;
    if (__builtin_mul_overflow(interval, policy.coefficient_milli, &next)) return policy.maximum_interval;
    interval = next / 1000;
  }
  return Duration{std::min(interval, policy.maximum_interval.ns)};
}

inline bool is_listed(const RetryPolicy& policy, std::string_view type) {
  return std::any_of(policy.non_retryable.begin(), policy.non_retryable.end(),
                     [type](const Symbol& known) { return known.text() == type; });
}

/// The schedule-to-* timeouts cover all attempts, so they end them; the others are retried unless listed by the name
/// Temporal gives them.
inline bool is_retryable(const RetryPolicy& policy, const FailureRef& failure, std::optional<TimeoutType> timeout) {
  if (!timeout) return !failure->non_retryable && !is_listed(policy, failure->type.text());
  if (*timeout == TimeoutType::start_to_close) return !is_listed(policy, "TemporalTimeout:StartToClose");
  if (*timeout == TimeoutType::heartbeat) return !is_listed(policy, "TemporalTimeout:Heartbeat");
  return false;
}

inline ActivityOutcome timeout_outcome(TimeoutType type) {
  switch (type) {
    case TimeoutType::start_to_close:
      return ActivityOutcome::timed_out_start_to_close;
    case TimeoutType::schedule_to_start:
      return ActivityOutcome::timed_out_schedule_to_start;
    case TimeoutType::schedule_to_close:
      return ActivityOutcome::timed_out_schedule_to_close;
    case TimeoutType::heartbeat:
      return ActivityOutcome::timed_out_heartbeat;
  }
  return ActivityOutcome::failed;
}

}  // namespace dvt::engine
