// The plan interpreters on a real engine: the order of events, failed steps on hold, pauses, cancels, bounds, and the
// known faults of the production interpreter, on and mended (domain §6, §7, §19).
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "engine/plan/contracts.h"
#include "engine/plan/dataflow_workflow.h"
#include "engine/plan/layers_workflow.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAreArray;

enum class Kind { layers, dataflow };

class Interpreter : public EngineFixture, public testing::WithParamInterface<Kind> {
 protected:
  /// What executeStep of a step does: its duration, and so many logical attempts that say FAILED.
  struct Behaviour {
    Duration takes = seconds(1);
    std::uint32_t fails = 0;
  };

  Interpreter() : save_(kernel), emit_(kernel), fetch_(kernel), step_(*this) {
    workers.register_activity(names::save_run_metadata, save_);
    workers.register_activity(names::emit_event, emit_);
    workers.register_activity(names::fetch_plan, fetch_);
    workers.register_activity(names::execute_step, step_);
    save_.delay = emit_.delay = fetch_.delay = milliseconds(10);
    emit_.answer = [this](const ActivityInvocation& invocation) { return write(invocation); };
    fetch_.answer = [this](const ActivityInvocation&) {
      return plan_is_there ? ActivityAnswer{make_payload<FetchedPlan>(entry_), nullptr}
                           : ActivityAnswer{nullptr, failure("PLAN_INTEGRITY_VALIDATION_FAILED", true)};
    };
    add_workers(2, 1'000);
  }

  static Step step(std::string id, std::vector<std::string> after) { return {std::move(id), "dbt", std::move(after)}; }
  InterpreterOptions production() {
    InterpreterOptions made;
    made.control = options();
    made.step_options = [of_a_step = options()](PlanOrdinal, StepIndex) { return of_a_step; };
    return made;
  }
  InterpreterOptions holding() {
    InterpreterOptions made = production();
    made.hold_failed_steps = true;
    return made;
  }
  void begin(std::vector<Step> plan_steps, Kind kind, InterpreterOptions chosen, std::uint32_t continue_after = 0) {
    Plan plan;
    plan.metadata.plan_id = "p";
    plan.metadata.plan_version = "1";
    plan.steps = std::move(plan_steps);
    entry_ = catalogue_.add_unchecked(std::move(plan));
    const std::string type = "runPlanWorkflow-" + std::to_string(++begun_);
    define(kind == Kind::layers ? layers_workflow(std::move(chosen)) : dataflow_workflow(std::move(chosen)),
           type.c_str());
    auto identity = std::make_shared<RunIdentity>();
    identity->run_id_text = "r";
    start(0, type.c_str(), make_payload<PlanRunInput>(std::move(identity), entry_, "temporal", continue_after, 0u, 0u));
  }
  void send(Duration when, Symbol signal, const std::string& step_id = {}) {
    Payload payload = step_id.empty() ? nullptr : make_payload<StepSignal>(step_id);
    kernel.call_at(Instant{when.ns},
                   [this, signal, held = std::move(payload)] { service.signal_workflow({0}, signal, held, ++sent_); });
  }
  void cancel_natively(Duration when) {
    kernel.call_at(Instant{when.ns}, [this] { service.request_cancel({0}); });
  }

  RunOutcome outcome() const { return payload_as<PlanRunResult>(closed.back().result).outcome; }
  /// When the event was written, since the start.
  Duration told(const std::string& event) const {
    const auto found = std::find(log.begin(), log.end(), event);
    EXPECT_NE(found, log.end()) << event << " was never told";
    return found == log.end() ? Duration{-1} : at[static_cast<std::size_t>(found - log.begin())] - Instant{};
  }
  void expect_replays() {
    for (std::size_t i = 0; i < closed.size(); ++i) {
      const auto report = workers.verify(closed[i].key, histories[i]);
      EXPECT_FALSE(report.has_value()) << report->text();
    }
    EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  }

  std::map<std::string, Behaviour> steps;
  std::set<std::string> unwritable;  // events whose writing always fails
  bool plan_is_there = true;
  std::vector<std::string> log;  // events as they were written: "StepStarted a #2"
  std::vector<Instant> at;
  std::vector<std::string> executed;
  std::uint32_t most_at_once = 0;

 private:
  class ExecuteStep final : public Activity {
   public:
    explicit ExecuteStep(Interpreter& test) : test_(test) {}
    void start(const ActivityInvocation& invocation, ActivityDone done) override {
      const auto& input = payload_as<ExecuteStepInput>(invocation.input);
      const std::string& id = input.plan->plan.steps[input.subject.value].step_id;
      const Behaviour behaviour = test_.steps.contains(id) ? test_.steps[id] : Behaviour{};
      test_.executed.push_back(id);
      test_.most_at_once = std::max(test_.most_at_once, ++running_);
      struct Held {
        Payload result;
        ActivityDone done;
      };
      auto held = std::make_unique<Held>(
          Held{make_payload<StepResult>(input.plan, input.subject, input.logical_attempt > behaviour.fails,
                                        Symbol::intern("broken")),
               std::move(done)});
      test_.kernel.call_after(behaviour.takes, [this, h = std::move(held)] {
        --running_;
        h->done({h->result, nullptr});
      });
    }

   private:
    Interpreter& test_;
    std::uint32_t running_ = 0;
  };

  ActivityAnswer write(const ActivityInvocation& invocation) {
    const auto& input = payload_as<EmitEventInput>(invocation.input);
    std::string line(to_string(input.type));
    if (input.subject != kNoStep) line += " " + entry_->plan.steps[input.subject.value].step_id;
    if (input.logical_attempt > 1) line += " #" + std::to_string(input.logical_attempt);
    if (unwritable.contains(line)) return {nullptr, failure("STATESTORE_WRITE_FAILED")};
    log.push_back(line);
    at.push_back(kernel.now());
    return {};
  }

  PlanCatalogue catalogue_;
  PlanEntryRef entry_;
  ScriptedActivity save_, emit_, fetch_;
  ExecuteStep step_;
  std::uint64_t sent_ = 0;
  int begun_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Both, Interpreter, testing::Values(Kind::layers, Kind::dataflow),
                         [](const auto& one) { return one.param == Kind::layers ? "Layers" : "Dataflow"; });
class Layers : public Interpreter {};
class Dataflow : public Interpreter {};
class Parity : public Interpreter {};

TEST_F(Layers, TellALayersStartsThenItsEndsInDeclarationOrder) {
  steps["a"].takes = seconds(9);
  begin({step("a", {}), step("b", {}), step("c", {"b"})}, Kind::layers, production());
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepStarted b", "StepCompleted a", "StepCompleted b",
                               "StepStarted c", "StepCompleted c", "RunCompleted"));
}

