// The resolved scenario: every key written, and reading it back gives the same scenario.
#include <filesystem>

#include "sim/scenario/key_table.h"
#include "sim/scenario/node.h"
#include "sim/scenario/yaml_front.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

void expect_round_trip(const Scenario& scenario, const std::string& what) {
  const std::string text = write_resolved(scenario, scenario.file_name);
  const auto again = read_scenario(text, scenario.file_name);
  ASSERT_TRUE(again.has_value()) << what << "\n" << format(again.error()) << text;
  EXPECT_TRUE(again.value() == scenario) << what << "\n" << text;
  EXPECT_EQ(write_resolved(again.value(), scenario.file_name), text) << what;
}

TEST(ResolvedScenario, ReadsBackEqual) {
  expect_round_trip(must_read(kSmall), "small");
  expect_round_trip(must_read(modelled_reference()), "reference");
}

TEST(ResolvedScenario, WritesEveryKeyThatHasADefault) {
  const std::string text = write_resolved(must_read(kSmall), "s.yaml");
  std::vector<Diagnostic> diagnostics;
  const auto tree = parse_yaml(text, diagnostics);
  ASSERT_TRUE(tree);
  for (const KeyInfo& key : all_keys()) {
    if (key.path.find("<name>") != std::string::npos || key.path.find("[]") != std::string::npos ||
        key.field->default_text.empty() || key.field->default_text == "\"\"")
      continue;
    const Node* node = &*tree;
    std::string rest = key.path;
    while (node != nullptr && !rest.empty()) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      if (rest.substr(0, dot) == "budgetPolicy") break;  // absent by default, its keys with it
      node = node->find(rest.substr(0, dot));
      rest.erase(0, dot + 1);
    }
    EXPECT_NE(node, nullptr) << key.path;
  }
}

// For each key of the table: set it to its example on top of a scenario that has one entry of everything.
std::string filled(const std::string& path) {
  std::string out = path;
  const auto replace = [&out](std::string_view from, std::string_view to) {
    for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size()))
      out.replace(at, from.size(), to);
  };
  replace("workload.plans.<name>.synthetic", "workload.plans.wide.synthetic");
  replace("workload.plans.<name>.dbt", "workload.plans.shop.dbt");
  replace("workload.plans.<name>.file", "workload.plans.file.file");
  replace("workload.plans.<name>.workflow", "workload.plans.saga.workflow");
  replace("workload.plans.<name>.input", "workload.plans.saga.input");
  replace("steps[]", "steps.1");
  replace("workload.plans.<name>", "workload.plans.small");
  replace("workload.signals.<name>", "workload.signals.PAUSE");
  replace("activityOptions.<name>", "activityOptions.spark");
  replace("taskQueues.<name>", "taskQueues.tq-data");
  replace("subscriptions.<name>", "subscriptions.ui");
  replace("warehouses.<name>", "warehouses.bq");
  replace("faults.<name>.group", "faults.storm.group");
  replace("faults.<name>.maxDown", "faults.storm.maxDown");
  replace("faults.<name>.share", "faults.lossy.share");
  replace("faults.<name>.offset", "faults.late.offset");
  replace("faults.<name>", "faults.slow");
  replace("operations.<name>.select.sameAs", "operations.resume.select.sameAs");
  replace("operations.<name>.after", "operations.resume.after");
  for (const char* key : {"action", "target", "to", "rate", "kind", "startToClose", "by", "fault"})
    replace(std::string("operations.<name>.") + key, std::string("operations.act.") + key);
  replace("operations.<name>.on", "operations.react.on");
  replace("operations.<name>.reaction", "operations.react.reaction");
  for (const char* key : {"on", "reaction"})
    replace(std::string("operations.<name>.") + key, std::string("operations.react.") + key);
  replace("operations.<name>", "operations.p30");
  replace("<name>", "weekly");
  replace("assertions[].abortOnFail", "assertions.7.abortOnFail");
  replace("[]", ".0");
  return out;
}

