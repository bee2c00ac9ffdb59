// test PATH...: every scenario is a test. Files run in the order of their names; with -j N, several at once, each in
// its own world; the report keeps the order.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "engine/base/format.h"
#include "sim/cli/commands.h"
#include "sim/report/junit.h"
#include "sim/scenario/study_spec.h"
#include "sim/study/execute.h"
#include "sim/study/parallel.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::vector<std::string> paths;
  std::string tier = "quick";
  std::vector<std::string> sets;
  std::string seeds;
  unsigned jobs = 1;
  std::string junit;
};

struct Case {
  std::string file;
  std::optional<std::uint64_t> seed;
  enum class Status { passed, failed, skipped, broken } status = Status::skipped;
  int exit_code = kExitPassed;
  std::string message;
  double seconds = 0;
  std::string name() const { return seed ? file + " (seed " + std::to_string(*seed) + ")" : file; }
};

Tier parse_tier(const std::string& text) {
  return text == "nightly" ? Tier::nightly : text == "full" ? Tier::full : Tier::quick;
}

struct Found {
  std::string file;
  bool searched = false;  // in a folder, where other YAML may stand: studies, rules, objectives
};

std::vector<Found> scenario_files(const std::vector<std::string>& paths) {
  std::vector<Found> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back({path, false});
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
      if (entry.is_regular_file() && entry.path().extension() == ".yaml") found.push_back(entry.path().string());
    std::sort(found.begin(), found.end());
    for (std::string& file : found) files.push_back({std::move(file), true});
  }
  return files;
}

std::vector<std::optional<std::uint64_t>> seeds_of(const std::string& text) {
  if (text.empty()) return {std::nullopt};
  const SeedRange range = parse_seeds(text);
  std::vector<std::optional<std::uint64_t>> seeds;
  for (std::uint64_t seed = range.first; seed <= range.last; ++seed) seeds.emplace_back(seed);
  return seeds;
}

std::string failures(const Verdict& verdict) {
  std::string out;
  for (const AssertionResult& assertion : verdict.assertions)
    if (!assertion.passed)
      out += "  " + assertion.where + ": " + assertion.text + "\n    observed: " + assertion.observed + "\n";
  if (verdict.assertions.empty()) {
    for (const ObjectiveResult& objective : verdict.objectives)
      if (objective.verdict == ObjectiveVerdict::fail)
        out += "  objective " + objective.name + ": observed " +
               (objective.observed ? objective.observed->text() : "nothing") + ", target " + objective.target.text() +
               "\n";
  }
  for (const InvariantResult& invariant : verdict.invariants) {
    if (invariant.violations == 0 || invariant.known_fault != 0) continue;
    out += "  invariant " + invariant.name + ": " + std::to_string(invariant.violations) + " violations\n";
    for (const std::string& example : invariant.examples) out += "    " + example + "\n";
  }
  if (out.empty()) out = "  " + verdict.decided_by + "\n";
  return out + "  " + verdict.identity.reproduce + "\n";
}

void run_case(Case& test, const Arguments& arguments, const CommonOptions& common) {
  const double began = seconds_since_start();
  try {
    const std::vector<SetOverride> overrides = parse_overrides(arguments.sets);
    CommonOptions silent = common;
    silent.quiet = true;
    std::optional<Scenario> scenario = read_checked(test.file, overrides, silent);
    if (!scenario) {
      test.status = Case::Status::broken;
      test.exit_code = kExitUsage;
      test.message = "  not a valid scenario (see above)\n";
      return;
    }
    if (scenario->metadata.tier > parse_tier(arguments.tier)) {
      static constexpr const char* kNames[] = {"quick", "full", "nightly"};
      test.message = std::string("tier ") + kNames[static_cast<int>(scenario->metadata.tier)];
      return;
    }
    if (test.seed) scenario->seed = *test.seed;
    ExecuteOptions options;
    options.reproduce = reproduce_line(*scenario, arguments.sets, "");
    const Executed executed = execute(*scenario, std::move(options));
    test.exit_code = static_cast<int>(executed.verdict.exit_code);
    test.status = executed.verdict.passed ? Case::Status::passed : Case::Status::failed;
    if (!executed.verdict.passed) test.message = failures(executed.verdict);
  } catch (const Error& error) {
    test.status = Case::Status::broken;
    test.exit_code = kExitUsage;
    test.message = std::string("  ") + error.what() + "\n";
  } catch (const std::exception& error) {
    test.status = Case::Status::broken;
    test.exit_code = kExitInternal;
    test.message = std::string("  internal error: ") + error.what() + "\n";
  }
  test.seconds = seconds_since_start() - began;
}

