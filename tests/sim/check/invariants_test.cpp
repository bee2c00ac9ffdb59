// What the invariants must not take for a violation, what a known fault explains, and that memory stays flat.
#include "sim/check/invariants.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/base/result.h"
#include "engine/ports/bus.h"
#include "tests/sim/check/script.h"

namespace dvt::sim {
namespace {

using test::Script;

struct Scene {
  explicit Scene(std::initializer_list<int> faults_on = {}) : Scene(config(faults_on)) {}
  explicit Scene(const InvariantConfig& c) : suite(c), script(suite) {}

  static InvariantConfig config(std::initializer_list<int> faults_on) {
    InvariantConfig config;
    config.known_faults_fixed.fill(true);
    for (const int fault : faults_on) config.known_faults_fixed.at(static_cast<std::size_t>(fault)) = false;
    config.subscriptions = 2;
    config.outbox_backoff_max = seconds(36);
    return config;
  }
  std::map<std::string, InvariantResult> finish(EndOfRun end = {}) {
    if (end.at == Instant{}) end.at = script.now;
    std::map<std::string, InvariantResult> by_name;
    for (InvariantResult& result : suite.finish(end)) by_name[result.name] = std::move(result);
    return by_name;
  }
  void expect_clean(EndOfRun end = {}) {
    for (const auto& [name, result] : finish(end)) {
      EXPECT_EQ(result.violations, 0U) << name << ": " << (result.examples.empty() ? "" : result.examples.front());
    }
  }

  InvariantSuite suite;
  Script script;
};

StepIndex step(std::uint32_t index) {
  return StepIndex{index};
}

// ---- Not violations ----

TEST(Invariants, SeeNothingWrongInRunsThatAreInFlightAtTheEnd) {
  Scene s;
  s.script.open(0);
  s.script.emit(0, EventType::step_started, step(0));
  s.script.activity(0, ActivityKind::step, "executeStep", step(0));
  s.script.signal(0, SignalType::pause);
  s.script.accept(1);
  s.expect_clean({s.script.now, s.script.committed(), false});
}

TEST(Invariants, AcceptASecondAttemptAfterThirtyMinutesOnADeadWorkerWithAnEventThatIsThereAlready) {
  Scene s;
  s.script.open(0);
  ActivityFact emit = s.script.activity(0, ActivityKind::control, "emitEvent", step(0));
  s.script.begin(emit);
  const StoredEvent stored = s.script.append(0, EventType::step_started, step(0));
  s.script.pass(minutes(30));  // the worker died before it could answer
  s.script.end(emit, ActivityOutcome::timed_out_start_to_close);
  s.script.retry(emit, seconds(1));
  s.script.pass(seconds(1));
  ++emit.attempt;
  s.script.schedule(emit);
  s.script.begin(emit);
  s.script.acknowledge(stored, true);
  s.script.end(emit);
  s.expect_clean();
}

TEST(Invariants, AcceptRetriesThatAreToldBeforeTheAttemptsClose) {
  Scene s;
  s.script.open(0);
  ActivityFact work = s.script.activity(0, ActivityKind::step, "executeStep", step(0));
  s.script.begin(work);
  s.script.retry(work, seconds(1));
  s.script.end(work, ActivityOutcome::failed_retryable);
  s.script.pass(seconds(1));
  ++work.attempt;
  s.script.schedule(work);
  s.script.begin(work);
  s.script.end(work);
  s.expect_clean();
}

TEST(Invariants, AcceptARowThatIsPublishedAgainByAnotherRelayAfterTheFirstOnesLeaseRanOut) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.pass(seconds(31));  // the relay stood still
  s.script.lease(1, 1);
  s.script.publish(1);
  s.script.publish(1);  // and goes on
  s.script.deliver(1);
  s.script.deliver(1, false);
  s.expect_clean({s.script.now, {}, true});
}

TEST(Invariants, AcceptALeaseWithinTheFormerOneWhenThePublicationHadFailed) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.pass(milliseconds(100));
  s.script.release(1);
  s.script.pass(milliseconds(900));
  s.script.lease(1, 1);
  s.script.publish(1);
  s.script.deliver(1);
  s.expect_clean({s.script.now, {}, true});
}

