// When a fault was injected and healed, and when what it hurt was well again.
#include <gtest/gtest.h>

#include "tests/sim/measure/facts.h"

namespace dvt::sim {
namespace {

using test::at_ms;
using test::Facts;
using test::small_config;

Facts with(FaultInfo fault) {
  MeasureConfig config = small_config();
  config.faults = {std::move(fault)};
  return Facts(std::move(config));
}

TEST(Fault, AProjectorRecoversWhenEitherLagLimitHoldsAgain) {
  Facts facts = with({"stall", RecoveryBy::projection, 0, false});
  std::vector<StoredEvent> events;
  facts.measure.fault_injected("stall", at_ms(1'000));
  for (int i = 0; i < 80; ++i) events.push_back(facts.commit(0, 2'000));
  facts.measure.fault_healed("stall", at_ms(10'000));
  facts.project({events.begin(), events.begin() + 30}, 12'000);  // 50 left
  facts.project({events.begin() + 30, events.begin() + 31}, 13'500);
  const Measurements m = facts.finish(20'000);
  ASSERT_EQ(m.faults.size(), 1U);
  EXPECT_EQ(m.faults[0].name, "stall");
  EXPECT_EQ(m.faults[0].injected_at, at_ms(1'000));
  EXPECT_EQ(m.faults[0].healed_at, at_ms(10'000));
  EXPECT_EQ(m.faults[0].count, 1U);
  EXPECT_EQ(m.faults[0].recovered, milliseconds(3'500));
  EXPECT_EQ(m.faults[0].episodes[0].recovered_at, at_ms(13'500));
}

TEST(Fault, ThatHurtNothingRecoversAtItsHeal) {
  Facts facts = with({"stall", RecoveryBy::projection, 0, false});
  facts.measure.fault_injected("stall", at_ms(1'000));
  facts.measure.fault_healed("stall", at_ms(2'000));
  EXPECT_EQ(facts.finish(3'000).faults[0].recovered, Duration{});
}

TEST(Fault, ThatNeverHealsOrNeverRecoversHasNoRecovery) {
  Facts open = with({"slow", RecoveryBy::warehouse, 0, false});
  open.measure.fault_injected("slow", at_ms(1'000));
  EXPECT_FALSE(open.finish(3'000).faults[0].recovered.has_value());

  Facts hurt = with({"slow", RecoveryBy::warehouse, 0, false});
  hurt.measure.fault_injected("slow", at_ms(1'000));
  hurt.measure.warehouse_level(0, 50, 9, at_ms(1'500));
  hurt.measure.fault_healed("slow", at_ms(2'000));
  EXPECT_FALSE(hurt.finish(3'000).faults[0].recovered.has_value());
}

TEST(Fault, AWarehouseRecoversWhenItsOwnQueueIsEmpty) {
  Facts facts = with({"slow", RecoveryBy::warehouse, 1, false});
  facts.measure.fault_injected("slow", at_ms(0));
  facts.measure.warehouse_level(0, 1, 5, at_ms(500));
  facts.measure.warehouse_level(1, 50, 8, at_ms(500));
  facts.measure.fault_healed("slow", at_ms(1'000));
  facts.measure.warehouse_level(0, 1, 0, at_ms(2'000));
  facts.measure.warehouse_level(1, 50, 1, at_ms(3'000));
  facts.measure.warehouse_level(1, 50, 0, at_ms(4'000));
  EXPECT_EQ(facts.finish(9'000).faults[0].recovered, seconds(3));
}

TEST(Fault, AKillRecoversFromItsInjectionWhenEveryWorkerIsUpAgain) {
  Facts facts = with({"storm", RecoveryBy::workers, 1, true});
  facts.measure.fault_injected("storm", at_ms(1'000));
  facts.measure.worker_changed(1, 0, false, at_ms(1'000));
  facts.measure.worker_changed(1, 2, false, at_ms(1'000));
  facts.measure.worker_changed(1, 0, true, at_ms(20'000));
  facts.measure.worker_changed(1, 2, true, at_ms(31'000));
  const Measurements m = facts.finish(60'000);
  EXPECT_EQ(m.faults[0].recovered, seconds(30));
  EXPECT_EQ(m.counts.at("worker_crashes"), 2);
  EXPECT_EQ(m.counts.at("worker_restarts"), 2);
}

TEST(Fault, AKillThatStruckNobodyRecoveredAtOnce) {
  Facts facts = with({"storm", RecoveryBy::workers, FaultInfo::kEvery, true});
  facts.measure.fault_injected("storm", at_ms(1'000));
  EXPECT_EQ(facts.finish(60'000).faults[0].recovered, Duration{});
}

TEST(Fault, AStoreRecoversWithAnAppendAndAProjectionThatKeepsUp) {
  Facts facts = with({"outage", RecoveryBy::store, 0, false});
  facts.measure.fault_injected("outage", at_ms(0));
  facts.fail_append(100, 200);
  facts.measure.fault_healed("outage", at_ms(1'000));
  facts.append(2'400, 2'500);
  EXPECT_EQ(facts.finish(9'000).faults[0].recovered, milliseconds(1'500));
}

TEST(Fault, ABusRecoversWhenNothingWaitsTooLong) {
  Facts facts = with({"bus", RecoveryBy::delivery, 0, false});
  facts.measure.fault_injected("bus", at_ms(0));
  const StoredEvent event = facts.commit(0, 1'000);
  facts.measure.fault_healed("bus", at_ms(10'000));
  facts.measure.delivered(0, event, 4, true, at_ms(11'000));
  facts.measure.delivered(1, event, 4, true, at_ms(12'000));
  EXPECT_EQ(facts.finish(20'000).faults[0].recovered, seconds(2));
}

TEST(Fault, SeveralEpisodesGiveTheLongestRecovery) {
  Facts facts = with({"api", RecoveryBy::api, 0, false});
  const auto episode = [&](std::int64_t from, std::int64_t healed, std::int64_t answered) {
    facts.measure.fault_injected("api", at_ms(from));
    facts.measure.api_request("POST /runs", 503, "UNAVAILABLE", milliseconds(5), at_ms(from + 1));
    facts.measure.fault_healed("api", at_ms(healed));
    facts.measure.api_request("POST /runs", 503, "UNAVAILABLE", milliseconds(5), at_ms(healed + 1));
    facts.measure.api_request("POST /runs", 202, "", milliseconds(5), at_ms(answered));
    facts.measure.fault_struck("api", at_ms(from + 1));
  };
  episode(0, 1'000, 4'000);
  episode(10'000, 11'000, 11'500);
  const Measurements m = facts.finish(20'000);
  EXPECT_EQ(m.faults[0].count, 2U);
  EXPECT_EQ(m.faults[0].strikes, 2U);
  EXPECT_EQ(m.faults[0].recovered, seconds(3));
  EXPECT_EQ(m.faults[0].episodes[1].recovered_at, at_ms(11'500));
}

TEST(Fault, AnUnannouncedOneIsListedAllTheSame) {
  Facts facts;
  facts.measure.fault_injected("release-incident", at_ms(0));
  facts.measure.fault_healed("release-incident", at_ms(10));
  const Measurements m = facts.finish(20);
  ASSERT_EQ(m.faults.size(), 1U);
  EXPECT_EQ(m.faults[0].recovered, Duration{});
}

}  // namespace
}  // namespace dvt::sim
