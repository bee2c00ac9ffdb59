// Random workflows under random trouble, over many seeds: every history keeps the rules of order, replays to the same
// commands at every workflow task, and dying workers change no result.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/format.h"
#include "engine/history/history_check.h"
#include "engine/service/service.h"
#include "engine/worker/worker.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"

namespace dvt::test {
namespace {

using namespace dvt::engine;

/// An event with the name or number of what it is about.
std::string what(const Attributes& attributes) {
  std::string out(type_name({{}, attributes}));
  std::visit(
      [&out](const auto& body) {
        if constexpr (requires { body.activity_id; }) out += " " + std::to_string(body.activity_id);
        if constexpr (requires { body.timer_id; }) out += " " + std::to_string(body.timer_id);
        if constexpr (requires { body.name; }) out += " " + std::string(body.name.text());
      },
      attributes);
  return out;
}

/// what() of the event that a command writes.
std::string event_of(const CommandBody& body) {
  struct Event {
    std::string operator()(const ScheduleActivity& c) const {
      return "ActivityTaskScheduled " + std::to_string(c.activity_id);
    }
    std::string operator()(const CancelActivity&) const { return "ActivityTaskCancelRequested"; }
    std::string operator()(const StartTimer& c) const { return "TimerStarted " + std::to_string(c.timer_id); }
    std::string operator()(const CancelTimer& c) const { return "TimerCanceled " + std::to_string(c.timer_id); }
    std::string operator()(const RecordMarker& c) const { return "MarkerRecorded " + std::string(c.name.text()); }
    std::string operator()(const UpsertSearchAttributes&) const { return "UpsertWorkflowSearchAttributes"; }
    std::string operator()(const CompleteWorkflow&) const { return "WorkflowExecutionCompleted"; }
    std::string operator()(const FailWorkflow&) const { return "WorkflowExecutionFailed"; }
    std::string operator()(const CancelWorkflow&) const { return "WorkflowExecutionCanceled"; }
    std::string operator()(const ContinueAsNew&) const { return "WorkflowExecutionContinuedAsNew"; }
  };
  return std::visit(
      [](const auto& command) -> std::string {
        if constexpr (std::is_invocable_v<Event, decltype(command)>) return Event{}(command);
        return "a command this test does not use";
      },
      body);
}

/// The WorkflowTaskCompleted that an event of a command refers to; 0 for other events.
EventId task_completed_of(const Attributes& attributes) {
  return std::visit(
      [](const auto& body) -> EventId {
        if constexpr (requires { body.task_completed; }) return body.task_completed;
        return 0;
      },
      attributes);
}

/// Numbers for the test's own choices; the engine's come from its streams.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 0x1234567ull) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(next() % bound); }
  bool percent(std::uint32_t share) { return below(100) < share; }
  Duration up_to(Duration most) {
    return Duration{static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most.ns))};
  }

 private:
  std::uint64_t state_;
};

enum class Kind : std::uint8_t { step, several, nap, signals, patience, race, patch };
struct Op {
  Kind kind;
  std::uint32_t number = 0;  // how many activities, or signals so far
  Duration time;
};

constexpr std::uint32_t kSignals = 6;  // every run gets so many

std::vector<Op> random_program(Dice& dice) {
  std::vector<Op> program;
  std::uint32_t signals = 0;
  const std::uint32_t length = 2 + dice.below(7);
  for (std::uint32_t i = 0; i < length; ++i) {
    const auto kind = static_cast<Kind>(dice.below(7));
    const std::uint32_t number = 1 + dice.below(4);
    const Duration time = milliseconds(1) + dice.up_to(seconds(8));
    if (kind == Kind::signals) signals = std::min(kSignals, signals + dice.below(3));
    program.push_back({kind, kind == Kind::signals ? signals : number, time});
  }
  return program;
}

/// An activity's work: how long an attempt takes and whether it fails are of the activity alone, not of the run of the
/// test, and so is its result.
class Work final : public Activity {
 public:
  Work(Timers& timers, std::uint64_t seed) : timers_(timers), seed_(seed) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override {
    Dice dice(seed_ + invocation.run.value * 1'000'003ull + invocation.activity * 8'191ull + invocation.attempt);
    const Duration takes = dice.up_to(seconds(4));
    const bool fails = dice.percent(15);
    struct Held {
      ActivityAnswer answer;
      ActivityDone done;
    };
    auto held = std::make_unique<Held>();
    held->done = std::move(done);
    if (fails) {
      auto failure = std::make_shared<Failure>();
      failure->type = Symbol::intern("transient");
      held->answer.failure = failure;
    } else {
      held->answer.result = make_payload<JsonPayload>(fmt::format("{}", (invocation.activity * 7919u) % 1000u));
    }
    timers_.call_after(takes, [h = std::move(held)] { h->done(std::move(h->answer)); });
  }

 private:
  Timers& timers_;
  std::uint64_t seed_;
};

class Counts final : public Telemetry {
 public:
  std::uint64_t replayed = 0;
  std::vector<std::string> reports;
  void workflow_task_completed(const WorkflowTaskFact& fact) override { replayed += fact.replayed_events > 0 ? 1 : 0; }
  void nondeterminism(RunOrdinal, std::string_view report, Instant) override { reports.emplace_back(report); }
};

ServiceOptions service_options() {
  ServiceOptions options;
  options.poll_latency = Distribution::uniform({}, milliseconds(40));
  return options;
}
WorkerOptions worker_options() {
  return {Distribution::uniform({}, milliseconds(40)), Distribution::uniform({}, milliseconds(600))};
}

/// One world: `kRuns` random workflows, three workers with small caches, signals, cancels, and deaths if asked for.
class World final : public ServiceListener {
 public:
  static constexpr std::uint32_t kRuns = 4;
  static constexpr std::uint32_t kWorkers = 3;

