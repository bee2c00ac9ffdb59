#include "engine/base/confidence.h"

#include <cmath>  // exact: sqrt only, which IEEE 754 rounds correctly

#include "engine/base/assert.h"
#include "engine/base/detmath.h"

namespace dvt::confidence {
namespace {

// The x in [low, high] at which a growing function reaches `target`, to the last bit that halving can tell.
template <class F>
double where_reaches(double target, double low, double high, F growing) {
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (growing(middle) < target) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low + (high - low) / 2;
}

double beta_quantile(double p, double a, double b) {
  return where_reaches(p, 0.0, 1.0, [&](double x) { return detmath::beta_cdf(a, b, x); });
}

void check(std::int64_t hits, std::int64_t n, double level) {
  DVT_ASSERT(hits >= 0 && hits <= n && level > 0 && level < 1, "a share is of so many hits in so many tries");
}

}  // namespace

double student_t_quantile(double p, std::int64_t degrees) {
  DVT_ASSERT(p > 0 && p < 1 && degrees >= 1, "a quantile of Student's t needs 0 < p < 1 and a degree of freedom");
  if (p == 0.5) return 0.0;
  if (p < 0.5) return -student_t_quantile(1.0 - p, degrees);
  const double v = static_cast<double>(degrees);
  // P(T > t) is half the beta tail below v / (v + t^2).
  const double x = beta_quantile(2.0 * (1.0 - p), v / 2, 0.5);
  return std::sqrt(v * (1.0 - x) / x);
}

Mean mean(std::span<const double> values, double level) {
  Mean out;
  out.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return out;
  const double n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  out.mean = sum / n;
  if (values.size() < 2) return out;
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  out.half_width = student_t_quantile(0.5 + level / 2, out.n - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

Interval share(std::int64_t hits, std::int64_t n, double level) {
  check(hits, n, level);
  const double tail = (1.0 - level) / 2;
  const double k = static_cast<double>(hits);
  const double rest = static_cast<double>(n - hits);
  return {hits == 0 ? 0.0 : beta_quantile(tail, k, rest + 1), hits == n ? 1.0 : beta_quantile(1.0 - tail, k + 1, rest)};
}

double share_at_most(std::int64_t hits, std::int64_t n, double level) {
  check(hits, n, level);
  if (hits == n) return 1.0;
  return beta_quantile(level, static_cast<double>(hits) + 1, static_cast<double>(n - hits));
}

double share_at_least(std::int64_t hits, std::int64_t n, double level) {
  return 1.0 - share_at_most(n - hits, n, level);  // of what is no hit
}

}  // namespace dvt::confidence
