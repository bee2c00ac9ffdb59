// Runs on the Conductor adapter: the order of their events, timeouts and retries, lost workers, pauses that drain or
// are forced, forced cancels.
#include "conductor_fixture.h"

namespace dvt::test {
namespace {

using Events = std::vector<std::string>;

TEST(Conductor, WritesTheProductionInterpretersEventsInItsOrder) {
  ConductorProvider c({.depends_on = {{}, {"s0"}, {"s0"}, {"s1", "s2"}}});
  c.steps.duration = [](const StepRequest& r) { return r.step.value == 1 ? seconds(9) : seconds(2); };
  c.start();
  c.run_until(minutes(2));
  EXPECT_EQ(c.events(),
            (Events{"RunStarted", "StepStarted s0", "StepCompleted s0", "StepStarted s1", "StepStarted s2",
                    "StepCompleted s1", "StepCompleted s2", "StepStarted s3", "StepCompleted s3", "RunCompleted"}));
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  EXPECT_EQ(c.adapter->open_runs(), 0u);
}

TEST(Conductor, AStepThatFailedEndsTheRunWithItsLayersCompletionsBefore) {
  ConductorProvider c({.depends_on = {{}, {}, {}, {"s2"}}});
  c.steps.answer = [](const StepRequest& r) {
    return r.step.value == 1 ? StepAnswer{StepOutcome::failed, "model_error"} : StepAnswer{};
  };
  c.start();
  c.run_until(minutes(2));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepStarted s1", "StepStarted s2", "StepCompleted s0",
                                "StepFailed s1", "RunFailed"}));
  EXPECT_EQ(c.ended, (Events{"failed user model_error"}));
}

