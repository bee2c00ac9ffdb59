// Schedules: when workflows are started, and what happens when one is still running.
#include "engine/service/schedules.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

constexpr UnixNanos kStart{1'767'225'600'000'000'000};  // 2026-01-01T00:00:00Z

class ScheduleTest : public EngineFixture {
 protected:
  ScheduleTest() : schedules(service, kernel, random, kStart, [this] { return RunOrdinal{next++}; }) { add_workers(1); }
  // Every ten minutes one that takes `takes`; a cancel costs it a minute.
  void every_ten_minutes(OverlapPolicy overlap, Duration takes) {
    define(
        [this, takes](WorkflowContext& ctx, const Payload&) -> Payload {
          began.push_back(ctx.now().ns / minutes(1).ns);
          try {
            ctx.sleep(takes);
          } catch (const CancelledFailure&) {
            ctx.non_cancellable([&] { ctx.sleep(minutes(1)); });
            throw;
          }
          return {};
        },
        "report");
    ScheduleOptions options;
    options.id = "reports";
    options.interval = minutes(10);
    options.overlap = overlap;
    options.workflow_type = Symbol::intern("report");
    options.task_queue = Symbol::intern("q");
    adjust(options);
    EXPECT_TRUE(schedules.create(options));
  }
  void execution_closed(const Execution& execution, CloseStatus status, const Payload& result,
                        const FailureRef& fail) override {
    EngineFixture::execution_closed(execution, status, result, fail);
    schedules.execution_closed(execution, status);
  }
  void at(std::int64_t minute, std::function<void()> action) {
    kernel.call_at(Instant{minutes(minute).ns},
                   [held = std::make_unique<std::function<void()>>(std::move(action))] { (*held)(); });
  }
  void run_until(std::int64_t minute) { kernel.run_until(Instant{minutes(minute).ns}); }
  ScheduleInfo info() { return schedules.describe("reports").value(); }
  std::size_t ended_as(CloseStatus status) {
    return static_cast<std::size_t>(
        std::count_if(closed.begin(), closed.end(), [&](const Closed& c) { return c.status == status; }));
  }

  std::uint32_t next = 0;
  std::vector<std::int64_t> began;  // minutes
  std::function<void(ScheduleOptions&)> adjust = [](ScheduleOptions&) {};
  Schedules schedules;
};

using Minutes = std::vector<std::int64_t>;

TEST_F(ScheduleTest, StartsAtWholeMultiplesOfItsIntervalWithTheTimeInTheId) {
  adjust = [](ScheduleOptions& options) { options.offset = minutes(3); };
  every_ten_minutes(OverlapPolicy::skip, minutes(1));
  run_until(30);
  EXPECT_EQ(began, (Minutes{3, 13, 23}));
  EXPECT_EQ(info().actions, 3u);
  const auto& started = std::get<WorkflowExecutionStarted>(closed.at(1).history.at(0).attributes);
  EXPECT_EQ(started.info->workflow_id, "reports-2026-01-01T00:13:00Z");
}

TEST_F(ScheduleTest, SkipLeavesOutWhatIsDueWhileOneRuns) {
  every_ten_minutes(OverlapPolicy::skip, minutes(25));
  run_until(69);
  EXPECT_EQ(began, (Minutes{10, 40}));
  EXPECT_EQ(info().overlap_skipped, 4u);  // 20, 30, 50, 60
}

TEST_F(ScheduleTest, BufferOneKeepsOneAndStartsItWhenTheOtherEnds) {
  every_ten_minutes(OverlapPolicy::buffer_one, minutes(25));
  run_until(69);
  EXPECT_EQ(began, (Minutes{10, 35, 60}));
  EXPECT_EQ(info().overlap_skipped, 3u);  // 30, 50 and 60: 20 and 40 wait already
}

