// Changed workflow code meets an old history, and code that never waits: what is reported, and where.
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Where = std::source_location;

/// "…/nondeterminism_test.cpp:LINE" of the line `above` lines above the caller.
std::string line_of(std::uint32_t line) {
  return "nondeterminism_test.cpp:" + std::to_string(line);
}
bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The history is recorded by one version of the code and replayed by another.
class PlantedChange : public EngineFixture {
 protected:
  std::optional<NondeterminismReport> replay(const WorkflowFunction& recorded, const WorkflowFunction& changed) {
    add_workers(1);
    define(recorded);
    start();
    kernel.run();
    WorkflowInstance instance(kernel, random, changed, {{0}, 0});
    return instance.verify(histories.at(0));
  }
  ActivityHandle begin(WorkflowContext& ctx, const char* type, Where where = Where::current()) {
    if (std::string_view(type) != "act") {
      // the fixture's worker knows one type; others exist for the service and the replay
      if (std::find(known_.begin(), known_.end(), type) == known_.end()) {
        known_.emplace_back(type);
        workers.register_activity(Symbol::intern(type), activity);
      }
    }
    return ctx.start_activity(Symbol::intern(type), options(), nullptr, where);
  }
  WorkflowFunction one_after_the_other(std::vector<const char*> types) {
    return [this, types](WorkflowContext& ctx, const Payload&) {
      for (const char* type : types) ctx.wait(begin(ctx, type));
      return Payload{};
    };
  }
  WorkflowFunction at_once(std::vector<const char*> types) {
    return [this, types](WorkflowContext& ctx, const Payload&) {
      std::vector<ActivityHandle> handles;
      for (const char* type : types) handles.push_back(begin(ctx, type));
      for (const ActivityHandle handle : handles) ctx.wait(handle);
      return Payload{};
    };
  }
  static void expect(const std::optional<NondeterminismReport>& report, EventId event, const std::string& history,
                     const std::string& code) {
    ASSERT_TRUE(report.has_value()) << "nothing was reported";
    EXPECT_EQ(report->event, event);
    EXPECT_EQ(report->expected, history);
    EXPECT_EQ(report->produced, code);
    EXPECT_NE(report->where.find("nondeterminism_test.cpp:"), std::string::npos) << report->where;
    // the one line that people see
    for (const std::string& part : {"event " + std::to_string(event), history, code, report->where})
      EXPECT_NE(report->text().find(part), std::string::npos) << report->text();
  }

 private:
  std::vector<std::string> known_;
};

TEST_F(PlantedChange, OfAnActivitysTypeIsReported) {
  expect(replay(one_after_the_other({"act", "act"}), one_after_the_other({"act", "other"})), 11,
         "ActivityTaskScheduled 2 'act'", "ScheduleActivity 2 'other'");
}

TEST_F(PlantedChange, ThatLeavesAStepOutIsReported) {
  expect(replay(one_after_the_other({"act", "act"}), one_after_the_other({"act"})), 11, "ActivityTaskScheduled 2 'act'",
         "CompleteWorkflow");
}

TEST_F(PlantedChange, ThatLeavesOutOneOfSeveralAtOnceIsReported) {
  expect(replay(at_once({"act", "act"}), at_once({"act"})), 6, "ActivityTaskScheduled 2 'act'", "no command");
}

TEST_F(PlantedChange, ThatAddsAStepAtTheEndIsReported) {
  expect(replay(one_after_the_other({"act"}), one_after_the_other({"act", "act"})), 11, "WorkflowExecutionCompleted",
         "ScheduleActivity 2 'act'");
}

TEST_F(PlantedChange, ThatAddsOneToSeveralAtOnceIsReported) {
  const auto report = replay(at_once({"act"}), at_once({"act", "more"}));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->expected, "no such command");
  EXPECT_EQ(report->produced, "ScheduleActivity 2 'more'");
  EXPECT_EQ(report->event, 9u);  // the next task starts and the command was never taken
}

TEST_F(PlantedChange, OfTheOrderIsReported) {
  expect(replay(at_once({"act", "other"}), at_once({"other", "act"})), 5, "ActivityTaskScheduled 1 'act'",
         "ScheduleActivity 1 'other'");
}

