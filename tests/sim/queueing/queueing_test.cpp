// The store's connection pool and the projector's replicas against queueing theory: whoever sizes a pool by dvtsim must
// get what Erlang would have told him where Erlang has an answer.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/fault/store_model.h"
#include "sim/kernel/random_streams.h"
#include "store/memory/memory_state_store.h"
#include "store/projector/projector.h"
#include "tests/sim/queueing/queue_estimate.h"

namespace dvt::sim::queueing {
namespace {

constexpr Duration kService = seconds(1);
constexpr Duration kPatience = hours(24 * 365);  // nobody leaves the queue

enum class Service { exponential, constant };

Distribution service_of(Service service, Duration mean) {
  return service == Service::exponential ? Distribution::exponential(mean) : Distribution::constant(mean);
}

struct Case {
  std::string name;
  unsigned servers;
  Service service;
  double load;
  std::uint64_t customers;
  double theory() const { return service == Service::exponential ? mmc_time(servers, load) : md1_time(load); }
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Duration gap_for(const Case& one) {
  return Duration{static_cast<std::int64_t>(static_cast<double>(kService.ns) / (one.load * one.servers) + 0.5)};
}

/// Requests to the store's pool; `slower` multiplies the service time behind the theory's back.
Estimate measure_pool(const Case& one, double slower = 1) {
  Kernel kernel;
  const PhiloxRandom random(7);
  Telemetry nobody;
  store::MemoryStateStore rows({});
  const Duration mean{static_cast<std::int64_t>(static_cast<double>(kService.ns) * slower)};
  StoreModel pool(kernel, random, nobody, rows,
                  {Distribution{}, service_of(one.service, mean), one.servers, kPatience});
  BatchMeans times(one.customers);
  PoissonStream stream(kernel, random, gap_for(one), one.customers, [&](std::uint64_t customer) {
    const Instant came = kernel.now();
    pool.read(RunOrdinal{0}, {customer}, [&times, &kernel, came](bool) { times.left(kernel.now() - came); });
  });
  kernel.run();
  return times.result();
}

class QueueingTable : public ::testing::TestWithParam<Case> {};

TEST_P(QueueingTable, ThePoolAgreesWithTheTheoryAndAFivePercentErrorWouldShow) {
  const Case& one = GetParam();
  const Estimate found = measure_pool(one);
  std::printf("%-16s theory %8.4f s  measured %8.4f s  +- %.4f (%.2f %%)\n", one.name.c_str(), one.theory(), found.mean,
              found.half_width, 100 * found.relative_half_width());
  EXPECT_LE(found.relative_half_width(), 0.02) << "too few customers to tell";
  EXPECT_TRUE(found.holds(one.theory())) << found.mean << " +- " << found.half_width << ", theory " << one.theory();
  EXPECT_FALSE(found.holds(one.theory() * 1.05));
  EXPECT_FALSE(found.holds(one.theory() * 0.95));
}

INSTANTIATE_TEST_SUITE_P(Moderate, QueueingTable,
                         ::testing::Values(Case{"M/M/1 at 50 %", 1, Service::exponential, 0.5, 400'000},
                                           Case{"M/M/1 at 80 %", 1, Service::exponential, 0.8, 4'000'000},
                                           Case{"M/M/8 at 50 %", 8, Service::exponential, 0.5, 400'000},
                                           Case{"M/M/8 at 80 %", 8, Service::exponential, 0.8, 1'500'000},
                                           Case{"M/D/1 at 50 %", 1, Service::constant, 0.5, 300'000},
                                           Case{"M/D/1 at 80 %", 1, Service::constant, 0.8, 2'000'000}));

// Long busy periods need many customers: a suite of its own for the full tier.
INSTANTIATE_TEST_SUITE_P(Heavy, QueueingTable,
                         ::testing::Values(Case{"M/M/1 at 95 %", 1, Service::exponential, 0.95, 70'000'000},
                                           Case{"M/M/8 at 95 %", 8, Service::exponential, 0.95, 60'000'000},
                                           Case{"M/D/1 at 95 %", 1, Service::constant, 0.95, 30'000'000}));

TEST(Queueing, APoolWhoseServiceIsFivePercentSlowerFallsOutsideTheTheory) {
  for (const Case& one : {Case{"M/M/1 at 50 %", 1, Service::exponential, 0.5, 400'000},
                          Case{"M/D/1 at 50 %", 1, Service::constant, 0.5, 300'000},
                          Case{"M/M/8 at 80 %", 8, Service::exponential, 0.8, 1'500'000}}) {
    const Estimate found = measure_pool(one, 1.05);
    EXPECT_FALSE(found.holds(one.theory())) << one.name << ": " << found.mean << " +- " << found.half_width;
  }
}

/// What the projector meets: a backlog at time 0, then events of a Poisson stream, each of a run of its own.
class ProjectorQueue : public Telemetry {
 public:
  ProjectorQueue(std::uint64_t backlog, std::uint64_t events, Duration mean_gap, std::uint64_t seed)
      : random_(seed), times_(events) {
    rows_.add_plan({PlanOrdinal{0}, "plan", "1", {"a"}});
    rows_.add_tenant({TenantOrdinal{0}, "tenant"});
    store::ProjectorOptions options;
    options.replicas = 1;
    options.per_event = kService;
    options.poll_interval = nanoseconds(1);  // theory knows no polls
    options.batch = 1;
    projector_ = std::make_unique<store::Projector>(rows_, kernel_, *this, options);
    projector_->count_load_from({});
    projector_->start();
    for (std::uint64_t i = 0; i < backlog; ++i) commit();
    stream_ = std::make_unique<PoissonStream>(kernel_, random_, mean_gap, events, [this](std::uint64_t) { commit(); });
    kernel_.run();
  }
  Estimate time_to_project() const { return times_.result(); }
  LoadFigures load() const { return projector_->load(kernel_.now()); }

  void snapshots_committed(std::uint32_t, std::uint64_t, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>&, Instant at) override {
    for (const StoredEvent& event : events) {
      times_.left(at - event.persisted_at);
      rows_.release_run(event.run);
    }
  }

 private:
  void commit() {
    RunRecord record;
    record.ordinal = {next_run_++};
    rows_.add_run(record);
    NewEvent event;
    event.run = record.ordinal;
    event.emitted_at = kernel_.now();
    const AppendReceipt receipt = rows_.append(event, kernel_.now()).value();
    StoredEvent stored;
    static_cast<NewEvent&>(stored) = event;
    stored.position = receipt.position;
    stored.run_seq = receipt.run_seq;
    stored.persisted_at = receipt.persisted_at;
    rows_.mark_delivered(std::span(&stored.position, 1), kernel_.now());
    projector_->event_committed(stored);
  }

  Kernel kernel_;
  PhiloxRandom random_;
  store::MemoryStateStore rows_{{}};
  BatchMeans times_;
  std::unique_ptr<store::Projector> projector_;
  std::unique_ptr<PoissonStream> stream_;
  std::uint32_t next_run_ = 0;
};

TEST(Queueing, AReplicaThatTakesOneEventAtATimeIsAnMD1Queue) {
  for (const double load : {0.5, 0.8}) {
    const Case one{"projector", 1, Service::constant, load, load < 0.6 ? 300'000U : 1'200'000U};
    const ProjectorQueue queue(0, one.customers, gap_for(one), 11);
    const Estimate found = queue.time_to_project();
    EXPECT_LE(found.relative_half_width(), 0.02);
    EXPECT_TRUE(found.holds(one.theory())) << load << ": " << found.mean << " +- " << found.half_width;
    EXPECT_FALSE(found.holds(one.theory() * 1.05));
    EXPECT_NEAR(queue.load().utilisation, load, 0.01 * load);
    EXPECT_NEAR(queue.load().capacity, 1.0, 1e-9);
    // Little: as many wait as come in the time that one stays.
    EXPECT_NEAR(queue.load().queue_mean, queue.load().offered * found.mean, 0.02 * queue.load().queue_mean);
  }
}

/// From time 0 until the queue was first down to its floor.
double drained_at(const LoadFigures& load) {
  return load.drained ? static_cast<double>((load.queue_max_at + *load.drained).ns) / 1e9 : 0.0;
}

TEST(Queueing, ABacklogInTheProjectorDrainsAtItsSpareCapacity) {
  constexpr std::uint64_t kBacklog = 2'000;
  constexpr double kLoad = 0.8;
  const Case one{"projector", 1, Service::constant, kLoad, 0};
  std::array<double, kBatches> drains{};
  for (std::size_t i = 0; i < kBatches; ++i)
    drains.at(i) = drained_at(ProjectorQueue(kBacklog, 4 * kBacklog * 4, gap_for(one), 100 + i).load());
  const Estimate found = estimate(drains);
  const double theory = static_cast<double>(kBacklog - 1) / (1 - kLoad);  // one batch may be left
  EXPECT_LE(found.relative_half_width(), 0.02);
  EXPECT_TRUE(found.holds(theory)) << found.mean << " +- " << found.half_width << ", theory " << theory;
  EXPECT_FALSE(found.holds(theory * 1.05));
}

TEST(Queueing, ABacklogBeforeThePoolDrainsAtItsSpareCapacity) {
  constexpr std::uint64_t kBacklog = 5'000;
  for (const unsigned servers : {1U, 8U}) {
    const Case one{"pool", servers, Service::exponential, 0.8, 0};
    std::array<double, kBatches> drains{};
    for (std::size_t i = 0; i < kBatches; ++i) {
      Kernel kernel;
      const PhiloxRandom random(500 + i);
      Telemetry nobody;
      store::MemoryStateStore rows({});
      StoreModel pool(kernel, random, nobody, rows,
                      {Distribution{}, service_of(one.service, kService), one.servers, kPatience});
      pool.count_load_from({});
      const auto request = [&](std::uint64_t customer) { pool.read(RunOrdinal{0}, {customer}, [](bool) {}); };
      for (std::uint64_t n = 0; n < kBacklog; ++n) request(1'000'000'000 + n);
      PoissonStream stream(kernel, random, gap_for(one), 4 * kBacklog * 4, request);
      kernel.run();
      drains.at(i) = drained_at(pool.load(kernel.now()));
    }
    const Estimate found = estimate(drains);
    const double theory = static_cast<double>(kBacklog - servers) / (servers * (1 - one.load));
    EXPECT_LE(found.relative_half_width(), 0.02);
    EXPECT_TRUE(found.holds(theory)) << found.mean << " +- " << found.half_width << ", theory " << theory;
    EXPECT_FALSE(found.holds(theory * 1.05));
  }
}

}  // namespace
}  // namespace dvt::sim::queueing