void print(const Case& test) {
  static constexpr const char* kWords[] = {"PASS", "FAIL", "skip", "ERROR"};
  const char* word = kWords[static_cast<int>(test.status)];
  if (test.status == Case::Status::skipped) {
    std::printf("%-5s %s (%s)\n", word, test.name().c_str(), test.message.c_str());
    return;
  }
  std::fputs(fmt::format("{:<5} {} ({:.1f} s)\n{}", word, test.name(), test.seconds, test.message).c_str(), stdout);
  std::fflush(stdout);
}

int run_tests(const Arguments& arguments, const CommonOptions& common) {
  std::vector<Case> cases;
  for (const Found& found : scenario_files(arguments.paths)) {
    const bool other = found.searched && is_other_yaml(found.file);
    for (const auto& seed :
         other ? std::vector<std::optional<std::uint64_t>>{std::nullopt} : seeds_of(arguments.seeds)) {
      cases.push_back({});
      cases.back().file = found.file;
      cases.back().seed = seed;
      if (other) cases.back().message = "no scenario: it does not say kind: Scenario";
    }
  }
  parallel_for(cases.size(), arguments.jobs, [&](std::size_t at) {
    if (cases[at].message.empty()) run_case(cases[at], arguments, common);
    if (arguments.jobs == 1) print(cases[at]);
  });
  if (arguments.jobs > 1)
    for (const Case& test : cases) print(test);
  std::size_t counts[4] = {};
  int worst = kExitPassed;
  std::vector<JUnitCase> junit;
  for (const Case& test : cases) {
    ++counts[static_cast<int>(test.status)];
    if (test.exit_code != kExitPassed && (worst == kExitPassed || test.exit_code < worst)) worst = test.exit_code;
    JUnitCase one;
    one.name = test.name();
    one.seconds = test.seconds;
    one.message = test.message;
    one.outcome = test.status == Case::Status::passed    ? JUnitOutcome::passed
                  : test.status == Case::Status::failed  ? JUnitOutcome::failed
                  : test.status == Case::Status::skipped ? JUnitOutcome::skipped
                                                         : JUnitOutcome::error;
    junit.push_back(std::move(one));
  }
  if (!arguments.junit.empty()) write_junit(arguments.junit, "dvtsim", junit);
  std::printf("%zu passed, %zu failed, %zu skipped\n", counts[0], counts[1] + counts[3], counts[2]);
  if (worst != kExitPassed) return worst;
  return counts[0] == 0 ? kExitNothing : kExitPassed;
}

}  // namespace

void add_test(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* command = app.add_subcommand("test", "run scenarios as tests");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("PATH", arguments->paths, "scenario files, or folders of them")->required();
  command->add_option("--tier", arguments->tier, "tiers up to this one; others are listed as skipped")
      ->check(CLI::IsMember({"quick", "full", "nightly"}))
      ->capture_default_str();
  command->add_option("--set", arguments->sets, "PATH=VALUE for every scenario")->take_all()->allow_extra_args(false);
  command->add_option("--seeds", arguments->seeds, "A..B: each scenario once per seed");
  command->add_option("-j,--jobs", arguments->jobs, "scenarios at once")->check(CLI::Range(1u, 64u));
  command->add_option("--junit", arguments->junit, "write JUnit XML here");
  command->callback([=, &common, &exit_code] { exit_code = run_tests(*arguments, common); });
}

}  // namespace dvt::sim::cli
