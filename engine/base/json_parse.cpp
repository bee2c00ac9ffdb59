// Parsing through Boost.JSON's SAX parser. The parser is asked for structure and strings only; what it makes of a
// number is ignored in favour of the number's text.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>  // exact: isinf
#include <numeric>

#include "engine/base/assert.h"
#include "engine/base/json.h"

namespace dvt::json {

// ---- Numbers

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - first;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool leading_zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// Of a number outside the doubles' range: is it too large, rather than too small? The decimal exponent of its first
// significant digit decides; nothing near 1 gets here.
bool exceeds_range(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, e);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = mantissa.find_first_of("123456789");
  std::int64_t exponent = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  if (e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t written = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), written);
    if (error != std::errc()) return !digits.starts_with('-');
    exponent += written;
  }
  return exponent > 0;
}

// The value of a text that is a JSON number; nullopt when it exceeds every double.
std::optional<Value> number_value(std::string text) {
  const char* const first = text.data();
  const char* const last = first + text.size();
  std::int64_t integer = 0;
  const auto [int_end, int_error] = std::from_chars(first, last, integer);
  // "-0" stays a number: an integer has no negative zero.
  if (int_error == std::errc() && int_end == last && !(integer == 0 && text[0] == '-')) return Value(integer);
  double value = 0;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error == std::errc::result_out_of_range) {
    if (exceeds_range(text)) return std::nullopt;
    value = text[0] == '-' ? -0.0 : 0.0;
  } else if (std::isinf(value)) {
    return std::nullopt;
  }
  return Value(Number{value, std::move(text)});
}

}  // namespace

Value Value::number(std::string text) {
  DVT_ASSERT(is_json_number(text), "not the text of a JSON number");
  std::optional<Value> value = number_value(std::move(text));
  DVT_ASSERT(value.has_value(), "a JSON number exceeds every double");
  return *std::move(value);
}

// ---- Parsing

namespace {

namespace bj = boost::json;

// Collects finished values on one flat stack; the end of a container takes its members from the top. So arrays and
// objects are built once, at their final size.
class Builder {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  explicit Builder(DuplicateKeys duplicates) : duplicates_(duplicates) {}

  const std::string& complaint() const { return complaint_; }
  Value take() { return std::move(values_.back()); }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_array_end(std::size_t n, bj::error_code&) {
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(n);
    Array array(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    values_.emplace_back(std::move(array));
    return true;
  }
  bool on_object_begin(bj::error_code&) { return true; }
  bool on_object_end(std::size_t n, bj::error_code& ec) {
    const std::size_t first_key = keys_.size() - n;
    const std::size_t first_value = values_.size() - n;
    const std::vector<bool> replaced = find_replaced(first_key);
    if (!replaced.empty() && duplicates_ == DuplicateKeys::reject) return fail(ec);
    Object object;
    object.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (!replaced.empty() && replaced[i]) continue;
      object.append(std::move(keys_[first_key + i]), std::move(values_[first_value + i]));
    }
    keys_.resize(first_key);
    values_.resize(first_value);
    values_.emplace_back(std::move(object));
    return true;
  }
  bool on_key_part(bj::string_view s, std::size_t, bj::error_code&) { return part(s); }
  bool on_key(bj::string_view s, std::size_t, bj::error_code&) {
    part(s);
    keys_.push_back(std::move(text_));
    text_.clear();
    return true;
  }
  bool on_string_part(bj::string_view s, std::size_t, bj::error_code&) { return part(s); }
  bool on_string(bj::string_view s, std::size_t, bj::error_code&) {
    part(s);
    values_.emplace_back(std::move(text_));
    text_.clear();
    return true;
  }
  bool on_number_part(bj::string_view s, bj::error_code&) { return part(s); }
  bool on_int64(std::int64_t, bj::string_view s, bj::error_code& ec) { return on_number(s, ec); }
  bool on_uint64(std::uint64_t, bj::string_view s, bj::error_code& ec) { return on_number(s, ec); }
  bool on_double(double, bj::string_view s, bj::error_code& ec) { return on_number(s, ec); }
  bool on_bool(bool b, bj::error_code&) {
    values_.emplace_back(b);
    return true;
  }
  bool on_null(bj::error_code&) {
    values_.emplace_back();
    return true;
  }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  bool part(bj::string_view s) {
    text_.append(s.data(), s.size());
    return true;
  }

  bool on_number(bj::string_view s, bj::error_code& ec) {
    part(s);
    std::optional<Value> value = number_value(std::move(text_));
    text_.clear();
    if (!value) {
      complaint_ = "the number exceeds the range of a double";
      return fail(ec);
    }
    values_.push_back(*std::move(value));
    return true;
  }

  bool fail(bj::error_code& ec) {
    ec = bj::error::syntax;  // any error stops the parser; complaint_ says what it was
    return false;
  }

  // Marks keys from `first` on that a later equal key replaces; empty when all are distinct.
  std::vector<bool> find_replaced(std::size_t first) {
    const std::size_t n = keys_.size() - first;
    std::vector<std::size_t>& order = order_;
    order.resize(n);
    std::iota(order.begin(), order.end(), first);
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      const int by_key = keys_[a].compare(keys_[b]);
      return by_key != 0 ? by_key < 0 : a < b;
    });
    std::vector<bool> replaced;
    for (std::size_t i = 1; i < n; ++i) {
      if (keys_[order[i - 1]] != keys_[order[i]]) continue;
      if (replaced.empty()) {
        replaced.resize(n);
        complaint_ = "duplicate key ";
        append_string(complaint_, keys_[order[i]]);
      }
      replaced[order[i - 1] - first] = true;
    }
    return replaced;
  }

  DuplicateKeys duplicates_;
  std::vector<Value> values_;
  std::vector<std::string> keys_;
  std::vector<std::size_t> order_;
  std::string text_;  // of the key, string or number being read
  std::string complaint_;
};

ParseError error_at(std::string_view text, std::size_t offset, std::string message) {
  ParseError error;
  error.offset = std::min(offset, text.size());
  error.message = std::move(message);
  const std::string_view before = text.substr(0, error.offset);
  error.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t newline = before.rfind('\n');
  error.col = newline == std::string_view::npos ? error.offset + 1 : error.offset - newline;
  return error;
}

std::string explain(std::string_view text, std::size_t offset, const bj::error_code& ec, const Limits& limits) {
  if (ec == bj::error::incomplete) return "the text ends before the JSON value does";
  if (ec == bj::error::too_deep) return "nested deeper than " + std::to_string(limits.max_depth);
  if (ec == bj::error::syntax && offset < text.size()) {
    const auto c = static_cast<unsigned char>(text[offset]);
    if (c > ' ' && c < 127) return std::string("unexpected '") + static_cast<char>(c) + "'";
    constexpr char kHex[] = "0123456789abcdef";
    return std::string("unexpected byte 0x") + kHex[c >> 4] + kHex[c & 15];
  }
  return ec.message();
}

}  // namespace

Result<Value, ParseError> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return failure(error_at(text, limits.max_bytes, "longer than " + std::to_string(limits.max_bytes) + " bytes"));
  }
  bj::parse_options options;
  options.max_depth = limits.max_depth;
  bj::basic_parser<Builder> parser(options, limits.duplicates);
  bj::error_code ec;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    const std::string& complaint = parser.handler().complaint();
    return failure(error_at(text, consumed, complaint.empty() ? explain(text, consumed, ec, limits) : complaint));
  }
  if (consumed < text.size()) return failure(error_at(text, consumed, "something stands after the JSON value"));
  return parser.handler().take();
}

}  // namespace dvt::json
