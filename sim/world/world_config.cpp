#include "sim/world/world_config.h"

#include "engine/base/detmath.h"

namespace dvt::sim {
namespace {

std::int64_t milli(double value) {
  return detmath::round_to_int64(value * 1000);
}

store::BackoffPolicy backoff(const BackoffSpec& spec) {
  store::BackoffPolicy policy;
  policy.initial = spec.initial;
  policy.factor_milli = milli(spec.factor);
  policy.max = spec.max;
  policy.jitter_ppm = spec.jitter.ppb / 1000;
  return policy;
}

}  // namespace

engine::Allowance allowance(const Rate& rate) {
  if (rate.is_zero()) return {};
  constexpr std::int64_t kOne = 1'000'000;
  // Less than one in the rate's own interval: one in as long as one takes.
  if (rate.micro_events < kOne) return {1, rate.interval()};
  return {static_cast<std::uint32_t>(rate.micro_events / kOne), rate.per};
}

Duration interval_or_zero(const Rate& rate) {
  return rate.is_zero() ? Duration{} : rate.interval();
}

namespace {

engine::ActivityOptionsRef engine_options(const ActivityOptions& asked, std::string_view queue) {
  engine::ActivityOptions options;
  options.task_queue = Symbol::intern(queue);
  options.start_to_close = asked.start_to_close;
  options.schedule_to_start = asked.schedule_to_start;
  options.schedule_to_close = asked.schedule_to_close;
  options.heartbeat = asked.heartbeat;
  options.retry.initial_interval = asked.initial_interval;
  options.retry.coefficient_milli = milli(asked.coefficient);
  options.retry.maximum_interval = asked.max_interval;
  options.retry.maximum_attempts = static_cast<std::uint32_t>(asked.max_attempts);
  options.retry.non_retryable = {engine::names::permanent_step_error};
  return std::make_shared<const engine::ActivityOptions>(std::move(options));
}

}  // namespace

adapters::ConductorServerOptions conductor_options(const Scenario& scenario, engine::ActivityOptionsRef control,
                                                   StepOptions step_options) {
  const ConductorSpec& spec = scenario.topology.conductor;
  adapters::ConductorServerOptions options;
  options.poll_latency = scenario.topology.adapter.rpc_latency.build();
  options.decide = scenario.topology.interpreter.task_latency.build();
  options.task_timeout = spec.task_timeout;
  options.timeout_by_kind = scenario.known_faults.fixed(9);
  options.drain_timeout = spec.drain_timeout;
  options.orphan_policy =
      spec.orphan_policy == OrphanPolicy::accept ? adapters::OrphanPolicy::accept : adapters::OrphanPolicy::reject;
  options.trace_short_pauses = scenario.known_faults.fixed(5);
  options.number_pauses = scenario.known_faults.fixed(7);
  options.control = std::move(control);
  options.step_options = std::move(step_options);
  std::vector<std::optional<std::uint32_t>> isolated(static_cast<std::size_t>(scenario.workload.tenants.count));
  for (std::uint32_t i = 0; i < scenario.topology.task_queues.size(); ++i)
    if (const auto tenant = isolated_tenant(scenario.topology.task_queues[i].name, scenario.workload.tenants.count))
      isolated[static_cast<std::size_t>(*tenant)] = i;
  options.isolation = [isolated](TenantOrdinal tenant) { return isolated[tenant.value]; };
  return options;
}

engine::ActivityOptionsRef control_options(const Scenario& scenario) {
  return engine_options(scenario.activity_options("", "", ""), "tq-control");
}

engine::ActivityOptionsRef step_options(const Scenario& scenario, const engine::Step& step,
                                        const engine::StepNotes& notes) {
  const std::string_view size = to_string(notes.size.value_or(engine::StepSize::small));
  return engine_options(scenario.activity_options(step.kind, size, notes.materialization.value_or("")),
                        queue_for_step(step.kind));
}

engine::InterpreterOptions interpreter_options(const Scenario& scenario) {
  const KnownFaults& faults = scenario.known_faults;
  engine::InterpreterOptions options;
  options.hold_failed_steps = scenario.topology.interpreter.on_step_failure == OnStepFailure::hold;
  options.tell_native_cancel = faults.fixed(1);
  options.gate_before_continue = faults.fixed(2);
  options.gate_before_complete = faults.fixed(3);
  options.close_invalid_plans = faults.fixed(4);
  options.trace_short_pauses = faults.fixed(5);
  options.number_pauses = faults.fixed(7);
  options.tell_layers_together = faults.fixed(10);
  return options;
}

engine::ApiOptions api_options(const Scenario& scenario, std::vector<std::string_view> plan_refusals) {
  engine::ApiOptions options;
  options.plan_refusals = std::move(plan_refusals);
  options.latency = scenario.topology.api.latency.build();
  options.request_interval = interval_or_zero(scenario.topology.api.capacity);
  const AdmissionSpec& admission = scenario.topology.api.admission;
  options.admission.policy = admission.policy == AdmissionPolicy::reject  ? engine::OverloadPolicy::reject
                             : admission.policy == AdmissionPolicy::delay ? engine::OverloadPolicy::delay
                                                                          : engine::OverloadPolicy::queue;
  options.admission.max_in_flight = static_cast<std::uint32_t>(admission.max_in_flight);
  options.admission.quota_per_tenant = allowance(admission.quota_per_tenant);
  const ProjectorSpec& projector = scenario.topology.projector;
  options.admission.backpressure_at = static_cast<std::uint64_t>(projector.backpressure_at);
  options.admission.projector_per_event = Duration{projector.throughput.interval().ns / projector.replicas};
  const SignalsSpec& signals = scenario.topology.signals;
  options.signals.processors = static_cast<std::uint32_t>(signals.processors);
  options.signals.per_signal = interval_or_zero(signals.throughput) * signals.processors;  // throughput is of them all
  options.signals.per_run = {static_cast<std::uint32_t>(signals.max_per_run_per_minute), minutes(1)};
  const std::uint64_t provider = engine::adapter_profile(target_of(scenario.topology.adapter.kind)).max_signal_bytes;
  options.signals.bytes_max =
      std::min(static_cast<std::size_t>(signals.max_bytes.count), static_cast<std::size_t>(provider));
  if (scenario.workload.approval) options.approval = scenario.workload.approval->build();
  return options;
}

std::vector<adapters::WarehouseOptions> warehouse_options(const Scenario& scenario) {
  std::vector<adapters::WarehouseOptions> out;
  for (const WarehouseSpec& spec : scenario.warehouses) {
    adapters::WarehouseOptions options;
    options.name = spec.name;
    options.concurrency = static_cast<std::uint32_t>(spec.concurrency);
    options.errors.rate_ppb = spec.errors.rate.ppb;
    options.errors.permanent_ppb = spec.errors.permanent.ppb;
    for (const auto& [code, share] : spec.errors.codes)
      options.errors.codes.emplace_back(Symbol::intern(code).text(), share.ppb);
    out.push_back(std::move(options));
  }
  return out;
}

adapters::StepProfile step_profile(const Scenario& scenario, const engine::Step& step, const engine::StepNotes& notes) {
  const WarehouseSpec* warehouse = scenario.warehouse_for(step.kind);
  if (warehouse == nullptr)
    throw Error("no warehouse runs steps of kind '" + step.kind + "' (step " + step.step_id + ")");
  adapters::StepProfile profile;
  profile.warehouse = static_cast<std::uint32_t>(warehouse - scenario.warehouses.data());
  using engine::RecordedOutcome;
  profile.recorded_failure = notes.outcome == RecordedOutcome::error || notes.outcome == RecordedOutcome::fail;
  if (notes.duration) {  // what was recorded wins over every assumption
    profile.duration = Distribution::constant(*notes.duration);
    return profile;
  }
  const std::string_view size = to_string(notes.size.value_or(engine::StepSize::small));
  const Dist* duration = warehouse->duration_for(step.kind, size, notes.materialization.value_or(""));
  if (duration == nullptr)
    throw Error("warehouse '" + warehouse->name + "' has no duration for a " + std::string(size) + " step of kind '" +
                step.kind + "'");
  profile.duration = duration->build();
  return profile;
}

store::OutboxOptions outbox_options(const Scenario& scenario) {
  const OutboxSpec& spec = scenario.topology.outbox;
  store::OutboxOptions options;
  options.relays = static_cast<std::uint32_t>(spec.relays);
  options.poll_interval = spec.poll_interval;
  options.batch = static_cast<std::uint32_t>(spec.batch);
  options.lease = spec.lease;
  options.backoff = backoff(spec.backoff);
  options.max_attempts = static_cast<std::uint32_t>(spec.max_attempts);
  return options;
}

store::BusOptions bus_options(const Scenario& scenario) {
  store::BusOptions options;
  for (const SubscriptionSpec& spec : scenario.topology.bus.subscriptions)
    options.subscriptions.push_back({spec.name, spec.latency.build()});
  options.backoff = backoff(scenario.topology.outbox.backoff);
  options.max_attempts = static_cast<std::uint32_t>(scenario.topology.outbox.max_attempts);
  options.publish_latency = scenario.topology.bus.publish_latency.build();
  options.ack_timeout = scenario.topology.bus.ack_timeout;
  options.message_interval = interval_or_zero(scenario.topology.bus.throughput);
  return options;
}

store::ProjectorOptions projector_options(const Scenario& scenario) {
  const ProjectorSpec& spec = scenario.topology.projector;
  store::ProjectorOptions options;
  options.replicas = static_cast<std::uint32_t>(spec.replicas);
  options.per_event = spec.throughput.interval();
  options.poll_interval = spec.poll_interval;
  options.batch = static_cast<std::uint32_t>(spec.batch);
  options.flush = spec.flush;
  options.takeover = spec.takeover;
  return options;
}

}  // namespace dvt::sim
