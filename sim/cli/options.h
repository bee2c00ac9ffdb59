// What every subcommand shares: output form, colour, verbosity, exit codes, and reading a scenario with its overrides.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/scenario/reader.h"

namespace dvt::sim::cli {

// Exit codes of design §7 that are not a verdict's.
inline constexpr int kExitPassed = 0;
inline constexpr int kExitInternal = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFailed = 3;
inline constexpr int kExitViolated = 5;
inline constexpr int kExitNothing = 7;
inline constexpr int kExitInterrupted = 130;

enum class OutputForm { text, json };

struct CommonOptions {
  std::string output = "text";  // text | json
  std::string color = "auto";   // auto | always | never
  bool quiet = false;
  bool verbose = false;
  OutputForm form() const { return output == "json" ? OutputForm::json : OutputForm::text; }
  /// Colour on stdout: asked for, or a terminal and NO_COLOR not set.
  bool colored() const;
};

/// Splits `--set` arguments; throws dvt::Error with the offending one.
std::vector<SetOverride> parse_overrides(const std::vector<std::string>& arguments);

/// Reads and checks a scenario: syntax, meaning, assertion paths. Prints every diagnostic (errors and, unless quiet,
/// warnings) to stderr. nullopt: it cannot be run.
std::optional<Scenario> read_checked(const std::string& file, std::span<const SetOverride> overrides,
                                     const CommonOptions& common);

/// `A..B`, both included, or one seed.
struct SeedRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
/// Of `--seeds`; fewer than a million. Throws dvt::Error.
SeedRange parse_seeds(const std::string& text);

/// Seconds since the process started.
double seconds_since_start();

}  // namespace dvt::sim::cli
