// The lexer behind the layer tests.
#include "tests/layers/source_text.h"

#include <algorithm>
#include <cctype>

namespace dvt::layers {
namespace {

bool starts_identifier(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool continues_identifier(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Lexer {
 public:
  Lexer(SourceText& out, std::string_view text) : out_(out), text_(text) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2;
    out_.comments.resize(lines);
    out_.has_code.resize(lines);
  }

  void run() {
    while (at_ < text_.size()) step();
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void advance(std::size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count) {
      if (text_[at_++] == '\n') {
        ++line_;
        line_is_blank_ = true;
      }
    }
  }

  void push(TokenKind kind, std::string text) {
    out_.has_code[static_cast<std::size_t>(line_)] = true;
    out_.tokens.push_back({kind, std::move(text), line_});
  }

  void step() {
    const char c = peek();
    if (c == '/' && peek(1) == '/') return line_comment();
    if (c == '/' && peek(1) == '*') return block_comment();
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\\') return advance();
    if (c == '#' && line_is_blank_) return directive();
    line_is_blank_ = false;
    if (c == '"') return string_literal();
    if (c == '\'') return character_literal();
    if (starts_identifier(c)) return identifier();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
    if ((c == ':' && peek(1) == ':') || (c == '-' && peek(1) == '>')) {
      push(TokenKind::punctuation, std::string(text_.substr(at_, 2)));
      return advance(2);
    }
    push(TokenKind::punctuation, std::string(1, c));
    advance();
  }

  void line_comment() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    out_.comments[static_cast<std::size_t>(line_)] += std::string(text_.substr(at_ + 2, end - at_ - 2)) + ' ';
    advance(end - at_);
  }

  void block_comment() {
    const std::size_t found = text_.find("*/", at_ + 2);
    const std::size_t end = found == std::string_view::npos ? text_.size() : found + 2;
    while (at_ < end) {
      if (peek() != '\n') out_.comments[static_cast<std::size_t>(line_)] += peek();
      advance();
    }
  }

  // #include lines are kept apart; the text of other directives (macro bodies) is ordinary code.
  void directive() {
    line_is_blank_ = false;
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = text_.substr(at_, end - at_);
    std::size_t i = 1;
    while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) ++i;
    if (!line.substr(i).starts_with("include")) return advance();
    const std::size_t open = line.find_first_of("\"<", i);
    if (open == std::string_view::npos) return advance();
    const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close == std::string_view::npos) return advance();
    out_.includes.push_back({std::string(line.substr(open + 1, close - open - 1)), line[open], line_});
    out_.has_code[static_cast<std::size_t>(line_)] = true;
    advance(close + 1);
  }

  void string_literal() {
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != '"' && text_[i] != '\n') i += text_[i] == '\\' ? 2U : 1U;
    i = std::min(i, text_.size());
    push(TokenKind::string, std::string(text_.substr(at_ + 1, i - at_ - 1)));
    advance(i + 1 - at_);
  }

  void raw_string(std::size_t quote) {
    const std::size_t open = text_.find('(', quote);
    if (open == std::string_view::npos) return advance();
    const std::string end = ')' + std::string(text_.substr(quote + 1, open - quote - 1)) + '"';
    const std::size_t close = std::min(text_.find(end, open), text_.size());
    push(TokenKind::string, std::string(text_.substr(open + 1, close - open - 1)));
    advance(close + end.size() - at_);
  }

  void character_literal() {
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != '\'' && text_[i] != '\n') i += text_[i] == '\\' ? 2U : 1U;
    i = std::min(i, text_.size());
    push(TokenKind::character, std::string(text_.substr(at_ + 1, i - at_ - 1)));
    advance(i + 1 - at_);
  }

  void identifier() {
    std::size_t end = at_;
    while (end < text_.size() && continues_identifier(text_[end])) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    if (end < text_.size() && text_[end] == '"') {
      if (name == "R" || name == "u8R" || name == "LR" || name == "uR" || name == "UR") return raw_string(end);
      if (name == "u8" || name == "L" || name == "u" || name == "U") {
        advance(name.size());
        return string_literal();
      }
    }
    push(TokenKind::identifier, std::string(name));
    advance(name.size());
  }

  void number() {
    std::size_t end = at_;
    while (end < text_.size()) {
      const char c = text_[end];
      const char previous = end > at_ ? text_[end - 1] : '\0';
      const bool exponent_sign = (c == '+' || c == '-') && (previous == 'e' || previous == 'E' || previous == 'p');
      const bool separator = c == '\'' && end + 1 < text_.size() && continues_identifier(text_[end + 1]);
      if (!continues_identifier(c) && c != '.' && !separator && !exponent_sign) break;
      ++end;
    }
    push(TokenKind::number, std::string(text_.substr(at_, end - at_)));
    advance(end - at_);
  }

  SourceText& out_;
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_is_blank_ = true;  // so far
};

}  // namespace

bool SourceText::excused(int line, std::string_view marker) const {
  const auto carries = [&](std::size_t i) {
    const std::size_t found = comments[i].find(marker);
    if (found == std::string::npos) return false;
    return comments[i].find_first_not_of(" \t", found + marker.size()) != std::string::npos;
  };
  auto i = static_cast<std::size_t>(line);
  if (i >= comments.size()) return false;
  if (carries(i)) return true;
  for (--i; i > 0 && !has_code[i] && !comments[i].empty(); --i) {
    if (carries(i)) return true;
  }
  return false;
}

bool SourceText::is_member_access(std::size_t at) const {
  return at > 0 && (tokens[at - 1].is(".") || tokens[at - 1].is("->"));
}

std::size_t SourceText::closing(std::size_t open) const {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("{") || tokens[i].is("[")) ++depth;
    if ((tokens[i].is(")") || tokens[i].is("}") || tokens[i].is("]")) && --depth == 0) return i;
  }
  return tokens.size();
}

SourceText read_source_text(std::string path, std::string_view content) {
  SourceText result;
  result.path = std::move(path);
  Lexer(result, content).run();
  return result;
}

std::string Finding::text() const {
  return path + ':' + std::to_string(line) + ": " + message;
}

std::string told(const std::vector<Finding>& findings) {
  std::string result;
  for (const Finding& finding : findings) result += '\n' + finding.text();
  return result;
}

}  // namespace dvt::layers
