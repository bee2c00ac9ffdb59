#!/usr/bin/env python3
"""Writes engine/base/detmath_tables.h: the constants of detmath, computed with mpmath at 60 digits.

Usage: detmath_tables.py | clang-format > detmath_tables.h. The output is committed; nothing runs this during a
build. It prints the approximation error of every polynomial and rational on stderr, as a power of two.
"""
import struct
import sys

from mpmath import (chebyfit, cos, erfc, erfinv, exp, findroot, floor, frexp, ldexp, log, lu_solve, matrix, mp, mpf,
                    nint, pi, polyval, sin, sqrt)

mp.dps = 60


def hexf(x):
    return float(x).hex()


def bits_of(x, bits):
    """x rounded to `bits` significant bits, as an exact mpf."""
    if x == 0:
        return mpf(0)
    _, e = frexp(x)
    return ldexp(nint(ldexp(x, bits - e)), e - bits)


def two_parts(x):
    hi = mpf(float(x))
    return hi, mpf(float(x - hi))


def report(name, error):
    print(f"{name}: 2^{float(log(error, 2)):.1f}", file=sys.stderr)


def emit(name, values, comment=None):
    if comment:
        print(f"// {comment}")
    body = ", ".join(hexf(v) for v in values)
    print(f"inline constexpr double {name}[{len(values)}] = {{{body}}};")


def scalar(name, value, comment):
    print(f"inline constexpr double {name} = {hexf(value)};  // {comment}")


def polynomial(name, f, interval, degree, comment):
    """Near-minimax (Chebyshev) fit, lowest coefficient first, with its error after rounding to doubles."""
    coefficients = [mpf(float(c)) for c in chebyfit(f, interval, degree + 1)]
    a, b = interval
    error = max(abs(polyval(coefficients, x) - f(x)) for x in (a + (b - a) * i / mpf(257) for i in range(258)))
    report(name, error)
    emit(name, coefficients[::-1], comment)


def rational(name, f, interval, n, d, comment, weight, rounds=16):
    """N(x)/D(x), D's constant term 1. Starts as the interpolation at Chebyshev nodes (linear in the coefficients) and
    then moves the nodes until the error's peaks are level: near-minimax in `weight` times the absolute error."""
    a, b = interval
    m = n + d + 1
    nodes = [a + (b - a) * (1 - cos(pi * (2 * i + 1) / (2 * m))) / 2 for i in range(m)]
    best = None
    for _ in range(rounds):
        A, rhs = matrix(m, m), matrix(m, 1)
        for i, x in enumerate(nodes):
            y = f(x)
            for j in range(n + 1):
                A[i, j] = x**j
            for j in range(1, d + 1):
                A[i, n + j] = -y * x**j
            rhs[i] = y
        solution = lu_solve(A, rhs)
        num = [solution[j] for j in range(n + 1)]
        den = [mpf(1)] + [solution[n + j] for j in range(1, d + 1)]
        ends = [a] + nodes + [b]
        gaps = [(ends[i], ends[i + 1] - ends[i]) for i in range(m + 1)]
        peaks = [max(abs(polyval(num[::-1], x) / polyval(den[::-1], x) - f(x)) * weight(x)
                     for x in (left + gap * k / mpf(16) for k in range(17))) for left, gap in gaps]
        if best is None or max(peaks) < best[0]:
            best = (max(peaks), num, den)
        level = sum(log(p) for p in peaks) / len(peaks)
        widths = [gap * exp((level - log(p)) / m) for (_, gap), p in zip(gaps, peaks)]
        position, nodes = a, []
        for width in widths[:-1]:
            position += width / sum(widths) * (b - a)
            nodes.append(position)
    num, den = ([mpf(float(c)) for c in part] for part in best[1:])
    error = max(abs(polyval(num[::-1], x) / polyval(den[::-1], x) - f(x)) * weight(x)
                for x in (a + (b - a) * k / mpf(500) for k in range(501)))
    report(name, error)
    emit(name + "Num", num, comment)
    emit(name + "Den", den)


print("""// Constants of detmath.cpp. Written by detmath_tables.py (mpmath, 60 digits); do not edit. Hexadecimal, so that no
// compiler's decimal conversion takes part.
#pragma once

#include <cstdint>

namespace dvt::detmath::tables {
""")

ln2 = log(mpf(2))

# --- exp: 2^(i/128), and ln2/128 in two parts. k*128 + i has at most 18 bits, so 35 bits of the first part keep
# their product exact.
N = 128
step_hi = bits_of(ln2 / N, 35)
step_lo = ln2 / N - step_hi
scalar("kExpInvStep", N / ln2, "128 / ln 2")
scalar("kExpStepHi", step_hi, "ln 2 / 128, 35 bits")
scalar("kExpStepLo", step_lo, "the rest of it")
polynomial("kExpPoly", lambda r: (exp(r) - 1 - r) / r**2 if r != 0 else mpf(1) / 2,
           [-ln2 / 256 * mpf("1.001"), ln2 / 256 * mpf("1.0011")], 3, "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 256")
print("""
struct ExpEntry {
  double tail;         // 2^(i/128) = value * (1 + tail)
  std::uint64_t bits;  // of value
};
inline constexpr ExpEntry kExpTable[128] = {""")
for i in range(N):
    exact = mpf(2) ** (mpf(i) / N)
    hi, _ = two_parts(exact)
    bits = struct.unpack("<Q", struct.pack("<d", float(hi)))[0]
    print(f"    {{{hexf((exact - hi) / hi)}, 0x{bits:016x}}},")
print("};\n")

