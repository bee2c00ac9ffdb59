#include "sim/record/sample_codec.h"

#include <bit>
#include <cmath>  // exact: isnan
#include <limits>
#include <optional>

#include "engine/base/assert.h"
#include "engine/base/result.h"

namespace dvt::sim {
namespace {

constexpr double kWholeLimit = 9'007'199'254'740'992.0;  // 2^53: whole doubles below are exact as integers
constexpr std::size_t kMostSamples = 1 << 24;            // in one blob; a guard against damage

void put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// A double that is a whole number; -0.0 is none, or its sign would be lost.
std::optional<std::int64_t> whole(double value) {
  if (!(value > -kWholeLimit && value < kWholeLimit)) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(value);
  if (std::bit_cast<std::uint64_t>(static_cast<double>(integer)) != std::bit_cast<std::uint64_t>(value))
    return std::nullopt;
  return integer;
}

class Reader {
 public:
  explicit Reader(std::string_view blob) : blob_(blob) {}
  bool done() const { return at_ == blob_.size(); }
  std::uint64_t next() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (done()) break;
      const auto byte = static_cast<std::uint8_t>(blob_[at_++]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    throw Error("a sample chunk is damaged");
  }

 private:
  std::string_view blob_;
  std::size_t at_ = 0;
};

}  // namespace

void SampleEncoder::flush_repeats() {
  if (repeats_ == 0) return;
  put(out_, repeats_ << 2);
  repeats_ = 0;
}

void SampleEncoder::add(Instant at, double value) {
  if (count_ == 0) {
    first_at_ = at;
  } else {
    DVT_ASSERT(at > last_at_, "samples come in the order of time");
    const std::int64_t step = at.ns - last_at_.ns;
    if (step != step_) {
      flush_repeats();
      put(out_, (1U << 2) | 3U);
      put(out_, zigzag(step));
      step_ = step;
    }
  }
  last_at_ = at;
  const bool absent = std::isnan(value);
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const bool first = count_++ == 0;
  if (!first && absent == last_absent_ && (absent || bits == last_bits_)) {
    ++repeats_;
    return;
  }
  flush_repeats();
  last_absent_ = absent;
  if (absent) {
    put(out_, 3U);
    return;
  }
  // A difference of whole numbers below 2^53 keeps its two low bits free.
  if (const auto integer = whole(value)) {
    put(out_, (zigzag(*integer - last_whole_) << 2) | 1U);
    last_whole_ = *integer;
  } else {
    const std::uint64_t changed = bits ^ last_bits_;
    const unsigned zeros = changed == 0 ? 7U : static_cast<unsigned>(std::countr_zero(changed)) / 8;
    put(out_, (std::uint64_t{zeros} << 2) | 2U);
    put(out_, changed >> (8 * zeros));
  }
  last_bits_ = bits;
}

std::string SampleEncoder::take() {
  flush_repeats();
  std::string blob = std::move(out_);
  *this = SampleEncoder{};
  return blob;
}

std::vector<Sample> decode_samples(std::string_view blob, Instant first_at) {
  std::vector<Sample> samples;
  Reader reader(blob);
  std::int64_t step = 0;
  std::int64_t last_whole = 0;
  std::uint64_t last_bits = 0;
  bool absent = false;
  const auto emit = [&] {
    if (samples.size() >= kMostSamples || (!samples.empty() && step <= 0)) throw Error("a sample chunk is damaged");
    const Instant at = samples.empty() ? first_at : samples.back().at + Duration{step};
    samples.push_back({at, absent ? std::numeric_limits<double>::quiet_NaN() : std::bit_cast<double>(last_bits)});
  };
  while (!reader.done()) {
    const std::uint64_t operation = reader.next();
    const std::uint64_t n = operation >> 2;
    switch (operation & 3) {
      case 0:
        if (samples.empty() || n == 0) throw Error("a sample chunk is damaged");
        for (std::uint64_t i = 0; i < n; ++i) emit();
        break;
      case 1:
        if (__builtin_add_overflow(last_whole, unzigzag(n), &last_whole)) throw Error("a sample chunk is damaged");
        last_bits = std::bit_cast<std::uint64_t>(static_cast<double>(last_whole));
        absent = false;
        emit();
        break;
      case 2:
        if (n > 7) throw Error("a sample chunk is damaged");
        last_bits ^= reader.next() << (8 * n);
        absent = false;
        emit();
        break;
      default:
        if (n == 0) {
          absent = true;
          emit();
        } else if (n == 1) {
          step = unzigzag(reader.next());
        } else {
          throw Error("a sample chunk is damaged");
        }
    }
  }
  return samples;
}

}  // namespace dvt::sim
