// World: builds everything a scenario speaks of, runs it in virtual time, and hands back plain values. Two worlds in
// one process do not know of each other. `file → Scenario → World → run → WorldResult`; judging is sim/slo's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/telemetry.h"
#include "engine/workflow/context.h"
#include "sim/measure/results.h"
#include "sim/measure/series.h"
#include "sim/record/history_keeper.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/alerts.h"
#include "sim/slo/escalation.h"

namespace dvt::sim {

class DigestSink;

struct WorldResult {
  Measurements measured;
  std::vector<AlertResult> alerts;
  EscalationResult escalation;
  std::vector<InvariantResult> invariants;
  std::uint64_t fingerprint = 0;
  std::uint64_t kernel_events = 0;
  std::uint64_t events_total = 0;  // facts in the fingerprint
  Instant ended_at;
  bool interrupted = false;
  bool aborted = false;  // keep_going said no
  std::vector<std::string> warnings;
};

struct WorldOptions {
  /// Overrides the scenario's backend: "memory", ":memory:" or a file's path. A file must not exist yet.
  std::string store;
  std::optional<CommitMode> commit;
  /// Stop at this instant instead of the scenario's end.
  std::optional<Instant> until;
  /// Further listeners; not owned.
  std::vector<Telemetry*> listeners;
  DigestSink* digest = nullptr;  // not owned; told every fact of the fingerprint (--verify)
  /// Rules in place of those of the scenario's sets and files; they must not look further back.
  std::optional<std::vector<AlertRuleSpec>> alert_rules{};
  /// Questions for metric(…) assertions; answers come back in Measurements::answers, in this order.
  std::vector<SeriesQuery> queries;
  std::function<void(Instant now, Instant end)> progress;
  /// Asked at each point of the sampling grid after warm-up, once that instant is over: false ends the run there. It
  /// sees what is known until now: nothing that is open is judged. Empty: the run goes to its end.
  std::function<bool(WorldResult so_far)> keep_going;
  /// Replays every n-th closed history and compares its commands, besides those that met a crash or continued as new.
  std::uint32_t verify_every = 100;
  /// The plan workflow as it is deployed: gets the interpreter's code and gives what runs in its place, such as a
  /// version with a change that replay must find. Empty: the interpreter.
  std::function<engine::WorkflowFunction(engine::WorkflowFunction interpreter)> deploy;
};

/// Texts of what facts name by ordinal.
struct WorldNames {
  std::vector<std::pair<std::string, std::string>> plans;  // planId and planVersion
  std::vector<std::string> tenants;
};

class World {
 public:
  /// Throws dvt::Error when files that the scenario names cannot be used. `scenario` must outlive the world.
  World(const Scenario& scenario, WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const WorldNames& names() const;
  /// Before run(): `recorder` hears every fact, `samples` every sample, and the store, when it is SQLite, is copied to
  /// `store_copy` after the run. Neither is owned.
  void record(Telemetry& recorder, SampleSink& samples, std::string store_copy);
  /// Before run(): `sink` is told every execution's history when it closes, or at the end. Not owned; nobody is told
  /// and nothing is paid otherwise.
  void record_histories(HistorySink& sink);
  /// Once. Throws DeadlockError, LivelockError.
  WorldResult run();
  /// Any thread or a signal handler: the run ends early, what was measured is kept.
  void request_stop() noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dvt::sim
