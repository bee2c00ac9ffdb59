// A C++ file as the layer tests see it: tokens without comments, string literals apart, #include lines apart.
// A small lexer, not a parser: it knows comments, (raw) strings, characters and numbers, and keeps line numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dvt::layers {

enum class TokenKind { identifier, number, punctuation, string, character };

/// `text` is the token as written; of a string literal it is the content between the quotes, escapes untouched.
/// `::` and `->` are one token each, all other punctuation is one character a token.
struct Token {
  TokenKind kind = TokenKind::punctuation;
  std::string text;
  int line = 0;  // from 1

  bool is(std::string_view other) const { return kind != TokenKind::string && text == other; }
};

struct Include {
  std::string header;  // without quotes or brackets
  char opening = '"';  // '"' or '<'
  int line = 0;
};

struct SourceText {
  std::string path;  // from the project's root, with '/'
  std::vector<Token> tokens;
  std::vector<Include> includes;
  std::vector<std::string> comments;  // comment text by line; index 0 is unused
  std::vector<bool> has_code;         // by line

  /// True if the line, or the comment lines directly above it, carry `marker` followed by a reason: `marker why`.
  bool excused(int line, std::string_view marker) const;
  /// True if tokens[at] is a name used through an object: `x.name`, `p->name`.
  bool is_member_access(std::size_t at) const;
  const Token* token(std::size_t at) const { return at < tokens.size() ? &tokens[at] : nullptr; }
  bool matches(std::size_t at, std::string_view text) const { return at < tokens.size() && tokens[at].is(text); }
  /// Index of the bracket that closes the one at `open` ('(' '{' or '['), or tokens.size().
  std::size_t closing(std::size_t open) const;
};

SourceText read_source_text(std::string path, std::string_view content);

/// What a check found, told as `file:line: message`.
struct Finding {
  std::string path;
  int line = 0;
  std::string message;

  std::string text() const;
};

/// One finding a line; empty if there is none.
std::string told(const std::vector<Finding>& findings);

}  // namespace dvt::layers
