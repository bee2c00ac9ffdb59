#include "sim/world/world.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "adapters/conductor/conductor_adapter.h"
#include "adapters/conductor/workers.h"
#include "adapters/mock/mock_adapter.h"
#include "adapters/temporal/temporal_adapter.h"
#include "engine/plan/dataflow_workflow.h"
#include "engine/plan/layers_workflow.h"
#include "engine/ports/telemetry_fan_out.h"
#include "engine/worker/plan_activities.h"
#include "engine/worker/step_activity.h"
#include "engine/workflow/registry.h"
#include "sim/check/fingerprint.h"
#include "sim/check/invariants.h"
#include "sim/fault/store_model.h"
#include "sim/import/plan_source.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"
#include "sim/scenario/fault_kinds.h"
#include "sim/slo/measure_setup.h"
#include "sim/slo/own_objectives.h"
#include "sim/world/arrivals.h"
#include "sim/world/clients.h"
#include "sim/world/operator_actions.h"
#include "sim/world/operators.h"
#include "sim/world/plan_fetcher.h"
#include "sim/world/probes.h"
#include "sim/world/releases.h"
#include "sim/world/retention.h"
#include "sim/world/run_board.h"
#include "sim/world/targets.h"
#include "sim/world/workflow_plans.h"
#include "sim/world/world_config.h"
#include "store/memory/memory_state_store.h"
#include "store/sqlite/sqlite_state_store.h"

namespace dvt::sim {
namespace {

/// What a worker that dies keeps in its spool dies with it.
class SpoolPlumbing final : public Telemetry {
 public:
  engine::EventSpool* spool = nullptr;
  const std::vector<WorkerGroup>* groups = nullptr;  // by queue
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant) override {
    if (!up) spool->worker_lost((*groups)[queue].first + worker);
  }
};

/// Tells the readers of the store that there is something new, at the instant of the commit.
class CommitPlumbing final : public Telemetry {
 public:
  store::OutboxRelays* relays = nullptr;
  store::Projector* projector = nullptr;
  void event_committed(const StoredEvent& event) override {
    relays->event_committed();
    projector->event_committed(event);
  }
  void run_closed(const RunClosed& fact) override { projector->release_run(fact.run); }
};

KernelOptions kernel_options(const Scenario& scenario, const Random& random) {
  KernelOptions options;
  if (scenario.schedule == Schedule::shuffled) options.schedule = TieBreak::shuffled;
  options.random = &random;
  return options;
}

/// Whether a fault, or what a release may do, is like that.
template <class Like>
bool any_fault(const Scenario& scenario, Like like) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), like) ||
         std::any_of(scenario.releases.begin(), scenario.releases.end(),
                     [&](const Release& release) { return release.incident && like(*release.fault()); });
}

bool alters_snapshots(const Scenario& scenario) {
  return any_fault(scenario, [](const Fault& fault) {
    return fault.target.kind == TargetKind::store && fault.kind == FaultKind::corrupt;
  });
}

bool has_disk_faults(const Scenario& scenario) {
  return any_fault(scenario, [](const Fault& fault) { return fault.target.kind == TargetKind::store_disk; });
}

std::unique_ptr<StateStore> make_store(const Scenario& scenario, const WorldOptions& options, std::string& temporary,
                                       std::unique_ptr<store::db::FaultyDisk>& disk) {
  const CommitMode commit = options.commit.value_or(scenario.topology.state_store.commit);
  std::string where = options.store;
  if (where.empty()) {
    switch (scenario.topology.state_store.backend) {
      case StoreBackend::memory:
        where = "memory";
        break;
      case StoreBackend::sqlite_memory:
        where = ":memory:";
        break;
      case StoreBackend::file:
        temporary =
            (std::filesystem::temp_directory_path() / ("dvtsim-" + scenario.metadata.name + "-XXXXXX")).string();
        {
          const int file = mkstemp(temporary.data());
          if (file < 0)
            throw Error("cannot create a temporary file for the store in " +
                        std::filesystem::temp_directory_path().string());
          std::fclose(fdopen(file, "r"));
        }
        where = temporary;
        break;
    }
  }
  if (where == "memory") {
    store::MemoryOptions memory;
    memory.start = scenario.start;
    return std::make_unique<store::MemoryStateStore>(memory);
  }
  store::SqliteOptions sqlite;
  sqlite.path = where;
  sqlite.start = scenario.start;
  sqlite.commit = commit == CommitMode::per_append ? store::Commit::per_append : store::Commit::batched;
  // A temporary file needs no sync of the operating system: only the scenario's own crashes can befall it.
  const bool scratch = where == temporary;
  if (has_disk_faults(scenario) || (scratch && commit == CommitMode::per_append)) {
    using Medium = store::db::FaultyDisk::Medium;
    disk = std::make_unique<store::db::FaultyDisk>(scratch ? Medium::scratch : Medium::kept);
    sqlite.vfs = disk->vfs();
  }
  return std::make_unique<store::SqliteStateStore>(std::move(sqlite));
}

}  // namespace

