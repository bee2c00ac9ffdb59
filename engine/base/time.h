// Virtual time: int64 nanoseconds. Instants count from the scenario's start; wall-clock text is made from an
// instant plus the scenario's start only at the edge. Arithmetic is overflow-checked and aborts when it would wrap.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/assert.h"

namespace dvt {

namespace detail {
constexpr std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(a, b, &sum);
  DVT_ASSERT(!overflow, "virtual time overflows int64 nanoseconds");
  return sum;
}
constexpr std::int64_t checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  const bool overflow = __builtin_sub_overflow(a, b, &difference);
  DVT_ASSERT(!overflow, "virtual time overflows int64 nanoseconds");
  return difference;
}
constexpr std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  const bool overflow = __builtin_mul_overflow(a, b, &product);
  DVT_ASSERT(!overflow, "virtual time overflows int64 nanoseconds");
  return product;
}
}  // namespace detail

/// A span of virtual time in nanoseconds; may be negative.
struct Duration {
  std::int64_t ns = 0;
  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const { return {detail::checked_add(ns, other.ns)}; }
  constexpr Duration operator-(Duration other) const { return {detail::checked_sub(ns, other.ns)}; }
  constexpr Duration operator*(std::int64_t factor) const { return {detail::checked_mul(ns, factor)}; }
  constexpr Duration operator/(std::int64_t divisor) const { return {ns / divisor}; }
  constexpr Duration& operator+=(Duration other) { return *this = *this + other; }
};

constexpr Duration nanoseconds(std::int64_t n) {
  return {n};
}
constexpr Duration microseconds(std::int64_t n) {
  return {detail::checked_mul(n, 1'000)};
}
constexpr Duration milliseconds(std::int64_t n) {
  return {detail::checked_mul(n, 1'000'000)};
}
constexpr Duration seconds(std::int64_t n) {
  return {detail::checked_mul(n, 1'000'000'000)};
}
constexpr Duration minutes(std::int64_t n) {
  return seconds(detail::checked_mul(n, 60));
}
constexpr Duration hours(std::int64_t n) {
  return minutes(detail::checked_mul(n, 60));
}

/// A point of virtual time: nanoseconds since the scenario's start instant.
struct Instant {
  std::int64_t ns = 0;
  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {detail::checked_add(ns, d.ns)}; }
  constexpr Instant operator-(Duration d) const { return {detail::checked_sub(ns, d.ns)}; }
  constexpr Duration operator-(Instant other) const { return {detail::checked_sub(ns, other.ns)}; }
};

/// An instant by which something must have happened, or never ("unreachable").
class Deadline {
 public:
  static constexpr Deadline unreachable() { return Deadline{}; }
  static constexpr Deadline at(Instant instant) { return Deadline{instant}; }
  /// `now + timeout`; a sum past the end of time is unreachable, not an error.
  static constexpr Deadline after(Instant now, Duration timeout) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(now.ns, timeout.ns, &sum)) return unreachable();
    return Deadline{Instant{sum}};
  }
  constexpr bool reachable() const { return at_.has_value(); }
  constexpr bool passed(Instant now) const { return at_ && now >= *at_; }
  /// Precondition: reachable().
  constexpr Instant instant() const { return *at_; }

 private:
  constexpr Deadline() = default;
  constexpr explicit Deadline(Instant at) : at_(at) {}
  std::optional<Instant> at_;
};

/// Nanoseconds since 1970-01-01T00:00:00Z (proleptic Gregorian, no leap seconds).
struct UnixNanos {
  std::int64_t ns = 0;
  constexpr auto operator<=>(const UnixNanos&) const = default;
  constexpr UnixNanos operator+(Duration d) const { return {detail::checked_add(ns, d.ns)}; }
};

/// RFC 3339 in UTC, e.g. 2026-01-01T00:00:00.000000000Z; `fraction_digits` 0 to 9, truncating.
std::string format_rfc3339(UnixNanos instant, int fraction_digits);
/// Appends the same to `out`; for places that format many.
void append_rfc3339(std::string& out, UnixNanos instant, int fraction_digits);
/// Parses RFC 3339 with Z (upper-case T and Z, up to nine fraction digits). nullopt when it is anything else.
std::optional<UnixNanos> parse_rfc3339(std::string_view text);

/// "1h2m3s", "250ms", "1us500ns": an exact sum of whole units, largest first; "0s" for zero.
std::string format_duration(Duration duration);
/// Decimal seconds without rounding and without trailing zeros: 1.001, 0.25, 3 (the JSON form of durations).
std::string format_seconds(Duration duration);

}  // namespace dvt
