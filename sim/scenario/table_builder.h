// How the tables are written down: TableBuilder binds a key to a member and returns a FieldBuilder for the rest of the
// row. Defaults are taken from a default-constructed owner, so that a default stands in one place only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/scenario/codec.h"

namespace dvt::sim {

template <class T>
struct StripOptional {
  using type = T;
  static constexpr bool optional = false;
};
template <class T>
struct StripOptional<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

template <class V>
struct Checks {
  std::vector<std::pair<std::function<bool(const V&)>, std::string>> ranges;
  std::vector<std::string> not_yet_words;
  std::string absent_word;
  bool replaces = false;

  /// The value as it was written, cut when long.
  static std::string shown(const Node& node) {
    constexpr std::size_t kLongest = 80;
    const std::string text = write_flow(node);
    return text.size() <= kLongest ? text : describe(node);
  }

  bool accept(Reading& reading, const Node& node, const V& value) const {
    for (const auto& [holds, range] : ranges) {
      if (holds(value)) continue;
      reading.error(node.mark, fmt::format("expected {}, found {}", range, shown(node)));
      return false;
    }
    for (const std::string& unmodelled : not_yet_words) {
      if (!node.is_word(unmodelled)) continue;
      reading.error(node.mark, fmt::format("{} is not modelled yet", unmodelled));
      return false;
    }
    return true;
  }

  /// Reads into `slot`. A scalar keeps its value when something is wrong; a map or list keeps what could be read, so
  /// that one error does not make others (names that seem not to exist).
  template <class T>
  void read(Reading& reading, const Node& node, T& slot) const {
    V value{};
    if constexpr (StripOptional<T>::optional) {
      if (!absent_word.empty() && node.is_word(absent_word)) {
        slot.reset();
        return;
      }
      if (slot) value = *slot;
    } else if (!replaces) {
      value = slot;
    }
    const bool right = Codec<V>::read(reading, node, value);
    const bool partial = Codec<V>::type().shape != TypeInfo::Shape::scalar;
    if ((right && accept(reading, node, value)) || (!right && partial)) slot = std::move(value);
  }
};

template <class V>
class FieldBuilder {
 public:
  FieldBuilder(Field& field, std::shared_ptr<Checks<V>> checks) : field_(field), checks_(std::move(checks)) {}

  FieldBuilder& example(std::string text) {
    field_.example = std::move(text);
    return *this;
  }
  FieldBuilder& required() {
    field_.required = true;
    field_.default_text.clear();
    return *this;
  }
  /// For an optional key: what holds when it is absent, as flow YAML. Empty: nothing does.
  FieldBuilder& default_text(std::string text) {
    field_.default_text = std::move(text);
    return *this;
  }
  /// For people, where the default is no one value.
  FieldBuilder& default_note(std::string text) {
    field_.default_note = std::move(text);
    return *this;
  }
  /// Nothing models this key so far: only its default is accepted.
  FieldBuilder& not_yet() {
    field_.status = ModelStatus::not_yet;
    return *this;
  }
  /// Some words of an enumeration have no model.
  FieldBuilder& not_yet_words(std::vector<std::string> words) {
    field_.not_yet_note = fmt::format("not modelled yet: {}", fmt::join(words, ", "));
    checks_->not_yet_words = std::move(words);
    return *this;
  }
  FieldBuilder& not_yet_note(std::string note) {
    field_.not_yet_note = std::move(note);
    return *this;
  }
  /// The word that stands for an absent optional value (and is its default).
  FieldBuilder& absent_word(std::string text) {
    checks_->absent_word = text;
    field_.default_text = std::move(text);
    return *this;
  }
  /// A given map or list takes the default's place instead of being merged into it.
  FieldBuilder& replaces() {
    checks_->replaces = true;
    return *this;
  }
  FieldBuilder& check(std::function<bool(const V&)> holds, std::string range) {
    field_.range += (field_.range.empty() ? "" : ", ") + range;
    checks_->ranges.emplace_back(std::move(holds), std::move(range));
    return *this;
  }
  FieldBuilder& range(V low, V high) {
    return check([low, high](const V& value) { return !before(value, low) && !before(high, value); },
                 fmt::format("{} to {}", text(low), text(high)));
  }
  FieldBuilder& min(V low) {
    return check([low](const V& value) { return !before(value, low); }, fmt::format("at least {}", text(low)));
  }
  FieldBuilder& max(V high) {
    return check([high](const V& value) { return !before(high, value); }, fmt::format("at most {}", text(high)));
  }
  FieldBuilder& above(V low) {
    return check([low](const V& value) { return before(low, value); }, fmt::format("more than {}", text(low)));
  }
  FieldBuilder& not_empty() {
    return check([](const V& value) { return !std::empty(value); }, "at least one");
  }

