// Histories of the engine in Temporal's JSON form, against the spec page "Temporal histories" and recorded files.
#include "engine/history/temporal_json.h"

#include "engine/base/base64.h"
#include "engine/base/json.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

class TemporalJson : public EngineFixture {
 protected:
  explicit TemporalJson(WorkerOptions worker_options = {}) : EngineFixture({}, std::move(worker_options)) {}

  // 2026-01-01T00:00:00Z
  static constexpr UnixNanos kStart{1'767'225'600'000'000'000};

  const json::Array& events(std::size_t execution = 0) {
    std::string text;
    append_temporal_json(text, histories.at(execution), {kStart});
    auto parsed = json::parse(text);
    if (!parsed.has_value()) throw Error(parsed.error().message + " in " + text);
    parsed_ = std::move(parsed.value());
    return parsed_.find("events")->as_array();
  }
  // The attributes of the first event of a type ("EVENT_TYPE_" left out).
  const json::Value& attributes(const std::string& type, std::size_t execution = 0) {
    for (const json::Value& event : events(execution)) {
      if (event.find("eventType")->as_string() != "EVENT_TYPE_" + type) continue;
      for (const json::Member& member : event.as_object())
        if (member.key.ends_with("EventAttributes")) return member.value;
    }
    throw Error("no event " + type);
  }
  std::string attribute(const std::string& type, const std::string& name, std::size_t execution = 0) {
    const json::Value* found = attributes(type, execution).find(name);
    return found == nullptr ? "absent" : json::write(*found);
  }
  // The payload's JSON text, decoded.
  static std::string decoded(const json::Value& payload) {
    return from_base64(payload.find("data")->as_string()).value();
  }

  json::Value parsed_;
};

TEST_F(TemporalJson, EventsHaveContiguousIdsUtcTimesWithNineDigitsAndTheirAttributes) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  const json::Array& all = events();
  ASSERT_EQ(all.size(), 11U);
  std::int64_t last_task = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].find("eventId")->as_string(), std::to_string(i + 1));
    const std::int64_t task = std::stoll(all[i].find("taskId")->as_string());
    EXPECT_GT(task, last_task);
    last_task = task;
  }
  EXPECT_EQ(all[0].find("eventTime")->as_string(), "2026-01-01T00:00:00.000000000Z");
  EXPECT_EQ(all[6].find("eventTime")->as_string(), "2026-01-01T00:00:01.000000000Z");
  EXPECT_EQ(all[6].find("eventType")->as_string(), "EVENT_TYPE_ACTIVITY_TASK_COMPLETED");
  EXPECT_NE(all[6].find("activityTaskCompletedEventAttributes"), nullptr);
}

TEST_F(TemporalJson, TheFirstEventSaysWhatTheWorkflowIs) {
  add_workers(1);
  define([&](WorkflowContext&, const Payload& input) { return input; });
  start(0, "test", make_payload<JsonPayload>(R"({"a":1})"));
  kernel.run();
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "workflowType"), R"({"name":"test"})");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "taskQueue"), R"({"name":"q","kind":"TASK_QUEUE_KIND_NORMAL"})");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "workflowTaskTimeout"), R"("10s")");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "attempt"), "1");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "workflowId"), R"("run-0")");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "input"),
            R"({"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"eyJhIjoxfQ=="}]})");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_COMPLETED", "result"), attribute("WORKFLOW_EXECUTION_STARTED", "input"));
}

TEST_F(TemporalJson, AVoidResultIsLeftOutAndNullHasItsOwnEncoding) {
  add_workers(1);
  activity.answer = [](const ActivityInvocation&) {
    return ActivityAnswer{make_payload<JsonPayload>("null"), nullptr};
  };
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.execute_activity(act, options(), nullptr);
    return Payload{};
  });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "input"), "absent");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_COMPLETED", "result"), "absent");
  EXPECT_EQ(attribute("ACTIVITY_TASK_COMPLETED", "result"),
            R"({"payloads":[{"metadata":{"encoding":"YmluYXJ5L251bGw="}}]})");
}

TEST_F(TemporalJson, OnlyTheFirstCompletedTaskTellsTheSdksFlags) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  std::vector<std::string> flags;
  for (const json::Value& event : events())
    if (const json::Value* completed = event.find("workflowTaskCompletedEventAttributes"))
      flags.push_back(json::write(*completed->find("sdkMetadata")));
  EXPECT_EQ(flags, (std::vector<std::string>{R"({"coreUsedFlags":[1,2,3],"langUsedFlags":[1,2]})", "{}"}));
}

