// Facts of the API, of runs and signals, and of activities.
#include <algorithm>

#include "engine/base/assert.h"
#include "sim/measure/recorder.h"
#include "sim/measure/recorder_handles.h"

namespace dvt::sim {

namespace {

/// Is a refusal the platform's own failure? Overload (429) and the client's errors are shown apart (domain §13).
bool is_platform_failure(std::string_view code) {
  constexpr std::array<std::string_view, 10> kFailures{"UNAVAILABLE",    "API_UNAVAILABLE",  "TIMEOUT",  "INTERNAL",
                                                       "POOL_EXHAUSTED", "DISK_FULL",        "IO_ERROR", "CORRUPT",
                                                       "COMMIT_UNKNOWN", "STORE_UNAVAILABLE"};
  return std::ranges::find(kFailures, code) != kFailures.end() || (code.size() == 3 && code.starts_with('5'));
}

std::size_t status_of(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::completed:
      return 0;
    case RunOutcome::failed:
      return 1;
    case RunOutcome::terminated:
      return 1;  // by an operator: the run failed, error_code says why
    case RunOutcome::cancelled:
      return 2;
  }
  DVT_ASSERT(false, "unknown outcome of a run");
}

bool is_timeout(ActivityOutcome outcome) {
  return outcome == ActivityOutcome::timed_out_start_to_close ||
         outcome == ActivityOutcome::timed_out_schedule_to_start ||
         outcome == ActivityOutcome::timed_out_schedule_to_close || outcome == ActivityOutcome::timed_out_heartbeat;
}

}  // namespace

/// Whose fault a refusal is (domain §13, availability): the platform's, so that the request failed; or the client's, so
/// that it was not valid.
enum class Refusal : std::uint8_t { none, of_platform, of_client };
Refusal refusal_of(int http_code, std::string_view error) {
  if (http_code >= 500) return Refusal::of_platform;
  if (error == "OVERLOADED" || error == "THROTTLED") return Refusal::of_platform;
  return http_code >= 400 ? Refusal::of_client : Refusal::none;
}

void Measure::api_request(std::string_view route, int http_code, std::string_view error, Duration took, Instant at) {
  if (!config_.probe_route.empty() && route == config_.probe_route) {
    if (http_code >= 400) ++tally_->probes_refused;
    return;
  }
  const Refusal refusal = refusal_of(http_code, error);
  if (refusal != Refusal::of_client) minutes_.request(refusal == Refusal::of_platform, at);
  if (counts_from(at)) use_.moved({}, kRequestMessageBytes);
  handles_->api_code(http_code).add();
  handles_->api_route(route).observe(in_ms(took));
  if (faults_.waiting(RecoveryBy::api) && http_code < 500) faults_.level(RecoveryBy::api, 0, true, at);
}

void Measure::run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) {
  if (is_probe(run)) return probe_started(run, at);
  RunSlot& slot = runs_.open(run);
  slot.plan = plan;
  slot.tenant = tenant;
  slot.requested = true;
  slot.requested_at = at;
  ++run_counts_.requested;
  ++tally_->run_requests;
  if (ThroughputDay* day = day_of(at)) ++day->offered;
}

void Measure::probe_started(RunOrdinal run, Instant at) {
  ++tally_->probes_started;
  minutes_.probe_asked(at);
  probe_under_way_ = run;
  probe_asked_at_ = at;
}

void Measure::run_accepted(const RunAccepted& fact) {
  if (is_probe(fact.run)) return;
  RunSlot& slot = runs_.open(fact.run);
  slot.plan = fact.plan;
  slot.tenant = fact.tenant;
  slot.run_id = fact.run_id;
  slot.requested_at = fact.requested_at;
  slot.accepted_at = fact.accepted_at;
  slot.requested = true;
  slot.accepted = true;
  const Duration took = fact.accepted_at - fact.requested_at;
  handles_->plan_persist->observe(in_ms(took));
  if (counts_from(fact.requested_at)) plan_persisted_.add(took, fact.accepted_at);
}

