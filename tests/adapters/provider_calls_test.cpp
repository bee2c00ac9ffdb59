// Calls to a provider under every fault: each is told once a try, made again until it is answered, and acts once.
#include "adapters/provider_calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt::adapters {
namespace {

constexpr std::int64_t kHalf = 500'000'000;

class Told final : public Telemetry {
 public:
  explicit Told(const Clock& clock) : clock_(clock) {}
  void adapter_rpc(std::string_view, std::string_view status, Duration, Instant) override {
    lines.push_back(std::to_string(clock_.now().ns / 1'000'000) + " " + std::string(status));
  }
  std::vector<std::string> lines;

 private:
  const Clock& clock_;
};

struct Scene {
  explicit Scene(Duration gap = {}) : calls(timers, random, told, Distribution::constant(milliseconds(5)), gap) {}
  void call(std::uint64_t name) {
    calls.call("Start", {name, 0, 0}, [this, name] { acted.push_back(name); });
  }
  test::FakeTimers timers;
  test::FakeRandom random;
  Told told{timers};
  ProviderCalls calls;
  std::vector<std::uint64_t> acted;
};

using Lines = std::vector<std::string>;

TEST(ProviderCalls, TakeTheirLatencyAndAct) {
  Scene s;
  s.call(1);
  EXPECT_TRUE(s.acted.empty());
  s.timers.run();
  EXPECT_EQ(s.told.lines, Lines{"5 OK"});
  EXPECT_EQ(s.acted, std::vector<std::uint64_t>{1});
}

TEST(ProviderCalls, AreMadeAgainWithGrowingPausesWhileNobodyIsThere) {
  Scene s;
  s.calls.set_faults({.unreachable = true});
  s.call(1);
  s.timers.run_for(seconds(30));
  EXPECT_TRUE(s.acted.empty());
  s.calls.set_faults({});
  s.timers.run();
  EXPECT_EQ(s.told.lines, (Lines{"5 UNAVAILABLE", "1010 UNAVAILABLE", "3015 UNAVAILABLE", "7020 UNAVAILABLE",
                                 "15025 UNAVAILABLE", "25030 UNAVAILABLE", "35035 OK"}));
  EXPECT_EQ(s.acted, std::vector<std::uint64_t>{1});
}

TEST(ProviderCalls, HearNothingBeforeTheDeadlineAcrossAPartition) {
  Scene s;
  s.calls.set_faults({.partitioned = true});
  s.call(1);
  s.timers.run_for(seconds(10));
  EXPECT_EQ(s.told.lines, Lines{"10000 DEADLINE_EXCEEDED"});
  s.calls.set_faults({});
  s.timers.run();
  EXPECT_EQ(s.told.lines.back(), "11005 OK");
  EXPECT_EQ(s.acted, std::vector<std::uint64_t>{1});
}

TEST(ProviderCalls, ActOnceThoughAnswersAreLost) {
  Scene s;
  s.calls.set_faults({.lost_ppb = kHalf});
  for (std::uint64_t i = 0; i < 200; ++i) s.call(i);
  // A call whose answer was lost has acted by now; one that was lost itself has not.
  s.timers.run_for(milliseconds(5));
  const std::size_t at_once = s.acted.size();
  EXPECT_GT(at_once, 120U);
  EXPECT_LT(at_once, 180U) << "a quarter was lost on its way there";
  s.timers.run();
  std::vector<std::uint64_t> each = s.acted;
  std::sort(each.begin(), each.end());
  ASSERT_EQ(each.size(), 200U);
  EXPECT_EQ(std::unique(each.begin(), each.end()), each.end());
  const auto lost = std::count_if(s.told.lines.begin(), s.told.lines.end(),
                                  [](const std::string& line) { return line.ends_with("DEADLINE_EXCEEDED"); });
  EXPECT_GT(lost, 150);
  EXPECT_LT(lost, 250) << "half of each try";
}

TEST(ProviderCalls, FailWithoutHavingActed) {
  Scene s;
  s.calls.set_faults({.refused_ppb = 1'000'000'000});
  s.call(1);
  s.timers.run_for(milliseconds(500));
  EXPECT_EQ(s.told.lines, Lines{"5 INTERNAL"});
  EXPECT_TRUE(s.acted.empty());
}

TEST(ProviderCalls, TakeTheirTurnsWhereThereIsACapacity) {
  Scene s(milliseconds(100));
  for (std::uint64_t i = 0; i < 3; ++i) s.call(i);
  s.timers.run();
  EXPECT_EQ(s.told.lines, (Lines{"5 OK", "105 OK", "205 OK"}));
}

}  // namespace
}  // namespace dvt::adapters
