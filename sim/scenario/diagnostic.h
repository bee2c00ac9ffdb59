// What is wrong (or doubtful) in a scenario, said so that a person can find and mend it: place, path, what was
// expected, nearest known name (design §6). The reader returns all of them at once, in file order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dvt::sim {

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;          // as given to the reader
  std::uint32_t line = 0;    // from 1; 0: the whole file
  std::uint32_t column = 0;  // from 1
  std::string set;           // not empty: the value came from `--set <set>=…`; line and column count within the value
  std::string path;          // `topology.projector.replicas`; empty: the file as a whole
  std::string message;

  /// `file:line:col: path: message`, or `--set PATH: path: message`; warnings say `warning: ` before the path.
  std::string text() const;
  bool operator==(const Diagnostic&) const = default;
};

/// All of them said of `file`, in its order; those of `--set` after them, in the order of the command line.
std::vector<Diagnostic> arranged(std::vector<Diagnostic> diagnostics, const std::string& file);

/// One text() a line, each with a newline.
std::string format(const std::vector<Diagnostic>& diagnostics);

}  // namespace dvt::sim
