// Side effects and local activities: values that the worker makes inside a workflow task and the history keeps.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

Payload number(int value) {
  return make_payload<JsonPayload>(std::to_string(value));
}
std::string text(const Payload& payload) {
  return payload == nullptr ? "null" : payload_as<JsonPayload>(payload).json();
}

class LocalWork : public EngineFixture {
 protected:
  LocalActivityOptionsRef local(Duration start_to_close = minutes(5), std::uint32_t attempts = 0) {
    LocalActivityOptions made;
    made.start_to_close = start_to_close;
    made.retry.maximum_attempts = attempts;
    return std::make_shared<const LocalActivityOptions>(made);
  }
  Names event_names() { return names(closed.at(0).history); }
  std::size_t count(const char* name) {
    const Names all = event_names();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), name));
  }
  void kill_sticky_at(Duration when) {
    kernel.call_at(Instant{when.ns}, [this] { workers.kill(service.execution({0})->sticky->worker); });
  }
};

TEST_F(LocalWork, ASideEffectIsRecordedAsAMarkerAndNotRepeatedOnReplay) {
  add_workers(2);
  int calls = 0;
  std::vector<std::string> seen;
  define([&](WorkflowContext& ctx, const Payload&) {
    const Payload value = ctx.side_effect([&] { return number(++calls * 7); });
    seen.push_back(text(value));
    ctx.sleep(minutes(1));
    return value;
  });
  start();
  kill_sticky_at(seconds(30));
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(text(closed[0].result), "7");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(seen, (Names{"7", "7"}));
  const auto& marker = std::get<MarkerRecorded>(closed[0].history.at(4).attributes);
  EXPECT_EQ(marker.name.text(), "SideEffect");
  std::string json;
  marker.details->write_json(json);
  EXPECT_EQ(json, R"({"side-effect-id":1,"data":7})");
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

TEST_F(LocalWork, ASideEffectThatTheHistoryDoesNotHaveIsReportedAndNotPerformed) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  bool performed = false;
  const WorkflowFunction changed = [&](WorkflowContext& ctx, const Payload&) {
    ctx.side_effect([&] {
      performed = true;
      return Payload{};
    });
    return ctx.execute_activity(act, options(), nullptr);
  };
  WorkflowInstance instance(kernel, random, changed, {{0}, 0});
  const auto report = instance.verify(histories.at(0));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->produced, "RecordMarker 'SideEffect' 1");
  EXPECT_FALSE(performed);
}

TEST_F(LocalWork, ALocalActivityRunsInsideTheWorkflowTaskAndLeavesOneMarker) {
  add_workers(1);
  activity.delay = seconds(3);
  activity.answer = [](const ActivityInvocation&) { return ActivityAnswer{number(5), nullptr}; };
  define([&](WorkflowContext& ctx, const Payload&) {
    const Payload value = ctx.execute_local_activity(act, local(), nullptr);
    EXPECT_EQ(ctx.now(), Instant{seconds(3).ns});
    return value;
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(event_names(), (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted",
                                  "WorkflowTaskCompleted", "MarkerRecorded", "WorkflowExecutionCompleted"}));
  EXPECT_EQ(closed[0].at, Instant{seconds(3).ns});  // its time counts
  EXPECT_EQ(text(closed[0].result), "5");
  const auto& marker = std::get<MarkerRecorded>(closed[0].history.at(4).attributes);
  const auto& data = payload_as<LocalActivityMarker>(marker.details).data;
  EXPECT_EQ(marker.name.text(), "core_local_activity");
  EXPECT_EQ(data.seq, 1u);
  EXPECT_EQ(data.attempt, 1u);
  EXPECT_EQ(data.complete_time, Instant{seconds(3).ns});
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

TEST_F(LocalWork, ShortBackoffsAreWaitedForInsideTheTask) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation& i) {
    return i.attempt < 3 ? ActivityAnswer{nullptr, failure("transient_error")} : ActivityAnswer{};
  };
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_local_activity(act, local(), nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_EQ(closed[0].at, Instant{seconds(6).ns});  // 1 + 1 + 1 + 2 + 1
  EXPECT_EQ(count("MarkerRecorded"), 1u);
  EXPECT_EQ(count("TimerStarted"), 0u);
}

TEST_F(LocalWork, ALongBackoffBecomesADurableTimer) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation& i) {
    return i.attempt < 2 ? ActivityAnswer{nullptr, failure("transient_error")} : ActivityAnswer{number(1), nullptr};
  };
  auto slow = std::make_shared<LocalActivityOptions>(*local());
  slow->retry.initial_interval = minutes(10);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_local_activity(act, slow, nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(closed[0].at, Instant{(seconds(1) + minutes(10) + seconds(1)).ns});
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(count("MarkerRecorded"), 2u);
  EXPECT_EQ(count("TimerFired"), 1u);
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

TEST_F(LocalWork, AFailedLocalActivityThrowsActivityFailureAndReplaysSo) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("card_declined", true)}; };
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    try {
      return ctx.execute_local_activity(act, local(), nullptr);
    } catch (const ActivityFailure& error) {
      return make_payload<JsonPayload>(std::string("\"") + error.what() + "\"");
    }
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(text(closed[0].result), "\"card_declined\"");
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

