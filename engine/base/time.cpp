#include "engine/base/time.h"

#include <fmt/format.h>

#include <array>

namespace dvt {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

struct CivilDate {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 of a proleptic Gregorian date; years are counted from March so that the leap day is last.
std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
  const unsigned day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

CivilDate civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool read_digits(std::string_view text, std::size_t at, std::size_t count, std::int64_t& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

// `digits` decimal digits of `value` (leading zeros kept, higher digits dropped), then `after`.
void write_digits(char* out, unsigned value, unsigned digits, char after) {
  for (unsigned i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
  out[digits] = after;
}

}  // namespace

void append_rfc3339(std::string& out, UnixNanos instant, int fraction_digits) {
  DVT_ASSERT(fraction_digits >= 0 && fraction_digits <= 9, "RFC 3339 has at most nine fraction digits here");
  const std::int64_t total_seconds = floor_div(instant.ns, kNsPerSecond);
  const auto fraction = static_cast<unsigned>(instant.ns - total_seconds * kNsPerSecond);
  const std::int64_t days = floor_div(total_seconds, kSecondsPerDay);
  const auto second_of_day = static_cast<unsigned>(total_seconds - days * kSecondsPerDay);
  const CivilDate date = civil_from_days(days);  // int64 nanoseconds span the years 1677 to 2262: four digits
  char text[30];
  write_digits(text, static_cast<unsigned>(date.year), 4, '-');
  write_digits(text + 5, date.month, 2, '-');
  write_digits(text + 8, date.day, 2, 'T');
  write_digits(text + 11, second_of_day / 3600, 2, ':');
  write_digits(text + 14, second_of_day / 60 % 60, 2, ':');
  write_digits(text + 17, second_of_day % 60, 2, 'Z');
  std::size_t length = 20;
  if (fraction_digits > 0) {
    text[19] = '.';
    write_digits(text + 20, fraction, 9, 'Z');
    length = 21 + static_cast<std::size_t>(fraction_digits);
    text[length - 1] = 'Z';
  }
  out.append(text, length);
}

std::string format_rfc3339(UnixNanos instant, int fraction_digits) {
  std::string text;
  append_rfc3339(text, instant, fraction_digits);
  return text;
}

std::optional<UnixNanos> parse_rfc3339(std::string_view text) {
  std::int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shape = read_digits(text, 0, 4, year) && read_digits(text, 5, 2, month) && read_digits(text, 8, 2, day) &&
                     read_digits(text, 11, 2, hour) && read_digits(text, 14, 2, minute) &&
                     read_digits(text, 17, 2, second) && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                     text[13] == ':' && text[16] == ':' && text.size() >= 20 && text.back() == 'Z';
  if (!shape || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  if (year < 1970 || year > 2200) return std::nullopt;  // int64 nanoseconds end in 2262; leave room for long runs
  if (day < 1 || day > days_in_month(year, static_cast<unsigned>(month))) return std::nullopt;
  std::int64_t fraction = 0;
  if (text.size() > 20) {
    const std::size_t digits = text.size() - 21;
    if (text[19] != '.' || digits < 1 || digits > 9 || !read_digits(text, 20, digits, fraction)) return std::nullopt;
    for (std::size_t i = digits; i < 9; ++i) fraction *= 10;
  }
  const std::int64_t days = days_from_civil({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  return UnixNanos{((days * 24 + hour) * 60 + minute) * 60 * kNsPerSecond + second * kNsPerSecond + fraction};
}

std::string format_duration(Duration duration) {
  if (duration.ns == 0) return "0s";
  struct Unit {
    std::int64_t ns;
    const char* name;
  };
  constexpr std::array<Unit, 6> kUnits{{{86'400 * kNsPerSecond, "d"},
                                        {3'600 * kNsPerSecond, "h"},
                                        {60 * kNsPerSecond, "m"},
                                        {kNsPerSecond, "s"},
                                        {1'000'000, "ms"},
                                        {1'000, "us"}}};
  std::string text = duration.ns < 0 ? "-" : "";
  std::uint64_t rest =
      duration.ns < 0 ? 0 - static_cast<std::uint64_t>(duration.ns) : static_cast<std::uint64_t>(duration.ns);
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.ns);
    if (rest >= size) {
      text += fmt::format("{}{}", rest / size, unit.name);
      rest %= size;
    }
  }
  if (rest > 0) text += fmt::format("{}ns", rest);
  return text;
}

std::string format_seconds(Duration duration) {
  const bool negative = duration.ns < 0;
  const std::uint64_t ns =
      negative ? 0 - static_cast<std::uint64_t>(duration.ns) : static_cast<std::uint64_t>(duration.ns);
  std::string text = fmt::format("{}{}", negative ? "-" : "", ns / 1'000'000'000);
  std::uint64_t fraction = ns % 1'000'000'000;
  if (fraction == 0) return text;
  std::string digits = fmt::format("{:09}", fraction);
  while (digits.back() == '0') digits.pop_back();
  return text + "." + digits;
}

}  // namespace dvt
