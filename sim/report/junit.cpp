#include "sim/report/junit.h"

#include "engine/base/format.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/base/result.h"

namespace dvt::sim {
namespace {

// Escapes markup and replaces what XML 1.0 cannot hold.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

std::string render_junit(const std::string& suite, const std::vector<JUnitCase>& cases) {
  const auto count = [&](JUnitOutcome outcome) {
    return std::count_if(cases.begin(), cases.end(), [outcome](const JUnitCase& c) { return c.outcome == outcome; });
  };
  double total = 0;
  for (const JUnitCase& one : cases) total += one.seconds;
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const std::string sums =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"", cases.size(),
                  count(JUnitOutcome::failed), count(JUnitOutcome::error), count(JUnitOutcome::skipped), total);
  out += fmt::format("<testsuites {}>\n  <testsuite name=\"{}\" {}>\n", sums, escaped(suite), sums);
  for (const JUnitCase& one : cases) {
    out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", escaped(suite), escaped(one.name),
                       one.seconds);
    const std::string text = escaped(one.message);
    const std::string first = text.substr(0, text.find('\n'));
    switch (one.outcome) {
      case JUnitOutcome::passed:
        out += "/>\n";
        break;
      case JUnitOutcome::skipped:
        out += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", text);
        break;
      case JUnitOutcome::failed:
        out += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", first, text);
        break;
      case JUnitOutcome::error:
        out += fmt::format(">\n      <error message=\"{}\">{}</error>\n    </testcase>\n", first, text);
        break;
    }
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

void write_junit(const std::string& path, const std::string& suite, const std::vector<JUnitCase>& cases) {
  const std::string partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary);
  file << render_junit(suite, cases);
  file.close();
  if (!file) throw Error("cannot write " + path);
  std::filesystem::rename(partial, path);
}

}  // namespace dvt::sim
