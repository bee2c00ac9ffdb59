// export FORMAT DIR [-o OUT]: a finished run (the directory of `run --out`) in a form that other programs read. A
// format is a row of kFormats; those without a function are planned and refused by name.
#include <algorithm>
#include <cstdio>

#include "engine/base/format.h"
#include "engine/base/text.h"
#include "sim/cli/commands.h"
#include "sim/cli/output_file.h"
#include "sim/record/run_file.h"
#include "sim/report/grafana.h"
#include "sim/report/openmetrics.h"
#include "sim/report/promtool_tests.h"

namespace dvt::sim::cli {
namespace {

struct Arguments {
  std::string format;
  std::string directory;
  std::string out;
  std::string run;
  bool all = false;
  std::vector<std::string> metrics;
};

// ---- temporal-history ----

std::string file_name(const RecordedExecution& execution) {
  return fmt::format("{}.{}.json", execution.run_id, execution.chain);
}

void make_directory(const std::string& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error || !std::filesystem::is_directory(out)) throw Error("--out " + out + ": cannot be a directory");
}

void write_directory(RunFile& file, const std::vector<RecordedExecution>& executions, const std::string& out) {
  make_directory(out);
  for (const RecordedExecution& execution : executions)
    write_file(std::filesystem::path(out) / file_name(execution), file.history_json(execution) + "\n");
}

// ID is a run's id, or RUNID.N: one execution of its continue-as-new chain.
std::vector<RecordedExecution> select(const std::vector<RecordedExecution>& all, const std::string& id) {
  std::vector<RecordedExecution> chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), [&](const RecordedExecution& execution) {
    return execution.run_id == id || fmt::format("{}.{}", execution.run_id, execution.chain) == id;
  });
  return chosen;
}