TEST(Invariants, AcceptACopyThatArrivesAfterItsRowWentToTheDeadLetters) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.suite.dead_lettered(kNoSubscription, s.script.event(1), s.script.now);  // its acknowledgements were lost
  s.script.pass(seconds(4));
  s.script.deliver(1);
  s.expect_clean({s.script.now, {}, true});
}

TEST(Invariants, AcceptSignalsThatAreLostBecauseTheRunClosesAtThatInstant) {
  Scene s;
  s.script.open(0);
  const std::uint64_t pause = s.script.signal(0, SignalType::pause);
  const std::uint64_t late = s.script.signal(0, SignalType::resume);
  s.script.emit(0, EventType::run_completed);
  s.script.lost(0, SignalType::pause, pause);
  s.script.close(0, RunOutcome::completed);
  s.script.pass(milliseconds(40));
  s.script.lost(0, SignalType::resume, late);  // it was on its way to the provider
  s.script.pass(minutes(5));
  s.expect_clean();
}

TEST(Invariants, DoNotJudgeSignalsThatMeetARunBeforeTheProviderKnowsIt) {
  Scene s;
  s.script.accept(0);
  s.script.lost(0, SignalType::pause, s.script.signal(0, SignalType::pause));
  s.script.admit(0);
  s.script.start(0);
  s.script.pass(minutes(5));
  s.expect_clean();
}

TEST(Invariants, AcceptACancelThatArrivesWhileRunCompletedIsBeingWritten) {
  Scene s;
  s.script.open(0);
  ActivityFact emit = s.script.activity(0, ActivityKind::control, "emitEvent");
  s.script.begin(emit);
  s.script.applied(0, SignalType::cancel, s.script.signal(0, SignalType::cancel));
  s.script.append(0, EventType::run_completed);
  s.script.end(emit);
  s.script.close(0, RunOutcome::completed);
  s.expect_clean();
}

TEST(Invariants, AcceptStepsThatStartBecauseAResumeCameWhileRunPausedWasBeingWritten) {
  Scene s;
  s.script.open(0);
  s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
  const std::uint64_t resume = s.script.signal(0, SignalType::resume);
  s.script.stand(0);
  s.script.applied(0, SignalType::resume, resume);
  s.script.go_on(0);
  s.script.layer(0, 0);
  s.expect_clean();
}

TEST(Invariants, DoNotHoldAPauseAgainstStepsThatAnEarlierResumeLetsGo) {
  Scene s;
  s.script.open(0);
  s.script.emit(0, EventType::step_started, step(0));
  ActivityFact queued = s.script.activity(0, ActivityKind::step, "executeStep", step(0));
  s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
  const std::uint64_t resume = s.script.signal(0, SignalType::resume);
  s.script.signal(0, SignalType::pause);
  s.script.applied(0, SignalType::resume, resume);
  s.script.begin(queued);
  s.expect_clean();
}

TEST(Invariants, AcceptAStepStartedThatFailedOpenAndIsWrittenLate) {
  Scene s;
  s.script.open(0);
  const StoredEvent started = s.script.make(0, EventType::step_started, step(0));
  s.script.fail_open(started);
  s.script.execute(0, 0);
  s.script.emit(0, EventType::step_completed, step(0));
  s.script.reconcile(started);
  s.expect_clean();
}

TEST(Invariants, AcceptAStepStartedThatAWorkerTookWithIt) {
  Scene s;
  s.script.open(0);
  const StoredEvent started = s.script.make(0, EventType::step_started, step(0));
  s.script.fail_open(started);
  s.script.lose_spooled(started);
  s.script.execute(0, 0);
  s.script.emit(0, EventType::step_completed, step(0));
  s.expect_clean();
}

TEST(Invariants, RefuseTheEndOfAStepWhoseStartNobodyFailedToWrite) {
  Scene s;
  s.script.open(0);
  s.script.execute(0, 0);
  s.script.emit(0, EventType::step_completed, step(0));
  EXPECT_EQ(s.finish().at("legal-transitions").violations, 1U);
}