TEST_F(PlantedChange, OfAnActivityIntoATimerIsReportedWithItsLine) {
  std::uint32_t line = 0;
  const auto report = replay(one_after_the_other({"act"}), [&line](WorkflowContext& ctx, const Payload&) {
    line = Where::current().line() + 1;
    ctx.sleep(seconds(1));
    return Payload{};
  });
  expect(report, 5, "ActivityTaskScheduled 1 'act'", "StartTimer 1");
  EXPECT_TRUE(ends_with(report->where, line_of(line))) << report->where;
}

TEST_F(PlantedChange, OfATimerIntoAnActivityIsReported) {
  expect(replay(
             [](WorkflowContext& ctx, const Payload&) {
               ctx.sleep(seconds(1));
               return Payload{};
             },
             one_after_the_other({"act"})),
         5, "TimerStarted 1", "ScheduleActivity 1 'act'");
}

TEST_F(PlantedChange, OfTheEndIntoContinueAsNewIsReportedWithItsLine) {
  std::uint32_t line = 0;
  const auto report =
      replay(one_after_the_other({"act"}), [this, &line](WorkflowContext& ctx, const Payload&) -> Payload {
        ctx.wait(begin(ctx, "act"));
        line = Where::current().line() + 1;
        ctx.continue_as_new(nullptr);
      });
  expect(report, 11, "WorkflowExecutionCompleted", "ContinueAsNew");
  EXPECT_TRUE(ends_with(report->where, line_of(line))) << report->where;
}

TEST_F(PlantedChange, OfContinueAsNewIntoTheEndIsReportedAtTheLastCall) {
  add_workers(1);
  define([this](WorkflowContext& ctx, const Payload& input) -> Payload {
    ctx.wait(begin(ctx, "act"));
    if (input == nullptr) ctx.continue_as_new(make_payload<JsonPayload>("1"));
    return nullptr;
  });
  start();
  kernel.run();
  std::uint32_t line = 0;
  const WorkflowFunction changed = [this, &line](WorkflowContext& ctx, const Payload&) {
    line = Where::current().line() + 1;
    ctx.wait(begin(ctx, "act"));
    return Payload{};
  };
  WorkflowInstance instance(kernel, random, changed, {{0}, 0});
  const auto report = instance.verify(histories.at(0));
  expect(report, 11, "WorkflowExecutionContinuedAsNew", "CompleteWorkflow");
  EXPECT_TRUE(ends_with(report->where, line_of(line))) << report->where;
}

TEST_F(PlantedChange, OfSuccessIntoFailureIsReported) {
  expect(replay(one_after_the_other({"act"}),
                [this](WorkflowContext& ctx, const Payload&) -> Payload {
                  ctx.wait(begin(ctx, "act"));
                  throw WorkflowFailure(failure("no"));
                }),
         11, "WorkflowExecutionCompleted", "FailWorkflow");
}

TEST_F(PlantedChange, ThatThrowsWhereTheHistoryWentOnIsReported) {
  const auto report =
      replay(one_after_the_other({"act", "act"}), [this](WorkflowContext& ctx, const Payload&) -> Payload {
        ctx.wait(begin(ctx, "act"));
        throw std::runtime_error("a new bug");
      });
  ASSERT_TRUE(report.has_value());
  EXPECT_NE(report->text().find("a new bug"), std::string::npos);
}

TEST_F(PlantedChange, ThatWaitsForSomethingElseIsReported) {
  expect(replay(one_after_the_other({"act", "act"}),
                [this](WorkflowContext& ctx, const Payload&) {
                  ctx.wait(begin(ctx, "act"));
                  ctx.await([] { return false; });
                  return Payload{};
                }),
         11, "ActivityTaskScheduled 2 'act'", "no command");
}

TEST_F(PlantedChange, ThatDropsACallOfPatchedIsReported) {
  const Symbol change = Symbol::intern("second-step");
  expect(replay(
             [this, change](WorkflowContext& ctx, const Payload&) {
               if (ctx.patched(change)) ctx.wait(begin(ctx, "act"));
               return Payload{};
             },
             one_after_the_other({"act"})),
         5, "MarkerRecorded 'core_patch' 'second-step'", "ScheduleActivity 1 'act'");
}