TEST(Conductor, RetriesATransientErrorAfterTheBackoff) {
  ConductorProvider c;
  c.steps.duration = [](const StepRequest&) { return seconds(1); };
  c.steps.answer = [](const StepRequest& r) {
    return r.attempt < 3 ? StepAnswer{StepOutcome::transient_error, "transient_error"} : StepAnswer{};
  };
  c.start();
  c.run_until(minutes(1));
  ASSERT_EQ(c.facts.started.size(), 3u);
  // 1 s of work, backoff of 1 s and of 2 s; each attempt waits for a poll
  EXPECT_GE(c.facts.started[1].at - c.facts.started[0].at, seconds(2));
  EXPECT_LE(c.facts.started[1].at - c.facts.started[0].at, milliseconds(2'100));
  EXPECT_GE(c.facts.started[2].at - c.facts.started[1].at, seconds(3));
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  EXPECT_EQ(c.events().size(), 4u);
}

TEST(Conductor, APermanentErrorIsNotRetried) {
  ConductorProvider c;
  c.steps.answer = [](const StepRequest&) { return StepAnswer{StepOutcome::permanent_error, "permanent_error"}; };
  c.start();
  c.run_until(minutes(1));
  EXPECT_EQ(c.facts.started.size(), 1u);
  EXPECT_EQ(c.ended, (Events{"failed user PermanentStepError"}));
}

TEST(Conductor, KillsEveryStepLongerThanItsTaskTimeoutUnderKnownFaultNineOnly) {
  const auto long_step = [](const StepRequest&) { return seconds(40); };
  ConductorProvider upstream;
  upstream.steps.duration = long_step;
  upstream.start();
  upstream.run_until(minutes(10));
  EXPECT_EQ(upstream.facts.step_closes,
            (Events{"timed_out_start_to_close START_TO_CLOSE", "timed_out_start_to_close START_TO_CLOSE",
                    "timed_out_start_to_close START_TO_CLOSE"}));
  EXPECT_EQ(upstream.ended, (Events{"failed user TimeoutError"}));

  ConductorProvider fixed({.server = {.timeout_by_kind = true}});
  fixed.steps.duration = long_step;
  fixed.start();
  fixed.run_until(minutes(10));
  EXPECT_EQ(fixed.facts.step_closes, (Events{"completed"}));
  EXPECT_EQ(fixed.ended, (Events{"completed none NONE"}));
}

TEST(Conductor, ALateUpdateOfATimedOutAttemptChangesNothing) {
  ConductorProvider c;
  c.steps.duration = [](const StepRequest& r) { return r.attempt == 1 ? seconds(35) : seconds(10); };
  c.start();
  c.run_until(minutes(5));
  EXPECT_EQ(c.facts.step_closes, (Events{"timed_out_start_to_close START_TO_CLOSE", "completed"}));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepCompleted s0", "RunCompleted"}));
}

TEST(Conductor, ATaskOfADeadWorkerTimesOutAndAnotherWorkerRunsIt) {
  ConductorProvider c;
  c.steps.duration = [](const StepRequest&) { return seconds(10); };
  c.start();
  c.run_until(seconds(2));
  ASSERT_EQ(c.facts.started.size(), 1u);
  for (std::uint32_t i = 0; i < 5; ++i) c.workers.kill(c.worker("tq-data", i));
  for (std::uint32_t i = 0; i < 5; ++i) c.workers.start(c.worker("tq-data", i));
  c.run_until(minutes(2));
  EXPECT_EQ(c.facts.step_closes, (Events{"timed_out_start_to_close START_TO_CLOSE", "completed"}));
  EXPECT_GE(c.facts.started[1].at - c.facts.started[0].at, seconds(31));  // the task timeout and the backoff
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  EXPECT_EQ(c.facts.workers.back(), (std::pair<std::uint32_t, bool>{4, true}));
}

TEST(Conductor, AHeartbeatFindsADeadWorkerLongBeforeTheTaskTimeout) {
  ConductorProvider c({.heartbeat = seconds(4), .server = {.timeout_by_kind = true}});
  c.start();
  c.run_until(seconds(6));
  ASSERT_EQ(c.facts.started.size(), 1u);
  for (std::uint32_t i = 0; i < 5; ++i) c.workers.kill(c.worker("tq-data", i));
  for (std::uint32_t i = 0; i < 5; ++i) c.workers.start(c.worker("tq-data", i));
  c.run_until(minutes(2));
  ASSERT_EQ(c.facts.step_closes, (Events{"timed_out_heartbeat HEARTBEAT", "completed"}));
  // the last heartbeat was at most 2 s old when the worker died; then 4 s, a backoff of 1 s, and the next poll
  EXPECT_GE(c.facts.started[1].at, Instant{seconds(9).ns});
  EXPECT_LE(c.facts.started[1].at, Instant{milliseconds(11'100).ns});
}

TEST(Conductor, APlanWithOtherBytesEndsTheRunBeforeAnyStep) {
  ConductorProvider c;
  c.source.corrupt = true;
  c.start();
  c.run_until(minutes(1));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "RunFailed"}));
  EXPECT_EQ(c.ended, (Events{"failed engine PLAN_INTEGRITY_VALIDATION_FAILED"}));
}

TEST(Conductor, EventsThatCannotBeStoredFailTheRun) {
  ConductorProvider c;
  c.store.down = true;
  c.start();
  c.run_until(minutes(5));
  EXPECT_EQ(c.ended, (Events{"failed engine STATESTORE_WRITE_FAILED"}));
  EXPECT_EQ(c.events(), Events{});
}

// ---- PAUSE ----

TEST(ConductorPause, IsDrainingWhileAStepRunsAndIsToldAtTheGate) {
  ConductorProvider c({.depends_on = {{}, {"s0"}}});
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.run_until(seconds(8));
  EXPECT_EQ(c.applied.at(1), Instant{seconds(5).ns});
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused_draining);
  EXPECT_TRUE(c.facts.paused.empty());
  c.run_until(seconds(30));
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused);
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepCompleted s0", "RunPaused"}));
  c.signal_at(seconds(40), SignalType::resume, 2);
  c.run_until(minutes(2));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepCompleted s0", "RunPaused", "RunResumed",
                                "StepStarted s1", "StepCompleted s1", "RunCompleted"}));
  EXPECT_EQ(c.steps.steps(), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_TRUE(c.facts.notices.empty());
}

TEST(ConductorPause, HoldsQueuedStepsAndStandsWhenThoseThatRanHaveEnded) {
  ConductorProvider c({.depends_on = {{}, {}, {}, {}}, .data_workers = 1, .data_slots = 2});
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.run_until(minutes(1));
  EXPECT_EQ(c.steps.steps(), (std::vector<std::uint32_t>{0, 1}));  // two of four had a slot
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused);
  EXPECT_EQ(c.events().back(), "RunPaused");
  c.signal_at(minutes(2), SignalType::resume, 2);
  c.run_until(minutes(5));
  EXPECT_EQ(c.steps.steps(), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_GE(c.facts.started[2].at, c.facts.resumed.at(0));
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
}

TEST(ConductorPause, HoldsARetryUntilTheRunGoesOn) {
  ConductorProvider c;
  c.steps.answer = [](const StepRequest& r) {
    return r.attempt == 1 ? StepAnswer{StepOutcome::transient_error, "transient_error"} : StepAnswer{};
  };
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.run_until(minutes(3));
  EXPECT_EQ(c.facts.started.size(), 1u);
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused);
  c.signal_at(minutes(4), SignalType::resume, 2);
  c.run_until(minutes(6));
  ASSERT_EQ(c.facts.started.size(), 2u);
  EXPECT_GE(c.facts.started[1].at, Instant{minutes(4).ns});
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
}

