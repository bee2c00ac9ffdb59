// Small text helpers: "did you mean" suggestions and the key order of canonical JSON.
#pragma once

#include <span>
#include <string_view>

namespace dvt {

/// Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. ASCII case is ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known name nearest to `name`, or empty when none is near enough to be what was meant (a third of the longer
/// name's letters may differ). Of equally near ones the first wins.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// Orders UTF-8 texts as their UTF-16 code units compare (RFC 8785 §3.2.3); differs from byte order only where a
/// character above U+FFFF meets one in U+E000 to U+FFFF.
bool utf16_less(std::string_view a, std::string_view b);

}  // namespace dvt
