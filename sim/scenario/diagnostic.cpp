// Texts of diagnostics. Control characters of hostile files are shown as '?', so that a terminal stays sane.
#include "sim/scenario/diagnostic.h"

#include <algorithm>

#include "engine/base/format.h"

namespace dvt::sim {

std::string Diagnostic::text() const {
  std::string place;
  if (!set.empty()) {
    place = fmt::format("--set {}", set);
  } else if (line == 0) {
    place = file;
  } else {
    place = fmt::format("{}:{}:{}", file, line, column);
  }
  std::string out = place + ": ";
  if (severity == Severity::warning) out += "warning: ";
  if (!path.empty() && path != set) out += path + ": ";
  out += message;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::vector<Diagnostic> arranged(std::vector<Diagnostic> diagnostics, const std::string& file) {
  for (Diagnostic& diagnostic : diagnostics) diagnostic.file = file;
  std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
    if (a.set.empty() != b.set.empty()) return a.set.empty();
    if (!a.set.empty()) return false;
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return diagnostics;
}

std::string format(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += diagnostic.text() + "\n";
  return out;
}

}  // namespace dvt::sim
