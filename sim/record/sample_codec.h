// How a series' samples are packed: one blob holds a series' samples of two hours. Counters cost about two bytes a
// sample, standing values nearly nothing; every value comes back bit for bit (an absent one as NaN).
//
// The blob is a sequence of variable-length integers (7 bits a byte, least significant first, the high bit says that
// more follow). The two low bits of an operation say what it is, the rest is its argument n:
//   0  the value before, n times (n >= 1)
//   1  a whole number: the last whole number (0 at first) plus zigzag(n), where zigzag is 0, -1, 1, -2, 2 …
//   2  any double: the bits of the last value xor'ed with (the following integer << 8n), n <= 7
//   3  n = 0: an absent value; n = 1: the time step from here on is zigzag(the following integer) nanoseconds
// Operations 0, 1, 2 and 3/0 each yield samples. The first sample is at the chunk's first instant, each further one a
// step later. "The last value" is that of the last sample that was not absent, 0.0 at first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace dvt::sim {

struct Sample {
  Instant at;
  double value = 0;  // NaN: absent
};

class SampleEncoder {
 public:
  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  Instant first_at() const { return first_at_; }
  /// `at` strictly increases.
  void add(Instant at, double value);
  /// The blob of all samples added; the encoder is empty again.
  std::string take();

 private:
  void flush_repeats();

  std::string out_;
  std::uint64_t count_ = 0;
  std::uint64_t repeats_ = 0;
  Instant first_at_;
  Instant last_at_;
  std::int64_t step_ = 0;
  std::int64_t last_whole_ = 0;
  std::uint64_t last_bits_ = 0;
  bool last_absent_ = false;
};

/// Throws dvt::Error for bytes that are no such blob.
std::vector<Sample> decode_samples(std::string_view blob, Instant first_at);

}  // namespace dvt::sim