ConductorSetup long_layer(OrphanPolicy policy) {
  return {.depends_on = {{}, {}, {"s0", "s1"}},
          .server = {.timeout_by_kind = true, .drain_timeout = minutes(5), .orphan_policy = policy}};
}
Duration s1_takes_ten_minutes(const StepRequest& request) {
  return request.step.value == 1 ? minutes(10) : seconds(10);
}

TEST(ConductorPause, IsForcedAtTheDrainTimeoutAndAcceptsLateCompletions) {
  ConductorProvider c(long_layer(OrphanPolicy::accept));
  c.steps.duration = s1_takes_ten_minutes;
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.run_until(seconds(304));
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused_draining);
  EXPECT_TRUE(c.facts.notices.empty());
  c.run_until(seconds(306));
  EXPECT_EQ(c.facts.notices, (Events{"PAUSE_DRAIN_TIMEOUT"}));
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused);
  EXPECT_EQ(c.events().back(), "RunPaused");
  c.run_until(minutes(12));  // the completion is applied though the run stands paused
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepStarted s1", "RunPaused", "StepCompleted s0",
                                "StepCompleted s1"}));
  EXPECT_EQ(c.server.state({0}), WorkflowState::paused);
  c.signal_at(minutes(20), SignalType::resume, 2);
  c.run_until(minutes(30));
  EXPECT_EQ(c.steps.steps(), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(c.facts.notices.size(), 1u);
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
}

TEST(ConductorPause, IsForcedAtTheDrainTimeoutAndRejectsLateCompletions) {
  ConductorProvider c(long_layer(OrphanPolicy::reject));
  c.steps.duration = s1_takes_ten_minutes;
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.run_until(minutes(12));
  EXPECT_EQ(c.facts.notices, (Events{"PAUSE_DRAIN_TIMEOUT", "ORPHANED_TASK"}));
  EXPECT_EQ(c.facts.step_closes, (Events{"completed", "cancelled ORPHANED_TASK"}));
  EXPECT_EQ(c.events().back(), "RunPaused");
  c.signal_at(minutes(20), SignalType::resume, 2);
  c.run_until(minutes(40));
  // s0 completed and is not run again; s1's work was given up and is done anew
  EXPECT_EQ(c.steps.steps(), (std::vector<std::uint32_t>{0, 1, 1, 2}));
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  EXPECT_EQ(c.store.duplicates, 0u);
}

TEST(ConductorPause, ThatIsResumedWhileDrainingLeavesNoTraceUnlessKnownFaultFiveIsMended) {
  for (const bool mended : {false, true}) {
    ConductorProvider c({.depends_on = {{}, {"s0"}}, .server = {.trace_short_pauses = mended}});
    c.start();
    c.signal_at(seconds(3), SignalType::pause, 1);
    c.signal_at(seconds(5), SignalType::resume, 2);
    c.run_until(minutes(2));
    const Events events = c.events();
    EXPECT_EQ(std::count(events.begin(), events.end(), "RunPaused"), mended ? 1 : 0);
    EXPECT_EQ(std::count(events.begin(), events.end(), "RunResumed"), mended ? 1 : 0);
    EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  }
}

TEST(ConductorPause, ASecondOneIsSwallowedByTheStoreUnlessKnownFaultSevenIsMended) {
  for (const bool mended : {false, true}) {
    ConductorProvider c({.depends_on = {{}, {"s0"}, {"s1"}}, .server = {.number_pauses = mended}});
    c.start();
    c.signal_at(seconds(3), SignalType::pause, 1);
    c.signal_at(seconds(30), SignalType::resume, 2);
    c.signal_at(seconds(35), SignalType::pause, 3);
    c.signal_at(seconds(60), SignalType::resume, 4);
    c.run_until(minutes(3));
    EXPECT_EQ(c.store.duplicates, mended ? 0u : 2u);
    EXPECT_EQ(c.facts.paused.size(), 2u);
    EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  }
}

