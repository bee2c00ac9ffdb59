// Child workflows, parent-close policies, and requests from one execution to another.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

const Symbol kChild = Symbol::intern("child");
const Symbol kNote = Symbol::intern("note");

class Children : public EngineFixture {
 protected:
  /// The first execution of this workflow type that closed.
  const Closed& ended(const char* type) {
    for (std::size_t i = 0; i < closed.size(); ++i) {
      const auto& started = std::get<WorkflowExecutionStarted>(closed[i].history.at(0).attributes);
      if (started.info->workflow_type.text() == type) return closed[i];
    }
    ADD_FAILURE() << "no execution of type " << type << " closed";
    return closed.at(0);
  }
  Names only(const Closed& execution, std::string_view part) {
    Names out;
    for (const std::string& name : names(execution.history))
      if (name.find(part) != std::string::npos) out.push_back(name);
    return out;
  }
  void replay_all() {
    for (std::size_t i = 0; i < closed.size(); ++i)
      EXPECT_EQ(workers.verify(closed[i].key, histories[i]), std::nullopt);
  }
  static Payload json(const char* value) { return make_payload<JsonPayload>(value); }
  void child_sleeps(Duration how_long) {
    define(
        [how_long](WorkflowContext& ctx, const Payload&) {
          ctx.sleep(how_long);
          return json("\"slept\"");
        },
        "child");
  }
};

