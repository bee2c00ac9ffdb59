#include "engine/base/snapshot.h"

#include <gtest/gtest.h>

#include "engine/base/json.h"
#include "tests/engine/base/contract_vectors.h"

namespace dvt {
namespace {

std::optional<UnixNanos> time_of(const json::Value& object, std::string_view member) {
  const json::Value* text = object.find(member);
  if (text == nullptr) return std::nullopt;
  return parse_rfc3339(text->as_string());
}

// Builds the model from canonical JSON; texts are borrowed from `value`.
RunSnapshot snapshot_from(const json::Value& value) {
  RunSnapshot run;
  run.run_id = value.find("runId")->as_string();
  run.status = parse_run_status(value.find("status")->as_string()).value();
  run.paused = value.find("paused")->as_bool();
  run.started_at = time_of(value, "startedAt");
  run.completed_at = time_of(value, "completedAt");
  for (const json::Member& member : value.find("steps")->as_object()) {
    StepSnapshot step;
    step.step_id = member.key;
    step.status = parse_step_status(member.value.find("status")->as_string()).value();
    step.attempts = static_cast<std::uint32_t>(member.value.find("attempts")->as_int());
    step.started_at = time_of(member.value, "startedAt");
    step.completed_at = time_of(member.value, "completedAt");
    run.steps.push_back(step);
  }
  return run;
}

TEST(SnapshotHash, AgreesWithTheContractVectors) {
  const std::optional<json::Value> contract = contract_vectors("snapshot-hash-vectors.json");
  if (!contract) GTEST_SKIP() << contract_vectors_hint();
  const json::Array& vectors = contract->find("vectors")->as_array();
  ASSERT_GE(vectors.size(), 3U);
  for (const json::Value& vector : vectors) {
    const std::string& canonical = vector.find("canonical")->as_string();
    auto value = json::parse(canonical);
    ASSERT_TRUE(value.has_value());
    RunSnapshot run = snapshot_from(value.value());
    EXPECT_EQ(canonical_json(run), canonical);
    EXPECT_EQ(to_hex(snapshot_hash(run)), vector.find("sha256")->as_string()) << vector.find("name")->as_string();
    std::reverse(run.steps.begin(), run.steps.end());
    EXPECT_EQ(canonical_json(run), canonical) << "the order of the steps in the model does not matter";
  }
}

RunSnapshot awkward_run() {
  RunSnapshot run;
  run.run_id = "run \"7\"\n";
  run.status = RunStatus::running;
  run.started_at = UnixNanos{1'767'225'600'005'999'999};  // 2026-01-01T00:00:00.005999999Z
  run.steps = {{"\U0001F600", StepStatus::running, 3, run.started_at, std::nullopt},
               {"\uFB33", StepStatus::pending, 0, std::nullopt, std::nullopt},
               {"z", StepStatus::failed, 1, run.started_at, UnixNanos{1'767'225'601'000'000'000}},
               {"é", StepStatus::skipped, 0, std::nullopt, run.started_at}};
  return run;
}

TEST(SnapshotHash, HashesTheCanonicalFormOfTheSameJson) {
  // The hand-built text against the general canonical writer, with awkward ids.
  const std::string text = canonical_json(awkward_run());
  auto value = json::parse(text);
  ASSERT_TRUE(value.has_value()) << text;
  EXPECT_EQ(json::write_canonical(value.value()), text);
  EXPECT_EQ(snapshot_from(value.value()).steps.size(), 4U);
  EXPECT_EQ(snapshot_hash(awkward_run()), sha256(text));
}

TEST(SnapshotHash, TruncatesTimesToMilliseconds) {
  RunSnapshot run;
  run.run_id = "r";
  run.started_at = UnixNanos{1'767'225'600'005'999'999};
  EXPECT_EQ(canonical_json(run),
            R"({"paused":false,"runId":"r","startedAt":"2026-01-01T00:00:00.005Z","status":"PENDING","steps":{}})");
}

TEST(SnapshotHash, ChangesWithEveryMember) {
  const Digest original = snapshot_hash(awkward_run());
  std::vector<RunSnapshot> changed(8, awkward_run());
  changed[0].run_id = "run";
  changed[1].status = RunStatus::failed;
  changed[2].paused = true;
  changed[3].completed_at = changed[3].started_at;
  changed[4].steps.pop_back();
  changed[5].steps[0].attempts = 4;
  changed[6].steps[0].status = StepStatus::completed;
  changed[7].steps[1].started_at = changed[7].started_at;
  for (const RunSnapshot& run : changed) EXPECT_NE(snapshot_hash(run), original);
}

TEST(SnapshotHashDeathTest, RefusesAStepNamedTwice) {
  RunSnapshot run;
  run.steps = {{"a", StepStatus::pending, 0, {}, {}}, {"a", StepStatus::pending, 0, {}, {}}};
  EXPECT_DEATH((void)snapshot_hash(run), "names a step twice");
}

TEST(Status, ReadsItsWords) {
  for (int i = 0; i < 7; ++i) {
    const auto status = static_cast<RunStatus>(i);
    EXPECT_EQ(parse_run_status(to_string(status)), status);
  }
  for (int i = 0; i < 5; ++i) {
    const auto status = static_cast<StepStatus>(i);
    EXPECT_EQ(parse_step_status(to_string(status)), status);
  }
  EXPECT_EQ(to_string(RunStatus::cancelled), "CANCELLED");
  EXPECT_EQ(to_string(StepStatus::completed), "COMPLETED") << "snapshots say COMPLETED where attempts say SUCCESS";
  EXPECT_EQ(parse_run_status("running"), std::nullopt);
  EXPECT_EQ(parse_step_status("SUCCESS"), std::nullopt);
}

TEST(Status, KnowsWhichStepsAreOver) {
  EXPECT_FALSE(is_terminal(StepStatus::pending));
  EXPECT_FALSE(is_terminal(StepStatus::running));
  EXPECT_TRUE(is_terminal(StepStatus::completed));
  EXPECT_TRUE(is_terminal(StepStatus::failed));
  EXPECT_TRUE(is_terminal(StepStatus::skipped));
}

}  // namespace
}  // namespace dvt
