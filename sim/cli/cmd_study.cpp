// study, sweep, compare, search: scenarios run many times.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "engine/base/format.h"
#include "sim/cli/commands.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/import/plan_source.h"
#include "sim/study/study_report.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::vector<std::string> sets;
  std::vector<std::string> vary;
  std::vector<std::string> measures;
  std::string seeds;
  std::string store;
  std::string out;
  std::string shard;
  std::string minimise;
  std::string maximise;
  std::string in;
  std::string such_that;
  unsigned jobs = 1;
};

void complain(const std::vector<Diagnostic>& wrong) {
  std::fputs(format(wrong).c_str(), stderr);
}

// A scenario on its own is a study of one cell.
std::optional<Study> read_as_study(const std::string& file) {
  if (!is_study_file(file)) {
    Study study;
    study.file_name = file;
    study.metadata.name = std::filesystem::path(file).stem().string();
    study.scenario.path = file;
    return study;
  }
  auto read = load_study(file);
  if (read.has_value()) return std::move(read.value());
  complain(read.error());
  return std::nullopt;
}

// `--vary PATH=[v, …]`.
void add_varied(Study& study, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    auto values = parse_varied(argument);
    if (!values.has_value()) throw Error("--vary " + argument + ": " + values.error());
    study.vary.push_back(std::move(values.value()));
  }
}

// `--seeds A..B` takes the place of the scenario's seed and of `replications.max`.
void apply_seeds(StudyPlan& plan, const std::string& text) {
  if (text.empty()) return;
  const SeedRange range = parse_seeds(text);
  plan.overrides.push_back({"seed", std::to_string(range.first)});
  for (StudyCell& cell : plan.cells) cell.scenario.seed = range.first;
  plan.replications.max = static_cast<std::int64_t>(range.last - range.first) + 1;
  plan.replications.min = std::min(plan.replications.min, plan.replications.max);
}

// `i/n`, from 1.
void apply_shard(RunnerOptions& options, const std::string& text) {
  if (text.empty()) return;
  const std::size_t slash = text.find('/');
  std::string message = "--shard " + text + ": expected i/n such as 2/4";
  if (slash == std::string::npos) throw Error(message);
  const SeedRange range = parse_seeds(text.substr(0, slash) + ".." + text.substr(slash + 1));
  if (range.first == 0) throw Error(message);
  options.shard = range.first - 1;
  options.shards = range.last;
}

RunnerOptions runner_options(const Arguments& arguments, const CommonOptions& common) {
  RunnerOptions options;
  options.jobs = arguments.jobs;
  options.store = arguments.store;
  options.stop = &stop_requested;
  apply_shard(options, arguments.shard);
  options.progress = progress_of_runs(!common.quiet, "of at most");
  stop_on_interrupt();
  return options;
}

int report(const StudyResult& result, const Arguments& arguments, const CommonOptions& common) {
  const bool json = common.form() == OutputForm::json;
  if (!arguments.out.empty() || json) {
    const std::string text = render_study_json(result);
    if (!arguments.out.empty()) write_file(std::filesystem::path(arguments.out) / "study.json", text);
    if (json) std::fputs(text.c_str(), stdout);
  }
  if (!json) std::fputs(render_study_text(result, common.colored() ? Colour::on : Colour::off).c_str(), stdout);
  std::fflush(stdout);
  return result.interrupted ? kExitInterrupted : exit_code(result);
}

// The directory of --out: made when it is not there; an earlier study.json is replaced, nothing else touched.
void prepare_out(const std::string& path) {
  if (path.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path)) throw Error("--out " + path + ": cannot be a directory");
}

enum class Parts { all, search_only };

// Runs what was planned, and its search if it has one.
int conduct(Result<StudyPlan, std::vector<Diagnostic>> planned, Parts parts, const Arguments& arguments,
            const CommonOptions& common) {
  if (!planned.has_value()) {
    complain(planned.error());
    return kExitUsage;
  }
  prepare_out(arguments.out);
  StudyResult result;
  result.plan = std::move(planned.value());
  apply_seeds(result.plan, arguments.seeds);
  const RunnerOptions options = runner_options(arguments, common);
  if (parts == Parts::all) result.runs = run_cells(result.plan, options);
  if (result.plan.search && !stop_requested) {
    auto found = run_search(result.plan, options);
    if (!found.has_value()) {
      complain(found.error());
      return kExitUsage;
    }
    result.search = std::move(found.value());
  }
  result.interrupted = stop_requested;
  return report(result, arguments, common);
}

int run_study(Study study, const Arguments& arguments, const CommonOptions& common) {
  add_varied(study, arguments.vary);
  // A study that is nothing but a search has no cells to show.
  const bool only_search = study.search && study.vary.empty() && study.variants.empty();
  return conduct(plan_study(study, parse_overrides(arguments.sets), arguments.measures),
                 only_search ? Parts::search_only : Parts::all, arguments, common);
}