  World(std::uint64_t seed, bool deaths)
      : random(seed),
        service(kernel, random, counts, service_options()),
        workers(service, kernel, kernel, random, counts, worker_options()),
        work(kernel, seed) {
    service.attach(workers, *this);
    const std::uint32_t queue = service.matching().add_queue(Symbol::intern("q"));
    workers.add_workers(queue, kWorkers, {4, 2}, 2);
    for (std::uint32_t i = 0; i < kWorkers; ++i) workers.start(i);
    workers.register_activity(Symbol::intern("work"), work);
    workers.register_workflow(Symbol::intern("random"), [this](WorkflowContext& ctx, const Payload&) {
      return code(ctx, programs[ctx.run().value]);
    });
    auto made = std::make_shared<ActivityOptions>();
    made->task_queue = Symbol::intern("q");
    made->start_to_close = seconds(30);
    made->heartbeat = seconds(4);
    made->retry.initial_interval = milliseconds(300);
    made->retry.maximum_interval = seconds(2);
    options = made;

    Dice dice(seed);
    for (std::uint32_t run = 0; run < kRuns; ++run) {
      programs.push_back(random_program(dice));
      const Duration begins = dice.up_to(seconds(3));
      kernel.call_at(Instant{begins.ns}, [this, run] { begin(run); });
      for (std::uint32_t i = 0; i < kSignals; ++i) {
        const Duration when = begins + dice.up_to(seconds(25));
        kernel.call_at(Instant{when.ns},
                       [this, run, i] { service.signal_workflow({run}, Symbol::intern("s"), nullptr, run * 100 + i); });
      }
      if (dice.percent(20)) {
        cancelled.insert(run);
        const Duration when = begins + dice.up_to(seconds(20));
        kernel.call_at(Instant{when.ns}, [this, run] { service.request_cancel({run}); });
      }
    }
    if (!deaths) return;
    const std::uint32_t count = 3 + dice.below(12);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t victim = dice.below(kWorkers);
      const Duration when = dice.up_to(seconds(60));
      kernel.call_at(Instant{when.ns}, [this, victim] { workers.kill(victim); });
      kernel.call_at(Instant{(when + seconds(2)).ns}, [this, victim] { workers.start(victim); });
    }
  }

  /// Everything ends within an hour, or the test fails.
  void run() { kernel.run_until(Instant{hours(1).ns}); }

  Payload code(WorkflowContext& ctx, const std::vector<Op>& program) {
    const Symbol type = Symbol::intern("work");
    std::uint64_t sum = 0;
    std::uint32_t heard = 0;
    const auto add = [&sum](const ActivityResult& result) {
      sum = sum * 31 + static_cast<std::uint64_t>(std::stoull(payload_as<JsonPayload>(result.value).json()));
    };
    ctx.on_signal(Symbol::intern("s"), [&heard](const Payload&) { ++heard; });
    for (const Op& op : program) {
      switch (op.kind) {
        case Kind::step:
          add(ctx.wait(ctx.start_activity(type, options, nullptr)));
          break;
        case Kind::several: {
          std::vector<ActivityHandle> handles;
          for (std::uint32_t i = 0; i < op.number; ++i) handles.push_back(ctx.start_activity(type, options, nullptr));
          for (const ActivityHandle handle : handles) add(ctx.wait(handle));
          break;
        }
        case Kind::nap:
          ctx.sleep(op.time);
          break;
        case Kind::signals:
          ctx.await([&heard, &op] { return heard >= op.number; });
          break;
        case Kind::patience:  // whichever comes first: it changes no result
          ctx.await([&heard] { return heard >= 3; }, op.time);
          break;
        case Kind::race: {
          const ActivityHandle handle = ctx.start_activity(type, options, nullptr);
          ctx.await([&ctx, handle] { return ctx.ready(handle); }, op.time);
          add(ctx.wait(handle));
          break;
        }
        case Kind::patch:
          if (ctx.patched(Symbol::intern("extra"))) sum += ctx.random() % 2;
          break;
      }
    }
    return make_payload<JsonPayload>(fmt::format("{}", sum));
  }