TEST_F(Dataflow, StartsAStepWhenItsOwnDependenciesAreDone) {
  steps["a"].takes = seconds(9);
  begin({step("a", {}), step("b", {}), step("c", {"b"})}, Kind::dataflow, production());
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepStarted b", "StepCompleted b", "StepStarted c",
                               "StepCompleted c", "StepCompleted a", "RunCompleted"));
  EXPECT_LT(told("StepCompleted c"), seconds(3));
  expect_replays();
}

TEST_F(Dataflow, RunsAPlanWithoutDependenciesOneStepAfterTheOther) {
  begin({{"a", "dbt", std::nullopt}, {"b", "dbt", std::nullopt}}, Kind::dataflow, production());
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepCompleted a", "StepStarted b", "StepCompleted b",
                               "RunCompleted"));
}

TEST_F(Dataflow, OfAnEmptyPlanCompletesAtOnce) {
  begin({}, Kind::dataflow, production());
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "RunCompleted"));
}

TEST_F(Dataflow, LetsWhatRunsEndWhenAStepFailsAndStartsNothingMore) {
  steps["bad"].fails = 1;
  steps["slow"].takes = seconds(20);
  begin({step("bad", {}), step("slow", {}), step("after", {"slow"})}, Kind::dataflow, production());
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted bad", "StepStarted slow", "StepFailed bad",
                               "StepCompleted slow", "RunFailed"));
  EXPECT_EQ(outcome(), RunOutcome::failed);
  EXPECT_EQ(payload_as<PlanRunResult>(closed.back().result).error_class, ErrorClass::user);
}