int export_temporal_history(const Arguments& arguments) {
  if (arguments.all == !arguments.run.empty())
    throw Error("export temporal-history: expected either --run ID or --all");
  if (arguments.all && arguments.out.empty())
    throw Error("export temporal-history --all: expected -o DIRECTORY, one file an execution is written there");
  RunFile file(arguments.directory);
  const std::vector<RecordedExecution> kept = file.executions();
  if (kept.empty()) {
    std::fprintf(stderr,
                 "dvtsim: %s holds no histories; run with --record histories, or with record: {histories: …} in the "
                 "scenario\n",
                 arguments.directory.c_str());
    return kExitNothing;
  }
  if (arguments.all) {
    write_directory(file, kept, arguments.out);
    return kExitPassed;
  }
  const std::vector<RecordedExecution> chosen = select(kept, arguments.run);
  if (chosen.empty()) {
    if (file.has_run(arguments.run))
      throw Error(fmt::format("--run {}: this run's history was not kept (record.histories)", arguments.run));
    std::vector<std::string_view> ids;
    for (const RecordedExecution& execution : kept) ids.push_back(execution.run_id);
    const std::string_view nearest = nearest_name(arguments.run, ids);
    throw Error(fmt::format("--run {}: no such run in {}{}", arguments.run, arguments.directory,
                            nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }
  if (chosen.size() == 1) {
    write_result(arguments.out, file.history_json(chosen.front()) + "\n");
  } else if (arguments.out.empty()) {
    throw Error(
        fmt::format("--run {}: continued as new {} times; name one execution ({}.0 to {}.{}), or a directory with -o",
                    arguments.run, chosen.size() - 1, arguments.run, arguments.run, chosen.size() - 1));
  } else {
    write_directory(file, chosen, arguments.out);
  }
  return kExitPassed;
}

// ---- openmetrics ----

void write_day(const OpenMetrics& metrics, std::size_t day, const std::filesystem::path& path) {
  OutputFile file(path);
  metrics.write(day, [&](std::string_view text) { file.write(text); });
  file.commit();
}

int export_openmetrics(const Arguments& arguments) {
  RunFile file(arguments.directory);
  const OpenMetrics metrics(file, arguments.metrics);
  const std::vector<std::string> days = metrics.days();
  if (days.empty()) {
    std::fprintf(stderr, "dvtsim: %s holds no samples\n", arguments.directory.c_str());
    return kExitNothing;
  }
  if (days.size() > 1 && arguments.out.empty())
    throw Error(
        fmt::format("export openmetrics: the run spans {} UTC days ({} to {}); expected -o DIRECTORY, a file a day is "
                    "written there",
                    days.size(), days.front(), days.back()));
  if (days.size() > 1) {
    make_directory(arguments.out);
    for (std::size_t i = 0; i < days.size(); ++i)
      write_day(metrics, i, std::filesystem::path(arguments.out) / (days[i] + ".om"));
  } else if (arguments.out.empty()) {
    metrics.write(0, [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
  } else {
    write_day(metrics, 0, arguments.out);
  }
  return kExitPassed;
}

// ---- rules ----

int export_rules(const Arguments& arguments) {
  const std::string rules = RunFile(arguments.directory).meta("rules");
  if (rules.find("- alert: ") == std::string::npos) {
    std::fprintf(stderr, "dvtsim: the run in %s was judged by no rules\n", arguments.directory.c_str());
    return kExitNothing;
  }
  write_result(arguments.out, rules);
  return kExitPassed;
}

// ---- promtool-tests ----

int export_promtool_tests(const Arguments& arguments) {
  if (arguments.out.empty())
    throw Error("export promtool-tests: expected -o DIRECTORY; rules.yaml and tests.yaml are written there");
  RunFile file(arguments.directory);
  const PromtoolTests tests = promtool_tests(file);
  if (tests.tested == 0) {
    std::fprintf(stderr, "dvtsim: no rule of the run in %s can be tested\n", arguments.directory.c_str());
    return kExitNothing;
  }
  make_directory(arguments.out);
  write_file(std::filesystem::path(arguments.out) / "rules.yaml", tests.rules);
  write_file(std::filesystem::path(arguments.out) / "tests.yaml", tests.tests);
  std::fprintf(stderr, "%zu rules, %zu checks; %zu rules without a test, each with its reason in tests.yaml\n",
               tests.tested, tests.checks, tests.left_out);
  return kExitPassed;
}

// ---- grafana ----

int export_grafana(const Arguments& arguments) {
  if (arguments.out.empty())
    throw Error("export grafana: expected -o DIRECTORY, one file a dashboard is written there");
  RunFile file(arguments.directory);
  const std::vector<Instant> times = file.sample_times();
  const UnixNanos from = file.start();
  const UnixNanos to{from.ns + (times.empty() ? 0 : times.back().ns)};
  make_directory(arguments.out);
  for (const Dashboard& board : grafana_dashboards(from, to))
    write_file(std::filesystem::path(arguments.out) / (board.uid + ".json"), board.json);
  return kExitPassed;
}

// ---- Formats ----

struct Format {
  std::string_view name;
  int (*run)(const Arguments&) = nullptr;  // null: not there yet
};

constexpr Format kFormats[] = {
    {"openmetrics", export_openmetrics},
    {"rules", export_rules},
    {"promtool-tests", export_promtool_tests},
    {"grafana", export_grafana},
    {"temporal-history", export_temporal_history},
    {"perfetto"},
    {"otlp"},
    {"csv"},
    {"jsonl"},
};

std::string format_names(bool there) {
  std::string names;
  for (const Format& format : kFormats)
    if ((format.run != nullptr) == there) names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

int run_export(const Arguments& arguments) {
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) {
    names.push_back(format.name);
    if (format.name != arguments.format) continue;
    if (format.run == nullptr)
      throw Error(fmt::format("export {}: not there yet; there is: {}", arguments.format, format_names(true)));
    if (format.run != export_temporal_history && (arguments.all || !arguments.run.empty()))
      throw Error(fmt::format("export {}: --run and --all belong to temporal-history", arguments.format));
    return format.run(arguments);
  }
  const std::string_view nearest = nearest_name(arguments.format, names);
  throw Error(fmt::format("export {}: no such format{}; expected {}", arguments.format,
                          nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest), format_names(true)));
}

}  // namespace

void add_export(CLI::App& app, const CommonOptions&, int& exit_code) {
  auto* command = app.add_subcommand("export", "a finished run in forms that other programs read");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FORMAT", arguments->format, "one of: " + format_names(true))->required();
  command->add_option("DIR", arguments->directory, "the directory of a `run --out`")->required();
  command->add_option("-o,--out", arguments->out, "file or directory to write; default: stdout");
  auto* run =
      command->add_option("--run", arguments->run, "temporal-history: this run, or RUNID.N, one execution of it");
  command
      ->add_flag("--all", arguments->all,
                 "temporal-history: all recorded executions, each in a file RUNID.N.json of OUT")
      ->excludes(run);
  command->add_option("--metric", arguments->metrics, "openmetrics: this metric only; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command->callback([=, &exit_code] { exit_code = run_export(*arguments); });
}

}  // namespace dvt::sim::cli
