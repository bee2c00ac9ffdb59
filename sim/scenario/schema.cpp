// The key table as JSON Schema. Ranges that JSON Schema cannot say (durations …) stand in the description.
#include "engine/base/format.h"

#include "sim/scenario/codec.h"
#include "sim/scenario/dist_codec.h"
#include "sim/scenario/help.h"
#include "sim/scenario/key_table.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {
namespace {

json::Value of_type(const TypeInfo& type);

// Flow YAML as the table has it → JSON.
json::Value of_text(std::string_view text) {
  std::vector<Diagnostic> diagnostics;
  const auto node = parse_yaml_value(text, diagnostics);
  DVT_ASSERT(node && diagnostics.empty(), "a default or an example in the key table is no YAML");
  JsonText value;
  Reading reading("", {});
  Codec<JsonText>::read(reading, *node, value);
  auto parsed = json::parse(value.text);
  DVT_ASSERT(parsed.has_value(), "JSON text that is not JSON");
  return std::move(parsed.value());
}

json::Value of_object(const ObjectTable& table) {
  json::Object properties;
  json::Array required;
  for (const Field& field : table.fields()) {
    json::Value schema = of_type(*field.type);
    if (!schema.is_object()) schema = json::Object{};
    json::Object& object = schema.as_object();
    std::string description = field.doc;
    if (!field.range.empty()) description += fmt::format(" Range: {}.", field.range);
    if (field.status == ModelStatus::not_yet) description += " Not modelled yet: only the default is accepted.";
    if (!field.not_yet_note.empty()) description += fmt::format(" {}.", field.not_yet_note);
    object.set("description", description);
    if (!field.default_text.empty()) object.set("default", of_text(field.default_text));
    if (!field.example.empty()) object.set("examples", json::Array{of_text(field.example)});
    properties.set(field.key, std::move(schema));
    if (field.required) required.emplace_back(field.key);
  }
  json::Object object{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) object.set("required", std::move(required));
  object.set("additionalProperties", false);
  return object;
}

json::Value of_type(const TypeInfo& type) {
  json::Value structured;
  switch (type.shape) {
    case TypeInfo::Shape::list:
      structured = json::Object{{"type", "array"}, {"items", of_type(*type.element)}};
      break;
    case TypeInfo::Shape::map:
      structured = json::Object{{"type", "object"}, {"additionalProperties", of_type(*type.element)}};
      break;
    default:
      if (type.object != nullptr) structured = of_object(*type.object);
  }
  if (type.schema.is_null()) return structured;
  if (structured.is_null()) return type.schema;
  return json::Object{{"anyOf", json::Array{type.schema, std::move(structured)}}};
}

}  // namespace

std::string json_schema() {
  json::Value root = of_object(scenario_table());
  json::Object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "dvtsim scenario"}};
  for (const json::Member& member : root.as_object()) schema.set(member.key, member.value);
  json::Value forms = of_object(dist_table());
  forms.as_object().set("minProperties", 1);
  forms.as_object().set("maxProperties", 1);
  json::Array any{Codec<Duration>::type().schema, std::move(forms)};
  schema.set("$defs", json::Object{{"distribution", json::Object{{"anyOf", std::move(any)}}}});
  return json::write_pretty(schema);
}

}  // namespace dvt::sim
