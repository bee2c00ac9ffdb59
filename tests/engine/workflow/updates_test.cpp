// Updates: validated, accepted into the history, handled by code that may wait. And search attributes.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

const Symbol kAdd = Symbol::intern("add");

Payload number(int value) {
  return make_payload<JsonPayload>(std::to_string(value));
}
int value_of(const Payload& payload) {
  return std::stoi(payload_as<JsonPayload>(payload).json());
}

class Updates : public EngineFixture {
 protected:
  explicit Updates(WorkerOptions options = {}) : EngineFixture({}, std::move(options)) {}

  /// Adds numbers up; takes only positive ones, and each addition waits for an activity.
  void define_adder(Duration life) {
    define([this, life](WorkflowContext& ctx, const Payload&) {
      int sum = 0;
      ctx.on_update(
          kAdd,
          [&](const Payload& input) {
            ctx.execute_activity(act, options(seconds(40)), nullptr);
            sum += value_of(input);
            return number(sum);
          },
          [](const Payload& input) {
            if (value_of(input) <= 0) throw std::invalid_argument("only positive numbers");
          });
      ctx.sleep(life);
      return number(sum);
    });
  }
  void update_at(Duration when, const char* id, int value, UpdateWait wait = UpdateWait::completed) {
    kernel.call_at(Instant{when.ns}, [this, id, value, wait] {
      const bool open = service.update_workflow({0}, {id, kAdd, number(value)}, wait, [this, id](const auto& outcome) {
        outcomes.emplace_back(id, outcome);
        told_at.push_back(kernel.now());
      });
      if (!open) not_open.emplace_back(id);
    });
  }
  Names only(std::string_view part) {
    Names out;
    for (const std::string& name : names(closed.at(0).history))
      if (name.find(part) != std::string::npos) out.push_back(name);
    return out;
  }
  void replays() { EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt); }

  std::vector<std::pair<std::string, UpdateOutcome>> outcomes;
  std::vector<Instant> told_at;
  Names not_open;
};

TEST_F(Updates, AnUpdateIsAcceptedHandledAndCompletedInTheHistory) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "u1", 5);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::completed);
  EXPECT_EQ(value_of(outcomes[0].second.result), 5);
  EXPECT_EQ(told_at[0], Instant{seconds(11).ns});  // its handler waited for an activity of one second
  ASSERT_EQ(closed.size(), 1u);
  const Names all = names(closed[0].history);
  EXPECT_EQ(Names(all.begin() + 5, all.begin() + 10),
            (Names{"WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
                   "WorkflowExecutionUpdateAccepted", "ActivityTaskScheduled"}));
  const auto& accepted = std::get<WorkflowExecutionUpdateAccepted>(closed[0].history.at(8).attributes);
  EXPECT_EQ(accepted.request->id, "u1");
  EXPECT_EQ(accepted.sequencing, 6u);  // the event before its task was started
  ASSERT_EQ(only("UpdateCompleted").size(), 1u);
  for (const HistoryEvent& event : closed[0].history) {
    const auto* completed = std::get_if<WorkflowExecutionUpdateCompleted>(&event.attributes);
    if (completed != nullptr) {
      EXPECT_EQ(completed->accepted, 9u);
    }
  }
  EXPECT_EQ(value_of(closed[0].result), 5);
  replays();
}

TEST_F(Updates, ARefusedUpdateLeavesNoTraceAndCostsNoReplay) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "bad", -1);
  update_at(seconds(20), "good", 2);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::rejected);
  EXPECT_EQ(outcomes[0].second.failure->message, "only positive numbers");
  EXPECT_EQ(outcomes[1].second.stage, UpdateStage::completed);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(only("UpdateAccepted").size(), 1u);
  EXPECT_EQ(only("WorkflowTaskStarted").size(), 4u);  // the first, the good update's, its activity's, the timer's
  EXPECT_EQ(telemetry.replayed_tasks, 0u);
  replays();
}

TEST_F(Updates, AnUpdateWithoutAHandlerIsRejected) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.sleep(minutes(1));
    return {};
  });
  start();
  update_at(seconds(10), "u", 1);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::rejected);
  EXPECT_NE(outcomes[0].second.failure->message.find("no handler"), std::string::npos);
}

TEST_F(Updates, AnUpdateThatComesWithTheFirstTaskWaitsForItsHandler) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at({}, "early", 3);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::completed);
  replays();
}

TEST_F(Updates, OneMayWaitForTheAcceptanceAlone) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "u", 5, UpdateWait::accepted);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::accepted);
  EXPECT_EQ(told_at[0], Instant{seconds(10).ns});
}

TEST_F(Updates, TheSameIdIsHandledOnce) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "u", 5);
  update_at(milliseconds(10'500), "u", 5);
  update_at(seconds(20), "u", 5);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 3u);
  for (const auto& [id, outcome] : outcomes) EXPECT_EQ(value_of(outcome.result), 5);
  EXPECT_EQ(value_of(closed.at(0).result), 5);
}

