// The key table: one row (Field) for each key of the language, bound to a member of the scenario structs. Reader,
// writer, `explain`, the JSON Schema and `--set` all work from these rows, so they cannot disagree. To add a key, add a
// row (keys_*.cpp); to say that a model has landed, remove the row's not_yet().
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "sim/scenario/node.h"
#include "sim/scenario/reading.h"

namespace dvt::sim {

class ObjectTable;

/// `not_yet`: the key is read and checked, but only its default is accepted, because nothing models it so far.
enum class ModelStatus { supported, not_yet };

/// How a kind of value is written, for people and for the schema.
struct TypeInfo {
  enum class Shape { scalar, object, list, map };
  Shape shape = Shape::scalar;
  std::string name;                     // "duration"
  std::string notation;                 // units and examples: "250us 250ms 90s 30m 2h 7d, sums (1h30m)"
  json::Value schema;                   // of the scalar form; null for pure objects, lists and maps
  const TypeInfo* element = nullptr;    // list, map
  const ObjectTable* object = nullptr;  // object; also of a scalar that has a map form beside it
};

/// Where the resolved scenario will stand: file paths are written relative to it.
struct WriteContext {
  std::string directory;
};

struct Field {
  std::string key;
  std::string doc;
  std::string example;
  std::string range;         // "1 to 1000"; empty: what the type says
  std::string default_text;  // flow YAML; empty: required, or absent by default
  std::string default_note;  // for people, where the default is no one value
  bool required = false;
  ModelStatus status = ModelStatus::supported;
  std::string not_yet_note;  // which part has no model, when only a part has none
  const TypeInfo* type = nullptr;
  std::function<void(Reading&, const Node&, void* owner)> read;  // null for a row that only documents
  std::function<std::optional<Node>(const void* owner, const WriteContext&)> write;
  std::function<bool(const void* owner)> is_default;
};

/// The rows of one kind of map, e.g. of a fault. Built once, then constant.
class ObjectTable {
 public:
  explicit ObjectTable(std::string what) : what_(std::move(what)) {}

  const std::string& what() const { return what_; }
  const std::deque<Field>& fields() const { return fields_; }
  const Field* find(std::string_view key) const;
  Field& add(Field field);
  /// Checks among members, after all were read; only called when the node was a map.
  void set_finish(std::function<void(Reading&, const Node&, void*)> finish) { finish_ = std::move(finish); }

  void read(Reading& reading, const Node& node, void* owner) const;
  Node write(const void* owner, const WriteContext& context) const;

 private:
  void read_field(Reading& reading, const Field& field, const Node& value, void* owner) const;

  std::string what_;
  std::deque<Field> fields_;
  std::function<void(Reading&, const Node&, void*)> finish_;
};

/// The table of the whole file.
const ObjectTable& scenario_table();

/// One row as explain and tests see it.
struct KeyInfo {
  std::string path;  // `workload.plans.<name>.weight`; list items are `[]`: `workload.stages[].rate`
  const Field* field;
  ModelStatus status;  // with the sections around it taken into account
};
/// Every key of the language, depth first in the order of the file.
std::vector<KeyInfo> all_keys();
/// Every key below a table.
std::vector<KeyInfo> all_keys(const ObjectTable& table);
/// The row of a path, with names filled in or not; nullptr when there is none.
const KeyInfo* find_key(const std::vector<KeyInfo>& keys, std::string_view path);
/// True when `path` names a key: a path of all_keys() with names filled in. Otherwise the nearest path is set.
bool is_key_path(std::string_view path, std::string& nearest);

}  // namespace dvt::sim
