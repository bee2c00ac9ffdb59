// From a recorded history to a scenario, through a whole world, to the world's own history: what activities did comes
// in the same order. Over the histories that real servers wrote (skipped where the data is not checked out), and over
// the engine's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/history/temporal_json.h"
#include "sim/import/plan_source.h"
#include "sim/import/temporal.h"
#include "sim/scenario/reader.h"
#include "sim/world/world.h"

namespace dvt::sim {
namespace {

using engine::EventFacts;
using K = engine::EventKind;

/// Keeps the histories of a world's executions.
class Histories final : public HistorySink {
 public:
  std::vector<engine::History> all;
  void execution_closed(ExecutionName, const engine::History& history) override { all.push_back(history); }
  void execution_open_at_end(ExecutionName, const engine::History& history, Instant) override {
    all.push_back(history);
  }
};

class Reenacted : public testing::Test {
 protected:
  Reenacted()
      : folder_(std::filesystem::path(testing::TempDir()) /
                (std::string("reenacted_") + testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Reenacted() override { std::filesystem::remove_all(folder_); }

  // Runs a scenario file and gives its executions' histories.
  static std::vector<engine::History> run(const std::string& path) {
    auto read = load_scenario(path, {});
    if (!read.has_value()) throw Error(format(read.error()));
    Histories histories;
    World world(read.value(), {});
    world.record_histories(histories);
    world.run();
    return std::move(histories.all);
  }
  std::vector<engine::History> run(const Reenactment& reenactment) {
    for (const auto& [name, text] : reenactment.files) std::ofstream(folder_ / name, std::ios::binary) << text;
    std::ofstream(folder_ / "again.yaml", std::ios::binary) << reenactment.scenario;
    return run((folder_ / "again.yaml").string());
  }

  // "scheduled 1", "started 1", "closed 1", … by number of the activity, of the activities that `counts`.
  template <class Counts>
  static std::vector<std::string> order(const std::vector<EventFacts>& events, const Counts& counts) {
    std::vector<std::string> out;
    std::vector<engine::EventId> scheduled;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const EventFacts& event = events[i];
      if (event.kind == K::activity_task_scheduled && counts(event)) {
        scheduled.push_back(static_cast<engine::EventId>(i + 1));
        out.push_back("scheduled " + std::to_string(scheduled.size()));
        continue;
      }
      const bool close = event.kind == K::activity_task_completed || event.kind == K::activity_task_failed ||
                         event.kind == K::activity_task_timed_out || event.kind == K::activity_task_canceled;
      if (!close && event.kind != K::activity_task_started) continue;
      const auto found = std::find(scheduled.begin(), scheduled.end(), event.scheduled);
      if (found == scheduled.end()) continue;
      out.push_back((close ? "closed " : "started ") + std::to_string(found - scheduled.begin() + 1));
    }
    return out;
  }
  static std::vector<std::string> recorded_order(const std::vector<EventFacts>& events) {
    return order(events, [](const EventFacts&) { return true; });
  }

  // "opened 1", "closed 1", … by number of the timer, child or Nexus operation.
  static std::vector<std::string> order_of_work(const std::vector<EventFacts>& events) {
    const RecordedWorkflow workflow = recorded_workflow(events, "");
    std::map<engine::EventId, std::string> by_event;
    for (std::size_t i = 0; i < workflow.work.size(); ++i) {
      by_event[workflow.work[i].opened_event] = "opened " + std::to_string(i + 1);
      if (workflow.work[i].closed_event != 0)
        by_event[workflow.work[i].closed_event] = "closed " + std::to_string(i + 1);
    }
    std::vector<std::string> out;
    for (const auto& [event, what] : by_event) out.push_back(what);
    return out;
  }

  /// The scenario keeps the order of the activities, or, where there is none, of all other work; and it passes.
  void expect_same_order(const std::vector<EventFacts>& recorded, const std::string& name) {
    const RecordedWorkflow workflow = recorded_workflow(recorded, name);
    const std::vector<engine::History> histories = run(reenact({&workflow, 1}, "again"));
    std::vector<std::string> own, own_work;
    for (const engine::History& history : histories) {
      const auto events = engine::event_facts(history, {});
      const auto activities = order(events, [](const EventFacts& activity) { return activity.name == "executeStep"; });
      own.insert(own.end(), activities.begin(), activities.end());
      if (std::get<engine::WorkflowExecutionStarted>(history.at(1).attributes).info->parent != nullptr) continue;
      const auto work = order_of_work(events);
      own_work.insert(own_work.end(), work.begin(), work.end());
    }
    EXPECT_EQ(own, recorded_order(recorded)) << name;
    if (workflow.activities.empty()) {
      EXPECT_EQ(own_work, order_of_work(recorded)) << name;
    }
  }

  std::filesystem::path folder_;
};

TEST_F(Reenacted, RecordedHistoriesKeepTheOrderOfTheirActivities) {
  const char* given = std::getenv("DVTSIM_SHARED_DATA");
  const std::filesystem::path data =
      std::filesystem::path(given != nullptr ? std::string(given)
                                             : std::string(DVTSIM_SOURCE_ROOT) + "/../shared/data") /
      "temporal-histories";
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << "no recorded histories at " << data << " (set DVTSIM_SHARED_DATA)";
  int histories = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    if (entry.path().extension() != ".json") continue;
    const auto events = engine::read_temporal_json(read_file(entry.path().string()));
    ASSERT_TRUE(events.has_value()) << entry.path();
    const std::string name = entry.path().filename().string();
    expect_same_order(events.value(), name);
    ++histories;
  }
  EXPECT_EQ(histories, 10);
}

// Stages of activities that end in another order than they began, some at the same instant.
TEST_F(Reenacted, WideStagesCloseInTheRecordedOrder) {
  const std::vector<std::vector<int>> stages{
      {700, 300, 500, 300, 900}, {20'000}, {400, 100, 400, 200, 50, 50, 3'000, 1, 399, 401, 200, 2}, {10, 9, 8}};
  std::vector<EventFacts> recorded;
  const auto add = [&recorded](K kind, Duration at) -> EventFacts& {
    recorded.emplace_back();
    recorded.back().kind = kind;
    recorded.back().time = UnixNanos{at.ns};
    return recorded.back();
  };
  add(K::workflow_execution_started, {}).name = "wide";
  Duration begins;
  for (const std::vector<int>& stage : stages) {
    std::vector<std::pair<int, engine::EventId>> ends;
    for (const int took : stage) {
      add(K::activity_task_scheduled, begins).name = "work";
      ends.emplace_back(took, static_cast<engine::EventId>(recorded.size()));
    }
    std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [took, scheduled] : ends) {
      add(K::activity_task_started, begins).scheduled = scheduled;
      add(K::activity_task_completed, begins + milliseconds(took)).scheduled = scheduled;
    }
    begins = begins + milliseconds(ends.back().first) + seconds(1);  // the workflow thinks
  }
  expect_same_order(recorded, "wide");
}

// The engine's own histories have control activities and parallel steps; they go through the JSON form.
TEST_F(Reenacted, OurOwnHistoriesKeepTheOrderOfTheirActivities) {
  const std::vector<engine::History> own = run(std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/hello.yaml");
  ASSERT_EQ(own.size(), 1U);
  std::string text;
  engine::append_temporal_json(text, own.front(), {UnixNanos{1'767'225'600'000'000'000}});
  const auto events = engine::read_temporal_json(text);
  ASSERT_TRUE(events.has_value());
  expect_same_order(events.value(), "hello");
}

}  // namespace
}  // namespace dvt::sim