TEST(Invariants, SeeASpooledEventThatIsReconciledWithoutARow) {
  Scene s;
  s.script.open(0);
  const StoredEvent started = s.script.make(0, EventType::step_started, step(0));
  s.script.fail_open(started);
  s.suite.spool_changed({started, SpoolStep::reconciled, 0, 0, s.script.now});
  EXPECT_EQ(s.finish().at("spool-accounts-for-every-event").violations, 1U);
}

TEST(Invariants, SeeALossOfWhatNobodySpooled) {
  Scene s;
  s.script.open(0);
  s.suite.spool_changed({s.script.make(0, EventType::step_started, step(0)), SpoolStep::lost, 0, 0, s.script.now});
  EXPECT_EQ(s.finish().at("spool-accounts-for-every-event").violations, 1U);
}

TEST(Invariants, SeeAStoreThatHoldsLessThanWasCommitted) {
  Scene s;
  s.script.clean_day();
  EndOfRun end{s.script.now, 0, true};
  end.stored_events = 3;
  std::uint64_t violations = 0;
  for (const InvariantResult& result : s.suite.finish(end))
    if (result.name == "acknowledged-appends-are-in-the-log") violations = result.violations;
  EXPECT_EQ(violations, 1U);
}

TEST(Invariants, DoNotAskForTheEventOfARunThatFailedBecauseItsEventsCouldNotBeWritten) {
  Scene s;
  s.script.open(0);
  s.script.refuse(s.script.make(0, EventType::run_completed));
  s.script.close(0, RunOutcome::failed);
  s.script.open(1);
  s.script.close(1, RunOutcome::terminated);  // by an operator: nobody writes for it
  s.expect_clean();
}

// A CANCEL that arrives while the task is under way that asks for RunCompleted is buffered: the workflow cannot know of
// it.
TEST(Invariants, ExcuseACancelThatArrivesDuringTheLastWorkflowTask) {
  Scene s;
  s.script.open(0);
  s.script.workflow_task(0);
  s.script.applied(0, SignalType::cancel, s.script.signal(0, SignalType::cancel));
  s.script.complete(0);
  EXPECT_EQ(s.finish().at("accepted-cancels-take-effect").violations, 0U);
}

// RunCompleted is in the log, and the workflow never heard so: it fails, and the log keeps its word.
TEST(Invariants, AskNothingOfAnEndThatWasWrittenAndNeverHeardOf) {
  for (const bool heard : {false, true}) {
    Scene s;
    s.script.open(0);
    ActivityFact emission = s.script.activity(0, ActivityKind::control, "emitEvent");
    s.script.begin(emission);
    s.script.acknowledge(s.script.commit(s.script.make(0, EventType::run_completed)), false);
    s.script.end(emission, heard ? ActivityOutcome::completed : ActivityOutcome::failed);
    s.script.close(0, RunOutcome::failed);
    EXPECT_EQ(s.finish().at("engine-matches-store").violations, heard ? 1U : 0U);
  }
}

TEST(Invariants, StillJudgeARunWhoseRefusedAppendWasMadeGood) {
  Scene s;
  s.script.open(0);
  const StoredEvent event = s.script.make(0, EventType::step_started, step(0));
  s.script.refuse(event);
  s.script.acknowledge(s.script.commit(event), false);
  s.script.close(0, RunOutcome::failed);
  EXPECT_EQ(s.finish().at("engine-matches-store").violations, 1U);
}

TEST(Invariants, AcceptGapsInRunSeq) {
  Scene s;
  s.script.open(0);
  s.script.run(0).seq += 5;
  s.script.layer(0, 0);
  s.script.project();
  s.expect_clean({s.script.now, 0, false});
}

// ---- Known faults ----

struct KnownFaultCase {
  int fault;
  const char* invariant;
  void (*live)(Script&);
};

class KnownFault : public testing::TestWithParam<KnownFaultCase> {};

