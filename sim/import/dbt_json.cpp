// Limits for artifacts, and null-tolerant member access.
#include "sim/import/dbt_json.h"

#include "engine/base/format.h"

namespace dvt::sim {

Result<json::Value, json::ParseError> parse_dbt_json(std::string_view text) {
  json::Limits limits;
  limits.max_depth = 200;
  limits.max_bytes = std::size_t{1} << 30;
  return json::parse(text, limits);
}

std::string describe(const json::ParseError& error) {
  return fmt::format("line {}, column {}: not JSON: {}", error.line, error.col, error.message);
}

std::string text_or(const json::Value& object, std::string_view key, std::string_view fallback) {
  const json::Value* member = object.find(key);
  const std::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string(fallback) : *text;
}

}  // namespace dvt::sim
