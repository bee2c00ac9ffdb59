// Observations of one latency against a threshold: exact integers for the verdict, nearest-rank quantiles for display.
// Up to `exact_limit` values are kept as they are; above that they are counted in log-linear bins (2,048 a power of
// two, relative error at most 2^-12), so memory is flat over a month. Rules: domain §13.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

/// 100·good >= 99·n: the integer rule of a p99 objective.
constexpr bool p99_holds(std::uint64_t good, std::uint64_t n) {
  return 100 * good >= 99 * n;
}

class Observations {
 public:
  static constexpr std::size_t kExactLimit = 65'536;
  static constexpr Duration kWindow = minutes(5);

  /// Windows of five minutes are counted from `from`.
  Observations(Duration threshold, Instant from, std::size_t exact_limit = kExactLimit)
      : threshold_(threshold), from_(from), exact_limit_(exact_limit) {}

  /// An observation that ended now. `value` >= 0.
  void add(Duration value, Instant now) {
    const bool good = value <= threshold_;
    count(good, now);
    store(value.ns);
  }
  /// One that failed: bad whatever it took. It ranks above the threshold, so quantiles agree with the verdict.
  void add_bad(Duration value, Instant now) {
    count(false, now);
    store(value > threshold_ ? value.ns : threshold_.ns + 1);
  }
  /// One that is still open at the end. Counted, as bad, only when it is older than the threshold.
  void add_open(Duration age, Instant end) {
    if (age <= threshold_) return;
    add_bad(age, end);
    ++open_;
  }

  std::uint64_t n() const { return n_; }
  /// Memory held for values and bins, a measure of flatness.
  std::size_t bytes() const;
  std::uint64_t good() const { return good_; }
  Duration threshold() const { return threshold_; }
  LatencySummary summary() const;
  Percentiles percentiles() const;

 private:
  static constexpr unsigned kSubBits = 11;
  static constexpr std::size_t kSubBins = std::size_t{1} << kSubBits;
  static constexpr std::size_t kOctaves = 63 - kSubBits + 1;
  using Octave = std::array<std::uint32_t, kSubBins>;  // half the cache misses of 64 bits; overflow is asserted

  void count(bool good, Instant now) {
    if (now >= window_end_) next_window(now);
    ++n_;
    ++window_n_;
    if (good) {
      ++good_;
      ++window_good_;
    } else {
      if (window_n_ == window_good_ + 1) window_first_bad_ = now;
      window_last_bad_ = now;
    }
  }
  void store(std::int64_t value) {
    DVT_ASSERT(value >= 0, "an observation took a negative time");
    if (value > max_) max_ = value;
    if (value < min_) min_ = value;
    if (binned_) {
      bin(value);
    } else {
      values_.push_back(value);
      if (values_.size() > exact_limit_) move_to_bins();
    }
  }
  void bin(std::int64_t value);
  void move_to_bins();
  void next_window(Instant now);
  /// The window that is open, if it is one to tell of.
  void close_window(WindowCount& windows, std::vector<BadWindow>& bad_windows) const;
  std::int64_t nearest_rank(std::uint64_t percent) const;

  Duration threshold_;
  Instant from_;
  std::size_t exact_limit_;
  std::uint64_t n_ = 0;
  std::uint64_t good_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t window_n_ = 0;
  std::uint64_t window_good_ = 0;
  Instant window_end_{INT64_MIN};
  Instant window_first_bad_;
  Instant window_last_bad_;
  WindowCount windows_;
  std::vector<BadWindow> bad_windows_;
  bool binned_ = false;
  std::int64_t min_ = INT64_MAX;
  std::int64_t max_ = 0;
  std::vector<std::int64_t> values_;
  std::array<std::unique_ptr<Octave>, kOctaves> octaves_;
};

}  // namespace dvt::sim