TEST_F(LocalWork, AnAttemptThatTakesTooLongTimesOutAndIsRetried) {
  add_workers(1);
  activity.delay = seconds(4);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    const ActivityResult result = ctx.wait(ctx.start_local_activity(act, local(seconds(1), 2), nullptr));
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.failure->type.text(), "TimeoutError");
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(activity.attempts.size(), 2u);
  EXPECT_EQ(closed[0].at, Instant{seconds(3).ns});  // 1, backoff 1, 1
}

TEST_F(LocalWork, ALongLocalActivityKeepsItsTaskAliveByHeartbeats) {
  add_workers(1);
  activity.delay = seconds(20);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_local_activity(act, local(), nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(20).ns});
  EXPECT_EQ(activity.attempts.size(), 1u);
  EXPECT_EQ(count("WorkflowTaskCompleted"), 3u);  // after 8 s, 16 s and at the end
  EXPECT_TRUE(telemetry.task_failure_causes.empty());
  EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt);
}

TEST_F(LocalWork, ADyingWorkerLosesItAndAnotherRunsItAgain) {
  add_workers(2);
  activity.delay = seconds(5);
  activity.answer = [](const ActivityInvocation&) { return ActivityAnswer{number(9), nullptr}; };
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.sleep(seconds(10));
    return ctx.execute_local_activity(act, local(), nullptr);
  });
  start();
  kill_sticky_at(seconds(12));
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 1}));
  EXPECT_EQ(closed[0].at, Instant{seconds(25).ns});  // the task timed out at 20 s
  EXPECT_EQ(count("MarkerRecorded"), 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
}

TEST_F(LocalWork, OneThatEndedIsNotRunAgainAfterACrash) {
  add_workers(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.execute_local_activity(act, local(), nullptr);
    ctx.sleep(minutes(1));
    return ctx.execute_local_activity(act, local(), nullptr);
  });
  start();
  kill_sticky_at(seconds(30));
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(activity.attempts.size(), 2u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
}

TEST_F(LocalWork, ParallelOnesEndInTheirOwnOrderOnReplayToo) {
  add_workers(2);
  activity.delay = {};
  ScriptedActivity slow(kernel);
  slow.delay = seconds(2);
  const Symbol slow_type = Symbol::intern("slow");
  workers.register_activity(slow_type, slow);
  std::vector<std::string> order;
  define([&](WorkflowContext& ctx, const Payload&) {
    const auto a = ctx.start_local_activity(slow_type, local(), nullptr);
    const auto b = ctx.start_local_activity(act, local(), nullptr);
    const auto first = ctx.spawn([&ctx, &order, a] {
      ctx.wait(a);
      order.emplace_back("slow");
    });
    const auto second = ctx.spawn([&ctx, &order, b] {
      ctx.wait(b);
      order.emplace_back("quick");
    });
    ctx.join(first);
    ctx.join(second);
    ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  kill_sticky_at(seconds(30));
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(order, (Names{"quick", "slow", "quick", "slow"}));
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
}

}  // namespace
}  // namespace dvt::test