struct World::Parts {
  Parts(const Scenario& scenario_, WorldOptions options_);
  ~Parts() {
    if (!temporary_store.empty()) {
      disk_faults.reset();  // it listens to the rows
      rows.reset();
      for (const char* suffix : {"", "-wal", "-shm", "-archive", "-archive-wal", "-archive-shm"}) {
        std::error_code ignored;
        std::filesystem::remove(temporary_store + suffix, ignored);
      }
    }
  }
  WorldResult identity() const;
  std::vector<CapacityResult> capacity(Instant now) const;
  WorldResult so_far(Instant now);
  void add_what_the_parts_know(WorldResult& result) const;
  void load_plans();
  void add_probe_plan();
  std::unique_ptr<Measure> make_measure() const;
  void judge_plan(const PlanSpec& spec, const engine::PlanEntry& entry);
  void add_workers();
  void add_temporal_workers(const engine::ActivityOptionsRef& control, const StepOptions& step_options);
  void add_conductor_workers(const engine::ActivityOptionsRef& control, const StepOptions& step_options);
  void register_workflows(const engine::ActivityOptionsRef& control);
  void heartbeat();
  void execution_closed(const engine::Execution& execution);
  WorldResult run();

  const Scenario& scenario;
  WorldOptions options;
  std::vector<std::string> warnings;
  PhiloxRandom random;
  Kernel kernel;
  TelemetryFanOut telemetry;
  std::string temporary_store;
  std::unique_ptr<store::db::FaultyDisk> disk;  // null: the operating system's, which does not fail
  std::unique_ptr<StateStore> rows;
  StoreModel store_model;
  std::unique_ptr<ReadReplica> replica;  // null: none is declared
  WorldNames names;
  bool aborted = false;
  HistorySink* histories = nullptr;
  std::string store_copy;  // where the store's database goes after the run; empty: nowhere
  engine::PlanCatalogue plans;
  std::vector<std::vector<engine::StepNotes>> notes;  // by plan
  std::vector<std::string_view> plan_refusals;        // by plan: why its runs are refused; empty: they are not
  StepOptionsTable step_table;
  std::vector<std::uint32_t> step_limits;  // by plan: steps of a run at once; 0: no bound
  PlanFetcher fetcher;
  adapters::Warehouses warehouses;
  engine::Service service;
  engine::Workers workers;
  std::unique_ptr<adapters::ConductorServer> conductor;  // adapter.kind: conductor
  std::unique_ptr<adapters::ConductorWorkers> conductor_workers;
  WorkerProcesses* processes = &workers;
  std::vector<WorkerGroup> groups;
  engine::EventSpool spool;
  engine::SaveRunMetadataActivity save_metadata;
  engine::EmitEventActivity emit_event;
  engine::FetchPlanActivity fetch_plan;
  engine::ExecuteStepActivity execute_step;
  std::vector<std::unique_ptr<engine::StepActivity>> workflow_activities;
  std::unique_ptr<ProviderAdapter> adapter;
  adapters::ProviderCalls* provider_calls = nullptr;  // the adapter's; null: it makes none
  std::unique_ptr<engine::ApiFront> api;
  store::EventBus bus;
  store::OutboxRelays relays;
  store::Projector projector;
  CommitPlumbing plumbing;
  SpoolPlumbing spool_plumbing;
  RunBoard board;
  std::unique_ptr<RunClients> clients;
  std::unique_ptr<ArrivalStream> arrivals;
  std::unique_ptr<Probes> probes;  // null: none
  std::unique_ptr<OperatorActions> actions;
  OnCall oncall{scenario.topology.oncall, scenario.escalation, scenario.start, random};
  std::unique_ptr<Operators> operators;
  std::vector<AlertTransition> alert_changes;  // at the present point of the grid
  std::unique_ptr<Retention> retention;        // null: the store forgets closed runs by itself
  std::unique_ptr<DiskFaults> disk_faults;
  std::unique_ptr<ReaderFaults> reader_faults;
  std::unique_ptr<ControlFaults> control_faults;
  std::unique_ptr<Targets> targets;
  std::unique_ptr<FaultPlan> faults;
  std::unique_ptr<Measure> measure;
  std::unique_ptr<Releases> releases;  // null: the scenario has none
  std::unique_ptr<AlertEvaluator> alerts;
  std::unique_ptr<OwnObjectives> own_objectives;
  std::unique_ptr<InvariantSuite> invariants;
  Fingerprint fingerprint;
  Instant end;
};

