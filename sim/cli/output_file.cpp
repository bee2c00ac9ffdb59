#include "sim/cli/output_file.h"

#include <cstdio>
#include <fstream>

#include "engine/base/result.h"

namespace dvt::sim::cli {

void write_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path partial = path.string() + ".partial";
  std::ofstream file(partial, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error("cannot write " + partial.string());
  std::filesystem::rename(partial, path);
}

void write_result(const std::filesystem::path& path, std::string_view text) {
  if (!path.empty()) return write_file(path, text);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace dvt::sim::cli
