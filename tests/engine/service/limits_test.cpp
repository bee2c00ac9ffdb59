// What happens when an execution outgrows its limits (spec: "Timeouts and retries", limits).
#include "tests/support/bare_service.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

ExecutionLimits small(const std::function<void(ExecutionLimits&)>& adjust) {
  ExecutionLimits limits;
  adjust(limits);
  return limits;
}

TEST(ExecutionLimitsOf, TemporalAreTheDefaults) {
  const ExecutionLimits limits;
  EXPECT_EQ(limits.suggest_events, 4'096u);
  EXPECT_EQ(limits.suggest_bytes, 4u * 1024 * 1024);
  EXPECT_EQ(limits.history_events, 51'200u);
  EXPECT_EQ(limits.history_bytes, 50u * 1024 * 1024);
  EXPECT_EQ(limits.pending_activities, 2'000u);
  EXPECT_EQ(limits.signals, 10'000u);
  EXPECT_EQ(limits.buffered_events, 100u);
}

class TwoActivities : public BareService {
 protected:
  TwoActivities() : BareService(small([](ExecutionLimits& limits) { limits.pending_activities = 2; })) {}
};

TEST_F(TwoActivities, MayBePendingAndAThirdFailsTheTaskAndLeavesNone) {
  start();
  EXPECT_FALSE(complete({schedule(1), schedule(2), schedule(3)}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::pending_activities_limit_exceeded);
  EXPECT_NE(last<WorkflowTaskFailed>().failure->message.find("limit of 2"), std::string::npos);
  EXPECT_EQ(count<ActivityTaskScheduled>(), 0u);
  EXPECT_EQ(telemetry.causes, (Names{"PENDING_ACTIVITIES_LIMIT_EXCEEDED"}));
}

TEST_F(TwoActivities, MakeRoomWhenTheyClose) {
  start();
  complete({schedule(1), schedule(2)});
  activity_completes(1);
  EXPECT_TRUE(complete({schedule(3)}));
  EXPECT_EQ(service.execution(run)->activities.size(), 2u);
}

TEST_F(TwoActivities, MakeRoomWhenTheyAreCancelledUnstartedByTheSameTask) {
  start();
  complete({schedule(1, unserved()), schedule(2)});
  signal();
  EXPECT_FALSE(complete({CancelActivity{2}, schedule(3)}));  // it runs: it stays until it heeds the request
  EXPECT_TRUE(complete({CancelActivity{1}, schedule(3)}));
}

TEST_F(TwoActivities, FailOnlyTheFirstAttemptAndLaterOnesTimeOut) {
  start();
  complete({schedule(1), schedule(2), schedule(3)});
  ASSERT_EQ(task.attempt, 2u);
  EXPECT_FALSE(complete({schedule(1), schedule(2), schedule(3)}));
  EXPECT_EQ(task.attempt, 2u);
  EXPECT_EQ(telemetry.causes.size(), 1u);
  to(seconds(10));
  EXPECT_EQ(task.attempt, 3u);
  EXPECT_TRUE(complete({schedule(1), schedule(2)}));
}

class ThreeSignals : public BareService {
 protected:
  ThreeSignals() : BareService(small([](ExecutionLimits& limits) { limits.signals = 3; })) {}
};

TEST_F(ThreeSignals, AreTakenAndTheFourthIsRefusedWithoutAnEvent) {
  start();
  EXPECT_TRUE(signal(1));
  EXPECT_TRUE(signal(2));
  complete();
  EXPECT_TRUE(signal(3));
  complete();
  const EventId before = history().last_id();
  EXPECT_FALSE(signal(4));
  EXPECT_EQ(history().last_id(), before);
  EXPECT_TRUE(service.is_open(run));
}

TEST_F(ThreeSignals, AreCountedAnewAfterContinueAsNew) {
  start();
  for (std::uint64_t id : {1, 2, 3}) signal(id);
  complete();
  complete({ContinueAsNew{}});
  EXPECT_TRUE(signal(4));
}

class FourBuffered : public BareService {
 protected:
  FourBuffered() : BareService(small([](ExecutionLimits& limits) { limits.buffered_events = 4; })) {}
};

TEST_F(FourBuffered, EventsMayWaitAndAFifthFailsTheTaskSoThatTheyAreWritten) {
  start();
  const WorkflowTaskToken first = task.token;
  for (std::uint64_t id : {1, 2, 3, 4}) signal(id);
  EXPECT_EQ(names().back(), "WorkflowTaskStarted");
  signal(5);
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed", "WorkflowExecutionSignaled", "WorkflowExecutionSignaled",
                             "WorkflowExecutionSignaled", "WorkflowExecutionSignaled", "WorkflowExecutionSignaled",
                             "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::force_close_command);
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 1u);
  EXPECT_EQ(service.respond_workflow_task_completed(first, {}, 0), TaskAnswer::refused);
  EXPECT_TRUE(complete());
  EXPECT_EQ(applied, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

class LongHistories : public BareService {
 protected:
  LongHistories()
      : BareService(small([](ExecutionLimits& limits) {
          limits.suggest_events = 10;
          limits.history_events = 20;
        })) {}
  /// Signals and completes tasks until the history has at least `events` events.
  void grow(EventId events) {
    std::uint64_t id = 1;
    while (history().last_id() < events) {
      if (service.execution(run)->task.machine.state() == WorkflowTaskState::started) complete();
      signal(id++);
    }
  }
};

TEST_F(LongHistories, AreToldToContinueAsNew) {
  start();
  EXPECT_FALSE(last<WorkflowTaskStarted>().suggest_continue_as_new);
  grow(7);  // its task started is event 7
  EXPECT_FALSE(last<WorkflowTaskStarted>().suggest_continue_as_new);
  grow(11);
  EXPECT_TRUE(last<WorkflowTaskStarted>().suggest_continue_as_new);
}

TEST_F(LongHistories, EndTheRunBeforeTheyGrowPastTheLimit) {
  start();
  grow(19);
  ASSERT_EQ(history().last_id(), 19u);
  EXPECT_TRUE(complete());  // 20 events: full, and still allowed
  EXPECT_TRUE(service.is_open(run));
  EXPECT_FALSE(signal(99));
  EXPECT_FALSE(service.is_open(run));
  EXPECT_EQ(names(20), (Names{"WorkflowTaskCompleted", "WorkflowExecutionTerminated"}));
  EXPECT_EQ(status, CloseStatus::terminated);
  EXPECT_EQ(close_failure->message, "Workflow history count exceeds limit.");
  EXPECT_EQ(count<WorkflowExecutionSignaled>(), 4u);  // the refused one left nothing
}

TEST_F(LongHistories, EndTheRunInsteadOfTakingTheCommandsThatWouldGrowThem) {
  start();
  grow(19);
  EXPECT_FALSE(complete({StartTimer{1, seconds(1)}}));
  EXPECT_EQ(names(19), (Names{"WorkflowTaskStarted", "WorkflowTaskFailed", "WorkflowExecutionTerminated"}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::force_close_command);
}

TEST_F(LongHistories, MayStillCompleteTheRun) {
  start();
  grow(19);
  EXPECT_TRUE(complete({CompleteWorkflow{}}));
  EXPECT_EQ(status, CloseStatus::completed);
}

TEST_F(LongHistories, EndTheRunWhenATimerWouldGrowThem) {
  start();
  complete({schedule(1), schedule(2), StartTimer{1, seconds(5)}});
  grow(18);
  complete();
  ASSERT_EQ(history().last_id(), 19u);
  to(seconds(5));  // the firing and its task would make 21
  EXPECT_EQ(status, CloseStatus::terminated);
  EXPECT_EQ(count<TimerFired>(), 0u);
}

TEST_F(LongHistories, EndTheRunWhenAnActivityWouldGrowThem) {
  start();
  complete({schedule(1), schedule(2), StartTimer{1, hours(5)}});
  grow(18);
  complete();
  activity_completes(2);
  EXPECT_EQ(status, CloseStatus::terminated);
  EXPECT_EQ(count<ActivityTaskCompleted>(), 0u);
}

TEST_F(LongHistories, EndTheRunWhenTheStartOfATaskWouldGrowThem) {
  start();
  complete({schedule(1), StartTimer{1, hours(5)}});
  grow(17);
  complete();
  signal(99);  // it and its task fill the history: nothing can ever answer
  EXPECT_EQ(names(18), (Names{"WorkflowTaskCompleted", "WorkflowExecutionSignaled", "WorkflowTaskScheduled",
                              "WorkflowExecutionTerminated"}));
}

class BigHistories : public BareService {
 protected:
  BigHistories()
      : BareService(small([](ExecutionLimits& limits) {
          limits.suggest_bytes = 10'000;
          limits.history_bytes = 30'000;
        })) {}
  void big_signal(std::size_t bytes) {
    service.signal_workflow(run, Symbol::intern("s"), make_payload<JsonPayload>(std::string(bytes, '1')), 1);
    settle();
  }
};

TEST_F(BigHistories, AreToldToContinueAsNewByTheWeightOfTheirPayloads) {
  start();
  complete();
  big_signal(5'000);
  EXPECT_FALSE(last<WorkflowTaskStarted>().suggest_continue_as_new);
  EXPECT_GT(last<WorkflowTaskStarted>().history_bytes, 5'000u);
  complete();
  big_signal(5'000);
  EXPECT_TRUE(last<WorkflowTaskStarted>().suggest_continue_as_new);
}

TEST_F(BigHistories, EndTheRun) {
  start();
  complete();
  big_signal(31'000);
  EXPECT_TRUE(service.is_open(run));  // what is there is weighed before the next change
  EXPECT_FALSE(complete());
  EXPECT_EQ(status, CloseStatus::terminated);
  EXPECT_EQ(close_failure->message, "Workflow history size exceeds limit.");
}

}  // namespace
}  // namespace dvt::test
