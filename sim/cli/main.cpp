// dvtsim: the command line. Parses, dispatches, and turns what was thrown into an exit code.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/text.h"
#include "sim/cli/commands.h"

namespace {

std::string near(const char* what, const std::string& word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view nearest = dvt::nearest_name(word, known);
  std::string text = std::string("unknown ") + what + " \"" + word + "\"";
  if (!nearest.empty()) text += " (did you mean \"" + std::string(nearest) + "\"?)";
  return text;
}

// CLI11 says of a word that it does not know only that it, or a subcommand, was not expected.
std::string hint(const CLI::App& app, int argc, char** argv) {
  const CLI::App* command = &app;
  std::vector<std::string> names;
  for (const CLI::App* known : app.get_subcommands({})) names.push_back(known->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word == "--") return {};
    if (word[0] != '-') {
      if (command != &app) continue;
      const auto known = std::find(names.begin(), names.end(), word);
      if (known == names.end()) return near("subcommand", word, names);
      command = app.get_subcommand(word);
    } else if (word.starts_with("--")) {
      std::vector<std::string> flags;
      for (const CLI::App* scope : {&app, command}) {
        for (const CLI::Option* option : scope->get_options())
          for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
      }
      const std::string flag = word.substr(0, word.find('='));
      if (std::find(flags.begin(), flags.end(), flag) == flags.end()) return near("option", flag, flags);
    }
  }
  return {};
}

}  // namespace

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
  add_study(app, common, exit_code);
  add_backtest(app, common, exit_code);
  add_swarm(app, common, exit_code);
  add_check(app, common, exit_code);
  add_audit(app, common, exit_code);
  add_language(app, common, exit_code);
  add_export(app, common, exit_code);
  add_import(app, common, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const std::string unknown = hint(app, argc, argv);
    if (unknown.empty()) {
      app.exit(error);
    } else {
      std::fprintf(stderr, "dvtsim: %s\nRun with --help or --help-all for more information.\n", unknown.c_str());
    }
    return kExitUsage;
  } catch (const dvt::Error& error) {
    std::fprintf(stderr, "dvtsim: %s\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dvtsim: internal error: %s\n", error.what());
    return kExitInternal;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "dvtsim: the result could not be written to stdout: %s\n", std::strerror(errno));
    return kExitInternal;
  }
  return exit_code;
}
