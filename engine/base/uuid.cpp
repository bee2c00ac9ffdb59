#include "engine/base/uuid.h"

namespace dvt {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A hyphen stands before bytes 4, 6, 8 and 10.
constexpr bool hyphen_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

Uuid uuid_v4_from(std::uint64_t hi, std::uint64_t lo) {
  hi = (hi & ~std::uint64_t{0xf000}) | 0x4000;                       // version 4
  lo = (lo & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62);  // variant 10
  Uuid uuid;
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(hi >> (56 - 8 * i));
    uuid.bytes[8 + i] = static_cast<std::uint8_t>(lo >> (56 - 8 * i));
  }
  return uuid;
}

void write_uuid(const Uuid& uuid, char* out) {
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (hyphen_before(i)) *out++ = '-';
    *out++ = kHexDigits[uuid.bytes[i] >> 4];
    *out++ = kHexDigits[uuid.bytes[i] & 15];
  }
}

std::string to_string(const Uuid& uuid) {
  std::string text(36, '\0');
  write_uuid(uuid, text.data());
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (hyphen_before(i) && text[at++] != '-') return std::nullopt;
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return uuid;
}

}  // namespace dvt
