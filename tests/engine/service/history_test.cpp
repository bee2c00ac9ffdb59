// The histories that the service writes, against the rules of the spec page "Temporal histories".
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

class Histories : public EngineFixture {};

TEST_F(Histories, OneActivityWritesTheEventsOfTemporalInOrder) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(names(closed[0].history),
            (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
                   "ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted", "WorkflowTaskScheduled",
                   "WorkflowTaskStarted", "WorkflowTaskCompleted", "WorkflowExecutionCompleted"}));
}

TEST_F(Histories, ARetriedActivityWritesOneStartedEventWithTheLastAttemptAndItsRealStartTime) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation& i) {
    return i.attempt < 3 ? ActivityAnswer{nullptr, failure("transient_error")} : ActivityAnswer{};
  };
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  std::size_t started = 0;
  for (const HistoryEvent& event : closed[0].history) {
    const auto* s = std::get_if<ActivityTaskStarted>(&event.attributes);
    if (s == nullptr) continue;
    ++started;
    EXPECT_EQ(s->attempt, 3u);
    ASSERT_NE(s->last_failure, nullptr);
    EXPECT_EQ(s->last_failure->type.text(), "transient_error");
    // attempts: 0 s, fails at 1 s, + 1 s; 2 s, fails at 3 s, + 2 s; 5 s
    EXPECT_EQ(event.time, Instant{seconds(5).ns});
  }
  EXPECT_EQ(started, 1u);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2, 3}));
}

TEST_F(Histories, ANonRetryableErrorTypeFailsTheActivityAtOnce) {
  add_workers(1);
  auto o = std::make_shared<ActivityOptions>(*options());
  o->retry.non_retryable = {Symbol::intern("PermanentStepError")};
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("PermanentStepError")}; };
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, o, nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::failed);
  EXPECT_EQ(activity.attempts.size(), 1u);
}

TEST_F(Histories, RetriesStopAtTheMaximumNumberOfAttempts) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("transient_error")}; };
  define([&](WorkflowContext& ctx, const Payload&) {
    return ctx.execute_activity(act, options(minutes(30), 4), nullptr);
  });
  start();
  kernel.run();
  EXPECT_EQ(activity.attempts.size(), 4u);
  // delays 1, 2, 4 s between four attempts of 1 s
  EXPECT_EQ(closed.at(0).at, Instant{seconds(11).ns});
}

TEST_F(Histories, NextRetryDelayOverridesThePolicy) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation& i) {
    if (i.attempt == 2) return ActivityAnswer{};
    auto f = std::make_shared<Failure>();
    f->type = Symbol::intern("transient_error");
    f->next_retry_delay = seconds(40);
    return ActivityAnswer{nullptr, f};
  };
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, options(), nullptr); });
  start();
  kernel.run();
  EXPECT_EQ(closed.at(0).at, Instant{seconds(42).ns});
}

