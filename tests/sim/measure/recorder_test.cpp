// Objectives' observations from hand-made fact sequences, with the numbers worked out beforehand.
#include <gtest/gtest.h>

#include "tests/sim/measure/facts.h"

namespace dvt::sim {
namespace {

using test::at_ms;
using test::Facts;
using test::small_config;

TEST(Recorder, PlanPersistedRunsFromRequestToAcceptance) {
  Facts facts;
  facts.request(0, 0);
  facts.accept(0, 0, 300);  // on the threshold
  facts.request(1, 1'000);
  facts.accept(1, 1'000, 1'301);
  const Measurements m = facts.finish(2'000);
  EXPECT_EQ(m.plan_persisted.n, 2U);
  EXPECT_EQ(m.plan_persisted.good, 1U);
  EXPECT_EQ(m.plan_persisted.percentiles.max, milliseconds(301));
}

TEST(Recorder, OverloadIsApartAndAPlatformFailureIsBad) {
  Facts facts;
  facts.request(0, 0);
  facts.measure.run_rejected({0}, "ADMISSION_REJECTED", at_ms(5));
  facts.request(1, 10);
  facts.measure.run_rejected({1}, "UNAVAILABLE", at_ms(15));
  facts.request(2, 20);
  facts.measure.run_rejected({2}, "503", at_ms(25));
  facts.request(3, 30);     // open at the end, 1,970 ms old
  facts.request(4, 1'900);  // open, but young
  const Measurements m = facts.finish(2'000);
  EXPECT_EQ(m.rejected_apart, 1U);
  EXPECT_EQ(m.plan_persisted.n, 3U);
  EXPECT_EQ(m.plan_persisted.bad, 3U);
  EXPECT_EQ(m.plan_persisted.open, 1U);
  EXPECT_EQ(m.counts.at("rejected.ADMISSION_REJECTED"), 1);
  EXPECT_EQ(m.counts.at("run_rejections"), 3);
}

TEST(Recorder, AnObservationCountsByTheInstantAtWhichItStarts) {
  MeasureConfig config = small_config();
  config.warmup_end = at_ms(1'000);
  Facts facts(config);
  facts.append(999, 1'500);    // began before
  facts.append(1'000, 1'004);  // begins at the end of warm-up
  const StoredEvent early = facts.commit(0, 999);
  const StoredEvent late = facts.commit(0, 1'000);
  facts.project({early, late}, 1'200);
  facts.measure.delivered(0, early, 1, true, at_ms(1'300));
  facts.measure.delivered(0, late, 1, true, at_ms(1'300));
  facts.measure.gap_confirmed({0}, at_ms(900));
  facts.measure.gap_confirmed({0}, at_ms(1'000));
  const Measurements m = facts.finish(2'000);
  EXPECT_EQ(m.statestore_write.n, 1U);
  EXPECT_EQ(m.ui_refresh.n, 1U);
  EXPECT_EQ(m.ui_refresh.percentiles.max, milliseconds(200));
  EXPECT_EQ(m.outbox_delivery.n, 1U);
  EXPECT_EQ(m.ui_push.n, 1U);
  EXPECT_EQ(m.gaps.confirmed, 1U);
  EXPECT_EQ(m.store.events, 2U);  // the whole run
  EXPECT_EQ(m.counts.at("gaps_confirmed"), 2);
}

TEST(Recorder, WritesCountPerNewEventAndFailuresAreBad) {
  Facts facts;
  facts.append(0, 10);
  facts.append(0, 11);
  facts.append(0, 50, true);  // a duplicate, apart
  facts.fail_append(0, 1, StoreError::pool_exhausted);
  facts.fail_append(0, 1, StoreError::invalid_transition);  // the store's verdict, no failed write
  const Measurements m = facts.finish(1'000);
  EXPECT_EQ(m.statestore_write.n, 3U);
  EXPECT_EQ(m.statestore_write.good, 1U);
  EXPECT_EQ(m.statestore_write.percentiles.max, milliseconds(11));
  EXPECT_EQ(m.duplicate_write.n, 1U);
  EXPECT_EQ(m.store.duplicates, 1U);
  EXPECT_EQ(m.store.write_errors, 1U);
  EXPECT_EQ(m.counts.at("appends_rejected"), 1);
}

TEST(Recorder, OnlyTheFirstAcknowledgementOfAnEventAndSubscriptionCounts) {
  Facts facts;
  const StoredEvent event = facts.commit(0, 0);
  facts.measure.delivered(0, event, 1, true, at_ms(4'000));
  facts.measure.delivered(0, event, 2, false, at_ms(9'000));
  facts.measure.delivered(1, event, 3, true, at_ms(5'001));
  const Measurements m = facts.finish(10'000);
  EXPECT_EQ(m.outbox_delivery.n, 2U);
  EXPECT_EQ(m.outbox_delivery.good, 1U);
  EXPECT_EQ(m.counts.at("deliveries"), 3);
  EXPECT_EQ(m.counts.at("duplicate_deliveries"), 1);
  ASSERT_EQ(m.delivery_by_subscription.size(), 2U);
  EXPECT_EQ(m.delivery_by_subscription[1].name, "audit");
  EXPECT_EQ(m.delivery_by_subscription[1].latency.percentiles.max, milliseconds(5'001));
}

TEST(Recorder, DeadLettersAreBadAndUndeliveredEventsAreBadOnceTooOld) {
  Facts facts;
  const StoredEvent first = facts.commit(0, 0);
  facts.measure.dead_lettered(0, first, at_ms(100));
  facts.measure.dead_lettered(0, first, at_ms(200));       // told twice, counted once
  facts.measure.delivered(0, first, 9, true, at_ms(300));  // requeued later: stays bad
  facts.commit(0, 20'000);                                 // undelivered to both at 26 s: 6 s old
  facts.commit(0, 21'000);                                 // exactly 5 s old: not yet too old
  const Measurements m = facts.finish(26'000);
  EXPECT_EQ(m.outbox_delivery.n, 4U);  // the dead letter, audit of the first, two of the second
  EXPECT_EQ(m.outbox_delivery.bad, 4U);
  EXPECT_EQ(m.outbox_delivery.open, 3U);
  EXPECT_EQ(m.counts.at("notice.DEAD_LETTER"), 2);
  EXPECT_EQ(m.ui_refresh.open, 3U);
}

TEST(Recorder, CompletionLeavesOutStepsPausesAndBackoffOnce) {
  Facts facts;
  facts.start(0, 0);
  // Two steps in parallel, 1 s to 5 s and 3 s to 8 s: seven seconds together.
  facts.schedule(0, 1, 500);
  facts.schedule(0, 2, 500);
  facts.begin(0, 1, 1'000);
  facts.begin(0, 2, 3'000);
  facts.end(0, 1, 1'000, 5'000);
  // The second fails at 8 s and waits until 10 s for its retry, which waits 500 ms in the queue (that counts).
  facts.end(0, 2, 3'000, 8'000, ActivityOutcome::failed_retryable);
  facts.retry(0, 2, 8'000, 10'000);
  facts.schedule(0, 2, 10'000, 2);
  facts.begin(0, 2, 10'500, 2);
  facts.end(0, 2, 10'500, 12'000, ActivityOutcome::completed, 2);
  // Paused from 12.5 s to 20 s.
  facts.measure.run_paused({0}, at_ms(12'500));
  facts.measure.run_resumed({0}, at_ms(20'000));
  facts.close(0, 0, 20'250);
  // 20.25 − (1..8 = 7) − (8..10 = 2) − 1.5 − 7.5 = 2.25
  const Measurements m = facts.finish(30'000);
  ASSERT_EQ(m.completion.n, 1U);
  EXPECT_EQ(m.completion.percentiles.max, milliseconds(2'250));
  EXPECT_EQ(m.runs.completed, 1U);
  EXPECT_EQ(m.runs.in_flight, 0U);
  EXPECT_EQ(m.counts.at("activity_retries"), 1);
}

TEST(Recorder, AStepThatRunsWhilePausedIsLeftOutOnce) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 1'000);
  facts.measure.run_paused({0}, at_ms(2'000));
  facts.end(0, 1, 1'000, 6'000);
  facts.measure.run_resumed({0}, at_ms(8'000));
  facts.close(0, 0, 9'000);
  EXPECT_EQ(facts.finish(10'000).completion.percentiles.max, seconds(2));
}

TEST(Recorder, WhatIsOpenWhenTheRunClosesIsLeftOutUpToTheClose) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 1'000);  // still runs
  facts.schedule(0, 2, 0);
  facts.begin(0, 2, 2'000);
  facts.end(0, 2, 2'000, 3'000, ActivityOutcome::failed);
  facts.close(0, 0, 4'000, RunOutcome::failed, ErrorClass::user, "STEP_FAILED");
  const Measurements m = facts.finish(10'000);
  EXPECT_EQ(m.completion.percentiles.max, seconds(1));
  EXPECT_EQ(m.terminal.failed_user, 1U);
}

TEST(Recorder, ADeadWorkersAttemptIsTheControlPlanesTimeOnceItsStatementHasEnded) {
  Facts facts;
  facts.start(0, 0);
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 0);
  facts.measure.warehouse_done({0, {0}, {0}, 1, at_ms(0), at_ms(0), at_ms(4'000), true});
  // Nobody reports it: the attempt times out at 30 s.
  facts.end(0, 1, 0, 30'000, ActivityOutcome::timed_out_heartbeat);
  facts.close(0, 0, 30'000, RunOutcome::failed, ErrorClass::engine, "ACTIVITY_TIMEOUT");
  EXPECT_EQ(facts.finish(40'000).completion.percentiles.max, seconds(26));
}

TEST(Recorder, CancelledAndTerminatedRunsHaveNoCompletion) {
  Facts facts;
  facts.start(0, 0);
  facts.start(1, 0);
  facts.close(0, 0, 60'000, RunOutcome::cancelled);
  facts.close(1, 0, 60'000, RunOutcome::terminated, ErrorClass::engine, "TERMINATED_BY_OPERATOR");
  const Measurements m = facts.finish(70'000);
  EXPECT_EQ(m.completion.n, 0U);
  EXPECT_EQ(m.runs.cancelled, 1U);
  EXPECT_EQ(m.runs.failed, 1U);
  EXPECT_EQ(m.terminal.terminated, 1U);
  EXPECT_EQ(m.counts.at("runs_terminated"), 1);
}

TEST(Recorder, ARunOpenAtTheEndIsBadOnceItsOwnTimeIsPastTheThreshold) {
  Facts facts;
  facts.start(0, 0);  // 60 s old, 56 of them in a step that still runs: young
  facts.schedule(0, 1, 0);
  facts.begin(0, 1, 4'000);
  facts.start(1, 0);  // 60 s old and nothing to show
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.completion.n, 1U);
  EXPECT_EQ(m.completion.open, 1U);
  EXPECT_EQ(m.completion.percentiles.max, seconds(60));
  EXPECT_EQ(m.runs.in_flight, 2U);
}

TEST(Recorder, AdmissionWaitIsShownBeside) {
  Facts facts;
  facts.request(0, 0);
  facts.accept(0, 0, 100);
  facts.measure.run_started({0}, {0}, at_ms(2'100));
  facts.close(0, 0, 3'000);
  const Measurements m = facts.finish(4'000);
  EXPECT_EQ(m.admission_wait.percentiles.max, seconds(2));
  EXPECT_EQ(m.completion.percentiles.max, seconds(3));
}

TEST(Recorder, TheProjectionLagFollowsCommitsAndSnapshots) {
  Facts facts;
  std::vector<StoredEvent> events;
  for (int i = 0; i < 60; ++i) events.push_back(facts.commit(0, 0));
  facts.project({events.begin(), events.begin() + 10}, 3'000);       // 50 left: still bad
  facts.project({events.begin() + 10, events.begin() + 11}, 4'500);  // 49 left: good again
  const Measurements m = facts.finish(10'000);
  EXPECT_EQ(m.lag.bad, milliseconds(3'500));  // 1 s to 4.5 s
  EXPECT_EQ(m.lag.max_events, 60U);
  EXPECT_EQ(m.lag.max_age, seconds(10));
  EXPECT_EQ(m.ui_refresh.n, 60U);  // 11 arrived, 49 open and too old
  EXPECT_EQ(m.ui_refresh.open, 49U);
}

TEST(Recorder, ThroughputCountsFullVirtualDaysAfterWarmUp) {
  MeasureConfig config = small_config();
  config.warmup_end = Instant{} + hours(1);
  Facts facts(config);
  const std::int64_t hour = 3'600'000;
  facts.request(0, 0);  // before warm-up: offered to no day
  facts.accept(0, 0, 10);
  facts.close(0, 0, 2 * hour);  // completed in the first day
  facts.start(1, 2 * hour);
  facts.start(2, 24 * hour);
  facts.close(1, 2 * hour, 25 * hour - 1);
  facts.close(2, 24 * hour, 25 * hour);            // the first instant of the second day
  const Measurements m = facts.finish(48 * hour);  // the second day is an hour short
  ASSERT_EQ(m.days.size(), 1U);
  EXPECT_EQ(m.days[0].from, Instant{} + hours(1));
  EXPECT_EQ(m.days[0].offered, 2U);
  EXPECT_EQ(m.days[0].completed, 2U);
}

TEST(Recorder, ARunIsStuckWhenItIsOldSilentAndNobodyWorksOnIt) {
  const std::int64_t minute = 60'000;
  Facts facts;
  for (std::uint32_t run = 0; run < 6; ++run) facts.start(run, 0);
  facts.commit(0, minute);       // silent since: stuck
  facts.commit(1, 56 * minute);  // an event four minutes ago
  facts.measure.run_paused({2}, at_ms(minute));
  facts.schedule(3, 1, minute);  // queued
  facts.schedule(4, 1, minute);
  facts.begin(4, 1, minute);  // executing
  facts.schedule(5, 1, minute);
  facts.begin(5, 1, minute);  // its statement ended long ago: hangs on a dead worker
  facts.measure.warehouse_done({0, {5}, {0}, 1, at_ms(0), at_ms(0), at_ms(2 * minute), true});
  facts.start(6, 35 * minute);  // too young
  const Measurements m = facts.finish(60 * minute);
  EXPECT_EQ(m.runs.in_flight, 7U);
  EXPECT_EQ(m.runs.stuck, 2U);
}

TEST(Recorder, ARunWhoseFailedStepWaitsForAnOperatorIsNotStuck) {
  const std::int64_t minute = 60'000;
  for (const bool hold : {true, false}) {
    MeasureConfig config = small_config();
    config.hold_failed_steps = hold;
    Facts facts(std::move(config));
    for (std::uint32_t run = 0; run < 3; ++run) {
      facts.start(run, 0);
      facts.commit(run, minute, EventType::step_failed);
    }
    facts.commit(1, 2 * minute, EventType::step_started);  // RETRY_STEP, and silent since
    facts.commit(2, 2 * minute, EventType::step_skipped);
    EXPECT_EQ(facts.finish(60 * minute).runs.stuck, hold ? 2U : 3U);
  }
}

TEST(Recorder, SamplesGaugesAndTheBadTimeCounter) {
  Facts facts;
  Measure& measure = facts.measure;
  measure.sample(at_ms(0));
  facts.start(0, 1'000);
  for (int i = 0; i < 60; ++i) facts.commit(0, 1'000);
  measure.adapter_heartbeat(at_ms(10'000));
  measure.worker_changed(1, 2, false, at_ms(11'000));
  measure.sample(at_ms(15'000));
  const SeriesStore& series = measure.series();
  const auto last = [&](std::string_view name, std::size_t which = 0) {
    return series.value(series.rows() - 1, series.find(name)[which]);
  };
  EXPECT_EQ(last("dvt_projection_lag_events"), 60);
  EXPECT_EQ(last("dvt_projection_lag_seconds"), 14);
  EXPECT_EQ(last("dvt_projection_lag_bad_ms_total"), 13'000);
  EXPECT_EQ(last("dvt_runs_in_flight"), 1);
  EXPECT_EQ(last("dvt_workers_available", 0), 2);
  EXPECT_EQ(last("dvt_workers_available", 1), 2);
  EXPECT_EQ(last("dvt_adapter_last_heartbeat_seconds"), 1'767'225'610);
  EXPECT_NE(series.value(0, series.find("dvt_adapter_last_heartbeat_seconds")[0]),
            series.value(0, series.find("dvt_adapter_last_heartbeat_seconds")[0]));  // absent until the first beat
  EXPECT_EQ(series.value(0, series.find("dvt_runs_started_total")[0]), 0);
}

TEST(Recorder, RunsEndUnderTheLabelsThatAlertRulesRead) {
  Facts facts;
  facts.start(0, 0);
  facts.start(1, 0);
  facts.close(0, 0, 1'000);
  facts.close(1, 0, 1'000, RunOutcome::failed, ErrorClass::engine, "TIMEOUT");
  facts.measure.sample(at_ms(15'000));
  const SeriesStore& series = facts.measure.series();
  std::vector<std::string> seen;
  for (const std::uint32_t id : series.find("dvt_runs_completed_total")) {
    if (series.value(0, id) == 0) continue;
    for (const auto& [name, value] : series.info(id).labels) seen.push_back(name + "=" + value);
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"error_class=none", "error_code=NONE", "planId=small", "status=completed",
                                      "error_class=engine", "error_code=TIMEOUT", "planId=small", "status=failed"}));
}

TEST(Recorder, StepLabelsAreEmptyUnlessAskedFor) {
  const auto labels = [](bool step_labels) {
    MeasureConfig config = small_config();
    config.step_labels = step_labels;
    Facts facts(config);
    std::vector<std::string> out;
    for (const std::uint32_t id : facts.measure.series().find("dvt_step_retries_total")) {
      const std::string* step = facts.measure.series().info(id).label("stepId");
      if (out.empty() || out.back() != *step) out.push_back(*step);
    }
    return out;
  };
  EXPECT_EQ(labels(false), std::vector<std::string>{""});
  EXPECT_EQ(labels(true), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Recorder, WhatIsMeasuredSoFarLeavesOpenThingsOpen) {
  Facts facts;
  facts.start(0, 0);
  facts.commit(0, 0);
  facts.start(1, 0);
  facts.close(1, 0, 1'000);
  const Measurements early = facts.measure.so_far(at_ms(60'000));
  EXPECT_EQ(early.completion.n, 1U);
  EXPECT_EQ(early.outbox_delivery.n, 0U);
  EXPECT_EQ(early.runs.in_flight, 1U);
  EXPECT_EQ(early.lag.total, seconds(60));
  facts.close(0, 0, 70'000);
  const Measurements all = facts.finish(80'000);
  EXPECT_EQ(all.completion.n, 2U);
  EXPECT_EQ(all.outbox_delivery.open, 2U);
  EXPECT_EQ(all.runs.in_flight, 0U);
}

TEST(Recorder, MemoryFollowsWhatIsInFlight) {
  Facts facts;
  for (std::uint32_t run = 0; run < 30'000; ++run) {
    const std::int64_t ms = run * 100LL;
    facts.start(run, ms);
    const StoredEvent event = facts.commit(run, ms);
    facts.project({event}, ms + 10);
    facts.measure.delivered(0, event, 1, true, at_ms(ms + 20));
    facts.measure.delivered(1, event, 1, true, at_ms(ms + 30));
    facts.close(run, ms, ms + 50);
    ASSERT_LE(facts.measure.pages(), 3U);
  }
  EXPECT_EQ(facts.measure.open_runs(), 0U);
  EXPECT_EQ(facts.finish(4'000'000).runs.completed, 30'000U);
}

}  // namespace
}  // namespace dvt::sim
