// The project's files on disk, read once: paths from the root, sorted, without build directories and hidden folders.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/layers/source_text.h"

namespace dvt::layers {

struct TextFile {
  std::string path;  // from the root
  std::string content;
};

/// The folders of the fixed layout that hold code, in layer order.
inline constexpr std::string_view kCodeFolders[] = {"engine", "adapters", "store", "sim", "tests"};

/// The source tree under test: DVTSIM_SOURCE_ROOT if set, else the tree this test was built from.
std::filesystem::path source_root();

/// Files below the code folders, and those of the root itself, that hold text (by extension). Throws
/// std::runtime_error if the root is not a dvtsim tree: an empty list would let every check pass.
std::vector<TextFile> read_tree(const std::filesystem::path& root);

/// The C++ files among them, lexed.
std::vector<SourceText> cpp_files(const std::vector<TextFile>& files);

bool in_folder(std::string_view path, std::string_view folder);
/// "a/b/c.h" gives "a/b"; "c.h" gives "".
std::string_view folder_of(std::string_view path);

}  // namespace dvt::layers
