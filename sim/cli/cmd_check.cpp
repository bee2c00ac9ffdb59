// check FILE...: everything that is wrong with scenarios and studies, without running them.
#include <cstdio>

#include "engine/base/json.h"
#include "sim/cli/commands.h"
#include "sim/study/plan.h"

namespace dvt::sim::cli {
namespace {

// A study is right when each of its cells is.
bool study_is_right(const std::string& file, const std::vector<SetOverride>& overrides) {
  const auto study = load_study(file);
  if (!study.has_value()) {
    std::fputs(format(study.error()).c_str(), stderr);
    return false;
  }
  const auto planned = plan_study(study.value(), overrides);
  if (!planned.has_value()) std::fputs(format(planned.error()).c_str(), stderr);
  return planned.has_value();
}

}  // namespace

void add_check(CLI::App& app, const CommonOptions& common, int& exit_code) {
  auto* command = app.add_subcommand("check", "read scenarios and studies and say everything that is wrong with them");
  auto files = std::make_shared<std::vector<std::string>>();
  auto sets = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "scenarios and studies")->required();
  command->add_option("--set", *sets, "PATH=VALUE, applied before checking")->take_all()->allow_extra_args(false);
  command->callback([=, &common, &exit_code] {
    const std::vector<SetOverride> overrides = parse_overrides(*sets);
    json::Array results;
    for (const std::string& file : *files) {
      const bool fine =
          is_study_file(file) ? study_is_right(file, overrides) : read_checked(file, overrides, common).has_value();
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