TEST_F(Histories, StartToCloseTimeoutsAreRetriedAndScheduleToStartOnesAreNot) {
  add_workers(1);
  activity.delay = minutes(10);
  define([&](WorkflowContext& ctx, const Payload&) {
    const auto handle = ctx.start_activity(act, options(seconds(5), 2), nullptr);
    const ActivityResult result = ctx.wait(handle);
    EXPECT_FALSE(result.ok);
    return Payload{};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(activity.attempts.size(), 2u);
  // 5 s, backoff 1 s, 5 s
  EXPECT_EQ(closed[0].at, Instant{seconds(11).ns});
}

TEST_F(Histories, ScheduleToStartTimesOutWithoutAStartedEvent) {
  add_workers(1, 1);
  activity.delay = minutes(10);
  auto waiting = std::make_shared<ActivityOptions>(*options());
  waiting->schedule_to_start = seconds(30);
  define([&](WorkflowContext& ctx, const Payload&) {
    const auto first = ctx.start_activity(act, options(), nullptr);  // takes the only slot
    const auto second = ctx.start_activity(act, waiting, nullptr);
    const ActivityResult result = ctx.wait(second);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(ctx.now(), Instant{seconds(30).ns});
    ctx.wait(first);
    return Payload{};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  std::size_t started = 0, timed_out = 0;
  for (const HistoryEvent& event : closed[0].history) {
    if (std::holds_alternative<ActivityTaskStarted>(event.attributes)) ++started;
    if (const auto* t = std::get_if<ActivityTaskTimedOut>(&event.attributes)) {
      ++timed_out;
      EXPECT_EQ(t->type, TimeoutType::schedule_to_start);
      EXPECT_EQ(t->started, 0u);
    }
  }
  EXPECT_EQ(started, 1u);
  EXPECT_EQ(timed_out, 1u);
}

TEST_F(Histories, ScheduleToCloseCoversAllAttemptsAndStopsRetries) {
  add_workers(1);
  activity.answer = [&](const ActivityInvocation&) { return ActivityAnswer{nullptr, failure("transient_error")}; };
  auto o = std::make_shared<ActivityOptions>(*options(minutes(1), 0));
  o->schedule_to_close = seconds(10);
  define([&](WorkflowContext& ctx, const Payload&) {
    EXPECT_FALSE(ctx.wait(ctx.start_activity(act, o, nullptr)).ok);
    return Payload{};
  });
  start();
  kernel.run();
  // attempts end at 1, 3, 6 s; the next would begin at 10 s, which is not past the expiry, but cannot end in time
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_LE(closed[0].at, Instant{seconds(10).ns});
  EXPECT_GE(activity.attempts.size(), 3u);
}

TEST_F(Histories, AHeartbeatKeepsAnActivityAliveAndItsAbsenceOnADeadWorkerTimesItOut) {
  add_workers(2, 10);
  activity.delay = seconds(90);
  auto o = std::make_shared<ActivityOptions>(*options());
  o->heartbeat = seconds(20);
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_activity(act, o, nullptr); });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] { workers.kill(0); });  // worker 0 took the first poll
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  // last heartbeat at 30 s at the latest, so the timeout is at 50 s at the latest, and the second attempt takes 90 s
  // more
  EXPECT_LE(closed[0].at, Instant{seconds(143).ns});
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2}));
}

// Workflow tasks take a second here, so that events arrive while one is started.
class SlowTasks : public EngineFixture {
 protected:
  SlowTasks() : EngineFixture({}, {Distribution::constant({}), Distribution::constant(seconds(1))}) {}
};