int merge(const Arguments& arguments, const CommonOptions& common) {
  std::optional<StudyResult> all;
  for (std::size_t i = 1; i < arguments.files.size(); ++i) {
    const std::filesystem::path path = std::filesystem::path(arguments.files[i]) / "study.json";
    StudyResult part = read_study_json(read_file(path.string()), path.string());
    if (!all) {
      all = std::move(part);
    } else {
      merge_study(*all, std::move(part), path.string());
    }
  }
  if (!all) throw Error("study merge: expected the directories of shards");
  prepare_out(arguments.out);
  return report(*all, arguments, common);
}

int study_command(const Arguments& arguments, const CommonOptions& common) {
  if (arguments.files.front() == "merge") return merge(arguments, common);
  if (arguments.files.size() > 1) throw Error("study: expected one file; `compare` takes several scenarios");
  std::optional<Study> study = read_as_study(arguments.files.front());
  return study ? run_study(std::move(*study), arguments, common) : kExitUsage;
}

int compare_command(const Arguments& arguments, const CommonOptions& common) {
  if (arguments.files.size() == 1) {
    std::optional<Study> study = read_as_study(arguments.files.front());
    if (!study) return kExitUsage;
    if (!study->compare)
      throw Error(arguments.files.front() + ": has no `compare`; give two scenarios, or a study that has one");
    study->search.reset();
    return run_study(std::move(*study), arguments, common);
  }
  return conduct(plan_comparison(arguments.files, parse_overrides(arguments.sets), arguments.measures), Parts::all,
                 arguments, common);
}

int search_command(const Arguments& arguments, const CommonOptions& common) {
  std::optional<Study> study = read_as_study(arguments.files.front());
  if (!study) return kExitUsage;
  if (!arguments.such_that.empty()) {
    auto spec = parse_search(arguments.minimise, arguments.maximise, arguments.in, arguments.such_that);
    if (!spec.has_value()) throw Error("search: " + spec.error());
    study->search = std::move(spec.value());
  }
  if (!study->search)
    throw Error(arguments.files.front() +
                ": has no `search`; give --minimise or --maximise PATH, --in A..B and --such-that ASSERTION");
  study->compare.reset();
  study->vary.clear();
  study->variants.clear();
  return run_study(std::move(*study), arguments, common);
}

}  // namespace

void add_study(CLI::App& app, const CommonOptions& common, int& exit_code) {
  using Command = int (*)(const Arguments&, const CommonOptions&);
  const auto add = [&](const char* name, const char* doc, const char* files, Command run) {
    auto* command = app.add_subcommand(name, doc);
    auto arguments = std::make_shared<Arguments>();
    command->add_option("FILE", arguments->files, files)->required();
    command->add_option("--set", arguments->sets, "PATH=VALUE for every run")->take_all()->allow_extra_args(false);
    command->add_option("--seeds", arguments->seeds, "A..B: these seeds instead of the scenario's and what follows");
    command->add_option("--store", arguments->store, "memory or :memory:, for every run")
        ->check(CLI::IsMember({"memory", ":memory:"}));
    command->add_option("-j,--jobs", arguments->jobs, "runs at once; changes nothing in the result")
        ->check(CLI::Range(1u, 64u));
    command->add_option("--out", arguments->out, "directory for study.json");
    command->callback([=, &common, &exit_code] { exit_code = run(*arguments, common); });
    return std::pair(command, arguments);
  };
  const auto measured = [](CLI::App* command, const std::shared_ptr<Arguments>& arguments) {
    command->add_option("--measure", arguments->measures, "paths of the result to look at, besides the study's")
        ->take_all()
        ->allow_extra_args(false);
  };
  const auto cells = [&](CLI::App* command, const std::shared_ptr<Arguments>& arguments) {
    measured(command, arguments);
    command->add_option("--vary", arguments->vary, "PATH=[V, ...]: every combination is a cell")
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--shard", arguments->shard,
                        "i/n: this part of the seeds only; `study merge DIR...` joins them");
  };
  const auto [study, study_arguments] = add("study", "run a scenario under many seeds, values and variants",
                                            "a study or a scenario; or: merge DIR...", study_command);
  cells(study, study_arguments);
  const auto [sweep, sweep_arguments] = add("sweep", "study, with --vary", "a scenario or a study",
                                            [](const Arguments& arguments, const CommonOptions& c) {
                                              if (arguments.vary.empty())
                                                throw Error("sweep: expected --vary PATH=[V, ...]");
                                              return study_command(arguments, c);
                                            });
  cells(sweep, sweep_arguments);
  const auto [compare, compare_arguments] =
      add("compare", "hold scenarios, or the variants of a study, against each other seed by seed",
          "a study with `compare`, or scenarios, the first of which is the baseline", compare_command);
  measured(compare, compare_arguments);
  const auto [search, search_arguments] = add("search", "the smallest or greatest value of a key that suffices",
                                              "a study with `search`, or a scenario", search_command);
  search->add_option("--minimise", search_arguments->minimise, "the key whose smallest value is looked for");
  search->add_option("--maximise", search_arguments->maximise, "the key whose greatest value is looked for");
  search->add_option("--in", search_arguments->in, "A..B");
  search->add_option("--such-that", search_arguments->such_that, "an assertion");
}

}  // namespace dvt::sim::cli
