// "A check that nothing can trip is not a check" (design §8): for every invariant there is a defect, planted into the
// facts of a day that is otherwise clean, that it catches; and on the clean day it checks something and finds nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "sim/check/invariants.h"
#include "tests/sim/check/script.h"
#include "tests/support/defective_telemetry.h"

namespace dvt::sim {
namespace {

using test::DefectiveTelemetry;
using test::FactKind;
using test::Script;

InvariantConfig mended() {
  InvariantConfig config;
  config.known_faults_fixed.fill(true);
  config.subscriptions = 2;
  config.outbox_backoff_max = seconds(36);
  config.runs_in_flight_max = 3;
  config.signals_per_run = 3;
  return config;
}

struct Scene {
  explicit Scene(InvariantConfig config = mended()) : suite(std::move(config)), defects(suite), script(defects) {}
  InvariantSuite suite;
  DefectiveTelemetry defects;
  Script script;
  EndOfRun end{{}, 0, true};

  std::map<std::string, InvariantResult> finish() {
    end.at = script.now;
    end.spool_pending = script.spooled();
    std::map<std::string, InvariantResult> by_name;
    for (InvariantResult& result : suite.finish(end)) by_name[result.name] = std::move(result);
    return by_name;
  }
};

/// A lawful history: one workflow task, which completed.
engine::History one_task() {
  engine::History history;
  auto info = std::make_shared<const engine::ExecutionInfo>();
  history.append({}, engine::WorkflowExecutionStarted{info, nullptr});
  history.append({}, engine::WorkflowTaskScheduled{});
  history.append({}, engine::WorkflowTaskStarted{2, 0});
  history.append({}, engine::WorkflowTaskCompleted{2, 3, 0});
  return history;
}

using Plant = std::function<void(Scene&)>;

/// Breaks the clean day in one place and lives it.
const std::map<std::string, Plant>& plants() {
  static const std::map<std::string, Plant> kPlants = {
      {"commit-order-has-no-holes",
       [](Scene& s) {
         s.defects.drop(FactKind::event_committed, 7);
         s.script.clean_day();
       }},
      {"run-seq-strictly-increasing",
       [](Scene& s) {
         s.defects.change_committed = [&s](StoredEvent& event) {
           if (event.position == 9) event.run_seq = 1, s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"one-row-per-key",
       [](Scene& s) {
         s.script.open(0);
         const StoredEvent event = s.script.append(0, EventType::step_started, StepIndex{0});
         s.script.commit(event);  // the same key once more, under a new run_seq
         s.defects.strike();
       }},
      {"idempotent-append-returns-stored",
       [](Scene& s) {
         s.defects.change_append = [&s](AppendFact& fact) {
           if (fact.receipt.idempotent) ++fact.receipt.run_seq, s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"acknowledged-appends-are-in-the-log",
       [](Scene& s) {
         s.script.open(0);
         StoredEvent event = s.script.make(0, EventType::step_started, StepIndex{0});
         event.run_seq = 3;
         s.script.acknowledge(event, false);  // and was never committed
         s.defects.strike();
       }},
      {"legal-transitions",
       [](Scene& s) {
         s.script.open(0);
         s.script.complete(0);
         s.script.append(0, EventType::run_paused);
         s.defects.strike();
       }},
      {"terminal-states-never-change",
       [](Scene& s) {
         s.script.open(0);
         s.script.complete(0);
         s.script.project();
         s.script.append(0, EventType::step_skipped, StepIndex{3});  // ignored by the fold, as it must be
         s.defects.change_projection = [&s](auto&, auto&, std::vector<RunState>& states) {
           states[0].status = RunStatus::running;
           s.defects.strike();
         };
         s.script.project();
       }},
      {"projection-never-skips",
       [](Scene& s) {
         s.defects.change_projection = [&s](std::vector<StoredEvent>& events, auto&, auto&) {
           if (s.defects.struck() == 0) events.erase(events.begin() + 3), s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"projection-equals-fold",
       [](Scene& s) {
         s.defects.change_projection = [&s](auto&, auto&, std::vector<RunState>& states) {
           states.back().started_at = states.back().started_at + nanoseconds(1);
           s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"projection-shows-the-pause",
       [](Scene& s) {
         s.script.open(0);
         s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
         s.defects.run_paused(RunOrdinal{0}, s.script.now);  // no RunPaused in the log
         s.defects.strike();
       }},
      {"engine-matches-store",
       [](Scene& s) {
         s.script.open(0);
         s.script.close(0, RunOutcome::completed);
         s.defects.strike();
       }},
      {"ended-runs-close",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::run_completed);
         s.script.open(1);
         s.script.pass(hours(1));
         s.script.complete(1);  // the engine lives, and never closes run 0
         s.script.pass(minutes(1));
         s.defects.strike();
       }},
      {"runs-start-and-close-once",
       [](Scene& s) {
         s.defects.repeat(FactKind::run_closed, 2);
         s.script.clean_day();
       }},
      {"only-committed-events-travel",
       [](Scene& s) {
         s.defects.change_published = [&s](StoredEvent& event) {
           if (event.position == 5) event.event_id = uuid_v4_from(9, 9), s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"outbox-skips-nothing",
       [](Scene& s) {
         s.script.open(0);
         s.script.pass(milliseconds(100));
         s.script.lease(0, 2);  // the row of position 1 is not in the outbox
         s.defects.strike();
       }},
      {"one-live-outbox-lease",
       [](Scene& s) {
         s.script.open(0);
         s.script.lease(0, 1);
         s.script.pass(seconds(5));
         s.script.lease(1, 1);
         s.script.publish(1);
         s.script.publish(1);  // both had it
         s.defects.strike();
       }},
      {"delivered-at-least-once",
       [](Scene& s) {
         s.defects.drop(FactKind::delivered, 11);
         s.script.clean_day();
       }},
      {"consumer-effect-once",
       [](Scene& s) {
         s.defects.repeat(FactKind::delivered, 11);
         s.script.clean_day();
       }},
      {"watermark-moves-with-its-snapshots",
       [](Scene& s) {
         // The second commit moves the watermark over what only comes with the third.
         s.script.lay_out(1);
         s.script.open(0);
         s.script.project();
         s.script.layer(0, 0);
         s.suite.snapshots_committed(0, s.script.committed(), {}, {}, s.script.now);
         s.defects.strike();
       }},
      {"resync-moves-forward",
       [](Scene& s) {
         s.defects.change_resync = [&s](ResyncFact& fact) { --fact.up_to_seq, s.defects.strike(); };
         s.script.clean_day();
       }},
      {"retries-within-policy",
       [](Scene& s) {
         s.defects.change_scheduled = [&s](ActivityFact& fact) {
           if (fact.attempt == 2) fact.at = fact.at - milliseconds(1), s.defects.strike();
         };
         s.script.clean_day();
       }},
      {"one-attempt-at-a-time",
       [](Scene& s) {
         s.defects.repeat(FactKind::activity_started, 4);
         s.script.clean_day();
       }},
      {"completion-only-of-current-attempt",
       [](Scene& s) {
         s.defects.change_closed = [&s](ActivityFact& fact, ActivityOutcome&) {
           if (fact.attempt == 2) fact.attempt = 1, s.defects.strike();  // a zombie's answer was taken
         };
         s.script.clean_day();
       }},
      {"completed-step-never-runs-again",
       [](Scene& s) {
         s.script.open(0);
         s.script.layer(0, 0);
         s.script.execute(0, 0);
         s.defects.strike();
       }},
      {"steps-complete-only-after-their-work",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::step_started, StepIndex{0});
         s.script.emit(0, EventType::step_completed, StepIndex{0});
         s.defects.strike();
       }},
      {"closed-runs-do-nothing",
       [](Scene& s) {
         s.script.open(0);
         s.script.complete(0);
         s.script.activity(0, ActivityKind::step, "executeStep", StepIndex{0});
         s.defects.strike();
       }},
      {"one-workflow-task-at-a-time",
       [](Scene& s) {
         s.defects.drop(FactKind::workflow_task_completed, 3);
         s.script.clean_day();
       }},
      {"timers-never-fire-early",
       [](Scene& s) {
         s.script.open(0);
         s.defects.timer_fired(RunOrdinal{0}, s.script.now + nanoseconds(1), s.script.now);
         s.defects.strike();
       }},
      {"replay-gives-same-commands",
       [](Scene& s) {
         s.script.clean_day();
         s.suite.replay_checked(RunOrdinal{1}, "event 9 was ScheduleActivity(fetchPlan), replay said StartTimer",
                                s.script.now);
         s.defects.strike();
       }},
      {"histories-keep-the-rules",
       [](Scene& s) {
         s.script.clean_day();
         engine::History history = one_task();
         history.append(s.script.now, engine::WorkflowTaskCompleted{2, 3, 0});
         s.suite.history_closed(RunOrdinal{1}, history, s.script.now);
         s.defects.strike();
       }},
      {"no-step-starts-in-a-drained-pause",
       [](Scene& s) {
         s.script.open(0);
         s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
         s.script.stand(0);
         s.script.pass(seconds(10));
         s.script.execute(0, 0);
         s.defects.strike();
       }},
      {"queued-steps-wait-out-a-pause",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::step_started, StepIndex{0});
         test::Script& script = s.script;
         ActivityFact step = script.activity(0, ActivityKind::step, "executeStep", StepIndex{0});
         script.signal(0, SignalType::pause);
         script.begin(step);
         s.defects.strike();
       }},
      {"applied-pauses-are-obeyed",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::step_started, StepIndex{0});
         s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
         s.script.execute(0, 0);
         s.script.emit(0, EventType::step_completed, StepIndex{0});
         s.script.layer(0, 1);  // continue-as-new forgot the pause
         s.defects.strike();
       }},
      {"pauses-leave-a-trace",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::step_started, StepIndex{0});
         s.script.applied(0, SignalType::pause, s.script.signal(0, SignalType::pause));
         s.script.applied(0, SignalType::resume, s.script.signal(0, SignalType::resume));
         s.script.execute(0, 0);
         s.script.emit(0, EventType::step_completed, StepIndex{0});
         s.script.layer(0, 1);
         s.defects.strike();
       }},
      {"signals-applied-or-lost",
       [](Scene& s) {
         s.defects.drop(FactKind::signal_applied, 5);
         s.script.clean_day();
         s.script.pass(minutes(5));
       }},
      {"spool-accounts-for-every-event",
       [](Scene& s) {
         s.defects.drop(FactKind::spool_changed, 2);  // the spool let an event go and told nobody
         s.script.late_start();
       }},
      {"runs-are-admitted-once",
       [](Scene& s) {
         s.defects.repeat(FactKind::run_admitted, 2);
         s.script.clean_day();
       }},
      {"admission-keeps-its-limit",
       [](Scene& s) {
         for (std::uint32_t run = 0; run < 4; ++run) s.script.open(run);  // three are allowed
         s.defects.strike();
       }},
      {"effects-have-a-decision-record",
       [](Scene& s) {
         s.defects.drop(FactKind::decision_stored, 4);
         s.script.clean_day();
       }},
      {"one-decision-per-signal-id",
       [](Scene& s) {
         s.script.open(0);
         s.script.record(0, 1, SignalType::pause, DecisionStatus::accepted, false, "s-1");
         s.script.record(0, 2, SignalType::pause, DecisionStatus::accepted, false, "s-1");
         s.defects.strike();
       }},
      {"signal-limit-per-run",
       [](Scene& s) {
         s.script.open(0);
         for (int i = 0; i < 4; ++i) s.script.signal(0, SignalType::pause);  // three a minute are allowed
         s.defects.strike();
       }},
      {"deferred-signals-are-settled",
       [](Scene& s) {
         s.script.open(0);
         const std::uint64_t signal = s.script.signal(0, SignalType::pause, DecisionStatus::deferred);
         s.defects.signal_waits(RunOrdinal{0}, signal, false, 0, s.script.now);  // taken up, and forgotten
         s.script.pass(minutes(5));
         s.defects.strike();
       }},
      {"accepted-cancels-take-effect",
       [](Scene& s) {
         s.script.open(0);
         s.script.emit(0, EventType::step_started, StepIndex{0});
         s.script.applied(0, SignalType::cancel, s.script.signal(0, SignalType::cancel));
         s.script.execute(0, 0);
         s.script.emit(0, EventType::step_completed, StepIndex{0});
         s.script.complete(0);
         s.defects.strike();
       }},
  };
  return kPlants;
}

class PlantedDefect : public testing::TestWithParam<std::string> {};

TEST_P(PlantedDefect, IsCaughtByItsInvariant) {
  const auto plant = plants().find(GetParam());
  ASSERT_NE(plant, plants().end()) << "no defect is planted for this invariant";
  Scene scene;
  plant->second(scene);
  ASSERT_GT(scene.defects.struck(), 0U) << "the defect never struck";
  const InvariantResult result = scene.finish().at(GetParam());
  EXPECT_GT(result.violations, 0U);
  EXPECT_EQ(result.known_fault, 0);
  EXPECT_FALSE(result.examples.empty()) << "no event proves it";
}

TEST_P(PlantedDefect, IsNotSeenOnACleanDayThatIsChecked) {
  Scene scene;
  scene.script.clean_day();
  scene.script.late_start();
  scene.suite.history_closed(RunOrdinal{0}, one_task(), scene.script.now);
  const InvariantResult result = scene.finish().at(GetParam());
  EXPECT_GT(result.checks, 0U) << "the clean day never checks it";
  EXPECT_EQ(result.violations, 0U) << (result.examples.empty() ? "" : result.examples.front());
}

TEST_P(PlantedDefect, IsNotReportedWhenTheInvariantIsLeftOut) {
  InvariantConfig config = mended();
  config.except = {GetParam()};
  Scene scene(config);
  plants().at(GetParam())(scene);
  EXPECT_FALSE(scene.finish().contains(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, PlantedDefect, testing::ValuesIn(invariant_names()), [](const auto& parameter) {
  std::string name = parameter.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(PlantedDefects, AreKnownInvariantsOnly) {
  for (const auto& [name, plant] : plants()) {
    const auto& names = invariant_names();
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

}  // namespace
}  // namespace dvt::sim
