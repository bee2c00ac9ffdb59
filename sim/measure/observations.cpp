// Nearest ranks, exact or from bins.
#include "sim/measure/observations.h"

#include <algorithm>
#include <bit>

namespace dvt::sim {

std::string_view to_string(PauseEnd end) {
  switch (end) {
    case PauseEnd::drained:
      return "drained";
    case PauseEnd::resume:
      return "RESUME";
    case PauseEnd::terminal:
      return "terminal";
    case PauseEnd::drain_timeout:
      return "drain_timeout";
    case PauseEnd::end_of_run:
      return "end";
  }
  DVT_ASSERT(false, "unknown end of a pause");
}

void Observations::bin(std::int64_t value) {
  const auto v = static_cast<std::uint64_t>(value);
  // Below 2^11 a bin holds one value; above, octave k holds [2^(k+10), 2^(k+11)) in 2^11 bins.
  const auto width = static_cast<unsigned>(std::bit_width(v));
  const unsigned shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
  const std::size_t octave = v < kSubBins ? 0 : shift + 1;
  auto& bins = octaves_[octave];
  if (!bins) bins = std::make_unique<Octave>();
  std::uint32_t& count = (*bins)[(v >> shift) & (kSubBins - 1)];
  ++count;
  DVT_ASSERT(count != 0, "a bin counted more than 2^32 observations");
}

void Observations::move_to_bins() {
  binned_ = true;
  for (const std::int64_t value : values_) bin(value);
  values_ = std::vector<std::int64_t>();  // `= {}` would keep the storage
}

std::size_t Observations::bytes() const {
  std::size_t bytes = values_.capacity() * sizeof(std::int64_t);
  for (const auto& octave : octaves_) bytes += octave ? sizeof(Octave) : 0;
  return bytes;
}

void Observations::close_window(WindowCount& windows, std::vector<BadWindow>& bad_windows) const {
  if (window_n_ == 0) return;
  ++windows.n;
  if (!p99_holds(window_good_, window_n_)) ++windows.failed;
  if (window_good_ < window_n_)
    bad_windows.push_back(
        {window_end_ - kWindow, window_n_, window_n_ - window_good_, window_first_bad_, window_last_bad_});
}

void Observations::next_window(Instant now) {
  close_window(windows_, bad_windows_);
  window_n_ = 0;
  window_good_ = 0;
  const Duration since = now > from_ ? now - from_ : Duration{};
  window_end_ = from_ + kWindow * (since.ns / kWindow.ns + 1);
}

std::int64_t Observations::nearest_rank(std::uint64_t percent) const {
  const std::uint64_t rank = (n_ * percent + 99) / 100;  // from 1
  if (!binned_) {
    std::vector<std::int64_t> copy = values_;
    const auto nth = copy.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(copy.begin(), nth, copy.end());
    return *nth;
  }
  std::uint64_t seen = 0;
  for (std::size_t octave = 0; octave < kOctaves; ++octave) {
    if (!octaves_[octave]) continue;
    for (std::size_t sub = 0; sub < kSubBins; ++sub) {
      seen += (*octaves_[octave])[sub];
      if (seen < rank) continue;
      std::uint64_t middle = sub;
      if (octave > 0) {
        const std::size_t shift = octave - 1;
        middle = ((kSubBins + sub) << shift) + ((std::uint64_t{1} << shift) >> 1);
      }
      return std::clamp(static_cast<std::int64_t>(middle), min_, max_);
    }
  }
  DVT_ASSERT(false, "the bins hold fewer values than were counted");
}

Percentiles Observations::percentiles() const {
  if (n_ == 0) return {};
  return {n_, Duration{nearest_rank(50)}, Duration{nearest_rank(99)}, Duration{max_}};
}

LatencySummary Observations::summary() const {
  LatencySummary out;
  out.threshold = threshold_;
  out.n = n_;
  out.good = good_;
  out.bad = n_ - good_;
  out.open = open_;
  out.percentiles = percentiles();
  out.exact = !binned_;
  out.windows = windows_;
  out.bad_windows = bad_windows_;
  close_window(out.windows, out.bad_windows);
  // A bin that straddles the threshold may be read on its wrong side; the integers decide.
  if (n_ > 0 && binned_) {
    Duration& p99 = out.percentiles.p99;
    const bool holds = p99_holds(good_, n_);
    if (holds && p99 > threshold_) p99 = threshold_;
    if (!holds && p99 <= threshold_) p99 = threshold_ + nanoseconds(1);
    out.percentiles.p50 = std::min(out.percentiles.p50, p99);
  }
  return out;
}

}  // namespace dvt::sim
