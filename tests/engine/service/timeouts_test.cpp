// Timeouts, retries and heartbeats of activities (spec: "Timeouts and retries").
#include "tests/support/bare_service.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

/// Whole seconds; 0: not set.
struct Timeouts {
  std::int64_t schedule_to_close = 0, schedule_to_start = 0, start_to_close = 0, heartbeat = 0;
  bool operator==(const Timeouts&) const = default;
};
void PrintTo(const Timeouts& t, std::ostream* out) {
  *out << "{to-close " << t.schedule_to_close << ", to-start " << t.schedule_to_start << ", start-to-close "
       << t.start_to_close << ", heartbeat " << t.heartbeat << "}";
}

class Filling : public BareService {
 protected:
  /// What the scheduled event of an activity holds that asked for `asked` in a run of `run_timeout` seconds.
  Timeouts recorded(const Timeouts& asked, std::int64_t run_timeout = 0, std::int64_t execution_timeout = 0) {
    start([&](ExecutionInfo& info) {
      info.run_timeout = seconds(run_timeout);
      info.execution_timeout = seconds(execution_timeout);
    });
    ActivityOptions options;
    options.task_queue = Symbol::intern("q");
    options.schedule_to_close = seconds(asked.schedule_to_close);
    options.schedule_to_start = seconds(asked.schedule_to_start);
    options.start_to_close = seconds(asked.start_to_close);
    options.heartbeat = seconds(asked.heartbeat);
    complete({schedule(1, options)});
    const ActivityOptions& got = *last<ActivityTaskScheduled>().options;
    constexpr std::int64_t kSecond = 1'000'000'000;
    return {got.schedule_to_close.ns / kSecond, got.schedule_to_start.ns / kSecond, got.start_to_close.ns / kSecond,
            got.heartbeat.ns / kSecond};
  }
};

TEST_F(Filling, ScheduleToCloseFillsTheOthers) {
  EXPECT_EQ(recorded({.schedule_to_close = 60}), (Timeouts{60, 60, 60, 0}));
}

TEST_F(Filling, ScheduleToCloseCapsTheOthers) {
  EXPECT_EQ(recorded({60, 90, 100, 70}), (Timeouts{60, 60, 60, 60}));
}

TEST_F(Filling, ShorterOnesStayAsTheyWereAsked) {
  EXPECT_EQ(recorded({60, 10, 20, 5}), (Timeouts{60, 10, 20, 5}));
}

TEST_F(Filling, StartToCloseAloneSetsScheduleToCloseToTheRunTimeout) {
  EXPECT_EQ(recorded({.start_to_close = 20}, 300), (Timeouts{300, 300, 20, 0}));
}

TEST_F(Filling, StartToCloseAloneWithoutARunTimeoutSetsNone) {
  EXPECT_EQ(recorded({.start_to_close = 20}), (Timeouts{0, 0, 20, 0}));
}

TEST_F(Filling, TheRunTimeoutCapsEverything) {
  EXPECT_EQ(recorded({900, 800, 700, 600}, 300), (Timeouts{300, 300, 300, 300}));
}

TEST_F(Filling, TheChainsTimeoutStandsInForAMissingRunTimeout) {
  EXPECT_EQ(recorded({.start_to_close = 20}, 0, 300), (Timeouts{300, 300, 20, 0}));
}

TEST_F(Filling, AHeartbeatIsNeverLongerThanStartToClose) {
  EXPECT_EQ(recorded({.start_to_close = 20, .heartbeat = 30}), (Timeouts{0, 0, 20, 20}));
}

TEST_F(Filling, AnUnsetMaximumIntervalBecomesAHundredTimesTheInitialOne) {
  start();
  complete({schedule(1)});
  EXPECT_EQ(last<ActivityTaskScheduled>().options->retry.maximum_interval, seconds(100));
}

