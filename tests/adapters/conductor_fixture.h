// A Conductor provider in a test: server, polling workers and adapter on a kernel, the real plan activities, a store
// that keeps events in a list and a warehouse that takes as long as a test says. Latencies are zero unless a test sets
// them, so that virtual times in expectations are round.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "adapters/conductor/conductor_adapter.h"
#include "adapters/conductor/workers.h"
#include "engine/worker/plan_activities.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"

namespace dvt::test {

using namespace dvt::adapters;
using namespace dvt::engine;

/// Takes a millisecond; while `down`, fails.
class ListStore final : public StoreClient {
 public:
  explicit ListStore(Timers& timers) : timers_(timers) {}
  bool down = false;
  std::vector<NewEvent> events;
  std::uint64_t duplicates = 0;

  void append(NewEvent event, DrawKey, AppendDone done) override {
    struct Held {
      NewEvent event;
      AppendDone done;
    };
    auto held = std::make_unique<Held>(Held{std::move(event), std::move(done)});
    timers_.call_after(milliseconds(1), [this, h = std::move(held)] {
      AppendOutcome outcome;
      outcome.ok = !down;
      if (outcome.ok && keys_.insert(h->event.idempotency_key).second) {
        events.push_back(h->event);
      } else if (outcome.ok) {
        ++duplicates;
      }
      h->done(outcome);
    });
  }
  void decide(SignalDecision, DrawKey, DecideDone) override { FAIL() << "adapters store no decisions"; }
  void save_metadata(RunOrdinal, DrawKey, InplaceFunction<void(bool ok), 48> done) override { answer(std::move(done)); }
  void read(RunOrdinal, DrawKey, InplaceFunction<void(bool ok), 48> done) override { answer(std::move(done)); }

 private:
  void answer(InplaceFunction<void(bool ok), 48> done) {
    auto held = std::make_unique<InplaceFunction<void(bool ok), 48>>(std::move(done));
    timers_.call_after(milliseconds(1), [this, h = std::move(held)] { (*h)(!down); });
  }
  Timers& timers_;
  std::set<Digest> keys_;
};

/// Steps by their index: how long each attempt takes and what it answers.
class ScriptedSteps final : public StepExecutor {
 public:
  explicit ScriptedSteps(Timers& timers) : timers_(timers) {}
  std::function<Duration(const StepRequest&)> duration = [](const StepRequest&) { return seconds(10); };
  std::function<StepAnswer(const StepRequest&)> answer = [](const StepRequest&) { return StepAnswer{}; };
  std::vector<StepRequest> submitted;

  void submit(const StepRequest& request, StepDone done) override {
    submitted.push_back(request);
    struct Held {
      StepRequest request;
      StepDone done;
    };
    auto held = std::make_unique<Held>(Held{request, std::move(done)});
    timers_.call_after(duration(request), [this, h = std::move(held)] { h->done(answer(h->request)); });
  }
  std::vector<std::uint32_t> steps() const {
    std::vector<std::uint32_t> out;
    for (const StepRequest& request : submitted) out.push_back(request.step.value);
    return out;
  }

 private:
  Timers& timers_;
};

class CatalogueSource final : public PlanSource {
 public:
  CatalogueSource(Timers& timers, const PlanCatalogue& plans) : timers_(timers), plans_(plans) {}
  bool corrupt = false;
  void fetch(std::string_view uri, DrawKey, InplaceFunction<void(const std::string*), 48> done) override {
    bytes_ = plans_.find(uri)->bytes;
    if (corrupt) bytes_.back() = '?';
    auto held = std::make_unique<InplaceFunction<void(const std::string*), 48>>(std::move(done));
    timers_.call_after({}, [this, h = std::move(held)] { (*h)(&bytes_); });
  }

 private:
  Timers& timers_;
  const PlanCatalogue& plans_;
  std::string bytes_;
};

/// What a test asks about: facts, in the order told.
class FactLog final : public Telemetry {
 public:
  struct Started {
    StepIndex step;
    std::uint32_t attempt;
    Instant at;
  };
  std::vector<Started> started;          // executeStep
  std::vector<std::string> notices;      // names
  std::vector<std::string> step_closes;  // outcomes of executeStep
  std::vector<Instant> paused, resumed;
  std::vector<std::pair<std::uint32_t, bool>> workers;  // number in its queue, up
  std::uint32_t retries = 0;
  void activity_started(const ActivityFact& fact) override {
    if (fact.kind == ActivityKind::step) started.push_back({fact.step, fact.attempt, fact.at});
  }
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view code) override {
    if (fact.kind != ActivityKind::step) return;
    step_closes.push_back(std::string(to_string(outcome)) + (code.empty() ? "" : " " + std::string(code)));
  }
  void activity_retry(const ActivityFact&, std::string_view, Instant, std::uint32_t) override { ++retries; }
  void notice(const NoticeFact& fact) override { notices.emplace_back(fact.name); }
  void run_paused(RunOrdinal, Instant at) override { paused.push_back(at); }
  void run_resumed(RunOrdinal, Instant at) override { resumed.push_back(at); }
  void worker_changed(std::uint32_t, std::uint32_t worker, bool up, Instant) override {
    workers.emplace_back(worker, up);
  }
};

