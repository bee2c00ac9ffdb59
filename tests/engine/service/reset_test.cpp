// Reset of an execution: a copy of the history up to a workflow task goes on, the rest is left behind.
#include "tests/support/bare_service.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

class Reset : public BareService {
 protected:
  void start_with_ids() {
    start([](ExecutionInfo& info) { info.run_id = info.first_run_id = uuid_v4_from(1, 2); });
  }
  Service::ResetAnswer reset(EventId task_finished) {
    const auto answer = service.reset_workflow(run, task_finished, "wrong turn");
    settle();
    return answer;
  }
};

TEST_F(Reset, CopiesTheHistoryUpToTheTaskAndFailsItAsReset) {
  start_with_ids();
  complete({schedule(1)});  // 4, 5
  activity_completes(1);    // 6, 7; task 8, 9
  complete({schedule(2)});  // 10, 11
  ASSERT_EQ(reset(10), Service::ResetAnswer::done);
  EXPECT_EQ(names(),
            (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
                   "ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted", "WorkflowTaskScheduled",
                   "WorkflowTaskStarted", "WorkflowTaskFailed", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  const auto& failed = std::get<WorkflowTaskFailed>(history().at(10).attributes);
  EXPECT_EQ(failed.cause, WorkflowTaskFailedCause::reset_workflow);
  EXPECT_EQ(failed.scheduled, 8u);
  EXPECT_EQ(failed.started, 9u);
  EXPECT_EQ(failed.failure->message, "wrong turn");
  ASSERT_NE(failed.reset, nullptr);
  EXPECT_EQ(failed.reset->base_run_id, uuid_v4_from(1, 2));
  EXPECT_EQ(failed.reset->new_run_id, service.execution(run)->info->run_id);
  EXPECT_NE(failed.reset->new_run_id, failed.reset->base_run_id);
  EXPECT_EQ(task.attempt, 1u);
  EXPECT_EQ(task.first_event, 1u);
}

TEST_F(Reset, TerminatesTheExecutionItLeavesWithItsReason) {
  start_with_ids();
  complete();
  reset(4);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(status, CloseStatus::reset);
  const auto& terminated = std::get<WorkflowExecutionTerminated>(closed[0].events().back().attributes);
  EXPECT_EQ(terminated.reason->message, "wrong turn");
}

TEST_F(Reset, ForcesAStartedTaskOfTheExecutionItLeavesClosed) {
  start_with_ids();
  complete();
  signal();
  reset(4);
  const std::vector<HistoryEvent>& left = closed[0].events();
  EXPECT_EQ(type_name(left[left.size() - 2]), "WorkflowTaskFailed");
  EXPECT_EQ(telemetry.causes, (Names{"FORCE_CLOSE_COMMAND"}));
}

TEST_F(Reset, IsRefusedWhereThereIsNoWorkflowTask) {
  start_with_ids();
  complete({schedule(1)});
  EXPECT_EQ(reset(0), Service::ResetAnswer::no_workflow_task_there);
  EXPECT_EQ(reset(2), Service::ResetAnswer::no_workflow_task_there);
  EXPECT_EQ(reset(5), Service::ResetAnswer::no_workflow_task_there);
  EXPECT_EQ(reset(999), Service::ResetAnswer::no_workflow_task_there);
  EXPECT_EQ(service.reset_workflow({77}, 4, "x"), Service::ResetAnswer::not_open);
  EXPECT_TRUE(closed.empty());
}

TEST_F(Reset, MayPointBehindATaskThatWasOnlyScheduled) {
  start_with_ids();
  complete();
  service.matching().worker_down(worker);
  signal();  // 5; task 6, nobody takes it
  ASSERT_EQ(reset(7), Service::ResetAnswer::done);
  EXPECT_EQ(names(5), (Names{"WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowTaskStarted",
                             "WorkflowTaskFailed", "WorkflowTaskScheduled"}));
}

TEST_F(Reset, RecordsTheSignalsThatCameLaterAgainAndThoseThatWaited) {
  start_with_ids();
  complete();
  signal(1);   // 5, applied by the next task
  complete();  // 8
  signal(2);   // 9; task 10, 11
  signal(3);   // waits in the buffer
  reset(4);
  EXPECT_EQ(names(4), (Names{"WorkflowTaskFailed", "WorkflowExecutionSignaled", "WorkflowExecutionSignaled",
                             "WorkflowExecutionSignaled", "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
  std::vector<std::uint64_t> ids;
  for (const HistoryEvent& event : history().events())
    if (const auto* s = std::get_if<WorkflowExecutionSignaled>(&event.attributes)) ids.push_back(s->signal);
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2, 3}));
  complete();
  EXPECT_EQ(applied, (std::vector<std::uint64_t>{1, 2, 3}));  // each once
  EXPECT_TRUE(lost.empty());
}

TEST_F(Reset, StartsActivitiesAgainThatWereOpenThen) {
  start_with_ids();
  complete({schedule(1), schedule(2)});
  signal();                 // 7; task 8, 9
  activity_completes(1);    // during the task
  complete({schedule(3)});  // 10
  activities.clear();
  reset(10);
  EXPECT_EQ(activities.size(), 2u);
  EXPECT_TRUE(activities.contains(1) && activities.contains(2));
  activity_completes(1);
  complete();
  EXPECT_EQ(count<ActivityTaskCompleted>(), 1u);
}

TEST_F(Reset, RefusesWhatBelongsToTheExecutionItLeft) {
  start_with_ids();
  complete({schedule(1)});
  const ActivityTaskToken before = activities[1].token;
  signal();
  complete();
  reset(8);
  service.respond_activity_completed(before, nullptr);
  settle();
  EXPECT_EQ(count<ActivityTaskCompleted>(), 0u);
}

TEST_F(Reset, LetsTimersRunOnAndFiresOnesThatAreOverdue) {
  start_with_ids();
  complete({StartTimer{1, seconds(10)}, StartTimer{2, seconds(100)}});  // 5, 6
  to(seconds(4));
  signal();  // 7; task 8, 9
  complete();
  to(seconds(20));  // the first fired
  complete();
  to(seconds(30));
  reset(10);
  complete();
  EXPECT_EQ(last<TimerFired>().timer_id, 1u);
  EXPECT_EQ(history().at(last_id<TimerFired>()).time, Instant{seconds(30).ns});
  to(seconds(100));
  complete();
  EXPECT_EQ(last<TimerFired>().timer_id, 2u);
}

TEST_F(Reset, GivesTheRunTimeoutAnewAndNotTheChains) {
  start([](ExecutionInfo& info) {
    info.run_timeout = seconds(10);
    info.execution_timeout = seconds(16);
  });
  complete();
  to(seconds(8));
  reset(4);
  complete();
  to(seconds(15));
  EXPECT_TRUE(service.is_open(run));
  to(seconds(16));
  EXPECT_FALSE(service.is_open(run));
}

// With workers and workflow code: the copy replays.
class ResetReplays : public EngineFixture {};

TEST_F(ResetReplays, OnTheWorkerWithTheNumbersDrawnBeforeAndOthersAfter) {
  add_workers(2);
  std::vector<std::vector<std::uint64_t>> drawn;
  define([&](WorkflowContext& ctx, const Payload&) {
    drawn.emplace_back();
    const std::size_t mine = drawn.size() - 1;
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t number = ctx.random();
      drawn[mine].push_back(number);
      ctx.execute_activity(act, options(), nullptr);
    }
    return Payload{};
  });
  start();
  // Activities take a second each; the second task's completion is event 10.
  kernel.call_at(Instant{milliseconds(2'500).ns},
                 [&] { EXPECT_EQ(service.reset_workflow({0}, 10, "again"), Service::ResetAnswer::done); });
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0].status, CloseStatus::reset);
  EXPECT_EQ(closed[1].status, CloseStatus::completed);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  ASSERT_EQ(drawn.size(), 2u);
  EXPECT_EQ(drawn[0][0], drawn[1][0]);  // before the reset point
  EXPECT_NE(drawn[0][1], drawn[1][1]);  // the task that was reset draws its own
  EXPECT_NE(drawn[1][1], drawn[1][0]);
  EXPECT_EQ(workers.verify(closed[1].key, histories[1]), std::nullopt);
}

}  // namespace
}  // namespace dvt::test