TEST_P(KnownFault, ExplainsItsInvariantWhileItIsOnAndIsAViolationOnceMended) {
  const KnownFaultCase& c = GetParam();
  Scene on({c.fault});
  c.live(on.script);
  const InvariantResult explained = on.finish().at(c.invariant);
  EXPECT_EQ(explained.known_fault, c.fault);
  EXPECT_GT(explained.violations, 0U);
  EXPECT_FALSE(explained.examples.empty());

  Scene fixed;
  c.live(fixed.script);
  const InvariantResult violated = fixed.finish().at(c.invariant);
  EXPECT_EQ(violated.known_fault, 0);
  EXPECT_GT(violated.violations, 0U);
}

void native_cancel(Script& script) {
  script.open(0);
  script.applied(0, SignalType::cancel, script.signal(0, SignalType::cancel));
  script.close(0, RunOutcome::cancelled);
}
void forgotten_at_continue_as_new(Script& script) {
  script.open(0);
  script.applied(0, SignalType::pause, script.signal(0, SignalType::pause));
  script.layer(0, 0);
  script.layer(0, 1);
}
void late_cancel(Script& script) {
  script.open(0);
  script.emit(0, EventType::step_started, step(0));
  script.applied(0, SignalType::cancel, script.signal(0, SignalType::cancel));
  script.execute(0, 0);
  script.emit(0, EventType::step_completed, step(0));
  script.complete(0);
}
void forgotten_cancel(Script& script) {
  script.open(0);
  script.emit(0, EventType::step_started, step(0));
  script.applied(0, SignalType::cancel, script.signal(0, SignalType::cancel));
  script.execute(0, 0);
  script.emit(0, EventType::step_completed, step(0));
  script.layer(0, 1);  // the gate between, and the execution after it, knew nothing of it
  script.complete(0);
}
void invalid_plan(Script& script) {
  script.open(0);
  script.emit(0, EventType::run_failed);
  script.open(1);
  script.pass(hours(2));
  script.complete(1);
  script.pass(seconds(1));
}
void short_pause(Script& script) {
  script.open(0);
  script.emit(0, EventType::step_started, step(0));
  script.applied(0, SignalType::pause, script.signal(0, SignalType::pause));
  script.applied(0, SignalType::resume, script.signal(0, SignalType::resume));
  script.execute(0, 0);
  script.emit(0, EventType::step_completed, step(0));
  script.layer(0, 1);
}
void queued_step(Script& script) {
  script.open(0);
  script.emit(0, EventType::step_started, step(0));
  ActivityFact queued = script.activity(0, ActivityKind::step, "executeStep", step(0));
  script.signal(0, SignalType::pause);
  script.begin(queued);
}
void swallowed_pause(Script& script) {
  script.open(0);
  script.applied(0, SignalType::pause, script.signal(0, SignalType::pause));
  script.stand(0);
  script.applied(0, SignalType::resume, script.signal(0, SignalType::resume));
  script.go_on(0);
  script.applied(0, SignalType::pause, script.signal(0, SignalType::pause));
  // RunPaused again, with the first one's key: the store answers with the stored row and inserts nothing.
  script.acknowledge(script.event(3), true);
  script.tell_paused(0);
}

