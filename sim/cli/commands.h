// One function a subcommand: adds it to the command line; `exit_code` is set when it ran.
#pragma once

#include <CLI/CLI.hpp>

#include "sim/cli/options.h"

namespace dvt::sim::cli {

void add_run(CLI::App& app, const CommonOptions& common, int& exit_code);
void add_study(CLI::App& app, const CommonOptions& common, int& exit_code);  // study, sweep, compare, search
void add_swarm(CLI::App& app, const CommonOptions& common, int& exit_code);  // swarm, shrink
void add_test(CLI::App& app, const CommonOptions& common, int& exit_code);
void add_audit(CLI::App& app, const CommonOptions& common, int& exit_code);
void add_backtest(CLI::App& app, const CommonOptions& common, int& exit_code);  // backtest, review
void add_check(CLI::App& app, const CommonOptions& common, int& exit_code);
void add_language(CLI::App& app, const CommonOptions& common, int& exit_code);  // schema, explain, init, version
void add_export(CLI::App& app, const CommonOptions& common, int& exit_code);
void add_import_temporal(CLI::App& import_command, const CommonOptions& common, int& exit_code);
void add_import(CLI::App& app, const CommonOptions& common, int& exit_code);

}  // namespace dvt::sim::cli
