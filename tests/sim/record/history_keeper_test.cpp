// Which runs' histories the keeper puts into run.db.
#include "sim/record/history_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "engine/base/format.h"
#include "sim/record/run_file.h"

namespace dvt::sim {
namespace {

class HistoryKeeperTest : public testing::Test {
 protected:
  HistoryKeeperTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("history_keeper_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    RecorderOptions options;
    options.path = (folder_ / "run.db").string();
    recorder_ = std::make_unique<RunRecorder>(options);
  }
  ~HistoryKeeperTest() override { std::filesystem::remove_all(folder_); }

  void keep(HistoryRule::Kind kind, std::uint64_t n = 0) {
    keeper_ = std::make_unique<HistoryKeeper>(*recorder_, HistoryRule{kind, n}, UnixNanos{});
  }
  static Uuid run_id(std::uint32_t run) { return uuid_v4_from(run + 1, 0); }
  static engine::History history(std::uint32_t run, Instant started = {}) {
    auto info = std::make_shared<engine::ExecutionInfo>();
    info->first_run_id = run_id(run);
    engine::History history;
    history.append(started, engine::WorkflowExecutionStarted{info, nullptr});
    return history;
  }
  void close(std::uint32_t run, RunOutcome outcome = RunOutcome::completed, Duration took = seconds(1),
             std::uint32_t executions = 1) {
    for (std::uint32_t chain = 0; chain < executions; ++chain)
      keeper_->execution_closed({RunOrdinal{run}, 0, chain}, history(run));
    RunClosed fact;
    fact.run = RunOrdinal{run};
    fact.outcome = outcome;
    fact.closed_at = Instant{} + took;
    keeper_->run_closed(fact);
  }
  // "RUN.CHAIN" of all that was kept.
  std::vector<std::string> kept() {
    keeper_->finish();
    recorder_->finish({});
    RunFile file(folder_.string());
    std::vector<std::string> found;
    for (const RecordedExecution& execution : file.executions()) {
      EXPECT_EQ(execution.run_id, to_string(run_id(execution.run_no)));
      EXPECT_TRUE(file.history_json(execution).starts_with(R"({"events":[{"eventId":"1")"));
      found.push_back(fmt::format("{}.{}", execution.run_no, execution.chain));
    }
    return found;
  }

