// The value types of the scenario language: what a key can hold. All are exact (integers, or doubles read by
// std::from_chars), comparable and immutable once read. Texts and units: scenario.md, second paragraph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/time.h"

namespace dvt::sim {

/// Where a value stands in the scenario file, counted from 1. Line 0: it came from `--set` or from a default.
/// Positions never take part in comparisons: two scenarios that differ only in layout are equal.
struct Source {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend constexpr bool operator==(Source, Source) { return true; }
};

constexpr Duration days(std::int64_t n) {
  return hours(dvt::detail::checked_mul(n, 24));
}

/// Events per interval, exact: `35/m` is {35'000'000, 1 min}. Never negative; at most 1e9 events per interval.
struct Rate {
  std::int64_t micro_events = 0;
  Duration per = seconds(1);
  bool operator==(const Rate&) const = default;
  constexpr bool is_zero() const { return micro_events == 0; }
  /// For draws of inter-arrival times; rounded once.
  double per_second() const { return static_cast<double>(micro_events) * 1e3 / static_cast<double>(per.ns); }
  /// Mean time between events, rounded down to whole nanoseconds (never 0). Precondition: !is_zero().
  Duration interval() const;
};
constexpr Rate per_second(std::int64_t events) {
  return {events * 1'000'000, seconds(1)};
}
constexpr Rate per_minute(std::int64_t events) {
  return {events * 1'000'000, minutes(1)};
}

/// A share in parts per billion: `30%` and `0.3` are 300'000'000. 0 to 1'000'000'000 unless a key says otherwise.
struct Share {
  std::int64_t ppb = 0;
  constexpr auto operator<=>(const Share&) const = default;
  constexpr double fraction() const { return static_cast<double>(ppb) / 1e9; }
};
constexpr Share percent(std::int64_t n) {
  return {n * 10'000'000};
}

/// Bytes: `64KiB` is 65'536, `10MB` is 10'000'000.
struct Bytes {
  std::int64_t count = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
};

/// Money in integer nano-dollars: `0.045 USD` is 45'000'000.
struct Money {
  std::int64_t nano_dollars = 0;
  constexpr auto operator<=>(const Money&) const = default;
};

/// A path of another file, already resolved: paths written in a scenario are relative to the scenario's folder,
/// paths given by `--set` to the working directory. Ready to be opened.
struct FilePath {
  std::string path;
  bool operator==(const FilePath&) const = default;
  bool empty() const { return path.empty(); }
};

/// The text of a calendar day, `2026-01-01`, checked.
struct Date {
  std::string text;
  bool operator==(const Date&) const = default;
};

/// A free-form value (signal payloads, workflow inputs) as compact JSON text, members in written order.
struct JsonText {
  std::string text = "{}";
  bool operator==(const JsonText&) const = default;
};

/// A distribution of durations as it was written, so that the resolved scenario repeats it. `build()` makes the
/// sampler. Forms and their members (scenario.md, "Distribution"):
///   constant{a} uniform{a=min, b=max} exponential{a=mean} normal{a=mean, b=sd} lognormal_quantiles{a=p50, b=p99}
///   lognormal_log{x=mu, y=sigma, a=unit} gamma{a=mean, x=cv} bimodal{parts[0]=fast, parts[1]=slow, share}
///   empirical_list{values} empirical_file{file, column, a=unit of bare numbers or 0}
struct Dist {
  enum class Form {
    constant,
    uniform,
    exponential,
    normal,
    lognormal_quantiles,
    lognormal_log,
    gamma,
    bimodal,
    empirical_list,
    empirical_file,
  };
  Form form = Form::constant;
  Duration a;
  Duration b;
  double x = 0;
  double y = 0;
  Share share;
  std::vector<Dist> parts;
  std::vector<Duration> values;
  FilePath file;
  std::string column;

  static Dist constant(Duration value);
  static Dist uniform(Duration min, Duration max);
  static Dist lognormal(Duration p50, Duration p99);
  static Dist lognormal_log(double mu, double sigma, Duration unit);

  bool operator==(const Dist&) const = default;
  bool is_constant() const { return form == Form::constant; }
  /// The sampler. Reads the file of `empirical: {file, column}`; throws dvt::Error when it cannot.
  Distribution build() const;
  /// The 99th percentile; nullopt when the values are in a file.
  std::optional<Duration> p99() const;
};

/// A map by name whose values have no name of their own, in written order (durations by size, labels …).
template <class T>
using NamedValues = std::vector<std::pair<std::string, T>>;

}  // namespace dvt::sim