TEST_F(Children, AChildIsInitiatedStartedAndCompletedInTheParentsHistory) {
  add_workers(1);
  child_sleeps(minutes(1));
  define([&](WorkflowContext& ctx, const Payload& input) { return ctx.execute_child(kChild, {}, input); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  const Closed& parent = ended("test");
  EXPECT_EQ(
      names(parent.history),
      (Names{"WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
             "StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted", "WorkflowTaskScheduled",
             "WorkflowTaskStarted", "WorkflowTaskCompleted", "ChildWorkflowExecutionCompleted", "WorkflowTaskScheduled",
             "WorkflowTaskStarted", "WorkflowTaskCompleted", "WorkflowExecutionCompleted"}));
  EXPECT_EQ(payload_as<JsonPayload>(parent.result).json(), "\"slept\"");
  const auto& done = std::get<ChildWorkflowExecutionCompleted>(parent.history.at(9).attributes);
  EXPECT_EQ(done.initiated, 5u);
  EXPECT_EQ(done.started, 6u);
  const auto& begun = std::get<WorkflowExecutionStarted>(ended("child").history.at(0).attributes);
  ASSERT_NE(begun.info->parent, nullptr);
  EXPECT_EQ(begun.info->parent->workflow_id, "run-0");
  EXPECT_EQ(begun.info->parent->initiated, 5u);
  EXPECT_EQ(begun.info->run_id, done.child->run_id);
  EXPECT_EQ(service.open_executions(), 0u);
  replay_all();
}

TEST_F(Children, TheEndOfAChildFindsAParentThatWasRebuiltElsewhere) {
  add_workers(2);
  child_sleeps(minutes(2));
  define([&](WorkflowContext& ctx, const Payload& input) {
    const auto a = ctx.start_child(kChild, {}, input);
    const auto b = ctx.start_child(kChild, {}, input);
    ctx.wait_started(a);
    EXPECT_TRUE(ctx.wait(b).ok);
    EXPECT_TRUE(ctx.wait(a).ok);
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 3u);
  EXPECT_EQ(ended("test").status, CloseStatus::completed);
  EXPECT_GE(telemetry.replayed_tasks, 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  replay_all();
}

// As Temporal's server does it: a child that the copied history has started belongs to the copy; one that was started
// later runs on by itself, and the copy starts its own.
TEST_F(Children, AResetTakesOverTheChildrenThatTheCopyKnowsAndLeavesTheOthersToThemselves) {
  add_workers(1);
  child_sleeps(minutes(10));
  define([&](WorkflowContext& ctx, const Payload& input) {
    const auto early = ctx.start_child(kChild, {}, input);
    ctx.wait_started(early);
    ctx.sleep(minutes(1));
    const auto late = ctx.start_child(kChild, {}, input);
    EXPECT_TRUE(ctx.wait(early).ok);
    EXPECT_TRUE(ctx.wait(late).ok);
    return Payload{};
  });
  start();
  kernel.call_at(Instant{minutes(2).ns}, [&] {
    const History& history = service.execution({0})->history;
    EventId fired = 0;  // the task after the timer, before the second child
    for (EventId id = 1; id <= history.last_id() && fired == 0; ++id)
      if (std::holds_alternative<TimerFired>(history.at(id).attributes)) fired = id;
    EXPECT_EQ(service.reset_workflow({0}, fired + 3, "again"), Service::ResetAnswer::done);
  });
  kernel.run();
  // The execution left behind, the copy, and three children, each of which ended by itself.
  ASSERT_EQ(closed.size(), 5u);
  std::size_t children = 0;
  for (const Closed& one : closed) {
    if (one.key.child == 0) continue;
    ++children;
    EXPECT_EQ(one.status, CloseStatus::completed);
  }
  EXPECT_EQ(children, 3u);
  const Closed& copy = closed.back();
  EXPECT_EQ(copy.key.chain, 1u);
  EXPECT_EQ(copy.status, CloseStatus::completed);
  EXPECT_EQ(only(copy, "ChildWorkflowExecution"),
            (Names{"StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted",
                   "StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted",
                   "ChildWorkflowExecutionCompleted", "ChildWorkflowExecutionCompleted"}));
  EXPECT_EQ(service.open_keys().size(), 0u);
  replay_all();
}

TEST_F(Children, AFailedChildThrowsItsFailure) {
  add_workers(1);
  define([&](WorkflowContext&, const Payload&) -> Payload { throw WorkflowFailure(failure("no_stock")); }, "child");
  define([&](WorkflowContext& ctx, const Payload& input) { return ctx.execute_child(kChild, {}, input); });
  start();
  kernel.run();
  const Closed& parent = ended("test");
  EXPECT_EQ(parent.status, CloseStatus::failed);
  EXPECT_EQ(parent.failure->type.text(), "no_stock");
  EXPECT_EQ(only(parent, "ChildWorkflowExecutionFailed").size(), 1u);
  replay_all();
}

TEST_F(Children, AnOpenExecutionWithItsIdKeepsAChildFromStarting) {
  add_workers(1);
  child_sleeps(minutes(1));
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ChildOptions options;
    options.workflow_id = "run-0";  // its own
    const auto child = ctx.start_child(kChild, options, input);
    EXPECT_THROW(ctx.wait_started(child), ChildWorkflowFailure);
    const ActivityResult result = ctx.wait(child);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.failure->type.text(), "WORKFLOW_ALREADY_EXISTS");
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(only(closed[0], "StartChildWorkflowExecutionFailed").size(), 1u);
  replay_all();
}

TEST_F(Children, AChildThatRunsOutOfTimeAndATerminatedOneAreToldApart) {
  add_workers(1);
  child_sleeps(hours(1));
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ChildOptions options;
    options.run_timeout = minutes(1);
    EXPECT_EQ(ctx.wait(ctx.start_child(kChild, options, input)).failure->type.text(), "TimeoutError");
    return {};
  });
  start();
  kernel.run();
  EXPECT_EQ(only(ended("test"), "ChildWorkflowExecutionTimedOut").size(), 1u);
  EXPECT_EQ(ended("test").at, Instant{minutes(1).ns});
  EXPECT_EQ(ended("child").status, CloseStatus::timed_out);
  replay_all();
}

TEST_F(Children, AChildKeepsItsParentOverContinueAsNew) {
  add_workers(1);
  define(
      [](WorkflowContext& ctx, const Payload& input) -> Payload {
        ctx.sleep(minutes(1));
        if (input == nullptr) ctx.continue_as_new(json("1"));
        return input;
      },
      "child");
  define([&](WorkflowContext& ctx, const Payload&) { return ctx.execute_child(kChild, {}, nullptr); });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 3u);
  EXPECT_EQ(payload_as<JsonPayload>(ended("test").result).json(), "1");
  EXPECT_EQ(ended("test").at, Instant{minutes(2).ns});
  replay_all();
}

