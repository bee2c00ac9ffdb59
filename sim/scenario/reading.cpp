// Collecting diagnostics in file order, suggestions, and file paths.
#include "sim/scenario/reading.h"

#include "engine/base/format.h"

#include <filesystem>

#include "engine/base/text.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {

Reading::Reading(std::string file_name, std::vector<std::string> set_paths)
    : file_name_(std::move(file_name)),
      directory_(std::filesystem::path(file_name_).parent_path().string()),
      set_paths_(std::move(set_paths)) {}

void Reading::error(Mark mark, std::string message) {
  ++errors_;
  if (diagnostics_.size() >= kMaxDiagnostics) {
    ++dropped_;
    return;
  }
  Diagnostic diagnostic;
  diagnostic.file = file_name_;
  diagnostic.line = mark.line;
  diagnostic.column = mark.column;
  if (mark.set >= 0) diagnostic.set = set_paths_[static_cast<std::size_t>(mark.set)];
  diagnostic.path = path();
  diagnostic.message = std::move(message);
  diagnostics_.push_back(std::move(diagnostic));
}

std::string Reading::suggestion(std::string_view name, const std::vector<std::string_view>& known) {
  constexpr std::size_t kListed = 12;
  constexpr std::size_t kLongest = 100;  // a name longer than this is no misspelling, and comparing it costs time
  if (name.size() <= kLongest) {
    const std::string_view nearest = nearest_name(name, known);
    if (!nearest.empty()) return fmt::format(" (did you mean \"{}\"?)", nearest);
  }
  if (known.empty()) return {};
  if (known.size() > kListed) return {};
  return fmt::format(" (known: {})", fmt::join(known, ", "));
}

std::string Reading::resolve(std::string_view written, Mark mark) const {
  const std::filesystem::path path(written);
  if (mark.set >= 0 || path.is_absolute() || directory_.empty()) return path.lexically_normal().string();
  return (std::filesystem::path(directory_) / path).lexically_normal().string();
}

std::string Reading::path() const {
  return fmt::format("{}", fmt::join(path_, "."));
}

bool Reading::full() const {
  return diagnostics_.size() >= kMaxDiagnostics;
}

std::vector<Diagnostic> Reading::take_diagnostics() {
  if (dropped_ > 0) {
    Diagnostic more;
    more.file = file_name_;
    more.message = fmt::format("{} more errors are not shown", dropped_);
    diagnostics_.push_back(std::move(more));
    dropped_ = 0;
  }
  return std::move(diagnostics_);
}

}  // namespace dvt::sim