void Measure::run_rejected(RunOrdinal run, std::string_view code, Instant at) {
  if (is_probe(run)) return;
  ++tally_->run_rejections;
  ++counts_[std::string("rejected.").append(code)];
  RunSlot* slot = runs_.find(run);
  const Instant requested_at = slot != nullptr ? slot->requested_at : at;
  if (counts_from(requested_at)) {
    if (is_platform_failure(code)) {
      plan_persisted_.add_bad(at - requested_at, at);
    } else {
      ++rejected_apart_;
    }
  }
  if (slot != nullptr) runs_.close(run);
}

void Measure::run_request_retried(RunOrdinal run, std::uint32_t, Instant) {
  if (is_probe(run)) return;
  ++tally_->run_requests_retried;
}

void Measure::run_request_given_up(RunOrdinal run, std::string_view code, Instant) {
  if (is_probe(run)) return;
  ++tally_->run_requests_given_up;
  ++counts_[std::string("given_up.").append(code)];
  const RunSlot* slot = runs_.find(run);
  if (slot != nullptr && !slot->accepted) runs_.close(run);  // it may have been accepted, and nobody heard of it
}

void Measure::run_admitted(RunOrdinal run, Instant at) {
  // Waiting for admission is shown apart and is no part of the control plane's time (domain §13, completion).
  RunSlot* slot = slot_for(run);
  if (slot != nullptr && slot->accepted && at > slot->accepted_at) slot->excused.add(slot->accepted_at, at);
}

void Measure::decision_stored(const SignalDecision& decision, Instant) {
  ++(decision.replaces ? tally_->signal_decisions_replaced : tally_->signal_decisions);
}

void Measure::signal_repeated(const SignalFact& fact) {
  ++tally_->signals_received;
  ++tally_->signals_repeated;
  handles_->signals[static_cast<std::size_t>(fact.type)][static_cast<std::size_t>(fact.status)].add();
}

void Measure::signal_waits(RunOrdinal, std::uint64_t, bool, std::size_t length, Instant) {
  handles_->deferred->set(static_cast<double>(length));
  tally_->signals_deferred_max = std::max(tally_->signals_deferred_max, static_cast<std::int64_t>(length));
  tally_->signals_deferred_left = static_cast<std::int64_t>(length);
}

void Measure::alert_escalated(RunOrdinal, std::string_view level, Instant) {
  ++tally_->notice_escalated;
  ++counts_[std::string("escalated.").append(level)];
}

void Measure::signal_decided(const SignalFact& fact) {
  const auto type = static_cast<std::size_t>(fact.type);
  // `status` is what the sender was answered: a deferred signal has been counted when it was deferred.
  if (!fact.was_deferred) {
    ++tally_->signals_received;
    handles_->signals[type][static_cast<std::size_t>(fact.status)].add();
  }
  switch (fact.status) {
    case DecisionStatus::accepted:
      ++tally_->signals_accepted;
      ++counts_[std::string("signal_accepted.").append(to_string(fact.type))];
      break;
    case DecisionStatus::rejected:
      ++tally_->signals_rejected;
      ++counts_[std::string("signal_rejected.").append(fact.code)];
      return;
    case DecisionStatus::deferred:
      ++tally_->signals_deferred;
      return;
  }
  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  const auto same = [&](const PendingSignal& pending) { return pending.signal == fact.signal; };
  if (std::ranges::none_of(slot->signals, same)) slot->signals.push_back({fact.signal, fact.type, fact.at});
  if (fact.type == SignalType::pause) pauses_.accepted(*slot, fact.signal, warehouse_queue(), fact.at);
  if (fact.type == SignalType::resume) pauses_.resumed(*slot, fact.at);
}

void Measure::signal_applied(const SignalFact& fact) {
  ++tally_->signals_applied;
  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  const auto same = [&](const PendingSignal& pending) { return pending.signal == fact.signal; };
  if (const auto it = std::ranges::find_if(slot->signals, same); it != slot->signals.end()) {
    handles_->signal_processing[static_cast<std::size_t>(fact.type)]->observe(in_ms(fact.at - it->accepted_at));
    slot->signals.erase(it);
  }
  if (fact.type == SignalType::pause) pauses_.applied(*slot, fact.signal, fact.at);
}

