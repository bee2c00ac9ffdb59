// Reading Temporal's JSON: both spellings, other forms of ids and durations, and what is wrong with a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/history/event_facts.h"
#include "engine/history/temporal_json.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using testing::ElementsAre;

std::vector<EventFacts> read(const std::string& text) {
  auto found = read_temporal_json(text);
  if (found.has_value()) return std::move(found.value());
  ADD_FAILURE() << testing::PrintToString(found.error());
  return {};
}
std::vector<std::string> errors(const std::string& text) {
  auto found = read_temporal_json(text);
  return found.has_value() ? std::vector<std::string>{} : found.error();
}
std::string one(const std::string& type, const std::string& attributes) {
  return R"({"events":[{"eventId":"1","eventTime":"2026-01-01T00:00:00Z","eventType":")" + type + "\"," + attributes +
         "}]}";
}

TEST(TemporalJsonReader, ReadsBothSpellingsOfTypes) {
  const char* attributes =
      R"("activityTaskTimedOutEventAttributes":{"scheduledEventId":"5","failure":{"timeoutFailureInfo":{"timeoutType":"TYPE"}}})";
  for (const auto& [type, timeout] : {std::pair{"ActivityTaskTimedOut", "Heartbeat"},
                                      {"EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT", "TIMEOUT_TYPE_HEARTBEAT"}}) {
    std::string text = attributes;
    text.replace(text.find("TYPE"), 4, timeout);
    const auto facts = read(one(type, text));
    ASSERT_EQ(facts.size(), 1U);
    EXPECT_EQ(facts[0].kind, EventKind::activity_task_timed_out);
    EXPECT_EQ(facts[0].scheduled, 5U);
    EXPECT_EQ(facts[0].timeout, TimeoutType::heartbeat);
  }
}

TEST(TemporalJsonReader, KnowsEveryTypeInBothSpellings) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(EventKind::unknown); ++i) {
    const auto kind = static_cast<EventKind>(i);
    EXPECT_EQ(event_kind(to_string(kind)), kind) << to_string(kind);
    EXPECT_EQ(event_kind(event_type_constant(to_string(kind))), kind) << to_string(kind);
  }
}

TEST(TemporalJsonReader, ReadsNumbersForIdsAndPartsForTimesAndDurations) {
  const auto facts = read(
      R"({"history":{"events":[{"eventId":1,"eventTime":{"seconds":"1767225600","nanos":5},"eventType":"TimerStarted",)"
      R"("timerStartedEventAttributes":{"timerId":"t","startToFireTimeout":{"seconds":90,"nanos":500000000},)"
      R"("workflowTaskCompletedEventId":4}}]}})");
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].id, 1);
  EXPECT_EQ(facts[0].time.ns, 1'767'225'600'000'000'005);
  EXPECT_EQ(facts[0].start_to_close, milliseconds(90'500));
  EXPECT_EQ(facts[0].task_completed, 4U);
  EXPECT_EQ(facts[0].subject, "t");
}

TEST(TemporalJsonReader, ReadsWhatAnActivityAskedFor) {
  const auto facts =
      read(one("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED",
               R"("activityTaskScheduledEventAttributes":{"activityId":"a-7","activityType":{"name":"say"},)"
               R"("startToCloseTimeout":"0.100s","heartbeatTimeout":"5s","retryPolicy":{"maximumAttempts":3}})"));
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].subject, "a-7");
  EXPECT_EQ(facts[0].name, "say");
  EXPECT_EQ(facts[0].start_to_close, milliseconds(100));
  EXPECT_EQ(facts[0].heartbeat, seconds(5));
  EXPECT_EQ(facts[0].schedule_to_close, Duration{});
  EXPECT_TRUE(facts[0].retry_policy);
  EXPECT_EQ(facts[0].maximum_attempts, 3U);
}

TEST(TemporalJsonReader, KeepsATypeThatItDoesNotKnow) {
  const auto facts = read(one("EVENT_TYPE_TEA_POURED", R"("teaPouredEventAttributes":{})"));
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].kind, EventKind::unknown);
  EXPECT_EQ(facts[0].type, "EVENT_TYPE_TEA_POURED");
}