// Keys that mean something only beside others.
std::vector<SetOverride> companions(const std::string& path) {
  if (path == "workload.arrivals.cv") return {{"workload.arrivals.process", "gamma"}};
  if (path == "workload.arrivals.file")
    return {{"workload.arrivals.process", "trace"}, {"workload.arrivals.column", "t"}};
  if (path == "workload.arrivals.column")
    return {{"workload.arrivals.process", "trace"}, {"workload.arrivals.file", "t.csv"}};
  if (path == "faults.<name>.share") return {{"faults.lossy", "{kind: loss, target: bus}"}};
  if (path == "faults.<name>.offset") return {{"faults.late", "{kind: clock-skew, target: clock/worker}"}};
  if (path == "topology.stateStore.diskSize")
    return {{"topology.stateStore.backend", "file"}, {"topology.stateStore.commit", "per-append"}};
  if (path == "operations.<name>.by") return {{"operations.act", "{at: 45m, action: add-connections}"}};
  if (path == "operations.<name>.fault") return {{"operations.act", "{at: 45m, action: heal}"}};
  if (path == "operations.<name>.action" || path == "operations.<name>.target" || path == "operations.<name>.to")
    return {{"operations.act", "{at: 45m, action: scale, target: projector, to: 3}"}};
  if (path == "operations.<name>.rate") return {{"operations.act", "{at: 45m, action: throttle}"}};
  if (path == "operations.<name>.kind") return {{"operations.act", "{at: 45m, action: set-timeout, startToClose: 2h}"}};
  if (path == "operations.<name>.startToClose")
    return {{"operations.act", "{at: 45m, action: set-timeout, kind: spark}"}};
  if (path.starts_with("operations.<name>.on") || path == "operations.<name>.reaction")
    return {{"operations.react", "{on: {alert: ProjectionLag}, action: throttle, rate: 10/s}"}};
  if (path == "objectives.<name>.bad")
    return {{"objectives.weekly", "{metric: dvt_runs_completed_total, target: 99%}"}};
  if (path == "objectives.<name>.threshold")
    return {{"objectives.weekly", "{metric: dvt_plan_persist_duration_ms, target: 99%}"}};
  if (path.starts_with("objectives.<name>"))
    return {{"objectives.weekly", "{metric: dvt_plan_persist_duration_ms, threshold: 300ms, target: 99%}"}};
  if (path == "releases.<name>.incident.factor")
    return {{"releases.weekly", "{every: 7d, incident: {kind: latency, target: store, for: 20m, factor: 2}}"}};
  if (path.starts_with("releases.<name>"))
    return {{"releases.weekly", "{every: 7d, incident: {kind: outage, target: store, for: 20m}}"}};
  if (path.starts_with("operations.<name>.on"))
    return {{"operations.react", "{on: {alert: ProjectionLag}, action: scale, target: projector, to: 3}"}};
  if (path == "operations.<name>.reaction")
    return {
        {"operations.react", "{on: {alert: ProjectionLag, state: firing}, action: scale, target: projector, to: 3}"}};
  if (path == "workload.arrivals.runs") return {{"workload.arrivals", "{}"}};
  return {};
}

TEST(ResolvedScenario, ReadsBackEqualWithEachKeysExample) {
  int round_trips = 0;
  std::vector<std::string> refused;
  for (const KeyInfo& key : all_keys()) {
    if (key.field->example.empty()) ADD_FAILURE() << key.path << " has no example";
    if (key.path == "workload.signals.<name>.select.sameAs")
      continue;  // background signals draw their runs: never right
    const std::string path = filled(key.path);
    std::vector<SetOverride> sets = companions(key.path);
    sets.push_back({path, key.field->example});
    const bool whole =
        key.path == "workload" || key.path == "warehouses" || key.path == "workload.plans";  // others refer into them
    const auto result = whole ? read(kSmall, sets) : read(modelled_reference(), sets);
    if (result.has_value()) {
      ++round_trips;
      expect_round_trip(result.value(), path + "=" + key.field->example);
      continue;
    }
    bool unmodelled = false;
    for (const Diagnostic& diagnostic : result.error())
      unmodelled = unmodelled || diagnostic.message.find("not modelled yet") != std::string::npos;
    if (!unmodelled) refused.push_back(key.path + "\n" + format(result.error()));
  }
  EXPECT_EQ(refused, std::vector<std::string>{});
  EXPECT_GT(round_trips, 150);
}

TEST(ResolvedScenario, KeepsOddTexts) {
  for (const char* text : {"",     " ",     "a: b",         "#no comment", "- x",        "true", "010",
                           "null", "~",     "[a]",          "{a}",         "\"quoted\"", "it's", "line\\nbreak",
                           "ä€😀",  "a\\tb", "*x",           "&x",          "!x",         "%x",   "@x",
                           "`x",   "?",     "x:",           ": x",         "<<",         "a,b",  "-",
                           "-1",   "1e5",   "back\\\\slash"}) {
    const std::string quoted = "\"" + [&] {
      std::string out;
      for (const char* c = text; *c != '\0'; ++c) out += *c == '"' ? std::string("\\\"") : std::string(1, *c);
      return out;
    }() + "\"";
    const Scenario scenario = must_read(kSmall, {{"metadata.description", quoted},
                                                 {"metadata.labels",
                                                  "{\""
                                                  "key with: odd\": " +
                                                      quoted + "}"}});
    expect_round_trip(scenario, text);
  }
}

TEST(ResolvedScenario, KeepsFilePathsWhereverItIsWritten) {
  const std::string text = small_and("topology: {api: {latency: {empirical: {file: ../times.csv, column: t_ms}}}}");
  for (const char* source : {"lab/runs/s.yaml", "s.yaml", "/abs/lab/s.yaml", "../s.yaml"}) {
    const auto scenario = read_scenario(text, source);
    ASSERT_TRUE(scenario.has_value());
    for (const char* target :
         {"out/scenario.yaml", "scenario.yaml", "lab/scenario.yaml", "/abs/out/scenario.yaml", "../o/scenario.yaml"}) {
      const auto again = read_scenario(write_resolved(scenario.value(), target), target);
      ASSERT_TRUE(again.has_value()) << format(again.error());
      const auto absolute = [](const Scenario& s) {
        return std::filesystem::absolute(s.topology.api.latency.file.path).lexically_normal();
      };
      EXPECT_EQ(absolute(again.value()), absolute(scenario.value())) << source << " → " << target;
    }
  }
}

}  // namespace
}  // namespace dvt::sim::test