// ---- a bound on the steps at once

TEST_P(Interpreter, KeepsToTheBoundOnStepsAtOnce) {
  std::vector<Step> wide;
  for (const char* id : {"a", "b", "c", "d", "e", "f", "g"}) wide.push_back(step(id, {}));
  InterpreterOptions chosen = production();
  chosen.step_limit = [](PlanOrdinal) { return 3u; };
  begin(std::move(wide), GetParam(), std::move(chosen));
  kernel.run();
  EXPECT_EQ(most_at_once, 3u);
  EXPECT_EQ(executed.size(), 7u);
  // A step is told to have started when it does, not while it waits for its place.
  EXPECT_GE(told("StepStarted g"), told("StepCompleted a"));
  EXPECT_EQ(outcome(), RunOutcome::completed);
  expect_replays();
}

TEST_P(Interpreter, RunsEveryStepAtOnceWithoutABound) {
  begin({step("a", {}), step("b", {}), step("c", {}), step("d", {})}, GetParam(), production());
  kernel.run();
  EXPECT_EQ(most_at_once, 4u);
}

// ---- hold

TEST_P(Interpreter, AHeldStepIsRetriedAsANewLogicalAttempt) {
  steps["a"].fails = 2;
  begin({step("a", {}), step("b", {"a"})}, GetParam(), holding());
  send(minutes(5), names::retry_step, "a");
  send(minutes(10), names::retry_step, "a");
  kernel.run();
  EXPECT_THAT(
      log, ElementsAre("RunStarted", "StepStarted a", "StepFailed a", "StepStarted a #2", "StepFailed a #2",
                       "StepStarted a #3", "StepCompleted a #3", "StepStarted b", "StepCompleted b", "RunCompleted"));
  EXPECT_GE(told("StepStarted a #3"), minutes(10));
  EXPECT_EQ(outcome(), RunOutcome::completed);
  expect_replays();
}

TEST_P(Interpreter, ASkippedFailedStepLetsItsDependentsGoOn) {
  steps["a"].fails = 99;
  begin({step("a", {}), step("b", {"a"})}, GetParam(), holding());
  send(minutes(5), names::skip_step, "a");
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepFailed a", "StepSkipped a", "StepStarted b",
                               "StepCompleted b", "RunCompleted"));
  expect_replays();
}

TEST_P(Interpreter, AHeldRunEndsByACancel) {
  steps["a"].fails = 99;
  begin({step("a", {}), step("b", {"a"})}, GetParam(), holding());
  send(minutes(5), names::cancel);
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepFailed a", "RunCancelled"));
  EXPECT_EQ(outcome(), RunOutcome::cancelled);
}

TEST_P(Interpreter, AHeldRunStandsInAPauseAndRetriesAfterIt) {
  steps["a"].fails = 1;
  begin({step("a", {})}, GetParam(), holding());
  send(minutes(1), names::pause);
  send(minutes(2), names::retry_step, "a");
  send(minutes(3), names::resume);
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepFailed a", "RunPaused", "RunResumed",
                               "StepStarted a #2", "StepCompleted a #2", "RunCompleted"));
  EXPECT_GE(told("StepStarted a #2"), minutes(3));
}

TEST_P(Interpreter, ARetryOfAStepThatHasNotFailedMeansNothing) {
  steps["a"] = {seconds(30), 1};
  begin({step("a", {})}, GetParam(), holding());
  send(seconds(10), names::retry_step, "a");  // while it runs
  send(seconds(10), names::retry_step, "nobody");
  send(minutes(5), names::skip_step, "a");
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepFailed a", "StepSkipped a", "RunCompleted"));
}

