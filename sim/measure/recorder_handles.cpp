// Looks up every handle whose labels are known in advance, so that each starts at an explicit zero at t0 (domain §12).
// Metrics without plan labels come first: they must never be the ones to fold.
#include "sim/measure/recorder_handles.h"

#include "engine/base/format.h"

namespace dvt::sim {

namespace {
constexpr std::array<int, 5> kUsualCodes{200, 202, 400, 429, 503};
}  // namespace

Measure::Handles::Handles(MetricSet& metric_set, const MeasureConfig& measure_config)
    : set(metric_set), config(measure_config) {
  using enum Metric;
  const std::string_view adapter = config.adapter;
  in_flight = &set.gauge(runs_in_flight, {config.environment_id, adapter});
  in_flight->set(0);
  for (const EventType type : kEventTypes) {
    const auto i = static_cast<std::size_t>(type);
    write[i] = &set.histogram(write_duration, {to_string(type)});
    emission[i] = &set.histogram(event_emission_duration, {to_string(type)});
  }
  events_behind = &set.gauge(lag_events, {adapter});
  events_behind->set(0);
  seconds_behind = &set.gauge(lag_seconds, {adapter});
  seconds_behind->set(0);
  lag_bad = set.counter(lag_bad_ms, {});
  gaps = set.counter(projection_gaps, {});
  for (const std::string& subscription : config.subscriptions) {
    delivery.push_back(&set.histogram(outbox_delivery_duration, {subscription}));
    dead_letters.push_back(set.counter(outbox_dead_letters, {subscription}));
  }
  plan_persist = &set.histogram(plan_persist_duration, {});
  ui_refresh = &set.histogram(ui_refresh_duration, {});
  quiescence = &set.histogram(pause_to_quiescence, {adapter});
  drain = &set.histogram(pause_drain, {adapter});
  for (std::size_t i = 0; i < kSignalTypes; ++i) {
    const std::string_view type = to_string(static_cast<SignalType>(i));
    for (std::size_t s = 0; s < 3; ++s) {
      signals[i][s] = set.counter(signals_received, {type, to_string(static_cast<DecisionStatus>(s))});
    }
    signal_processing[i] = &set.histogram(signal_processing_duration, {type});
  }
  for (const MeasureConfig::Queue& queue : config.queues) {
    workers.push_back(&set.gauge(workers_available, {adapter, queue.domain}));
    workers.back()->set(queue.workers);
  }
  heartbeat = &set.gauge(adapter_last_heartbeat, {adapter});
  deferred = &set.gauge(deferred_signals_queue_length, {});
  deferred->set(0);
  snapshot_mismatches = set.counter(snapshot_hash_mismatches, {});
  disk_free = &set.gauge(disk_free_ratio, {});
  minutes = set.counter(control_plane_minutes, {});
  minutes_good = set.counter(control_plane_minutes_good, {});
  for (const int code : kUsualCodes) api_code(code);

  plans.resize(config.plans.size());
  for (std::size_t p = 0; p < plans.size(); ++p) {
    const MeasureConfig::Plan& plan = config.plans[p];
    Plan& handles = plans[p];
    handles.started = set.counter(runs_started, {plan.plan_id, plan.plan_version, config.environment_id, adapter});
    handles.completed = set.counter(runs_completed, {plan.plan_id, "completed", "NONE", "none"});
    handles.cost = &set.gauge(run_cost_estimate, {plan.plan_id});
    for (std::size_t s = 0; s < kRunStatuses.size(); ++s) {
      handles.completion[s] = &set.histogram(run_completion_duration, {plan.plan_id, kRunStatuses[s]});
      if (s < 2) handles.control_plane[s] = &set.histogram(run_control_plane_duration, {plan.plan_id, kRunStatuses[s]});
    }
    const std::size_t steps = config.step_labels && !plan.step_ids.empty() ? plan.step_ids.size() : 1;
    for (std::size_t i = 0; i < steps; ++i) {
      const bool labelled = config.step_labels && i < plan.step_ids.size();
      const std::string_view step_id = labelled ? std::string_view(plan.step_ids[i]) : std::string_view{};
      Step step;
      for (std::size_t s = 0; s < kRunStatuses.size(); ++s) {
        step.duration[s] = &set.histogram(step_duration, {plan.plan_id, step_id, kRunStatuses[s]});
      }
      for (std::size_t c = 0; c < kRetryCauses.size(); ++c) {
        step.retries[c] = set.counter(step_retries, {plan.plan_id, step_id, kRetryCauses[c]});
      }
      handles.steps.push_back(step);
    }
  }
}

const Measure::Handles::Step& Measure::Handles::step(PlanOrdinal plan, StepIndex index) const {
  const std::vector<Step>& steps = plans[plan.value].steps;
  return config.step_labels && index.value < steps.size() ? steps[index.value] : steps.front();
}

CounterHandle Measure::Handles::api_code(int code) {
  for (const auto& [known, handle] : api_codes_) {
    if (known == code) return handle;
  }
  const CounterHandle handle = set.counter(Metric::api_requests, {fmt::format("{}", code)});
  api_codes_.emplace_back(code, handle);
  return handle;
}

HistogramCell& Measure::Handles::api_route(std::string_view route) {
  if (HistogramCell** cell = api_routes_.find(route)) return **cell;
  return *api_routes_.add(route, &set.histogram(Metric::api_request_duration, {route}));
}

Measure::Handles::Rpc& Measure::Handles::rpc(std::string_view method, std::string_view status) {
  SmallTextMap<Rpc>* by_status = rpcs_.find(method);
  if (by_status == nullptr) by_status = &rpcs_.add(method, {});
  if (Rpc* rpc = by_status->find(status)) return *rpc;
  Rpc rpc;
  rpc.duration = &set.histogram(Metric::adapter_rpc_duration, {config.adapter, method, status});
  if (status != "OK" && status != "ok") {
    rpc.errors = set.counter(Metric::adapter_api_errors, {config.adapter, method, status});
  }
  return by_status->add(status, rpc);
}

Measure::Tallies::Tallies(Counts& c)
    : appends_rejected(c["appends_rejected"]),
      run_requests(c["run_requests"]),
      run_rejections(c["run_rejections"]),
      run_requests_retried(c["run_requests_retried"]),
      run_requests_given_up(c["run_requests_given_up"]),
      runs_terminated(c["runs_terminated"]),
      signals_received(c["signals_received"]),
      signals_repeated(c["signals_repeated"]),
      signals_deferred_max(c["signals_deferred_max"]),
      signals_deferred_left(c["signals_deferred_left"]),
      signal_decisions(c["signal_decisions"]),
      signal_decisions_replaced(c["signal_decisions_replaced"]),
      signals_accepted(c["signals_accepted"]),
      signals_rejected(c["signals_rejected"]),
      signals_deferred(c["signals_deferred"]),
      signals_applied(c["signals_applied"]),
      signals_lost(c["signals_lost"]),
      workflow_tasks(c["workflow_tasks"]),
      workflow_tasks_replayed(c["workflow_tasks_replayed"]),
      workflow_tasks_failed(c["workflow_tasks_failed"]),
      replayed_events(c["replayed_events"]),
      nondeterminism(c["nondeterminism"]),
      activities(c["activities"]),
      step_activities(c["step_activities"]),
      activity_attempts(c["activity_attempts"]),
      activity_retries(c["activity_retries"]),
      activity_timeouts(c["activity_timeouts"]),
      timers_fired(c["timers_fired"]),
      children_started(c["children_started"]),
      children_completed(c["children_completed"]),
      children_not_completed(c["children_not_completed"]),
      worker_crashes(c["worker_crashes"]),
      worker_restarts(c["worker_restarts"]),
      warehouse_jobs(c["warehouse_jobs"]),
      warehouse_errors(c["warehouse_errors"]),
      deliveries(c["deliveries"]),
      duplicate_deliveries(c["duplicate_deliveries"]),
      dead_letters(c["dead_letters"]),
      snapshots(c["snapshots"]),
      invalid_transitions(c["invalid_transitions"]),
      gaps_suspected(c["gaps_suspected"]),
      gaps_confirmed(c["gaps_confirmed"]),
      dead_letters_redriven(c["dead_letters_redriven"]),
      dead_letters_delivered(c["dead_letters_delivered"]),
      outbox_leases(c["outbox_leases"]),
      outbox_published(c["outbox_published"]),
      resyncs(c["resyncs"]),
      events_spooled(c["events_spooled"]),
      spool_reconciled(c["spool_reconciled"]),
      spool_lost(c["spool_lost"]),
      spool_pending(c["spool_pending"]),
      fault_strikes(c["fault_strikes"]),
      probes_started(c["probes_started"]),
      probes_seen(c["probes_seen"]),
      probes_late(c["probes_late"]),
      probes_refused(c["probes_refused"]),
      probes_completed(c["probes_completed"]),
      probe_events(c["probe_events"]),
      notice_dead_letter(c["notice.DEAD_LETTER"]),
      notice_invalid_transition(c["notice.INVALID_TRANSITION"]),
      notice_plan_integrity(c["notice.PLAN_INTEGRITY_VALIDATION_FAILED"]),
      notice_escalated(c["notice.ESCALATE_ALERT"]),
      reads_stale(c["reads_stale"]),
      reads_of_unseen_runs(c["reads_of_unseen_runs"]),
      read_your_writes_violations(c["read_your_writes_violations"]),
      completions_refused(c["completions_refused"]) {
  for (const std::string_view name : kNoticeNames) c[std::string("notice.").append(name)];  // told by name
  for (const char* name : {"archived_runs", "archived_events"}) c[name];  // the store's own, told at the end
}

std::vector<std::string> Measure::count_names() {
  Counts counts;
  const Tallies all(counts);
  std::vector<std::string> names;
  for (const auto& [name, zero] : counts.all()) names.push_back(name);
  return names;
}

}  // namespace dvt::sim
