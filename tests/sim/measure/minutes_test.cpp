// Minutes of the control plane (domain §13, availability), and probes, which count nowhere else.
#include "sim/measure/minutes.h"

#include <gtest/gtest.h>

#include "facts.h"

namespace dvt::sim::test {
namespace {

std::uint8_t one_minute(int valid, int failing) {
  MinuteJudge judge;
  for (int i = 0; i < valid; ++i) judge.request(i < failing, at_ms(i));
  judge.advance(at_ms(60'000));
  EXPECT_EQ(judge.ended().size(), 1U);
  return judge.ended().front();
}

TEST(Minutes, AreBadWhenMoreThanFivePercentOfTheirRequestsFail) {
  EXPECT_EQ(one_minute(20, 1), kMinuteJudged);  // exactly 5 %
  EXPECT_EQ(one_minute(19, 1), kMinuteJudged | kBadRequests);
  EXPECT_EQ(one_minute(1, 1), kMinuteJudged | kBadRequests);
  EXPECT_EQ(one_minute(0, 0), 0);  // nothing tells of it
}

TEST(Minutes, AreBadWhenNoWriteSucceededThoughSomeWereTried) {
  MinuteJudge judge;
  judge.write(false, at_ms(1));
  judge.write(false, at_ms(60'001));
  judge.write(true, at_ms(60'002));
  judge.advance(at_ms(120'000));
  EXPECT_EQ(judge.ended(), (std::vector<std::uint8_t>{kMinuteJudged | kBadWrites, kMinuteJudged}));
}

TEST(Minutes, AreBadWhenTheProbeIsNotSeenInTime) {
  MinuteJudge judge;
  judge.probe_asked(at_ms(0));
  EXPECT_TRUE(judge.probe_seen(at_ms(0), at_ms(59'999)));
  judge.probe_asked(at_ms(60'000));
  EXPECT_FALSE(judge.probe_seen(at_ms(60'000), at_ms(120'000)));
  judge.probe_asked(at_ms(120'000));
  judge.advance(at_ms(180'000));
  EXPECT_EQ(judge.ended(),
            (std::vector<std::uint8_t>{kMinuteJudged, kMinuteJudged | kBadProbe, kMinuteJudged | kBadProbe}));
}

TEST(Minutes, OfSeveralReasonsAreCountedOnceAsBad) {
  const std::vector<std::uint8_t> ended{kMinuteJudged, kMinuteJudged | kBadRequests | kBadProbe, 0,
                                        kMinuteJudged | kBadWrites};
  EXPECT_EQ(count_minutes(ended, 0, 9), (MinuteCounts{3, 1, 1, 1, 1}));
  EXPECT_EQ(count_minutes(ended, 2, 4).bad(), 1U);
}

constexpr std::uint32_t kProbe = 1U << 25;

MeasureConfig with_probes() {
  MeasureConfig config = small_config();
  config.first_probe = {kProbe};
  config.probe_route = "probes";
  return config;
}

StoredEvent event_of(std::uint32_t run, EventType type, std::uint64_t position, std::int64_t ms) {
  StoredEvent event;
  event.run = {run};
  event.type = type;
  event.position = position;
  event.persisted_at = at_ms(ms);
  return event;
}

TEST(Minutes, CountWhoseFaultARefusalIs) {
  Facts facts;
  const auto judged = [&](int code, const char* error) {
    Facts fresh;
    fresh.measure.api_request("runs", code, error, milliseconds(40), at_ms(100));
    return fresh.measure.finish(at_ms(60'000)).minutes.front();
  };
  EXPECT_EQ(judged(202, ""), kMinuteJudged);
  EXPECT_EQ(judged(503, "UNAVAILABLE"), kMinuteJudged | kBadRequests);
  EXPECT_EQ(judged(504, "CLIENT_TIMEOUT"), kMinuteJudged | kBadRequests);
  EXPECT_EQ(judged(429, "OVERLOADED"), kMinuteJudged | kBadRequests);
  EXPECT_EQ(judged(429, "THROTTLED"), kMinuteJudged | kBadRequests);
  EXPECT_EQ(judged(429, "QUOTA_EXCEEDED"), 0) << "no valid request, and nothing else";
  EXPECT_EQ(judged(403, "AUTHZ_DENIED"), 0);
}

TEST(Probes, CountInAvailabilityAndNowhereElse) {
  Facts facts(with_probes());
  Measure& measure = facts.measure;
  measure.run_requested({kProbe}, {2}, {1}, at_ms(0));
  measure.api_request("probes", 202, "", milliseconds(40), at_ms(40));
  measure.run_accepted({{kProbe}, {2}, {1}, {}, at_ms(0), at_ms(40)});
  measure.run_started({kProbe}, {2}, at_ms(50));
  AppendFact append;
  append.event.run = {kProbe};
  append.issued_at = at_ms(50);
  append.at = at_ms(5'000);
  append.ok = true;
  measure.append_done(append);
  measure.event_committed(event_of(kProbe, EventType::run_started, 1, 5'000));
  measure.run_closed({{kProbe}, {2}, RunOutcome::failed, ErrorClass::engine, "BROKEN", at_ms(0), at_ms(6'000)});
  measure.sample(at_ms(60'000));
  const Measurements out = measure.finish(at_ms(60'000));
  EXPECT_EQ(out.minutes, std::vector<std::uint8_t>{kMinuteJudged});
  EXPECT_EQ(out.counts.at("probes_started"), 1);
  EXPECT_EQ(out.counts.at("probes_seen"), 1);
  EXPECT_EQ(out.counts.at("probe_events"), 1);
  EXPECT_EQ(out.runs.requested + out.runs.started + out.runs.failed + out.runs.in_flight, 0U);
  EXPECT_EQ(out.store.events, 0U);
  EXPECT_EQ(out.terminal.failed_engine, 0U);
  EXPECT_EQ(out.plan_persisted.n + out.completion.n + out.statestore_write.n + out.ui_refresh.n, 0U);
  EXPECT_EQ(out.outbox_delivery.n, 0U) << "an event of a probe that is still on its way is no open observation";
  const SeriesStore& series = measure.series();
  EXPECT_EQ(series.value(0, series.find("dvt_control_plane_minutes_total")[0]), 1);
  EXPECT_EQ(series.value(0, series.find("dvt_control_plane_minutes_good_total")[0]), 1);
}

TEST(Probes, ThatNobodySeesStartMakeTheirMinuteBad) {
  Facts facts(with_probes());
  facts.measure.run_requested({kProbe}, {2}, {1}, at_ms(0));
  facts.measure.run_requested({kProbe + 1}, {2}, {1}, at_ms(60'000));
  facts.measure.event_committed(event_of(kProbe, EventType::run_started, 1, 60'010));  // of the first: too late
  facts.measure.event_committed(event_of(kProbe + 1, EventType::run_queued, 2, 60'020));
  const Measurements out = facts.measure.finish(at_ms(120'000));
  EXPECT_EQ(out.minutes, (std::vector<std::uint8_t>{kMinuteJudged | kBadProbe, kMinuteJudged | kBadProbe}));
  EXPECT_EQ(out.counts.at("probes_seen"), 0);
}

}  // namespace
}  // namespace dvt::sim::test