  std::filesystem::path folder_;
  std::unique_ptr<RunRecorder> recorder_;
  std::unique_ptr<HistoryKeeper> keeper_;
};

using Kept = std::vector<std::string>;

TEST_F(HistoryKeeperTest, AllKeepsEveryExecutionAlsoThoseStillOpen) {
  keep(HistoryRule::Kind::all);
  close(1, RunOutcome::completed, seconds(1), 2);
  close(0, RunOutcome::failed);
  keeper_->execution_open_at_end({RunOrdinal{2}, 0, 0}, history(2), Instant{});
  EXPECT_EQ(kept(), (Kept{"0.0", "1.0", "1.1", "2.0"}));
}

TEST_F(HistoryKeeperTest, FailedKeepsTheWholeChainOfFailedRunsOnly) {
  keep(HistoryRule::Kind::failed);
  close(0, RunOutcome::completed, seconds(1), 3);
  close(1, RunOutcome::failed, seconds(1), 3);
  close(2, RunOutcome::cancelled);
  close(3, RunOutcome::terminated);
  keeper_->execution_open_at_end({RunOrdinal{4}, 0, 0}, history(4), Instant{});
  EXPECT_EQ(kept(), (Kept{"1.0", "1.1", "1.2"}));
}

TEST_F(HistoryKeeperTest, EveryKeepsEachNthRunByItsArrival) {
  keep(HistoryRule::Kind::every, 3);
  for (std::uint32_t run = 0; run < 6; ++run) close(run, RunOutcome::completed, seconds(1), 2);
  keeper_->execution_open_at_end({RunOrdinal{6}, 0, 1}, history(6), Instant{});
  keeper_->execution_open_at_end({RunOrdinal{7}, 0, 1}, history(7), Instant{});
  EXPECT_EQ(kept(), (Kept{"0.0", "0.1", "3.0", "3.1", "6.1"}));
}

TEST_F(HistoryKeeperTest, SlowestKeepsTheNRunsThatTookLongest) {
  keep(HistoryRule::Kind::slowest, 2);
  close(0, RunOutcome::completed, seconds(5));
  close(1, RunOutcome::completed, seconds(9), 2);
  close(2, RunOutcome::failed, seconds(1));
  close(3, RunOutcome::completed, seconds(7));
  EXPECT_EQ(kept(), (Kept{"1.0", "1.1", "3.0"}));
}

TEST_F(HistoryKeeperTest, OfEquallySlowRunsTheEarlierArrivalIsKept) {
  keep(HistoryRule::Kind::slowest, 1);
  close(8);
  close(5);
  close(6);
  EXPECT_EQ(kept(), (Kept{"5.0"}));
}

TEST_F(HistoryKeeperTest, AnOpenRunIsAsSlowAsItIsOldCountedFromItsFirstExecution) {
  keep(HistoryRule::Kind::slowest, 1);
  close(0, RunOutcome::completed, seconds(50));
  keeper_->execution_closed({RunOrdinal{1}, 0, 0}, history(1, Instant{seconds(10).ns}));
  keeper_->execution_open_at_end({RunOrdinal{1}, 0, 1}, history(1, Instant{seconds(90).ns}), Instant{seconds(100).ns});
  keeper_->execution_open_at_end({RunOrdinal{2}, 0, 0}, history(2, Instant{seconds(40).ns}), Instant{seconds(100).ns});
  EXPECT_EQ(kept(), (Kept{"1.0", "1.1"}));
}

TEST_F(HistoryKeeperTest, ChildrenAreKeptWithTheirRunAlsoThoseThatOutliveIt) {
  keep(HistoryRule::Kind::failed);
  const auto child = [](std::uint32_t run, std::uint32_t number) {
    return ChildFact{RunOrdinal{run}, number, "child", Instant{}};
  };
  for (const std::uint32_t run : {0U, 1U}) {
    for (const std::uint32_t number : {1U, 2U}) keeper_->child_started(child(run, number));
    keeper_->execution_closed({RunOrdinal{run}, 1, 0}, history(run));
    keeper_->child_closed(child(run, 1), ChildEnd::completed);
    close(run, run == 0 ? RunOutcome::failed : RunOutcome::completed);
  }
  for (const std::uint32_t run : {0U, 1U}) {
    keeper_->execution_closed({RunOrdinal{run}, 2, 0}, history(run));
    keeper_->child_closed(child(run, 2), ChildEnd::completed);
  }
  keeper_->finish();
  recorder_->finish({});
  Kept found;
  for (const RecordedExecution& execution : RunFile(folder_.string()).executions())
    found.push_back(fmt::format("{}.{}.{}", execution.run_no, execution.child, execution.chain));
  EXPECT_EQ(found, (Kept{"0.0.0", "0.1.0", "0.2.0"}));
}

TEST_F(HistoryKeeperTest, ASlowRunBringsItsChildren) {
  keep(HistoryRule::Kind::slowest, 1);
  keeper_->child_started({RunOrdinal{0}, 1, "child", Instant{}});
  close(0, RunOutcome::completed, seconds(9));
  close(1);
  keeper_->execution_open_at_end({RunOrdinal{0}, 1, 0}, history(0), Instant{});
  EXPECT_EQ(kept(), (Kept{"0.0", "0.0"}));
}

TEST_F(HistoryKeeperTest, ADirectoryWithoutARunIsRefused) {
  EXPECT_THROW(RunFile((folder_ / "nothing").string()), Error);
}

}  // namespace
}  // namespace dvt::sim
