// The way from text to Scenario: tree, overrides, table, checks among sections.
#include "sim/scenario/reader.h"

#include "engine/base/format.h"

#include <algorithm>
#include <filesystem>

#include "sim/scenario/key_table.h"
#include "sim/scenario/overrides.h"
#include "sim/scenario/reading.h"
#include "sim/scenario/study_spec.h"
#include "sim/scenario/validate.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {
namespace {

std::string read_text(const std::string& file_name) {
  std::error_code code;
  if (std::filesystem::is_directory(file_name, code))
    throw Error(fmt::format("{}: is a folder, not a scenario", file_name));
  std::optional<std::string> text = yaml_text(file_name);
  if (!text) throw Error(fmt::format("{}: cannot be opened", file_name));
  return std::move(*text);
}

bool says(const Node& root, std::string_view what) {
  const Node* kind = root.find("kind");
  return kind != nullptr && kind->is_word(what);
}

std::optional<Node> read_tree(const std::string& file_name) {
  std::vector<Diagnostic> ignored;
  return parse_yaml(read_text(file_name), ignored);
}

}  // namespace

Result<SetOverride, std::string> parse_override(std::string_view argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return failure(fmt::format("expected PATH=VALUE such as topology.projector.replicas=5, found \"{}\"", argument));
  }
  return SetOverride{std::string(argument.substr(0, equals)), std::string(argument.substr(equals + 1))};
}

Result<Scenario, std::vector<Diagnostic>> read_scenario(std::string_view text, std::string file_name,
                                                        std::span<const SetOverride> overrides) {
  std::vector<Diagnostic> diagnostics;
  std::optional<Node> root = parse_yaml(text, diagnostics);
  if (!root) {
    return failure(arranged(std::move(diagnostics), file_name));
  }
  apply_overrides(*root, overrides, diagnostics);
  std::vector<std::string> paths;
  for (const SetOverride& override : overrides) paths.push_back(override.path);
  Reading reading(file_name, std::move(paths));
  Scenario scenario;
  scenario.file_name = file_name;
  if (says(*root, "Study")) {
    PathScope scope(reading, "kind");
    reading.error(root->find("kind")->mark, "a Study holds many runs: `dvtsim study` runs it; expected Scenario");
  } else {
    scenario_table().read(reading, *root, &scenario);
    if (root->is_mapping()) validate(scenario, *root, reading);
  }
  for (Diagnostic& diagnostic : reading.take_diagnostics()) diagnostics.push_back(std::move(diagnostic));
  if (!diagnostics.empty()) return failure(arranged(std::move(diagnostics), file_name));
  return scenario;
}

Result<Scenario, std::vector<Diagnostic>> load_scenario(const std::string& file_name,
                                                        std::span<const SetOverride> overrides) {
  return read_scenario(read_text(file_name), file_name, overrides);
}

Result<Study, std::vector<Diagnostic>> read_study(std::string_view text, std::string file_name) {
  std::vector<Diagnostic> diagnostics;
  std::optional<Node> root = parse_yaml(text, diagnostics);
  if (!root) return failure(arranged(std::move(diagnostics), file_name));
  Reading reading(file_name, {});
  Study study;
  study.file_name = file_name;
  study_table().read(reading, *root, &study);
  for (Diagnostic& diagnostic : reading.take_diagnostics()) diagnostics.push_back(std::move(diagnostic));
  if (!diagnostics.empty()) return failure(arranged(std::move(diagnostics), file_name));
  return study;
}

Result<Study, std::vector<Diagnostic>> load_study(const std::string& file_name) {
  return read_study(read_text(file_name), file_name);
}

bool is_study_file(const std::string& file_name) {
  const std::optional<Node> root = read_tree(file_name);
  return root && says(*root, "Study");
}

bool is_other_yaml(const std::string& file_name) {
  const std::optional<Node> root = read_tree(file_name);
  return root && !says(*root, "Scenario");
}

std::string write_resolved(const Scenario& scenario, std::string_view target_file) {
  WriteContext context;
  context.directory = std::filesystem::path(target_file).parent_path().string();
  Node node = scenario_table().write(&scenario, context);
  return write_yaml(node);
}

}  // namespace dvt::sim
