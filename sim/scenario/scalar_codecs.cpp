// Codecs of scalars and of free-form values, with the notation and the schema of each.
#include "engine/base/format.h"

#include "sim/scenario/codec.h"

namespace dvt::sim {

json::Value text_schema(std::string_view pattern) {
  return json::Object{{"type", "string"}, {"pattern", pattern}};
}

TypeInfo scalar_type(std::string name, std::string notation, json::Value schema) {
  TypeInfo info;
  info.name = std::move(name);
  info.notation = std::move(notation);
  info.schema = std::move(schema);
  return info;
}

const TypeInfo& Codec<Duration>::type() {
  static const TypeInfo info = scalar_type("duration", "250us 250ms 90s 30m 2h 7d, sums such as 1h30m",
                                           text_schema("^([0-9]+(\\.[0-9]+)?(d|h|m|s|ms|us|ns))+$"));
  return info;
}

const TypeInfo& Codec<Rate>::type() {
  static const TypeInfo info = scalar_type("rate", "35/m 400/s 2/w", text_schema("^[0-9]+(\\.[0-9]+)?/(s|m|h|d|w)$"));
  return info;
}

const TypeInfo& Codec<Share>::type() {
  static const TypeInfo info = scalar_type(
      "share", "30% or 0.3",
      json::Object{{"anyOf", json::Array{text_schema("^[0-9]+(\\.[0-9]+)?%?$"),
                                         json::Object{{"type", "number"}, {"minimum", 0}, {"maximum", 1}}}}});
  return info;
}

const TypeInfo& Codec<Bytes>::type() {
  static const TypeInfo info =
      scalar_type("size", "64KiB 10MB", text_schema("^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"));
  return info;
}

const TypeInfo& Codec<Money>::type() {
  static const TypeInfo info = scalar_type("amount", "0.045 USD", text_schema("^[0-9]+(\\.[0-9]+)? *USD$"));
  return info;
}

const TypeInfo& Codec<double>::type() {
  static const TypeInfo info = scalar_type("number", "2 or 1.1", json::Object{{"type", "number"}});
  return info;
}

const TypeInfo& Codec<UnixNanos>::type() {
  static const TypeInfo info = scalar_type("instant", "RFC 3339 in UTC, 2026-01-01T00:00:00Z",
                                           json::Object{{"type", "string"}, {"format", "date-time"}});
  return info;
}

bool Codec<bool>::read(Reading& reading, const Node& node, bool& out) {
  const std::string* text = expect_scalar(reading, node, type());
  return text != nullptr && take(reading, node, parse_bool(*text), out);
}
Node Codec<bool>::write(const bool& value, const WriteContext&) {
  return Node::scalar(value ? "true" : "false");
}
const TypeInfo& Codec<bool>::type() {
  static const TypeInfo info = scalar_type("switch", "true | false", json::Object{{"type", "boolean"}});
  return info;
}

bool Codec<std::int64_t>::read(Reading& reading, const Node& node, std::int64_t& out) {
  constexpr std::uint64_t kMax = 1'000'000'000'000;
  std::uint64_t value = 0;
  const std::string* text = expect_scalar(reading, node, type());
  if (text == nullptr || !take(reading, node, parse_integer(*text, kMax), value)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}
Node Codec<std::int64_t>::write(const std::int64_t& value, const WriteContext&) {
  return Node::scalar(fmt::format("{}", value));
}
const TypeInfo& Codec<std::int64_t>::type() {
  static const TypeInfo info =
      scalar_type("whole number", "0, 1, 42", json::Object{{"type", "integer"}, {"minimum", 0}});
  return info;
}

bool Codec<std::uint64_t>::read(Reading& reading, const Node& node, std::uint64_t& out) {
  const std::string* text = expect_scalar(reading, node, type());
  return text != nullptr && take(reading, node, parse_integer(*text, UINT64_MAX), out);
}
Node Codec<std::uint64_t>::write(const std::uint64_t& value, const WriteContext&) {
  return Node::scalar(fmt::format("{}", value));
}
const TypeInfo& Codec<std::uint64_t>::type() {
  static const TypeInfo info =
      scalar_type("whole number", "up to 18446744073709551615", json::Object{{"type", "integer"}, {"minimum", 0}});
  return info;
}

bool Codec<std::string>::read(Reading& reading, const Node& node, std::string& out) {
  const std::string* text = expect_scalar(reading, node, type());
  if (text == nullptr) return false;
  out = *text;
  return true;
}
Node Codec<std::string>::write(const std::string& value, const WriteContext&) {
  return Node::string(value);
}
const TypeInfo& Codec<std::string>::type() {
  static const TypeInfo info =
      scalar_type("text", "free text", json::Object{{"type", json::Array{"string", "number", "boolean"}}});
  return info;
}

bool Codec<Date>::read(Reading& reading, const Node& node, Date& out) {
  const std::string* text = expect_scalar(reading, node, type());
  return text != nullptr && take(reading, node, parse_date(*text), out);
}
Node Codec<Date>::write(const Date& value, const WriteContext&) {
  return Node::scalar(value.text);
}
const TypeInfo& Codec<Date>::type() {
  static const TypeInfo info = scalar_type("day", "2026-01-01", json::Object{{"type", "string"}, {"format", "date"}});
  return info;
}

bool Codec<FilePath>::read(Reading& reading, const Node& node, FilePath& out) {
  const std::string* text = expect_scalar(reading, node, type());
  if (text == nullptr) return false;
  out.path = text->empty() ? std::string() : reading.resolve(*text, node.mark);
  return true;
}

Node Codec<FilePath>::write(const FilePath& value, const WriteContext& context) {
  const std::filesystem::path path(value.path);
  if (value.path.empty() || path.is_absolute() || context.directory.empty()) return Node::string(value.path);
  const std::filesystem::path directory = std::filesystem::path(context.directory).lexically_normal();
  // From a folder outside the working directory a relative path would need the names of the folders on the way up.
  const bool outside = directory.is_absolute() || (!directory.empty() && *directory.begin() == "..");
  if (outside) return Node::string(std::filesystem::absolute(path).lexically_normal().string());
  return Node::string(path.lexically_relative(directory).string());
}

const TypeInfo& Codec<FilePath>::type() {
  static const TypeInfo info = scalar_type(
      "file", "a path relative to the scenario; in --set, to the working directory", json::Object{{"type", "string"}});
  return info;
}

namespace {

json::Value to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::sequence: {
      json::Array array;
      for (const Node& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case Node::Kind::mapping: {
      json::Object object;
      for (std::size_t i = 0; i < node.items.size(); ++i) object.set(node.keys[i].text, to_json(node.items[i]));
      return object;
    }
    case Node::Kind::scalar:
      break;
  }
  // A plain scalar that is a JSON literal keeps its JSON type; everything else is a text.
  if (!node.quoted) {
    const auto literal = json::parse(node.text);
    if (literal.has_value() && !literal.value().is_string() && !literal.value().is_array() &&
        !literal.value().is_object())
      return literal.value();
  }
  return node.text;
}

Node from_json(const json::Value& value) {
  if (const std::string* text = value.if_string()) {
    Node node = Node::scalar(*text);
    node.quoted = true;
    return node;
  }
  if (const json::Array* array = value.if_array()) {
    Node node = Node::sequence();
    for (const json::Value& item : *array) node.items.push_back(from_json(item));
    return node;
  }
  if (const json::Object* object = value.if_object()) {
    Node node = Node::mapping();
    for (const json::Member& member : *object) node.add(member.key, from_json(member.value));
    return node;
  }
  return value.is_null() ? Node{} : Node::scalar(json::write(value));
}

}  // namespace

bool Codec<JsonText>::read(Reading&, const Node& node, JsonText& out) {
  out.text = json::write(to_json(node));
  return true;
}
Node Codec<JsonText>::write(const JsonText& value, const WriteContext&) {
  const auto parsed = json::parse(value.text);
  DVT_ASSERT(parsed.has_value(), "a JsonText holds text that is not JSON");
  return from_json(parsed.value());
}
const TypeInfo& Codec<JsonText>::type() {
  static const TypeInfo info = scalar_type("value", "any value; handed on as JSON", json::Value(true));
  return info;
}

}  // namespace dvt::sim
