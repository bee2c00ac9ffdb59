// Durations read from decimal text, digit by digit: no double stands between `1.001` s and 1,001,000,000 ns.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/time.h"

namespace dvt::engine {

/// A JSON number (sign, fraction and exponent allowed) of `unit`s, rounded half away from zero to nanoseconds. nullopt
/// when it is no number or exceeds int64. `unit` is a positive power-of-ten or other whole number of nanoseconds.
std::optional<Duration> duration_from_decimal(std::string_view number, Duration unit);

/// The scenario language's durations: `250ms`, `2.5s`, sums such as `1h30m`; units ns us ms s m h d; not negative.
std::optional<Duration> duration_from_text(std::string_view text);

}  // namespace dvt::engine