TEST_F(SlowTasks, EventsThatArriveDuringATaskAreBufferedAndActivityClosesGoLast) {
  add_workers(1);
  activity.delay = milliseconds(500);
  bool heard = false;
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("s"), [&](const Payload&) { heard = true; });
    const auto a = ctx.start_activity(act, options(), nullptr);
    const auto timer_then = ctx.start_activity(act, options(), nullptr);
    ctx.wait(a);
    ctx.wait(timer_then);
    return Payload{};
  });
  start();
  // First task 0 to 1 s. The activities end at 1.5 s and the second task starts; a signal comes at 1.6 s, buffered.
  kernel.call_at(Instant{milliseconds(1200).ns},
                 [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  // The signal at 1.2 s starts the second task; both activities close at 1.5 s while it runs: their starts and closes
  // come at its flush, closes last.
  const Names events = names(closed[0].history);
  const auto completed = std::find(events.begin() + 5, events.end(), "WorkflowTaskCompleted");
  ASSERT_NE(completed, events.end());
  const Names flushed(completed + 1, completed + 5);
  EXPECT_EQ(flushed,
            (Names{"ActivityTaskStarted", "ActivityTaskStarted", "ActivityTaskCompleted", "ActivityTaskCompleted"}));
  EXPECT_TRUE(heard);
}

TEST_F(SlowTasks, ACloseThatRefersToABufferedStartPointsAtItsRealEvent) {
  add_workers(1);
  activity.delay = milliseconds(500);
  define([&](WorkflowContext& ctx, const Payload&) {
    const auto a = ctx.start_activity(act, options(), nullptr);
    const auto b = ctx.start_activity(act, options(), nullptr);
    ctx.wait(a);
    ctx.wait(b);
    return Payload{};
  });
  start();
  kernel.call_at(Instant{milliseconds(1200).ns},
                 [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  for (const HistoryEvent& event : closed[0].history) {
    const auto* done = std::get_if<ActivityTaskCompleted>(&event.attributes);
    if (done == nullptr) continue;
    const auto* started = std::get_if<ActivityTaskStarted>(&histories[0].at(done->started).attributes);
    ASSERT_NE(started, nullptr);
    EXPECT_EQ(started->scheduled, done->scheduled);
  }
}

TEST_F(SlowTasks, AClosingCommandThatMeetsABufferedEventFailsTheTaskAsUnhandledCommand) {
  add_workers(1);
  int signals = 0;
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("s"), [&](const Payload&) { ++signals; });
    return Payload{};
  });
  start();
  kernel.call_at(Instant{milliseconds(500).ns}, [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(names(closed[0].history),
            (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskFailed",
                   "WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
                   "WorkflowExecutionCompleted"}));
  EXPECT_EQ(telemetry.task_failure_causes, (Names{"UNHANDLED_COMMAND"}));
  EXPECT_TRUE(applied.contains(1));
}

TEST_F(SlowTasks, TerminatingDuringATaskWritesForceCloseFirst) {
  add_workers(1);
  define([&](WorkflowContext&, const Payload&) { return Payload{}; });
  start();
  kernel.call_at(Instant{milliseconds(500).ns}, [&] { service.terminate({0}, failure("TERMINATED_BY_OPERATOR")); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::terminated);
  EXPECT_EQ(names(closed[0].history), (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted",
                                             "WorkflowTaskFailed", "WorkflowExecutionTerminated"}));
}

TEST_F(SlowTasks, ASignalIsAppliedWhenTheTaskThatHandledItCompleted) {
  add_workers(1);
  bool go = false;
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("go"), [&](const Payload&) { go = true; });
    ctx.await([&] { return go; });
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(10).ns}, [&] { service.signal_workflow({0}, Symbol::intern("go"), nullptr, 42); });
  kernel.run();
  ASSERT_TRUE(applied.contains(42));
  EXPECT_EQ(applied[42], Instant{seconds(11).ns});
}

TEST_F(Histories, ContinueAsNewStartsAnotherExecutionOfTheSameRun) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ctx.execute_activity(act, options(), nullptr);
    if (input == nullptr) ctx.continue_as_new(make_payload<JsonPayload>("1"));
    return input;
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0].status, CloseStatus::continued_as_new);
  EXPECT_EQ(closed[1].status, CloseStatus::completed);
  EXPECT_EQ(closed[1].key.chain, 1u);
  const auto& again = std::get<WorkflowExecutionContinuedAsNew>(closed[0].history.back().attributes);
  const auto& started = std::get<WorkflowExecutionStarted>(closed[1].history.front().attributes);
  EXPECT_EQ(again.new_run_id, started.info->run_id);
  EXPECT_EQ(started.info->continued_from, started.info->first_run_id);
}

TEST_F(Histories, SignalsThatMeetAClosedExecutionAreRefused) {
  add_workers(1);
  define([&](WorkflowContext&, const Payload&) { return Payload{}; });
  start();
  kernel.run();
  EXPECT_FALSE(service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1));
  EXPECT_FALSE(service.request_cancel({0}));
}

TEST_F(Histories, AWorkflowThatThrowsAnythingElseFailsItsTaskAndNotItself) {
  add_workers(1);
  int runs = 0;
  define([&](WorkflowContext&, const Payload&) -> Payload {
    if (++runs < 3) throw std::runtime_error("a bug in the workflow");
    return nullptr;
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  // The first failure is recorded; the second attempt is transient, times out unreported after 10 s, and is not.
  std::size_t failed = 0;
  for (const std::string& name : names(closed[0].history))
    failed += name == "WorkflowTaskFailed" || name == "WorkflowTaskTimedOut" ? 1 : 0;
  EXPECT_EQ(failed, 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(10).ns});
}

}  // namespace
}  // namespace dvt::test