TEST_F(TemporalJson, AnActivitySaysItsTimeoutsAndItsRetryPolicy) {
  add_workers(1);
  auto o = std::make_shared<ActivityOptions>(*options(minutes(30), 4));
  o->heartbeat = milliseconds(2500);
  o->retry.coefficient_milli = 1500;
  o->retry.non_retryable = {Symbol::intern("PermanentStepError")};
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, o, nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "activityId"), R"("1")");
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "startToCloseTimeout"), R"("1800s")");
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "heartbeatTimeout"), R"("2.5s")");
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "scheduleToCloseTimeout"), R"("0s")");
  EXPECT_EQ(attribute("ACTIVITY_TASK_SCHEDULED", "retryPolicy"),
            R"({"initialInterval":"1s","backoffCoefficient":1.5,"maximumInterval":"60s","maximumAttempts":4,)"
            R"("nonRetryableErrorTypes":["PermanentStepError"]})");
}

TEST_F(TemporalJson, AFailedActivityAndItsWorkflowTellTheFailureAsTemporalNestsIt) {
  add_workers(1);
  activity.answer = [](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("transient_error")}; };
  define([&](WorkflowContext& ctx, const Payload&) {
    return ctx.execute_activity(act, options(minutes(30), 2), nullptr);
  });
  start();
  kernel.run();
  const std::string cause =
      R"({"message":"transient_error","source":"dvtsim","applicationFailureInfo":{"type":"transient_error"}})";
  EXPECT_EQ(attribute("ACTIVITY_TASK_STARTED", "attempt"), "2");
  EXPECT_EQ(attribute("ACTIVITY_TASK_STARTED", "lastFailure"), cause);
  EXPECT_EQ(attribute("ACTIVITY_TASK_FAILED", "failure"), cause);
  EXPECT_EQ(attribute("ACTIVITY_TASK_FAILED", "retryState"), R"("RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED")");
  EXPECT_EQ(
      attribute("WORKFLOW_EXECUTION_FAILED", "failure"),
      R"({"message":"Activity task failed","source":"dvtsim","cause":)" + cause +
          R"(,"activityFailureInfo":{"scheduledEventId":"5","startedEventId":"6","identity":"worker-0@dvtsim",)"
          R"("activityType":{"name":"act"},"activityId":"1","retryState":"RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED"}})");
}

TEST_F(TemporalJson, ANonRetryableFailureSaysSo) {
  add_workers(1);
  activity.answer = [](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("broken", true)}; };
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_FAILED", "retryState"), R"("RETRY_STATE_NON_RETRYABLE_FAILURE")");
  EXPECT_EQ(json::write(*attributes("ACTIVITY_TASK_FAILED").find("failure")->find("applicationFailureInfo")),
            R"({"type":"broken","nonRetryable":true})");
}

TEST_F(TemporalJson, ATimedOutActivityFailsItsWorkflowWithTheTimeout) {
  add_workers(1);
  activity.delay = minutes(10);
  define(
      [&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(seconds(5), 1), nullptr); });
  start();
  kernel.run();
  const std::string timeout = R"({"message":"activity StartToClose timeout","source":"Server",)"
                              R"("timeoutFailureInfo":{"timeoutType":"TIMEOUT_TYPE_START_TO_CLOSE"}})";
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "failure"), timeout);
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "retryState"), R"("RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED")");
  EXPECT_EQ(json::write(*attributes("WORKFLOW_EXECUTION_FAILED").find("failure")->find("cause")), timeout);
}

TEST_F(TemporalJson, AnAttemptThatLeavesNoTimeForAnotherEndsInScheduleToCloseWithRetryStateTimeout) {
  add_workers(1);
  activity.delay = minutes(10);
  auto expiring = std::make_shared<ActivityOptions>(*options(seconds(8), 3));
  expiring->schedule_to_close = seconds(10);
  expiring->retry.initial_interval = seconds(5);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, expiring, nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "retryState"), R"("RETRY_STATE_TIMEOUT")");
  EXPECT_EQ(json::write(*attributes("ACTIVITY_TASK_TIMED_OUT").find("failure")->find("timeoutFailureInfo")),
            R"({"timeoutType":"TIMEOUT_TYPE_SCHEDULE_TO_CLOSE"})");
  const json::Value& failed = *attributes("WORKFLOW_EXECUTION_FAILED").find("failure")->find("activityFailureInfo");
  EXPECT_EQ(json::write(*failed.find("retryState")), R"("RETRY_STATE_TIMEOUT")");
}

TEST_F(TemporalJson, AScheduleToCloseThatStrikesIsNotRetryable) {
  add_workers(1);
  activity.delay = minutes(10);
  auto expiring = std::make_shared<ActivityOptions>(*options(minutes(1), 3));
  expiring->schedule_to_close = seconds(10);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, expiring, nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "retryState"), R"("RETRY_STATE_NON_RETRYABLE_FAILURE")");
}

