// Base64 (RFC 4648 §4, with padding): how payloads and their encodings stand in Temporal's JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dvt {

void append_base64(std::string& out, std::string_view bytes);
std::string to_base64(std::string_view bytes);
/// nullopt for anything but padded base64 without line breaks.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace dvt
