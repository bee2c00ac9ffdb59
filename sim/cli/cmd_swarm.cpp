// swarm FILE: many seeds, each with trouble of its own. shrink FILE: the smallest scenario that still fails.
#include <cstdio>
#include <mutex>

#include "engine/base/format.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/output_file.h"
#include "sim/scenario/scalars.h"
#include "sim/study/execute.h"
#include "sim/study/parallel.h"
#include "sim/study/shrink.h"
#include "sim/study/swarm.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> sets;
  std::string seeds = "1..100";
  std::string seed;
  std::string time;
  std::string out;
  unsigned jobs = 1;
  bool swarm = false;
};

double time_limit(const std::string& text) {
  if (text.empty()) return 0;
  const auto parsed = parse_duration(text);
  if (!parsed.has_value()) throw Error("--time " + text + ": expected a duration such as 90s or 10m");
  return static_cast<double>(parsed.value().ns) / 1e9;
}

int swarm_command(const Arguments& arguments, const CommonOptions& common) {
  const std::vector<SetOverride> overrides = parse_overrides(arguments.sets);
  const std::optional<Scenario> base = read_checked(arguments.file, overrides, common);
  if (!base) return kExitUsage;
  if (base->workload.arrivals.rate.is_zero())
    throw Error(arguments.file + ": a swarm needs workload.arrivals.rate, of which it draws how much arrives");
  const SeedRange seeds = parse_seeds(arguments.seeds);
  const double limit = time_limit(arguments.time);
  stop_on_interrupt();
  SwarmResult result;
  result.scenario = base->metadata.name;
  std::vector<std::optional<SwarmRun>> runs(seeds.last - seeds.first + 1);
  std::mutex mutex;
  parallel_for(
      runs.size(), arguments.jobs,
      [&](std::size_t i) {
        SwarmRun run = run_swarm_seed(arguments.file, *base, overrides, seeds.first + i);
        const std::lock_guard<std::mutex> lock(mutex);
        if (run.found != SwarmClass::fine && !common.quiet)
          std::fprintf(stderr, "seed %llu %s: %s\n", static_cast<unsigned long long>(run.seed),
                       std::string(to_string(run.found)).c_str(), run.problem.c_str());
        runs[i] = std::move(run);
        if (limit > 0 && seconds_since_start() > limit) stop_requested = true;
      },
      &stop_requested);
  // What ran is a run of seeds without a hole: the rest is for another time.
  for (std::optional<SwarmRun>& run : runs) {
    if (!run) {
      result.interrupted = true;
      break;
    }
    result.runs.push_back(std::move(*run));
  }
  const std::string text =
      common.form() == OutputForm::json ? render_swarm_json(result) : render_swarm_text(result, arguments.file);
  std::fputs(text.c_str(), stdout);
  const bool timed_out = limit > 0 && seconds_since_start() > limit;
  return result.interrupted && !timed_out ? kExitInterrupted : exit_code(result);
}

int shrink_command(const Arguments& arguments, const CommonOptions& common) {
  std::vector<SetOverride> overrides = parse_overrides(arguments.sets);
  if (!arguments.seed.empty()) overrides.push_back({"seed", arguments.seed});
  std::optional<Scenario> scenario = read_checked(arguments.file, overrides, common);
  if (!scenario) return kExitUsage;
  if (arguments.swarm) {
    for (SetOverride& one : draw_swarm(*scenario, scenario->seed)) overrides.push_back(std::move(one));
    auto read = read_runnable(arguments.file, overrides);
    if (!read.has_value()) {
      std::fputs(format(read.error()).c_str(), stderr);
      return kExitUsage;
    }
    scenario = std::move(read.value());
  }
  const Failure failure = failure_of(*scenario);
  if (failure.exit_code == 0 || failure.exit_code == kExitNothing) {
    std::fprintf(stderr, "%s --seed %llu does not fail: there is nothing to shrink\n", arguments.file.c_str(),
                 static_cast<unsigned long long>(scenario->seed));
    return kExitNothing;
  }
  if (failure.exit_code == kExitUsage) throw Error(arguments.file + ": cannot be run: " + failure.what);
  const double limit = time_limit(arguments.time.empty() ? "2m" : arguments.time);
  stop_on_interrupt();
  const ShrinkResult result =
      shrink(*scenario, failure, [&] { return !stop_requested && seconds_since_start() <= limit; });
  const std::string text =
      fmt::format("# Fails with exit code {}: {}\n# Shrunk from {} in {} runs{}.\n", failure.exit_code, failure.what,
                  reproduce_line(*scenario, arguments.swarm ? std::vector<std::string>{} : arguments.sets, ""),
                  result.runs, result.complete ? "" : "; more could be left out") +
      write_resolved(result.scenario, arguments.out);
  write_result(arguments.out, text);
  if (!common.quiet)
    std::fprintf(stderr, "%zu runs; %zu faults, %zu operations left; still fails with %d: %s\n", result.runs,
                 result.scenario.faults.size(), result.scenario.operations.size(), failure.exit_code,
                 failure.what.c_str());
  return kExitPassed;
}

}  // namespace

void add_swarm(CLI::App& app, const CommonOptions& common, int& exit_code) {
  const auto add = [&](const char* name, const char* doc, int (*run)(const Arguments&, const CommonOptions&)) {
    auto* command = app.add_subcommand(name, doc);
    auto arguments = std::make_shared<Arguments>();
    command->add_option("FILE", arguments->file, "scenario file")->required();
    command->add_option("--set", arguments->sets, "PATH=VALUE, before anything is drawn")
        ->take_all()
        ->allow_extra_args(false);
    command->callback([=, &common, &exit_code] { exit_code = run(*arguments, common); });
    return std::pair(command, arguments);
  };
  const auto [swarm, swarm_arguments] =
      add("swarm", "many seeds, each with its own topology, load and faults; then all is healed and must end",
          swarm_command);
  swarm->add_option("--seeds", swarm_arguments->seeds, "A..B")->capture_default_str();
  swarm->add_option("-j,--jobs", swarm_arguments->jobs, "seeds at once; changes nothing in the result")
      ->check(CLI::Range(1u, 64u));
  swarm->add_option("--time", swarm_arguments->time, "begin no further seed after this wall time");
  const auto [shrink, shrink_arguments] =
      add("shrink", "the smallest scenario that still fails the same way", shrink_command);
  shrink->add_option("--seed", shrink_arguments->seed, "the seed that fails");
  shrink->add_flag("--swarm", shrink_arguments->swarm, "the seed's draws of `swarm` first");
  shrink->add_option("--time", shrink_arguments->time, "stop after this wall time (default 2m)");
  shrink->add_option("-o,--out", shrink_arguments->out, "write the scenario here; default: stdout");
}

}  // namespace dvt::sim::cli
