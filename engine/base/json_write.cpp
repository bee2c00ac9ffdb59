// Writing JSON: the streaming Writer, and the three forms of a whole value on top of it.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>  // exact: isfinite

#include "engine/base/assert.h"
#include "engine/base/json.h"
#include "engine/base/text.h"

namespace dvt::json {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Which bytes cannot stand for themselves inside quotes.
constexpr std::array<bool, 256> kNeedsEscape = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}();

// The shortest digits that read back as the same double, in fmt's layout; returns their end.
char* shortest(double value, char* out) {
  DVT_ASSERT(std::isfinite(value), "JSON has no infinity and no NaN");
  return fmt::format_to(out, FMT_COMPILE("{}"), value);
}

constexpr std::size_t kDoubleChars = 32;

void append_integer(std::string& out, std::int64_t i) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, i).ptr);
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of the run not yet copied
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kNeedsEscape[c]) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    switch (c) {
      case '\b':
        out += 'b';
        break;
      case '\t':
        out += 't';
        break;
      case '\n':
        out += 'n';
        break;
      case '\f':
        out += 'f';
        break;
      case '\r':
        out += 'r';
        break;
      case '"':
        out += '"';
        break;
      case '\\':
        out += '\\';
        break;
      default:
        out += "u00";
        out += kHexDigits[c >> 4];
        out += kHexDigits[c & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_double(std::string& out, double value) {
  char text[kDoubleChars];
  out.append(text, shortest(value, text));
}

void append_canonical_double(std::string& out, double value) {
  if (value == 0) {
    out += '0';  // ECMAScript writes -0 so, too
    return;
  }
  char text[kDoubleChars];
  const char* const end = shortest(value, text);
  // Take fmt's layout apart: `count` significant digits, the first of which stands `point` places before the point.
  char digits[kDoubleChars];
  int count = 0;
  int point = 0;
  bool seen_point = false;
  const char* at = text;
  if (*at == '-') {
    out += '-';
    ++at;
  }
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      seen_point = true;
    } else if (count == 0 && *at == '0') {
      if (seen_point) --point;
    } else {
      digits[count++] = *at;
      if (!seen_point) ++point;
    }
  }
  if (at != end) {
    int exponent = 0;
    const char* const first = at[1] == '+' ? at + 2 : at + 1;
    std::from_chars(first, end, exponent);
    point += exponent;
  }
  while (digits[count - 1] == '0') --count;
  const std::string_view all(digits, static_cast<std::size_t>(count));
  // The cases of ECMAScript's Number::toString, in its order; there k is `count` and n is `point`.
  if (count <= point && point <= 21) {
    out += all;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += all.substr(0, static_cast<std::size_t>(point));
    out += '.';
    out += all.substr(static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += all;
  } else {
    out += all[0];
    if (count > 1) {
      out += '.';
      out += all.substr(1);
    }
    out += point - 1 < 0 ? "e-" : "e+";
    append_integer(out, point - 1 < 0 ? 1 - point : point - 1);
  }
}

// ---- Writer

void Writer::new_line() {
  out_ += '\n';
  out_.append(2 * stack_.size(), ' ');
}

void Writer::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  DVT_ASSERT(stack_.empty() || stack_.back() == '[', "a JSON object's value needs a key");
  DVT_ASSERT(!stack_.empty() || !wrote_, "a JSON text is one value");
  if (wrote_) out_ += ',';
  if (style_ == Style::pretty && !stack_.empty()) new_line();
}

Writer& Writer::key(std::string_view name) {
  DVT_ASSERT(!stack_.empty() && stack_.back() == '{' && !after_key_, "a JSON key stands only in an object");
  if (wrote_) out_ += ',';
  if (style_ == Style::pretty) new_line();
  append_string(out_, name);
  out_ += style_ == Style::pretty ? ": " : ":";
  after_key_ = true;
  return *this;
}

Writer& Writer::open(char bracket) {
  before_value();
  out_ += bracket;
  stack_ += bracket;
  wrote_ = false;
  return *this;
}

Writer& Writer::close(char opened_by, char bracket) {
  DVT_ASSERT(!stack_.empty() && stack_.back() == opened_by && !after_key_, "JSON brackets do not match");
  stack_.pop_back();
  if (style_ == Style::pretty && wrote_) new_line();
  out_ += bracket;
  wrote_ = true;
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  before_value();
  out_ += json;
  wrote_ = true;
  return *this;
}

Writer& Writer::value(std::nullptr_t) {
  return raw("null");
}

Writer& Writer::value(double d) {
  before_value();
  append_double(out_, d);
  wrote_ = true;
  return *this;
}

Writer& Writer::value(std::string_view s) {
  before_value();
  append_string(out_, s);
  wrote_ = true;
  return *this;
}

Writer& Writer::integer(std::int64_t i) {
  before_value();
  append_integer(out_, i);
  wrote_ = true;
  return *this;
}

Writer& Writer::unsigned_integer(std::uint64_t u) {
  char digits[20];
  return raw({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, u).ptr - digits)});
}

Writer& Writer::value(const Value& v) {
  switch (v.kind()) {
    case Kind::null:
      return value(nullptr);
    case Kind::boolean:
      return value(v.as_bool());
    case Kind::integer:
      return integer(v.as_int());
    case Kind::number:
      return v.source_text().empty() ? value(v.as_double()) : raw(v.source_text());
    case Kind::string:
      return value(std::string_view(v.as_string()));
    case Kind::array:
      begin_array();
      for (const Value& element : v.as_array()) value(element);
      return end_array();
    case Kind::object:
      begin_object();
      for (const Member& member : v.as_object()) key(member.key).value(member.value);
      return end_object();
  }
  return *this;
}

// ---- Whole values

std::string write(const Value& value) {
  std::string out;
  Writer(out).value(value);
  return out;
}

std::string write_pretty(const Value& value) {
  std::string out;
  Writer(out, Style::pretty).value(value);
  out += '\n';
  return out;
}

namespace {

void append_canonical(std::string& out, const Value& value);

void append_canonical_object(std::string& out, const Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const Member* a, const Member* b) { return utf16_less(a->key, b->key); });
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    DVT_ASSERT(i == 0 || members[i - 1]->key != members[i]->key, "canonical JSON has no duplicate keys");
    if (i > 0) out += ',';
    append_string(out, members[i]->key);
    out += ':';
    append_canonical(out, members[i]->value);
  }
  out += '}';
}

void append_canonical(std::string& out, const Value& value) {
  // Up to here an integer and its double have the same digits; beyond, RFC 8785 knows the double only.
  constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;
  switch (value.kind()) {
    case Kind::integer:
      if (value.as_int() >= -kExactInDouble && value.as_int() <= kExactInDouble) {
        append_integer(out, value.as_int());
        return;
      }
      [[fallthrough]];
    case Kind::number:
      append_canonical_double(out, value.as_double());
      return;
    case Kind::array: {
      out += '[';
      bool first = true;
      for (const Value& element : value.as_array()) {
        if (!std::exchange(first, false)) out += ',';
        append_canonical(out, element);
      }
      out += ']';
      return;
    }
    case Kind::object:
      append_canonical_object(out, value.as_object());
      return;
    case Kind::null:
    case Kind::boolean:
    case Kind::string:
      Writer(out).value(value);
      return;
  }
}

}  // namespace

std::string write_canonical(const Value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace dvt::json