TEST_P(Interpreter, ASkipOfAStepThatHasNotBegunWaitsForItsTurn) {
  steps["a"].takes = seconds(30);
  begin({step("a", {}), step("b", {"a"}), step("c", {"b"})}, GetParam(), production());
  send(seconds(5), names::skip_step, "b");
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepCompleted a", "StepSkipped b", "StepStarted c",
                               "StepCompleted c", "RunCompleted"));
  EXPECT_THAT(executed, Not(Contains("b")));
}

TEST_F(Layers, TellTheWholeLayerBeforeTheyHoldAndRetryHeldStepsAsTheSignalsCome) {
  steps["a"] = {seconds(1), 1};
  steps["c"] = {seconds(1), 1};
  begin({step("a", {}), step("b", {}), step("c", {}), step("d", {"a"})}, Kind::layers, holding());
  send(minutes(1), names::retry_step, "c");
  send(minutes(1), names::retry_step, "a");
  kernel.run();
  EXPECT_THAT(
      log, ElementsAre("RunStarted", "StepStarted a", "StepStarted b", "StepStarted c", "StepFailed a",
                       "StepCompleted b", "StepFailed c", "StepStarted c #2", "StepStarted a #2", "StepCompleted c #2",
                       "StepCompleted a #2", "StepStarted d", "StepCompleted d", "RunCompleted"));
}

TEST_F(Dataflow, GoesOnWithWhatDoesNotNeedTheHeldStep) {
  steps["a"].fails = 1;
  begin({step("a", {}), step("b", {"a"}), step("x", {}), step("y", {"x"})}, Kind::dataflow, holding());
  send(minutes(5), names::retry_step, "a");
  kernel.run();
  EXPECT_LT(told("StepCompleted y"), minutes(1));
  EXPECT_GE(told("StepStarted b"), minutes(5));
  EXPECT_EQ(log.back(), "RunCompleted");
}

TEST_F(Layers, CarryASkipOverContinueAsNew) {
  steps["a"].takes = seconds(30);
  begin({step("a", {}), step("b", {"a"}), step("c", {"b"})}, Kind::layers, production(), 1);
  send(seconds(5), names::skip_step, "c");
  kernel.run();
  EXPECT_EQ(closed.size(), 3u);
  EXPECT_THAT(log, Contains("StepSkipped c"));
  EXPECT_THAT(executed, ElementsAre("a", "b"));
  expect_replays();
}

// ---- pauses

TEST_F(Dataflow, TellsAPauseAtOnceAndLetsWhatRunsEndInIt) {
  steps["a"].takes = seconds(30);
  begin({step("a", {}), step("b", {"a"})}, Kind::dataflow, production());
  send(seconds(10), names::pause);
  send(minutes(2), names::resume);
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "RunPaused", "StepCompleted a", "RunResumed",
                               "StepStarted b", "StepCompleted b", "RunCompleted"));
  EXPECT_LT(told("RunPaused"), seconds(11));
  EXPECT_GE(told("StepStarted b"), minutes(2));
  expect_replays();
}

TEST_F(Dataflow, NeverCompletesInAPause) {
  steps["a"].takes = seconds(30);
  begin({step("a", {})}, Kind::dataflow, production());
  send(seconds(10), names::pause);
  send(minutes(2), names::resume);
  kernel.run();
  EXPECT_THAT(log,
              ElementsAre("RunStarted", "StepStarted a", "RunPaused", "StepCompleted a", "RunResumed", "RunCompleted"));
}

// ---- known faults

TEST_P(Interpreter, ANativeCancelWritesNothingUnderKnownFaultOne) {
  steps["a"].takes = minutes(1);
  begin({step("a", {}), step("b", {"a"})}, GetParam(), production());
  cancel_natively(seconds(30));
  kernel.run();
  EXPECT_EQ(closed.back().status, CloseStatus::cancelled);
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a"));
}