TEST_F(TemporalJson, AnActivityThatNeverStartedLeavesItsStartedEventOut) {
  add_workers(1, 1);
  activity.delay = minutes(1);
  auto waiting = std::make_shared<ActivityOptions>(*options());
  waiting->schedule_to_start = seconds(30);
  define([&](WorkflowContext& ctx, const Payload&) {
    const auto first = ctx.start_activity(act, options(), nullptr);  // takes the only slot
    ctx.wait(ctx.start_activity(act, waiting, nullptr));
    ctx.wait(first);
    return Payload{};
  });
  start();
  kernel.run();
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "scheduledEventId"), R"("6")");
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "startedEventId"), "absent");
  EXPECT_EQ(attribute("ACTIVITY_TASK_TIMED_OUT", "retryState"), R"("RETRY_STATE_NON_RETRYABLE_FAILURE")");
}

TEST_F(TemporalJson, SignalsTimersAndCancelRequestsKeepTheirReferences) {
  add_workers(1);
  bool go = false;
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("go"), [&](const Payload&) { go = true; });
    ctx.await([&] { return go; }, minutes(1));
    ctx.sleep(milliseconds(1500));
    ctx.start_activity(act, options(), nullptr);
    ctx.await([] { return false; });
    return Payload{};
  });
  start();
  activity.delay = minutes(5);
  kernel.call_at(Instant{seconds(10).ns},
                 [&] { service.signal_workflow({0}, Symbol::intern("go"), make_payload<JsonPayload>("7"), 1); });
  kernel.call_at(Instant{seconds(20).ns}, [&] { service.request_cancel({0}); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_SIGNALED", "signalName"), R"("go")");
  EXPECT_EQ(decoded(attributes("WORKFLOW_EXECUTION_SIGNALED").find("input")->find("payloads")->as_array()[0]), "7");
  EXPECT_EQ(attribute("TIMER_STARTED", "startToFireTimeout"), R"("60s")");
  EXPECT_EQ(attribute("TIMER_CANCELED", "startedEventId"), R"("5")");
  EXPECT_EQ(attribute("TIMER_FIRED", "timerId"), R"("2")");
  const std::string scheduled = attribute("ACTIVITY_TASK_CANCEL_REQUESTED", "scheduledEventId");
  EXPECT_EQ(events().at(std::stoul(scheduled.substr(1)) - 1).find("eventType")->as_string(),
            "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED");
  EXPECT_EQ(events().back().find("eventType")->as_string(), "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED");
}

TEST_F(TemporalJson, AChangeOfCodeIsMarkedAsTheTypeScriptSdkMarksIt) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) {
    EXPECT_TRUE(ctx.patched(Symbol::intern("new-order")));
    return Payload{};
  });
  start();
  kernel.run();
  EXPECT_EQ(attribute("MARKER_RECORDED", "markerName"), R"("core_patch")");
  const json::Value* data = attributes("MARKER_RECORDED").find("details")->find("patch-data");
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(decoded(data->find("payloads")->as_array()[0]), R"({"id":"new-order","deprecated":false})");
}

TEST_F(TemporalJson, AChangeOfCodeIsASearchAttributeToo) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) {
    EXPECT_TRUE(ctx.patched(Symbol::intern("new-order")));
    return Payload{};
  });
  start();
  kernel.run();
  const json::Value* fields = attributes("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES").find("searchAttributes");
  ASSERT_NE(fields, nullptr);
  EXPECT_EQ(decoded(*fields->find("indexedFields")->find("TemporalChangeVersion")), R"(["new-order"])");
}

TEST_F(TemporalJson, AParentAndItsChildNameEachOther) {
  add_workers(1);
  define([](WorkflowContext&, const Payload& input) { return input; }, "child");
  define([&](WorkflowContext& ctx, const Payload&) {
    ChildOptions options;
    options.workflow_id = "c";
    return ctx.execute_child(Symbol::intern("child"), options, make_payload<JsonPayload>("5"));
  });
  start();
  kernel.run();
  ASSERT_EQ(histories.size(), 2U);  // the child's first
  const std::string child = attribute("CHILD_WORKFLOW_EXECUTION_STARTED", "workflowExecution", 1);
  EXPECT_EQ(attribute("CHILD_WORKFLOW_EXECUTION_COMPLETED", "workflowExecution", 1), child);
  EXPECT_EQ(child, R"({"workflowId":"c","runId":)" +
                       attribute("WORKFLOW_EXECUTION_STARTED", "originalExecutionRunId", 0) + "}");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "parentInitiatedEventId", 0),
            attribute("CHILD_WORKFLOW_EXECUTION_COMPLETED", "initiatedEventId", 1));
  EXPECT_EQ(attribute("CHILD_WORKFLOW_EXECUTION_COMPLETED", "startedEventId", 1), R"("6")");
  EXPECT_EQ(attribute("START_CHILD_WORKFLOW_EXECUTION_INITIATED", "parentClosePolicy", 1),
            R"("PARENT_CLOSE_POLICY_TERMINATE")");
  EXPECT_EQ(attribute("START_CHILD_WORKFLOW_EXECUTION_INITIATED", "input", 1),
            attribute("CHILD_WORKFLOW_EXECUTION_COMPLETED", "result", 1));
}

