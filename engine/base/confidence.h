// Confidence intervals, for reports and for the rules that stop a study: Student's t for means, Clopper and Pearson's
// exact interval for shares. The same bits on every CPU, because a study's length hangs on them.
#pragma once

#include <cstdint>
#include <span>

namespace dvt::confidence {

struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// t with P(T <= t) = p for `degrees` of freedom. Precondition: 0 < p < 1, degrees >= 1.
double student_t_quantile(double p, std::int64_t degrees);

/// The mean and what surrounds it.
struct Mean {
  std::int64_t n = 0;
  double mean = 0;
  double half_width = 0;  // of the two-sided interval; 0 for n < 2, where nothing is known of the spread
  Interval interval() const { return {mean - half_width, mean + half_width}; }
};
/// Of independent observations, at `level` such as 0.95. Precondition: 0 < level < 1.
Mean mean(std::span<const double> values, double level);

/// The two-sided interval for a share, of which `hits` of `n` were seen (Clopper and Pearson: it covers at least
/// `level`). [0, 1] for n = 0. Precondition: 0 <= hits <= n, 0 < level < 1.
Interval share(std::int64_t hits, std::int64_t n, double level);
/// The one-sided upper bound for the same: 59 tries without a hit put the share below 5 % at level 0.95.
double share_at_most(std::int64_t hits, std::int64_t n, double level);
/// The one-sided lower bound: 29 hits in 29 tries put the share above 90 % at level 0.95.
double share_at_least(std::int64_t hits, std::int64_t n, double level);

}  // namespace dvt::confidence