INSTANTIATE_TEST_SUITE_P(All, KnownFault,
                         testing::Values(KnownFaultCase{1, "engine-matches-store", native_cancel},
                                         KnownFaultCase{2, "applied-pauses-are-obeyed", forgotten_at_continue_as_new},
                                         KnownFaultCase{2, "accepted-cancels-take-effect", forgotten_cancel},
                                         KnownFaultCase{3, "accepted-cancels-take-effect", late_cancel},
                                         KnownFaultCase{4, "ended-runs-close", invalid_plan},
                                         KnownFaultCase{5, "pauses-leave-a-trace", short_pause},
                                         KnownFaultCase{6, "queued-steps-wait-out-a-pause", queued_step},
                                         KnownFaultCase{7, "projection-shows-the-pause", swallowed_pause}),
                         [](const auto& parameter) {
                           std::string name =
                               "Fault" + std::to_string(parameter.param.fault) + "_" + parameter.param.invariant;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(Invariants, ReportWhatNoKnownFaultExplainsEvenWhileOneIsOn) {
  Scene s({1});
  native_cancel(s.script);
  s.script.open(1);
  s.script.close(1, RunOutcome::completed);  // without RunCompleted: no fault of production's
  const InvariantResult result = s.finish().at("engine-matches-store");
  EXPECT_EQ(result.known_fault, 0);
  EXPECT_EQ(result.violations, 1U);
  ASSERT_EQ(result.examples.size(), 1U);
  EXPECT_NE(result.examples[0].find("run 1"), std::string::npos) << result.examples[0];
}

// A continue-as-new that meets a signal is refused: known fault 2 forgets signals, it loses none.
TEST(Invariants, ExcuseNoSignalThatIsLostWhileItsRunStaysOpen) {
  Scene s({2});
  s.script.open(0);
  const std::uint64_t pause = s.script.signal(0, SignalType::pause);
  s.script.pass(milliseconds(5));
  s.script.lost(0, SignalType::pause, pause);
  s.script.layer(0, 0);
  const InvariantResult result = s.finish().at("signals-applied-or-lost");
  EXPECT_EQ(result.violations, 1U);
  EXPECT_EQ(result.known_fault, 0);
}

// Known fault 4 is of plans that are refused before any step, and of nothing else that does not close.
TEST(Invariants, ExcuseNoRunThatFailedAfterAStepAndNeverClosed) {
  for (const bool completed : {false, true}) {
    Scene s({4});
    s.script.open(0);
    if (!completed) s.script.emit(0, EventType::step_started, step(0));
    s.script.emit(0, completed ? EventType::run_completed : EventType::run_failed);
    s.script.open(1);
    s.script.pass(hours(2));
    s.script.complete(1);
    s.script.pass(seconds(1));
    const InvariantResult result = s.finish().at("ended-runs-close");
    EXPECT_EQ(result.violations, 1U);
    EXPECT_EQ(result.known_fault, 0);
  }
}

// ---- Details ----

TEST(Invariants, ShowWhenAndWhereWithTheFirstFiveExamplesOnly) {
  Scene s;
  for (std::uint32_t run = 0; run < 9; ++run) {
    s.script.open(run);
    s.script.close(run, RunOutcome::completed);
  }
  const InvariantResult result = s.finish().at("engine-matches-store");
  EXPECT_EQ(result.violations, 9U);
  ASSERT_EQ(result.examples.size(), 5U);
  EXPECT_EQ(result.examples[0],
            "2026-01-01T00:00:01.011000000Z run 0: the engine closed the run as completed and the log says RUNNING");
}

TEST(Invariants, CatchACommittedEventThatNeitherTheSnapshotsNorTheProjectorsLagKnow) {
  Scene s;
  s.script.open(0);
  s.script.project();
  s.script.append(0, EventType::step_started, step(0));
  EXPECT_EQ(s.finish({s.script.now, 1, false}).at("projection-never-skips").violations, 0U);

  Scene t;
  t.script.open(0);
  t.script.project();
  t.script.append(0, EventType::step_started, step(0));
  EXPECT_EQ(t.finish({t.script.now, 0, false}).at("projection-never-skips").violations, 1U);
}

TEST(Invariants, CatchALeaseBeforeTheFormerOneWasGivenBackOrHadRunOut) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.pass(seconds(5));  // later than any back-off began, and yet nobody gave the row back
  s.script.lease(1, 1);
  EXPECT_EQ(s.finish().at("one-live-outbox-lease").violations, 1U);
}

TEST(Invariants, CatchAnEffectThatAConsumerHadTwiceThoughItAcknowledgedOnce) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.publish(1);
  s.script.deliver(1);
  s.suite.event_consumed(1, s.script.event(1), s.script.now);
  EXPECT_EQ(s.finish().at("consumer-effect-once").violations, 1U);
}

