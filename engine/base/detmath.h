// Elementary functions with the same bits on every CPU and compiler (design §3). glibc picks FMA variants at run
// time, so libm is banned; these use + - * / sqrt and integer operations only, and the project is compiled with
// -ffp-contract=off. Accuracy is measured against MPFR by the tests; README.md states the largest errors seen.
#pragma once

#include <cstdint>

namespace dvt::detmath {

/// e^x. Overflow gives +inf, underflow goes through the subnormals to 0, NaN gives NaN.
double exp(double x);
/// Natural logarithm. log(0) is -inf, log of a negative number is NaN, log(inf) is inf.
double log(double x);
/// x^y for x >= 0 (pow(0, y) is 0, 1 or inf by y's sign). Negative x gives NaN: nothing here needs it.
double pow(double x, double y);

/// Radians, |x| <= 1e6: a programmer's error beyond, because the reduction would lose digits.
double sin(double x);
double cos(double x);

/// z with Phi(z) = p, for 0 < p < 1 (p = 0 and 1 give -inf and +inf; outside, NaN).
double inverse_normal_cdf(double p);
/// Phi(z) of the standard normal distribution. For means and quantiles in reports, not for sampling.
double normal_cdf(double z);
/// P(a, x): the share of a gamma distribution with shape a > 0 and scale 1 that lies below x. For reports.
double gamma_cdf(double a, double x);
/// I_x(a, b): the share of a beta distribution with a > 0 and b > 0 that lies below x. For reports.
double beta_cdf(double a, double b, double x);

/// Nearest integer, halves away from zero; saturates at the ends of int64, NaN gives 0.
std::int64_t round_to_int64(double x);
/// Largest integer not above x; saturates at the ends of int64, NaN gives 0.
std::int64_t floor_to_int64(double x);
/// Smallest integer not below x; saturates at the ends of int64, NaN gives 0.
std::int64_t ceil_to_int64(double x);

}  // namespace dvt::detmath