namespace {

engine::ServiceOptions service_options(const Scenario& scenario) {
  engine::ServiceOptions options;
  options.poll_latency = scenario.topology.adapter.rpc_latency.build();
  return options;
}

engine::WorkerOptions worker_options(const Scenario& scenario) {
  return {scenario.topology.adapter.rpc_latency.build(), scenario.topology.interpreter.task_latency.build()};
}

StoreModelOptions store_options(const Scenario& scenario) {
  const StateStoreSpec& spec = scenario.topology.state_store;
  return {spec.write_latency.build(), spec.read_latency.build(), static_cast<std::uint32_t>(spec.connections),
          spec.write_budget};
}

engine::SpoolOptions spool_options(const Scenario& scenario) {
  engine::SpoolOptions options;
  options.fail_open = scenario.topology.state_store.fail_open;
  return options;
}

}  // namespace

World::Parts::Parts(const Scenario& scenario_, WorldOptions options_)
    : scenario(scenario_),
      options(std::move(options_)),
      random(scenario.seed),
      kernel(kernel_options(scenario, random)),
      rows(make_store(scenario, options, temporary_store, disk)),
      store_model(kernel, random, telemetry, *rows, store_options(scenario)),
      fetcher(kernel, random, plans, scenario.topology.adapter.rpc_latency.build()),
      warehouses(kernel, random, telemetry, warehouse_options(scenario)),
      service(kernel, random, telemetry, service_options(scenario)),
      workers(service, kernel, kernel, random, telemetry, worker_options(scenario)),
      spool(store_model.from_workers(), kernel, telemetry, spool_options(scenario)),
      save_metadata(store_model.from_workers()),
      emit_event(store_model.from_workers(), engine::EventMaker(kernel, random), telemetry, kernel, &spool),
      fetch_plan(fetcher, plans),
      execute_step(warehouses),
      bus(kernel, random, telemetry, bus_options(scenario)),
      relays(*rows, bus, kernel, random, telemetry, outbox_options(scenario)),
      projector(*rows, kernel, telemetry, projector_options(scenario)) {
  end = options.until ? std::min(*options.until, Instant{scenario.duration.ns}) : Instant{scenario.duration.ns};
  load_plans();
  add_workers();

  for (std::int64_t i = 0; i < scenario.workload.tenants.count; ++i) {
    names.tenants.push_back("tenant-" + std::to_string(i + 1));
    rows->add_tenant({{static_cast<std::uint32_t>(i)}, names.tenants.back()});
  }
  if (scenario.workload.probe) {
    names.tenants.emplace_back(kProbeName);
    rows->add_tenant({{static_cast<std::uint32_t>(scenario.workload.tenants.count)}, kProbeName});
  }
  if (scenario.topology.adapter.kind == AdapterKind::mock) {
    adapter = std::make_unique<adapters::MockAdapter>(kernel, random, telemetry, store_model, plans);
  } else if (conductor != nullptr) {
    adapters::ConductorOptions options_for_adapter;
    options_for_adapter.rpc_latency = scenario.topology.adapter.rpc_latency.build();
    options_for_adapter.hold_at_decision = scenario.known_faults.fixed(6);
    options_for_adapter.call_gap = interval_or_zero(scenario.topology.adapter.capacity);
    auto made = std::make_unique<adapters::ConductorAdapter>(*conductor, kernel, random, telemetry, plans,
                                                             std::move(options_for_adapter));
    provider_calls = &made->calls();
    adapter = std::move(made);
  } else {
    adapters::TemporalOptions temporal;
    temporal.rpc_latency = scenario.topology.adapter.rpc_latency.build();
    temporal.continue_as_new_after_layers =
        static_cast<std::uint32_t>(scenario.topology.interpreter.continue_as_new_after_layers);
    temporal.cancel_by_signal = scenario.topology.adapter.cancel == CancelBy::signal;
    temporal.hold_queued_steps = scenario.known_faults.fixed(6);
    temporal.control_queue = Symbol::intern("tq-control");
    for (const PlanSpec& spec : scenario.workload.plans) {
      const auto* workflow = std::get_if<WorkflowPlan>(&spec.body);
      temporal.workflows.push_back(workflow == nullptr ? adapters::TemporalOptions::Workflow{}
                                                       : adapters::TemporalOptions::Workflow{
                                                             Symbol::intern(workflow->workflow), workflow_input(spec)});
    }
    if (scenario.workload.probe) temporal.workflows.emplace_back();
    temporal.on_closed = [this](const engine::Execution& execution, engine::CloseStatus) {
      execution_closed(execution);
    };
    temporal.call_gap = interval_or_zero(scenario.topology.adapter.capacity);
    auto made = std::make_unique<adapters::TemporalAdapter>(service, workers, kernel, random, telemetry, plans,
                                                            std::move(temporal));
    provider_calls = &made->calls();
    adapter = std::move(made);
  }
  engine::ApiOptions front = api_options(scenario, plan_refusals);
  store_model.count_load_from(Instant{scenario.warmup.ns});
  relays.count_load_from(Instant{scenario.warmup.ns});
  projector.count_load_from(Instant{scenario.warmup.ns});
  front.projection_lag = [this] { return projector.lag_events(); };
  api = std::make_unique<engine::ApiFront>(kernel, random, telemetry, store_model, *rows, *adapter, plans,
                                           names.tenants, std::move(front));
  clients = std::make_unique<RunClients>(kernel, telemetry, *api, scenario.workload.clients);
  arrivals = std::make_unique<ArrivalStream>(kernel, random, scenario, [this](const ArrivalStream::Arrival& arrival) {
    clients->request(arrival.run, arrival.plan, arrival.tenant);
  });
  const StateStoreSpec& store_spec = scenario.topology.state_store;
  if (!store_spec.replica_lag.is_constant() || store_spec.replica_lag.a > Duration{}) {
    replica = std::make_unique<ReadReplica>(kernel, random, store_spec.replica_lag.build());
    const auto serves = [&](ReplicaRead reader) {
      return std::find(store_spec.replica_reads.begin(), store_spec.replica_reads.end(), reader) !=
             store_spec.replica_reads.end();
    };
    if (serves(ReplicaRead::status)) store_model.set_replica(replica.get());
    if (serves(ReplicaRead::projector)) projector.read_behind(replica.get());
  }
  control_faults = std::make_unique<ControlFaults>(
      kernel, random, scenario, ControlFaults::Parts{*api, provider_calls, *processes, fetcher, emit_event}, groups);
  if (scenario.workload.probe) {
    board.hide_from({engine::kFirstProbeRun});
    const PlanOrdinal plan{static_cast<std::uint32_t>(scenario.workload.plans.size())};
    const TenantOrdinal tenant{static_cast<std::uint32_t>(scenario.workload.tenants.count)};
    probes = std::make_unique<Probes>(kernel, *scenario.workload.probe, end,
                                      [this, plan, tenant](RunOrdinal run) { clients->request(run, plan, tenant); });
  }
  reader_faults = std::make_unique<ReaderFaults>(kernel, random, scenario, projector, relays, bus);
  actions = std::make_unique<OperatorActions>(*api, *adapter, service, step_table, *reader_faults, *control_faults,
                                              store_model);
  operators = std::make_unique<Operators>(kernel, random, scenario, *api, board, *actions, oncall);
  if (auto* archive = dynamic_cast<RunArchive*>(rows.get()))
    retention = std::make_unique<Retention>(kernel, *archive, scenario.topology.state_store.retention, end);
  disk_faults = std::make_unique<DiskFaults>(kernel, random, telemetry, store_model,
                                             dynamic_cast<store::SqliteStateStore*>(rows.get()), disk.get());
  if (alters_snapshots(scenario)) store_model.read_rows(true);
  targets = std::make_unique<Targets>(kernel, random, scenario, *control_faults, warehouses, store_model,
                                      *reader_faults, *disk_faults);
  faults = std::make_unique<FaultPlan>(kernel, random, telemetry, scenario.faults, end, *targets);
  actions->set_faults(faults.get());

  measure = make_measure();
  if (!scenario.releases.empty()) {
    releases = std::make_unique<Releases>(
        kernel, random, telemetry, scenario, end, *targets,
        [this](Instant now) -> const std::vector<std::uint8_t>& { return measure->minutes_until(now); });
  }
  for (const SeriesQuery& query : options.queries) measure->series().add_query(query);
  own_objectives = std::make_unique<OwnObjectives>(scenario.objectives.added, Instant{scenario.warmup.ns});
  alerts = std::make_unique<AlertEvaluator>(options.alert_rules ? *options.alert_rules : alert_rules(scenario),
                                            Instant{scenario.warmup.ns}, scenario.start);
  InvariantConfig checked;
  // Only what the model really mends; under `knownFaults: fixed` the others are still the production design's.
  for (const KnownFaultInfo& fault : known_faults())
    checked.known_faults_fixed.at(static_cast<std::size_t>(fault.number)) =
        fault.fix_modelled && scenario.known_faults.fixed(fault.number);
  checked.start = scenario.start;
  checked.subscriptions = bus.subscriptions();
  const store::BackoffRange backoff = store::backoff_range(outbox_options(scenario).backoff);
  checked.outbox_backoff_max = backoff.longest;
  checked.runs_in_flight_max = static_cast<std::uint64_t>(scenario.topology.api.admission.max_in_flight);
  checked.signals_per_run = static_cast<std::uint32_t>(scenario.topology.signals.max_per_run_per_minute);
  for (const auto& [name, reason] : scenario.invariants.except) checked.except.push_back(name);
  invariants = std::make_unique<InvariantSuite>(checked);

  fingerprint.set_sink(options.digest);
  // Passive listeners first: when an active one reacts to a fact, everybody has heard of it.
  telemetry.add(fingerprint);
  telemetry.add(*measure);
  telemetry.add(*invariants);
  for (Telemetry* listener : options.listeners) telemetry.add(*listener);
  plumbing.relays = &relays;
  plumbing.projector = &projector;
  spool_plumbing.spool = &spool;
  spool_plumbing.groups = &groups;
}