TEST_F(PlantedChange, OfATimersLengthIsNoneForTemporal) {
  const auto naps = [](Duration length) {
    return [length](WorkflowContext& ctx, const Payload&) {
      ctx.sleep(length);
      return Payload{};
    };
  };
  EXPECT_EQ(replay(naps(seconds(1)), naps(seconds(2))), std::nullopt);
}

// Each change above, guarded by patched(), replays the old history and its own.
TEST_F(PlantedChange, ReplaysWhenItIsGuardedByPatched) {
  const Symbol change = Symbol::intern("v2");
  const WorkflowFunction before = one_after_the_other({"act", "act"});
  const std::vector<WorkflowFunction> after{one_after_the_other({"act", "other"}), one_after_the_other({"act"}),
                                            one_after_the_other({"act", "act", "act"}), at_once({"other", "act"}),
                                            [](WorkflowContext& ctx, const Payload&) {
                                              ctx.sleep(seconds(1));
                                              return Payload{};
                                            }};
  add_workers(1);
  std::vector<WorkflowFunction> guarded;
  for (std::size_t i = 0; i < after.size(); ++i) {
    guarded.push_back([&, i](WorkflowContext& ctx, const Payload& input) {
      return ctx.patched(change) ? after[i](ctx, input) : before(ctx, input);
    });
    define(guarded[i], ("guarded-" + std::to_string(i)).c_str());
  }
  define(before, "before");
  start(0, "before");
  for (std::uint32_t i = 0; i < guarded.size(); ++i) start(i + 1, ("guarded-" + std::to_string(i)).c_str());
  kernel.run();
  ASSERT_EQ(closed.size(), guarded.size() + 1);
  for (std::size_t c = 0; c < closed.size(); ++c) {
    const std::uint32_t run = closed[c].key.run.value;
    for (std::size_t i = 0; i < guarded.size(); ++i) {
      if (run != 0 && run != i + 1) continue;
      WorkflowInstance instance(kernel, random, guarded[i], closed[c].key);
      EXPECT_EQ(instance.verify(histories[c]), std::nullopt) << "change " << i << ", history of run " << run;
    }
  }
}

// Code that changes under a running execution.
class ChangedUnderway : public EngineFixture {};

