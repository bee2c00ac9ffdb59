// The few JSON habits the readers of dbt's artifacts share.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace dvt::sim {

/// Parses an artifact; they may be large (hundreds of MiB) and nest deeply.
Result<json::Value, json::ParseError> parse_dbt_json(std::string_view text);

/// The parser's error as a sentence with line and column.
std::string describe(const json::ParseError& error);

/// The string member `key` of an object, or `fallback` when it is absent or no string.
std::string text_or(const json::Value& object, std::string_view key, std::string_view fallback);

}  // namespace dvt::sim
