#include "engine/base/text.h"

#include <algorithm>
#include <vector>

namespace dvt {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the optimal string alignment table; row i holds the distances from a's first i letters.
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kLongestNameWorthComparing = 100;
  if (name.size() > kLongestNameWorthComparing) return {};
  std::string_view best;
  std::size_t best_distance = 0;
  for (std::string_view candidate : known) {
    const std::size_t limit = std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t shorter = std::min(name.size(), candidate.size());
    if (candidate.empty() || longer - shorter > limit) continue;
    const std::size_t distance = edit_distance(name, candidate);
    // As many edits as letters would make any name "near".
    if (distance > limit || distance >= longer) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool utf16_less(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
  if (at_a == a.begin() + static_cast<std::ptrdiff_t>(common)) return a.size() < b.size();
  const auto left = static_cast<unsigned char>(*at_a);
  const auto right = static_cast<unsigned char>(*at_b);
  // Lead bytes 0xEE and 0xEF begin U+E000 to U+FFFF; 0xF0 and above begin surrogate pairs, whose units are smaller.
  constexpr unsigned char kFirstAboveSurrogates = 0xee;
  constexpr unsigned char kFirstSupplementary = 0xf0;
  if (left >= kFirstAboveSurrogates && right >= kFirstAboveSurrogates) {
    const bool left_is_pair = left >= kFirstSupplementary;
    const bool right_is_pair = right >= kFirstSupplementary;
    if (left_is_pair != right_is_pair) return left_is_pair;
  }
  return left < right;
}

}  // namespace dvt
