// Reads the project's text files for the layer tests.
#include "tests/layers/source_tree.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace dvt::layers {
namespace {

namespace fs = std::filesystem;

bool is_text(const fs::path& path) {
  static constexpr std::array kExtensions = {".h",   ".cpp",  ".build", ".md", ".txt", ".sh",   ".py",
                                             ".sql", ".yaml", ".yml",   ".in", ".css", ".html", ".js"};
  const std::string name = path.filename().string();
  const std::string extension = path.extension().string();
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end() || name == ".clang-tidy" ||
         name == ".clang-format" || name == ".gitignore" || name == "run";
}

TextFile read(const fs::path& root, const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {path.lexically_relative(root).generic_string(),
          std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())};
}

void read_below(const fs::path& root, const fs::path& folder, std::vector<TextFile>& files) {
  for (fs::recursive_directory_iterator it(folder), end; it != end; ++it) {
    if (it->is_directory() && it->path().filename() == "__pycache__") it.disable_recursion_pending();
    if (it->is_regular_file() && is_text(it->path())) files.push_back(read(root, it->path()));
  }
}

}  // namespace

std::filesystem::path source_root() {
  const char* chosen = std::getenv("DVTSIM_SOURCE_ROOT");
  return fs::absolute(chosen != nullptr ? chosen : DVTSIM_SOURCE_ROOT).lexically_normal();
}

std::vector<TextFile> read_tree(const std::filesystem::path& root) {
  std::vector<TextFile> files;
  for (const std::string_view folder : kCodeFolders) {
    if (!fs::is_directory(root / folder)) {
      throw std::runtime_error(root.string() + " is not a dvtsim source tree: it has no folder " + std::string(folder));
    }
    read_below(root, root / folder, files);
  }
  if (fs::is_directory(root / ".ci")) read_below(root, root / ".ci", files);
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && (is_text(entry.path()))) files.push_back(read(root, entry.path()));
  }
  std::sort(files.begin(), files.end(), [](const TextFile& a, const TextFile& b) { return a.path < b.path; });
  return files;
}

std::vector<SourceText> cpp_files(const std::vector<TextFile>& files) {
  std::vector<SourceText> result;
  for (const TextFile& file : files) {
    if (file.path.ends_with(".h") || file.path.ends_with(".cpp")) {
      result.push_back(read_source_text(file.path, file.content));
    }
  }
  return result;
}

bool in_folder(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace dvt::layers
