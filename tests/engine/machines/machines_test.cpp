// The state machines' tables: every legal transition, and that every other pair is refused without a change.
#include <gtest/gtest.h>

#include <vector>

#include "engine/machines/activity.h"
#include "engine/machines/cancellation.h"
#include "engine/machines/child.h"
#include "engine/machines/signal.h"
#include "engine/machines/timer.h"
#include "engine/machines/update.h"
#include "engine/machines/workflow_task.h"

namespace dvt::engine {
namespace {

template <class MachineType, class State, class Event>
void expect_exactly(const std::vector<State>& states, const std::vector<Event>& events,
                    const std::vector<std::tuple<State, Event, State>>& legal) {
  for (const State state : states) {
    for (const Event event : events) {
      MachineType machine(state);
      const State* expected = nullptr;
      for (const auto& row : legal)
        if (std::get<0>(row) == state && std::get<1>(row) == event) expected = &std::get<2>(row);
      EXPECT_EQ(machine.can(event), expected != nullptr);
      EXPECT_EQ(machine.apply(event), expected != nullptr);
      EXPECT_EQ(machine.state(), expected != nullptr ? *expected : state);
    }
  }
}

TEST(ActivityMachine, ClosesOnceAndRetriesOnlyFromARunningAttempt) {
  using S = ActivityState;
  using E = ActivityEvent;
  expect_exactly<ActivityMachine, S, E>({S::scheduled, S::started, S::backing_off, S::closed},
                                        {E::dispatched, E::closed, E::retry_decided, E::retry_due},
                                        {{S::scheduled, E::dispatched, S::started},
                                         {S::scheduled, E::closed, S::closed},
                                         {S::started, E::closed, S::closed},
                                         {S::started, E::retry_decided, S::backing_off},
                                         {S::backing_off, E::retry_due, S::scheduled},
                                         {S::backing_off, E::closed, S::closed}});
}

TEST(WorkflowTaskMachine, HasOneTaskOutstandingAtMost) {
  using S = WorkflowTaskState;
  using E = WorkflowTaskEvent;
  expect_exactly<WorkflowTaskMachine, S, E>({S::none, S::scheduled, S::started},
                                            {E::schedule, E::start, E::complete, E::fail, E::time_out},
                                            {{S::none, E::schedule, S::scheduled},
                                             {S::scheduled, E::start, S::started},
                                             {S::scheduled, E::time_out, S::none},
                                             {S::started, E::complete, S::none},
                                             {S::started, E::fail, S::none},
                                             {S::started, E::time_out, S::none}});
}

TEST(ChildMachine, StartsOnceAndClosesOnlyAfterItsStart) {
  using S = ChildState;
  using E = ChildEvent;
  expect_exactly<ChildMachine, S, E>({S::initiated, S::started, S::closed}, {E::start, E::start_failed, E::close},
                                     {{S::initiated, E::start, S::started},
                                      {S::initiated, E::start_failed, S::closed},
                                      {S::started, E::close, S::closed}});
}

TEST(UpdateMachine, IsAcceptedOrRejectedOnceAndSentAgainAfterATaskThatFailed) {
  using S = UpdateState;
  using E = UpdateEvent;
  expect_exactly<UpdateMachine, S, E>(
      {S::admitted, S::sent, S::accepted, S::completed, S::rejected, S::aborted},
      {E::task_started, E::task_not_completed, E::accept, E::complete, E::reject, E::execution_closed},
      {{S::admitted, E::task_started, S::sent},
       {S::sent, E::task_not_completed, S::admitted},
       {S::sent, E::accept, S::accepted},
       {S::sent, E::reject, S::rejected},
       {S::accepted, E::complete, S::completed},
       {S::admitted, E::execution_closed, S::aborted},
       {S::sent, E::execution_closed, S::aborted},
       {S::accepted, E::execution_closed, S::aborted}});
}

TEST(TimerMachine, FiresOrIsCancelledAndNeverBoth) {
  using S = TimerState;
  using E = TimerEvent;
  expect_exactly<TimerMachine, S, E>({S::running, S::fired, S::cancelled}, {E::fire, E::cancel},
                                     {{S::running, E::fire, S::fired}, {S::running, E::cancel, S::cancelled}});
}

TEST(SignalMachine, IsAppliedOrLostOnce) {
  using S = SignalState;
  using E = SignalEvent;
  expect_exactly<SignalMachine, S, E>({S::received, S::delivered, S::applied, S::lost},
                                      {E::task_started, E::task_completed, E::task_not_completed, E::execution_closed},
                                      {{S::received, E::task_started, S::delivered},
                                       {S::delivered, E::task_completed, S::applied},
                                       {S::delivered, E::task_not_completed, S::received},
                                       {S::received, E::execution_closed, S::lost},
                                       {S::delivered, E::execution_closed, S::lost}});
}

TEST(CancellationMachine, IsRequestedOnce) {
  CancellationMachine machine(CancellationState::none);
  EXPECT_TRUE(machine.apply(CancellationEvent::request));
  EXPECT_FALSE(machine.apply(CancellationEvent::request));
}

}  // namespace
}  // namespace dvt::engine