TEST(Invariants, AcceptADeadLetterThatIsDrivenAgainAndDelivered) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.suite.dead_lettered(kNoSubscription, s.script.event(1), s.script.now);
  s.script.pass(seconds(4));
  s.suite.dead_letter_redriven(kNoSubscription, s.script.event(1), s.script.now);
  s.script.lease(1, 1);
  s.script.publish(1);
  s.suite.dead_lettered(0, s.script.event(1), s.script.now);
  s.suite.dead_letter_redriven(0, s.script.event(1), s.script.now);
  s.script.deliver(1);
  s.expect_clean({s.script.now, {}, true});
}

TEST(Invariants, CatchADeadLetterThatIsDrivenAgainAndLost) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.publish(1);
  s.suite.dead_lettered(0, s.script.event(1), s.script.now);
  s.suite.dead_letter_redriven(0, s.script.event(1), s.script.now);
  EXPECT_EQ(s.finish({s.script.now, {}, true}).at("delivered-at-least-once").violations, 2U);  // neither got it
}

TEST(Invariants, CatchAWatermarkThatGoesBackUnlessThePartitionsWereLaidOutAnew) {
  Scene s;
  s.script.lay_out(1);
  s.script.open(0);
  s.script.project();
  s.script.lay_out(2);
  s.suite.snapshots_committed(0, 0, {}, {}, s.script.now);
  s.expect_clean();
  Scene t;
  t.script.lay_out(1);
  t.script.open(0);
  t.script.project();
  t.suite.snapshots_committed(0, 0, {}, {}, t.script.now);
  EXPECT_EQ(t.finish().at("watermark-moves-with-its-snapshots").violations, 1U);
}

TEST(Invariants, CatchARowThatWasLeasedAndThenForgotten) {
  Scene s;
  s.script.accept(0);
  s.script.accept(1);
  s.script.lease(0, 1);
  s.script.pass(seconds(60));
  s.script.lease(0, 2);  // lease 30 s, back-off at most 36 s: the older row may still be waiting
  EXPECT_EQ(s.finish().at("outbox-skips-nothing").violations, 0U);

  Scene t;
  t.script.accept(0);
  t.script.accept(1);
  t.script.lease(0, 1);
  t.script.pass(seconds(67));
  t.script.lease(0, 2);
  EXPECT_EQ(t.finish().at("outbox-skips-nothing").violations, 1U);
}

TEST(Invariants, CatchADeliveryThatIsAnHourBehindOthersEvenIfTheBusIsNotDrained) {
  Scene s;
  s.script.accept(0);
  s.script.lease(0, 1);
  s.script.publish(1);
  s.script.pass(hours(1) + seconds(1));
  s.script.accept(1);
  s.script.lease(0, 2);
  s.script.publish(2);
  s.script.deliver(2);
  EXPECT_EQ(s.finish().at("delivered-at-least-once").violations, 2U);  // two subscriptions
}

TEST(Invariants, KeepALongRunsKeysApart) {
  Scene s;
  s.script.open(0);
  for (std::uint32_t i = 0; i < 400; ++i) s.script.append(0, EventType::step_started, step(i));
  const StoredEvent early = s.script.event(17);
  s.script.acknowledge(early, true);
  StoredEvent wrong = early;
  wrong.run_seq = 18;
  s.script.acknowledge(wrong, true);
  EXPECT_EQ(s.finish().at("idempotent-append-returns-stored").violations, 1U);
}

TEST(Invariants, ForgetClosedRunsSoThatMemoryStaysWithTheRunsInFlight) {
  Scene s;
  std::size_t most = 0;
  for (std::uint32_t run = 0; run < 20'000; ++run) {
    s.script.open(run);
    s.script.layer(run, 0);
    s.script.complete(run);
    s.script.project();
    s.script.relay();
    most = std::max(most, s.suite.runs_held());
  }
  EXPECT_LT(most, 400U);  // ten minutes' worth
  s.expect_clean({s.script.now, 0, true});
}

TEST(Invariants, NameTheNearestForAnUnknownException) {
  InvariantConfig config;
  config.except = {"legal-transition"};
  try {
    const InvariantSuite suite(config);
    FAIL() << "an unknown name was taken";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "there is no invariant 'legal-transition', did you mean 'legal-transitions'?");
  }
}

}  // namespace
}  // namespace dvt::sim