// The probes' plan is the catalogue's last one and is not measured among the others.
std::unique_ptr<Measure> World::Parts::make_measure() const {
  std::vector<PlanToMeasure> measured;
  for (std::size_t i = 0; i < scenario.workload.plans.size(); ++i) {
    const engine::Plan& plan = plans.entries()[i]->plan;
    PlanToMeasure one{plan.metadata.plan_id, plan.metadata.plan_version, {}};
    for (std::size_t step = 0; step < plan.steps.size(); ++step)
      one.steps.push_back({plan.steps[step].step_id, plan.steps[step].kind,
                           std::string(to_string(notes[i][step].size.value_or(engine::StepSize::small)))});
    measured.push_back(std::move(one));
  }
  MeasureConfig config = measure_config(scenario, measured);
  config.tenants = names.tenants;
  if (scenario.workload.probe) {
    config.tenants.pop_back();
    config.first_probe = {engine::kFirstProbeRun};
    config.probe_route = engine::kProbeRoute;
  }
  return std::make_unique<Measure>(std::move(config));
}

void World::Parts::add_probe_plan() {
  const engine::PlanEntryRef entry = plans.add(probe_plan());
  warehouses.add_plan({});
  notes.emplace_back();
  step_limits.push_back(0);
  plan_refusals.emplace_back();
  names.plans.emplace_back(entry->plan.metadata.plan_id, entry->plan.metadata.plan_version);
  rows->add_plan({entry->ordinal, entry->plan.metadata.plan_id, entry->plan.metadata.plan_version, {}});
}

