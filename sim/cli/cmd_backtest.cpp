// backtest, review: a scenario's alert rules over many seeds.
#include <cstdio>

#include "engine/base/format.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/scenario/scalars.h"
#include "sim/study/alert_report.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> sets;
  std::string seeds;
  std::string store = "memory";
  std::string limit = "5%";
  std::string out;
  unsigned jobs = 1;
};

constexpr std::uint64_t kRuns = 10;
constexpr std::uint64_t kMostRuns = 100'000;

BacktestOptions options_of(const Arguments& arguments, const Scenario& scenario, const CommonOptions& common) {
  BacktestOptions options;
  options.first_seed = scenario.seed;
  options.runs = kRuns;
  if (!arguments.seeds.empty()) {
    const SeedRange range = parse_seeds(arguments.seeds);
    options.first_seed = range.first;
    if (range.last - range.first >= kMostRuns) throw Error(fmt::format("--seeds: at most {} runs", kMostRuns));
    options.runs = range.last - range.first + 1;
  }
  const auto limit = parse_share(arguments.limit);
  if (!limit.has_value()) throw Error("--limit " + arguments.limit + ": " + limit.error());
  options.limit = limit.value().fraction();
  options.jobs = arguments.jobs;
  options.store = arguments.store;
  options.stop = &stop_requested;
  options.progress = progress_of_runs(!common.quiet, "of");
  stop_on_interrupt();
  return options;
}

void put(const std::string& text, const std::string& json, const Arguments& arguments, const CommonOptions& common) {
  if (!arguments.out.empty()) write_file(arguments.out, json);
  std::fputs((common.form() == OutputForm::json ? json : text).c_str(), stdout);
  std::fflush(stdout);
}

Colour colour(const CommonOptions& common) {
  return common.colored() ? Colour::on : Colour::off;
}

int run_backtest(const Scenario& scenario, const Arguments& arguments, const CommonOptions& common) {
  const BacktestResult result = backtest(scenario, options_of(arguments, scenario, common));
  put(render_backtest_text(result, colour(common)), render_backtest_json(result), arguments, common);
  return result.interrupted ? kExitInterrupted : exit_code(result);
}

int run_review(const Scenario& scenario, const Arguments& arguments, const CommonOptions& common) {
  const ReviewResult result = review(scenario, options_of(arguments, scenario, common));
  put(render_review_text(result, colour(common)), render_review_json(result), arguments, common);
  if (result.interrupted) return kExitInterrupted;
  if (!result.problems.empty()) return kExitInternal;
  return result.rules.empty() && result.targets.empty() ? kExitNothing : kExitPassed;
}

}  // namespace

void add_backtest(CLI::App& app, const CommonOptions& common, int& exit_code) {
  using Command = int (*)(const Scenario&, const Arguments&, const CommonOptions&);
  const auto add = [&](const char* name, const char* doc, Command run) {
    auto* command = app.add_subcommand(name, doc);
    auto arguments = std::make_shared<Arguments>();
    command->add_option("FILE", arguments->file, "scenario file; alerts.ruleSets and alerts.files name the rules")
        ->required();
    command->add_option("--set", arguments->sets, "PATH=VALUE for every run")->take_all()->allow_extra_args(false);
    command->add_option("--seeds", arguments->seeds, "A..B; default: ten, from the scenario's on");
    command->add_option("--store", arguments->store, "memory or :memory:, for every run")
        ->check(CLI::IsMember({"memory", ":memory:"}))
        ->capture_default_str();
    command->add_option("--limit", arguments->limit, "greatest share of false alarms")->capture_default_str();
    command->add_option("-j,--jobs", arguments->jobs, "runs at once; changes nothing in the result")
        ->check(CLI::Range(1u, 64u));
    command->add_option("-o,--out", arguments->out, "also write the result as JSON to this file");
    command->callback([=, &common, &exit_code] {
      const std::optional<Scenario> scenario = read_checked(arguments->file, parse_overrides(arguments->sets), common);
      exit_code = scenario ? run(*scenario, *arguments, common) : kExitUsage;
    });
  };
  add("backtest", "hold a scenario's rule sets against each other: caught, late, missed, false", run_backtest);
  add("review", "thresholds that keep false alarms within the limit, and targets that the load supports", run_review);
}

}  // namespace dvt::sim::cli
