// Reads include_table.txt and checks #include lines against it.
#include "tests/layers/include_rules.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "tests/layers/source_tree.h"

namespace dvt::layers {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

[[noreturn]] void fail(int line, const std::string& message) {
  throw std::runtime_error("include_table.txt:" + std::to_string(line) + ": " + message);
}

void parse_library(IncludeTable& table, const std::string& rest, int line) {
  const std::size_t equals = rest.find('=');
  if (equals == std::string::npos) fail(line, "expected 'library NAME = HEADER-PREFIX…'");
  const auto name = words(rest.substr(0, equals));
  auto prefixes = words(rest.substr(equals + 1));
  if (name.size() != 1 || prefixes.empty()) fail(line, "expected 'library NAME = HEADER-PREFIX…'");
  if (!table.libraries.emplace(name[0], std::move(prefixes)).second) fail(line, "library " + name[0] + " stands twice");
}

void parse_row(IncludeTable& table, const std::string& rest, int line) {
  const std::size_t first = rest.find('|');
  const std::size_t second = first == std::string::npos ? first : rest.find('|', first + 1);
  if (second == std::string::npos) fail(line, "expected 'row FOLDER… | FOLDER… | LIBRARY…'");
  std::vector<AllowedLibrary> libraries;
  for (const std::string& word : words(rest.substr(second + 1))) {
    const std::size_t colon = word.find(':');
    AllowedLibrary library{word.substr(0, colon), colon == std::string::npos ? "" : word.substr(colon + 1)};
    if (!table.libraries.contains(library.name)) fail(line, "library " + library.name + " is not defined");
    libraries.push_back(std::move(library));
  }
  const std::vector<std::string> own = words(rest.substr(0, first));
  std::vector<std::string> folders = own;
  for (std::string& folder : words(rest.substr(first + 1, second - first - 1))) folders.push_back(std::move(folder));
  for (const std::string& folder : own) {
    const bool known =
        std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& r) { return r.folder == folder; });
    if (known) fail(line, "folder " + folder + " has two rows");
    table.rows.push_back({folder, folders, libraries});
  }
}

bool is_standard_cpp(const Include& include) {
  return include.opening == '<' && include.header.find_first_of("./") == std::string::npos;
}

std::string quoted(const Include& include) {
  return include.opening == '<' ? '<' + include.header + '>' : '"' + include.header + '"';
}

bool starts_in_code_folder(std::string_view header) {
  return std::any_of(std::begin(kCodeFolders), std::end(kCodeFolders),
                     [&](std::string_view folder) { return in_folder(header, folder); });
}

bool project_header_allowed(const IncludeTable& table, const IncludeRow& row, std::string_view header) {
  const auto inside = [&](const std::string& folder) { return in_folder(header, folder); };
  return std::any_of(row.folders.begin(), row.folders.end(), inside) ||
         std::any_of(table.everyone.begin(), table.everyone.end(), inside);
}

const std::string* library_of(const IncludeTable& table, std::string_view header) {
  for (const auto& [name, prefixes] : table.libraries) {
    for (const std::string& prefix : prefixes) {
      if (header.starts_with(prefix)) return &name;
    }
  }
  return nullptr;
}

bool library_allowed(const IncludeRow& row, const std::string& library, std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::any_of(row.libraries.begin(), row.libraries.end(), [&](const AllowedLibrary& allowed) {
    return allowed.name == library && name.starts_with(allowed.file_stem);
  });
}

}  // namespace

const IncludeRow* IncludeTable::row_of(std::string_view path) const {
  const IncludeRow* best = nullptr;
  for (const IncludeRow& row : rows) {
    if (in_folder(path, row.folder) && (best == nullptr || row.folder.size() > best->folder.size())) best = &row;
  }
  return best;
}

IncludeTable parse_include_table(std::string_view text) {
  IncludeTable table;
  std::istringstream in{std::string(text)};
  int line = 0;
  for (std::string content; std::getline(in, content);) {
    ++line;
    content.resize(std::min(content.find('#'), content.size()));
    const auto first = words(content);
    if (first.empty()) continue;
    const std::string rest = content.substr(content.find(first[0]) + first[0].size());
    if (first[0] == "library") {
      parse_library(table, rest, line);
    } else if (first[0] == "everyone") {
      for (std::string& folder : words(rest)) table.everyone.push_back(std::move(folder));
    } else if (first[0] == "row") {
      parse_row(table, rest, line);
    } else {
      fail(line, "expected library, everyone or row, found " + first[0]);
    }
  }
  return table;
}

std::vector<Finding> check_includes(const IncludeTable& table, const SourceText& file) {
  std::vector<Finding> findings;
  if (in_folder(file.path, "tests")) return findings;
  const IncludeRow* row = table.row_of(file.path);
  if (row == nullptr) return {{file.path, 1, "lies in no row of tests/layers/include_table.txt"}};
  for (const Include& include : file.includes) {
    if (is_standard_cpp(include)) continue;
    const std::string refused = "#include " + quoted(include) + " is not allowed for row " + row->folder;
    if (include.opening == '"' && !starts_in_code_folder(include.header)) {
      findings.push_back({file.path, include.line, refused + ": project headers are named from the root"});
    } else if (include.opening == '"') {
      if (!project_header_allowed(table, *row, include.header)) findings.push_back({file.path, include.line, refused});
    } else if (const std::string* library = library_of(table, include.header); library == nullptr) {
      findings.push_back({file.path, include.line, refused + ": no library line of the include table names it"});
    } else if (!library_allowed(*row, *library, file.path)) {
      findings.push_back({file.path, include.line, refused + " (" + *library + ')'});
    }
  }
  return findings;
}

}  // namespace dvt::layers
