// Cancellation scopes and branches: what a cancel reaches, what it does not, and what workflow code sees of it.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

class Scopes : public EngineFixture {
 protected:
  std::size_t count(const char* name) {
    const Names all = names(closed.at(0).history);
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), name));
  }
  void replays() { EXPECT_EQ(workers.verify({{0}, 0}, histories.at(0)), std::nullopt); }
};

TEST_F(Scopes, CancellingAScopeCancelsItsActivitiesAndTimersAndNoOthers) {
  add_workers(1);
  activity.delay = minutes(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    const CancellationScope scope = ctx.make_scope();
    ctx.on_signal(Symbol::intern("stop"), [scope](const Payload&) { scope.cancel(); });
    const auto kept = ctx.start_activity(act, options(), nullptr);
    bool cancelled = false;
    try {
      ctx.run(scope, [&] {
        const auto inside = ctx.start_activity(act, options(), nullptr);
        ctx.sleep(hours(1));
        ctx.wait(inside);
      });
    } catch (const CancelledFailure&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
    EXPECT_TRUE(scope.cancelled());
    EXPECT_FALSE(ctx.cancelled());
    EXPECT_TRUE(ctx.wait(kept).ok);
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] { service.signal_workflow({0}, Symbol::intern("stop"), nullptr, 1); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(closed[0].at, Instant{minutes(2).ns});
  EXPECT_EQ(count("ActivityTaskCancelRequested"), 1u);
  EXPECT_EQ(count("TimerCanceled"), 1u);
  for (const HistoryEvent& event : closed[0].history) {
    const auto* asked = std::get_if<ActivityTaskCancelRequested>(&event.attributes);
    if (asked != nullptr) {
      EXPECT_EQ(asked->scheduled, 6u);  // the second activity
    }
  }
  replays();
}

TEST_F(Scopes, ACancelReachesNestedScopesAndStopsAtAShield) {
  add_workers(1);
  activity.delay = minutes(2);
  Names seen;
  define([&](WorkflowContext& ctx, const Payload&) {
    const CancellationScope outer = ctx.make_scope();
    ctx.run(outer, [&] {
      const auto nested = ctx.spawn([&] {
        try {
          ctx.cancellable([&] { ctx.execute_activity(act, options(), nullptr); });
        } catch (const CancelledFailure&) {
          seen.emplace_back("nested cancelled");
        }
      });
      const auto shielded = ctx.spawn([&] {
        ctx.non_cancellable([&] { ctx.execute_activity(act, options(), nullptr); });
        seen.emplace_back("shielded done");
      });
      ctx.non_cancellable([&] {
        ctx.sleep(seconds(10));
        outer.cancel();
        ctx.join(nested);
        ctx.join(shielded);
      });
    });
    return Payload{};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(seen, (Names{"nested cancelled", "shielded done"}));
  EXPECT_EQ(closed[0].at, Instant{minutes(2).ns});
  EXPECT_EQ(count("ActivityTaskCancelRequested"), 1u);
  seen.clear();
  replays();
}

TEST_F(Scopes, ShieldedCleanUpRunsAfterACancelOfTheWorkflow) {
  add_workers(2);
  activity.delay = minutes(2);
  const Symbol undo = Symbol::intern("undo");
  ScriptedActivity undoing(kernel);
  workers.register_activity(undo, undoing);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    try {
      return ctx.execute_activity(act, options(), nullptr);
    } catch (const CancelledFailure&) {
      EXPECT_THROW(ctx.execute_activity(undo, options(), nullptr), CancelledFailure);
      ctx.non_cancellable([&] { ctx.execute_activity(undo, options(), nullptr); });  // parks inside the catch block
      throw;
    }
  });
  start();
  kernel.call_at(Instant{seconds(30).ns}, [&] { service.request_cancel({0}); });
  undoing.delay = minutes(1);
  kernel.call_at(Instant{seconds(60).ns}, [&] { workers.kill(service.execution({0})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::cancelled);
  EXPECT_EQ(count("ActivityTaskScheduled"), 2u);
  EXPECT_GE(telemetry.replayed_tasks, 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  replays();
}

TEST_F(Scopes, ATimeoutScopeCancelsWhatTakesTooLong) {
  add_workers(1);
  activity.delay = minutes(5);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    bool late = false;
    try {
      ctx.with_timeout(seconds(30), [&] { ctx.execute_activity(act, options(), nullptr); });
    } catch (const CancelledFailure&) {
      late = true;
    }
    EXPECT_TRUE(late);
    EXPECT_EQ(ctx.now(), Instant{seconds(30).ns});
    EXPECT_EQ(ctx.with_timeout(seconds(30), [&] { return 4; }), 4);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(count("TimerFired"), 1u);
  EXPECT_EQ(count("TimerStarted"), 1u);  // the second scope's timer never left the task
  EXPECT_EQ(count("ActivityTaskCancelRequested"), 1u);
  replays();
}

TEST_F(Scopes, ATimeoutScopeThatIsInTimeDropsItsTimer) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    ctx.with_timeout(seconds(30), [&] { ctx.execute_activity(act, options(), nullptr); });
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(1).ns});
  EXPECT_EQ(count("TimerCanceled"), 1u);
  replays();
}

TEST_F(Scopes, WhatIsCancelledBeforeItLeftTheTaskWasNeverAskedFor) {
  add_workers(1);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    const CancellationScope scope = ctx.make_scope();
    const auto handle = ctx.run(scope, [&] { return ctx.start_activity(act, options(), nullptr); });
    scope.cancel();
    EXPECT_THROW(ctx.wait(handle), CancelledFailure);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(count("ActivityTaskScheduled"), 0u);
  EXPECT_TRUE(activity.attempts.empty());
  replays();
}

TEST_F(Scopes, ALocalActivityInACancelledScopeEndsAtOnce) {
  add_workers(1);
  activity.delay = seconds(5);
  LocalActivityOptions local;
  local.start_to_close = minutes(1);
  const auto local_options = std::make_shared<const LocalActivityOptions>(local);
  ScriptedActivity quick(kernel);
  workers.register_activity(Symbol::intern("quick"), quick);
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    const CancellationScope scope = ctx.make_scope();
    const auto slow = ctx.run(scope, [&] { return ctx.start_local_activity(act, local_options, nullptr); });
    ctx.execute_local_activity(Symbol::intern("quick"), local_options, nullptr);
    scope.cancel();
    EXPECT_THROW(ctx.wait(slow), CancelledFailure);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(1).ns});
  EXPECT_EQ(count("MarkerRecorded"), 2u);
  replays();
}

