// UUIDs. Version 4 ones are made from two words of a keyed random stream, so a run's id is the same in every replay.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dvt {

/// Sixteen bytes in the order they are written (RFC 4122, big-endian).
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
};

/// A version 4 UUID: `hi` then `lo`, most significant byte first, with the version and variant bits overwritten.
Uuid uuid_v4_from(std::uint64_t hi, std::uint64_t lo);

/// Writes 36 characters, lower case, no terminator.
void write_uuid(const Uuid& uuid, char* out);
std::string to_string(const Uuid& uuid);
/// Reads the 36-character form, hex of either case; any version. nullopt for anything else.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace dvt
