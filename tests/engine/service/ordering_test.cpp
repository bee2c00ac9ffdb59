// The order of events, and workflow tasks that fail or time out (spec: "Ordering rules").
#include "tests/support/bare_service.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

class Ordering : public BareService {};

TEST_F(Ordering, TheEventsOfCommandsFollowTaskCompletedInTheOrderOfTheCommands) {
  start();
  complete(
      {StartTimer{1, hours(1)}, schedule(1), RecordMarker{Symbol::intern("m"), nullptr}, schedule(2), CancelTimer{1}});
  EXPECT_EQ(names(4), (Names{"WorkflowTaskCompleted", "TimerStarted", "ActivityTaskScheduled", "MarkerRecorded",
                             "ActivityTaskScheduled", "TimerCanceled"}));
  for (EventId id : {5u, 9u}) {
    std::visit(
        [](const auto& body) {
          if constexpr (requires { body.task_completed; }) {
            EXPECT_EQ(body.task_completed, 4u);
          }
        },
        history().at(id).attributes);
  }
}

TEST_F(Ordering, ASignalThatComesAfterACompletionDuringATaskIsWrittenBeforeIt) {
  start();
  complete({schedule(1)});
  signal(1);
  activity_completes(1);
  signal(2);
  complete();
  EXPECT_EQ(names(6), (Names{"WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowTaskStarted",
                             "WorkflowTaskCompleted", "ActivityTaskStarted", "WorkflowExecutionSignaled",
                             "ActivityTaskCompleted", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<ActivityTaskCompleted>().started, last_id<ActivityTaskStarted>());
}

TEST_F(Ordering, NothingIsBufferedWhileATaskOnlyWaitsForAWorker) {
  start();
  complete({schedule(1)});
  service.matching().worker_down(worker);
  signal(1);
  signal(2);
  EXPECT_EQ(names(6), (Names{"WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowExecutionSignaled"}));
}

// Every command that closes the execution.
class Closing : public BareService, public ::testing::WithParamInterface<int> {
 protected:
  static CommandBody command() {
    switch (GetParam()) {
      case 0:
        return CompleteWorkflow{};
      case 1:
        return FailWorkflow{failure("f")};
      case 2:
        return CancelWorkflow{};
      default:
        return ContinueAsNew{};
    }
  }
};

TEST_P(Closing, MeetsABufferedEventAndTheTaskFailsAsUnhandledCommand) {
  start();
  signal();
  EXPECT_FALSE(complete({command()}));
  EXPECT_EQ(names(3), (Names{"WorkflowTaskStarted", "WorkflowTaskFailed", "WorkflowExecutionSignaled",
                             "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::unhandled_command);
  EXPECT_TRUE(complete({command()}));
  EXPECT_EQ(closed.size(), 1u);
}

TEST_P(Closing, LeavesNoOtherCommandOfARefusedTaskBehind) {
  start();
  signal();
  complete({schedule(1), StartTimer{1, hours(1)}, command()});
  EXPECT_EQ(count<ActivityTaskScheduled>() + count<TimerStarted>(), 0u);
  EXPECT_TRUE(telemetry.started.empty());
}

INSTANTIATE_TEST_SUITE_P(Commands, Closing, ::testing::Range(0, 4));

TEST_F(Ordering, ATimerThatFiresDuringTheTaskThatCancelsItIsOnlyCancelled) {
  start();
  complete({StartTimer{1, seconds(5)}});
  to(seconds(4));
  signal();
  to(seconds(6));  // fired, buffered
  complete({CancelTimer{1}, CompleteWorkflow{}});
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(), (Names{"TimerCanceled", "WorkflowExecutionCompleted"}));
  EXPECT_EQ(last<TimerCanceled>().started, last_id<TimerStarted>());
  EXPECT_EQ(count<TimerFired>(), 0u);
}

TEST_F(Ordering, CancellingAFiredTimerLeavesTheOtherBufferedEventsInTheWay) {
  start();
  complete({StartTimer{1, seconds(5)}});
  to(seconds(4));
  signal(1);
  to(seconds(6));
  signal(2);
  EXPECT_FALSE(complete({CancelTimer{1}, CompleteWorkflow{}}));
  EXPECT_EQ(telemetry.causes, (Names{"UNHANDLED_COMMAND"}));
  EXPECT_EQ(count<TimerFired>(), 1u);  // the refused commands changed nothing
}

TEST_F(Ordering, CancellingAFiredTimerKeepsBufferedStartsAndClosesTogether) {
  start();
  complete({StartTimer{1, seconds(5)}, schedule(1)});
  to(seconds(4));
  signal(1);
  to(seconds(6));
  activity_completes(1);
  complete({CancelTimer{1}});
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(),
            (Names{"TimerCanceled", "ActivityTaskStarted", "ActivityTaskCompleted", "WorkflowTaskScheduled",
                   "WorkflowTaskStarted"}));
  EXPECT_EQ(last<ActivityTaskCompleted>().started, last_id<ActivityTaskStarted>());
}

TEST_F(Ordering, CancellingATimerThatNeverWasFailsTheTask) {
  start();
  EXPECT_FALSE(complete({CancelTimer{9}}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::bad_cancel_timer_attributes);
  EXPECT_EQ(last<WorkflowTaskFailed>().failure->message, "there is no timer 9 to cancel");
}

TEST_F(Ordering, AnActivityWithoutAnyLimitOfTimeFailsTheTask) {
  start();
  ActivityOptions endless = an_hour();
  endless.start_to_close = {};
  EXPECT_FALSE(complete({schedule(1, endless)}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::bad_schedule_activity_attributes);
}

TEST_F(Ordering, CancellingUnstartedActivitiesWritesTheirCloseAtOnceBehindTheCommands) {
  start();
  complete({schedule(1, unserved()), schedule(2, unserved())});
  signal();
  complete({CancelActivity{1}, CancelActivity{2}, StartTimer{1, hours(1)}});
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(),
            (Names{"ActivityTaskCancelRequested", "ActivityTaskCancelRequested", "TimerStarted", "ActivityTaskCanceled",
                   "ActivityTaskCanceled", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<ActivityTaskCanceled>().cancel_requested, last_id<ActivityTaskCancelRequested>());
  EXPECT_EQ(last<ActivityTaskCanceled>().started, 0u);
}

TEST_F(Ordering, ACloseOfTheExecutionLosesTheCancelledOnesOfItsOwnTask) {
  start();
  complete({schedule(1, unserved())});
  signal();
  EXPECT_TRUE(complete({CancelActivity{1}, CancelWorkflow{}}));
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(), (Names{"ActivityTaskCancelRequested", "WorkflowExecutionCanceled"}));
}

TEST_F(Ordering, AnActivityScheduledAndCancelledByOneTaskNeverReachesAWorker) {
  start();
  complete({schedule(1), CancelActivity{1}, schedule(2)});
  EXPECT_EQ(names(5), (Names{"ActivityTaskScheduled", "ActivityTaskCancelRequested", "ActivityTaskScheduled",
                             "ActivityTaskCanceled", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_FALSE(activities.contains(1));
  EXPECT_TRUE(activities.contains(2));
}

TEST_F(Ordering, AnActivityBetweenTwoAttemptsIsCancelledOnTheSpot) {
  start();
  complete({schedule(1)});
  activity_fails(1, failure("transient"));
  signal();
  complete({CancelActivity{1}});
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(), (Names{"ActivityTaskCancelRequested", "ActivityTaskCanceled",
                                                         "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  to(minutes(5));
  EXPECT_EQ(telemetry.started.size(), 1u);  // no second attempt
}

TEST_F(Ordering, ARunningActivityHearsOfItsCancellationAtAHeartbeatAndClosesWithItsStart) {
  start();
  ActivityOptions beating = an_hour();
  beating.heartbeat = minutes(1);
  complete({schedule(1, beating)});
  to(seconds(10));
  EXPECT_EQ(service.record_heartbeat(activities[1].token, nullptr), Service::HeartbeatAnswer::go_on);
  signal();
  complete({CancelActivity{1}});
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(), (Names{"ActivityTaskCancelRequested"}));
  EXPECT_EQ(service.record_heartbeat(activities[1].token, nullptr), Service::HeartbeatAnswer::cancel_requested);
  to(seconds(20));
  service.respond_activity_cancelled(activities[1].token);
  EXPECT_EQ(names_after<ActivityTaskCancelRequested>(),
            (Names{"ActivityTaskStarted", "ActivityTaskCanceled", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<ActivityTaskCanceled>().started, last_id<ActivityTaskStarted>());
  EXPECT_EQ(last<ActivityTaskCanceled>().cancel_requested, last_id<ActivityTaskCancelRequested>());
  EXPECT_EQ(history().at(last_id<ActivityTaskStarted>()).time, Instant{});  // when it really started
}

TEST_F(Ordering, NobodyCancelsAnActivityThatWasNotAskedTo) {
  start();
  complete({schedule(1)});
  service.respond_activity_cancelled(activities[1].token);
  EXPECT_EQ(count<ActivityTaskCanceled>(), 0u);
  EXPECT_EQ(service.execution(run)->activities.size(), 1u);
}

TEST_F(Ordering, AfterACancelRequestAFailureIsFinalWhateverThePolicy) {
  start();
  complete({schedule(1)});
  signal();
  complete({CancelActivity{1}});
  activity_fails(1, failure("transient"));
  EXPECT_EQ(count<ActivityTaskFailed>(), 1u);
  EXPECT_TRUE(telemetry.retries.empty());
}

TEST_F(Ordering, CancellingAnActivityThatClosedDuringTheTaskRecordsTheRequestAndNoMore) {
  start();
  complete({schedule(1)});
  signal();
  activity_completes(1);
  EXPECT_TRUE(complete({CancelActivity{1}}));
  EXPECT_EQ(names_after<WorkflowTaskCompleted>(),
            (Names{"ActivityTaskCancelRequested", "ActivityTaskStarted", "ActivityTaskCompleted",
                   "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
}

// ---- Workflow tasks that do not complete ----

TEST_F(Ordering, AFailedTaskOnTheStickyQueueCostsTheStickinessAndNoAttempt) {
  start();
  complete();
  signal();
  ASSERT_GE(std::get<WorkflowTaskScheduled>(history().at(last_id<WorkflowTaskScheduled>()).attributes).sticky_worker,
            0);
  fail_task();
  EXPECT_EQ(names(8), (Names{"WorkflowTaskFailed", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 1u);
  EXPECT_EQ(last<WorkflowTaskScheduled>().sticky_worker, -1);
  EXPECT_EQ(task.first_event, 1u);  // full history
}

TEST_F(Ordering, ATimedOutTaskOnTheStickyQueueCostsTheStickinessAndNoAttempt) {
  start();
  complete();
  signal();
  to(seconds(10));
  EXPECT_EQ(names(8), (Names{"WorkflowTaskTimedOut", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskTimedOut>().type, TimeoutType::start_to_close);
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 1u);
  EXPECT_EQ(task.attempt, 1u);
}

TEST_F(Ordering, OnTheCommonQueueFurtherAttemptsAreWrittenOnlyWhenOneCompletes) {
  start();
  fail_task();
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed"}));
  EXPECT_EQ(task.attempt, 2u);
  to(seconds(10));  // the second attempt times out
  EXPECT_EQ(task.attempt, 3u);
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed"}));
  to(seconds(12));
  complete({StartTimer{1, hours(1)}});
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed", "WorkflowTaskScheduled", "WorkflowTaskStarted",
                             "WorkflowTaskCompleted", "TimerStarted"}));
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 3u);
  EXPECT_EQ(history().at(5).time, Instant{seconds(10).ns});
  EXPECT_EQ(history().at(6).time, Instant{seconds(10).ns});
  EXPECT_EQ(history().at(7).time, Instant{seconds(12).ns});
  signal();
  EXPECT_EQ(task.attempt, 1u);  // and the count begins anew
}

TEST_F(Ordering, AnEventThatComesWhileAFurtherAttemptWaitsMakesItAnOrdinaryTask) {
  start();
  service.matching().worker_down(worker);
  to(seconds(10));  // the first attempt times out; nobody takes the second
  signal();
  to(seconds(20));
  service.matching().worker_up(worker);
  settle();
  EXPECT_EQ(names(4), (Names{"WorkflowTaskTimedOut", "WorkflowExecutionSignaled", "WorkflowTaskScheduled",
                             "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 1u);
  EXPECT_EQ(history().at(6).time, Instant{seconds(20).ns});
  EXPECT_EQ(task.attempt, 1u);
  complete();
  EXPECT_EQ(names(7), (Names{"WorkflowTaskStarted", "WorkflowTaskCompleted"}));
}

TEST_F(Ordering, AnEventThatComesDuringAFailedFurtherAttemptMakesTheNextOneOrdinary) {
  start();
  fail_task();
  signal();  // buffered during the second attempt
  fail_task();
  EXPECT_EQ(names(4),
            (Names{"WorkflowTaskFailed", "WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(task.attempt, 1u);
}

TEST_F(Ordering, ATaskThatKeepsFailingIsGivenMoreTimeFromTheFourthAttemptOn) {
  start();
  std::vector<std::int64_t> taken;
  Instant before{};
  for (std::uint32_t attempt = 1; attempt <= 12; ++attempt) {
    ASSERT_EQ(task.attempt, attempt);
    const std::uint32_t seen = tasks;
    while (tasks == seen) to(kernel.now() - Instant{} + seconds(1));
    taken.push_back((kernel.now() - before).ns / 1'000'000'000);
    before = kernel.now();
  }
  EXPECT_EQ(taken, (std::vector<std::int64_t>{10, 10, 10, 15, 20, 30, 50, 90, 170, 330, 610, 610}));
}

TEST_F(Ordering, AStickyTaskThatNobodyTakesForTenSecondsGoesToTheCommonQueueWithItsFullHistory) {
  start();
  complete();
  service.matching().worker_down(worker);
  service.matching().worker_up(worker);  // another process: it polls the common queue only
  to(seconds(1));
  signal();
  to(milliseconds(10'999));
  EXPECT_EQ(count<WorkflowTaskTimedOut>(), 0u);
  to(seconds(11));
  EXPECT_EQ(names(7), (Names{"WorkflowTaskTimedOut", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  EXPECT_EQ(last<WorkflowTaskTimedOut>().type, TimeoutType::schedule_to_start);
  EXPECT_EQ(last<WorkflowTaskTimedOut>().started, 0u);
  EXPECT_EQ(last<WorkflowTaskScheduled>().sticky_worker, -1);
  EXPECT_EQ(last<WorkflowTaskScheduled>().attempt, 1u);
  EXPECT_EQ(task.first_event, 1u);
}

TEST_F(Ordering, TerminatingDuringATaskForcesItClosedAndWritesWhatWaited) {
  start();
  complete({schedule(1)});
  signal(1);
  activity_completes(1);
  signal(2);
  service.terminate(run, failure("enough"));
  EXPECT_EQ(names_after<WorkflowTaskStarted>(),
            (Names{"WorkflowTaskFailed", "ActivityTaskStarted", "WorkflowExecutionSignaled", "ActivityTaskCompleted",
                   "WorkflowExecutionTerminated"}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::force_close_command);
  EXPECT_EQ(telemetry.causes, (Names{"FORCE_CLOSE_COMMAND"}));
  EXPECT_EQ(lost, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(Ordering, TerminatingDuringAFurtherAttemptWritesNothingOfIt) {
  start();
  fail_task();
  ASSERT_EQ(task.attempt, 2u);
  service.terminate(run, failure("enough"));
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed", "WorkflowExecutionTerminated"}));
}

TEST_F(Ordering, TheRunTimeoutDuringATaskForcesItClosed) {
  start([](ExecutionInfo& info) { info.run_timeout = seconds(5); });
  to(seconds(5));
  EXPECT_EQ(names(3), (Names{"WorkflowTaskStarted", "WorkflowTaskFailed", "WorkflowExecutionTimedOut"}));
  EXPECT_EQ(last<WorkflowTaskFailed>().cause, WorkflowTaskFailedCause::force_close_command);
  EXPECT_EQ(status, CloseStatus::timed_out);
}

TEST_F(Ordering, AnAnswerToATaskThatWasForcedClosedIsRefused) {
  start();
  const WorkflowTaskToken old = task.token;
  service.terminate(run, failure("enough"));
  EXPECT_EQ(service.respond_workflow_task_completed(old, {}, 0), TaskAnswer::refused);
  EXPECT_EQ(names().back(), "WorkflowExecutionTerminated");
}

TEST_F(Ordering, TheRunTimeoutBeginsAnewWithEachExecutionAndTheChainsDoesNot) {
  start([](ExecutionInfo& info) {
    info.run_timeout = seconds(8);
    info.execution_timeout = seconds(20);
  });
  to(seconds(7));
  complete({ContinueAsNew{}});
  to(seconds(14));
  ASSERT_TRUE(service.is_open(run));
  complete({ContinueAsNew{}});
  to(seconds(19));
  ASSERT_TRUE(service.is_open(run));
  to(seconds(20));
  EXPECT_FALSE(service.is_open(run));
  EXPECT_EQ(status, CloseStatus::timed_out);
  EXPECT_EQ(closed.size(), 3u);
}

}  // namespace
}  // namespace dvt::test