TEST_P(Interpreter, ANativeCancelWritesRunCancelledWhenItIsMendedAtAnyMoment) {
  // Every 5 ms through the first events of a run, and in its pause: the log is always one that consumers accept.
  for (std::int64_t moment = 3; moment < 150; moment += 5) {
    SCOPED_TRACE(moment);
    log.clear();
    at.clear();
    closed.clear();
    InterpreterOptions mended = production();
    mended.tell_native_cancel = true;
    steps["a"].takes = milliseconds(20);
    steps["b"].takes = milliseconds(20);
    begin({step("a", {}), step("b", {"a"})}, GetParam(), mended);
    const Instant begun = kernel.now();
    kernel.call_at(begun + milliseconds(moment), [this] { service.request_cancel({0}); });
    kernel.run();
    ASSERT_EQ(closed.size(), 1u);
    ASSERT_FALSE(log.empty());
    EXPECT_EQ(log.front(), "RunStarted");
    const bool completed = closed.back().status == CloseStatus::completed;
    EXPECT_EQ(log.back(), completed ? "RunCompleted" : "RunCancelled");
    EXPECT_EQ(std::count_if(log.begin(), log.end(),
                            [](const std::string& line) { return line == "RunCompleted" || line == "RunCancelled"; }),
              1);
    if (!completed) {
      EXPECT_EQ(closed.back().status, CloseStatus::cancelled);
    }
  }
}

TEST_F(Layers, ANativeCancelOfAPausedRunWritesRunCancelledWhenItIsMended) {
  InterpreterOptions mended = production();
  mended.tell_native_cancel = true;
  steps["a"].takes = seconds(30);
  begin({step("a", {}), step("b", {"a"})}, Kind::layers, mended);
  send(seconds(10), names::pause);
  cancel_natively(minutes(2));
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepCompleted a", "RunPaused", "RunCancelled"));
  expect_replays();
}

// Whenever the provider's own request comes around the end of a layer and the continue-as-new behind it.
TEST_F(Layers, NeverLoseANativeCancelAtContinueAsNewWhenFaultsOneAndTwoAreMended) {
  for (std::int64_t moment = 29'990; moment < 30'120; moment += 5) {
    SCOPED_TRACE(moment);
    log.clear();
    at.clear();
    closed.clear();
    histories.clear();
    InterpreterOptions mended = production();
    mended.tell_native_cancel = true;
    mended.gate_before_continue = true;
    steps["a"].takes = seconds(30);
    steps["b"].takes = seconds(60);
    const Instant begun = kernel.now();
    begin({step("a", {}), step("b", {"a"})}, Kind::layers, mended, 1);
    kernel.call_at(begun + milliseconds(moment), [this] { service.request_cancel({0}); });
    kernel.run();
    ASSERT_FALSE(closed.empty());
    EXPECT_EQ(closed.back().status, CloseStatus::cancelled);
    EXPECT_EQ(log.back(), "RunCancelled");
    expect_replays();
  }
}

// Real histories replay against this: it is what the production interpreter commands (domain §6).
TEST_F(Layers, MeetACancelThatComesWhileRunResumedIsWrittenAtTheNextGate) {
  begin({step("a", {}), step("b", {"a"}), step("c", {"b"})}, Kind::layers, production());
  send(milliseconds(500), names::pause);  // a is at work
  send(seconds(10), names::resume);
  send(milliseconds(10'005), names::cancel);  // writing RunResumed takes 10 ms
  kernel.run();
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "StepCompleted a", "RunPaused", "RunResumed",
                               "StepStarted b", "StepCompleted b", "RunCancelled"));
  expect_replays();
}

TEST_F(Layers, LoseAPauseBeforeContinueAsNewUnderKnownFaultTwoOnly) {
  for (const bool mended : {false, true}) {
    SCOPED_TRACE(mended);
    log.clear();
    at.clear();
    closed.clear();
    histories.clear();
    InterpreterOptions chosen = production();
    chosen.gate_before_continue = mended;
    steps["a"].takes = seconds(30);
    const Instant begun = kernel.now();
    begin({step("a", {}), step("b", {"a"})}, Kind::layers, chosen, 1);
    send((begun + seconds(10)) - Instant{}, names::pause);
    send((begun + minutes(5)) - Instant{}, names::resume);
    kernel.run();
    EXPECT_EQ(std::count(log.begin(), log.end(), "RunPaused"), mended ? 1 : 0);
    EXPECT_EQ(told("StepStarted b") - (begun - Instant{}) >= minutes(5), mended);
    EXPECT_EQ(closed.size(), 2u);
    expect_replays();
  }
}

