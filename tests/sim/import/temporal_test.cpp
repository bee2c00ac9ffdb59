// Recorded histories become timelines, and plans that wait for the same things and close in the same order.
#include "sim/import/temporal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/plan/sim_notes.h"

namespace dvt::sim {
namespace {

using engine::EventFacts;
using engine::EventId;
using K = engine::EventKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Writes what activities did; workflow tasks matter to nobody here.
class Recording {
 public:
  Recording() { add(K::workflow_execution_started, {}).name = "order"; }

  EventId schedule(Duration at, const char* type) {
    EventFacts& event = add(K::activity_task_scheduled, at);
    event.name = type;
    event.subject = std::to_string(++activities_);
    return static_cast<EventId>(events.size());
  }
  void close(Duration at, EventId scheduled, K kind = K::activity_task_completed, std::uint32_t attempt = 1) {
    EventFacts& started = add(K::activity_task_started, at);
    started.scheduled = scheduled;
    started.attempt = attempt;
    EventFacts& closed = add(kind, at);
    closed.scheduled = scheduled;
    if (kind != K::activity_task_completed) closed.error = "broken";
  }
  EventFacts& add(K kind, Duration at) {
    events.emplace_back();
    events.back().kind = kind;
    events.back().time = UnixNanos{seconds(1'767'225'600).ns} + at;
    return events.back();
  }
  RecordedWorkflow workflow() const { return recorded_workflow(events, "order.json"); }

  std::vector<EventFacts> events;

 private:
  int activities_ = 0;
};

engine::AnnotatedPlan plan_of(const RecordedWorkflow& workflow) {
  const auto reenactment = reenact({&workflow, 1}, "again");
  auto plan = engine::parse_plan_file(reenactment.files.at(0).second);
  EXPECT_TRUE(plan.has_value());
  return plan.value();
}
std::vector<Duration> durations(const engine::AnnotatedPlan& plan) {
  std::vector<Duration> out;
  for (const engine::StepNotes& notes : plan.notes) out.push_back(notes.duration.value_or(Duration{}));
  return out;
}
std::vector<std::string> waits_for(const engine::AnnotatedPlan& plan, std::size_t step) {
  return plan.plan.steps.at(step).depends_on.value();
}

TEST(TemporalImport, TellsWhenEachActivityWasScheduledStartedAndClosed) {
  Recording r;
  const EventId first = r.schedule(seconds(1), "charge");
  r.close(seconds(8), first, K::activity_task_failed, 3);
  r.schedule(seconds(9), "refund");
  const RecordedWorkflow workflow = r.workflow();
  ASSERT_EQ(workflow.activities.size(), 2U);
  const RecordedActivity& charge = workflow.activities[0];
  EXPECT_EQ(charge.type, "charge");
  EXPECT_EQ(charge.activity_id, "1");
  EXPECT_EQ(charge.scheduled_at, seconds(1));
  EXPECT_EQ(charge.closed_at, seconds(8));
  EXPECT_EQ(charge.attempts, 3U);
  EXPECT_EQ(charge.end, ActivityEnd::failed);
  EXPECT_EQ(charge.error, "broken");
  EXPECT_EQ(workflow.activities[1].end, ActivityEnd::open);
  EXPECT_EQ(workflow.activities[1].closed_at, std::nullopt);
  EXPECT_EQ(workflow.length, seconds(9));
}

TEST(TemporalImport, AStepWaitsForWhatWasClosedWhenItWasScheduled) {
  Recording r;
  const EventId a = r.schedule({}, "a");
  const EventId b = r.schedule({}, "b");
  r.close(seconds(5), b);
  r.close(seconds(7), a);
  const EventId c = r.schedule(seconds(10), "c");
  r.close(seconds(12), c);
  const EventId d = r.schedule(seconds(12), "d");
  r.close(seconds(13), d);
  const engine::AnnotatedPlan plan = plan_of(r.workflow());
  EXPECT_THAT(waits_for(plan, 0), IsEmpty());
  EXPECT_THAT(waits_for(plan, 1), IsEmpty());
  EXPECT_THAT(waits_for(plan, 2), ElementsAre("a1-a", "a2-b"));
  EXPECT_THAT(waits_for(plan, 3), ElementsAre("a3-c")) << "a and b follow from c";
  // c was scheduled three seconds after what it waited for: that is the workflow's own time.
  EXPECT_THAT(durations(plan), ElementsAre(seconds(7), seconds(5), seconds(2), seconds(1)));
}

TEST(TemporalImport, ActivitiesOfOneStageBeginTogetherAndKeepTheOrderOfTheirCloses) {
  Recording r;
  const EventId early = r.schedule({}, "early");
  const EventId late = r.schedule(seconds(4), "late");  // a signal came
  r.close(seconds(5), early);
  r.close(seconds(5), late);
  EXPECT_THAT(durations(plan_of(r.workflow())), ElementsAre(seconds(5), seconds(5) + microseconds(1)));
}

TEST(TemporalImport, StagesThatOverlapAskForTheDataflowInterpreter) {
  Recording r;
  const EventId shorter = r.schedule({}, "short");
  const EventId longer = r.schedule({}, "long");
  r.close(seconds(2), shorter);
  const EventId next = r.schedule(seconds(3), "next");
  r.close(seconds(4), next);
  r.close(seconds(10), longer);
  const RecordedWorkflow workflow = r.workflow();
  EXPECT_THAT(reenact({&workflow, 1}, "again").scenario, HasSubstr("interpreter: {taskLatency: 0s, kind: dataflow}"));
  const engine::AnnotatedPlan plan = plan_of(workflow);
  EXPECT_THAT(waits_for(plan, 2), ElementsAre("a1-short"));
  EXPECT_THAT(durations(plan), ElementsAre(seconds(2), seconds(10), seconds(2)));
}

TEST(TemporalImport, AFailureFailsItsStepOnlyWhenNothingHappenedAfterIt) {
  Recording handled;
  const EventId first = handled.schedule({}, "charge");
  handled.close(seconds(1), first, K::activity_task_failed);
  const EventId then = handled.schedule(seconds(1), "refund");
  handled.close(seconds(2), then, K::activity_task_timed_out);
  const RecordedWorkflow workflow = handled.workflow();
  const engine::AnnotatedPlan plan = plan_of(workflow);
  EXPECT_EQ(plan.notes[0].outcome, engine::RecordedOutcome::success);
  EXPECT_EQ(plan.notes[1].outcome, engine::RecordedOutcome::error);
  const auto reenactment = reenact({&workflow, 1}, "again");
  EXPECT_THAT(reenactment.warnings,
              ElementsAre("order.json: a1-charge: failed in the history; the workflow went on, so the step completes"));
  EXPECT_THAT(reenactment.scenario, HasSubstr("- runs.failed == 1"));
}

TEST(TemporalImport, PauseAndResumeBecomeOperationsAndOtherSignalsAreNamed) {
  Recording r;
  r.add(K::workflow_execution_signaled, seconds(3)).name = "pause";
  r.add(K::workflow_execution_signaled, seconds(4)).name = "approve";
  r.add(K::workflow_execution_signaled, milliseconds(5500)).name = "resume";
  r.close(seconds(9), r.schedule(seconds(6), "ship"));
  const RecordedWorkflow workflow = r.workflow();
  const auto reenactment = reenact({&workflow, 1}, "again");
  EXPECT_THAT(reenactment.scenario, HasSubstr("s1: {at: 3s, signal: PAUSE, as: Operator, select: {plan: order}}"));
  EXPECT_THAT(reenactment.scenario, HasSubstr("s2: {at: 5s500ms, signal: RESUME"));
  EXPECT_THAT(reenactment.warnings,
              ElementsAre("order.json: signal 'approve' at 4s left out: no counterpart in a scenario"));
}

TEST(TemporalImport, SeveralHistoriesArriveAsTheyWereStarted) {
  Recording one, two, empty;
  one.close(seconds(1), one.schedule({}, "charge"));
  two.close(seconds(3), two.schedule({}, "charge"), K::activity_task_completed, 2);
  for (EventFacts& event : one.events) event.time = event.time + seconds(90);
  const std::vector<RecordedWorkflow> workflows{one.workflow(), empty.workflow(), two.workflow()};
  const auto reenactment = reenact(workflows, "day");
  EXPECT_THAT(reenactment.warnings, ElementsAre("order.json: a1-charge: 2 attempts become one that takes their time"));
  ASSERT_EQ(reenactment.files.size(), 3U);
  EXPECT_EQ(reenactment.files[0].first, "day.order-2.plan.json") << "the one without activities is a workflow";
  EXPECT_EQ(reenactment.files[1].first, "day.order-3.plan.json");
  EXPECT_EQ(reenactment.files[2], (std::pair<std::string, std::string>{"day.arrivals.csv", "start\n0\n0\n90\n"}));
  EXPECT_THAT(reenactment.scenario, HasSubstr("\n  - runs.started == 3\n"));

  const std::vector<ActivityTypeWork> work = work_by_type(workflows);
  ASSERT_EQ(work.size(), 1U);
  EXPECT_EQ(work[0].type, "charge");
  EXPECT_EQ(work[0].count, 2U);
  EXPECT_EQ(work[0].retries, 1U);
  EXPECT_EQ(work[0].shortest, seconds(1));
  EXPECT_EQ(work[0].longest, seconds(3));
}

TEST(TemporalImport, AHistoryWithoutAnyWorkIsARunThatDoesNothing) {
  Recording r;
  r.add(K::workflow_execution_continued_as_new, seconds(1));
  const RecordedWorkflow workflow = r.workflow();
  const auto reenactment = reenact({&workflow, 1}, "again");
  EXPECT_THAT(reenactment.files, IsEmpty());
  EXPECT_THAT(reenactment.scenario, HasSubstr("      workflow: recorded-execution\n      input:\n"
                                              "        end: continued_as_new\n        operations: []\n"));
  EXPECT_THAT(reenactment.scenario, HasSubstr("- runs.completed == 1"));
  EXPECT_THAT(reenactment.scenario,
              HasSubstr("# order.json: the execution it continued as is not recorded: it does nothing"));
}

TEST(TemporalImport, TimersChildrenAndNexusOperationsBecomeAScript) {
  Recording r;
  const auto open = [&r](K kind, Duration at, const char* name) {
    r.add(kind, at).name = name;
    return static_cast<EventId>(r.events.size());
  };
  const EventId child = open(K::start_child_workflow_execution_initiated, seconds(1), "ship \"it\"");
  const EventId timer = open(K::timer_started, seconds(1), "");
  r.add(K::child_workflow_execution_completed, seconds(4)).initiated = child;
  r.add(K::timer_canceled, seconds(5)).started = timer;
  const EventId nexus = open(K::nexus_operation_scheduled, seconds(6), "bank/pay");
  r.add(K::nexus_operation_timed_out, seconds(9)).scheduled = nexus;
  open(K::start_child_workflow_execution_initiated, seconds(9), "left");
  r.add(K::workflow_execution_failed, seconds(10));
  const RecordedWorkflow workflow = r.workflow();
  const auto reenactment = reenact({&workflow, 1}, "again");
  EXPECT_THAT(reenactment.scenario,
              HasSubstr("        end: failed\n        operations:\n"
                        "          - {kind: child, type: \"ship \\\"it\\\"\", takes: 3s}\n"
                        "          - {kind: timer, takes: 1h4s, until: [1], end: cancelled}\n"
                        "          - {kind: child, type: \"bank/pay\", takes: 4s, after: [1, 2], end: timed_out}\n"
                        "          - {kind: child, type: \"left\", takes: 1s, after: [3], end: open}\n"));
  EXPECT_THAT(reenactment.scenario, HasSubstr("  - runs.failed == 1\n  - counts.step_activities == 0\n"
                                              "  - counts.children_started == 3 and counts.children_completed == 1\n"
                                              "  - counts.timers_fired == 0\n"));
  EXPECT_THAT(reenactment.warnings,
              ElementsAre("order.json: 1 Nexus operations become child workflows that take their time"));
}

TEST(TemporalImport, ARecordedNameCannotBeginALineOfTheScenario) {
  Recording r;
  r.events.front().name = "order\nseed: 7";
  r.add(K::workflow_execution_signaled, seconds(3)).name = "go\nseed: 8";
  const RecordedWorkflow workflow = r.workflow();
  EXPECT_THAT(reenact({&workflow, 1}, "again").scenario, testing::Not(HasSubstr("\nseed")));
}

}  // namespace
}  // namespace dvt::sim
