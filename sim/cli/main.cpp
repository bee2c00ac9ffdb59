// dvtsim: the command line. Parses, dispatches, and turns what was thrown into an exit code.
#include <cstdio>
#include <exception>

#include "engine/base/result.h"
#include "sim/cli/commands.h"

int main(int argc, char** argv) {
  using namespace dvt::sim::cli;
  CLI::App app{"dvtsim: a deterministic simulator of a workflow control plane, with objectives, alerts and faults",
               "dvtsim"};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_all_flag("--help-all", "help for every subcommand");
  CommonOptions common;
  app.add_option("--output", common.output, "form of the result on stdout")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--color", common.color, "colours on stdout")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("-q,--quiet", common.quiet, "no progress, no warnings");
  app.add_flag("-v,--verbose", common.verbose, "say more on stderr");
  int exit_code = kExitPassed;
  add_run(app, common, exit_code);
  add_test(app, common, exit_code);
  add_check(app, common, exit_code);
  add_language(app, common, exit_code);
  add_import(app, common, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kExitUsage;
  } catch (const dvt::Error& error) {
    std::fprintf(stderr, "dvtsim: %s\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dvtsim: internal error: %s\n", error.what());
    return kExitInternal;
  }
  return exit_code;
}
