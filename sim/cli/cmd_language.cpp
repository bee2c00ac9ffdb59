// schema, explain, init, version: what the tool says about its language and itself.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "engine/base/json.h"
#include "sim/cli/commands.h"
#include "sim/cli/version.h"
#include "sim/scenario/help.h"

namespace dvt::sim::cli {
namespace {

void write_new_file(const std::string& path, const std::string& text) {
  if (std::filesystem::exists(path)) throw Error(path + " exists already; nothing was written");
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error("cannot write " + path);
}

void add_version(CLI::App& app, const CommonOptions& common) {
  app.add_subcommand("version", "the version of dvtsim and of its compiler")->callback([&common] {
    if (common.form() == OutputForm::json) {
      json::Object o;
      o.append("dvtsim", std::string(kVersion));
      o.append("schemaVersion", 1);
      o.append("compiler", std::string(__VERSION__));
      std::printf("%s\n", json::write(json::Value(std::move(o))).c_str());
      return;
    }
    std::printf("dvtsim %s, built with %s\n", kVersion, __VERSION__);
  });
}

}  // namespace

void add_language(CLI::App& app, const CommonOptions& common, int& exit_code) {
  app.add_subcommand("schema", "the scenario language as JSON Schema")->callback([] {
    std::printf("%s\n", json_schema().c_str());
  });

  auto* explain_command = app.add_subcommand("explain", "what a key, a fault kind, an objective or an exit code means");
  auto words = std::make_shared<std::vector<std::string>>();
  explain_command->add_option("TOPIC", *words,
                              "e.g. scenario.topology.projector.batch, fault latency; none lists the topics");
  explain_command->callback([=, &exit_code] {
    std::string topic;
    for (const std::string& word : *words) topic += (topic.empty() ? "" : " ") + word;
    auto text = explain(topic);
    if (!text.has_value()) {
      std::fprintf(stderr, "dvtsim: %s\n", text.error().message.c_str());
      exit_code = kExitUsage;
      return;
    }
    std::fputs(text.value().c_str(), stdout);
    if (text.value().empty() || text.value().back() != '\n') std::fputc('\n', stdout);
  });

  auto* init_command = app.add_subcommand("init", "a small scenario to start from");
  auto file = std::make_shared<std::string>();
  init_command->add_option("FILE", *file, "write it here (must not exist); default: stdout");
  init_command->callback([=] {
    if (file->empty()) {
      std::fputs(init_template().c_str(), stdout);
    } else {
      write_new_file(*file, init_template());
    }
  });
  add_version(app, common);
}

}  // namespace dvt::sim::cli
