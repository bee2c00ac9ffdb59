// Workers that stand still, lose their heartbeats, are cut off, drain, or cannot reach the server: what becomes of the
// work in their hands.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

Instant at_s(std::int64_t s) {
  return Instant{seconds(s).ns};
}

/// One execution of one activity of 60 s that beats every 10 s (timeout 20 s), on worker 0; worker 1 comes up at 1 s.
class WorkerFaults : public EngineFixture {
 protected:
  void begin(Duration heartbeat = seconds(20), std::uint32_t activities = 1) {
    activity.delay = seconds(60);
    ActivityOptions asked = *options();
    asked.heartbeat = heartbeat;
    asked.retry.maximum_attempts = 10;
    options_ = std::make_shared<const ActivityOptions>(asked);
    define([this, activities](WorkflowContext& ctx, const Payload&) {
      for (std::uint32_t i = 0; i < activities; ++i) ctx.execute_activity(act, options_, nullptr);
      return Payload{};
    });
    workers.add_workers(queue, 2, {10, 5}, 100);
    workers.start(0);
    start();
    kernel.call_at(at_s(1), [this] { workers.start(1); });
  }
  void at(std::int64_t s, std::function<void()> action) {
    kernel.call_at(at_s(s), [held = std::make_unique<std::function<void()>>(std::move(action))] { (*held)(); });
  }
  ActivityOptionsRef options_;
};

TEST_F(WorkerFaults, AStalledOneBeatsOnAndAnswersLate) {
  begin();
  at(30, [this] { workers.stall(0, true); });
  at(200, [this] { workers.stall(0, false); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, std::vector<std::uint32_t>{1}) << "nobody tried it again";
  EXPECT_GE(closed[0].at, at_s(200));
}

TEST_F(WorkerFaults, APausedOneIsGivenUpAfterItsHeartbeatTimeout) {
  begin();
  at(30, [this] { workers.pause(0, true); });
  at(200, [this] { workers.pause(0, false); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  // Its polls stay open for a minute, until 90 s, so that three more attempts are handed to it and time out after 20 s
  // each without having begun; the fifth is the other's. The late answer of the first is refused.
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 5}));
  EXPECT_EQ(telemetry.refused, 1U);
}

TEST_F(WorkerFaults, OneWhoseHeartbeatsAreLostBetweenTwoOfThemNoticesNothing) {
  begin();
  at(31, [this] { workers.drop_heartbeats(0, true); });
  at(39, [this] { workers.drop_heartbeats(0, false); });
  kernel.run();
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(closed.at(0).at, at_s(60));
}

TEST_F(WorkerFaults, OneWhoseHeartbeatsStayLostIsTriedAgain) {
  begin();
  at(30, [this] { workers.drop_heartbeats(0, true); });
  at(41, [this] { workers.drop_heartbeats(0, false); });
  kernel.run();
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2}));
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_GT(closed[0].at, at_s(100));
  EXPECT_EQ(telemetry.refused, 1U) << "the first attempt's answer at 60 s";
}

TEST_F(WorkerFaults, AZombieIsHeardAsLongAsItsAttemptIsWaitedFor) {
  begin(Duration{});
  at(30, [this] { workers.cut_off(0); });
  at(90, [this] { workers.release_zombies(0); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, std::vector<std::uint32_t>{1});
  EXPECT_GE(closed[0].at, at_s(90));
  EXPECT_LE(closed[0].at, at_s(105));
}

TEST_F(WorkerFaults, AZombieIsTooLateOnceItsAttemptTimedOut) {
  begin();
  at(30, [this] { workers.cut_off(0); });
  at(35, [this] { workers.start(0); });
  at(90, [this] { workers.release_zombies(0); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_GT(closed[0].at, at_s(100));
  EXPECT_EQ(telemetry.refused, 1U);
}

TEST_F(WorkerFaults, AZombieThatEndsAfterItsReturnAnswersByItself) {
  begin(Duration{});
  at(30, [this] { workers.cut_off(0); });
  at(40, [this] { workers.release_zombies(0); });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, std::vector<std::uint32_t>{1});
  EXPECT_LE(closed[0].at, at_s(75));
}

TEST_F(WorkerFaults, ADrainingOneEndsWhatItHoldsAndTakesNoMore) {
  begin(seconds(20), 3);
  std::optional<Instant> down;
  at(30, [&] { workers.drain(0, [&] { down = kernel.now(); }); });
  kernel.run();
  ASSERT_TRUE(down);
  EXPECT_EQ(*down, at_s(60)) << "its activity ended then; the next ones were the other's";
  EXPECT_FALSE(workers.up(0));
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 1, 1})) << "no attempt was lost";
}

TEST_F(WorkerFaults, AnIdleOneDrainsAtOnceAndOneThatDiesBeforeNever) {
  begin();
  bool idle_down = false, dead_down = false;
  at(2, [&] { workers.drain(1, [&] { idle_down = true; }); });
  at(3, [&] {
    EXPECT_TRUE(idle_down);
    EXPECT_FALSE(workers.up(1));
    workers.drain(0, [&] { dead_down = true; });
  });
  at(4, [&] {
    workers.kill(0);
    workers.start(0);
    workers.start(1);
  });
  kernel.run();
  EXPECT_FALSE(dead_down);
  EXPECT_EQ(closed.size(), 1U);
}

TEST_F(WorkerFaults, NothingPassesWhileTheServerIsOutOfReach) {
  begin(Duration{}, 2);
  at(30, [this] { workers.unreachable(true); });
  at(100, [this] {
    EXPECT_EQ(activity.attempts.size(), 1U) << "the first activity ended at 60 s, and nobody heard of it";
    workers.unreachable(false);
  });
  kernel.run();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(activity.attempts, (std::vector<std::uint32_t>{1, 1}));
  EXPECT_EQ(closed[0].at, at_s(160));
}

TEST(Standstill, AddsReasonsUpAndGoesOnInOrder) {
  Standstill standstill;
  std::vector<int> done;
  const auto work = [&](int name) { return [&done, name] { done.push_back(name); }; };
  standstill.begin(3);
  standstill.begin_all();
  standstill.when_awake(3, work(1));
  standstill.when_awake(0, work(2));
  standstill.when_awake(3, work(3));
  standstill.end(3);
  EXPECT_TRUE(done.empty());
  standstill.end_all();
  EXPECT_EQ(done, (std::vector<int>{2, 1, 3}));
  standstill.begin(3);
  standstill.when_awake(3, work(4));
  standstill.forget(3);
  standstill.when_awake(3, work(5));
  EXPECT_EQ(done, (std::vector<int>{2, 1, 3, 5})) << "what a dead process had waiting is gone";
}

}  // namespace
}  // namespace dvt::test