void World::Parts::load_plans() {
  for (const PlanSpec& spec : scenario.workload.plans) {
    auto loaded = std::holds_alternative<WorkflowPlan>(spec.body)
                      ? Result<LoadedPlan, std::vector<std::string>>(LoadedPlan{plan_of_workflow(spec), {}})
                      : load_plan(spec);
    if (!loaded.has_value()) {
      std::string text;
      for (const std::string& error : loaded.error())
        text += (text.empty() ? "" : "\n") + scenario.location(spec.source) + ": plan '" + spec.name + "': " + error;
      throw Error(text);
    }
    for (const std::string& warning : loaded.value().warnings)
      warnings.push_back("plan '" + spec.name + "': " + warning);
    engine::AnnotatedPlan& annotated = loaded.value().annotated;
    std::vector<adapters::StepProfile> profiles;
    for (std::size_t i = 0; i < annotated.plan.steps.size(); ++i)
      profiles.push_back(step_profile(scenario, annotated.plan.steps[i], annotated.notes[i]));
    warehouses.add_plan(std::move(profiles));
    notes.push_back(std::move(annotated.notes));
    step_limits.push_back(annotated.concurrency.value_or(0));
    const engine::PlanEntryRef entry =
        spec.unchecked ? plans.add_unchecked(std::move(annotated.plan)) : plans.add(std::move(annotated.plan));
    names.plans.emplace_back(entry->plan.metadata.plan_id, entry->plan.metadata.plan_version);
    judge_plan(spec, *entry);
    PlanRecord record{entry->ordinal, entry->plan.metadata.plan_id, entry->plan.metadata.plan_version, {}};
    for (const engine::Step& step : entry->plan.steps) record.step_ids.push_back(step.step_id);
    rows->add_plan(record);
  }
  if (scenario.workload.probe) add_probe_plan();
}

