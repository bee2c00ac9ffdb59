// Releases under the error budget policy, on hand-made minutes: who ships, who waits, who is dropped, and that the same
// release meets the same luck whatever the policy does.
#include "sim/world/releases.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"
#include "sim/scenario/fault_kinds.h"

namespace dvt::sim {
namespace {

/// Begins and ends nothing, and remembers when it was asked to.
class Struck final : public FaultActions {
 public:
  explicit Struck(Kernel& kernel) : kernel_(kernel) {}
  std::uint32_t begin(const Fault&, Episode episode) override {
    began.emplace_back(episode.number, kernel_.now());
    return 1;
  }
  void end(const Fault&, Episode episode) override { ended.emplace_back(episode.number, kernel_.now()); }

  std::vector<std::pair<std::uint32_t, Instant>> began;
  std::vector<std::pair<std::uint32_t, Instant>> ended;

 private:
  Kernel& kernel_;
};

Release daily(ReleaseType type, WhenFrozen when_frozen, Share risk) {
  Release release;
  release.name = type == ReleaseType::feature ? "features" : "fixes";
  release.every = days(1);
  release.type = type;
  release.when_frozen = when_frozen;
  release.risk = risk;
  Incident incident;
  incident.kind = FaultKind::outage;
  incident.target = "store";
  incident.length = Dist::constant(hours(2));
  release.incident = incident;
  return release;
}

struct Outcome {
  ReleaseSummary summary;
  std::vector<std::pair<std::uint32_t, Instant>> began;
  std::vector<std::pair<std::uint32_t, Instant>> ended;
};

/// Ships for `length`; minutes [from, to) of it are bad.
Outcome ship(const std::vector<Release>& releases, std::optional<BudgetPolicy> policy, Duration length,
             std::size_t from, std::size_t to) {
  Scenario scenario;
  scenario.releases = releases;
  scenario.budget_policy = policy;
  Kernel kernel(KernelOptions{});
  const PhiloxRandom random(7);
  Telemetry silent;
  Struck struck(kernel);
  std::vector<std::uint8_t> flags;
  const Instant end = Instant{} + length;
  Releases under_test(kernel, random, silent, scenario, end, struck,
                      [&](Instant now) -> const std::vector<std::uint8_t>& {
                        while (Instant{} + minutes(static_cast<std::int64_t>(flags.size()) + 1) <= now) {
                          const bool bad = flags.size() >= from && flags.size() < to;
                          flags.push_back(bad ? kMinuteJudged | kBadProbe : kMinuteJudged);
                        }
                        return flags;
                      });
  under_test.start();
  kernel.run_until(end);
  return {under_test.summary(end), struck.began, struck.ended};
}

constexpr std::size_t kExhausts = 216;

TEST(Releases, OfFeaturesWaitWhileTheBudgetIsExhaustedAndReliabilityOnesGoOn) {
  const std::vector<Release> releases{daily(ReleaseType::feature, WhenFrozen::defer, {}),
                                      daily(ReleaseType::reliability, WhenFrozen::defer, {})};
  // Exhausted at minute 216 until 22 bad minutes have left the window of thirty days.
  const Outcome out = ship(releases, BudgetPolicy{}, days(32), 0, kExhausts);
  EXPECT_EQ(out.summary.planned, 64U);
  EXPECT_EQ(out.summary.shipped, 64U);
  EXPECT_EQ(out.summary.deferred, 30U) << "of the features, those of the first thirty days";
  const Instant thawed = Instant{} + minutes(43'200 + 22);
  for (const ReleaseRecord& record : out.summary.list) {
    if (record.name == "fixes" || record.number >= 30) {
      EXPECT_EQ(record.shipped_at, record.planned_at) << record.name << " " << record.number;
    } else {
      EXPECT_EQ(record.shipped_at, thawed + minutes(record.number)) << "one by one, a minute apart";
    }
  }
}

TEST(Releases, AreDroppedOrBatchedWhenTheSeriesSaysSo) {
  const Outcome dropped =
      ship({daily(ReleaseType::feature, WhenFrozen::drop, {})}, BudgetPolicy{}, days(32), 0, kExhausts);
  EXPECT_EQ(dropped.summary.dropped, 30U);
  EXPECT_EQ(dropped.summary.deferred, 0U);
  const Outcome batched =
      ship({daily(ReleaseType::feature, WhenFrozen::batch, {})}, BudgetPolicy{}, days(32), 0, kExhausts);
  EXPECT_EQ(batched.summary.shipped, 32U);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(batched.summary.list[i].together, 30U);
    EXPECT_EQ(batched.summary.list[i].shipped_at, Instant{} + minutes(43'200 + 22));
  }
}

TEST(Releases, OnlyTheRiskyOnesWaitWhileThePolicyAdvises) {
  std::vector<Release> releases{daily(ReleaseType::feature, WhenFrozen::defer, percent(20)),
                                daily(ReleaseType::feature, WhenFrozen::defer, percent(21))};
  releases[0].name = "calm";
  releases[1].name = "bold";
  for (Release& release : releases) release.incident.reset();
  const Outcome out = ship(releases, BudgetPolicy{}, days(2), 0, 120);  // 55 % of the budget on the first day
  for (const ReleaseRecord& record : out.summary.list)
    EXPECT_EQ(record.fate, record.name == "calm" ? ReleaseFate::shipped : ReleaseFate::waiting) << record.name;
}

TEST(Releases, MeetTheSameLuckWithAndWithoutThePolicy) {
  const std::vector<Release> releases{daily(ReleaseType::feature, WhenFrozen::defer, percent(40))};
  BudgetPolicy watched;
  watched.enforce = false;
  const auto unlucky = [](const Outcome& out) {
    std::set<std::uint32_t> numbers;
    for (const ReleaseRecord& record : out.summary.list) {
      if (record.incident) numbers.insert(record.number);
    }
    return numbers;
  };
  const Outcome frozen = ship(releases, BudgetPolicy{}, days(40), 0, kExhausts);
  const Outcome free = ship(releases, watched, days(40), 0, kExhausts);
  const Outcome none = ship(releases, std::nullopt, days(40), 0, kExhausts);
  EXPECT_EQ(free.summary.deferred + none.summary.deferred, 0U);
  EXPECT_GT(frozen.summary.deferred, 20U);
  EXPECT_GT(unlucky(free).size(), 8U);
  EXPECT_EQ(unlucky(free), unlucky(none));
  EXPECT_EQ(unlucky(frozen), unlucky(free)) << "all of them ship in the end";
}

TEST(Releases, ThatGoWrongAreRolledBackAfterSomebodyHasAcknowledged) {
  Release release = daily(ReleaseType::feature, WhenFrozen::defer, percent(100));
  release.rollback = minutes(10);
  const Outcome rolled_back = ship({release}, std::nullopt, days(5), 0, 0);
  ASSERT_EQ(rolled_back.began.size(), 5U);
  ASSERT_EQ(rolled_back.ended.size(), 4U) << "the last one lasts to the end";
  for (std::size_t i = 0; i < 4; ++i) {
    const Duration lasted = rolled_back.ended[i].second - rolled_back.began[i].second;
    EXPECT_GT(lasted, minutes(10));
    EXPECT_LT(lasted, hours(2));
  }
  release.incident->length = Dist::constant(minutes(1));  // over before anybody can act
  const Outcome brief = ship({release}, std::nullopt, days(5), 0, 0);
  EXPECT_EQ(brief.ended.front().second - brief.began.front().second, minutes(1));
}

}  // namespace
}  // namespace dvt::sim
