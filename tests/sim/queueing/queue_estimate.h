// A queue fed by a Poisson stream, measured: mean time in the system with its 99.9 % confidence interval from the means
// of a hundred batches, and the theory to hold it against. What is measured is the product's own code: the caller
// hands in a server.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>

#include "engine/base/distribution.h"
#include "engine/ports/random.h"
#include "sim/kernel/kernel.h"

namespace dvt::sim::queueing {

struct Estimate {
  double mean = 0;        // seconds
  double half_width = 0;  // of the 99.9 % interval
  bool holds(double value) const { return std::abs(value - mean) <= half_width; }
  double relative_half_width() const { return half_width / mean; }
};

/// Student's t for 99 degrees of freedom, both sides 99.9 %.
inline constexpr double kStudent = 3.3915;
inline constexpr std::size_t kBatches = 100;

template <std::size_t n>
Estimate estimate(const std::array<double, n>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, kStudent * std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n))};
}

/// Means of the time in the system over kBatches batches of successive customers, by departure; the first hundredth is
/// left out.
class BatchMeans {
 public:
  explicit BatchMeans(std::uint64_t customers) : skip_(customers / 100), each_((customers - skip_) / kBatches) {}
  void left(Duration in_system) {
    if (seen_++ < skip_) return;
    const std::size_t batch = static_cast<std::size_t>((seen_ - 1 - skip_) / each_);
    if (batch < kBatches) sums_.at(batch) += in_system.ns;
  }
  Estimate result() const {
    std::array<double, kBatches> means{};
    for (std::size_t i = 0; i < kBatches; ++i)
      means.at(i) = static_cast<double>(sums_.at(i)) / 1e9 / static_cast<double>(each_);
    return estimate(means);
  }

 private:
  std::uint64_t skip_;
  std::uint64_t each_;
  std::uint64_t seen_ = 0;
  std::array<std::int64_t, kBatches> sums_{};
};

/// Customers 0 to n - 1 at the gaps of a Poisson stream.
class PoissonStream {
 public:
  PoissonStream(Kernel& kernel, const Random& random, Duration mean_gap, std::uint64_t customers,
                std::function<void(std::uint64_t)> arrive)
      : kernel_(kernel),
        random_(random),
        gap_(Distribution::exponential(mean_gap)),
        customers_(customers),
        arrive_(std::move(arrive)) {
    next(0);
  }

 private:
  void next(std::uint64_t customer) {
    if (customer >= customers_) return;
    Draws draws(random_, Purpose::arrival_gap, customer);
    kernel_.call_after(gap_.sample(draws), [this, customer] {
      arrive_(customer);
      next(customer + 1);
    });
  }

  Kernel& kernel_;
  const Random& random_;
  Distribution gap_;
  std::uint64_t customers_;
  std::function<void(std::uint64_t)> arrive_;
};

/// Mean time in an M/M/c system, in mean service times (Erlang's C formula).
inline double mmc_time(unsigned servers, double load) {
  const double offered = load * servers;
  double blocked = 1;  // Erlang B, by its recursion over the number of servers
  for (unsigned c = 1; c <= servers; ++c) blocked = offered * blocked / (c + offered * blocked);
  const double waits = blocked / (1 - load * (1 - blocked));
  return 1 + waits / (servers * (1 - load));
}

/// Mean time in an M/D/1 system, in service times (Pollaczek and Khinchine).
inline double md1_time(double load) {
  return 1 + load / (2 * (1 - load));
}

}  // namespace dvt::sim::queueing
