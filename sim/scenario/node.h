// Node: the scenario file as a tree of texts with positions, before any meaning. Also the form in which the resolved
// scenario is built before it is written. Scalars stay text: types are the reader's business, not YAML's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dvt::sim {

/// A place in the file or in a `--set` value. `set` >= 0: the override of that index; then line and column are within
/// it.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::int32_t set = -1;
};

struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  struct Key {
    std::string text;
    Mark mark;
  };

  Kind kind = Kind::null;
  bool quoted = false;  // scalar: it was quoted, or is to be
  Mark mark;
  std::string text;         // scalar
  std::vector<Key> keys;    // mapping: one for each item
  std::vector<Node> items;  // sequence and mapping

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
  bool is_word(std::string_view word) const { return is_scalar() && text == word; }

  /// Mapping: the value under a key; nullptr when absent (or when this is no mapping). Linear.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  /// Mapping: appends.
  Node& add(std::string_view key, Node value);

  static Node scalar(std::string_view text);
  /// A text that must read back as a text whatever it looks like: quoted where another reader could see a number.
  static Node string(std::string_view text);
  static Node sequence();
  static Node mapping();
};

/// For messages: "a list", "a map", `"5 apples"` (long texts are cut).
std::string describe(const Node& node);

/// The tree as YAML, block style for maps and one line for short lists and inner maps; reads back as the same tree.
std::string write_yaml(const Node& node);
/// The tree in flow style on one line: what `--set` takes and `explain` shows.
std::string write_flow(const Node& node);

}  // namespace dvt::sim
