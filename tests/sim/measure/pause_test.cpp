// The four moments of a PAUSE (domain §7), how its observation ends, and what it met.
#include <gtest/gtest.h>

#include "tests/sim/measure/facts.h"

namespace dvt::sim {
namespace {

using test::at_ms;
using test::Facts;
using test::small_config;

TEST(Pause, HasFourMomentsCountedFromItsAcceptance) {
  Facts facts;
  facts.start(7, 0);
  facts.schedule(7, 1, 1'000);
  facts.begin(7, 1, 1'500);
  facts.schedule(7, 2, 1'000);  // waits in the queue
  facts.measure.warehouse_level(0, 50, 4, at_ms(1'600));
  facts.measure.warehouse_level(1, 20, 3, at_ms(1'600));
  facts.decide(7, SignalType::pause, 1, 2'000);
  facts.schedule(7, 3, 2'020);  // the workflow has not seen the signal yet
  facts.apply(7, SignalType::pause, 1, 2'050);
  facts.begin(7, 2, 2'400);
  facts.begin(7, 3, 2'700);
  facts.end(7, 1, 1'500, 3'000);
  facts.end(7, 2, 2'400, 5'000);
  facts.measure.run_paused({7}, at_ms(5'500));
  facts.end(7, 3, 2'700, 6'000);
  const Measurements m = facts.finish(60'000);
  ASSERT_EQ(m.pauses.list.size(), 1U);
  const PauseRecord& pause = m.pauses.list[0];
  EXPECT_EQ(pause.run, RunOrdinal{7});
  EXPECT_EQ(pause.run_id.bytes[15], 7);
  EXPECT_EQ(pause.applied, milliseconds(50));
  EXPECT_EQ(pause.last_scheduled, milliseconds(20));
  EXPECT_EQ(pause.last_started, milliseconds(700));
  EXPECT_EQ(pause.drained, milliseconds(4'000));
  EXPECT_EQ(pause.ended_by, PauseEnd::drained);
  EXPECT_EQ(pause.activities_started(), 2U);
  EXPECT_EQ(pause.queue_depth, 1U);
  EXPECT_EQ(pause.in_flight, 1U);
  EXPECT_EQ(pause.warehouse_queue, 7U);
  EXPECT_EQ(m.pause_latency.n, 1U);
  EXPECT_EQ(m.pause_latency.good, 1U);
  EXPECT_EQ(m.pauses.with_backlog.n, 1U);
  EXPECT_EQ(m.pauses.activities_started_after_pause, 2U);
}

TEST(Pause, IsJudgedAtZeroWhenNothingStartsAfterIt) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 100);
  facts.begin(0, 1, 100);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);
  facts.end(0, 1, 100, 31'000);
  facts.measure.run_paused({0}, at_ms(31'200));
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.pauses.list[0].last_started, Duration{});
  EXPECT_EQ(m.pauses.list[0].last_scheduled, Duration{});
  EXPECT_EQ(m.pauses.list[0].drained, milliseconds(30'200));
  EXPECT_EQ(m.pauses.with_backlog.n, 0U);
  EXPECT_EQ(m.pause_latency.percentiles.max, Duration{});
}

TEST(Pause, RetriesAreShownBesideAndCountAsStarts) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);
  facts.measure.run_paused({0}, at_ms(1'020));
  facts.end(0, 1, 0, 2'000, ActivityOutcome::failed_retryable);
  facts.retry(0, 1, 2'000, 4'000);  // in backoff: not drained
  facts.schedule(0, 1, 4'000, 2);
  facts.begin(0, 1, 4'100, 2);
  facts.end(0, 1, 4'100, 9'000, ActivityOutcome::completed, 2);
  const Measurements m = facts.finish(60'000);
  const PauseRecord& pause = m.pauses.list[0];
  EXPECT_EQ(pause.last_started, Duration{});
  EXPECT_EQ(pause.last_scheduled, Duration{});
  EXPECT_EQ(pause.last_retry_started, milliseconds(3'100));
  EXPECT_EQ(pause.retries_started, 1U);
  EXPECT_EQ(pause.first_attempts_started, 0U);
  EXPECT_EQ(pause.drained, milliseconds(8'000));
  EXPECT_EQ(m.pauses.activities_started_after_pause, 1U);
  EXPECT_EQ(m.pauses.retries_started_after_pause, 1U);
}

TEST(Pause, AnAttemptThatTimesOutForGoodDrainsAtItsTimeout) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);
  facts.measure.run_paused({0}, at_ms(1'020));
  facts.end(0, 1, 0, 5'000, ActivityOutcome::timed_out_start_to_close, 3);
  // No retry is told: it was the last attempt. The next fact of the run comes much later.
  facts.decide(0, SignalType::resume, 2, 50'000);
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.pauses.list[0].ended_by, PauseEnd::drained);
  EXPECT_EQ(m.pauses.list[0].drained, milliseconds(4'000));
}

TEST(Pause, AnEmptyRunIsNotDrainedBeforeItStandsStill) {
  Facts facts;
  facts.start(0, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);  // between two layers
  facts.schedule(0, 1, 1'100);                  // the layer that was on its way
  facts.begin(0, 1, 2'200);
  facts.end(0, 1, 2'200, 3'000);
  facts.measure.run_paused({0}, at_ms(3'100));
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.pauses.list[0].last_scheduled, milliseconds(100));
  EXPECT_EQ(m.pauses.list[0].last_started, milliseconds(1'200));
  EXPECT_EQ(m.pauses.list[0].drained, milliseconds(2'100));
  EXPECT_EQ(m.pause_latency.bad, 1U);
}

TEST(Pause, EndsWithResume) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.decide(0, SignalType::resume, 2, 1'500);
  facts.schedule(0, 2, 1'600);  // after the RESUME: nothing to do with the pause
  facts.begin(0, 2, 1'700);
  const Measurements m = facts.finish(60'000);
  const PauseRecord& pause = m.pauses.list[0];
  EXPECT_EQ(pause.ended_by, PauseEnd::resume);
  EXPECT_FALSE(pause.applied.has_value());
  EXPECT_FALSE(pause.drained.has_value());
  EXPECT_EQ(pause.activities_started(), 0U);
  EXPECT_EQ(m.pauses.all.applied.n, 0U);
}

TEST(Pause, EndsWithTheRunAndWithTheSimulation) {
  Facts facts;
  facts.start(0, 0);
  facts.start(1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.decide(1, SignalType::pause, 2, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'100);
  facts.close(0, 0, 4'000);
  const Measurements m = facts.finish(5'000);
  EXPECT_EQ(m.pauses.list[0].ended_by, PauseEnd::terminal);
  EXPECT_EQ(m.pauses.list[1].ended_by, PauseEnd::end_of_run);
  EXPECT_EQ(m.pause_latency.n, 2U);
  EXPECT_EQ(m.pauses.ended_by[static_cast<std::size_t>(PauseEnd::terminal)], 1U);
}

TEST(Pause, EndsWithTheDrainTimeoutAsOfItsInstant) {
  MeasureConfig config = small_config();
  config.drain_timeout = seconds(300);
  Facts facts(config);
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);
  facts.measure.run_paused({0}, at_ms(1'020));
  facts.schedule(0, 2, 400'000);  // too late to belong to the observation
  facts.begin(0, 2, 400'000);
  const Measurements m = facts.finish(500'000);
  const PauseRecord& pause = m.pauses.list[0];
  EXPECT_EQ(pause.ended_by, PauseEnd::drain_timeout);
  EXPECT_EQ(pause.last_started, Duration{});
}

// Conductor: what a standing run has queued or waiting for a retry is held until RESUME.
TEST(Pause, IsDrainedWhileStepsAreHeldWhereAStandingRunHoldsItsQueue) {
  MeasureConfig config = small_config();
  config.standing = Standing::holds_its_queue;
  Facts facts(config);
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.schedule(0, 2, 0);  // has no slot
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.apply(0, SignalType::pause, 1, 1'010);
  facts.end(0, 1, 0, 4'000);
  facts.measure.run_paused({0}, at_ms(4'100));
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.pauses.list[0].ended_by, PauseEnd::drained);
  EXPECT_EQ(m.pauses.list[0].drained, milliseconds(3'100));
}

TEST(Pause, CountsNoticesByTheirName) {
  Facts facts;
  facts.start(0, 0);
  facts.measure.notice({"PAUSE_DRAIN_TIMEOUT", {0}, "forced", at_ms(1'000)});
  facts.measure.notice({"PAUSE_DRAIN_TIMEOUT", {0}, "forced", at_ms(2'000)});
  const Measurements m = facts.finish(5'000);
  EXPECT_EQ(m.counts.at("notice.PAUSE_DRAIN_TIMEOUT"), 2);
  EXPECT_EQ(m.counts.at("notice.ORPHANED_TASK"), 0);
}

TEST(Pause, TwoPausesOfOneRunAreObservedApartAndARepeatIsNone) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.decide(0, SignalType::pause, 1, 1'000);
  facts.decide(0, SignalType::pause, 1, 1'100);  // the same signal again
  facts.decide(0, SignalType::pause, 2, 2'000);
  facts.apply(0, SignalType::pause, 1, 2'100);
  facts.apply(0, SignalType::pause, 2, 2'100);
  facts.end(0, 1, 0, 3'000);
  facts.measure.run_paused({0}, at_ms(3'000));
  const Measurements m = facts.finish(60'000);
  ASSERT_EQ(m.pauses.list.size(), 2U);
  EXPECT_EQ(m.pauses.list[0].drained, milliseconds(2'000));
  EXPECT_EQ(m.pauses.list[1].drained, milliseconds(1'000));
}

TEST(Pause, CountsOnlyWhenAcceptedAfterWarmUp) {
  MeasureConfig config = small_config();
  config.warmup_end = at_ms(2'000);
  Facts facts(config);
  facts.start(0, 0);
  facts.start(1, 0);
  facts.decide(0, SignalType::pause, 1, 1'999);
  facts.decide(1, SignalType::pause, 2, 2'000);
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.pauses.all.n, 1U);
  EXPECT_EQ(m.pauses.list[0].run, RunOrdinal{1});
}

TEST(Pause, SignalsAreTimedFromAcceptanceToApplication) {
  Facts facts;
  facts.start(0, 0);
  facts.decide(0, SignalType::cancel, 5, 1'000);
  facts.apply(0, SignalType::cancel, 5, 1'250);
  facts.measure.signal_lost(Facts::signal(0, SignalType::pause, 6, 2'000));
  facts.measure.sample(at_ms(15'000));
  const SeriesStore& series = facts.measure.series();
  double sum = 0;
  for (const std::uint32_t id : series.find("dvt_signal_processing_duration_ms_sum")) {
    if (*series.info(id).label("signal_type") == "CANCEL") sum = series.value(0, id);
  }
  EXPECT_EQ(sum, 250);
  const Measurements m = facts.finish(20'000);
  EXPECT_EQ(m.counts.at("signals_applied"), 1);
  EXPECT_EQ(m.counts.at("signals_lost"), 1);
}

}  // namespace
}  // namespace dvt::sim
