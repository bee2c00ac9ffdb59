// import dbt MANIFEST [RUN_RESULTS] -o FILE: a plan file from a dbt project, with what was and was not taken over.
#include <cstdio>

#include "sim/cli/commands.h"
#include "sim/cli/output_file.h"
#include "sim/import/dbt.h"
#include "sim/import/plan_source.h"

namespace dvt::sim::cli {

void add_import(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* import_command = app.add_subcommand("import", "plans and scenarios from real data");
  import_command->require_subcommand(1);
  auto* dbt = import_command->add_subcommand("dbt", "a plan from a dbt project's manifest.json and run_results.json");
  struct Arguments {
    std::string manifest, results, out, plan_id;
    std::vector<std::string> select;
    bool threads = false;
  };
  auto arguments = std::make_shared<Arguments>();
  dbt->add_option("MANIFEST", arguments->manifest, "manifest.json, v1 to v12")->required();
  dbt->add_option("RUN_RESULTS", arguments->results, "run_results.json: durations and outcomes");
  dbt->add_option("-o,--out", arguments->out, "plan file to write; default: stdout");
  dbt->add_option("--select", arguments->select, "resource types: model, seed, test, snapshot")->delimiter(',');
  dbt->add_option("--plan-id", arguments->plan_id, "default: the project's name");
  dbt->add_flag("--threads", arguments->threads, "bound the steps at once by the project's threads");
  dbt->callback([=, &common, &exit_code] {
    const std::string manifest = read_file(arguments->manifest);
    std::optional<std::string> results;
    if (!arguments->results.empty()) results = read_file(arguments->results);
    DbtOptions options;
    if (!arguments->select.empty()) options.select = arguments->select;
    options.plan_id = arguments->plan_id;
    if (arguments->threads) options.threads = DbtThreads::bound_concurrency;
    auto imported = import_dbt(manifest, results ? std::optional<std::string_view>(*results) : std::nullopt, options);
    if (!imported.has_value()) {
      for (const std::string& error : imported.error())
        std::fprintf(stderr, "%s: %s\n", arguments->manifest.c_str(), error.c_str());
      exit_code = kExitUsage;
      return;
    }
    const DbtImport& project = imported.value();
    for (const std::string& warning : project.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
    if (!common.quiet) {
      const DbtCounts& c = project.counts;
      std::fprintf(stderr,
                   "%s: %zu steps of %zu nodes; %zu results: %zu matched, %zu of other nodes, %zu without a node; %zu "
                   "durations, %zu errors, %zu skipped\n",
                   project.project_name.c_str(), c.selected, c.nodes, c.results, c.matched, c.not_selected, c.unmatched,
                   c.durations, c.errors, c.skipped);
    }
    write_result(arguments->out, write_plan_file(project));
  });
  add_import_temporal(*import_command, common, exit_code);
}

}  // namespace dvt::sim::cli
