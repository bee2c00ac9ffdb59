// Codec<T>: how a T is read from a node, written to one, and described. Scalars, words, lists, maps by name and
// structs with a table; keys_*.cpp combine them into the key table. Private to sim/scenario.
#pragma once

#include "engine/base/format.h"

#include <concepts>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/scenario/key_table.h"
#include "sim/scenario/scalars.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/words.h"

namespace dvt::sim {

/// Specialisations have: `static bool read(Reading&, const Node&, T&)` (false: an error was recorded, T is unchanged or
/// partly read), `static Node write(const T&, const WriteContext&)`, `static const TypeInfo& type()`.
template <class T>
struct Codec;

/// Declared for every struct that has a table.
template <class T>
const ObjectTable& table();

inline const std::string* expect_scalar(Reading& reading, const Node& node, const TypeInfo& type) {
  if (node.is_scalar()) return &node.text;
  reading.error(node.mark, fmt::format("expected a {} ({}), found {}", type.name, type.notation, describe(node)));
  return nullptr;
}

json::Value text_schema(std::string_view pattern);
TypeInfo scalar_type(std::string name, std::string notation, json::Value schema);

template <class T>
bool take(Reading& reading, const Node& node, const Parsed<T>& parsed, T& out) {
  if (parsed.has_value()) {
    out = parsed.value();
    return true;
  }
  reading.error(node.mark, parsed.error());
  return false;
}

#define DVT_SCALAR_CODEC(Type, parser)                                                                      \
  template <>                                                                                               \
  struct Codec<Type> {                                                                                      \
    static bool read(Reading& reading, const Node& node, Type& out) {                                       \
      const std::string* text = expect_scalar(reading, node, type());                                       \
      return text != nullptr && take(reading, node, parser(*text), out);                                    \
    }                                                                                                       \
    static Node write(const Type& value, const WriteContext&) { return Node::scalar(format_value(value)); } \
    static const TypeInfo& type();                                                                          \
  }
DVT_SCALAR_CODEC(Duration, parse_duration);
DVT_SCALAR_CODEC(Rate, parse_rate);
DVT_SCALAR_CODEC(Share, parse_share);
DVT_SCALAR_CODEC(Bytes, parse_bytes);
DVT_SCALAR_CODEC(Money, parse_money);
DVT_SCALAR_CODEC(double, parse_number);
DVT_SCALAR_CODEC(UnixNanos, parse_instant);
#undef DVT_SCALAR_CODEC

#define DVT_CODEC(...)                                          \
  template <>                                                   \
  struct Codec<__VA_ARGS__> {                                   \
    static bool read(Reading&, const Node&, __VA_ARGS__&);      \
    static Node write(const __VA_ARGS__&, const WriteContext&); \
    static const TypeInfo& type();                              \
  }
DVT_CODEC(bool);
DVT_CODEC(std::int64_t);
DVT_CODEC(std::uint64_t);
DVT_CODEC(std::string);
DVT_CODEC(Date);
DVT_CODEC(FilePath);
DVT_CODEC(JsonText);
DVT_CODEC(Dist);

template <HasWords E>
struct Codec<E> {
  static bool read(Reading& reading, const Node& node, E& out) {
    const std::string* text = expect_scalar(reading, node, type());
    if (text == nullptr) return false;
    if (const auto value = from_word<E>(*text)) {
      out = *value;
      return true;
    }
    std::vector<std::string_view> known;
    for (const Word<E>& entry : Words<E>::list) known.push_back(entry.text);
    reading.error(node.mark, fmt::format("expected one of {}, found {}{}", fmt::join(known, ", "), describe(node),
                                         known.size() > 12 ? Reading::suggestion(*text, known) : std::string()));
    return false;
  }
  static Node write(const E& value, const WriteContext&) { return Node::scalar(word(value)); }
  static const TypeInfo& type() {
    static const TypeInfo info = [] {
      std::vector<std::string_view> known;
      json::Array list;
      for (const Word<E>& entry : Words<E>::list) {
        known.push_back(entry.text);
        list.emplace_back(entry.text);
      }
      return scalar_type("word", fmt::format("{}", fmt::join(known, " | ")), json::Object{{"enum", std::move(list)}});
    }();
    return info;
  }
};

/// Gives a value read from a map or a list its position.
template <class T>
void set_source(T& value, Mark mark) {
  if constexpr (requires { value.source; }) {
    if (mark.set < 0) value.source = {mark.line, mark.column};
  }
}

/// A struct with a table. DVT_OBJECT declares both the table and the codec of a struct.
#define DVT_OBJECT(...)                    \
  template <>                              \
  const ObjectTable& table<__VA_ARGS__>(); \
  template <>                              \
  struct Codec<__VA_ARGS__> : ObjectCodec<__VA_ARGS__> {}

template <class T>
struct ObjectCodec {
  static bool read(Reading& reading, const Node& node, T& out) {
    const std::size_t before = reading.error_count();
    table<T>().read(reading, node, &out);
    return reading.error_count() == before;
  }
  static Node write(const T& value, const WriteContext& context) { return table<T>().write(&value, context); }
  static const TypeInfo& type() {
    static const TypeInfo info = [] {
      TypeInfo made;
      made.shape = TypeInfo::Shape::object;
      made.name = "map";
      made.notation = table<T>().what();
      made.object = &table<T>();
      return made;
    }();
    return info;
  }
};

/// The name under which an entry stands in its map. Specialised where the name is not a member `name`.
template <class T>
struct EntryName {
  static std::string get(const T& entry) { return entry.name; }
  static bool set(Reading& reading, Mark mark, T& entry, std::string_view text) {
    if (!is_name(text)) {
      reading.error(mark, "a name has letters, digits, \"_\" and \"-\" and begins with a letter or digit");
      return false;
    }
    entry.name = text;
    return true;
  }
};

template <class T>
concept Named = requires(T t) {
  EntryName<T>::is_named;
}
|| requires(T t) {
  t.name;
};

/// A list `[…]` of T, or, when T has a name, a map by name. A map is merged into what `out` holds: entries of the same
/// name are changed, others added (fields that replace clear the default first).
template <class T>
struct Codec<std::vector<T>> {
  static bool read(Reading& reading, const Node& node, std::vector<T>& out) {
    const std::size_t before = reading.error_count();
    if (node.is_null()) return true;
    if constexpr (Named<T>) {
      if (!node.is_mapping()) return wrong_shape(reading, node);
      read_map(reading, node, out);
    } else {
      if (!node.is_sequence()) return wrong_shape(reading, node);
      out.clear();
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        PathScope scope(reading, std::to_string(i));
        T value{};
        set_source(value, node.items[i].mark);
        Codec<T>::read(reading, node.items[i], value);
        out.push_back(std::move(value));
      }
    }
    return reading.error_count() == before;
  }