struct ConductorSetup {
  std::vector<std::vector<std::string>> depends_on{};  // by step: names s0, s1, …; empty: one step after the other
  std::uint32_t steps = 1;
  std::uint32_t data_workers = 5;
  std::uint32_t data_slots = 8;
  Duration step_timeout = minutes(30);
  Duration heartbeat{};
  ConductorServerOptions server = {};
  Duration rpc_latency{};
  bool hold_at_decision = false;
};

class ConductorProvider final : public RunListener {
 public:
  explicit ConductorProvider(ConductorSetup setup = {})
      : plan_(plans.add(make_plan(setup))),
        server(kernel, random, facts, server_options(setup)),
        workers(server, kernel, random, facts, {}),
        save_metadata_(store),
        emit_event_(store, EventMaker(kernel, random), facts, kernel),
        fetch_plan_(source, plans),
        execute_step_(steps) {
    for (const auto& [name, count, slots, poll] :
         {std::tuple{"tq-control", 10u, 20u, milliseconds(100)},
          std::tuple{"tq-data", setup.data_workers, setup.data_slots, milliseconds(500)}})
      server.queues().add_domain({Symbol::intern(name), count, slots, poll});
    workers.register_activity(names::save_run_metadata, save_metadata_);
    workers.register_activity(names::emit_event, emit_event_);
    workers.register_activity(names::fetch_plan, fetch_plan_);
    workers.register_activity(names::execute_step, execute_step_);
    ConductorOptions options;
    options.rpc_latency = Distribution::constant(setup.rpc_latency);
    options.hold_at_decision = setup.hold_at_decision;
    adapter = std::make_unique<ConductorAdapter>(server, kernel, random, facts, plans, std::move(options));
    adapter->attach(*this);
    for (std::uint32_t i = 0; i < server.queues().worker_count(); ++i) workers.start(i);
  }

  void start(std::uint32_t run = 0) {
    auto identity = std::make_shared<RunIdentity>();
    identity->run = {run};
    identity->run_id = uuid_v4_from(run + 1, 7);
    identity->run_id_text = to_string(identity->run_id);
    identity->tenant_id = "tenant-1";
    adapter->start_run(std::move(identity));
  }
  void signal_at(Duration at, SignalType type, std::uint64_t number) {
    kernel.call_at(Instant{at.ns}, [this, type, number] { adapter->signal({{0}, type, number, {}, {}}); });
  }
  void run_until(Duration at) { kernel.run_until(Instant{at.ns}); }

  /// Types of the stored events, with their step: "StepStarted s0".
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const NewEvent& event : store.events)
      out.push_back(std::string(to_string(event.type)) +
                    (event.step == kNoStep ? "" : " s" + std::to_string(event.step.value)));
    return out;
  }
  std::uint32_t worker(const char* queue, std::uint32_t number) {
    return server.queues().first_worker(*server.queues().find_domain(Symbol::intern(queue))) + number;
  }

  // RunListener
  void run_ended(RunOrdinal, RunOutcome outcome, ErrorClass error_class, std::string_view code) override {
    ended.push_back(std::string(to_string(outcome)) + " " + to_string(error_class) + " " + std::string(code));
    ended_at = kernel.now();
  }
  void signal_applied(std::uint64_t signal, Instant at) override { applied[signal] = at; }
  void signal_lost(std::uint64_t signal, Instant) override { lost.push_back(signal); }

  sim::PhiloxRandom random{7};
  sim::Kernel kernel;
  FactLog facts;
  ListStore store{kernel};
  ScriptedSteps steps{kernel};
  PlanCatalogue plans;
  CatalogueSource source{kernel, plans};

 private:
  static Plan make_plan(const ConductorSetup& setup) {
    Plan plan;
    plan.metadata.plan_id = "plan";
    plan.metadata.plan_version = "1";
    const std::size_t count = setup.depends_on.empty() ? setup.steps : setup.depends_on.size();
    for (std::size_t i = 0; i < count; ++i) {
      Step step{"s" + std::to_string(i), "dbt", {}};
      if (!setup.depends_on.empty()) step.depends_on = setup.depends_on[i];
      plan.steps.push_back(std::move(step));
    }
    return plan;
  }
  static ConductorServerOptions server_options(const ConductorSetup& setup) {
    ConductorServerOptions options = setup.server;
    ActivityOptions control;
    control.task_queue = Symbol::intern("tq-control");
    control.retry.maximum_attempts = 3;
    control.retry.maximum_interval = seconds(60);
    control.retry.non_retryable = {names::permanent_step_error};
    ActivityOptions step = control;
    step.task_queue = Symbol::intern("tq-data");
    step.start_to_close = setup.step_timeout;
    step.heartbeat = setup.heartbeat;
    options.control = std::make_shared<const ActivityOptions>(control);
    options.step_options = [shared = std::make_shared<const ActivityOptions>(step)](PlanOrdinal, StepIndex) {
      return shared;
    };
    return options;
  }

  PlanEntryRef plan_;

 public:
  ConductorServer server;
  ConductorWorkers workers;
  std::unique_ptr<ConductorAdapter> adapter;
  std::vector<std::string> ended;  // "completed none NONE"
  Instant ended_at;
  std::map<std::uint64_t, Instant> applied;
  std::vector<std::uint64_t> lost;

 private:
  SaveRunMetadataActivity save_metadata_;
  EmitEventActivity emit_event_;
  FetchPlanActivity fetch_plan_;
  ExecuteStepActivity execute_step_;
};

}  // namespace dvt::test
