// The include table: parsing it and checking files against it (design §2).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/layers/source_text.h"

namespace dvt::layers {

struct AllowedLibrary {
  std::string name;
  std::string file_stem;  // empty: in every file of the row
};

struct IncludeRow {
  std::string folder;
  std::vector<std::string> folders;  // of its own row first, then those it may include
  std::vector<AllowedLibrary> libraries;
};

struct IncludeTable {
  std::map<std::string, std::vector<std::string>> libraries;  // name → header prefixes
  std::vector<std::string> everyone;
  std::vector<IncludeRow> rows;

  /// The row with the longest folder that holds `path`, or null.
  const IncludeRow* row_of(std::string_view path) const;
};

/// Throws std::runtime_error with the line number on anything that is not in the form of include_table.txt, on a
/// folder with two rows and on a library that no line defines.
IncludeTable parse_include_table(std::string_view text);

/// One finding for each offending #include (`#include "x" is not allowed for row Y`), and one for a file that lies in
/// no row. Files below tests/ are free.
std::vector<Finding> check_includes(const IncludeTable& table, const SourceText& file);

}  // namespace dvt::layers
