// The `mock` adapter: a provider without a workflow engine. A run's events are written one after the other, each when
// the store acknowledged the one before; steps take no time. For tests of everything around the engine. A signal is
// applied at once: PAUSE stops after the event under way, RESUME goes on, CANCEL ends the run with RunCancelled. So
// does EMERGENCY_STOP; with forceKill the run ends as terminated and writes nothing.
#pragma once

#include <memory>
#include <unordered_map>

#include "engine/ports/provider_adapter.h"
#include "engine/worker/plan_activities.h"

namespace dvt::adapters {

class MockAdapter final : public ProviderAdapter {
 public:
  MockAdapter(Timers& timers, const Random& random, Telemetry& telemetry, StoreClient& store,
              const engine::PlanCatalogue& plans)
      : timers_(timers), telemetry_(telemetry), store_(store), plans_(plans), maker_(timers, random) {}

  const char* name() const override { return "mock"; }
  void attach(RunListener& listener) override { listener_ = &listener; }
  void start_run(RunIdentityRef run) override;
  void signal(const ProviderSignal& signal) override;
  std::size_t open_runs() const override { return runs_.size(); }
  bool is_open(RunOrdinal run) const override { return runs_.contains(run.value); }

 private:
  struct Todo {
    EventType type = EventType::run_started;
    StepIndex step = kNoStep;
  };
  struct Run {
    RunIdentityRef identity;
    std::vector<Todo> todo;  // in order
    std::size_t next = 0;
    std::uint32_t written = 0;
    Todo last;  // the event that is written, or was
    std::uint32_t last_attempt = 1;
    std::uint32_t tries = 0;  // of that event
    bool unsettled = false;   // whether it is stored is not known
    std::uint32_t pauses = 0;
    bool paused = false;
    bool paused_told = false;
    bool cancelled = false;
    bool killed = false;
    bool writing = false;
  };

  void go_on(RunOrdinal run);
  void write(Run& run, EventType type, StepIndex step, std::uint32_t logical_attempt);
  void put(Run& run);

  Timers& timers_;
  Telemetry& telemetry_;
  StoreClient& store_;
  const engine::PlanCatalogue& plans_;
  engine::EventMaker maker_;
  RunListener* listener_ = nullptr;
  std::unordered_map<std::uint32_t, std::unique_ptr<Run>> runs_;  // looked up only
};

}  // namespace dvt::adapters