 private:
  static bool before(const V& a, const V& b) {
    if constexpr (std::is_same_v<V, Rate>) {
      return less(a, b);
    } else {
      return a < b;
    }
  }
  static std::string text(const V& value) { return write_flow(Codec<V>::write(value, {})); }

  Field& field_;
  std::shared_ptr<Checks<V>> checks_;
};

template <class Owner>
class TableBuilder {
 public:
  explicit TableBuilder(std::string what) : table_(std::move(what)) {}

  template <class T>
  FieldBuilder<typename StripOptional<T>::type> field(std::string key, T Owner::*member, std::string doc) {
    using V = typename StripOptional<T>::type;
    auto checks = std::make_shared<Checks<V>>();
    Field& row = add_row<V>(std::move(key), std::move(doc));
    row.read = [member, checks](Reading& reading, const Node& node, void* owner) {
      checks->read(reading, node, static_cast<Owner*>(owner)->*member);
    };
    row.write = [member, checks](const void* owner, const WriteContext& context) -> std::optional<Node> {
      const T& value = static_cast<const Owner*>(owner)->*member;
      if constexpr (StripOptional<T>::optional) {
        if (!value)
          return checks->absent_word.empty() ? std::nullopt : std::optional(Node::scalar(checks->absent_word));
        return Codec<V>::write(*value, context);
      } else {
        if constexpr (std::is_same_v<V, std::string> || std::is_same_v<V, FilePath>) {
          if (value.empty() && (defaults().*member).empty())
            return std::nullopt;  // nothing is said: nothing is written
        }
        return Codec<V>::write(value, context);
      }
    };
    row.is_default = [member](const void* owner) {
      return static_cast<const Owner*>(owner)->*member == defaults().*member;
    };
    if constexpr (!StripOptional<T>::optional) row.default_text = write_flow(Codec<V>::write(defaults().*member, {}));
    return {row, std::move(checks)};
  }

  /// A key without a member of its own: `get` gives nullopt when the key is absent, `set` stores a value read.
  template <class V>
  FieldBuilder<V> custom(std::string key, std::function<std::optional<V>(const Owner&)> get,
                         std::function<void(Owner&, V)> set, std::string doc) {
    auto checks = std::make_shared<Checks<V>>();
    Field& row = add_row<V>(std::move(key), std::move(doc));
    row.read = [get, set, checks](Reading& reading, const Node& node, void* owner) {
      std::optional<V> value = get(*static_cast<Owner*>(owner));
      if (checks->replaces) value.reset();
      checks->read(reading, node, value);
      if (value) set(*static_cast<Owner*>(owner), std::move(*value));
    };
    row.write = [get](const void* owner, const WriteContext& context) -> std::optional<Node> {
      const std::optional<V> value = get(*static_cast<const Owner*>(owner));
      if (!value) return std::nullopt;
      return Codec<V>::write(*value, context);
    };
    row.is_default = [get](const void* owner) { return get(*static_cast<const Owner*>(owner)) == get(defaults()); };
    if (const auto value = get(defaults())) row.default_text = write_flow(Codec<V>::write(*value, {}));
    return {row, std::move(checks)};
  }

  void finish(std::function<void(Reading&, const Node&, Owner&)> check) {
    table_.set_finish([check](Reading& reading, const Node& node, void* owner) {
      check(reading, node, *static_cast<Owner*>(owner));
    });
  }

  ObjectTable build() { return std::move(table_); }

 private:
  static const Owner& defaults() {
    static const Owner owner{};
    return owner;
  }

  template <class V>
  Field& add_row(std::string key, std::string doc) {
    Field row;
    row.key = std::move(key);
    row.doc = std::move(doc);
    row.type = &Codec<V>::type();
    return table_.add(std::move(row));
  }

  ObjectTable table_;
};

/// A key whose only value is a constant, such as `kind`.
template <class Owner>
void constant_key(TableBuilder<Owner>& t, const char* key, const std::string& value, std::string doc) {
  t.template custom<std::string>(
       key, [value](const Owner&) { return std::optional(value); }, [](Owner&, const std::string&) {}, std::move(doc))
      .required()
      .example(value)
      .check([value](const std::string& text) { return text == value; }, value);
}

/// Which of `keys` a map has, for finish() checks.
inline std::vector<std::string_view> present(const Node& node, std::initializer_list<std::string_view> keys) {
  std::vector<std::string_view> found;
  for (std::string_view key : keys) {
    if (node.find(key) != nullptr) found.push_back(key);
  }
  return found;
}

}  // namespace dvt::sim
