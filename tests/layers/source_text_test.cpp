// The lexer keeps comments, strings and code apart; the other layer tests stand on it.
#include "tests/layers/source_text.h"

#include <gtest/gtest.h>

namespace dvt::layers {
namespace {

std::string code(std::string_view text) {
  std::string result;
  for (const Token& token : read_source_text("x.cpp", text).tokens) {
    if (!result.empty()) result += ' ';
    result += token.kind == TokenKind::string ? '<' + token.text + '>' : token.text;
  }
  return result;
}

TEST(SourceText, LeavesCommentsOut) {
  EXPECT_EQ(code("int a; // b\n/* c\n d */ int e;"), "int a ; int e ;");
}

TEST(SourceText, KeepsStringsWhole) {
  EXPECT_EQ(code(R"(f("a // \" b", 'x', '"');)"), R"(f ( <a // \" b> , x , " ) ;)");
  EXPECT_EQ(code("auto s = R\"sql(a)\" \n // b)sql\"; g();"), "auto s = <a)\" \n // b> ; g ( ) ;");
  EXPECT_EQ(code("u8\"x\" L\"y\""), "<x> <y>");
}

TEST(SourceText, ReadsNumbersWithSeparatorsAndExponents) {
  EXPECT_EQ(code("1'000'000 0x1.0p-52 1e-9"), "1'000'000 0x1.0p-52 1e-9");
}

TEST(SourceText, CountsLinesThroughCommentsAndRawStrings) {
  const SourceText text = read_source_text("x.cpp", "/*\n\n*/\nauto s = R\"(\n\n)\";\nint last;\n");
  EXPECT_EQ(text.tokens.back().line, 7);
  EXPECT_EQ(text.tokens.front().line, 4);
}

TEST(SourceText, ReadsIncludesOfBothForms) {
  const SourceText text = read_source_text("x.cpp", "#pragma once\n#  include <a/b.hpp>\n#include \"c/d.h\"  // why\n");
  ASSERT_EQ(text.includes.size(), 2U);
  EXPECT_EQ(text.includes[0].header, "a/b.hpp");
  EXPECT_EQ(text.includes[0].opening, '<');
  EXPECT_EQ(text.includes[1].header, "c/d.h");
  EXPECT_EQ(text.includes[1].line, 3);
}

TEST(SourceText, TreatsMacroBodiesAsCode) {
  EXPECT_EQ(code("#define F(x) g(x)"), "define F ( x ) g ( x )");
}

TEST(SourceText, ExcusesALineByItsOwnCommentOrTheOneAbove) {
  const SourceText text =
      read_source_text("x.cpp", "a(); // m: why\nb();\n// m: first\n// more\nc();\n\nd();  // m:\n");
  EXPECT_TRUE(text.excused(1, "m:"));
  EXPECT_FALSE(text.excused(2, "m:"));
  EXPECT_TRUE(text.excused(5, "m:"));
  EXPECT_FALSE(text.excused(7, "m:")) << "a marker without a reason excuses nothing";
}

}  // namespace
}  // namespace dvt::layers
