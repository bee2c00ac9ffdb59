#include "sim/cli/options.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "sim/study/execute.h"

namespace dvt::sim::cli {
namespace {
// Static initialisation runs within a millisecond of the process's start.
const std::chrono::steady_clock::time_point g_process_start = std::chrono::steady_clock::now();
}  // namespace

double seconds_since_start() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - g_process_start).count();
}

bool CommonOptions::colored() const {
  if (color == "always") return true;
  if (color == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDOUT_FILENO) == 1;
}

std::vector<SetOverride> parse_overrides(const std::vector<std::string>& arguments) {
  std::vector<SetOverride> overrides;
  for (const std::string& argument : arguments) {
    auto parsed = parse_override(argument);
    if (!parsed.has_value()) throw Error("--set " + argument + ": " + parsed.error());
    overrides.push_back(std::move(parsed.value()));
  }
  return overrides;
}

SeedRange parse_seeds(const std::string& text) {
  const std::size_t dots = text.find("..");
  const auto number = [&](std::string_view part) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != part.data() + part.size() || part.empty())
      throw Error("--seeds " + text + ": expected A..B, two whole numbers");
    return value;
  };
  const std::string_view view(text);
  SeedRange range;
  range.first = number(dots == std::string::npos ? view : view.substr(0, dots));
  range.last = dots == std::string::npos ? range.first : number(view.substr(dots + 2));
  if (range.last < range.first || range.last - range.first >= 1'000'000)
    throw Error("--seeds " + text + ": expected A <= B and fewer than a million seeds");
  return range;
}

std::optional<Scenario> read_checked(const std::string& file, std::span<const SetOverride> overrides,
                                     const CommonOptions& common) {
  auto read = read_runnable(file, overrides);
  if (!read.has_value()) {
    std::fputs(format(read.error()).c_str(), stderr);
    return std::nullopt;
  }
  Scenario scenario = std::move(read.value());
  if (!common.quiet) std::fputs(format(scenario_warnings(scenario)).c_str(), stderr);
  return scenario;
}

}  // namespace dvt::sim::cli