// A plan for another adapter, or one that asks for what nobody has, is the scenario's mistake; runs of one whose
// capabilities the adapter lacks are refused at their request (domain §10).
void World::Parts::judge_plan(const PlanSpec& spec, const engine::PlanEntry& entry) {
  const engine::PlanVerdict verdict =
      engine::judge_plan(entry.plan, entry.bytes.size(), target_of(scenario.topology.adapter.kind));
  const std::vector<std::string> report = verdict.report();
  if (!verdict.target_matches() || !verdict.unknown_capabilities.empty())
    throw Error(scenario.location(spec.source) + ": plan '" + spec.name + "': " + report.front());
  // What the scenario says itself was told when it was read.
  const bool told = !std::holds_alternative<PlanFile>(spec.body) && verdict.tasks_fit();
  for (const std::string& line : report)
    if (!told) warnings.push_back("plan '" + spec.name + "': " + line);
  plan_refusals.push_back(verdict.code());
}

void World::Parts::add_workers() {
  // Options by plan and step, made once: workflow code on every worker answers from this table.
  for (const engine::PlanEntryRef& plan : plans.entries()) {
    std::vector<StepOptionsTable::Entry> steps;
    for (std::size_t i = 0; i < plan->plan.steps.size(); ++i) {
      const engine::StepNotes& of_step = notes[plan->ordinal.value][i];
      steps.push_back({plan->plan.steps[i].kind, to_string(of_step.size.value_or(engine::StepSize::small)),
                       step_options(scenario, plan->plan.steps[i], of_step)});
    }
    step_table.add_plan(std::move(steps));
  }
  const StepOptions options_of_step = [this](PlanOrdinal plan, StepIndex step) { return step_table.at(plan, step); };
  const engine::ActivityOptionsRef control = control_options(scenario);
  if (scenario.topology.adapter.kind == AdapterKind::conductor) {
    add_conductor_workers(control, options_of_step);
  } else {
    add_temporal_workers(control, options_of_step);
  }
}

namespace {

WorkerGroup worker_group(const TaskQueueSpec& spec, std::uint32_t first) {
  WorkerGroup group;
  group.queue = spec.name;
  group.first = first;
  group.count = static_cast<std::uint32_t>(spec.workers);
  group.zones = static_cast<std::uint32_t>(spec.zones);
  group.restart_delay = spec.restart_delay.build();
  return group;
}

}  // namespace

void World::Parts::add_conductor_workers(const engine::ActivityOptionsRef& control, const StepOptions& step_options) {
  conductor = std::make_unique<adapters::ConductorServer>(kernel, random, telemetry,
                                                          conductor_options(scenario, control, step_options));
  for (const TaskQueueSpec& spec : scenario.topology.task_queues) {
    const std::uint32_t domain = conductor->queues().add_domain(
        {Symbol::intern(spec.name), static_cast<std::uint32_t>(spec.workers), static_cast<std::uint32_t>(spec.slots),
         scenario.topology.poll_interval_of(spec)});
    groups.push_back(worker_group(spec, conductor->queues().first_worker(domain)));
  }
  conductor_workers = std::make_unique<adapters::ConductorWorkers>(*conductor, kernel, random, telemetry,
                                                                   scenario.topology.adapter.rpc_latency.build());
  conductor_workers->register_activity(engine::names::save_run_metadata, save_metadata);
  conductor_workers->register_activity(engine::names::emit_event, emit_event);
  conductor_workers->register_activity(engine::names::fetch_plan, fetch_plan);
  conductor_workers->register_activity(engine::names::execute_step, execute_step);
  processes = conductor_workers.get();
}