TEST_F(Scopes, BranchesRunInParallelAndHandTheirErrorsToWhoJoinsThem) {
  add_workers(1);
  activity.delay = seconds(10);
  activity.answer = [&](const ActivityInvocation& i) {
    return i.activity == 2 ? ActivityAnswer{nullptr, failure("broken", true)} : ActivityAnswer{};
  };
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    const auto good = ctx.spawn([&] { ctx.execute_activity(act, options(), nullptr); });
    const auto bad = ctx.spawn([&] { ctx.execute_activity(act, options(), nullptr); });
    ctx.join(good);
    EXPECT_THROW(ctx.join(bad), ActivityFailure);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(closed[0].at, Instant{seconds(10).ns});
  replays();
}

TEST_F(Scopes, ConditionsOfOneBranchAreMetByAnother) {
  add_workers(1);
  Names order;
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    int stage = 0;
    const auto second = ctx.spawn([&] {
      ctx.await([&] { return stage == 1; });
      order.emplace_back("second");
      stage = 2;
    });
    stage = 1;
    ctx.await([&] { return stage == 2; });
    order.emplace_back("first");
    ctx.join(second);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(order, (Names{"second", "first"}));
  EXPECT_EQ(closed[0].history.size(), 5u);  // one task
}

TEST_F(Scopes, AProgrammersErrorInABranchFailsTheTask) {
  add_workers(1);
  int runs = 0;
  define([&](WorkflowContext& ctx, const Payload&) -> Payload {
    const auto branch = ctx.spawn([&] {
      if (++runs == 1) throw std::logic_error("a bug");
    });
    ctx.join(branch);
    return {};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(telemetry.task_failure_causes, (Names{"WORKFLOW_WORKER_UNHANDLED_FAILURE"}));
}

}  // namespace
}  // namespace dvt::test
