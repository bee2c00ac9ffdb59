// Exact decimal arithmetic on texts: a decimal is (digits as an integer, number of decimals), never a double, except
// for plain numbers, which std::from_chars reads.
#include "sim/scenario/scalars.h"

#include "engine/base/format.h"

#include <array>
#include <charconv>
#include <optional>

namespace dvt::sim {
namespace {

__extension__ typedef __int128 Int128;

struct Decimal {
  std::int64_t digits = 0;  // without the point
  int decimals = 0;
};

constexpr int kMaxDigits = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads `12`, `1.5`, `0.001` from the front of `text` and removes it; nullopt when none stands there or it is too long.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  std::size_t at = 0;
  int digits = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point && at > 0) {
      point = true;
    } else if (is_digit(c)) {
      if (digits > 0 || c != '0' || point) ++digits;
      if (digits > kMaxDigits) return std::nullopt;
      decimal.digits = decimal.digits * 10 + (c - '0');
      if (point) ++decimal.decimals;
    } else {
      break;
    }
  }
  if (at == 0 || text[at - 1] == '.') return std::nullopt;
  if (at > 1 && text[0] == '0' && is_digit(text[1])) return std::nullopt;  // 010 is neither 8 nor 10 here
  text.remove_prefix(at);
  return decimal;
}

constexpr Int128 pow10(int n) {
  Int128 value = 1;
  for (int i = 0; i < n; ++i) value *= 10;
  return value;
}

// decimal × unit when that is whole and at most `max`.
std::optional<std::int64_t> scale(Decimal decimal, std::int64_t unit, std::int64_t max) {
  const Int128 scaled = static_cast<Int128>(decimal.digits) * unit;
  const Int128 divisor = pow10(decimal.decimals);
  if (scaled % divisor != 0 || scaled / divisor > max) return std::nullopt;
  return static_cast<std::int64_t>(scaled / divisor);
}

std::string shown(std::string_view text) {
  return text.size() > 60 ? fmt::format("\"{}…\"", text.substr(0, 60)) : fmt::format("\"{}\"", text);
}

// integer.fraction of value / 10^decimals without trailing zeros.
std::string decimal_text(std::int64_t value, int decimals) {
  const auto divisor = static_cast<std::int64_t>(pow10(decimals));
  std::string text = fmt::format("{}", value / divisor);
  if (value % divisor == 0) return text;
  std::string fraction = fmt::format("{:0{}}", value % divisor, decimals);
  while (fraction.back() == '0') fraction.pop_back();
  return text + "." + fraction;
}

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<Unit, 7> kDurationUnits{{{"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};
constexpr std::array<Unit, 5> kRateUnits{{{"s", 1'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"d", 86'400'000'000'000},
                                          {"w", 604'800'000'000'000}}};
constexpr std::array<Unit, 11> kByteUnits{{{"TiB", std::int64_t{1} << 40},
                                           {"GiB", std::int64_t{1} << 30},
                                           {"MiB", std::int64_t{1} << 20},
                                           {"KiB", std::int64_t{1} << 10},
                                           {"TB", 1'000'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MB", 1'000'000},
                                           {"kB", 1'000},
                                           {"KB", 1'000},
                                           {"B", 1},
                                           {"", 0}}};

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view kExpected = "expected a duration such as 250ms, 90s or 1h30m";
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("{}, found {}{}", kExpected, shown(text), why));
  };
  std::string_view rest = text;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (rest.empty()) return fail("");
  if (rest[0] == '-') return fail(" (it must not be negative)");
  while (!rest.empty()) {
    const auto decimal = take_decimal(rest);
    if (!decimal) return fail("");
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = rest.substr(0, letters);
    if (name.empty()) return fail(rest.empty() ? " (the unit is missing)" : "");
    std::size_t unit = next_unit;
    while (unit < kDurationUnits.size() && kDurationUnits[unit].name != name) ++unit;
    if (unit == kDurationUnits.size()) return fail(" (units are ns us ms s m h d, in falling order)");
    const auto part = scale(*decimal, kDurationUnits[unit].size, Distribution::kMax.ns);
    if (!part) return fail(" (at most ten years, in whole nanoseconds)");
    total += *part;
    if (total > Distribution::kMax.ns) return fail(" (at most ten years)");
    next_unit = unit + 1;
    rest.remove_prefix(letters);
  }
  return Duration{total};
}

Parsed<Rate> parse_rate(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("expected a rate such as 35/m, 400/s or 2/w, found {}{}", shown(text), why));
  };
  if (!text.empty() && text[0] == '-') return fail(" (it must not be negative)");
  std::string_view rest = text;
  const auto decimal = take_decimal(rest);
  if (!decimal) return fail("");
  if (rest.empty()) return fail(" (the interval is missing)");
  if (rest[0] != '/') return fail("");
  rest.remove_prefix(1);
  for (const Unit& unit : kRateUnits) {
    if (unit.name != rest) continue;
    const auto micro = scale(*decimal, 1'000'000, 1'000'000'000'000'000);
    if (!micro) return fail(" (at most 1000000000 events and six decimals)");
    return Rate{*micro, Duration{unit.size}};
  }
  return fail(" (intervals are s m h d w)");
}

Parsed<Share> parse_share(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("expected a share from 0% to 100% such as 30% or 0.3, found {}{}", shown(text), why));
  };
  std::string_view rest = text;
  const auto decimal = take_decimal(rest);
  if (!decimal || (!rest.empty() && rest != "%")) return fail("");
  const std::int64_t unit = rest == "%" ? 10'000'000 : 1'000'000'000;
  const auto ppb = scale(*decimal, unit, 1'000'000'000);
  if (!ppb) return fail(" (at most nine decimals of the fraction)");
  return Share{*ppb};
}

Parsed<Bytes> parse_bytes(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("expected a size such as 64KiB or 10MB, found {}{}", shown(text), why));
  };
  std::string_view rest = text;
  const auto decimal = take_decimal(rest);
  if (!decimal) return fail("");
  if (rest.empty()) return fail(" (the unit is missing)");
  for (const Unit& unit : kByteUnits) {
    if (unit.name != rest) continue;
    const auto count = scale(*decimal, unit.size, std::int64_t{1} << 60);
    if (!count) return fail(" (whole bytes, at most 2^60)");
    return Bytes{*count};
  }
  return fail(" (units are B kB MB GB TB KiB MiB GiB TiB)");
}