class ClosePolicies : public Children, public ::testing::WithParamInterface<ParentClosePolicy> {};

TEST_P(ClosePolicies, DecideWhatBecomesOfAChildWhenItsParentCloses) {
  add_workers(1);
  child_sleeps(minutes(10));
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ChildOptions options;
    options.close_policy = GetParam();
    ctx.wait_started(ctx.start_child(kChild, options, input));
    ctx.sleep(minutes(1));
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  const Closed& child = ended("child");
  switch (GetParam()) {
    case ParentClosePolicy::terminate:
      EXPECT_EQ(child.status, CloseStatus::terminated);
      EXPECT_EQ(child.at, Instant{minutes(1).ns});
      break;
    case ParentClosePolicy::request_cancel:
      EXPECT_EQ(child.status, CloseStatus::cancelled);
      EXPECT_EQ(child.at, Instant{minutes(1).ns});
      break;
    case ParentClosePolicy::abandon:
      EXPECT_EQ(child.status, CloseStatus::completed);
      EXPECT_EQ(child.at, Instant{minutes(10).ns});
      break;
  }
  replay_all();
}
INSTANTIATE_TEST_SUITE_P(Each, ClosePolicies,
                         ::testing::Values(ParentClosePolicy::terminate, ParentClosePolicy::request_cancel,
                                           ParentClosePolicy::abandon),
                         [](const auto& policy) { return std::string(to_string(policy.param)); });

TEST_F(Children, AnAbandonedChildStartsThoughItsParentClosesInTheSameTask) {
  add_workers(1);
  child_sleeps(minutes(1));
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ChildOptions abandoned;
    abandoned.close_policy = ParentClosePolicy::abandon;
    ctx.start_child(kChild, abandoned, input);
    ctx.start_child(kChild, {}, input);  // terminate: it never begins
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(ended("child").status, CloseStatus::completed);
  replay_all();
}