TEST_F(Layers, LoseACancelBeforeContinueAsNewUnderKnownFaultTwoOnly) {
  InterpreterOptions chosen = production();
  steps["a"].takes = seconds(30);
  begin({step("a", {}), step("b", {"a"})}, Kind::layers, chosen, 1);
  send(seconds(10), names::cancel);
  kernel.run();
  EXPECT_EQ(outcome(), RunOutcome::completed);
  log.clear();
  chosen.gate_before_continue = true;
  const Instant begun = kernel.now();
  begin({step("a", {}), step("b", {"a"})}, Kind::layers, chosen, 1);
  send((begun + seconds(10)) - Instant{}, names::cancel);
  kernel.run();
  EXPECT_EQ(outcome(), RunOutcome::cancelled);
  EXPECT_EQ(log.back(), "RunCancelled");
}

TEST_F(Layers, CompleteInSpiteOfACancelInTheLastLayerUnderKnownFaultThreeOnly) {
  steps["a"].takes = seconds(30);
  for (const bool mended : {false, true}) {
    SCOPED_TRACE(mended);
    log.clear();
    InterpreterOptions chosen = production();
    chosen.gate_before_complete = mended;
    const Instant begun = kernel.now();
    begin({step("a", {})}, Kind::layers, chosen);
    send((begun + seconds(10)) - Instant{}, names::cancel);
    kernel.run();
    EXPECT_EQ(outcome(), mended ? RunOutcome::cancelled : RunOutcome::completed);
    EXPECT_EQ(log.back(), mended ? "RunCancelled" : "RunCompleted");
  }
}

TEST_P(Interpreter, AnInvalidPlanFailsItsWorkflowTaskForEverUnderKnownFaultFour) {
  begin({step("a", {"b"}), step("b", {"a"})}, GetParam(), production());
  kernel.run_until(Instant{hours(1).ns});
  EXPECT_TRUE(closed.empty());
  EXPECT_THAT(log, ElementsAre("RunStarted", "RunFailed"));
  EXPECT_GT(telemetry.task_failures, 10u);
}

TEST_P(Interpreter, AnInvalidPlanFailsTheRunWhenItIsMended) {
  InterpreterOptions mended = production();
  mended.close_invalid_plans = true;
  begin({step("a", {"b"}), step("b", {"a"})}, GetParam(), mended);
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed.back().status, CloseStatus::failed);
  EXPECT_EQ(closed.back().failure->type, names::invalid_plan);
  EXPECT_EQ(closed.back().failure->message, "INVALID_PLAN_SCHEMA: cyclic_dependencies_detected");
  EXPECT_THAT(log, ElementsAre("RunStarted", "RunFailed"));
  expect_replays();
}

TEST_F(Layers, TellALayersEventsTogetherWhenKnownFaultTenIsMended) {
  std::vector<Step> wide;
  for (int i = 0; i < 50; ++i) wide.push_back(step("s" + std::to_string(i), {}));
  begin(wide, Kind::layers, production());
  kernel.run();
  const Duration one_by_one = closed.back().at - Instant{};
  const std::vector<std::string> before = log;
  log.clear();
  at.clear();
  const Instant begun = kernel.now();
  InterpreterOptions mended = production();
  mended.tell_layers_together = true;
  begin(wide, Kind::layers, mended);
  kernel.run();
  const Duration together = closed.back().at - begun;
  // 100 events of 10 ms one after the other, against two rounds of them; beside 1 s of work.
  EXPECT_EQ(one_by_one, milliseconds(10) * (2 * 50 + 4) + seconds(1));
  EXPECT_EQ(together, milliseconds(10) * (2 * 1 + 4) + seconds(1));
  EXPECT_THAT(log, UnorderedElementsAreArray(before));
  expect_replays();
}

// ---- what goes wrong

