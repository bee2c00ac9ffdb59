// The rows of `topology` and `warehouses`.
#include "sim/scenario/keys.h"

namespace dvt::sim {

bool EntryName<ActivityOptionsEntry>::set(Reading& reading, Mark mark, ActivityOptionsEntry& entry,
                                          std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool sized = slash != std::string_view::npos;
  if (!is_name(text.substr(0, slash)) || (sized && !is_size(std::string(text.substr(slash + 1))))) {
    reading.error(mark, "expected default, a step kind, or kind/size such as spark/large");
    return false;
  }
  entry.name = text;
  return true;
}

template <>
const ObjectTable& table<AdapterSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<AdapterSpec> t("the adapter");
    t.field("kind", &AdapterSpec::kind,
            "The provider: temporal (native pause), conductor (polling, draining pause), mock (instant).")
        .example("temporal");
    t.field("cancel", &AdapterSpec::cancel,
            "temporal: a CANCEL is the provider's own request (native), or the workflow signal `cancel`, which the "
            "interpreter meets between layers (known faults 2 and 3).")
        .example("signal");
    t.field("heartbeatInterval", &AdapterSpec::heartbeat_interval, "Gap between the adapter's heartbeats.")
        .example("10s")
        .above(Duration{});
    t.field("capacity", &AdapterSpec::capacity,
            "The control plane's calls to the provider (starts, signals); more wait. 0/s: no limit.")
        .example("100/s");
    t.field("rpcLatency", &AdapterSpec::rpc_latency, "A worker's poll round trip, its response, and a plan's fetch.")
        .example("{lognormal: {p50: 5ms, p99: 30ms}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<InterpreterSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<InterpreterSpec> t("the plan interpreter");
    t.field("kind", &InterpreterSpec::kind,
            "layers: production's, layer by layer; dataflow: a step starts when its own dependencies are done.")
        .example("layers");
    t.field("continueAsNewAfterLayers", &InterpreterSpec::continue_as_new_after_layers,
            "Continue as new after so many layers; 0: never.")
        .example("50")
        .range(0, 1'000'000);
    t.field("onStepFailure", &InterpreterSpec::on_step_failure,
            "fail: a failed step ends the run; hold: wait for RETRY_STEP, SKIP_STEP or CANCEL.")
        .example("fail");
    t.field("taskLatency", &InterpreterSpec::task_latency, "Execution time of one workflow task.")
        .example("{lognormal: {p50: 2ms, p99: 15ms}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ActivityOptionsEntry>() {
  using E = ActivityOptionsEntry;
  static const ObjectTable made = [] {
    TableBuilder<E> t("activity options; what is left out comes from the less specific entry");
    t.field("startToClose", &E::start_to_close, "Limit of one attempt's run time; 0s: none.")
        .example("2h")
        .default_text("30m");
    t.field("scheduleToStart", &E::schedule_to_start, "Limit of the wait in the task queue; 0s: none.")
        .example("5m")
        .default_text("0s");
    t.field("scheduleToClose", &E::schedule_to_close, "Limit over all attempts; 0s: none.")
        .example("6h")
        .default_text("0s");
    t.field("heartbeat", &E::heartbeat, "Longest gap between heartbeats; 0s: no heartbeats.")
        .example("20s")
        .default_text("0s");
    t.field("maxAttempts", &E::max_attempts, "Attempts in all; 0: no limit.")
        .example("3")
        .default_text("3")
        .range(0, 1'000'000);
    t.field("initialInterval", &E::initial_interval, "Pause before the second attempt.")
        .example("1s")
        .default_text("1s");
    t.field("coefficient", &E::coefficient, "Factor from pause to pause.")
        .example("2")
        .default_text("2")
        .range(1, 1000);
    t.field("maxInterval", &E::max_interval, "Longest pause.").example("60s").default_text("1m");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<TaskQueueSpec>() {
  using Q = TaskQueueSpec;
  static const ObjectTable made = [] {
    TableBuilder<Q> t("a task queue and its workers");
    t.field("workers", &Q::workers, "Worker processes.")
        .example("10")
        .default_note("tq-data 10; with the Conductor adapter tq-control 10, tq-data 5, tq-isolation-TENANT 2")
        .range(1, 10'000);
    t.field("slots", &Q::slots, "Places per worker, for activities and for workflow tasks apart.")
        .example("8")
        .default_note("tq-data 8")
        .range(1, 100'000);
    t.field("pollers", &Q::pollers, "Pollers per worker.").example("5").range(1, 1'000);
    t.field("zones", &Q::zones, "Zones over which the workers spread, for faults with group: zone.")
        .example("2")
        .range(1, 1'000);
    t.field("restartDelay", &Q::restart_delay, "From a worker's death to its return.")
        .example("{lognormal: {p50: 20s, p99: 90s}}");
    t.field("stickyCache", &Q::sticky_cache, "Workflows a worker keeps in memory; 0: none, each task replays.")
        .example("1000")
        .range(0, 100'000'000);
    t.field("rateLimit", &Q::rate_limit, "Tasks handed out at most; 0/s: no limit.").example("0/s").not_yet();
    t.field(
         "pollInterval", &Q::poll_interval,
         "Gap between a Conductor worker's polls; 0s: topology.conductor.pollInterval for tq-control, five times that "
         "for tq-data, twice for tq-isolation-TENANT. Temporal's workers poll all the time.")
        .example("500ms")
        .default_note("Conductor: tq-control 100ms, tq-data 500ms, tq-isolation-TENANT 200ms");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ConductorSpec>() {
  using C = ConductorSpec;
  static const ObjectTable made = [] {
    TableBuilder<C> t("the Conductor adapter");
    t.field("drainTimeout", &C::drain_timeout, "After this a draining pause is forced, with an alert.")
        .example("5m")
        .above(Duration{});
    t.field("orphanPolicy", &C::orphan_policy,
            "Completions after a forced pause: accept and apply, or reject and audit.")
        .example("accept");
    t.field(
         "pollInterval", &C::poll_interval,
         "Gap between the polls of a tq-control worker; tq-data's is five times as long, tq-isolation-TENANT's twice.")
        .example("100ms")
        .above(Duration{});
    t.field("taskTimeout", &C::task_timeout,
            "A task that runs longer is timed out (known fault 9; fixed: a step's own startToClose).")
        .example("30s")
        .above(Duration{});
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<PauseSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<PauseSpec> t("what PAUSE does");
    t.field("cancelRunning", &PauseSpec::cancel_running,
            "Cancel running activities cooperatively instead of draining them.")
        .example("true")
        .not_yet();
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<AdmissionSpec>() {
  using A = AdmissionSpec;
  static const ObjectTable made = [] {
    TableBuilder<A> t("admission of run requests");
    t.field("policy", &A::policy, "Answer to overload: reject (429), queue (PENDING, started later), delay.")
        .example("queue");
    t.field("maxInFlight", &A::max_in_flight, "Runs in flight before the policy acts; 0: no limit.")
        .example("5000")
        .range(0, 100'000'000);
    t.field("quotaPerTenant", &A::quota_per_tenant, "Requests per tenant before 429; 0/s: no quota.").example("10/s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ApiSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<ApiSpec> t("the API");
    t.field("latency", &ApiSpec::latency, "Handling time of a request.")
        .example("{lognormal: {p50: 40ms, p99: 220ms}}");
    t.field("capacity", &ApiSpec::capacity, "Requests it handles; more wait.").example("200/s").above(Rate{});
    t.field("admission", &ApiSpec::admission, "Overload protection.").example("{policy: queue, maxInFlight: 5000}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<StateStoreSpec>() {
  using S = StateStoreSpec;
  static const ObjectTable made = [] {
    TableBuilder<S> t("the StateStore");
    t.field("writeLatency", &S::write_latency, "Append issued to acknowledged.")
        .example("{lognormal: {p50: 2ms, p99: 8ms}}");
    t.field("readLatency", &S::read_latency, "A read.").example("1ms");
    t.field("connections", &S::connections, "Connection pool; more calls wait.").example("50").range(1, 100'000);
    t.field("writeBudget", &S::write_budget,
            "From a request's call to its end: past it a request in line fails pool_exhausted, a write fails timeout; "
            "then its event fails open, or its activity fails.")
        .example("3s")
        .above(Duration{});
    t.field("failOpen", &S::fail_open,
            "Events that fail open past the write budget: spooled on the worker and written later. StepStarted, or "
            "none.")
        .example("[StepStarted]")
        .replaces();
    t.field("backend", &S::backend,
            "':memory:' and file are SQLite; memory is a plain C++ store. --store overrides it.")
        .example("':memory:'");
    t.field("commit", &S::commit,
            "batched: about 10,000 rows a physical commit; per-append: acknowledged after the physical COMMIT.")
        .example("per-append");
    t.field("replicaLag", &S::replica_lag,
            "Reads that need not be the newest go to a read replica, which is behind by this, drawn for each read. 0s: "
            "there is none, and they go to the primary like everything else.")
        .example("{lognormal: {p50: 100ms, p99: 3s}}");
    t.field("replicaReads", &S::replica_reads,
            "What the replica serves: status requests, the projector's polls. Writes, leases, watermarks, resyncs and "
            "look-ups of idempotency keys are always the primary's.")
        .example("[status]")
        .replaces();
    t.field("diskSize", &S::disk_size,
            "Space on the virtual disk (backend: file, commit: per-append); a file that reaches it meets a full disk. "
            "0B: no bound.")
        .example("10GiB");
    t.field("retention", &S::retention,
            "Age at which closed runs leave the store for its archive, in a sweep every 24 h. The memory store forgets "
            "closed runs by itself and archives none.")
        .example("90d")
        .above(Duration{});
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<ProjectorSpec>() {
  using P = ProjectorSpec;
  static const ObjectTable made = [] {
    TableBuilder<P> t("the projector");
    t.field("replicas", &P::replicas, "Replicas; runs are partitioned over them.").example("3").range(1, 1'000);
    t.field("throughput", &P::throughput, "Events a replica applies.").example("60/s").above(Rate{});
    t.field("pollInterval", &P::poll_interval, "Gap between polls when a batch was not full.")
        .example("100ms")
        .above(Duration{});
    t.field("batch", &P::batch, "Events in a batch at most.").example("10").range(1, 100'000);
    t.field("flush", &P::flush, "A batch that is not full is applied after this.").example("200ms").above(Duration{});
    t.field("takeover", &P::takeover, "After this another replica takes over a dead one's runs.")
        .example("10s")
        .above(Duration{});
    t.field("backpressureAt", &P::backpressure_at, "Events behind at which new runs are delayed at admission.")
        .example("100")
        .range(1, 1'000'000'000);
    t.field("restartDelay", &P::restart_delay, "A replica that died, or was restarted, is back after this.")
        .example("{lognormal: {p50: 20s, p99: 90s}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<BackoffSpec>() {
  using B = BackoffSpec;
  static const ObjectTable made = [] {
    TableBuilder<B> t("{initial, factor, max, jitter}");
    t.field("initial", &B::initial, "Pause after the first failure.").example("1s").above(Duration{});
    t.field("factor", &B::factor, "Factor from pause to pause.").example("2").range(1, 1000);
    t.field("max", &B::max, "Longest pause.").example("30s").above(Duration{});
    t.field("jitter", &B::jitter, "Each pause is this much longer or shorter at most.").example("20%");
    t.finish([](Reading& reading, const Node& node, B& backoff) {
      if (backoff.max < backoff.initial) reading.error(node.mark, "max is less than initial");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<OutboxSpec>() {
  using O = OutboxSpec;
  static const ObjectTable made = [] {
    TableBuilder<O> t("the outbox relay");
    t.field("relays", &O::relays, "Relays; a row has one live lease.").example("2").range(1, 1'000);
    t.field("pollInterval", &O::poll_interval, "Gap between polls.").example("250ms").above(Duration{});
    t.field("batch", &O::batch, "Rows taken at most.").example("100").range(1, 100'000);
    t.field("lease", &O::lease, "How long a relay owns the rows it took.").example("30s").above(Duration{});
    t.field("backoff", &O::backoff, "Pauses between attempts at a row.")
        .example("{initial: 1s, factor: 2, max: 30s, jitter: 20%}");
    t.field("maxAttempts", &O::max_attempts, "After so many the row goes to the dead letter queue.")
        .example("10")
        .range(1, 1'000'000);
    t.field("restartDelay", &O::restart_delay, "A relay that died, or was restarted, is back after this.")
        .example("{lognormal: {p50: 20s, p99: 90s}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<SubscriptionSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<SubscriptionSpec> t("a subscription {latency}");
    t.field("latency", &SubscriptionSpec::latency, "Published to acknowledged.")
        .example("{lognormal: {p50: 20ms, p99: 200ms}}")
        .default_note("ui {lognormal: {p50: 20ms, p99: 200ms}}, webhooks {lognormal: {p50: 200ms, p99: 4s}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<BusSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<BusSpec> t("the EventBus");
    t.field("subscriptions", &BusSpec::subscriptions,
            "Who hears of every event. ui, audit and webhooks exist; others are added.")
        .example("{ui: {latency: 50ms}}");
    t.field("publishLatency", &BusSpec::publish_latency,
            "From a relay's publication to its acknowledgement; a relay that dies in between publishes again.")
        .example("20ms");
    t.field("ackTimeout", &BusSpec::ack_timeout,
            "A publication or a delivery that nobody answered counts as failed after this.")
        .example("5s")
        .above(Duration{});
    t.field("throughput", &BusSpec::throughput, "Messages that a subscription takes at most; 0/s: no limit.")
        .example("500/s");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<SignalsSpec>() {
  using S = SignalsSpec;
  static const ObjectTable made = [] {
    TableBuilder<S> t("the signal processors");
    t.field("processors", &S::processors, "Processors.").example("2").range(1, 1'000);
    t.field("throughput", &S::throughput, "Signals handled by all of them.").example("200/s").above(Rate{});
    t.field("maxPerRunPerMinute", &S::max_per_run_per_minute,
            "Signals of one run in a minute; more are rejected or deferred.")
        .example("60")
        .range(1, 1'000'000);
    t.field("maxBytes", &S::max_bytes, "Largest signal.").example("64KiB").above(Bytes{});
    t.field("restartDelay", &S::restart_delay, "Processors that died, or were restarted, are back after this.")
        .example("{lognormal: {p50: 20s, p99: 90s}}");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<OncallSpec>() {
  static const ObjectTable made = [] {
    TableBuilder<OncallSpec> t("the people on call");
    t.field("acknowledge", &OncallSpec::acknowledge, "From a page to its acknowledgement.")
        .example("{lognormal: {p50: 4m, p99: 20m}}");
    t.field("hours", &OncallSpec::hours, "When they answer.").example("business");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Topology>() {
  static const ObjectTable made = [] {
    TableBuilder<Topology> t("the control plane");
    t.field("adapter", &Topology::adapter, "The provider behind the engine contract.").example("{kind: temporal}");
    t.field("interpreter", &Topology::interpreter, "How a plan becomes activities.").example("{kind: layers}");
    t.field("activityOptions", &Topology::activity_options,
            "Timeouts and retries: default, by step kind, or by kind/size.")
        .example("{spark: {startToClose: 2h}}");
    t.field("taskQueues", &Topology::task_queues, "tq-control and tq-data: workers, slots, zones.")
        .example("{tq-data: {workers: 20}}");
    t.field("conductor", &Topology::conductor, "Parameters of the Conductor adapter.").example("{drainTimeout: 5m}");
    t.field("pause", &Topology::pause, "What PAUSE does with running work.").example("{cancelRunning: false}");
    t.field("api", &Topology::api, "DVT's own front.").example("{capacity: 200/s}");
    t.field("stateStore", &Topology::state_store, "The append authority.").example("{writeLatency: 2ms}");
    t.field("projector", &Topology::projector, "Folds events into snapshots.").example("{replicas: 3}");
    t.field("outbox", &Topology::outbox, "Publishes every stored event.").example("{relays: 2}");
    t.field("bus", &Topology::bus, "Delivers to subscribers.").example("{subscriptions: {ui: {latency: 50ms}}}");
    t.field("signals", &Topology::signals, "Processes signals.").example("{processors: 2}");
    t.field("oncall", &Topology::oncall, "Reaction times of operators.").example("{hours: always}");
    t.field("orphanedQuery", &Topology::orphaned_query, "What the warehouse query of a dead worker does.")
        .example("cancelled")
        .not_yet_words({"cancelled"});
    t.finish([](Reading&, const Node& node, Topology& topology) {
      if (topology.adapter.kind != AdapterKind::conductor) return;
      const Node* queues = node.find("taskQueues");
      for (TaskQueueSpec& queue : topology.task_queues) {
        const Node* written = queues == nullptr ? nullptr : queues->find(queue.name);
        if (written == nullptr || written->find("workers") == nullptr) queue.workers = conductor_workers(queue.name);
      }
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<WarehouseErrors>() {
  using E = WarehouseErrors;
  static const ObjectTable made = [] {
    TableBuilder<E> t("{rate, codes, permanent}");
    t.field("rate", &E::rate, "Share of the attempts that fail.").example("0.05%");
    t.field("codes", &E::codes, "Their causes: shares that sum to 100%.")
        .example("{transient_error: 80%, timeout: 20%}");
    t.field("permanent", &E::permanent, "Share of the errors that is PermanentStepError, which is not retried.")
        .example("1%");
    t.finish([](Reading& reading, const Node& node, E& errors) {
      Share sum;
      for (const auto& [code, share] : errors.codes) sum.ppb += share.ppb;
      const Node* codes = node.find("codes");
      if (codes != nullptr && sum != percent(100))
        reading.error(codes->mark, fmt::format("the shares of codes sum to {}, not 100%", format_value(sum)));
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<WarehouseSpec>() {
  using W = WarehouseSpec;
  static const ObjectTable made = [] {
    TableBuilder<W> t("a warehouse");
    t.field("kinds", &W::kinds, "The step kinds it runs.").example("[dbt, custom]").replaces().not_empty();
    t.field("concurrency", &W::concurrency, "Steps at once; more wait in its queue.")
        .example("50")
        .range(1, 10'000'000);
    t.field("duration", &W::duration,
            "Step durations by size, kind/size or materialization; the most specific key wins.")
        .example("{small: {lognormal: {p50: 3s, p99: 30s}}, medium: 1m, large: 5m}")
        .replaces()
        .not_empty();
    t.field("errors", &W::errors, "How attempts fail.").example("{rate: 0.05%}");
    return t.build();
  }();
  return made;
}

}  // namespace dvt::sim
