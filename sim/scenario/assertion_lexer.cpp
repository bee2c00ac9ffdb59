// Text → tokens. Names hold `-` and `.`; `alerts.<set>/<rule>` holds one `/`. Literals carry their unit.
#include "engine/base/format.h"

#include <array>

#include "sim/scenario/assertion_tree.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim::assertion {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == ':';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>, AssertionError> run() {
    std::vector<Token> tokens;
    for (;;) {
      while (at_ < text_.size() &&
             (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
        ++at_;
      Token token;
      token.offset = at_;
      if (at_ == text_.size()) {
        tokens.push_back(std::move(token));
        return tokens;
      }
      if (!read(token)) return failure(AssertionError{error_at_, std::move(error_)});
      tokens.push_back(std::move(token));
    }
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool fail(std::size_t at, std::string message) {
    error_at_ = at;
    error_ = std::move(message);
    return false;
  }

  bool read(Token& token) {
    const char c = peek(0);
    if (is_digit(c)) return read_literal(token);
    if (is_letter(c)) return read_name(token);
    if (c == '"' || c == '\'') return read_quoted(token, c);
    constexpr std::array<std::string_view, 17> kSymbols{"==", "!=", "<=", ">=", "<", ">", "+", "-", "*",
                                                        "/",  "(",  ")",  "[",  "]", "{", "}", ","};
    for (std::string_view symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.kind = Token::Kind::symbol;
      token.text = symbol;
      at_ += symbol.size();
      return true;
    }
    if (c == '.' || c == '=') {
      token.kind = Token::Kind::symbol;
      token.text = c;
      ++at_;
      return true;
    }
    return fail(at_, c == '&' || c == '|' || c == '!' ? "expected and, or, not in words"
                                                      : fmt::format("unexpected character '{}'", c));
  }

  bool read_quoted(Token& token, char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return fail(at_, "a quote is not closed");
    token.kind = Token::Kind::quoted;
    token.text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }

  bool read_name(Token& token) {
    token.kind = Token::Kind::name;
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool dot = c == '.' && (is_letter(peek(1)) || is_digit(peek(1)));
      // The one place for a slash: alerts.<set>/<rule>
      const std::string_view so_far = text_.substr(begin, at_ - begin);
      const bool slash = c == '/' && is_letter(peek(1)) && so_far.starts_with("alerts.") &&
                         so_far.find('.', 7) == std::string_view::npos && so_far.find('/') == std::string_view::npos;
      if (!is_name_char(c) && !dot && !slash) break;
      ++at_;
    }
    token.text = text_.substr(begin, at_ - begin);
    return true;
  }

  template <class T, class Make>
  bool accept(Token& token, std::string_view text, const Parsed<T>& parsed, Make make) {
    if (!parsed.has_value()) return false;
    token.kind = Token::Kind::literal;
    token.literal = make(parsed.value());
    at_ += text.size();
    return true;
  }

  // 12, 1.5, 30%, 400/s, 1h30m, 10MB, 0.045 USD.
  bool read_literal(Token& token) {
    std::size_t length = 0;
    while (is_digit(peek(length)) || (peek(length) == '.' && is_digit(peek(length + 1)))) ++length;
    const std::size_t digits = length;
    const char next = peek(length);
    if (next == '%') {
      const std::string_view text = text_.substr(at_, length + 1);
      return accept(token, text, parse_number(text_.substr(at_, digits)),
                    [&](double) { return percent_literal(text_.substr(at_, digits)); }) ||
             fail(at_, fmt::format("\"{}\" is no share", text));
    }
    const char unit = peek(length + 1);
    const bool interval = unit == 's' || unit == 'm' || unit == 'h' || unit == 'd' || unit == 'w';
    if (next == '/' && interval && !is_name_char(peek(length + 2)) && peek(length + 2) != '.') {
      const std::string_view text = text_.substr(at_, length + 2);
      return accept(token, text, parse_rate(text),
                    [](Rate rate) {
                      return AssertValue{ValueKind::rate, rate.per_second(), false, {}};
                    }) ||
             fail(at_, fmt::format("\"{}\" is no rate", text));
    }
    while (is_letter(peek(length)) || is_digit(peek(length)) || (peek(length) == '.' && is_digit(peek(length + 1))))
      ++length;
    const std::string_view text = text_.substr(at_, length);
    if (length > digits) {
      return accept(token, text, parse_duration(text), [](Duration d) { return AssertValue::of_duration(d); }) ||
             accept(token, text, parse_bytes(text),
                    [](Bytes b) {
                      return AssertValue{ValueKind::bytes, static_cast<double>(b.count), false, {}};
                    }) ||
             fail(at_, fmt::format("\"{}\" is no duration, size, rate, share or number", text));
    }
    std::size_t spaces = 0;
    while (peek(length + spaces) == ' ') ++spaces;
    if (text_.substr(std::min(text_.size(), at_ + length + spaces)).starts_with("USD")) {
      const std::string_view money = text_.substr(at_, length + spaces + 3);
      return accept(token, money, parse_money(money), [](Money m) { return AssertValue::of_money(m.nano_dollars); }) ||
             fail(at_, fmt::format("\"{}\" is no amount", money));
    }
    return accept(token, text, parse_number(text), [](double d) { return AssertValue::of_number(d); }) ||
           fail(at_, fmt::format("\"{}\" is no number", text));
  }

  // One correctly rounded division of two whole numbers where that is exact, so that `1 / 100 == 1%`.
  static AssertValue percent_literal(std::string_view digits) {
    double whole = 0;
    double divisor = 100;
    bool point = false;
    for (char c : digits) {
      if (c == '.') {
        point = true;
        continue;
      }
      whole = whole * 10 + (c - '0');
      if (point) divisor *= 10;
    }
    return AssertValue::of_share(whole / divisor);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t error_at_ = 0;
  std::string error_;
};

}  // namespace

Result<std::vector<Token>, AssertionError> tokenize(std::string_view text) {
  if (text.size() > kMaxTextBytes)
    return failure(AssertionError{0, fmt::format("an assertion has at most {} characters", kMaxTextBytes)});
  return Lexer(text).run();
}

}  // namespace dvt::sim::assertion