void Measure::signal_lost(const SignalFact& fact) {
  ++tally_->signals_lost;
  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  std::erase_if(slot->signals, [&](const PendingSignal& pending) { return pending.signal == fact.signal; });
}

void Measure::run_started(RunOrdinal run, PlanOrdinal plan, Instant at) {
  if (is_probe(run)) return;
  RunSlot& slot = runs_.open(run);
  if (slot.started) return;
  slot.plan = plan;
  slot.started = true;
  slot.started_at = at;
  slot.last_event_at = std::max(slot.last_event_at, at);
  ++run_counts_.started;
  ++in_flight_;
  handles_->plans[plan.value].started.add();
  if (slot.accepted && counts_from(slot.requested_at)) admission_wait_.add(at - slot.accepted_at, at);
}

void Measure::run_paused(RunOrdinal run, Instant at) {
  RunSlot* slot = slot_for(run);
  if (slot == nullptr || slot->still) return;
  slot->still = true;
  slot->still_since = at;
  pauses_.settle(*slot, at);
}

void Measure::run_resumed(RunOrdinal run, Instant at) {
  RunSlot* slot = slot_for(run);
  if (slot == nullptr || !slot->still) return;
  slot->still = false;
  slot->excused.add(slot->still_since, at);
}

void Measure::run_closed(const RunClosed& fact) {
  if (is_probe(fact.run)) {
    if (fact.outcome == RunOutcome::completed) ++tally_->probes_completed;
    return;
  }
  const std::size_t status = status_of(fact.outcome);
  Handles::Plan& plan = handles_->plans[fact.plan.value];
  const std::string_view code = fact.error_code.empty() ? "NONE" : fact.error_code;
  if (fact.outcome == RunOutcome::completed && code == "NONE" && fact.error_class == ErrorClass::none) {
    plan.completed.add();
  } else {
    handles_->set
        .counter(Metric::runs_completed,
                 {config_.plans[fact.plan.value].plan_id, kRunStatuses[status], code, to_string(fact.error_class)})
        .add();
  }
  plan.completion[status]->observe(in_seconds(fact.closed_at - fact.requested_at));
  if (code == "PLAN_INTEGRITY_VALIDATION_FAILED") ++tally_->notice_plan_integrity;

  switch (fact.outcome) {
    case RunOutcome::completed:
      ++run_counts_.completed;
      break;
    case RunOutcome::failed:
      ++run_counts_.failed;
      break;
    case RunOutcome::cancelled:
      ++run_counts_.cancelled;
      break;
    case RunOutcome::terminated:
      ++run_counts_.failed;
      ++tally_->runs_terminated;
      break;
  }
  if (counts_from(fact.closed_at)) {
    switch (fact.outcome) {
      case RunOutcome::completed:
        ++terminal_.completed;
        break;
      case RunOutcome::failed:
        ++(fact.error_class == ErrorClass::user ? terminal_.failed_user : terminal_.failed_engine);
        break;
      case RunOutcome::cancelled:
        ++terminal_.cancelled;
        break;
      case RunOutcome::terminated:
        ++terminal_.terminated;
        break;
    }
    if (fact.outcome != RunOutcome::cancelled) {
      count_terminal(fact.outcome == RunOutcome::terminated ||
                         (fact.outcome == RunOutcome::failed && fact.error_class != ErrorClass::user),
                     fact.closed_at);
    }
  }
  if (fact.outcome == RunOutcome::completed) {
    if (ThroughputDay* day = day_of(fact.closed_at)) ++day->completed;
  }

  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  const UseLedger::Owner owner{slot->plan.value, slot->tenant.value};
  if (fact.outcome == RunOutcome::completed && counts_from(fact.closed_at)) use_.completed(owner);
  use_.remember(fact.run, owner);
  pauses_.closed(*slot, fact.closed_at);
  measure_completion(*slot, fact);
  if (slot->started) --in_flight_;
  runs_.close(fact.run);
}

