// Fixed-point reading in 128-bit integers; 18 places after the point take part.
#include "engine/plan/duration_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <string>

namespace dvt::engine {

namespace {

constexpr long kFractionDigits = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

/// value = 0.DIGITS × 10^point, without leading zeros.
struct Decimal {
  bool negative = false;
  std::string digits;
  long point = 0;
};

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t whole = count_digits(text);
  if (whole == 0) return std::nullopt;
  decimal.digits = text.substr(0, whole);
  decimal.point = static_cast<long>(whole);
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = count_digits(text);
    if (fraction == 0) return std::nullopt;
    decimal.digits += text.substr(0, fraction);
    text.remove_prefix(fraction);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.size() > 1 && text.front() == '+' && is_digit(text[1])) text.remove_prefix(1);
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (text.empty() || error != std::errc{} || exponent > 10'000 || exponent < -10'000) return std::nullopt;
    decimal.point += exponent;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  if (!text.empty()) return std::nullopt;
  const std::size_t zeros = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  decimal.digits.erase(0, zeros);
  decimal.point -= static_cast<long>(zeros);
  return decimal;
}

}  // namespace

std::optional<Duration> duration_from_decimal(std::string_view number, Duration unit) {
  const std::optional<Decimal> decimal = read_decimal(number);
  if (!decimal || unit.ns <= 0) return std::nullopt;
  if (decimal->digits.empty()) return Duration{};
  if (decimal->point > 19) return std::nullopt;  // 10^19 units overflow whatever the unit
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kLimit = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  const auto digit_at = [&decimal](long place) -> Wide {
    if (place < 0 || place >= static_cast<long>(decimal->digits.size())) return 0;
    return static_cast<Wide>(decimal->digits[static_cast<std::size_t>(place)] - '0');
  };
  Wide whole = 0;
  for (long place = 0; place < decimal->point; ++place) whole = whole * 10 + digit_at(place);
  if (whole > kLimit) return std::nullopt;
  // Places beyond kFractionDigits cannot reach the next half nanosecond of a power-of-ten unit.
  Wide fraction = 0;
  Wide denominator = 1;
  for (long place = decimal->point; place < decimal->point + kFractionDigits; ++place) {
    fraction = fraction * 10 + digit_at(place);
    denominator *= 10;
  }
  const Wide scale = static_cast<Wide>(unit.ns);
  const Wide ns = whole * scale + (fraction * scale + denominator / 2) / denominator;
  if (ns > kLimit) return std::nullopt;
  const std::int64_t magnitude = static_cast<std::int64_t>(ns);
  return Duration{decimal->negative ? -magnitude : magnitude};
}

std::optional<Duration> duration_from_text(std::string_view text) {
  struct Unit {
    std::string_view name;
    Duration length;
  };
  static constexpr Unit kUnits[] = {{"ns", nanoseconds(1)}, {"us", microseconds(1)}, {"ms", milliseconds(1)},
                                    {"s", seconds(1)},      {"m", minutes(1)},       {"h", hours(1)},
                                    {"d", hours(24)}};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto number_end = std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    const std::string_view number = text.substr(0, static_cast<std::size_t>(number_end - text.begin()));
    text.remove_prefix(number.size());
    const auto unit_end = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    const std::string_view name = text.substr(0, static_cast<std::size_t>(unit_end - text.begin()));
    text.remove_prefix(name.size());
    const Unit* unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [name](const Unit& known) { return known.name == name; });
    if (unit == std::end(kUnits)) return std::nullopt;
    const std::optional<Duration> part = duration_from_decimal(number, unit->length);
    if (!part || __builtin_add_overflow(total, part->ns, &total)) return std::nullopt;
  }
  return Duration{total};
}

}  // namespace dvt::engine