  void execution_closed(const Execution& execution, CloseStatus status, const Payload& result,
                        const FailureRef&) override {
    const std::uint32_t run = execution.key.run.value;
    results[run] = status == CloseStatus::completed ? payload_as<JsonPayload>(result).json()
                                                    : fmt::format("status {}", static_cast<int>(status));
    histories.emplace(run, execution.history);
    workers.forget(execution.key, execution.sticky);
  }
  void signal_applied(RunOrdinal, std::uint64_t, Instant) override {}
  void signal_lost(RunOrdinal, std::uint64_t, Instant) override {}

  sim::PhiloxRandom random;
  sim::Kernel kernel;
  Counts counts;
  Service service;
  Workers workers;
  Work work;
  ActivityOptionsRef options;
  std::vector<std::vector<Op>> programs;
  std::set<std::uint32_t> cancelled;
  std::map<std::uint32_t, std::string> results;
  std::map<std::uint32_t, History> histories;

 private:
  void begin(std::uint32_t run) {
    ExecutionInfo info;
    info.workflow_id = fmt::format("run-{}", run);
    info.workflow_type = Symbol::intern("random");
    info.task_queue = Symbol::intern("q");
    service.start_workflow({{run}, {0}, std::make_shared<const ExecutionInfo>(info), nullptr});
  }
};

/// The commands a fresh worker gives at each workflow task that completed, against the events that followed it.
void expect_same_commands_at_every_task(World& world, std::uint32_t run, const History& history) {
  const WorkflowFunction code = [&world, run](WorkflowContext& ctx, const Payload&) {
    return world.code(ctx, world.programs[run]);
  };
  History prefix;
  for (EventId id = 1; id <= history.last_id(); ++id) {
    const HistoryEvent& event = history.at(id);
    if (std::holds_alternative<WorkflowTaskCompleted>(event.attributes)) {
      WorkflowInstance fresh(world.kernel, world.random, code, {{run}, 0});
      const ActivationOutcome outcome = fresh.handle(prefix, 1);
      ASSERT_FALSE(outcome.mismatch.has_value()) << outcome.mismatch->text();
      std::vector<std::string> commanded;
      for (const Command& command : outcome.commands) commanded.push_back(event_of(command.body));
      std::vector<std::string> recorded;
      for (EventId next = id + 1; next <= history.last_id() && task_completed_of(history.at(next).attributes) == id;
           ++next)
        recorded.push_back(what(history.at(next).attributes));
      ASSERT_EQ(commanded, recorded) << "run " << run << ", task completed at event " << id;
    }
    prefix.append(event.time, event.attributes);
  }
}

TEST(RandomRuns, KeepTheRulesReplayAndEndAlikeWithAndWithoutDeaths) {
  std::uint64_t replayed = 0;
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE(seed);
    World calm(seed, false);
    calm.run();
    World stormy(seed, true);
    stormy.run();
    ASSERT_EQ(calm.results.size(), World::kRuns);
    ASSERT_EQ(stormy.results.size(), World::kRuns) << "a run did not end";
    for (std::uint32_t run = 0; run < World::kRuns; ++run) {
      // whether a cancel comes before the end is a matter of time, which deaths take
      if (!calm.cancelled.contains(run)) {
        EXPECT_EQ(stormy.results[run], calm.results[run]) << "run " << run;
      }
    }
    for (World* world : {&calm, &stormy}) {
      EXPECT_EQ(world->counts.reports, std::vector<std::string>{});
      for (const auto& [run, history] : world->histories) {
        const std::vector<EventFacts> facts = event_facts(history, {});
        for (const HistoryBreach& breach : check_history(facts))
          ADD_FAILURE() << "run " << run << ": " << to_string(breach, facts);
        expect_same_commands_at_every_task(*world, run, history);
        EXPECT_EQ(world->workers.verify({{run}, 0}, history), std::nullopt);
      }
    }
    replayed += stormy.counts.replayed;
    if (::testing::Test::HasFailure()) return;  // one seed says enough
  }
  EXPECT_GT(replayed, 500u);  // the deaths had their effect
}

TEST(RandomRuns, RepeatBitForBit) {
  for (const bool deaths : {false, true}) {
    World first(5, deaths);
    first.run();
    World second(5, deaths);
    second.run();
    ASSERT_EQ(first.histories.size(), second.histories.size());
    for (const auto& [run, history] : first.histories) {
      const History& other = second.histories.at(run);
      ASSERT_EQ(history.last_id(), other.last_id());
      for (EventId id = 1; id <= history.last_id(); ++id) {
        EXPECT_EQ(history.at(id).time, other.at(id).time);
        EXPECT_EQ(what(history.at(id).attributes), what(other.at(id).attributes));
      }
    }
  }
}

}  // namespace
}  // namespace dvt::test
