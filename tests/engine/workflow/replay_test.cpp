// Replay: executions rebuilt from their histories on other workers.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

class Replay : public EngineFixture {
 protected:
  WorkflowFunction three_steps() {
    return [this](WorkflowContext& ctx, const Payload&) {
      for (int i = 0; i < 3; ++i) ctx.execute_activity(act, options(), nullptr);
      return Payload{};
    };
  }
};

TEST_F(Replay, ADeadWorkersExecutionIsRebuiltFromItsHistoryOnAnother) {
  add_workers(2);
  activity.delay = minutes(1);
  define(three_steps());
  start();
  kernel.call_at(Instant{seconds(90).ns}, [&] {
    ASSERT_NE(service.execution({0}), nullptr);
    const std::uint32_t sticky = service.execution({0})->sticky->worker;
    ASSERT_EQ(workers.cached(sticky), 1u);
    workers.kill(sticky);
    EXPECT_EQ(workers.cached(sticky), 0u);
  });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_GE(telemetry.replayed_tasks, 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
}

TEST_F(Replay, AStickyTaskWaitsTenSecondsAndThenGoesToTheCommonQueue) {
  add_workers(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(70).ns});
  EXPECT_EQ(telemetry.task_failure_causes, (std::vector<std::string>{"SCHEDULE_TO_START"}));
  EXPECT_EQ(telemetry.replayed_tasks, 1u);
}

TEST_F(Replay, ATaskInTheHandsOfADyingWorkerTimesOutAndRunsElsewhere) {
  add_workers(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  // The timer fires at 60 s; the worker dies at the same instant, after its task was started.
  kernel.call_at(Instant{seconds(60).ns}, [&] {
    kernel.post([&] {
      const Execution* execution = service.execution({0});
      if (execution != nullptr) workers.kill(execution->sticky->worker);
    });
  });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
}

TEST_F(Replay, AnEvictedExecutionIsReplayedOnItsNextTask) {
  add_workers(1, 10, 1);  // a cache of one execution
  activity.delay = seconds(10);
  define(three_steps());
  start(0);
  kernel.call_at(Instant{seconds(5).ns}, [&] { start(1); });
  kernel.run();
  EXPECT_EQ(closed.size(), 2u);
  EXPECT_GE(telemetry.replayed_tasks, 2u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
}

TEST_F(Replay, AClosedHistoryReplaysToTheSameCommands) {
  add_workers(1);
  define(three_steps());
  start();
  kernel.run();
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

// As the server writes it when cancel request and completion arrive between two workflow tasks. Temporal's SDKs send no
// cancel command for the completed activity, so neither may dvtsim.
TEST_F(Replay, ACancelRequestLeavesAloneAnActivityWhoseCloseCameInTheSameBatch) {
  ExecutionInfo info;
  info.workflow_type = Symbol::intern("test");
  const auto shared_info = std::make_shared<const ExecutionInfo>(std::move(info));
  History history;
  const auto task = [&] {
    const EventId scheduled = history.append({}, WorkflowTaskScheduled{});
    const EventId started = history.append({}, WorkflowTaskStarted{scheduled});
    return history.append({}, WorkflowTaskCompleted{scheduled, started});
  };
  history.append({}, WorkflowExecutionStarted{shared_info, nullptr});
  const EventId first = task();
  const EventId scheduled = history.append({}, ActivityTaskScheduled{1, first, act, nullptr, options()});
  history.append({}, WorkflowExecutionCancelRequested{});
  const EventId started = history.append({}, ActivityTaskStarted{scheduled, 1, 0, nullptr});
  history.append({}, ActivityTaskCompleted{scheduled, started, 0, nullptr});
  history.append({}, WorkflowExecutionCanceled{task()});

  const WorkflowFunction code = three_steps();
  WorkflowInstance instance(kernel, random, code, {{0}, 0});
  const auto report = instance.verify(history);
  EXPECT_FALSE(report.has_value()) << report->text();
}

TEST_F(Replay, TimeAndRandomnessAreTheSameOnReplay) {
  add_workers(2);
  std::vector<std::pair<Instant, std::uint64_t>> seen;
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.sleep(minutes(1));
    const std::uint64_t number = ctx.random();
    seen.emplace_back(ctx.now(), number);
    ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(90).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], seen[1]);
}

TEST_F(Replay, DestructorsOfKilledWorkflowCodeCommandNothing) {
  add_workers(2);
  activity.delay = minutes(1);
  struct Compensation {
    WorkflowContext& ctx;
    Symbol type;
    ActivityOptionsRef options;
    bool* ran;
    ~Compensation() { *ran = true; }
  };
  bool ran = false;
  define([&](WorkflowContext& ctx, const Payload&) {
    Compensation guard{ctx, act, options(), &ran};
    ctx.execute_activity(act, options(), nullptr);
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] {
    workers.kill(service.execution({0})->sticky->worker);
    EXPECT_TRUE(ran);
  });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
}

TEST_F(Replay, AQueryIsAnsweredFromTheCacheAndAfterACrashByReplay) {
  add_workers(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    int steps = 0;
    ctx.on_query(Symbol::intern("steps"),
                 [&steps]() -> Payload { return make_payload<JsonPayload>(std::to_string(steps)); });
    for (; steps < 3; ++steps) ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  const auto ask = [&] { return payload_as<JsonPayload>(service.query_workflow({0}, Symbol::intern("steps"))).json(); };
  kernel.call_at(Instant{seconds(90).ns}, [&] {
    EXPECT_EQ(ask(), "1");
    workers.kill(service.execution({0})->sticky->worker);
  });
  kernel.call_at(Instant{seconds(95).ns}, [&] { EXPECT_EQ(ask(), "1"); });
  kernel.run();
  EXPECT_EQ(closed.size(), 1u);
}

}  // namespace
}  // namespace dvt::test
