// Reading and writing a map by its table, and walking all tables.
#include "sim/scenario/key_table.h"

#include "engine/base/format.h"

#include <set>

#include "engine/base/assert.h"
#include "engine/base/text.h"

namespace dvt::sim {

const Field* ObjectTable::find(std::string_view key) const {
  for (const Field& field : fields_) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

Field& ObjectTable::add(Field field) {
  DVT_ASSERT(find(field.key) == nullptr, "a key stands twice in its table");
  return fields_.emplace_back(std::move(field));
}

void ObjectTable::read_field(Reading& reading, const Field& field, const Node& value, void* owner) const {
  const bool outer = reading.not_yet;
  const bool not_yet = outer || field.status == ModelStatus::not_yet;
  const bool section = field.type->shape == TypeInfo::Shape::object && !field.default_text.empty();
  reading.not_yet = section && not_yet;  // a leaf is compared as a whole, below
  field.read(reading, value, owner);
  reading.not_yet = outer;
  if (not_yet && !section && !field.is_default(owner)) {
    const bool plain =
        field.type->shape == TypeInfo::Shape::scalar && !field.default_text.empty() && field.default_text != "\"\"";
    reading.error(value.mark, fmt::format("not modelled yet{}",
                                          plain ? "; only its default " + field.default_text + " is accepted" : ""));
  }
}

void ObjectTable::read(Reading& reading, const Node& node, void* owner) const {
  if (!node.is_mapping() && !node.is_null()) {
    reading.error(node.mark, fmt::format("expected {} as a map, found {}", what_, describe(node)));
    return;
  }
  std::vector<std::string_view> known;
  for (const Field& field : fields_) known.push_back(field.key);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Node::Key& key = node.keys[i];
    if (!seen.insert(key.text).second) continue;  // reported when the tree was built; the first one is read
    const Field* field = find(key.text);
    PathScope scope(reading, key.text);
    if (field == nullptr) {
      reading.error(key.mark, reading.full() ? std::string()
                                             : fmt::format("unknown key{}", Reading::suggestion(key.text, known)));
    } else {
      read_field(reading, *field, node.items[i], owner);
    }
  }
  for (const Field& field : fields_) {
    if (field.required && !seen.contains(field.key)) {
      reading.error(node.mark, fmt::format("\"{}\" is missing ({}{}{})", field.key, field.type->name,
                                           field.example.empty() ? "" : ", such as ", field.example));
    }
  }
  if (finish_) finish_(reading, node, owner);
}

Node ObjectTable::write(const void* owner, const WriteContext& context) const {
  Node node = Node::mapping();
  for (const Field& field : fields_) {
    if (!field.write) continue;
    if (auto value = field.write(owner, context)) node.add(field.key, std::move(*value));
  }
  return node;
}

namespace {

void walk(const ObjectTable& table, const std::string& prefix, ModelStatus outer, std::vector<KeyInfo>& out) {
  for (const Field& field : table.fields()) {
    const ModelStatus status = outer == ModelStatus::not_yet ? outer : field.status;
    std::string path = prefix.empty() ? field.key : prefix + "." + field.key;
    out.push_back({path, &field, status});
    const TypeInfo* type = field.type;
    while (type->element != nullptr) {
      path += type->shape == TypeInfo::Shape::map ? ".<name>" : "[]";
      type = type->element;
    }
    if (type->object != nullptr) walk(*type->object, path, status, out);
  }
}

// Does `path` fit `pattern`, where `<name>` stands for any text and `[]` for `.<digits>`? A name may hold dots only at
// the end.
bool fits(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    if (pattern.starts_with("<name>")) {
      pattern.remove_prefix(6);
      if (path.empty()) return false;
      if (pattern.empty()) return true;
      const std::size_t dot = path.find('.');
      if (dot == 0 || dot == std::string_view::npos) return false;
      path.remove_prefix(dot);
    } else if (pattern.starts_with("[]")) {
      pattern.remove_prefix(2);
      std::size_t digits = 1;
      if (!path.starts_with('.')) return false;
      while (digits < path.size() && path[digits] >= '0' && path[digits] <= '9') ++digits;
      if (digits == 1) return false;
      path.remove_prefix(digits);
    } else {
      if (path.empty() || path[0] != pattern[0]) return false;
      path.remove_prefix(1);
      pattern.remove_prefix(1);
    }
  }
  return path.empty();
}

}  // namespace

std::vector<KeyInfo> all_keys() {
  return all_keys(scenario_table());
}

std::vector<KeyInfo> all_keys(const ObjectTable& table) {
  std::vector<KeyInfo> keys;
  walk(table, "", ModelStatus::supported, keys);
  return keys;
}

const KeyInfo* find_key(const std::vector<KeyInfo>& keys, std::string_view path) {
  for (const KeyInfo& key : keys) {
    if (key.path == path) return &key;
  }
  for (const KeyInfo& key : keys) {
    if (fits(key.path, path)) return &key;
  }
  return nullptr;
}

bool is_key_path(std::string_view path, std::string& nearest) {
  const std::vector<KeyInfo> keys = all_keys();
  std::vector<std::string_view> known;
  for (const KeyInfo& key : keys) {
    if (key.path == path || fits(key.path, path)) return true;
    const TypeInfo::Shape shape = key.field->type->shape;
    if (shape == TypeInfo::Shape::map && fits(key.path + ".<name>", path)) return true;
    known.push_back(key.path);
  }
  constexpr std::size_t kLongest = 100;
  nearest = path.size() > kLongest ? std::string() : std::string(nearest_name(path, known));
  return false;
}

}  // namespace dvt::sim