TEST(TemporalJsonReader, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(errors("{"), ElementsAre(testing::HasSubstr("line 1, column 2")));
  EXPECT_THAT(errors("{}"), ElementsAre(testing::HasSubstr("expected an object with an array of \"events\"")));
  EXPECT_THAT(errors(R"({"events":[]})"), ElementsAre("the history has no events"));
  EXPECT_THAT(errors(R"({"events":[3]})"), ElementsAre("event 1: expected an object"));
  EXPECT_THAT(
      errors(
          R"({"events":[{"eventTime":"yesterday","eventType":"TimerFired","timerFiredEventAttributes":{"startedEventId":"x"}}]})"),
      ElementsAre("event 1: expected an eventId", "event 1: eventTime: expected RFC 3339 with Z, found \"yesterday\"",
                  "event 1: startedEventId: expected a whole number, found \"x\""));
  EXPECT_THAT(errors(one("TimerFired", R"("timerStartedEventAttributes":{})")),
              ElementsAre("event 1: expected timerFiredEventAttributes, found timerStartedEventAttributes"));
  EXPECT_THAT(errors(one("TimerStarted", R"("timerStartedEventAttributes":{"startToFireTimeout":"10"})")),
              ElementsAre("event 1: startToFireTimeout: expected a duration like \"10s\", found \"10\""));
}

class RoundTrip : public EngineFixture {};

TEST_F(RoundTrip, WhatTheEngineWritesReadsBackAsTheSameFacts) {
  add_workers(1);
  bool go = false;
  activity.answer = [&](const ActivityInvocation& i) {
    return i.attempt < 2 ? ActivityAnswer{nullptr, failure("transient_error")} : ActivityAnswer{};
  };
  define([&](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("go"), [&](const Payload&) { go = true; });
    ctx.execute_activity(act, options(), nullptr);
    ctx.await([&] { return go; }, minutes(1));
    ctx.sleep(milliseconds(1500));
    activity.delay = minutes(2);
    ctx.wait(ctx.start_activity(act, options(seconds(5), 1), nullptr));
    throw WorkflowFailure(failure("broken"));
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(10).ns}, [&] { service.signal_workflow({0}, Symbol::intern("go"), nullptr, 1); });
  kernel.run();
  const UnixNanos start{1'767'225'600'000'000'000};
  std::string text;
  append_temporal_json(text, histories.at(0), {start});
  const auto back = read(text);
  const auto facts = event_facts(histories.at(0), start);
  ASSERT_EQ(back.size(), facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const EventFacts& a = back[i];
    const EventFacts& b = facts[i];
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.time.ns, b.time.ns);
    EXPECT_EQ(std::tie(a.scheduled, a.started, a.initiated, a.accepted, a.cancel_requested, a.task_completed),
              std::tie(b.scheduled, b.started, b.initiated, b.accepted, b.cancel_requested, b.task_completed))
        << "event " << i + 1;
    EXPECT_EQ(std::tie(a.last_failure, a.timeout, a.retry_policy, a.maximum_attempts),
              std::tie(b.last_failure, b.timeout, b.retry_policy, b.maximum_attempts))
        << "event " << i + 1;
    EXPECT_EQ(std::tie(a.schedule_to_close, a.schedule_to_start, a.start_to_close, a.heartbeat, a.name),
              std::tie(b.schedule_to_close, b.schedule_to_start, b.start_to_close, b.heartbeat, b.name))
        << "event " << i + 1;
    if (b.kind != EventKind::workflow_execution_started) {
      EXPECT_EQ(a.subject, b.subject) << "event " << i + 1;
      EXPECT_EQ(a.attempt, b.attempt) << "event " << i + 1;
    }
    if (b.kind != EventKind::activity_task_timed_out) {
      EXPECT_EQ(a.error, b.error) << "event " << i + 1;
    }
  }
}

}  // namespace
}  // namespace dvt::test