TEST_F(ChangedUnderway, FailsTheTaskWithTheReportAndGoesOnWhenItIsMended) {
  add_workers(2);
  bool broken = false;
  define([&](WorkflowContext& ctx, const Payload&) {
    if (broken) ctx.execute_activity(act, options(), nullptr);
    for (int i = 0; i < 3; ++i) ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  kernel.call_at(Instant{seconds(90).ns}, [&] {
    broken = true;
    workers.kill(service.execution({0})->sticky->worker);
  });
  kernel.call_at(Instant{minutes(5).ns}, [&] { broken = false; });
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  ASSERT_FALSE(telemetry.nondeterminism_reports.empty());
  const std::string& report = telemetry.nondeterminism_reports[0];
  EXPECT_NE(report.find("event 5"), std::string::npos) << report;
  EXPECT_NE(report.find("TimerStarted 1"), std::string::npos) << report;
  EXPECT_NE(report.find("ScheduleActivity 1 'act'"), std::string::npos) << report;
  EXPECT_NE(report.find("nondeterminism_test.cpp:"), std::string::npos) << report;
  std::size_t failed = 0;
  for (const HistoryEvent& event : closed[0].history) {
    const auto* task = std::get_if<WorkflowTaskFailed>(&event.attributes);
    if (task == nullptr) continue;
    ++failed;
    EXPECT_EQ(task->cause, WorkflowTaskFailedCause::nondeterminism);
    EXPECT_EQ(task->failure->message, report);
  }
  EXPECT_EQ(failed, 1u);  // further attempts are reported to the user and not to the server
  EXPECT_GT(telemetry.nondeterminism_reports.size(), 1u);
}

TEST_F(ChangedUnderway, LeavesTheWorkersSlotsToOthersWhileItKeepsFailing) {
  add_workers(1, 1);  // one slot
  bool broken = false;
  define([&](WorkflowContext&, const Payload&) -> Payload {
    if (!broken) return nullptr;
    throw std::runtime_error("a bug");
  });
  define(
      [&](WorkflowContext& ctx, const Payload&) {
        for (int i = 0; i < 100; ++i) ctx.sleep(seconds(10));
        return Payload{};
      },
      "healthy");
  broken = true;
  start(0);
  start(1, "healthy");
  kernel.call_at(Instant{minutes(15).ns}, [&] { broken = false; });
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0].key.run.value, 1u);
  EXPECT_EQ(closed[0].at, Instant{seconds(1'000).ns});  // never kept waiting
  EXPECT_EQ(closed[1].status, CloseStatus::completed);
}

// Code that goes on and on without waiting.
class Endless : public EngineFixture {
 protected:
  Endless() : EngineFixture({}, few_calls()) {}
  static WorkerOptions few_calls() {
    WorkerOptions options;
    options.call_budget = 1'000;
    return options;
  }
  /// Runs `code` for a minute; its first task must have failed. Returns the failure's message.
  std::string failure_of(WorkflowFunction code) {
    add_workers(1);
    define(std::move(code));
    start();
    kernel.run_until(Instant{minutes(1).ns});
    EXPECT_TRUE(closed.empty());
    for (const HistoryEvent& event : service.execution({0})->history.events()) {
      const auto* failed = std::get_if<WorkflowTaskFailed>(&event.attributes);
      if (failed == nullptr) continue;
      EXPECT_EQ(failed->cause, WorkflowTaskFailedCause::workflow_worker_unhandled_failure);
      return failed->failure->message;
    }
    return "no task failed";
  }
};

TEST_F(Endless, ALoopUntilTimeHasPassedFailsItsTaskAndNamesTheCall) {
  std::uint32_t line = 0;
  const std::string message = failure_of([&line](WorkflowContext& ctx, const Payload&) {
    const Instant begun = ctx.now();
    line = Where::current().line() + 1;
    while (ctx.now() < begun + seconds(5)) {
    }
    return Payload{};
  });
  EXPECT_EQ(message.find("potential deadlock: the workflow code made 1000 calls without waiting"), 0u) << message;
  EXPECT_TRUE(ends_with(message, line_of(line))) << message;
}

TEST_F(Endless, ALoopUntilAnActivityIsReadyFailsItsTask) {
  const std::string message = failure_of([this](WorkflowContext& ctx, const Payload&) {
    const ActivityHandle handle = ctx.start_activity(act, options(), nullptr);
    while (!ctx.ready(handle)) {
    }
    return Payload{};
  });
  EXPECT_EQ(message.find("potential deadlock"), 0u) << message;
}

TEST_F(Endless, WaitingForWhatHoldsAlreadyFailsItsTask) {
  const std::string message = failure_of([](WorkflowContext& ctx, const Payload&) -> Payload {
    while (true) ctx.await([] { return true; });
  });
  EXPECT_EQ(message.find("potential deadlock"), 0u) << message;
}

TEST_F(Endless, SchedulingWithoutEndFailsItsTaskAndSchedulesNothing) {
  const std::string message = failure_of([this](WorkflowContext& ctx, const Payload&) -> Payload {
    while (true) ctx.start_activity(act, options(), nullptr);
  });
  EXPECT_EQ(message.find("potential deadlock"), 0u) << message;
  EXPECT_TRUE(activity.attempts.empty());
}

TEST_F(Endless, CodeThatSwallowsEveryExceptionCannotEscape) {
  const std::string message = failure_of([](WorkflowContext& ctx, const Payload&) -> Payload {
    while (true) {
      try {
        static_cast<void>(ctx.cancelled());
      } catch (const std::exception&) {
      }
    }
  });
  EXPECT_EQ(message.find("potential deadlock"), 0u) << message;
}

TEST_F(Endless, ASignalHandlerThatNeverEndsFailsItsTask) {
  kernel.call_at(Instant{seconds(1).ns}, [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  const std::string message = failure_of([](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("s"), [&ctx](const Payload&) {
      while (!ctx.cancelled()) {
      }
    });
    ctx.await([] { return false; });
    return Payload{};
  });
  EXPECT_EQ(message.find("potential deadlock"), 0u) << message;
}

TEST_F(Endless, ASignalHandlerThatThrowsFailsItsTask) {
  kernel.call_at(Instant{seconds(1).ns}, [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  const std::string message = failure_of([](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("s"), [](const Payload&) { throw std::runtime_error("not today"); });
    ctx.await([] { return false; });
    return Payload{};
  });
  EXPECT_EQ(message, "a signal handler threw: not today");
}

TEST_F(Endless, WhatIsThrownNeedNotBeAnException) {
  kernel.call_at(Instant{seconds(1).ns}, [&] { service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1); });
  const std::string of_handler = failure_of([](WorkflowContext& ctx, const Payload&) {
    ctx.on_signal(Symbol::intern("s"), [](const Payload&) { throw 7; });
    ctx.await([] { return false; });
    return Payload{};
  });
  EXPECT_EQ(of_handler, std::string("a signal handler threw: ") + kUnknownThrown);
}

TEST_F(Endless, AnIntegerThrownByTheWorkflowFailsItsTask) {
  EXPECT_EQ(failure_of([](WorkflowContext&, const Payload&) -> Payload { throw 7; }), kUnknownThrown);
}

TEST_F(Endless, AnIntegerThrownByABranchFailsItsTask) {
  const std::string message = failure_of([](WorkflowContext& ctx, const Payload&) {
    ctx.join(ctx.spawn([] { throw 7; }));
    return Payload{};
  });
  EXPECT_EQ(message, kUnknownThrown);
}

TEST_F(Endless, AQueryHandlerThatThrowsAnswersNothing) {
  add_workers(1);
  define([](WorkflowContext& ctx, const Payload&) {
    ctx.on_query(Symbol::intern("q"), []() -> Payload { throw 7; });
    ctx.sleep(minutes(1));
    return Payload{};
  });
  start();
  bool asked = false;
  kernel.call_at(Instant{seconds(1).ns}, [&] {
    asked = true;
    EXPECT_EQ(service.query_workflow({0}, Symbol::intern("q")), nullptr);
  });
  kernel.run();
  EXPECT_TRUE(asked);
  EXPECT_EQ(closed.at(0).status, CloseStatus::completed);
}

TEST_F(Endless, TheBudgetIsForEachStretchBetweenTwoWaits) {
  add_workers(1);
  define([this](WorkflowContext& ctx, const Payload&) {
    for (int i = 0; i < 5; ++i) {
      for (int calls = 0; calls < 900; ++calls) static_cast<void>(ctx.now());
      ctx.execute_activity(act, options(), nullptr);
    }
    return Payload{};
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].status, CloseStatus::completed);
  EXPECT_EQ(workers.verify(closed[0].key, histories[0]), std::nullopt);
}

// The suggestion reaches workflow code.
class Suggested : public EngineFixture {
 protected:
  Suggested() : EngineFixture(few_events()) {}
  static ServiceOptions few_events() {
    ServiceOptions made;
    made.limits.suggest_events = 30;
    return made;
  }
};

TEST_F(Suggested, ContinueAsNewIsHeardByWorkflowCodeAndOnReplay) {
  add_workers(1);
  std::vector<int> rounds;
  define([&](WorkflowContext& ctx, const Payload& input) -> Payload {
    int round = 0;
    while (!ctx.continue_as_new_suggested()) {
      ctx.execute_activity(act, options(), nullptr);
      ++round;
    }
    if (!ctx.replaying()) rounds.push_back(round);
    if (input == nullptr) ctx.continue_as_new(make_payload<JsonPayload>("1"));
    return nullptr;
  });
  start();
  kernel.run();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(rounds.at(0), 5);  // the task after the fifth activity starts at event 33
  EXPECT_EQ(workers.verify(closed[0].key, histories[0]), std::nullopt);
}

// Activities on workers: what a heartbeat carries.
class CancellableActivity final : public Activity {
 public:
  explicit CancellableActivity(Timers& timers) : timers_(timers) {}
  bool heeds = true;
  std::vector<std::string> resumed_from;
  std::uint32_t asked = 0;
  void start(const ActivityInvocation& invocation, ActivityDone done) override {
    resumed_from.push_back(invocation.heartbeat_details == nullptr
                               ? "start"
                               : payload_as<JsonPayload>(invocation.heartbeat_details).json());
    auto held = std::make_shared<ActivityDone>(std::move(done));
    finish_ = [held](ActivityAnswer answer) {
      if (*held) std::exchange(*held, ActivityDone{})(std::move(answer));
    };
    timers_.call_after(minutes(5), [finish = finish_] { finish({}); });
  }
  Payload heartbeat_details(const DrawKey&) override { return make_payload<JsonPayload>(std::to_string(++beats_)); }
  void cancel_requested(const DrawKey&) override {
    ++asked;
    if (heeds) finish_({nullptr, nullptr, true});
  }

 private:
  Timers& timers_;
  std::function<void(ActivityAnswer)> finish_;
  int beats_ = 0;
};

class Heartbeats : public EngineFixture {
 protected:
  Heartbeats() : slow_(kernel) { workers.register_activity(Symbol::intern("slow"), slow_); }
  ActivityOptionsRef beating() {
    auto made = std::make_shared<ActivityOptions>(*options());
    made->heartbeat = seconds(20);
    return made;
  }
  CancellableActivity slow_;
};

/// Workflow tasks come to the test, activities to the workers.
class ByHand final : public WorkerHost {
 public:
  explicit ByHand(Workers& workers) : workers_(workers) {}
  WorkflowTaskToken task;
  void deliver_workflow_task(const WorkflowTaskDelivery& delivery) override { task = delivery.token; }
  void deliver_activity_task(const ActivityTaskDelivery& delivery) override {
    workers_.deliver_activity_task(delivery);
  }
  Payload answer_query(std::uint32_t, const Execution&, Symbol) override { return nullptr; }

 private:
  Workers& workers_;
};

TEST_F(Heartbeats, TellARunningActivityOnceThatItIsCancelled) {
  ByHand host(workers);
  service.attach(host, *this);
  add_workers(1);
  start();
  const auto answer = [&](CommandBody body) {
    kernel.run_until(kernel.now());
    service.respond_workflow_task_completed(host.task, {{std::move(body), Where::current()}}, 0);
    kernel.run_until(kernel.now());
  };
  answer(ScheduleActivity{1, Symbol::intern("slow"), nullptr, beating()});
  const auto cancel_at = [&](Duration when) {
    kernel.run_until(Instant{when.ns});
    service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1);
    answer(CancelActivity{1});
  };
  slow_.heeds = false;
  cancel_at(seconds(15));
  kernel.run_until(Instant{seconds(19).ns});
  EXPECT_EQ(slow_.asked, 0u);
  kernel.run_until(Instant{seconds(20).ns});  // the second heartbeat brings the news
  EXPECT_EQ(slow_.asked, 1u);
  kernel.run_until(Instant{seconds(60).ns});
  EXPECT_EQ(slow_.asked, 1u);
  kernel.run_until(Instant{minutes(6).ns});  // it went on and completed
  const std::vector<std::string> events = names(service.execution({0})->history.events());
  EXPECT_EQ(std::count(events.begin(), events.end(), "ActivityTaskCompleted"), 1);
  EXPECT_TRUE(service.execution({0})->activities.empty());
}

TEST_F(Heartbeats, LetARunningActivityCloseAsCanceled) {
  ByHand host(workers);
  service.attach(host, *this);
  add_workers(1);
  start();
  kernel.run_until(kernel.now());
  service.respond_workflow_task_completed(
      host.task, {{ScheduleActivity{1, Symbol::intern("slow"), nullptr, beating()}, Where::current()}}, 0);
  kernel.run_until(Instant{seconds(15).ns});
  service.signal_workflow({0}, Symbol::intern("s"), nullptr, 1);
  kernel.run_until(kernel.now());
  service.respond_workflow_task_completed(host.task, {{CancelActivity{1}, Where::current()}}, 0);
  kernel.run_until(Instant{seconds(25).ns});
  const std::vector<std::string> events = names(service.execution({0})->history.events());
  EXPECT_EQ((std::vector<std::string>(events.end() - 5, events.end())),
            (std::vector<std::string>{"ActivityTaskCancelRequested", "ActivityTaskStarted", "ActivityTaskCanceled",
                                      "WorkflowTaskScheduled", "WorkflowTaskStarted"}));
}

TEST_F(Heartbeats, HandTheLastDetailsToTheNextAttemptOnAnotherWorker) {
  add_workers(2);
  define([&](WorkflowContext& ctx, const Payload&) {
    return ctx.execute_activity(Symbol::intern("slow"), beating(), nullptr);
  });
  start();
  kernel.call_at(Instant{seconds(35).ns}, [&] { workers.kill(0); });  // beats at 10, 20 and 30 s
  kernel.run();
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(slow_.resumed_from, (std::vector<std::string>{"start", "3"}));
}

}  // namespace
}  // namespace dvt::test