class Retries : public BareService {
 protected:
  /// Fails every attempt at once and returns the delays, in milliseconds, before the next ones.
  std::vector<std::int64_t> delays(const ActivityOptions& options, std::size_t attempts) {
    start();
    complete({schedule(1, options)});
    std::vector<std::int64_t> out;
    while (out.size() < attempts) {
      const Instant failed = kernel.now();
      const std::size_t before = telemetry.started.size();
      activity_fails(1, failure("transient"));
      if (telemetry.retries.size() != out.size() + 1) break;
      const Instant next = telemetry.retries.back().second;
      to(next - Instant{});
      EXPECT_EQ(telemetry.started.size(), before + 1);
      out.push_back((next - failed).ns / 1'000'000);
    }
    return out;
  }
};

TEST_F(Retries, ByDefaultDoubleFromOneSecondToAHundredAndNeverEnd) {
  ActivityOptions options = an_hour();
  EXPECT_EQ(delays(options, 9),
            (std::vector<std::int64_t>{1000, 2000, 4000, 8000, 16'000, 32'000, 64'000, 100'000, 100'000}));
}

TEST_F(Retries, GrowByTheCoefficientUpToTheMaximumInterval) {
  ActivityOptions options = an_hour();
  options.retry.initial_interval = milliseconds(200);
  options.retry.coefficient_milli = 1500;
  options.retry.maximum_interval = milliseconds(600);
  EXPECT_EQ(delays(options, 5), (std::vector<std::int64_t>{200, 300, 450, 600, 600}));
}

TEST_F(Retries, EndAtTheMaximumNumberOfAttempts) {
  ActivityOptions options = an_hour();
  options.retry.maximum_attempts = 3;
  EXPECT_EQ(delays(options, 9).size(), 2u);
  EXPECT_EQ(last<ActivityTaskStarted>().attempt, 3u);
}

TEST_F(Retries, EndWhenTheNextAttemptWouldBeginAfterTheExpiry) {
  ActivityOptions options = an_hour();
  options.schedule_to_close = seconds(6);
  EXPECT_EQ(delays(options, 9), (std::vector<std::int64_t>{1000, 2000}));  // the third would begin at 7 s
  EXPECT_EQ(count<ActivityTaskFailed>(), 1u);
}

TEST_F(Retries, MayBeginExactlyAtTheExpiry) {
  ActivityOptions options = an_hour();
  options.schedule_to_close = seconds(3);
  start();
  complete({schedule(1, options)});
  activity_fails(1, failure("transient"));
  to(seconds(1));
  activity_fails(1, failure("transient"));
  ASSERT_EQ(telemetry.retries.size(), 2u);
  EXPECT_EQ(telemetry.retries.back().second, Instant{seconds(3).ns});
}

TEST_F(Retries, AreNotForNonRetryableFailuresNorForListedTypes) {
  ActivityOptions options = an_hour();
  options.retry.non_retryable = {Symbol::intern("bad")};
  start();
  complete({schedule(1, options), schedule(2, options), schedule(3, options)});
  activity_fails(1, failure("bad"));
  activity_fails(2, failure("other", true));
  activity_fails(3, failure("other"));
  EXPECT_EQ(telemetry.retries.size(), 1u);
  complete();
  EXPECT_EQ(count<ActivityTaskFailed>(), 2u);
}

TEST_F(Retries, WaitAsLongAsTheFailureSays) {
  start();
  complete({schedule(1)});
  auto later = std::make_shared<Failure>(*failure("transient"));
  later->next_retry_delay = seconds(37);
  activity_fails(1, later);
  EXPECT_EQ(telemetry.retries.back().second, Instant{seconds(37).ns});
}

TEST_F(Retries, LeaveOneStartedEventWithTheLastAttemptItsRealTimeAndTheFailureBefore) {
  start();
  complete({schedule(1)});
  activity_fails(1, failure("first"));
  to(seconds(1));
  activity_fails(1, failure("second"));
  to(seconds(3));
  to(seconds(10));
  activity_completes(1);
  EXPECT_EQ(count<ActivityTaskStarted>(), 1u);
  EXPECT_EQ(last<ActivityTaskStarted>().attempt, 3u);
  EXPECT_EQ(last<ActivityTaskStarted>().last_failure->type.text(), "second");
  const EventId started = last_id<ActivityTaskStarted>();
  EXPECT_EQ(history().at(started).time, Instant{seconds(3).ns});
  EXPECT_EQ(history().at(started + 1).time, Instant{seconds(10).ns});
}

TEST_F(Retries, MakeEventTimesGoBackWhereAnotherEventCameBetween) {
  start();
  complete({schedule(1)});
  to(seconds(5));
  signal();
  complete();
  activity_completes(1);
  const EventId started = last_id<ActivityTaskStarted>();
  EXPECT_LT(history().at(started).time, history().at(started - 1).time);
}

class Expiring : public BareService {
 protected:
  static ActivityOptions with(Duration schedule_to_close, Duration start_to_close, Duration heartbeat = {}) {
    ActivityOptions options = an_hour();
    options.schedule_to_close = schedule_to_close;
    options.start_to_close = start_to_close;
    options.heartbeat = heartbeat;
    return options;
  }
};

TEST_F(Expiring, StartToCloseIsRetried) {
  start();
  complete({schedule(1, with({}, seconds(5)))});
  to(seconds(6));
  EXPECT_EQ(telemetry.started.size(), 2u);
  EXPECT_EQ(activities[1].token.attempt, 2u);
}

TEST_F(Expiring, AnAttemptThatTimedOutCannotCompleteAnyMore) {
  start();
  complete({schedule(1, with({}, seconds(5)))});
  const ActivityTaskToken first = activities[1].token;
  to(seconds(6));
  service.respond_activity_completed(first, nullptr);
  EXPECT_EQ(count<ActivityTaskCompleted>(), 0u);
}

TEST_F(Expiring, AnAttemptThatAnOperatorGivesUpIsRetriedByItsPolicyAndCannotComplete) {
  start();
  ActivityOptions options = with({}, minutes(30));
  options.retry.maximum_attempts = 2;
  complete({schedule(1, options)});
  const ActivityTaskToken first = activities[1].token;
  to(minutes(1));
  EXPECT_EQ(service.fail_started_activities({0}, Symbol::intern("nothing-of-this-type"), "gone"), 0u);
  EXPECT_EQ(service.fail_started_activities({0}, last<ActivityTaskScheduled>().type, "gone"), 1u);
  to(minutes(2));
  ASSERT_EQ(activities[1].token.attempt, 2u);
  service.respond_activity_completed(first, nullptr);
  EXPECT_EQ(count<ActivityTaskCompleted>(), 0u);
  EXPECT_EQ(service.fail_started_activities({0}, last<ActivityTaskScheduled>().type, "gone"), 1u);
  EXPECT_EQ(last<ActivityTaskFailed>().failure->type.text(), "FORCED_TIMEOUT") << "no attempt was left";
  EXPECT_EQ(last<ActivityTaskFailed>().failure->message, "gone");
}

TEST_F(Expiring, AMissingHeartbeatIsRetriedAndTheNextAttemptGetsTheLastDetails) {
  start();
  complete({schedule(1, with({}, minutes(10), seconds(10)))});
  to(seconds(8));
  service.record_heartbeat(activities[1].token, make_payload<JsonPayload>("1"));
  to(seconds(16));
  service.record_heartbeat(activities[1].token, make_payload<JsonPayload>("2"));
  to(milliseconds(25'999));
  EXPECT_TRUE(telemetry.retries.empty());
  to(seconds(27));
  ASSERT_EQ(activities[1].token.attempt, 2u);
  EXPECT_EQ(payload_as<JsonPayload>(activities[1].heartbeat_details).json(), "2");
}

TEST_F(Expiring, TheLastDetailsStayInTheTimeout) {
  start();
  ActivityOptions options = with({}, minutes(10), seconds(10));
  options.retry.maximum_attempts = 1;
  complete({schedule(1, options)});
  to(seconds(8));
  service.record_heartbeat(activities[1].token, make_payload<JsonPayload>("7"));
  to(seconds(18));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::heartbeat);
  EXPECT_EQ(payload_as<JsonPayload>(last<ActivityTaskTimedOut>().heartbeat_details).json(), "7");
}

TEST_F(Expiring, ScheduleToStartIsNotRetriedAndHasNoStart) {
  start();
  ActivityOptions options = unserved();
  options.schedule_to_start = seconds(5);
  complete({schedule(1, options)});
  to(seconds(5));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_start);
  EXPECT_EQ(last<ActivityTaskTimedOut>().started, 0u);
  EXPECT_TRUE(telemetry.retries.empty());
}

TEST_F(Expiring, ScheduleToStartCountsFromEachAttempt) {
  start();
  ActivityOptions options = an_hour();
  options.schedule_to_start = seconds(5);
  complete({schedule(1, options)});
  to(seconds(20));
  service.matching().worker_down(worker);
  service.respond_activity_failed(activities[1].token, failure("transient"));
  to(seconds(25));
  EXPECT_EQ(count<ActivityTaskTimedOut>(), 0u);
  to(seconds(26));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_start);
  EXPECT_EQ(last<ActivityTaskTimedOut>().last_failure->type.text(), "transient");
}

TEST_F(Expiring, ScheduleToCloseEndsARunningAttemptWithItsStart) {
  start();
  complete({schedule(1, with(seconds(5), {}))});
  to(seconds(5));
  // start-to-close was filled with the same 5 s; either way no further attempt could begin
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_close);
  EXPECT_EQ(last<ActivityTaskTimedOut>().started, last_id<ActivityTaskStarted>());
}

TEST_F(Expiring, ScheduleToCloseEndsAnActivityBetweenTwoAttempts) {
  start();
  ActivityOptions options = with(seconds(10), seconds(5));
  options.retry.initial_interval = seconds(9);
  complete({schedule(1, options)});
  to(milliseconds(500));
  activity_fails(1, failure("transient"));  // the next attempt is due at 9.5 s
  to(milliseconds(9'400));
  service.matching().worker_down(worker);  // and finds nobody
  to(seconds(10));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_close);
  EXPECT_EQ(last<ActivityTaskTimedOut>().started, 0u);
  EXPECT_EQ(count<ActivityTaskStarted>(), 0u);
}

TEST_F(Expiring, AnAttemptWithNoTimeForAnotherHasUsedUpScheduleToClose) {
  start();
  complete({schedule(1, with(seconds(20), seconds(8)))});
  // 8 s, 1 s, 8 s: the next would begin at 19 s; it cannot last 8 s, so schedule-to-close strikes at 20 s
  to(seconds(19));
  EXPECT_EQ(telemetry.started.size(), 3u);
  to(seconds(20));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_close);
  EXPECT_EQ(last<ActivityTaskStarted>().attempt, 3u);
}

TEST_F(Expiring, AStartToCloseTimeoutThatMayNotBeRepeatedInTimeIsRecordedAsScheduleToClose) {
  start();
  ActivityOptions options = with(seconds(10), seconds(8));
  options.retry.initial_interval = seconds(5);
  complete({schedule(1, options)});
  to(seconds(8));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::schedule_to_close);
}

TEST_F(Expiring, TheLastAllowedAttemptIsRecordedAsWhatItWas) {
  start();
  ActivityOptions options = with(seconds(10), seconds(8));
  options.retry.maximum_attempts = 1;
  complete({schedule(1, options)});
  to(seconds(8));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::start_to_close);
}

TEST_F(Expiring, TimeoutsCanBeListedAsNotRetryable) {
  start();
  ActivityOptions options = with({}, seconds(8), seconds(4));
  options.retry.non_retryable = {Symbol::intern("TemporalTimeout:Heartbeat")};
  complete({schedule(1, options)});
  to(seconds(4));
  EXPECT_EQ(last<ActivityTaskTimedOut>().type, TimeoutType::heartbeat);
}

}  // namespace
}  // namespace dvt::test
