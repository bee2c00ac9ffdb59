// Signals through the API: the order of checks, decision records, idempotency, limits and deferral, and what each of
// the eleven signals does (domain §7, §8).
#include "tests/support/api_fixture.h"

namespace dvt::test {
namespace {

using engine::SignalRequest;

class Signals : public ApiFixture {
 protected:
  SignalRequest as(RoleSet roles, SignalRequest request) {
    request.roles = roles;
    return request;
  }
  SignalRequest without_reason(SignalRequest request) {
    request.reason.clear();
    return request;
  }
  /// The record that stands for a signal: the last one of its id.
  const SignalDecision& record(const std::string& id) {
    for (auto it = facts.records.rbegin(); it != facts.records.rend(); ++it)
      if (it->signal_id == id) return *it;
    ADD_FAILURE() << "no record of " << id;
    static const SignalDecision none;
    return none;
  }
};

TEST_F(Signals, AreAppliedAfterTheirDecisionIsStored) {
  run(0);
  send(signal(0, SignalType::pause, R"({"reason": "deploy"})", "s-1"));
  pass(kHandling + kWrite - nanoseconds(1));
  EXPECT_TRUE(provider.signals.empty());
  pass(nanoseconds(1));
  ASSERT_EQ(provider.signals.size(), 1U);
  EXPECT_EQ(results[0].http, 202);
  ASSERT_EQ(facts.records.size(), 1U);
  const SignalDecision& kept = facts.records[0];
  EXPECT_EQ(kept.signal_id, "s-1");
  EXPECT_EQ(kept.status, DecisionStatus::accepted);
  EXPECT_EQ(kept.effective_role, Role::operator_);
  EXPECT_EQ(kept.actor, "ada");
  EXPECT_EQ(kept.payload, R"({"reason": "deploy"})");
  EXPECT_EQ(facts.applied.size(), 1U);
}

TEST_F(Signals, AreCheckedForSchemaThenAuthorization) {
  run(0, 1);
  // Everything is wrong with the first; each of the others mends one thing more.
  SignalRequest request = without_reason(as({Role::operator_}, signal(0, SignalType::update_params, "{}")));
  request.tenant = TenantOrdinal{0};
  EXPECT_EQ(tell(request).code, "SIGNAL_INVALID_PAYLOAD");
  request.payload = R"({"params": {"threads": 8}})";
  EXPECT_EQ(tell(request).code, "AUTHZ_DENIED");
  request.roles = {Role::admin};
  EXPECT_EQ(tell(request).code, "AUTHZ_TENANT_FORBIDDEN");
  request.tenant = TenantOrdinal{1};
  EXPECT_EQ(tell(request).code, "AUTHZ_REASON_REQUIRED");
  EXPECT_EQ(results[0].http, 400);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(results[i].http, 403);
  request.reason = "the nightly load is too slow";
  EXPECT_EQ(tell(request).http, 202);
  EXPECT_EQ(facts.records.size(), 5U) << "refusals are recorded too";
}

TEST_F(Signals, TakeThePayloadsReasonForTheirs) {
  run(0);
  const SignalRequest request =
      without_reason(signal(0, SignalType::emergency_stop, R"({"reason": "runaway query", "forceKill": true})", "s"));
  EXPECT_EQ(tell(request).http, 202);
  EXPECT_EQ(record("s").reason, "runaway query");
  EXPECT_EQ(tell(without_reason(signal(0, SignalType::emergency_stop, "{}"))).code, "AUTHZ_REASON_REQUIRED");
}

TEST_F(Signals, RecordTheLeastPowerfulRoleThatSuffices) {
  run(0);
  const RoleSet all{Role::system, Role::operator_, Role::engineer, Role::admin};
  tell(as(all, signal(0, SignalType::pause, "", "s-1")));
  tell(as(all, signal(0, SignalType::emergency_stop, "", "s-2")));
  tell(as({Role::admin}, signal(0, SignalType::resume, "", "s-3")));
  EXPECT_EQ(record("s-1").effective_role, Role::operator_);
  EXPECT_EQ(record("s-2").effective_role, Role::admin);
  EXPECT_EQ(record("s-3").effective_role, Role::admin);
}

TEST_F(Signals, LargerThanAllowedAreInvalid) {
  options.signals.bytes_max = 100;
  run(0);
  SignalRequest request = signal(0, SignalType::pause, "", "s");
  request.reason = std::string(96 - request.actor.size(), 'x');
  EXPECT_EQ(tell(request).http, 202);
  request.signal_id = "t";
  request.reason += "four";
  EXPECT_EQ(tell(request).code, "SIGNAL_INVALID_PAYLOAD");
}

TEST_F(Signals, ThatAreRepeatedAreAnsweredAsTheFirstAndDoNothing) {
  run(0);
  EXPECT_FALSE(tell(signal(0, SignalType::pause, "", "s")).repeat);
  const SignalResult again = tell(signal(0, SignalType::pause, "", "s"));
  EXPECT_TRUE(again.repeat);
  EXPECT_EQ(again.http, 202);
  EXPECT_EQ(provider.signals.size(), 1U);
  EXPECT_EQ(facts.records.size(), 1U);
  EXPECT_EQ(facts.repeated.size(), 1U);
  EXPECT_EQ(facts.decided.size(), 1U);
}

TEST_F(Signals, ThatAreRepeatedInFlightHaveOneEffect) {
  run(0);
  for (int i = 0; i < 20; ++i) send(signal(0, SignalType::pause, "", "s"));
  pass(seconds(1));
  EXPECT_EQ(provider.signals.size(), 1U);
  EXPECT_EQ(facts.records.size(), 1U);
  EXPECT_EQ(facts.repeated.size(), 19U);
}

TEST_F(Signals, ThatWereRefusedAreRefusedAgainByTheirId) {
  run(0);
  EXPECT_EQ(tell(as({Role::operator_}, signal(0, SignalType::retry_run, "", "s"))).code, "AUTHZ_DENIED");
  const SignalResult again = tell(as({Role::admin}, signal(0, SignalType::pause, "", "s")));
  EXPECT_EQ(again.code, "AUTHZ_DENIED");
  EXPECT_TRUE(again.repeat);
  EXPECT_TRUE(provider.signals.empty());
}

TEST_F(Signals, WithTheSameIdForAnotherRunAreNoRepeats) {
  run(0);
  run(1);
  tell(signal(0, SignalType::pause, "", "s"));
  EXPECT_FALSE(tell(signal(1, SignalType::pause, "", "s")).repeat);
  EXPECT_EQ(provider.signals.size(), 2U);
}

TEST_F(Signals, AreNotAppliedWhenTheDecisionCannotBeStored) {
  run(0);
  model.set_outage(true);
  const SignalResult result = tell(signal(0, SignalType::pause, "", "s"));
  EXPECT_EQ(result.http, 503);
  EXPECT_EQ(result.code, "UNAVAILABLE");
  EXPECT_TRUE(provider.signals.empty());
  model.set_outage(false);
  EXPECT_EQ(tell(signal(0, SignalType::pause, "", "s")).http, 202) << "nothing was decided: the same id may come again";
  EXPECT_EQ(provider.signals.size(), 1U);
}

TEST_F(Signals, ToAnEndedRunAreRefused) {
  run(0);
  provider.end(0);
  EXPECT_EQ(tell(signal(0, SignalType::pause)).code, "RUN_TERMINAL");
  EXPECT_EQ(results.back().http, 409);
}

TEST_F(Signals, OfARunThatEndsWhileTheDecisionIsWrittenAreRefusedInTheRecordToo) {
  run(0);
  send(signal(0, SignalType::pause, "", "s"));
  pass(kHandling + milliseconds(1));
  provider.end(0);
  pass(seconds(1));
  EXPECT_EQ(results[0].code, "RUN_TERMINAL");
  EXPECT_EQ(record("s").status, DecisionStatus::rejected);
  EXPECT_TRUE(provider.signals.empty());
}

TEST_F(Signals, AskForAStepThatThePlanHas) {
  run(0);
  EXPECT_EQ(tell(signal(0, SignalType::retry_step, R"({"stepId": "exract"})")).code, "SIGNAL_INVALID_PAYLOAD");
  EXPECT_EQ(tell(signal(0, SignalType::update_target, R"({"stepId": "x", "newTarget": "wh-2"})")).code,
            "SIGNAL_INVALID_PAYLOAD");
}

TEST_F(Signals, RetryAStepOnlyWhenItFailed) {
  run(0);
  const auto retry = [&](const char* step) {
    return tell(signal(0, SignalType::retry_step, std::string(R"({"stepId": ")") + step + "\"}")).code;
  };
  EXPECT_EQ(retry("extract"), "STEP_NOT_TERMINAL") << "pending";
  write(0, EventType::run_started);
  write(0, EventType::step_started, {0});
  EXPECT_EQ(retry("extract"), "STEP_NOT_TERMINAL") << "running";
  write(0, EventType::step_failed, {0});
  EXPECT_EQ(retry("extract"), "");
  ASSERT_EQ(provider.signals.size(), 1U);
  EXPECT_EQ(provider.signals[0].step_id, "extract");
  write(0, EventType::step_started, {1});
  write(0, EventType::step_completed, {1});
  EXPECT_EQ(retry("load"), "STEP_TERMINAL") << "a completed step never runs again";
}

TEST_F(Signals, SkipAStepUnlessItRunsOrIsFinished) {
  run(0);
  const auto skip = [&](const char* step) {
    return tell(signal(0, SignalType::skip_step, std::string(R"({"stepId": ")") + step + "\"}")).code;
  };
  write(0, EventType::run_started);
  EXPECT_EQ(skip("report"), "") << "pending";
  write(0, EventType::step_started, {0});
  EXPECT_EQ(skip("extract"), "STEP_NOT_TERMINAL");
  write(0, EventType::step_failed, {0});
  EXPECT_EQ(skip("extract"), "") << "failed, and held";
  write(0, EventType::step_started, {1});
  write(0, EventType::step_completed, {1});
  EXPECT_EQ(skip("load"), "STEP_TERMINAL");
}

TEST_F(Signals, RetryAnEndedRunAsANewRunThatNamesTheOldOne) {
  run(0);
  const std::string old_id = to_string(facts.events.front().event_id);  // any event: the payload names the run
  EXPECT_EQ(tell(signal(0, SignalType::retry_run)).code, "RUN_NOT_TERMINAL");
  provider.end(0, RunOutcome::failed);
  EXPECT_EQ(tell(signal(0, SignalType::retry_run, "", "s")).http, 202);
  const SignalDecision& kept = record("s");
  EXPECT_EQ(kept.status, DecisionStatus::accepted);
  ASSERT_EQ(facts.accepted.size(), 2U);
  EXPECT_EQ(facts.accepted[1], engine::kFirstRetryRun);
  const StoredEvent& queued = facts.events.back();
  EXPECT_EQ(queued.type, EventType::run_queued);
  EXPECT_EQ(queued.run.value, engine::kFirstRetryRun);
  ASSERT_NE(queued.payload, nullptr);
  EXPECT_EQ(queued.payload->substr(0, 18), R"({"originalRunId":")");
  EXPECT_TRUE(provider.open.contains(engine::kFirstRetryRun));

  tell(signal(0, SignalType::retry_run, "", "s"));
  EXPECT_EQ(facts.accepted.size(), 2U) << "a repeat makes no second run";
  EXPECT_EQ(tell(signal(0, SignalType::retry_run, "", "t")).http, 202);
  EXPECT_EQ(facts.accepted.back(), engine::kFirstRetryRun + 1);
  EXPECT_EQ(tell(signal(99, SignalType::retry_run)).code, "RUN_NOT_FOUND");
}

TEST_F(Signals, StoreTheRetriedRunTogetherWithTheDecisionOrNotAtAll) {
  run(0);
  provider.end(0, RunOutcome::failed);
  model.set_outage(true);
  EXPECT_EQ(tell(signal(0, SignalType::retry_run, "", "s")).http, 503);
  EXPECT_EQ(facts.accepted.size(), 1U);
  model.set_outage(false);
  EXPECT_EQ(tell(signal(0, SignalType::retry_run, "", "s")).http, 202);
  EXPECT_EQ(facts.accepted.size(), 2U);
  EXPECT_EQ(facts.events.back().persisted_at.ns % 1'000'000, 0);
}

TEST_F(Signals, ChangeTheRunsParameters) {
  run(0);
  tell(signal(0, SignalType::update_params, R"({"params": {"threads": 8, "full": false}})"));
  tell(signal(0, SignalType::update_params, R"({"params": {"full": true}})"));
  tell(signal(0, SignalType::inject_override, R"({"stepId": "load", "override": {"sql": "select 1"}})"));
  tell(signal(0, SignalType::update_target, R"({"stepId": "load", "newTarget": "wh-2"})"));
  EXPECT_EQ(
      json::write(json::Value(api().parameters({0}))),
      R"({"params":{"threads":8,"full":true},"overrides":{"load":{"sql":"select 1"}},"targets":{"load":"wh-2"}})");
  EXPECT_EQ(facts.applied.size(), 4U);
  EXPECT_TRUE(provider.signals.empty());
}

TEST_F(Signals, EscalateAnAlertForTheSystemOnly) {
  run(0);
  EXPECT_EQ(tell(as({Role::admin}, signal(0, SignalType::escalate_alert, R"({"level": "P1"})"))).code, "AUTHZ_DENIED");
  EXPECT_EQ(tell(signal(0, SignalType::escalate_alert, R"({"level": "P1", "note": "stuck"})")).http, 202);
  EXPECT_EQ(facts.escalated, std::vector<std::string>{"P1"});
}

TEST_F(Signals, CarryForceKillToTheProvider) {
  run(0);
  tell(signal(0, SignalType::emergency_stop));
  tell(signal(0, SignalType::emergency_stop, R"({"forceKill": true})"));
  ASSERT_EQ(provider.signals.size(), 2U);
  EXPECT_FALSE(provider.signals[0].force);
  EXPECT_TRUE(provider.signals[1].force);
}

class SignalLimits : public Signals {
 protected:
  SignalLimits() {
    options.signals.per_run = {3, minutes(1)};
    options.signals.per_signal = {};
  }
  int applied() const { return static_cast<int>(facts.applied.size()); }
};

TEST_F(SignalLimits, DeferWhatIsOverTheRunsMinute) {
  run(0);
  for (int i = 0; i < 5; ++i) tell(signal(0, SignalType::pause));
  EXPECT_EQ(applied(), 3);
  EXPECT_EQ(results[3].status, DecisionStatus::deferred);
  EXPECT_EQ(results[3].http, 202);
  EXPECT_EQ(api().signals().deferred(), 2U);
  EXPECT_EQ(facts.records.back().status, DecisionStatus::deferred);
  pass(seconds(61));
  EXPECT_EQ(applied(), 5) << "a minute later there is room";
  EXPECT_EQ(facts.waiting, 0U);
  EXPECT_EQ(facts.records.size(), 7U);
  EXPECT_TRUE(facts.records.back().replaces);
  EXPECT_EQ(facts.records.back().status, DecisionStatus::accepted);
}

TEST_F(SignalLimits, HoldForEachRunAlone) {
  run(0);
  run(1);
  for (int i = 0; i < 3; ++i) tell(signal(0, SignalType::pause));
  EXPECT_EQ(tell(signal(1, SignalType::pause)).status, DecisionStatus::accepted);
}

TEST_F(SignalLimits, DoNotCountRepeats) {
  run(0);
  for (int i = 0; i < 10; ++i) tell(signal(0, SignalType::pause, "", "s"));
  EXPECT_EQ(tell(signal(0, SignalType::resume)).status, DecisionStatus::accepted);
}

TEST_F(SignalLimits, RefuseForGoodAfterTwoRetriesAMinuteApart) {
  run(0);
  // Three new ones take the room each time just before the one that waits is tried again.
  for (int i = 0; i < 4; ++i) tell(signal(0, SignalType::pause));
  const std::uint64_t waits = facts.decided.back().signal;
  const Instant answered = timers.now();
  EXPECT_EQ(facts.decided.back().status, DecisionStatus::deferred);
  for (const Duration before : {milliseconds(150), milliseconds(105)}) {
    const int minute = before == milliseconds(150) ? 1 : 2;
    pass(answered + minutes(minute) - before - timers.now());
    for (int i = 0; i < 3; ++i) send(signal(0, SignalType::pause));
    pass(milliseconds(110));
    EXPECT_EQ(api().signals().deferred(), minute == 1 ? 1U : 0U) << "tried " << minute << " times";
  }
  EXPECT_EQ(facts.decided.back().signal, waits);
  EXPECT_EQ(facts.decided.back().code, "SIGNAL_RATE_LIMITED");
  EXPECT_TRUE(facts.decided.back().was_deferred);
  EXPECT_EQ(facts.records.back().code, "SIGNAL_RATE_LIMITED");
  EXPECT_EQ(applied(), 9);
}

TEST_F(SignalLimits, RefuseADeferredSignalOfARunThatEnded) {
  run(0);
  for (int i = 0; i < 4; ++i) tell(signal(0, SignalType::pause));
  provider.end(0);
  api().signals().purge_deferred();
  pass(seconds(1));
  EXPECT_EQ(api().signals().deferred(), 0U);
  EXPECT_EQ(facts.decided.back().code, "RUN_TERMINAL");
  EXPECT_TRUE(facts.decided.back().was_deferred);
}

TEST_F(SignalLimits, AnswerARepeatOfADeferredSignalAsTheFirst) {
  run(0);
  for (int i = 0; i < 3; ++i) tell(signal(0, SignalType::pause));
  EXPECT_EQ(tell(signal(0, SignalType::pause, "", "s")).status, DecisionStatus::deferred);
  const SignalResult again = tell(signal(0, SignalType::pause, "", "s"));
  EXPECT_TRUE(again.repeat);
  EXPECT_EQ(again.status, DecisionStatus::deferred);
  EXPECT_EQ(api().signals().deferred(), 1U) << "it waits once";
  pass(seconds(61));
  EXPECT_EQ(tell(signal(0, SignalType::pause, "", "s")).status, DecisionStatus::accepted);
  EXPECT_EQ(provider.signals.size(), 4U);
}

TEST_F(SignalLimits, DeferWhatFindsNoFreeProcessorAndTakeItInOrder) {
  options.signals.per_run = {60, minutes(1)};
  options.signals.processors = 1;
  options.signals.per_signal = seconds(1);
  run(0);
  for (int i = 0; i < 4; ++i) send(signal(0, i % 2 == 0 ? SignalType::pause : SignalType::resume));
  pass(milliseconds(100));
  EXPECT_EQ(applied(), 1);
  EXPECT_EQ(facts.waiting, 3U);
  pass(seconds(3));
  EXPECT_EQ(applied(), 4);
  EXPECT_EQ(facts.waiting, 0U);
  std::vector<SignalType> order;
  for (const ProviderSignal& signal : provider.signals) order.push_back(signal.type);
  EXPECT_EQ(order, (std::vector{SignalType::pause, SignalType::resume, SignalType::pause, SignalType::resume}));
}

TEST_F(SignalLimits, LetTheQueueGrowWhileProcessorsStandStillAndDrainItAfterwards) {
  options.signals.per_run = {60, minutes(1)};
  run(0);
  api().signals().stop_processors(true);
  for (int i = 0; i < 10; ++i) tell(signal(0, SignalType::pause));
  EXPECT_EQ(api().signals().deferred(), 10U);
  EXPECT_EQ(applied(), 0);
  api().signals().stop_processors(false);
  pass(seconds(1));
  EXPECT_EQ(applied(), 10);
}

TEST_F(SignalLimits, RefuseWhatWaitedLongerThanADay) {
  run(0);
  api().signals().stop_processors(true);
  tell(signal(0, SignalType::pause));
  pass(minutes(1'441));
  api().signals().stop_processors(false);
  pass(seconds(1));
  EXPECT_EQ(facts.decided.back().code, "SIGNAL_EXPIRED");
  EXPECT_EQ(applied(), 0);
}

TEST_F(SignalLimits, AreTriedAtOnceWhenAnOperatorRequeues) {
  run(0);
  for (int i = 0; i < 4; ++i) tell(signal(0, SignalType::pause));
  pass(seconds(59) + milliseconds(700));  // the first has left the window, the retry is not due yet
  EXPECT_EQ(applied(), 3);
  api().signals().requeue_deferred();
  pass(milliseconds(10));
  EXPECT_EQ(applied(), 4);
}

}  // namespace
}  // namespace dvt::test
