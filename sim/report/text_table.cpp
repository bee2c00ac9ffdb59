#include "sim/report/text_table.h"

#include "engine/base/format.h"

#include <algorithm>

namespace dvt::sim {
namespace {

const char* code(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::good:
      return "32";
    case Style::bad:
      return "31;1";
    case Style::warning:
      return "33";
    case Style::dim:
      return "2";
    case Style::bold:
      return "1";
  }
  return "";
}

// The next code point; a byte that is no UTF-8 counts as one.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xE0) == 0xC0 ? 2
                             : (first & 0xF0) == 0xE0 ? 3
                             : (first & 0xF8) == 0xF0 ? 4
                                                      : 1;
  if (length == 1 || at + length > text.size()) {
    ++at;
    return first;
  }
  char32_t point = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) point = (point << 6) | (byte(at + i) & 0x3FU);
  at += length;
  return point;
}

std::size_t columns_of(char32_t c) {
  const auto in = [c](char32_t from, char32_t to) { return c >= from && c <= to; };
  if (c < 0x20 || in(0x300, 0x36F) || in(0x200B, 0x200F) || in(0x20D0, 0x20FF) || in(0xFE00, 0xFE0F)) return 0;
  const bool wide = in(0x1100, 0x115F) || in(0x2E80, 0x303E) || in(0x3041, 0xA4CF) || in(0xAC00, 0xD7A3) ||
                    in(0xF900, 0xFAFF) || in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF60) || in(0xFFE0, 0xFFE6) ||
                    in(0x1F300, 0x1F64F) || in(0x1F680, 0x1F6FF) || in(0x1F900, 0x1F9FF) || in(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string paint(Colour colour, Style style, std::string_view text) {
  if (colour == Colour::off || style == Style::plain || text.empty()) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", code(style), text);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += columns_of(next_code_point(text, at));
  return width;
}

std::string show_duration(Duration duration) {
  if (duration.ns < 0) return "-" + show_duration(Duration{-duration.ns});
  const auto ns = static_cast<double>(duration.ns);
  if (duration.ns == 0) return "0 s";
  if (duration.ns < 1'000'000) return fmt::format("{:.4g} µs", ns / 1e3);
  if (duration.ns < 1'000'000'000) return fmt::format("{:.4g} ms", ns / 1e6);
  if (duration.ns < 120'000'000'000) return fmt::format("{:.4g} s", ns / 1e9);
  const std::int64_t total = duration.ns / 1'000'000'000;
  const auto pair = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    return small == 0 ? fmt::format("{} {}", big, big_unit)
                      : fmt::format("{} {} {} {}", big, big_unit, small, small_unit);
  };
  if (total < 7200) return pair(total / 60, "m", total % 60, "s");
  if (total < 172'800) return pair(total / 3600, "h", total / 60 % 60, "m");
  return pair(total / 86'400, "d", total / 3600 % 24, "h");
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string show_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fmt::format("{:.3g} {}", value, kUnits[unit]);
}

void TextTable::add(std::vector<Cell> cells, std::string note) {
  rows_.push_back({std::move(cells), std::move(note)});
}

std::string TextTable::render(Colour colour) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row.cells[i].text));
  }
  // Padding stands outside the colour, and none ends a line.
  const auto line = [&](const std::vector<Cell>& cells, std::size_t& shown) {
    std::string out;
    std::size_t pending = 1;
    shown = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = display_width(cells[i].text);
      const std::size_t pad = widths[i] - width;
      pending += (i == 0 ? 1 : 2) + (columns_[i].align == Align::right ? pad : 0);
      if (width > 0) {
        out += std::string(pending, ' ') + paint(colour, cells[i].style, cells[i].text);
        shown += pending + width;
        pending = 0;
      } else {
        pending += width;
      }
      if (columns_[i].align == Align::left) pending += pad;
    }
    return out;
  };
  std::string out;
  std::size_t shown = 0;
  if (std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.title.empty(); })) {
    std::vector<Cell> titles;
    for (const Column& column : columns_) titles.emplace_back(column.title, Style::dim);
    out += line(titles, shown) + "\n";
  }
  std::size_t full = 1;  // where notes begin
  for (std::size_t i = 0; i < widths.size(); ++i) full += widths[i] + (i == 0 ? 1 : 2);
  for (const Row& row : rows_) {
    const std::string text = line(row.cells, shown);
    const std::size_t gap = full > shown ? full - shown : 0;
    if (row.note.empty()) {
      out += text + "\n";
    } else if (full + 2 + display_width(row.note) <= kWidth) {
      out += text + std::string(gap + 2, ' ') + paint(colour, Style::dim, row.note) + "\n";
    } else {
      out += text + "\n";
      std::string below = wrapped(row.note, 5);
      out += paint(colour, Style::dim, below.substr(0, below.size() - 1)) + "\n";
    }
  }
  return out;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::string current;
  const auto flush = [&] {
    out += std::string(indent, ' ') + current + "\n";
    current.clear();
  };
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (!current.empty() && indent + display_width(current) + 1 + display_width(word) > width) flush();
    current += (current.empty() ? "" : " ") + std::string(word);
  }
  if (!current.empty() || out.empty()) flush();
  return out;
}

}  // namespace dvt::sim