TEST_F(ScheduleTest, BufferAllStartsThemOneAfterTheOther) {
  every_ten_minutes(OverlapPolicy::buffer_all, minutes(25));
  run_until(69);
  EXPECT_EQ(began, (Minutes{10, 35, 60}));
  EXPECT_EQ(info().buffered, 3u);  // 40, 50, 60
  EXPECT_EQ(info().overlap_skipped, 0u);
}

TEST_F(ScheduleTest, CancelOtherWaitsUntilTheCancelledOneHasCleanedUp) {
  every_ten_minutes(OverlapPolicy::cancel_other, minutes(25));
  run_until(25);
  EXPECT_EQ(began, (Minutes{10, 21}));
  EXPECT_EQ(ended_as(CloseStatus::cancelled), 1u);
}

TEST_F(ScheduleTest, TerminateOtherStartsAtOnce) {
  every_ten_minutes(OverlapPolicy::terminate_other, minutes(25));
  run_until(35);
  EXPECT_EQ(began, (Minutes{10, 20, 30}));
  EXPECT_EQ(ended_as(CloseStatus::terminated), 2u);
  EXPECT_EQ(info().running.size(), 1u);
}

TEST_F(ScheduleTest, AllowAllRunsThemSideBySide) {
  every_ten_minutes(OverlapPolicy::allow_all, minutes(25));
  run_until(34);
  EXPECT_EQ(began, (Minutes{10, 20, 30}));
  EXPECT_EQ(info().running.size(), 3u);
}

TEST_F(ScheduleTest, APauseLeavesOutWhatIsDueAndATriggerStartsAllTheSame) {
  every_ten_minutes(OverlapPolicy::skip, minutes(1));
  at(15, [&] { EXPECT_TRUE(schedules.pause("reports")); });
  at(25, [&] {
    EXPECT_TRUE(info().paused);
    EXPECT_TRUE(schedules.trigger("reports"));
  });
  at(35, [&] { EXPECT_TRUE(schedules.unpause("reports")); });
  run_until(45);
  EXPECT_EQ(began, (Minutes{10, 25, 40}));
  EXPECT_FALSE(schedules.pause("nobody's"));
}

TEST_F(ScheduleTest, WhatIsBufferedWaitsForTheEndOfAPause) {
  every_ten_minutes(OverlapPolicy::buffer_one, minutes(15));
  at(22, [&] { schedules.pause("reports"); });  // 20 is buffered
  at(38, [&] { schedules.unpause("reports"); });
  run_until(39);
  EXPECT_EQ(began, (Minutes{10, 38}));
}

TEST_F(ScheduleTest, WhatTheSchedulerMissedIsMadeUpForWithinTheCatchUpWindow) {
  adjust = [](ScheduleOptions& options) { options.catchup_window = minutes(25); };
  every_ten_minutes(OverlapPolicy::allow_all, minutes(1));
  at(15, [&] { schedules.set_available(false); });
  at(54, [&] { schedules.set_available(true); });
  run_until(65);
  // 20 is 34 minutes old; 30, 40 and 50 are made up for at 54
  EXPECT_EQ(began, (Minutes{10, 54, 54, 54, 60}));
  EXPECT_EQ(info().missed_catchup_window, 1u);
}

TEST_F(ScheduleTest, AFailurePausesAScheduleThatIsToldSo) {
  adjust = [](ScheduleOptions& options) {
    options.pause_on_failure = true;
    options.run_timeout = minutes(2);
  };
  every_ten_minutes(OverlapPolicy::skip, minutes(5));
  run_until(35);
  EXPECT_EQ(began, (Minutes{10}));
  EXPECT_TRUE(info().paused);
}

TEST_F(ScheduleTest, ARemovedScheduleStartsNothingAndLetsWhatRunsGoOn) {
  every_ten_minutes(OverlapPolicy::skip, minutes(8));
  at(12, [&] { EXPECT_TRUE(schedules.remove("reports")); });
  run_until(45);
  EXPECT_EQ(ended_as(CloseStatus::completed), 1u);
  EXPECT_EQ(schedules.describe("reports"), std::nullopt);
}

}  // namespace
}  // namespace dvt::test