Parsed<Money> parse_money(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("expected an amount such as 0.045 USD, found {}{}", shown(text), why));
  };
  std::string_view rest = text;
  const auto decimal = take_decimal(rest);
  if (!decimal) return fail("");
  while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  if (rest.empty()) return fail(" (the currency is missing)");
  if (rest != "USD") return fail(" (the currency is USD)");
  const auto nano = scale(*decimal, 1'000'000'000, 1'000'000'000'000'000'000);
  if (!nano) return fail(" (at most nine decimals and 1000000000 USD)");
  return Money{*nano};
}

Parsed<std::uint64_t> parse_integer(std::string_view text, std::uint64_t max) {
  const auto fail = [&](std::string_view why) {
    return failure(fmt::format("expected a whole number, found {}{}", shown(text), why));
  };
  if (!text.empty() && text[0] == '-') return fail(" (it must not be negative)");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size())
    return fail(fmt::format(" (at most {})", max));
  if (error != std::errc{} || end != text.data() + text.size()) return fail("");
  if (text.size() > 1 && text[0] == '0') return fail(" (leading zeros are not allowed)");
  if (value > max) return fail(fmt::format(" (at most {})", max));
  return value;
}

Parsed<double> parse_number(std::string_view text) {
  const auto fail = [&] { return failure(fmt::format("expected a number such as 2 or 1.1, found {}", shown(text))); };
  for (char c : text) {
    if (!is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') return fail();
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail();                  // too large for a double: out of range, never infinity
  return value == 0 ? 0.0 : value;  // no negative zero
}

Parsed<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return failure(fmt::format("expected true or false, found {}", shown(text)));
}

Parsed<UnixNanos> parse_instant(std::string_view text) {
  if (const auto instant = parse_rfc3339(text)) return *instant;
  return failure(fmt::format("expected an instant in UTC such as 2026-01-01T00:00:00Z, found {}", shown(text)));
}

Parsed<Date> parse_date(std::string_view text) {
  if (text.size() == 10 && parse_rfc3339(std::string(text) + "T00:00:00Z")) return Date{std::string(text)};
  return failure(fmt::format("expected a day such as 2026-01-01, found {}", shown(text)));
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 100 || text[0] == '-') return false;
  for (char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
    if (!ok) return false;
  }
  return true;
}

std::string format_value(Duration value) {
  return format_duration(value);
}

std::string format_value(Rate value) {
  for (const Unit& unit : kRateUnits) {
    if (unit.size == value.per.ns) return fmt::format("{}/{}", decimal_text(value.micro_events, 6), unit.name);
  }
  return fmt::format("{}/{}", decimal_text(value.micro_events, 6), format_duration(value.per));
}

std::string format_value(Share value) {
  return decimal_text(value.ppb, 7) + "%";
}

std::string format_value(Bytes value) {
  for (const Unit& unit : kByteUnits) {
    if (unit.size > 0 && value.count != 0 && value.count % unit.size == 0)
      return fmt::format("{}{}", value.count / unit.size, unit.name);
  }
  return fmt::format("{}B", value.count);
}

std::string format_value(Money value) {
  return decimal_text(value.nano_dollars, 9) + " USD";
}
std::string format_value(double value) {
  return fmt::format("{}", value);
}

std::string format_value(UnixNanos value) {
  return format_rfc3339(value, value.ns % 1'000'000'000 == 0 ? 0 : 9);
}

bool less(Rate a, Rate b) {
  return static_cast<Int128>(a.micro_events) * b.per.ns < static_cast<Int128>(b.micro_events) * a.per.ns;
}

}  // namespace dvt::sim
