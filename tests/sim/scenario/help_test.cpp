// explain, schema and init come from the table that reads scenarios, and none of them leaves a key out.
#include "sim/scenario/help.h"

#include <filesystem>
#include <set>

#include "engine/base/json.h"
#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/key_table.h"
#include "sim/scenario/traps.h"
#include "sim/scenario/words.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

std::string explained(const std::string& topic) {
  const auto text = explain(topic);
  if (!text.has_value()) {
    ADD_FAILURE() << text.error().message;
    return "";
  }
  return text.value();
}

TEST(Explain, CoversEveryKeyWithTypeDefaultExampleAndStatus) {
  const std::vector<KeyInfo> keys = all_keys();
  EXPECT_GT(keys.size(), 200U);
  for (const KeyInfo& key : keys) {
    const std::string text = explained("scenario." + key.path);
    EXPECT_TRUE(text.starts_with("scenario." + key.path + "\n")) << text;
    for (const char* part : {"  type ", "  default ", "  example ", "  status "})
      EXPECT_NE(text.find(part), std::string::npos) << key.path << " lacks" << part;
    EXPECT_NE(text.find(key.field->doc), std::string::npos);
    EXPECT_FALSE(key.field->doc.empty()) << key.path;
  }
}

TEST(Explain, TakesPathsWithNamesFilledIn) {
  EXPECT_TRUE(explained("scenario.faults.slow.factor").starts_with("scenario.faults.<name>.factor\n"));
  EXPECT_TRUE(explained("scenario.faults.slow").starts_with("scenario.faults\n"));
  EXPECT_TRUE(explained("scenario.workload.stages.0.rate").starts_with("scenario.workload.stages[].rate\n"));
}

TEST(Explain, CoversEveryFaultKind) {
  for (const FaultKindInfo& row : fault_kinds()) {
    const std::string text = explained("fault " + std::string(word(row.kind)));
    EXPECT_NE(text.find(row.doc), std::string::npos);
    EXPECT_NE(text.find("  targets "), std::string::npos);
  }
  EXPECT_EQ(fault_kinds().size(), std::size(Words<FaultKind>::list));
  EXPECT_EQ(target_kinds().size(), 13U);
}

TEST(Explain, CoversObjectivesAndTheOtherTopics) {
  for (const ObjectiveInfo& row : builtin_objectives())
    EXPECT_NE(explained("objectives " + std::string(row.name)).find(row.metric), std::string::npos);
  for (const char* topic : {"", "scenario", "fault", "objectives", "distribution", "known-faults", "traps",
                            "assertions", "units", "exit-codes", "study"}) {
    EXPECT_GT(explained(topic).size(), 100U) << topic;
  }
  EXPECT_NE(explained("exit-codes").find("130"), std::string::npos);
}

TEST(Explain, HasADemonstrationOfEachTrap) {
  int number = 0;
  std::set<std::string> named;
  for (const Trap& trap : traps()) {
    EXPECT_EQ(trap.number, ++number);
    EXPECT_FALSE(trap.demonstrations.empty()) << number;
    for (const std::string_view file : trap.demonstrations) {
      EXPECT_TRUE(std::filesystem::exists(std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/" + std::string(file)))
          << file;
      EXPECT_NE(explained("traps " + std::to_string(number)).find(file), std::string::npos);
      named.insert(std::string(file));
    }
  }
  EXPECT_EQ(number, 14);
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/traps")) {
    const std::string name = "traps/" + entry.path().filename().string();
    if (!name.ends_with(".yaml") || name == "traps/rules.yaml") continue;
    EXPECT_TRUE(named.contains(name)) << name;
  }
  EXPECT_NE(explain("traps 15").error().message.find("expected 1 to 14"), std::string::npos);
}

TEST(Explain, AnswersAWrongTopicWithTheNearest) {
  EXPECT_NE(explain("scenario.topology.projektor.replicas")
                .error()
                .message.find("did you mean scenario.topology.projector.replicas?"),
            std::string::npos);
  EXPECT_NE(explain("fault latncy").error().message.find("did you mean \"latency\"?"), std::string::npos);
  EXPECT_NE(explain("topology.projector").error().message.find("did you mean scenario.topology.projector?"),
            std::string::npos);
  EXPECT_NE(explain("objectives pause").error().message.find("no objective"), std::string::npos);
}

// Follows a key's path through the schema.
const json::Value* descend(const json::Value* schema, std::string_view path) {
  while (schema != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    std::string_view part = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    std::size_t lists = 0;
    while (part.ends_with("[]")) {
      part.remove_suffix(2);
      ++lists;
    }
    const std::string_view member = part == "<name>" ? "additionalProperties" : "properties";
    const json::Value* next = schema->find(member);
    if (const json::Value* any = schema->find("anyOf"); next == nullptr && any != nullptr) {
      for (const json::Value& option : any->as_array()) {
        if (const json::Value* found = option.find(member);
            found != nullptr && (part == "<name>" || found->find(part) != nullptr))
          next = found;
      }
    }
    schema = next == nullptr || part == "<name>" ? next : next->find(part);
    for (; schema != nullptr && lists > 0; --lists) schema = schema->find("items");
  }
  return schema;
}

TEST(JsonSchema, IsValidJsonAndDescribesEveryKey) {
  const auto schema = json::parse(json_schema());
  ASSERT_TRUE(schema.has_value());
  for (const KeyInfo& key : all_keys()) {
    const json::Value* node = descend(&schema.value(), key.path);
    ASSERT_NE(node, nullptr) << key.path;
    const json::Value* description = node->find("description");
    ASSERT_NE(description, nullptr) << key.path;
    EXPECT_NE(description->as_string().find(key.field->doc), std::string::npos);
    EXPECT_NE(node->find("examples"), nullptr) << key.path;
  }
  EXPECT_NE(schema.value().find("$defs")->find("distribution"), nullptr);
  EXPECT_EQ(schema.value().find("required")->as_array().size(), 5U);
}

TEST(InitTemplate, IsARightScenarioWithoutWarnings) {
  const Scenario scenario = must_read(init_template());
  EXPECT_EQ(format(scenario_warnings(scenario)), "");
  EXPECT_EQ(format(check_assertions(scenario, path_catalogue(scenario))), "");
}

}  // namespace
}  // namespace dvt::sim::test