void Measure::measure_completion(RunSlot& run, const RunClosed& fact) {
  // A cancelled or terminated run ended when a person wished: its length says nothing about completion.
  if (fact.outcome != RunOutcome::completed && fact.outcome != RunOutcome::failed) return;
  excuse_open(run, fact.closed_at);
  const Duration whole = fact.closed_at - fact.requested_at;
  const Duration own = whole - run.excused.covered(fact.requested_at, fact.closed_at);
  handles_->plans[fact.plan.value].control_plane[status_of(fact.outcome)]->observe(in_seconds(own));
  if (counts_from(fact.requested_at)) completion_.add(own, fact.closed_at);
}

void Measure::excuse_open(RunSlot& run, Instant end) {
  if (run.still) run.excused.add(run.still_since, end);
  for (const OpenStep& step : run.steps) {
    if (step.phase == OpenStep::Phase::running)
      run.excused.add(step.started_at, step.query_ended ? step.query_ended_at : end);
  }
}

void Measure::drop_ended(RunSlot& run, std::uint32_t retried) {
  Instant latest{INT64_MIN};
  for (std::size_t i = 0; i < run.steps.size();) {
    OpenStep& step = run.steps[i];
    if (step.phase != OpenStep::Phase::ended || step.activity == retried) {
      ++i;
      continue;
    }
    latest = std::max(latest, step.ended_at);
    --run.ended;
    run.erase_step(&step);
  }
  if (latest.ns != INT64_MIN) pauses_.settle(run, latest);
}

void Measure::activity_scheduled(const ActivityFact& fact) {
  if (is_probe(fact.run)) return;
  ++tally_->activity_attempts;
  if (fact.attempt == 1) ++tally_->activities;
  RunSlot* slot = slot_for(fact.run);
  if (fact.kind == ActivityKind::control) {
    if (slot != nullptr) ++slot->control_open;
    return;
  }
  if (fact.attempt == 1) ++tally_->step_activities;
  if (slot == nullptr) return;
  OpenStep* step = slot->find_step(fact.activity);
  if (step == nullptr) step = &slot->steps.emplace_back();
  *step = {};
  step->activity = fact.activity;
  step->attempt = fact.attempt;
  step->step = fact.step;
  ++slot->queued;
  pauses_.step_scheduled(*slot, fact.attempt, fact.at);
}

void Measure::activity_started(const ActivityFact& fact) {
  if (fact.kind == ActivityKind::control) return;
  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  OpenStep* step = slot->find_step(fact.activity);
  if (step == nullptr || step->phase != OpenStep::Phase::queued) return;
  step->phase = OpenStep::Phase::running;
  step->started_at = fact.at;
  --slot->queued;
  ++slot->running;
  pauses_.step_started(*slot, fact.attempt, fact.at);
}

// A slot is held from the start of an attempt to its end; what was timed out or cancelled in the queue held none.
void Measure::note_slot_time(const RunSlot* slot, const ActivityFact& fact) {
  if (fact.at < config_.warmup_end || fact.started_at < fact.scheduled_at) return;
  const UseLedger::Owner owner =
      slot != nullptr ? UseLedger::Owner{slot->plan.value, slot->tenant.value} : UseLedger::Owner{};
  std::uint32_t queue = config_.control_queue;
  if (fact.kind == ActivityKind::step && fact.plan.value < config_.plans.size()) {
    const std::vector<MeasureConfig::StepNote>& steps = config_.plans[fact.plan.value].steps;
    if (fact.step.value < steps.size()) queue = steps[fact.step.value].queue;
  }
  use_.held_slot(owner, queue, fact.at - std::max(fact.started_at, config_.warmup_end));
  use_.moved(owner, kAttemptMessageBytes);
}