TEST_P(Interpreter, APlanThatCannotBeFetchedFailsTheRunAndSaysSo) {
  plan_is_there = false;
  begin({step("a", {})}, GetParam(), production());
  kernel.run();
  EXPECT_EQ(closed.back().status, CloseStatus::failed);
  EXPECT_EQ(closed.back().failure->type, names::plan_integrity);
  EXPECT_THAT(log, ElementsAre("RunStarted", "RunFailed"));
  EXPECT_TRUE(executed.empty());
}

TEST_P(Interpreter, AnEventThatCannotBeWrittenFailsTheRun) {
  unwritable.insert("StepCompleted a");
  begin({step("a", {}), step("b", {"a"})}, GetParam(), production());
  kernel.run();
  EXPECT_EQ(closed.back().status, CloseStatus::failed);
  EXPECT_THAT(log, ElementsAre("RunStarted", "StepStarted a", "RunFailed"));
}

TEST_P(Interpreter, ARunWhoseStartCouldNotBeWrittenSaysNothingOfItsEnd) {
  unwritable.insert("RunStarted");
  begin({step("a", {})}, GetParam(), production());
  kernel.run();
  EXPECT_EQ(closed.back().status, CloseStatus::failed);
  EXPECT_TRUE(log.empty());
}

// ---- both tell the same

// A random acyclic plan; every step depends on up to three declared before it.
std::vector<Step> random_steps(std::mt19937_64& random, std::size_t count) {
  std::vector<Step> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> after;
    for (std::uint64_t k = i == 0 ? 0 : random() % 4; k > 0; --k) after.push_back("s" + std::to_string(random() % i));
    out.push_back({"s" + std::to_string(i), "dbt", std::move(after)});
  }
  return out;
}

TEST_F(Parity, EveryWayToRunAPlanTellsTheSameEventsAndEveryStepAfterItsDependencies) {
  std::mt19937_64 draws(19);
  for (int round = 0; round < 12; ++round) {
    const std::vector<Step> plan = random_steps(draws, 1 + draws() % 30);
    for (const Step& one : plan) steps[one.step_id].takes = milliseconds(static_cast<std::int64_t>(draws() % 5'000));
    std::set<std::string> expected;
    for (int way = 0; way < 5; ++way) {
      SCOPED_TRACE(testing::Message() << "round " << round << ", way " << way);
      log.clear();
      at.clear();
      closed.clear();
      histories.clear();
      InterpreterOptions chosen = production();
      chosen.tell_layers_together = way == 2;
      if (way >= 3) chosen.step_limit = [](PlanOrdinal) { return 2u; };
      // A worker dies in the middle: another rebuilds the run from its history.
      const Instant begun = kernel.now();
      kernel.call_at(begun + milliseconds(700), [this] {
        const Execution* execution = service.execution({0});
        if (execution == nullptr || !execution->sticky) return;
        const std::uint32_t victim = execution->sticky->worker;
        workers.kill(victim);
        kernel.call_after(seconds(1), [this, victim] { workers.start(victim); });
      });
      InterpreterOptions quick = chosen;
      quick.control = options(seconds(5));
      quick.step_options = [of_a_step = options(seconds(9))](PlanOrdinal, StepIndex) { return of_a_step; };
      begin(plan, way == 1 || way == 3 ? Kind::dataflow : Kind::layers, quick);
      kernel.run();
      ASSERT_EQ(closed.size(), 1u);
      ASSERT_EQ(outcome(), RunOutcome::completed);
      EXPECT_EQ(log.front(), "RunStarted");
      EXPECT_EQ(log.back(), "RunCompleted");
      const std::set<std::string> told_events(log.begin(), log.end());
      if (way == 0) expected = told_events;
      EXPECT_EQ(told_events, expected);
      for (const Step& one : plan) {
        EXPECT_LT(told("StepStarted " + one.step_id), told("StepCompleted " + one.step_id));
        for (const std::string& dependency : *one.depends_on)
          EXPECT_LE(told("StepCompleted " + dependency), told("StepStarted " + one.step_id));
      }
      expect_replays();
    }
  }
}

}  // namespace
}  // namespace dvt::test