// The step is queued after half a second, tq-data's only worker polls at the full one, and the PAUSE that was accepted
// before arrives after that.
TEST(ConductorPause, KeepsAQueuedStepFromTheDecisionOnWhenKnownFaultSixIsMended) {
  for (const bool mended : {false, true}) {
    ConductorProvider c({.data_workers = 1, .rpc_latency = milliseconds(480), .hold_at_decision = mended});
    c.start();
    c.signal_at(milliseconds(700), SignalType::pause, 1);
    c.run_until(minutes(1));
    EXPECT_EQ(c.applied.at(1), Instant{milliseconds(1'180).ns});
    EXPECT_EQ(c.facts.started.size(), mended ? 0u : 1u);
    if (!mended) {
      EXPECT_EQ(c.facts.started[0].at, Instant{seconds(1).ns});
    }
    EXPECT_EQ(c.server.state({0}).has_value(), mended);  // the upstream run ended: its pause met the last layer
  }
}

// ---- CANCEL ----

TEST(ConductorCancel, IsForcedAndWritesRunCancelled) {
  ConductorProvider c({.depends_on = {{}, {}, {"s0"}}});
  c.start();
  c.signal_at(seconds(5), SignalType::cancel, 1);
  c.run_until(minutes(2));
  EXPECT_EQ(c.facts.step_closes, (Events{"cancelled", "cancelled"}));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepStarted s1", "RunCancelled"}));
  EXPECT_EQ(c.ended, (Events{"cancelled none CANCELLED"}));
  EXPECT_LT(c.ended_at, Instant{seconds(6).ns});
}

TEST(ConductorCancel, EndsAPausedRun) {
  ConductorProvider c({.depends_on = {{}, {"s0"}}});
  c.start();
  c.signal_at(seconds(5), SignalType::pause, 1);
  c.signal_at(seconds(30), SignalType::cancel, 2);
  c.run_until(minutes(1));
  EXPECT_EQ(c.events(), (Events{"RunStarted", "StepStarted s0", "StepCompleted s0", "RunPaused", "RunCancelled"}));
  EXPECT_EQ(c.ended, (Events{"cancelled none CANCELLED"}));
}

TEST(ConductorCancel, IsWrittenHoweverLongTheStoreIsAway) {
  ConductorProvider c;
  c.start();
  c.signal_at(seconds(5), SignalType::cancel, 1);
  c.kernel.call_at(Instant{seconds(4).ns}, [&c] { c.store.down = true; });
  c.kernel.call_at(Instant{minutes(10).ns}, [&c] { c.store.down = false; });
  c.run_until(minutes(15));
  EXPECT_EQ(c.events().back(), "RunCancelled");
  EXPECT_EQ(c.ended, (Events{"cancelled none CANCELLED"}));
}

TEST(ConductorCancel, LosesTheSignalsThatComeAfterItWithTheRunAndNotBefore) {
  ConductorProvider c;
  c.start();
  c.signal_at(seconds(5), SignalType::cancel, 1);
  c.kernel.call_at(Instant{seconds(4).ns}, [&c] { c.store.down = true; });
  c.signal_at(seconds(6), SignalType::pause, 2);
  c.signal_at(seconds(7), SignalType::resume, 3);
  c.signal_at(seconds(8), SignalType::cancel, 4);
  c.kernel.call_at(Instant{minutes(10).ns}, [&c] {
    EXPECT_TRUE(c.lost.empty()) << "the run is open";
    c.store.down = false;
  });
  c.run_until(minutes(15));
  EXPECT_EQ(c.ended, (Events{"cancelled none CANCELLED"}));
  EXPECT_EQ(c.lost, (std::vector<std::uint64_t>{2, 3, 4}));
}

TEST(ConductorCancel, OfARunWhoseLastEventIsUnderWayIsLostWhenThatIsWritten) {
  ConductorProvider c({.server = {.poll_latency = Distribution::constant(milliseconds(50))}});
  c.steps.duration = [](const StepRequest&) { return seconds(1); };
  c.start();
  // While RunCompleted is on its way to a worker.
  std::function<void()> watch = [&] {
    if (!c.store.events.empty() && c.store.events.back().type == EventType::step_completed) {
      c.kernel.call_after(milliseconds(30), [&c] { c.adapter->signal({{0}, SignalType::cancel, 1, {}, {}}); });
      return;
    }
    c.kernel.call_after(milliseconds(1), [&] { watch(); });
  };
  watch();
  c.run_until(minutes(1));
  EXPECT_EQ(c.ended, (Events{"completed none NONE"}));
  EXPECT_EQ(c.lost, (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(c.applied.empty());
}

TEST(Conductor, SignalsOfARunThatIsOverOrThatConductorDoesNotKnowAreLost) {
  ConductorProvider c;
  c.start();
  c.signal_at(seconds(1), SignalType::retry_step, 1);
  c.signal_at(minutes(1), SignalType::pause, 2);
  c.signal_at(minutes(1), SignalType::cancel, 3);
  c.run_until(minutes(2));
  EXPECT_EQ(c.lost, (std::vector<std::uint64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace dvt::test