void World::Parts::add_temporal_workers(const engine::ActivityOptionsRef& control, const StepOptions& step_options) {
  for (const TaskQueueSpec& spec : scenario.topology.task_queues) {
    const std::uint32_t queue = service.matching().add_queue(Symbol::intern(spec.name));
    const engine::WorkerLimits limits{static_cast<std::uint32_t>(spec.slots), static_cast<std::uint32_t>(spec.pollers)};
    groups.push_back(worker_group(spec, workers.add_workers(queue, static_cast<std::uint32_t>(spec.workers), limits,
                                                            static_cast<std::uint32_t>(spec.sticky_cache))));
  }
  engine::InterpreterOptions interpreter = interpreter_options(scenario);
  interpreter.control = control;
  interpreter.step_options = step_options;
  interpreter.step_limit = [limits = step_limits](PlanOrdinal plan) { return limits[plan.value]; };
  register_workflows(control);
  engine::WorkflowFunction plan_workflow = scenario.topology.interpreter.kind == InterpreterKind::dataflow
                                               ? engine::dataflow_workflow(std::move(interpreter))
                                               : engine::layers_workflow(std::move(interpreter));
  if (options.deploy) plan_workflow = options.deploy(std::move(plan_workflow));
  workers.register_workflow(engine::names::run_plan_workflow, std::move(plan_workflow));
  workers.register_activity(engine::names::save_run_metadata, save_metadata);
  workers.register_activity(engine::names::emit_event, emit_event);
  workers.register_activity(engine::names::fetch_plan, fetch_plan);
  workers.register_activity(engine::names::execute_step, execute_step);
}

// Every workflow that a plan names, once, and its activities.
void World::Parts::register_workflows(const engine::ActivityOptionsRef& control) {
  std::set<std::string_view> known_workflows, known_activities;
  const engine::ActivityOptionsRef for_activities =
      step_options(scenario, engine::Step{"", "custom", std::nullopt}, engine::StepNotes{});
  for (const PlanSpec& spec : scenario.workload.plans) {
    const auto* body = std::get_if<WorkflowPlan>(&spec.body);
    const engine::RegisteredWorkflow* workflow = body == nullptr ? nullptr : engine::find_workflow(body->workflow);
    if (workflow == nullptr || !known_workflows.insert(workflow->name).second) continue;
    workers.register_workflow(Symbol::intern(workflow->name),
                              engine::registered_run(*workflow, for_activities, control));
    for (const auto& [type, function] : workflow->children) {
      workers.register_workflow(Symbol::intern(type),
                                [function, for_activities](engine::WorkflowContext& ctx, const engine::Payload& input) {
                                  return function(ctx, for_activities, input);
                                });
    }
    for (const std::string_view activity : workflow->activities) {
      if (!known_activities.insert(activity).second) continue;
      workflow_activities.push_back(std::make_unique<engine::StepActivity>(warehouses, plans, std::string(activity)));
      workers.register_activity(Symbol::intern(activity), *workflow_activities.back());
    }
  }
}

namespace {

ExecutionName name_of(const engine::ExecutionKey& key) {
  return {key.run, key.child, key.chain};
}

}  // namespace

// "Replay gives the same commands": continued and crashed executions, and every n-th (design §8).
void World::Parts::execution_closed(const engine::Execution& execution) {
  if (histories != nullptr && execution.key.run.value < engine::kFirstProbeRun)
    histories->execution_closed(name_of(execution.key), execution.history);
  const bool sampled = options.verify_every > 0 && execution.key.run.value % options.verify_every == 0;
  if (!sampled && execution.key.chain == 0 && !execution.rebuilt) return;
  const auto mismatch = workers.verify(execution.key, execution.history);
  invariants->replay_checked(execution.key.run, mismatch ? mismatch->text() : std::string(), kernel.now());
  invariants->history_closed(execution.key.run, execution.history, kernel.now());
}

void World::Parts::heartbeat() {
  if (!control_faults->heartbeat_lost()) telemetry.adapter_heartbeat(kernel.now());
  kernel.call_after(scenario.topology.adapter.heartbeat_interval, [this] { heartbeat(); });
}

WorldResult World::Parts::identity() const {
  WorldResult result;
  result.fingerprint = fingerprint.value();
  result.events_total = fingerprint.facts();
  result.kernel_events = kernel.events_total();
  return result;
}

std::vector<CapacityResult> World::Parts::capacity(Instant now) const {
  return {{"store", store_model.load(now)}, {"projector", projector.load(now)}, {"outbox", relays.load(now)}};
}

WorldResult World::Parts::so_far(Instant now) {
  WorldResult result = identity();
  result.ended_at = now;
  result.measured = measure->so_far(now);
  add_what_the_parts_know(result);
  result.invariants = invariants->so_far();
  return result;
}

