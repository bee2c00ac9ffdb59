// JSON as a value (members in the order they were written), a parser with limits and positions, and three ways to
// write: compact, indented, and canonical (RFC 8785). Numbers never pass through Boost.JSON, which gets some doubles
// wrong: a number keeps its source text, its double comes from std::from_chars, and doubles are printed in their
// shortest form. For large results use json::Writer, which appends to a string without building values.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace dvt::json {

class Value;
struct Member;
using Array = std::vector<Value>;

/// Members in insertion order. Keys are distinct when the object was parsed or built with set(). find() is linear:
/// objects here are small; index large ones yourself.
class Object {
 public:
  Object() noexcept;
  Object(std::initializer_list<Member> members);
  Object(const Object& other);
  Object(Object&& other) noexcept;
  Object& operator=(const Object& other);
  Object& operator=(Object&& other) noexcept;
  ~Object();

  /// nullptr when absent. The pointer holds until the object changes.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// Replaces the member in its place, or appends it.
  Value& set(std::string key, Value value);
  /// Appends without looking for an equal key.
  Value& append(std::string key, Value value);

  std::size_t size() const;
  bool empty() const;
  std::vector<Member>::const_iterator begin() const;
  std::vector<Member>::const_iterator end() const;
  void reserve(std::size_t n);

 private:
  std::vector<Member> members_;
};

/// A number that is not an int64: a fraction, an exponent, or too large.
struct Number {
  double value = 0;
  std::string text;  // as it stood in the source; empty for a double made by the program
};

enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
std::string_view to_string(Kind kind);

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}                        // NOLINT(google-explicit-constructor)
  Value(std::same_as<bool> auto b) : data_(b) {}  // NOLINT(google-explicit-constructor)
  template <std::integral I>
  requires(!std::same_as<I, bool>) Value(I i)
      : data_(static_cast<std::int64_t>(i)) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::is_unsigned_v<I> && sizeof(I) == 8) {
      if (i > static_cast<std::uint64_t>(INT64_MAX)) set_unsigned(i);
    }
  }
  Value(double d) : data_(Number{d, {}}) {}             // NOLINT(google-explicit-constructor)
  Value(std::string s) : data_(std::move(s)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view s) : data_(std::string(s)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* s) : data_(std::string(s)) {}       // NOLINT(google-explicit-constructor)
  Value(Number n);                                      // NOLINT(google-explicit-constructor)
  Value(Array a);                                       // NOLINT(google-explicit-constructor)
  Value(Object o);                                      // NOLINT(google-explicit-constructor)
  /// A number with exactly this text, e.g. "1.001"; the text must be a JSON number.
  static Value number(std::string text);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_bool() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer; }
  /// An integer or any other number.
  bool is_number() const { return kind() == Kind::integer || kind() == Kind::number; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }

  // For values whose kind the program knows: another kind is a programmer's error.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  // integers too
  const std::string& as_string() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();

  // For input: nullptr or nullopt when it is of another kind.
  std::optional<bool> if_bool() const;
  std::optional<std::int64_t> if_int() const;
  std::optional<double> if_double() const;  // integers too
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  const Array* if_array() const { return std::get_if<Array>(&data_); }
  const Object* if_object() const { return std::get_if<Object>(&data_); }
  /// The number as its source spells it; empty when it is no number.
  std::string number_text() const;
  /// The source text of a number that is no int64; empty when it was made by the program or is anything else.
  std::string_view source_text() const;

  /// Member of an object; nullptr when absent or when this is no object.
  const Value* find(std::string_view key) const;

  /// Same kinds, same order of members; numbers by value, -0 equal to 0.
  friend bool operator==(const Value& a, const Value& b);

 private:
  void set_unsigned(std::uint64_t u);
  std::variant<std::monostate, bool, std::int64_t, Number, std::string, Array, Object> data_;
};

struct Member {
  std::string key;
  Value value;
};

// Defaulted here, where Member is complete.
inline Object::Object() noexcept = default;
inline Object::Object(const Object& other) = default;
inline Object::Object(Object&& other) noexcept = default;
inline Object& Object::operator=(const Object& other) = default;
inline Object& Object::operator=(Object&& other) noexcept = default;
inline Object::~Object() = default;

bool operator==(const Value& a, const Value& b);

/// Where and why a text is not JSON (or exceeds the limits).
struct ParseError {
  std::size_t offset = 0;  // bytes from 0
  std::size_t line = 1;    // from 1
  std::size_t col = 1;     // from 1, in bytes
  std::string message;
};

enum class DuplicateKeys : std::uint8_t { reject, last_wins };

struct Limits {
  std::size_t max_depth = 64;
  std::size_t max_bytes = 64U << 20;
  DuplicateKeys duplicates = DuplicateKeys::reject;
};

/// Parses one JSON text (RFC 8259, UTF-8, no comments, nothing after it but white space). A number whose magnitude
/// exceeds every double is an error; one too small for any is zero.
Result<Value, ParseError> parse(std::string_view text, const Limits& limits = {});

/// Compact, members in order. Numbers with source text are written as they stood.
std::string write(const Value& value);
/// Indented by two spaces, a newline at the end; empty arrays and objects stay on one line.
std::string write_pretty(const Value& value);
/// RFC 8785: keys by UTF-16 code units, numbers as ECMAScript writes the double.
std::string write_canonical(const Value& value);

/// Appends `text` in quotes with the escapes of RFC 8785 (\b \t \n \f \r \" \\, other controls as \u00xx).
void append_string(std::string& out, std::string_view text);
/// Appends the shortest text that reads back as the same double. Not finite: a programmer's error.
void append_double(std::string& out, double value);
/// Appends the double as ECMAScript's Number::toString does.
void append_canonical_double(std::string& out, double value);

enum class Style : std::uint8_t { compact, pretty };

/// Appends JSON to a string as it is told; nesting errors are programmer's errors. The string must outlive it.
class Writer {
 public:
  explicit Writer(std::string& out, Style style = Style::compact) : out_(out), style_(style) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('{', '}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close('[', ']'); }
  Writer& key(std::string_view name);

  Writer& value(std::nullptr_t);
  Writer& value(std::same_as<bool> auto b) { return raw(b ? "true" : "false"); }
  template <std::integral I>
  requires(!std::same_as<I, bool>) Writer& value(I i) {
    if constexpr (std::is_signed_v<I>)
      return integer(static_cast<std::int64_t>(i));
    else
      return unsigned_integer(static_cast<std::uint64_t>(i));
  }
  Writer& value(double d);
  Writer& value(std::string_view s);
  Writer& value(const char* s) { return value(std::string_view(s)); }
  Writer& value(const std::string& s) { return value(std::string_view(s)); }
  Writer& value(const Value& v);
  /// A value that is JSON already, e.g. a decimal from format_seconds. Not checked.
  Writer& raw(std::string_view json);

  template <class T>
  Writer& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }

  /// True when exactly one whole value was written.
  bool complete() const { return stack_.empty() && wrote_; }

 private:
  Writer& open(char bracket);
  Writer& close(char opened_by, char bracket);
  Writer& integer(std::int64_t i);
  Writer& unsigned_integer(std::uint64_t u);
  void before_value();
  void new_line();

  std::string& out_;
  Style style_;
  std::string stack_;   // one bracket per open container
  bool wrote_ = false;  // something stands before, in this container
  bool after_key_ = false;
};

}  // namespace dvt::json
