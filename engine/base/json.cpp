// Objects and values. Parsing is in json_parse.cpp, writing in json_write.cpp.
#include "engine/base/json.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace dvt::json {

// ---- Object

Object::Object(std::initializer_list<Member> members) : members_(members) {}

const Value* Object::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Value* Object::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Object::set(std::string key, Value value) {
  if (Value* existing = find(key)) return *existing = std::move(value);
  return append(std::move(key), std::move(value));
}

Value& Object::append(std::string key, Value value) {
  return members_.emplace_back(Member{std::move(key), std::move(value)}).value;
}

std::size_t Object::size() const {
  return members_.size();
}
bool Object::empty() const {
  return members_.empty();
}
std::vector<Member>::const_iterator Object::begin() const {
  return members_.begin();
}
std::vector<Member>::const_iterator Object::end() const {
  return members_.end();
}
void Object::reserve(std::size_t n) {
  members_.reserve(n);
}

// ---- Value

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "boolean";
    case Kind::integer:
      return "integer";
    case Kind::number:
      return "number";
    case Kind::string:
      return "string";
    case Kind::array:
      return "array";
    case Kind::object:
      return "object";
  }
  return "";
}

Value::Value(Number n) : data_(std::move(n)) {}
Value::Value(Array a) : data_(std::move(a)) {}
Value::Value(Object o) : data_(std::move(o)) {}

void Value::set_unsigned(std::uint64_t u) {
  *this = number(std::to_string(u));
}

bool Value::as_bool() const {
  DVT_ASSERT(is_bool(), "a JSON value is not a boolean");
  return *std::get_if<bool>(&data_);
}

std::int64_t Value::as_int() const {
  DVT_ASSERT(is_integer(), "a JSON value is not an integer");
  return *std::get_if<std::int64_t>(&data_);
}

double Value::as_double() const {
  const std::optional<double> value = if_double();
  DVT_ASSERT(value.has_value(), "a JSON value is not a number");
  return *value;
}

const std::string& Value::as_string() const {
  DVT_ASSERT(is_string(), "a JSON value is not a string");
  return *std::get_if<std::string>(&data_);
}

const Array& Value::as_array() const {
  DVT_ASSERT(is_array(), "a JSON value is not an array");
  return *std::get_if<Array>(&data_);
}

Array& Value::as_array() {
  return const_cast<Array&>(std::as_const(*this).as_array());
}

const Object& Value::as_object() const {
  DVT_ASSERT(is_object(), "a JSON value is not an object");
  return *std::get_if<Object>(&data_);
}

Object& Value::as_object() {
  return const_cast<Object&>(std::as_const(*this).as_object());
}

std::optional<bool> Value::if_bool() const {
  if (const bool* b = std::get_if<bool>(&data_)) return *b;
  return std::nullopt;
}

std::optional<std::int64_t> Value::if_int() const {
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return *i;
  return std::nullopt;
}

std::optional<double> Value::if_double() const {
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*i);
  if (const auto* n = std::get_if<Number>(&data_)) return n->value;
  return std::nullopt;
}

std::string_view Value::source_text() const {
  const auto* n = std::get_if<Number>(&data_);
  return n != nullptr ? std::string_view(n->text) : std::string_view();
}

std::string Value::number_text() const {
  return is_number() ? write(*this) : std::string();
}

const Value* Value::find(std::string_view key) const {
  const Object* object = if_object();
  return object != nullptr ? object->find(key) : nullptr;
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number() && (!a.is_integer() || !b.is_integer())) return a.as_double() == b.as_double();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return a.as_bool() == b.as_bool();
    case Kind::integer:
      return a.as_int() == b.as_int();
    case Kind::number:
      return a.as_double() == b.as_double();
    case Kind::string:
      return a.as_string() == b.as_string();
    case Kind::array:
      return a.as_array() == b.as_array();
    case Kind::object:
      return std::equal(a.as_object().begin(), a.as_object().end(), b.as_object().begin(), b.as_object().end(),
                        [](const Member& x, const Member& y) { return x.key == y.key && x.value == y.value; });
  }
  return false;
}

}  // namespace dvt::json
