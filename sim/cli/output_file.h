// Files that a command writes for the user.
#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>

namespace dvt::sim::cli {

/// The file appears whole or not at all; an older one is replaced. Throws dvt::Error.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The same for text that comes in pieces: nothing has the file's name before commit().
class OutputFile {
 public:
  /// Throws dvt::Error.
  explicit OutputFile(std::filesystem::path path);
  /// Removes what was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  void write(std::string_view text);
  /// Throws dvt::Error when anything could not be written.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::ofstream file_;
};

/// To the file, or to stdout when `path` is empty.
void write_result(const std::filesystem::path& path, std::string_view text);

}  // namespace dvt::sim::cli
