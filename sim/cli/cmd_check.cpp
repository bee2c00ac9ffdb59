// check FILE...: everything that is wrong with scenario files, without running them.
#include <cstdio>

#include "engine/base/json.h"
#include "sim/cli/commands.h"

namespace dvt::sim::cli {

void add_check(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* command = app.add_subcommand("check", "read scenario files and say everything that is wrong with them");
  auto files = std::make_shared<std::vector<std::string>>();
  auto sets = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "scenario files")->required();
  command->add_option("--set", *sets, "PATH=VALUE, applied before checking")->take_all()->allow_extra_args(false);
  command->callback([=, &common, &exit_code] {
    const std::vector<SetOverride> overrides = parse_overrides(*sets);
    json::Array results;
    for (const std::string& file : *files) {
      const bool fine = read_checked(file, overrides, common).has_value();
      if (!fine) exit_code = kExitUsage;
      if (common.form() == OutputForm::json) {
        json::Object one;
        one.append("file", file);
        one.append("ok", fine);
        results.push_back(json::Value(std::move(one)));
      } else if (fine && !common.quiet) {
        std::printf("%s: ok\n", file.c_str());
      }
    }
    if (common.form() == OutputForm::json) std::printf("%s\n", json::write(json::Value(std::move(results))).c_str());
  });
}

}  // namespace dvt::sim::cli
