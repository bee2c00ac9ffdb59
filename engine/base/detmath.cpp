// exp, log and pow split their argument so that a table entry carries most of the result and a short polynomial the
// rest; sin and cos reduce by multiples of pi/2 kept in three parts. No fused multiply-add, so exact products are made
// by cutting operands to half their bits. Sums are written in the order in which they lose least: do not reorder.
#include "engine/base/detmath.h"

#include <bit>
#include <cmath>
#include <limits>

#include "engine/base/assert.h"
#include "engine/base/detmath_tables.h"

namespace dvt::detmath {
namespace {

using namespace tables;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Adding and subtracting it rounds to an integer, whose low bits then stand in the sum's low bits (1.5 * 2^52).
constexpr double kRoundShift = 0x1.8p52;

inline std::uint64_t bits_of(double x) {
  return std::bit_cast<std::uint64_t>(x);
}
inline double from_bits(std::uint64_t bits) {
  return std::bit_cast<double>(bits);
}

// The upper part of x with at most 26 significant bits: products of two such parts are exact.
inline double upper_part(double x) {
  return from_bits(bits_of(x) & 0xffff'ffff'f800'0000);
}

// ---- exp

// e^(x + tail) for |x| < 746 and a tail below x's last digits.
inline double exp_core(double x, double tail) {
  const double shifted = x * kExpInvStep + kRoundShift;
  const double count = shifted - kRoundShift;
  const auto quotient = static_cast<std::int64_t>(bits_of(shifted) - bits_of(kRoundShift));
  const double r = ((x - count * kExpStepHi) - count * kExpStepLo) + tail;
  const ExpEntry& entry = kExpTable[static_cast<std::uint64_t>(quotient) & 127];
  const std::int64_t k = quotient >> 7;
  const double r2 = r * r;
  const double rest = entry.tail + r + r2 * ((kExpPoly[0] + r * kExpPoly[1]) + r2 * (kExpPoly[2] + r * kExpPoly[3]));
  // Far enough from both ends that `scale * rest` is no subnormal either.
  if (k > -960 && k < 1023) [[likely]] {
    const double scale = from_bits(entry.bits + (static_cast<std::uint64_t>(k) << 52));
    return scale + scale * rest;
  }
  // Near the ends: compute 2^512 away and come back by a product that is exact or rounds into the subnormals.
  const std::int64_t away = k > 0 ? -512 : 512;
  const double scale = from_bits(entry.bits + (static_cast<std::uint64_t>(k + away) << 52));
  return (scale + scale * rest) * (k > 0 ? 0x1p512 : 0x1p-512);
}

constexpr double kExpOverflow = 709.782712893384;     // above: beyond the largest double
constexpr double kExpUnderflow = -745.1332191019412;  // below: less than half the smallest

// ---- log

struct LogParts {
  double k;
  const LogEntry* entry;
  double z_upper;  // z = z_upper + z_lower lies in [0.6875, 1.375)
  double z_lower;
};

// For positive finite x.
inline LogParts split_for_log(double x) {
  std::uint64_t bits = bits_of(x);
  std::int64_t extra = 0;
  if (bits < 0x0010'0000'0000'0000) [[unlikely]] {  // subnormal
    bits = bits_of(x * 0x1p52);
    extra = -52;
  }
  const std::uint64_t offset = bits - kLogOffset;
  const std::int64_t k = static_cast<std::int64_t>(offset) >> 52;
  const double z = from_bits(bits - (offset & 0xfff0'0000'0000'0000));
  const double z_upper = upper_part(z);
  return {static_cast<double>(k + extra), &kLogTable[(offset >> 45) & 127], z_upper, z - z_upper};
}

inline double log_poly(double r, double r2) {
  return (kLogPoly[0] + r * kLogPoly[1]) +
         r2 * ((kLogPoly[2] + r * kLogPoly[3]) + r2 * ((kLogPoly[4] + r * kLogPoly[5]) + r2 * kLogPoly[6]));
}

struct DoubleDouble {
  double hi;
  double lo;
};

// |a| >= |b| or a = 0.
inline DoubleDouble fast_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, (a - sum) + b};
}

inline DoubleDouble two_sum(double a, double b) {
  const double sum = a + b;
  const double b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// log x to about 2^-66 of its value, for pow. Positive finite x.
DoubleDouble log_extended(double x) {
  const LogParts parts = split_for_log(x);
  const LogEntry& e = *parts.entry;
  const DoubleDouble r = two_sum(parts.z_upper * e.inv_c - 1.0, parts.z_lower * e.inv_c);
  const double r_upper = upper_part(r.hi);
  const double square_hi = r_upper * r_upper;
  const double square_lo = (r.hi + r_upper) * (r.hi - r_upper) + 2.0 * r.hi * r.lo;
  const double r2 = r.hi * r.hi;
  const double cube = r.hi * r2 * log_poly(r.hi, r2);
  DoubleDouble sum = fast_two_sum(parts.k * kLn2Hi + e.log_c_hi, r.hi);
  const DoubleDouble with_square = two_sum(sum.hi, -0.5 * square_hi);
  const double lo = (((parts.k * kLn2Lo + e.log_c_lo) + r.lo) + (sum.lo + with_square.lo)) + (cube - 0.5 * square_lo);
  return fast_two_sum(with_square.hi, lo);
}

// ---- sin, cos

struct Reduced {
  double hi;  // |hi| <= pi/4
  double lo;
  std::uint64_t quadrant;
};

inline Reduced reduce(double x) {
  DVT_ASSERT(x >= -1e6 && x <= 1e6, "sin and cos take at most a million radians");
  const double count = (x * kInvHalfPi + kRoundShift) - kRoundShift;
  const double first = x - count * kHalfPi1;  // exact
  const DoubleDouble second = two_sum(first, -(count * kHalfPi2));
  const double lo = second.lo - count * kHalfPi3;
  const DoubleDouble r = fast_two_sum(second.hi, lo);
  return {r.hi, r.lo, static_cast<std::uint64_t>(static_cast<std::int64_t>(count))};
}

inline double sin_kernel(double r, double tail) {
  const double t = r * r;
  const double t2 = t * t;
  const double poly =
      (kSinPoly[0] + t * kSinPoly[1]) +
      t2 * ((kSinPoly[2] + t * kSinPoly[3]) + t2 * ((kSinPoly[4] + t * kSinPoly[5]) + t2 * kSinPoly[6]));
  return r + (r * t * poly + tail * (1.0 - 0.5 * t));
}

inline double cos_kernel(double r, double tail) {
  const double t = r * r;
  const double t2 = t * t;
  const double poly =
      (kCosPoly[0] + t * kCosPoly[1]) + t2 * ((kCosPoly[2] + t * kCosPoly[3]) + t2 * (kCosPoly[4] + t * kCosPoly[5]));
  const double half = 0.5 * t;
  const double top = 1.0 - half;
  return top + (((1.0 - top) - half) + (t2 * poly - r * tail));
}

// ---- the normal distribution

template <std::size_t N>
inline double horner(const double (&coefficients)[N], double x) {
  double sum = coefficients[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// Degree 7 in pairs: half the latency of Horner's chain.
inline double degree7(const double (&c)[8], double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return ((c[0] + x * c[1]) + x2 * (c[2] + x * c[3])) + x4 * ((c[4] + x * c[5]) + x2 * (c[6] + x * c[7]));
}

inline double degree8(const double (&c)[9], double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return ((c[0] + x * c[1]) + x2 * (c[2] + x * c[3])) + x4 * (((c[4] + x * c[5]) + x2 * (c[6] + x * c[7])) + x4 * c[8]);
}

constexpr double kCentralHalfWidth = 0.425;
constexpr double kCentralEdge = kCentralHalfWidth * kCentralHalfWidth;

// The positive z whose upper tail has probability p <= 0.075.
double upper_tail_quantile(double p) {
  const double v = -2.0 * log(p);
  const double r = std::sqrt(v);
  const double r_upper = upper_part(r);
  const double r_lower = r - r_upper;
  // What the square root lost.
  const double lost = (((v - r_upper * r_upper) - 2.0 * r_upper * r_lower) - r_lower * r_lower) / (2.0 * r);
  if (r < 8.7) [[likely]] {
    const double x = r - 2.25;
    return (r - kNormalTailStart) - (x * (degree8(kNormalTailNum, x) / degree8(kNormalTailDen, x)) - lost);
  }
  const double x = r - 8.0;
  return r - (degree7(kNormalFarNum, x) / degree7(kNormalFarDen, x) - lost);
}

// log of the gamma function for a > 0: Stirling's series after raising the argument to at least 10.
double log_gamma(double a) {
  double product = 1.0;
  while (a < 10.0) {
    product *= a;
    a += 1.0;
  }
  const double inv = 1.0 / a;
  const double inv2 = inv * inv;
  constexpr double kHalfLog2Pi = 0x1.d67f1c864beb5p-1;
  const double series =
      inv * (1.0 / 12 - inv2 * (1.0 / 360 - inv2 * (1.0 / 1260 - inv2 * (1.0 / 1680 - inv2 * (1.0 / 1188)))));
  return ((a - 0.5) * log(a) - a) + kHalfLog2Pi + series - log(product);
}

// I_x(a, b) by its continued fraction (Lentz's method, even and odd steps), for x at or below about the mean;
// `rest` is 1 - x.
double beta_lower_tail(double a, double b, double x, double rest) {
  const double front = exp(a * log(x) + b * log(rest) + log_gamma(a + b) - log_gamma(a) - log_gamma(b)) / a;
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return value > -kTiny && value < kTiny ? kTiny : value; };
  double c = 1.0;
  double d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
  double h = d;
  for (double m = 1.0; m < 100'000; m += 1.0) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
    d = 1.0 / away_from_zero(1.0 + even * d);
    c = away_from_zero(1.0 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
    d = 1.0 / away_from_zero(1.0 + odd * d);
    c = away_from_zero(1.0 + odd / c);
    const double change = d * c;
    h *= change;
    const double distance = change - 1.0;
    if (distance < 0x1p-52 && distance > -0x1p-52) break;
  }
  const double share = front * h;
  return share < 1.0 ? share : 1.0;
}

}  // namespace

double exp(double x) {
  if (x > kExpOverflow) return kInfinity;
  if (x < kExpUnderflow) return 0.0;
  if (x != x) return x;
  return exp_core(x, 0.0);
}

double log(double x) {
  const std::uint64_t bits = bits_of(x);
  if (bits - 1 >= 0x7ff0'0000'0000'0000 - 1) [[unlikely]] {  // zero, negative, infinite or NaN
    if (x == 0) return -kInfinity;
    return x == kInfinity ? x : kNan;
  }
  const LogParts parts = split_for_log(x);
  const LogEntry& e = *parts.entry;
  const double r_upper = parts.z_upper * e.inv_c - 1.0;  // exact
  const double r_lower = parts.z_lower * e.inv_c;        // exact
  const double r = r_upper + r_lower;
  const double r_lost = (r_upper - r) + r_lower;
  const double w = parts.k * kLn2Hi + e.log_c_hi;  // exact
  const double hi = w + r;
  const double lo = ((w - hi) + r) + (r_lost + (parts.k * kLn2Lo + e.log_c_lo));
  const double r2 = r * r;
  return hi + (lo + r2 * (r * log_poly(r, r2) - 0.5));
}

double pow(double x, double y) {
  if (y == 0 || x == 1) return 1.0;
  if (x != x || y != y || x < 0) return kNan;
  if (x == 0) return y > 0 ? 0.0 : kInfinity;
  const bool grows = (x > 1) == (y > 0);
  // Beyond 2^64 the exponent decides alone: |log x| is at least 2^-53. It also keeps the products below finite.
  if (x == kInfinity || y > 0x1p64 || y < -0x1p64) return grows ? kInfinity : 0.0;
  const DoubleDouble l = log_extended(x);
  const double y_upper = upper_part(y);
  const double y_lower = y - y_upper;
  const double l_upper = upper_part(l.hi);
  const double l_lower = l.hi - l_upper;
  const double product = y * l.hi;
  if (product > kExpOverflow + 1) return kInfinity;
  if (product < kExpUnderflow - 1) return 0.0;
  const double lost =
      (((y_upper * l_upper - product) + y_upper * l_lower) + y_lower * l_upper) + y_lower * l_lower + y * l.lo;
  const DoubleDouble exponent = fast_two_sum(product, lost);
  if (exponent.hi > kExpOverflow) return kInfinity;
  if (exponent.hi < kExpUnderflow) return 0.0;
  return exp_core(exponent.hi, exponent.lo);
}

double sin(double x) {
  const Reduced r = reduce(x);
  const double value = (r.quadrant & 1) != 0 ? cos_kernel(r.hi, r.lo) : sin_kernel(r.hi, r.lo);
  return (r.quadrant & 2) != 0 ? -value : value;
}

double cos(double x) {
  const Reduced r = reduce(x);
  const double value = (r.quadrant & 1) != 0 ? sin_kernel(r.hi, r.lo) : cos_kernel(r.hi, r.lo);
  return ((r.quadrant + 1) & 2) != 0 ? -value : value;
}

double inverse_normal_cdf(double p) {
  const double q = p - 0.5;
  if (q >= -kCentralHalfWidth && q <= kCentralHalfWidth) [[likely]] {
    const double t = q * q;
    const double s = kCentralEdge - t;
    const double g = degree7(kNormalCentralNum, s) / degree7(kNormalCentralDen, s);
    const double q_upper = upper_part(q);
    return q_upper * kNormalSlopeHi + ((q - q_upper) * kNormalSlopeHi + q * (kNormalSlopeLo + t * g));
  }
  if (!(p > 0 && p < 1)) {
    if (p == 0) return -kInfinity;
    return p == 1 ? kInfinity : kNan;
  }
  return q < 0 ? -upper_tail_quantile(p) : upper_tail_quantile(1.0 - p);
}

double normal_cdf(double z) {
  if (z != z) return z;
  const double x = z < 0 ? -z : z;
  double upper = 0;
  if (x < 39) {
    const double s = 1.0 / (1.0 + 0.5 * x);
    // e^(-x^2/2) in two factors, so that rounding x^2 costs no digits.
    const double x_upper = upper_part(x);
    const double gauss = exp(-0.5 * x_upper * x_upper) * exp(-0.5 * (x - x_upper) * (x + x_upper));
    upper = gauss * (horner(kNormalCdfNum, s) / horner(kNormalCdfDen, s));
  }
  return z < 0 ? upper : 1.0 - upper;
}

double gamma_cdf(double a, double x) {
  DVT_ASSERT(a > 0 && a < kInfinity, "a gamma distribution's shape is positive and finite");
  if (!(x > 0)) return 0.0;
  if (x == kInfinity) return 1.0;
  const double front = exp(a * log(x) - x - log_gamma(a));
  constexpr double kEnough = 0x1p-54;
  if (x < a + 1.0) {  // the series of the lower part
    double term = 1.0 / a;
    double sum = term;
    for (double n = a + 1.0; term > sum * kEnough; n += 1.0) {
      term *= x / n;
      sum += term;
    }
    const double share = front * sum;
    return share < 1.0 ? share : 1.0;
  }
  // The continued fraction of the upper part, by Lentz's method.
  double b = x + 1.0 - a;
  double c = 1e300;
  double d = 1.0 / b;
  double h = d;
  for (double i = 1.0;; i += 1.0) {
    const double step = -i * (i - a);
    b += 2.0;
    d = 1.0 / (step * d + b);
    c = b + step / c;
    const double change = d * c;
    h *= change;
    const double distance = change - 1.0;
    if (distance < 4 * kEnough && distance > -4 * kEnough) break;
  }
  const double share = 1.0 - front * h;
  return share > 0.0 ? share : 0.0;
}

double beta_cdf(double a, double b, double x) {
  DVT_ASSERT(a > 0 && b > 0 && a < kInfinity && b < kInfinity, "a beta distribution's shapes are positive and finite");
  if (!(x > 0)) return 0.0;
  if (!(x < 1)) return 1.0;
  // The fraction converges fast below the mean only; above it, the other tail is the small one.
  if (x > (a + 1.0) / (a + b + 2.0)) {
    const double share = 1.0 - beta_lower_tail(b, a, 1.0 - x, x);
    return share > 0.0 ? share : 0.0;
  }
  return beta_lower_tail(a, b, x, 1.0 - x);
}

std::int64_t round_to_int64(double x) {
  if (!(x > -0x1p63)) return x == x ? std::numeric_limits<std::int64_t>::min() : 0;
  if (x >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
  const auto whole = static_cast<std::int64_t>(x);     // towards zero
  const double rest = x - static_cast<double>(whole);  // exact; 0 from 2^52 on
  return whole + static_cast<std::int64_t>(rest >= 0.5) - static_cast<std::int64_t>(rest <= -0.5);
}

std::int64_t floor_to_int64(double x) {
  if (!(x > -0x1p63)) return x == x ? std::numeric_limits<std::int64_t>::min() : 0;
  if (x >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
  const auto whole = static_cast<std::int64_t>(x);
  return static_cast<double>(whole) > x ? whole - 1 : whole;
}

std::int64_t ceil_to_int64(double x) {
  if (!(x > -0x1p63)) return x == x ? std::numeric_limits<std::int64_t>::min() : 0;
  if (x >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
  const auto whole = static_cast<std::int64_t>(x);
  return static_cast<double>(whole) < x ? whole + 1 : whole;
}

}  // namespace dvt::detmath
