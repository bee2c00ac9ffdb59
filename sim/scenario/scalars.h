// Texts ⇄ values for every scalar of the language. Parsing is exact, digit by digit; a failure says what was expected.
// Formatting gives the shortest text that parses back to the same value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/scenario/values.h"

namespace dvt::sim {

template <class T>
using Parsed = Result<T, std::string>;  // the error is a phrase such as `expected a duration such as 250ms …`

/// `250us 250ms 90s 30m 2h 7d`, sums with falling units (`1h30m`), decimals that are whole nanoseconds (`1.5h`).
/// 0 to ten years. Also `ns`.
Parsed<Duration> parse_duration(std::string_view text);
/// `35/m 400/s 2/w 0.5/h`; per s, m, h, d or w; at most six decimals and 1e9 events.
Parsed<Rate> parse_rate(std::string_view text);
/// `30%` or `0.3`: 0 to 100 %, at most nine decimals of the fraction.
Parsed<Share> parse_share(std::string_view text);
/// `64KiB 10MB 512B`.
Parsed<Bytes> parse_bytes(std::string_view text);
/// `0.045 USD`, at most nine decimals.
Parsed<Money> parse_money(std::string_view text);
/// Whole, not negative, no leading zeros, no sign, at most `max`.
Parsed<std::uint64_t> parse_integer(std::string_view text, std::uint64_t max);
/// A finite decimal number, `2`, `1.1`, `-0.33`, `1e-3`.
Parsed<double> parse_number(std::string_view text);
/// `true` or `false`.
Parsed<bool> parse_bool(std::string_view text);
/// RFC 3339 in UTC.
Parsed<UnixNanos> parse_instant(std::string_view text);
/// `2026-01-01`.
Parsed<Date> parse_date(std::string_view text);
/// Names of faults, operations, plans …: letters, digits, `_` and `-`, beginning with a letter or digit, up to 100.
bool is_name(std::string_view text);

std::string format_value(Duration value);
std::string format_value(Rate value);
std::string format_value(Share value);
std::string format_value(Bytes value);
std::string format_value(Money value);
std::string format_value(double value);
std::string format_value(UnixNanos value);

/// Exact comparison of two rates.
bool less(Rate a, Rate b);

}  // namespace dvt::sim