TEST_F(TemporalJson, AnUpdateIsAcceptedWithItsRequestAndCompletedWithItsOutcome) {
  add_workers(1);
  const Symbol add = Symbol::intern("add");
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.on_update(add, [](const Payload& input) { return input; });
    ctx.sleep(seconds(5));
    return {};
  });
  start();
  kernel.call_at(Instant{seconds(1).ns}, [&] {
    service.update_workflow({0}, {"u", add, make_payload<JsonPayload>("7")}, UpdateWait::completed,
                            [](const UpdateOutcome&) {});
  });
  kernel.run();
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "protocolInstanceId"), R"("u")");
  const json::Value* request = attributes("WORKFLOW_EXECUTION_UPDATE_ACCEPTED").find("acceptedRequest");
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->find("input")->find("name")->as_string(), "add");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_UPDATE_COMPLETED", "acceptedEventId"), R"("9")");
  EXPECT_EQ(decoded(attributes("WORKFLOW_EXECUTION_UPDATE_COMPLETED")
                        .find("outcome")
                        ->find("success")
                        ->find("payloads")
                        ->as_array()[0]),
            "7");
}

TEST_F(TemporalJson, ALocalActivitysMarkerHasAbsoluteTimesAndItsFailureApart) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("broken", true)}; };
  LocalActivityOptions local;
  local.start_to_close = minutes(1);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.wait(ctx.start_local_activity(act, std::make_shared<const LocalActivityOptions>(local), nullptr));
    return {};
  });
  start();
  kernel.run();
  const json::Value* details = attributes("MARKER_RECORDED").find("details");
  EXPECT_EQ(decoded(details->find("data")->find("payloads")->as_array()[0]),
            R"({"seq":1,"attempt":1,"activity_id":"1","activity_type":"act","complete_time":{"seconds":1767225601,)"
            R"("nanos":0},"backoff":null,"original_schedule_time":{"seconds":1767225600,"nanos":0}})");
  EXPECT_EQ(details->find("result"), nullptr);
  EXPECT_NE(attribute("MARKER_RECORDED", "failure").find("broken"), std::string::npos);
}

TEST_F(TemporalJson, TheExecutionsOfAChainNameEachOther) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    if (input == nullptr) ctx.continue_as_new(make_payload<JsonPayload>("1"));
    return input;
  });
  start();
  kernel.run();
  ASSERT_EQ(histories.size(), 2U);
  const std::string next = attribute("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", "newExecutionRunId", 0);
  const std::string first = attribute("WORKFLOW_EXECUTION_STARTED", "originalExecutionRunId", 0);
  EXPECT_NE(next, first);
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "continuedExecutionRunId", 0), "absent");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "originalExecutionRunId", 1), next);
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "continuedExecutionRunId", 1), first);
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_STARTED", "firstExecutionRunId", 1), first);
}

TEST_F(TemporalJson, StickyQueuesNameTheirWorkerAndTheNormalQueue) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(json::write(*events().at(7).find("workflowTaskScheduledEventAttributes")->find("taskQueue")),
            R"({"name":"worker-0@dvtsim:sticky","kind":"TASK_QUEUE_KIND_STICKY","normalName":"q"})");
}

class SlowTasksJson : public TemporalJson {
 protected:
  SlowTasksJson() : TemporalJson({Distribution::constant({}), Distribution::constant(seconds(1))}) {}
};

TEST_F(SlowTasksJson, FailedTasksAndTerminationsGiveTheirCauses) {
  add_workers(1);
  define([&](WorkflowContext&, const Payload&) { return Payload{}; });
  start();
  kernel.call_at(Instant{milliseconds(500).ns}, [&] { service.terminate({0}, failure("TERMINATED_BY_OPERATOR")); });
  kernel.run();
  EXPECT_EQ(attribute("WORKFLOW_TASK_FAILED", "cause"), R"("WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND")");
  EXPECT_EQ(attribute("WORKFLOW_TASK_FAILED", "startedEventId"), R"("3")");
  EXPECT_EQ(attribute("WORKFLOW_EXECUTION_TERMINATED", "reason"), R"("TERMINATED_BY_OPERATOR")");
}

}  // namespace
}  // namespace dvt::test
