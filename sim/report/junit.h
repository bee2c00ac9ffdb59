// JUnit XML for CI: one test case a scenario and seed.
#pragma once

#include <string>
#include <vector>

namespace dvt::sim {

enum class JUnitOutcome { passed, failed, error, skipped };

struct JUnitCase {
  std::string name;
  JUnitOutcome outcome = JUnitOutcome::passed;
  double seconds = 0;
  std::string message;  // of anything but passed
};

std::string render_junit(const std::string& suite, const std::vector<JUnitCase>& cases);
/// Whole or not at all. Throws dvt::Error.
void write_junit(const std::string& path, const std::string& suite, const std::vector<JUnitCase>& cases);

}  // namespace dvt::sim
