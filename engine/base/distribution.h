// Distribution: what a scenario's <dist> means (scenario language, "Distribution"). A value; copying is cheap.
// Every draw is rounded to whole nanoseconds at once, never negative and never above kMax, so no floating-point
// value outlives the draw. Built on detmath only: the same words give the same draws everywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/bits.h"
#include "engine/base/time.h"

namespace dvt {

class Distribution {
 public:
  /// Draws are cut off here instead of overflowing: ten years of 365 days.
  static constexpr Duration kMax{315'360'000'000'000'000};
  /// Limits of gamma's cv: below, use a normal or a constant; above, nearly every draw is 0.
  static constexpr double kMinGammaCv = 0.001;
  static constexpr double kMaxGammaCv = 100.0;

  /// Always zero.
  Distribution() : kind_(Constant{0}) {}

  // Factories. Arguments must be what the scenario reader accepts, as stated; anything else is a programmer's error.
  // Durations are from 0 to kMax.

  /// Draws no word.
  static Distribution constant(Duration value);
  /// Whole nanoseconds from min to max inclusive; min <= max. One word.
  static Distribution uniform(Duration min, Duration max);
  /// One word.
  static Distribution exponential(Duration mean);
  /// Cut at 0: a negative draw counts as 0 (so the mean lies a little above `mean`). One word.
  static Distribution normal(Duration mean, Duration sd);
  /// 0 < p50 <= p99. Exactly one word, through the inverse normal: common random numbers hold across parameters.
  static Distribution lognormal(Duration p50, Duration p99);
  /// exp(N(mu, sigma)) units; unit > 0, sigma >= 0, all finite. One word.
  static Distribution lognormal(double mu, double sigma, Duration unit);
  /// cv = standard deviation / mean, kMinGammaCv to kMaxGammaCv; mean > 0. A varying number of words.
  static Distribution gamma(Duration mean, double cv);
  /// `slow` with probability slow_share (0 to 1), else `fast`. One word for the choice, then the chosen one's.
  static Distribution bimodal(Distribution fast, Distribution slow, double slow_share);
  /// One of `values` with equal chance; not empty. One word.
  static Distribution empirical(std::vector<Duration> values);

  /// One draw, 0 to kMax.
  Duration sample(BitSource& bits) const;

  /// Expectation of sample(), with the cut at 0 (normal) but before the cut at kMax.
  Duration mean() const;
  /// Smallest value with at least the share q of draws at or below it; 0 < q < 1.
  Duration quantile(double q) const;
  /// In the scenario language's notation, e.g. {lognormal: {p50: 2ms, p99: 8ms}}; a constant is bare (250ms). An
  /// empirical one with many values is abbreviated.
  std::string describe() const;
  /// True if every draw is the same value (then mean() is that value).
  bool is_constant() const;

  bool operator==(const Distribution& other) const;

 private:
  struct Constant {
    std::int64_t ns;
    bool operator==(const Constant&) const = default;
  };
  struct Uniform {
    std::int64_t min_ns;
    std::int64_t max_ns;
    bool operator==(const Uniform&) const = default;
  };
  struct Exponential {
    double mean_ns;
    bool operator==(const Exponential&) const = default;
  };
  struct Normal {
    double mean_ns;
    double sd_ns;
    bool operator==(const Normal&) const = default;
  };
  // `unit` 0: given by p50 and p99; otherwise by mu, sigma and unit. Kept to describe it as it was given.
  struct Lognormal {
    double median_ns;
    double sigma;
    double given_mu;
    std::int64_t p99_ns;
    std::int64_t unit_ns;
    bool operator==(const Lognormal&) const = default;
  };
  // Marsaglia and Tsang's squeeze: d and c belong to the shape raised to at least 1.
  struct Gamma {
    double mean_ns;
    double cv;
    double shape;
    double scale_ns;
    double d;
    double c;
    bool operator==(const Gamma&) const = default;
  };
  struct Bimodal {
    std::shared_ptr<const Distribution> fast;
    std::shared_ptr<const Distribution> slow;
    double slow_share;
    bool operator==(const Bimodal& other) const;
  };
  struct Empirical {
    std::shared_ptr<const std::vector<std::int64_t>> values_ns;  // as given: the index is drawn, so order is kept
    bool operator==(const Empirical& other) const;
  };
  using Kind = std::variant<Constant, Uniform, Exponential, Normal, Lognormal, Gamma, Bimodal, Empirical>;

  explicit Distribution(Kind kind) : kind_(std::move(kind)) {}
  double mean_ns() const;
  /// Share of draws at or below `ns`.
  double share_below(double ns) const;

  Kind kind_;
};

}  // namespace dvt
