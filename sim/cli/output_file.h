// Files that a command writes for the user.
#pragma once

#include <filesystem>
#include <string_view>

namespace dvt::sim::cli {

/// The file appears whole or not at all; an older one is replaced. Throws dvt::Error.
void write_file(const std::filesystem::path& path, std::string_view text);

/// To the file, or to stdout when `path` is empty.
void write_result(const std::filesystem::path& path, std::string_view text);

}  // namespace dvt::sim::cli
