// What the parts of the reader share while one file is read: where we are, what went wrong so far, where files are
// looked for. Private to sim/scenario.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/diagnostic.h"
#include "sim/scenario/node.h"

namespace dvt::sim {

class Reading {
 public:
  Reading(std::string file_name, std::vector<std::string> set_paths);

  void error(Mark mark, std::string message);
  /// ` (did you mean "x"?)`, or the known names when there are few, or nothing.
  static std::string suggestion(std::string_view name, const std::vector<std::string_view>& known);

  /// A path as written in the scenario (or in a --set value) → ready to be opened.
  std::string resolve(std::string_view written, Mark mark) const;

  std::string path() const;
  /// The path of a key under the present one.
  std::vector<std::string>& path_parts() { return path_; }

  /// True inside a section whose model does not exist yet: then each key must keep its default.
  bool not_yet = false;

  /// So many errors that no more are kept: suggestions need not be looked for.
  bool full() const;
  /// In the order they were found; a last one says how many were dropped.
  std::vector<Diagnostic> take_diagnostics();
  std::size_t error_count() const { return errors_; }

 private:
  std::string file_name_;
  std::string directory_;
  std::vector<std::string> set_paths_;
  std::vector<std::string> path_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t dropped_ = 0;
  std::size_t errors_ = 0;
};

/// One step deeper in the path for the life of the object.
class PathScope {
 public:
  PathScope(Reading& reading, std::string_view part) : reading_(reading) { reading.path_parts().emplace_back(part); }
  ~PathScope() { reading_.path_parts().pop_back(); }
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;

 private:
  Reading& reading_;
};

}  // namespace dvt::sim
