// Reading follows the published schemas loosely: what a plan does not need may be missing or of any shape; what it
// needs and has the wrong type is an error with its path.
#include "sim/import/dbt_manifest.h"

#include "engine/base/format.h"

#include <array>
#include <charconv>

#include "engine/base/json.h"
#include "sim/import/dbt_json.h"

namespace dvt::sim {

namespace {

constexpr int kNewestManifest = 12;
constexpr std::array<std::string_view, 7> kOtherMaps{"sources",       "exposures",  "metrics",  "semantic_models",
                                                     "saved_queries", "unit_tests", "functions"};

/// The nodes' ids in `depends_on.nodes`; absent in seeds of newer versions.
Result<void, std::string> read_depends_on(const json::Value& node, DbtNode& out) {
  const json::Value* depends_on = node.find("depends_on");
  const json::Value* nodes = depends_on == nullptr ? nullptr : depends_on->find("nodes");
  if (nodes == nullptr || nodes->is_null()) return success();
  const json::Array* list = nodes->if_array();
  if (list == nullptr) return failure(fmt::format("nodes.{}.depends_on.nodes is no list", out.unique_id));
  for (const json::Value& id : *list) {
    const std::string* text = id.if_string();
    if (text == nullptr)
      return failure(fmt::format("nodes.{}.depends_on.nodes has an id that is no string", out.unique_id));
    out.depends_on.push_back(*text);
  }
  return success();
}

Result<void, std::string> read_map(const json::Object& map, DbtSection section, DbtManifest& manifest) {
  for (const json::Member& member : map) {
    if (!member.value.is_object()) return failure(fmt::format("node \"{}\" is no object", member.key));
    DbtNode node;
    node.unique_id = member.key;
    node.section = section;
    node.resource_type = text_or(member.value, "resource_type", member.key.substr(0, member.key.find('.')));
    node.package_name = text_or(member.value, "package_name", "");
    if (const json::Value* config = member.value.find("config"))
      node.materialized = text_or(*config, "materialized", "");
    const Result<void, std::string> read = read_depends_on(member.value, node);
    if (!read.has_value()) return failure(read.error());
    manifest.by_id.try_emplace(node.unique_id, manifest.nodes.size());
    manifest.nodes.push_back(std::move(node));
  }
  return success();
}

/// A list of nodes in old versions, a map from id to nodes in newer ones.
void read_disabled(const json::Value& disabled, DbtManifest& manifest) {
  if (const json::Object* map = disabled.if_object())
    for (const json::Member& member : *map) manifest.disabled.insert(member.key);
  if (const json::Array* list = disabled.if_array())
    for (const json::Value& node : *list)
      if (std::string id = text_or(node, "unique_id", ""); !id.empty()) manifest.disabled.insert(std::move(id));
}

}  // namespace

const DbtNode* DbtManifest::find(std::string_view unique_id) const {
  const auto found = by_id.find(unique_id);
  return found == by_id.end() ? nullptr : &nodes[found->second];
}

Result<int, std::string> dbt_schema_version(std::string_view url, std::string_view artifact, int newest) {
  const std::string start = fmt::format("https://schemas.getdbt.com/dbt/{}/v", artifact);
  int version = 0;
  if (url.starts_with(start)) {
    const std::string_view rest = url.substr(start.size());
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), version);
    if (error != std::errc{} || rest.substr(static_cast<std::size_t>(end - rest.data())) != ".json") version = 0;
  }
  if (version == 0) return failure(fmt::format("metadata.dbt_schema_version is \"{}\", not {}N.json", url, start));
  if (version < 1 || version > newest)
    return failure(fmt::format("{} v{} is not supported (v1 to v{} are)", artifact, version, newest));
  return version;
}

Result<DbtManifest, std::string> read_dbt_manifest(std::string_view text) {
  const Result<json::Value, json::ParseError> parsed = parse_dbt_json(text);
  if (!parsed.has_value()) return failure(describe(parsed.error()));
  const json::Value& root = parsed.value();
  const json::Value* metadata = root.find("metadata");
  if (metadata == nullptr) return failure(std::string("there is no \"metadata\""));

  DbtManifest manifest;
  const Result<int, std::string> version =
      dbt_schema_version(text_or(*metadata, "dbt_schema_version", ""), "manifest", kNewestManifest);
  if (!version.has_value()) return failure(version.error());
  manifest.version = version.value();
  manifest.dbt_version = text_or(*metadata, "dbt_version", "");
  manifest.adapter_type = text_or(*metadata, "adapter_type", "");
  manifest.project_name = text_or(*metadata, "project_name", "");
  manifest.invocation_id = text_or(*metadata, "invocation_id", "");

  const json::Value* nodes = root.find("nodes");
  if (nodes == nullptr || !nodes->is_object()) return failure(std::string("there is no \"nodes\" object"));
  Result<void, std::string> read = read_map(*nodes->if_object(), DbtSection::nodes, manifest);
  for (const std::string_view name : kOtherMaps) {
    if (!read.has_value()) return failure(read.error());
    const json::Value* map = root.find(name);
    if (map != nullptr && map->is_object()) read = read_map(*map->if_object(), DbtSection::others, manifest);
  }
  if (!read.has_value()) return failure(read.error());
  if (const json::Value* disabled = root.find("disabled")) read_disabled(*disabled, manifest);
  return manifest;
}

}  // namespace dvt::sim
