#include "sim/cli/output_file.h"

#include <cstdio>
#include <utility>

#include "engine/base/result.h"

namespace dvt::sim::cli {

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), partial_(path_.string() + ".partial"), file_(partial_, std::ios::binary) {
  if (!file_) throw Error("cannot write " + partial_.string());
}

OutputFile::~OutputFile() {
  if (partial_.empty()) return;
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

void OutputFile::write(std::string_view text) {
  file_ << text;
}

void OutputFile::commit() {
  file_.close();
  if (!file_) throw Error("cannot write " + partial_.string());
  std::filesystem::rename(partial_, path_);
  partial_.clear();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

void write_result(const std::filesystem::path& path, std::string_view text) {
  if (!path.empty()) return write_file(path, text);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace dvt::sim::cli