  static Node write(const std::vector<T>& values, const WriteContext& context) {
    if constexpr (Named<T>) {
      Node node = Node::mapping();
      for (const T& value : values) node.add(EntryName<T>::get(value), Codec<T>::write(value, context));
      return node;
    } else {
      Node node = Node::sequence();
      for (const T& value : values) node.items.push_back(Codec<T>::write(value, context));
      return node;
    }
  }

  static const TypeInfo& type() {
    static const TypeInfo info = [] {
      TypeInfo made;
      made.shape = Named<T> ? TypeInfo::Shape::map : TypeInfo::Shape::list;
      made.name = Named<T> ? "map by name" : "list";
      made.element = &Codec<T>::type();
      made.notation = made.element->object != nullptr ? made.element->notation : "each a " + made.element->name;
      return made;
    }();
    return info;
  }

 private:
  static bool wrong_shape(Reading& reading, const Node& node) {
    reading.error(node.mark, fmt::format("expected a {} ({}), found {}", type().name, type().notation, describe(node)));
    return false;
  }

  static void read_map(Reading& reading, const Node& node, std::vector<T>& out) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node::Key& key = node.keys[i];
      if (!seen.insert(key.text).second) continue;
      PathScope scope(reading, key.text);
      T named{};
      if (!EntryName<T>::set(reading, key.mark, named, key.text)) continue;
      T* entry = nullptr;
      for (T& present : out) {
        if (EntryName<T>::get(present) == key.text) entry = &present;
      }
      if (entry == nullptr) entry = &out.emplace_back(std::move(named));
      set_source(*entry, key.mark);
      Codec<T>::read(reading, node.items[i], *entry);
    }
  }
};

/// A map by name of plain values, read as a whole.
template <class T>
struct Codec<std::vector<std::pair<std::string, T>>> {
  using List = std::vector<std::pair<std::string, T>>;
  static bool read(Reading& reading, const Node& node, List& out) {
    if (!node.is_mapping() && !node.is_null()) {
      reading.error(node.mark, fmt::format("expected a map ({}), found {}", type().notation, describe(node)));
      return false;
    }
    const std::size_t before = reading.error_count();
    out.clear();
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (!seen.insert(node.keys[i].text).second) continue;
      PathScope scope(reading, node.keys[i].text);
      T value{};
      if (Codec<T>::read(reading, node.items[i], value)) out.emplace_back(node.keys[i].text, std::move(value));
    }
    return reading.error_count() == before;
  }
  static Node write(const List& values, const WriteContext& context) {
    Node node = Node::mapping();
    for (const auto& [name, value] : values) node.add(name, Codec<T>::write(value, context));
    return node;
  }
  static const TypeInfo& type() {
    static const TypeInfo info = [] {
      TypeInfo made;
      made.shape = TypeInfo::Shape::map;
      made.name = "map by name";
      made.element = &Codec<T>::type();
      made.notation = "each a " + made.element->name;
      return made;
    }();
    return info;
  }
};

}  // namespace dvt::sim