TEST_F(Children, CancellingAScopeCancelsItsChildAndWaitsForIt) {
  add_workers(2);
  define(
      [](WorkflowContext& ctx, const Payload&) -> Payload {
        try {
          ctx.sleep(hours(1));
        } catch (const CancelledFailure&) {
          ctx.non_cancellable([&] { ctx.sleep(minutes(1)); });  // clean-up
          throw;
        }
        return {};
      },
      "child");
  define([&](WorkflowContext& ctx, const Payload& input) { return ctx.execute_child(kChild, {}, input); });
  start();
  kernel.call_at(Instant{minutes(5).ns}, [&] { service.request_cancel({0}); });
  kernel.call_at(Instant{seconds(330).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  const Closed& parent = ended("test");
  EXPECT_EQ(parent.status, CloseStatus::cancelled);
  EXPECT_GE(parent.at, Instant{minutes(6).ns});
  EXPECT_EQ(only(parent, "External"),
            (Names{"RequestCancelExternalWorkflowExecutionInitiated", "ExternalWorkflowExecutionCancelRequested"}));
  EXPECT_EQ(only(parent, "ChildWorkflowExecutionCanceled").size(), 1u);
  for (const HistoryEvent& event : ended("child").history) {
    if (const auto* asked = std::get_if<WorkflowExecutionCancelRequested>(&event.attributes)) {
      ASSERT_NE(asked->caller, nullptr);
      EXPECT_EQ(asked->caller->workflow_id, "run-0");
    }
  }
  replay_all();
}

TEST_F(Children, AChildCancelledBeforeItLeftTheTaskNeverBegins) {
  add_workers(1);
  child_sleeps(minutes(1));
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    const auto child = ctx.start_child(kChild, {}, input);
    ctx.cancel(child);
    EXPECT_THROW(ctx.wait_started(child), CancelledFailure);
    EXPECT_FALSE(ctx.wait(child).ok);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_TRUE(only(closed[0], "Child").empty());
  replay_all();
}

TEST_F(Children, SignalsReachAChildAndSayWhoSentThem) {
  add_workers(1);
  define(
      [](WorkflowContext& ctx, const Payload&) {
        Payload note;
        ctx.on_signal(kNote, [&](const Payload& value) { note = value; });
        ctx.await([&] { return note != nullptr; });
        return note;
      },
      "child");
  define([&](WorkflowContext& ctx, const Payload& input) {
    const auto child = ctx.start_child(kChild, {}, input);
    ctx.wait_started(child);
    ctx.signal(child, kNote, json("\"hello\""));
    return ctx.wait(child).value;
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(payload_as<JsonPayload>(ended("test").result).json(), "\"hello\"");
  EXPECT_EQ(only(ended("test"), "External"),
            (Names{"SignalExternalWorkflowExecutionInitiated", "ExternalWorkflowExecutionSignaled"}));
  EXPECT_EQ(only(ended("child"), "Signaled").size(), 1u);
  EXPECT_TRUE(applied.empty());  // no client waits for it
  replay_all();
}

TEST_F(Children, ASignalToNobodyFailsAndOnlyChildrenAreSignalledAsSuch) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    EXPECT_THROW(ctx.signal_external("nobody", kNote, nullptr), ExternalWorkflowFailure);
    EXPECT_THROW(ctx.cancel_external("nobody"), ExternalWorkflowFailure);
    ctx.signal_external("run-1", kNote, nullptr);
    return {};
  });
  define(
      [](WorkflowContext& ctx, const Payload&) -> Payload {
        bool noted = false;
        ctx.on_signal(kNote, [&](const Payload&) { noted = true; });
        ctx.await([&] { return noted; });
        return {};
      },
      "other");
  start(1, "other");
  start(0);
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(only(ended("test"), "Failed"),
            (Names{"SignalExternalWorkflowExecutionFailed", "RequestCancelExternalWorkflowExecutionFailed"}));
  replay_all();
}

// The parent's workflow task is under way for two seconds while the child closes and a signal comes.
class BusyParent : public EngineFixture {
 protected:
  BusyParent() : EngineFixture({}, {Distribution::constant({}), Distribution::constant(seconds(2))}) {}
};

TEST_F(BusyParent, TheEndOfAChildIsBufferedAndWrittenAfterEverythingElse) {
  add_workers(1);
  define([](WorkflowContext&, const Payload&) -> Payload { return {}; }, "child");
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    ctx.on_signal(kNote, [](const Payload&) {});
    const auto child = ctx.start_child(kChild, {}, input);
    ctx.wait_started(child);
    EXPECT_TRUE(ctx.wait(child).ok);
    return {};
  });
  start();
  // Tasks of the parent: 0 to 2 s, 2 to 4 s, and 4 to 6 s for the first signal; the child ends at 4 s.
  for (const int at : {3, 5})
    kernel.call_at(Instant{seconds(at).ns}, [&] { service.signal_workflow({0}, kNote, nullptr, 1); });
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  const std::vector<HistoryEvent>& parent = closed[1].history;
  EventId started = 0, signaled = 0, completed = 0;
  for (std::size_t i = 0; i < parent.size(); ++i) {
    const EventId id = static_cast<EventId>(i + 1);
    if (std::holds_alternative<ChildWorkflowExecutionStarted>(parent[i].attributes)) started = id;
    if (std::holds_alternative<WorkflowExecutionSignaled>(parent[i].attributes)) signaled = id;
    if (const auto* done = std::get_if<ChildWorkflowExecutionCompleted>(&parent[i].attributes)) {
      completed = id;
      EXPECT_EQ(done->started, started);
    }
  }
  EXPECT_GT(started, 0u);
  EXPECT_GT(signaled, started);
  EXPECT_EQ(completed, signaled + 1);
  EXPECT_EQ(workers.verify(closed[1].key, histories[1]), std::nullopt);
}

}  // namespace
}  // namespace dvt::test