void Measure::activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view) {
  if (is_probe(fact.run)) return note_slot_time(nullptr, fact);
  if (is_timeout(outcome)) ++tally_->activity_timeouts;
  RunSlot* slot = slot_for(fact.run);
  note_slot_time(slot, fact);
  if (fact.kind == ActivityKind::control) {
    if (slot != nullptr && slot->control_open > 0) --slot->control_open;
    return;
  }
  if (outcome != ActivityOutcome::timed_out_schedule_to_start) {
    const std::size_t status = outcome == ActivityOutcome::completed   ? 0
                               : outcome == ActivityOutcome::cancelled ? 2
                                                                       : 1;
    // An attempt that was cancelled or timed out in the queue never started: it has no duration.
    const OpenStep* step = slot != nullptr ? slot->find_step(fact.activity) : nullptr;
    if (step == nullptr || step->phase == OpenStep::Phase::running) {
      handles_->step(fact.plan, fact.step).duration[status]->observe(in_seconds(fact.at - fact.started_at));
      if (status == 0) note_step_class(fact);
    }
  }
  if (slot != nullptr) step_closed(*slot, fact, outcome);
}

void Measure::note_step_class(const ActivityFact& fact) {
  const std::vector<MeasureConfig::StepNote>& steps = config_.plans[fact.plan.value].steps;
  if (fact.step.value >= steps.size() || !counts_from(fact.started_at)) return;
  step_classes_[steps[fact.step.value].step_class].add(fact.at - fact.started_at, fact.at);
}

void Measure::step_closed(RunSlot& run, const ActivityFact& fact, ActivityOutcome outcome) {
  OpenStep* step = run.find_step(fact.activity);
  if (step == nullptr) return;
  if (step->phase == OpenStep::Phase::running) {
    // A worker that died leaves its attempt hanging until the timeout; from the end of the statement on, that is the
    // control plane's time (domain §13).
    const bool hung = step->query_ended && (outcome == ActivityOutcome::timed_out_start_to_close ||
                                            outcome == ActivityOutcome::timed_out_heartbeat);
    run.excused.add(step->started_at, hung ? step->query_ended_at : fact.at);
    --run.running;
  } else if (step->phase == OpenStep::Phase::queued) {
    --run.queued;
  }
  if (step->retry_told) {
    step->retry_told = false;
    step->phase = OpenStep::Phase::backoff;
  } else if (outcome == ActivityOutcome::failed_retryable || is_timeout(outcome)) {
    step->phase = OpenStep::Phase::ended;
    step->ended_at = fact.at;
    ++run.ended;
  } else {
    run.erase_step(step);
  }
  pauses_.settle(run, fact.at);
}

void Measure::activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at, std::uint32_t) {
  if (is_probe(fact.run)) return;
  ++tally_->activity_retries;
  RunSlot* slot = slot_for(fact.run, fact.activity);
  if (fact.kind == ActivityKind::control) {
    if (slot != nullptr) slot->backoff_until = std::max(slot->backoff_until, next_at);
    return;
  }
  const auto known = std::ranges::find(kRetryCauses, cause);
  if (known != kRetryCauses.end()) {
    CounterHandle counter =
        handles_->step(fact.plan, fact.step).retries[static_cast<std::size_t>(known - kRetryCauses.begin())];
    counter.add();
  } else {
    const MeasureConfig::Plan& plan = config_.plans[fact.plan.value];
    const bool labelled = config_.step_labels && fact.step.value < plan.step_ids.size();
    const std::string_view step_id = labelled ? std::string_view(plan.step_ids[fact.step.value]) : std::string_view{};
    handles_->set.counter(Metric::step_retries, {plan.plan_id, step_id, cause}).add();
  }
  if (slot == nullptr) return;
  slot->excused.add(fact.at, next_at);
  OpenStep* step = slot->find_step(fact.activity);
  if (step == nullptr) {
    step = &slot->steps.emplace_back();
    step->activity = fact.activity;
    step->step = fact.step;
    step->attempt = fact.attempt;
    step->phase = OpenStep::Phase::backoff;
  } else if (step->phase == OpenStep::Phase::ended) {
    step->phase = OpenStep::Phase::backoff;
    --slot->ended;
  } else {
    step->retry_told = true;
  }
}

void Measure::pause_ended(const PauseRecord& pause) {
  handles_->quiescence->observe(in_ms(pause.last_started));
  if (pause.drained) handles_->drain->observe(in_seconds(*pause.drained));
}

}  // namespace dvt::sim
