// What a run costs: every cut of the cost adds up to the same nano-dollar.
#include "sim/slo/cost.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dvt::sim {
namespace {

TEST(Apportion, GivesWholeUnitsThatAddUpWhateverTheWeights) {
  const std::vector<std::uint64_t> thirds{1, 1, 1};
  EXPECT_EQ(apportion(100, thirds), (std::vector<std::int64_t>{33, 34, 33}));
  for (std::uint64_t a = 0; a < 40; ++a) {
    for (std::uint64_t b = 0; b < 7; ++b) {
      const std::vector<std::uint64_t> weights{a, b * 31, 17, a * b};
      const std::vector<std::int64_t> parts = apportion(1'000'003, weights);
      EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}), 1'000'003);
    }
  }
  const std::vector<std::uint64_t> nobody{0, 0};
  EXPECT_EQ(apportion(7, nobody), (std::vector<std::int64_t>{0, 7}));
}

/// A day of 1,000 runs on the default topology, with amounts that divide evenly nowhere.
Measurements a_day() {
  Measurements measured;
  measured.warmup_end = Instant{} + hours(1);
  measured.end = Instant{} + hours(25);
  measured.use_by_plan = {{"a", 700, {3'600'000'000'007, 50'000'000'000'011}, 123'457, 7'654'321},
                          {"b", 300, {1'800'000'000'003, 70'000'000'000'013}, 765'433, 1'234'567},
                          {"other", 0, {600'000'000'001, 0}, 11, 1'000'003}};
  measured.use_by_tenant = {{"t1", 999, {5'400'000'000'010, 120'000'000'000'000}, 888'000, 9'000'000},
                            {"t2", 1, {0, 24}, 890, 888'888},
                            {"other", 0, {600'000'000'001, 0}, 11, 3}};
  LoadFigures projector;
  projector.servers = 3;
  projector.utilisation = 0.0625;
  measured.capacity = {{"projector", projector}};
  return measured;
}

TEST(Cost, PartsPlansAndTenantsAddUpToTheSameTotalExactly) {
  const CostResult cost = cost_of(a_day(), Scenario{});
  EXPECT_EQ(cost.completed, 1'000U);
  EXPECT_EQ(cost.total.total(), cost.total.compute + cost.total.storage + cost.total.network);
  std::int64_t compute = 0;
  std::int64_t busy = 0;
  for (const ReplicaCost& part : cost.replicas) {
    compute += part.cost;
    busy += part.busy;
    EXPECT_LE(part.busy, part.cost) << part.name;
  }
  EXPECT_EQ(compute, cost.total.compute);
  EXPECT_EQ(compute - busy, cost.idle);
  EXPECT_GT(busy, 0);
  for (const std::vector<CostShare>* cut : {&cost.by_plan, &cost.by_tenant}) {
    CostParts sum;
    for (const CostShare& share : *cut) {
      sum.compute += share.marginal.compute;
      sum.storage += share.marginal.storage;
      sum.network += share.marginal.network;
    }
    EXPECT_EQ(sum.compute, busy);
    EXPECT_EQ(sum.storage, cost.total.storage);
    EXPECT_EQ(sum.network, cost.total.network);
    EXPECT_EQ(sum.total() + cost.idle, cost.total.total());
  }
}

TEST(Cost, OfReplicasIsWhatTheTopologyProvisionsTimesThePriceOfAnHour) {
  Scenario scenario;
  const CostResult cost = cost_of(a_day(), scenario);
  // 4 + 10 workers, 3 projectors, 2 relays, 2 signal processors, API, engine and store: 24 for 24 h at $0.045.
  EXPECT_EQ(cost.total.compute, 24LL * 24 * 45'000'000);
  scenario.topology.task_queues[1].workers = 20;
  EXPECT_EQ(cost_of(a_day(), scenario).total.compute, 34LL * 24 * 45'000'000);
  scenario.cost.replica_hour.nano_dollars *= 2;
  EXPECT_EQ(cost_of(a_day(), scenario).total.compute, 2 * 34LL * 24 * 45'000'000);
}

TEST(Cost, OfStorageIsNinetyDaysAndOfMovementIsOnce) {
  Measurements measured = a_day();
  measured.use_by_plan = {{"a", 1, {0, 0}, 1'000'000'000, 2'000'000'000}, {"other", 0, {0, 0}, 0, 0}};
  const CostResult cost = cost_of(measured, Scenario{});
  EXPECT_EQ(cost.total.storage, 3 * 120'000'000);  // a GB for three months
  EXPECT_EQ(cost.total.network, 2 * 10'000'000);
  EXPECT_EQ(cost.marginal_per_run, cost.total.total() - cost.idle);
}

TEST(Cost, WithoutRunsHasNoPricePerRun) {
  Measurements measured = a_day();
  for (ResourceUse& use : measured.use_by_plan) use.completed = 0;
  EXPECT_EQ(cost_of(measured, Scenario{}).per_run, CostParts{});
}

}  // namespace
}  // namespace dvt::sim
