// Tables and figures for the terminal: columns aligned by what a terminal shows, colour only when asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace dvt::sim {

enum class Colour : std::uint8_t { off, on };
enum class Style : std::uint8_t { plain, good, bad, warning, dim, bold };

/// `text` in the style, or as it is.
std::string paint(Colour colour, Style style, std::string_view text);

/// Columns a terminal gives a UTF-8 text: two for East Asian wide letters and emoji, none for combining marks.
std::size_t display_width(std::string_view text);

/// For people: 0 s, 850 µs, 7.96 ms, 4.31 s, 17 m 5 s, 3 h 12 m, 2 d 4 h. At most four digits; negative with a minus.
std::string show_duration(Duration duration);
/// 1,234,567.
std::string grouped(std::uint64_t number);
/// 512 B, 31.4 MB.
std::string show_bytes(std::uint64_t bytes);

struct Cell {
  std::string text;
  Style style = Style::plain;
  Cell(std::string t = {}, Style s = Style::plain)
      : text(std::move(t)), style(s) {}  // NOLINT(google-explicit-constructor)
  Cell(const char* t) : text(t) {}       // NOLINT(google-explicit-constructor)
};

enum class Align : std::uint8_t { left, right };

class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  /// Titles are left out when all are empty.
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// `note` stands behind the row where it fits into `kWidth` columns, and below it otherwise.
  void add(std::vector<Cell> cells, std::string note = {});
  std::string render(Colour colour) const;

  static constexpr std::size_t kWidth = 100;

 private:
  struct Row {
    std::vector<Cell> cells;
    std::string note;
  };
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

/// `text` broken at spaces into lines of at most `width` columns, each behind `indent` spaces, with a final newline.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = TextTable::kWidth);

}  // namespace dvt::sim