// What no fact tells, and what is judged from the measurements: the same on the way, for abortOnFail, and at the end.
void World::Parts::add_what_the_parts_know(WorldResult& result) const {
  Measurements& measured = result.measured;
  const Instant now = result.ended_at;
  measured.own = own_objectives->results();
  if (releases) measured.releases = releases->summary(now);
  measured.capacity = capacity(now);
  if (const auto* archive = dynamic_cast<const RunArchive*>(rows.get())) {
    measured.counts["archived_runs"] = archive->archived().runs;
    measured.counts["archived_events"] = archive->archived().events;
  }
  for (const auto& [name, times] : operators->begun()) measured.counts["operation." + name] = times;
  result.alerts = alerts->results(measured.faults, impacts(measured), now);
  result.escalation = oncall.follow(result.alerts, now);
}

WorldResult World::Parts::run() {
  telemetry.add(plumbing);
  telemetry.add(spool_plumbing);
  telemetry.add(board);
  if (retention) telemetry.add(*retention);
  for (const WorkerGroup& group : groups)
    for (std::uint32_t i = group.first; i < group.first + group.count; ++i) processes->start(i);
  relays.start();
  projector.start();
  disk_faults->watch_space(static_cast<std::int64_t>(scenario.topology.state_store.disk_size.count));
  heartbeat();
  faults->start();
  if (releases) releases->start();
  if (retention) retention->start();
  arrivals->start();
  if (probes) probes->start();
  operators->start();
  kernel.add_sample_grid(Instant{0}, scenario.sample_interval, [this](Instant at) {
    measure->sample(at);
    own_objectives->step(measure->series(), at);
    const std::span<const AlertTransition> changes = alerts->step(measure->series(), at);
    if (!changes.empty() && scenario.alerts.act_on_run && at.ns >= scenario.warmup.ns && operators->wait_for_alerts()) {
      alert_changes.assign(changes.begin(), changes.end());
      kernel.call_after_observers([this, at] {
        for (const AlertTransition& change : alert_changes) operators->alert_changed(change, at);
      });
    }
    if (options.keep_going && at.ns >= scenario.warmup.ns && !aborted && !options.keep_going(so_far(at))) {
      aborted = true;
      kernel.stop_at_instant_end();
    }
  });
  if (options.progress) kernel.set_progress_hook(200'000, [this] { options.progress(kernel.now(), end); });

  const RunStatus status = kernel.run_until(end);
  WorldResult result = identity();
  result.aborted = aborted;
  result.interrupted = status == RunStatus::stopped && !aborted;
  result.ended_at = kernel.now();
  if (result.ended_at.ns % scenario.sample_interval.ns != 0) {
    measure->sample(result.ended_at);
    own_objectives->step(measure->series(), result.ended_at);
  }
  result.measured = measure->finish(result.ended_at);
  add_what_the_parts_know(result);
  for (const FaultSummary& fault : result.measured.faults)
    if (fault.count == 0) warnings.push_back("fault '" + fault.name + "' never struck");
  try {
    rows->flush();
    result.measured.store.bytes = rows->bytes();
  } catch (const StoreFailure& failure) {  // a disk fault that lasts to the end; the run's facts stand all the same
    warnings.push_back(std::string("the store could not be written at the end: ") + failure.what());
  }
  const bool delivered = rows->counts().outbox_pending == 0 && bus.open_deliveries() == 0;
  result.invariants = invariants->finish(
      EndOfRun{result.ended_at, projector.lag_events(), delivered, rows->counts().events, spool.pending()});
  result.warnings = warnings;
  if (histories != nullptr) {
    for (const engine::ExecutionKey& key : service.open_keys())
      if (key.run.value < engine::kFirstProbeRun)
        histories->execution_open_at_end(name_of(key), service.execution_of(key.stream())->history, result.ended_at);
  }
  if (!store_copy.empty()) {
    auto* sqlite = dynamic_cast<store::SqliteStateStore*>(rows.get());
    try {
      if (sqlite != nullptr) sqlite->backup_to(store_copy);
    } catch (const StoreFailure& failure) {
      result.warnings.push_back(std::string("the store could not be copied: ") + failure.what());
    }
  }
  return result;
}

World::World(const Scenario& scenario, WorldOptions options)
    : parts_(std::make_unique<Parts>(scenario, std::move(options))) {}
World::~World() = default;
const WorldNames& World::names() const {
  return parts_->names;
}
void World::record(Telemetry& recorder, SampleSink& samples, std::string store_copy) {
  parts_->telemetry.add(recorder);
  parts_->measure->series().set_sink(&samples);
  parts_->store_copy = std::move(store_copy);
}
void World::record_histories(HistorySink& sink) {
  parts_->telemetry.add(sink);
  parts_->histories = &sink;
}
WorldResult World::run() {
  return parts_->run();
}
void World::request_stop() noexcept {
  parts_->kernel.request_stop();
}

}  // namespace dvt::sim