TEST_F(Updates, AHandlerInTheMiddleOfItsWorkIsRebuiltAfterACrash) {
  add_workers(2);
  activity.delay = seconds(30);
  define_adder(minutes(5));
  start();
  update_at(seconds(10), "a", 1);
  update_at(seconds(20), "b", 2);
  kernel.call_at(Instant{seconds(25).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(value_of(outcomes[0].second.result), 1);
  EXPECT_EQ(value_of(outcomes[1].second.result), 3);
  EXPECT_GE(telemetry.replayed_tasks, 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  EXPECT_EQ(value_of(closed.at(0).result), 3);
  replays();
}

TEST_F(Updates, AFailingHandlerFailsItsUpdateAndNotTheWorkflow) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("broken", true)}; };
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "u", 5);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::completed);
  ASSERT_NE(outcomes[0].second.failure, nullptr);
  EXPECT_EQ(outcomes[0].second.failure->type.text(), "broken");
  EXPECT_EQ(closed.at(0).status, CloseStatus::completed);
  replays();
}

TEST_F(Updates, WhoeverWaitsWhenTheWorkflowClosesIsTold) {
  add_workers(1);
  activity.delay = minutes(10);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "accepted", 5);
  update_at(minutes(2), "late", 5);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::aborted);
  EXPECT_EQ(told_at[0], Instant{minutes(1).ns});
  EXPECT_EQ(not_open, (Names{"late"}));
}

// Workflow tasks that take two seconds, so that things happen while one is under way.
class UpdatesOfABusyWorkflow : public Updates {
 protected:
  UpdatesOfABusyWorkflow() : Updates({Distribution::constant({}), Distribution::constant(seconds(2))}) {}
};

TEST_F(UpdatesOfABusyWorkflow, ASignalDuringASpeculativeTaskPutsTheTaskIntoTheHistoryFirst) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "bad", -1);
  kernel.call_at(Instant{seconds(11).ns}, [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  update_at(seconds(30), "good", 4);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::rejected);
  EXPECT_EQ(outcomes[1].second.stage, UpdateStage::completed);
  const Names all = names(closed.at(0).history);
  EXPECT_EQ(Names(all.begin() + 5, all.begin() + 9), (Names{"WorkflowTaskScheduled", "WorkflowTaskStarted",
                                                            "WorkflowTaskCompleted", "WorkflowExecutionSignaled"}));
  EXPECT_EQ(closed.at(0).history.at(5).time, Instant{seconds(10).ns});
  EXPECT_EQ(telemetry.replayed_tasks, 0u);
  replays();
}

TEST_F(UpdatesOfABusyWorkflow, AnUpdateThatComesDuringATaskGoesWithTheNext) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "a", 1);
  update_at(seconds(11), "b", 2);
  kernel.run();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(only("UpdateAccepted").size(), 2u);
  EXPECT_EQ(value_of(closed.at(0).result), 3);
  replays();
}

TEST_F(UpdatesOfABusyWorkflow, ASpeculativeTaskInTheHandsOfADyingWorkerIsRecordedAndRepeated) {
  add_workers(2);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "a", 1);
  kernel.call_at(Instant{seconds(11).ns}, [&] { workers.kill(service.execution({0})->task.worker.worker); });
  kernel.run();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].second.stage, UpdateStage::completed);
  EXPECT_EQ(only("WorkflowTaskTimedOut").size(), 1u);
  EXPECT_EQ(closed.at(0).status, CloseStatus::completed);
  replays();
}

TEST_F(Updates, CodeThatHandlesAnotherUpdateThanTheHistoryIsReported) {
  add_workers(1);
  define_adder(minutes(1));
  start();
  update_at(seconds(10), "u1", 5);
  kernel.run();
  const WorkflowFunction deaf = [&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.sleep(minutes(1));
    return {};
  };
  WorkflowInstance instance(kernel, random, deaf, {{0}, 0});
  const auto report = instance.verify(histories.at(0));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->expected, "WorkflowExecutionUpdateAccepted 'u1'");
}

TEST_F(Updates, SearchAttributesAreUpsertedAndKeptByTheServer) {
  add_workers(1);
  const Symbol stage = Symbol::intern("stage"), count = Symbol::intern("count");
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.upsert_search_attributes({{stage, "\"loading\""}, {count, "3"}});
    ctx.sleep(minutes(1));
    ctx.upsert_search_attributes({{stage, "\"done\""}});
    ctx.sleep(minutes(1));
    return {};
  });
  start();
  const auto at = [&](Duration when, SearchAttributes expected) {
    kernel.call_at(Instant{when.ns}, [&, expected] { EXPECT_EQ(service.execution({0})->search_attributes, expected); });
  };
  at(seconds(30), {{stage, "\"loading\""}, {count, "3"}});
  at(seconds(90), {{stage, "\"done\""}, {count, "3"}});
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(only("UpsertWorkflowSearchAttributes").size(), 2u);
  replays();
  const WorkflowFunction changed = [&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.upsert_search_attributes({{count, "3"}});
    return {};
  };
  WorkflowInstance instance(kernel, random, changed, {{0}, 0});
  EXPECT_EQ(instance.verify(histories.at(0))->produced, "UpsertWorkflowSearchAttributes count");
}

}  // namespace
}  // namespace dvt::test