# --- log: z in [0.6875, 1.375) falls into one of 128 cells; 1/c has at most 13 bits. The two cells at 1 take c = 1, so
# that log(1 + r) keeps its relative accuracy there.
ln2_hi = ldexp(floor(ldexp(ln2, 42)), -42)
scalar("kLn2Hi", ln2_hi, "ln 2 to 2^-42: k times it is exact")
scalar("kLn2Lo", ln2 - ln2_hi, "the rest of it")
polynomial("kLogPoly", lambda r: (log(1 + r) - r + r**2 / 2) / r**3 if abs(r) > mpf(10)**-30 else mpf(1) / 3,
           [mpf("-0.0047"), mpf(2)**-7], 6, "(log(1+r) - r + r^2/2) / r^3 for -0.0047 <= r <= 2^-7")
print("""
struct LogEntry {
  double inv_c;
  double log_c_hi;  // a multiple of 2^-42
  double log_c_lo;
};
inline constexpr std::uint64_t kLogOffset = 0x3fe6000000000000;  // bits of 0.6875
inline constexpr LogEntry kLogTable[128] = {""")
worst = mpf(0)
for i in range(N):
    def at(bits):
        return mpf(struct.unpack("<d", struct.pack("<Q", bits))[0])
    lo, hi = at(0x3FE6000000000000 + (i << 45)), at(0x3FE6000000000000 + ((i + 1) << 45))
    if lo == 1 or hi == 1:
        inv_c = mpf(1)
    else:
        inv_c = ldexp(nint(ldexp(2 / (lo + hi), 12)), -12)
        worst = max(worst, abs(lo * inv_c - 1), abs(hi * inv_c - 1))
    log_c = -log(inv_c)
    log_hi = ldexp(nint(ldexp(log_c, 42)), -42)
    print(f"    {{{hexf(inv_c)}, {hexf(log_hi)}, {hexf(log_c - log_hi)}}},")
print("};\n")
print(f"log: |r| <= {float(worst):.6f}", file=sys.stderr)

# --- sin, cos: pi/2 in three parts, k times the first two exact for |k| < 2^20.
p1 = bits_of(pi / 2, 33)
p2 = bits_of(pi / 2 - p1, 33)
scalar("kInvHalfPi", 2 / pi, "2 / pi")
scalar("kHalfPi1", p1, "pi / 2, 33 bits")
scalar("kHalfPi2", p2, "the next 33 bits")
scalar("kHalfPi3", pi / 2 - p1 - p2, "the rest of it")
top = (pi / 4) ** 2 * mpf("1.0001")


def sin_rest(t):
    if t < mpf(10)**-25:
        return mpf(-1) / 6
    r = sqrt(t)
    return (sin(r) / r - 1) / t


def cos_rest(t):
    if t < mpf(10)**-25:
        return mpf(1) / 24
    return (cos(sqrt(t)) - 1 + t / 2) / t**2


polynomial("kSinPoly", sin_rest, [mpf(0), top], 6, "(sin r / r - 1) / r^2 in r^2, |r| <= pi/4")
polynomial("kCosPoly", cos_rest, [mpf(0), top], 5, "(cos r - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4")
print()


# --- inverse normal: near the middle z = q (C + q^2 G(q^2)); in the tails z = r - S(r), r = sqrt(-2 log p).
def upper(z):
    """Q(z) = 1 - Phi(z)."""
    return erfc(z / sqrt(mpf(2))) / 2


c = sqrt(2 * pi)
c_hi = bits_of(c, 26)
scalar("kNormalSlopeHi", c_hi, "sqrt(2 pi), 26 bits")
scalar("kNormalSlopeLo", c - c_hi, "the rest of it")


def central(t):
    if t < mpf(10)**-25:
        return c**3 / 6
    q = sqrt(t)
    return (erfinv(2 * q) * sqrt(mpf(2)) / q - c) / t


edge = mpf("0.425") ** 2
rational("kNormalCentral", lambda s: central(edge - s), [mpf(0), edge], 7, 7,
         "G(0.425^2 - s): from the edge inwards all coefficients are positive",
         lambda s: (edge - s) / (c + (edge - s) * central(edge - s)), 25)


def tail(r):
    p = exp(-r * r / 2)
    z = findroot(lambda v: log(upper(v)) - log(p), r - (log(2 * pi) / 2 + log(r)) / r if r > 3 else r - mpf("0.8"))
    return r - z


start = ldexp(nint(ldexp(tail(mpf("2.25")), 40)), -40)
scalar("kNormalTailStart", start, "S(2.25) to 2^-40: subtracting it from r is exact")


def tail_slope(x):
    return (tail(x + mpf("2.25")) - start) / x


rational("kNormalTail", tail_slope, [mpf("0.02"), mpf("6.5")], 8, 8,
         "(S(2.25 + x) - S(2.25)) / x, 2.27 <= r <= 8.75", lambda x: x / (x + mpf("2.25") - tail(x + mpf("2.25"))))
rational("kNormalFar", lambda x: tail(x + 8), [mpf("0.6"), mpf(31)], 7, 7, "S(8 + x), 8.6 <= r <= 39",
         lambda x: 1 / (x + 8))

# --- normal cdf: 1 - Phi(z) = exp(-z^2/2) H(z), H smooth; in the variable s = 1/(1 + z/2).
def scaled_upper(s):
    z = 2 / s - 2
    return exp(z**2 / 2) * upper(z)


rational("kNormalCdf", scaled_upper, [1 / mpf(21), mpf(1)], 9, 8,
         "e^(z^2/2) (1 - Phi(z)) in s = 1/(1 + z/2), 0 <= z <= 40", lambda s: 1 / scaled_upper(s))

print("\n}  // namespace dvt::detmath::tables")
