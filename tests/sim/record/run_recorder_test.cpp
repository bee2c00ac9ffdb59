#include "sim/record/run_recorder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/base/result.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::sim {
namespace {

using store::db::Database;
using store::db::Open;
using store::db::Statement;

class RunRecorderTest : public testing::Test {
 protected:
  RunRecorderTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("run_recorder_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~RunRecorderTest() override { std::filesystem::remove_all(folder_); }

  RecorderOptions options() const {
    RecorderOptions options;
    options.path = (folder_ / "run.db").string();
    options.start = UnixNanos{1'767'225'600'000'000'000};
    options.plans = {{"small", "3"}};
    options.tenants = {"tenant-1", "tenant-2"};
    options.queues = {"tq-control", "tq-data"};
    options.subscriptions = {"ui"};
    return options;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  static void live(RunRecorder& recorder) {
    const RunOrdinal run{4};
    recorder.run_requested(run, {}, TenantOrdinal{1}, Instant{1'000'000'000});
    recorder.run_requested(RunOrdinal{5}, {}, {}, Instant{1'000'000'000});
    recorder.run_rejected(RunOrdinal{5}, "UNAVAILABLE", Instant{1'100'000'000});
    StoredEvent event;
    event.run = run;
    recorder.event_committed(event);
    recorder.run_accepted(
        {run, {}, TenantOrdinal{1}, uuid_v4_from(1, 2), Instant{1'000'000'000}, Instant{1'200'000'000}});
    recorder.run_started(run, {}, Instant{1'250'000'000});
    ActivityFact step;
    step.run = run;
    step.activity = 1;
    step.kind = ActivityKind::step;
    recorder.activity_scheduled(step);
    step.attempt = 2;
    recorder.activity_scheduled(step);
    WorkflowTaskFact task;
    task.run = run;
    recorder.workflow_task_completed(task);
    task.replayed_events = 9;
    recorder.workflow_task_completed(task);
    recorder.run_paused(run, Instant{2'000'000'000});
    recorder.run_resumed(run, Instant{3'000'000'000});
    recorder.signal_decided(
        {run, SignalType::cancel, DecisionStatus::rejected, "AUTHZ_DENIED", 1, Instant{}, Instant{3'500'000'000}});
    recorder.fault_injected("slow", Instant{4'000'000'000});
    recorder.worker_changed(1, 7, false, Instant{4'500'000'000});
    RunClosed closed;
    closed.run = run;
    closed.outcome = RunOutcome::failed;
    closed.error_class = ErrorClass::user;
    closed.error_code = "PermanentStepError";
    closed.requested_at = Instant{1'000'000'000};
    closed.closed_at = Instant{5'000'000'000};
    recorder.run_closed(closed);
    recorder.timeline(Instant{500'000'000}, TimelineKind::alert, "ProjectionLag", "firing");
  }
  static std::vector<std::string> rows(Database& database, const std::string& sql) {
    std::vector<std::string> out;
    Statement statement(database, sql);
    while (statement.step()) out.emplace_back(statement.text_at(0));
    return out;
  }

  std::filesystem::path folder_;
};

TEST_F(RunRecorderTest, WritesOneRowForEachClosedRun) {
  RunRecorder recorder(options());
  live(recorder);
  recorder.finish({});
  Database db(options().path, Open::read_only);
  const auto found = rows(db,
                          "SELECT run_no || ' ' || plan_id || ' ' || plan_version || ' ' || tenant_id || ' ' || "
                          "outcome || ' ' || error_class || ' ' ||"
                          " error_code || ' ' || started_at || ' ' || closed_at || ' ' || seconds || ' ' || events || "
                          "steps || activities || retries ||"
                          " workflow_tasks || replayed_tasks || pauses FROM v_run_summary ORDER BY run_no");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "4 small 3 tenant-2 failed user PermanentStepError 2026-01-01T00:00:01.250000000Z "
            "2026-01-01T00:00:05.000000000Z 4.0 1111211");
  EXPECT_EQ(db.query_text("SELECT run_id FROM run_summary ORDER BY run_no"), to_string(uuid_v4_from(1, 2)));
}

TEST_F(RunRecorderTest, OrdersTheTimelineByTime) {
  RunRecorder recorder(options());
  live(recorder);
  recorder.finish({});
  Database db(options().path, Open::read_only);
  EXPECT_EQ(
      rows(db,
           "SELECT kind || ' ' || name || ' ' || coalesce(run_no, '-') || ' ' || text FROM v_timeline ORDER BY at, "
           "kind"),
      (std::vector<std::string>{"alert ProjectionLag - firing", "pause paused 4 the interpreter stands still",
                                "pause resumed 4 the interpreter goes on", "signal CANCEL 4 rejected (AUTHZ_DENIED)",
                                "fault slow - injected", "worker tq-data/7 - down"}));
}

TEST_F(RunRecorderTest, StoresSamplesInOneChunkForEachSeriesAndTwoHours) {
  RunRecorder recorder(options());
  SeriesInfo counter{"dvt_runs_started_total", {{"adapter", "mock"}, {"planId", "small"}}, MetricKind::counter, 0};
  recorder.series_added(0, counter);
  std::vector<std::vector<Sample>> told(2);
  for (std::int64_t i = 0; i <= 3 * 240; ++i) {  // six hours, every 30 s
    if (i == 300) recorder.series_added(1, {"dvt_runs_in_flight", {}, MetricKind::gauge, 300});
    const Instant at{i * 30'000'000'000};
    std::vector<double> values{static_cast<double>(i * i)};
    if (i >= 300)
      values.push_back(i % 7 == 0 ? std::numeric_limits<double>::quiet_NaN() : 0.1 * static_cast<double>(i));
    recorder.sampled(at, values);
    for (std::size_t s = 0; s < values.size(); ++s) told[s].push_back({at, values[s]});
  }
  recorder.finish({});
  Database db(options().path, Open::read_only);
  EXPECT_EQ(rows(db, "SELECT name || ' ' || labels || ' ' || kind FROM series ORDER BY series_no"),
            (std::vector<std::string>{R"(dvt_runs_started_total {"adapter":"mock","planId":"small"} counter)",
                                      "dvt_runs_in_flight {} gauge"}));
  EXPECT_EQ(
      rows(db, "SELECT series_no || '/' || chunk_no || ' ' || samples FROM sample_chunk ORDER BY series_no, chunk_no"),
      (std::vector<std::string>{"0/0 240", "0/1 240", "0/2 240", "0/3 1", "1/1 180", "1/2 240", "1/3 1"}));
  for (std::int64_t series = 0; series < 2; ++series) {
    std::vector<Sample> back;
    Statement chunks(db, "SELECT first_at_ns, data FROM sample_chunk WHERE series_no = ?1 ORDER BY chunk_no");
    chunks.bind(1, series);
    while (chunks.step()) {
      for (const Sample& sample : decode_samples(chunks.blob_at(1), Instant{chunks.int_at(0)})) back.push_back(sample);
    }
    const auto& expected = told[static_cast<std::size_t>(series)];
    ASSERT_EQ(back.size(), expected.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      EXPECT_EQ(back[i].at, expected[i].at);
      const bool absent = expected[i].value != expected[i].value;
      EXPECT_TRUE(absent ? back[i].value != back[i].value : back[i].value == expected[i].value) << i;
    }
  }
}

TEST_F(RunRecorderTest, KeepsHistoriesAndWhatTheCallerSaysOfTheRun) {
  RunRecorder recorder(options());
  recorder.add_history(RunOrdinal{3}, 0, 1, uuid_v4_from(7, 8), 12, R"({"events":[]})");
  recorder.finish({{"scenario", "pause-storm"}, {"seed", "42"}});
  Database db(options().path, Open::read_only);
  EXPECT_EQ(db.query_text("SELECT json FROM history WHERE run_no = 3 AND chain = 1 AND events = 12 ORDER BY run_no"),
            R"({"events":[]})");
  EXPECT_EQ(db.query_text("SELECT run_id FROM history ORDER BY run_no"), to_string(uuid_v4_from(7, 8)));
  EXPECT_EQ(rows(db, "SELECT key || '=' || value FROM meta ORDER BY key"),
            (std::vector<std::string>{"format_version=1", "notices=0", "scenario=pause-storm", "seed=42",
                                      "start=2026-01-01T00:00:00.000000000Z", "start_unix_ns=1767225600000000000"}));
  EXPECT_EQ(db.integrity_check(), "ok");
}

TEST_F(RunRecorderTest, JoinsTheStoresOwnTablesAndViewsWhenThereIsACopyOfThem) {
  RunRecorder recorder(options());
  live(recorder);
  {
    store::SqliteStateStore store({.path = ":memory:", .start = options().start, .vfs = {}});
    store.add_plan({{}, "small", "3", {"a"}});
    store.add_tenant({{}, "tenant-1"});
    RunRecord run;
    run.run_id = uuid_v4_from(1, 2);
    store.add_run(run);
    NewEvent queued;
    queued.event_id = uuid_v4_from(3, 4);
    ASSERT_TRUE(store.append(queued, Instant{5}).has_value());
    store.backup_to(recorder.store_copy_path());
  }
  recorder.finish({{"seed", "42"}});
  EXPECT_EQ(files(), std::vector<std::string>{"run.db"});
  Database db(options().path, Open::read_only);
  EXPECT_EQ(db.query_int("SELECT count(*) FROM run_summary"), 1);
  EXPECT_EQ(db.query_int("SELECT count(*) FROM v_timeline"), 6);
  EXPECT_EQ(db.query_text("SELECT event_type FROM v_events ORDER BY position"), "RunQueued");
  EXPECT_EQ(db.query_text("SELECT value FROM meta WHERE key = 'seed' ORDER BY key"), "42");
  EXPECT_EQ(db.integrity_check(), "ok");
}

TEST_F(RunRecorderTest, LeavesNothingBehindWhenItIsNotFinished) {
  {
    RunRecorder recorder(options());
    live(recorder);
    EXPECT_EQ(files(), std::vector<std::string>{"run.db.partial"});
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(RunRecorderTest, ReplacesAnOlderRunOnlyWhenItIsFinished) {
  std::ofstream(options().path) << "older";
  {
    RunRecorder abandoned(options());
    live(abandoned);
  }
  EXPECT_EQ(std::filesystem::file_size(options().path), 5U);
  RunRecorder recorder(options());
  recorder.finish({});
  EXPECT_EQ(Database(options().path, Open::read_only).integrity_check(), "ok");
}

TEST_F(RunRecorderTest, SaysWhatItCannotWrite) {
  RecorderOptions nowhere = options();
  nowhere.path = (folder_ / "missing" / "run.db").string();
  try {
    const RunRecorder recorder(nowhere);
    FAIL() << "wrote into a folder that is not there";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(nowhere.path), std::string::npos) << error.what();
  }
}

TEST_F(RunRecorderTest, CountsNoticesBeyondItsLimitWithoutWritingThem) {
  RunRecorder recorder(options());
  StoredEvent event;
  for (std::uint64_t i = 0; i < RunRecorder::kNoticeLimit + 50; ++i) recorder.dead_lettered(0, event, Instant{5});
  recorder.finish({});
  Database db(options().path, Open::read_only);
  EXPECT_EQ(db.query_int("SELECT count(*) FROM timeline"), static_cast<std::int64_t>(RunRecorder::kNoticeLimit));
  EXPECT_EQ(db.query_text("SELECT value FROM meta WHERE key = 'notices' ORDER BY key"), "10050");
  EXPECT_EQ(db.query_text("SELECT text FROM timeline ORDER BY entry_no LIMIT 1"),
            "ui gave up on position 0 (RunQueued)");
}

}  // namespace
}  // namespace dvt::sim
