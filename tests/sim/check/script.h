// Script: tells the facts of a small control plane that behaves, one call for each thing that happens. Tests take a
// clean script and break it in one place.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/run_state.h"
#include "engine/ports/telemetry.h"

namespace dvt::test {

class Script {
 public:
  explicit Script(Telemetry& out) : out_(&out) {}

  Instant now{1'000'000'000};
  std::uint32_t subscriptions = 2;
  void pass(Duration time) { now = now + time; }
  /// Tells further facts to another listener.
  void tell(Telemetry& out) { out_ = &out; }

  struct Run {
    RunOrdinal run;
    Uuid run_id;
    std::uint32_t activity = 0;
    std::uint32_t task = 0;
    std::uint64_t seq = 0;
    std::uint64_t projected_seq = 0;
    RunState read_model;
    Instant requested_at;
  };
  Run& run(std::uint32_t ordinal) { return runs_.at(ordinal); }

  // --- API ---
  void accept(std::uint32_t ordinal) {
    Run& r = runs_[ordinal];
    r = Run{};
    r.run = RunOrdinal{ordinal};
    r.run_id = uuid_v4_from(ordinal + 1, 77);
    r.requested_at = now;
    out_->run_requested(r.run, {}, {}, now);
    append(ordinal, EventType::run_queued);
    out_->run_accepted({r.run, {}, {}, r.run_id, r.requested_at, now});
  }
  void admit(std::uint32_t ordinal) { out_->run_admitted(RunOrdinal{ordinal}, now); }
  /// The record of a signal, with an id of its own unless one is given.
  void record(std::uint32_t ordinal, std::uint64_t number, SignalType type, DecisionStatus status,
              bool replaces = false, const std::string& id = {}) {
    SignalDecision decision;
    decision.signal_id = id.empty() ? "signal-" + std::to_string(number) : id;
    decision.run = RunOrdinal{ordinal};
    decision.type = type;
    decision.status = status;
    decision.decided_at = now;
    decision.replaces = replaces;
    decision.signal = number;
    out_->decision_stored(decision, now);
  }
  std::uint64_t signal(std::uint32_t ordinal, SignalType type, DecisionStatus status = DecisionStatus::accepted) {
    const std::uint64_t number = ++signals_;
    pass(milliseconds(1));
    record(ordinal, number, type, status);
    out_->signal_decided({RunOrdinal{ordinal}, type, status, {}, number, now, now});
    return number;
  }
  void applied(std::uint32_t ordinal, SignalType type, std::uint64_t number) {
    pass(milliseconds(1));
    out_->signal_applied({RunOrdinal{ordinal}, type, DecisionStatus::accepted, {}, number, now, now});
  }
  /// A signal over its run's limit: answered deferred, and accepted a minute later.
  std::uint64_t deferred_signal(std::uint32_t ordinal, SignalType type) {
    const std::uint64_t number = signal(ordinal, type, DecisionStatus::deferred);
    out_->signal_waits(RunOrdinal{ordinal}, number, true, 1, now);
    pass(minutes(1));
    out_->signal_waits(RunOrdinal{ordinal}, number, false, 0, now);
    pass(milliseconds(1));
    record(ordinal, number, type, DecisionStatus::accepted, true);
    out_->signal_decided({RunOrdinal{ordinal}, type, DecisionStatus::accepted, {}, number, now, now, true});
    return number;
  }
  void lost(std::uint32_t ordinal, SignalType type, std::uint64_t number) {
    out_->signal_lost({RunOrdinal{ordinal}, type, DecisionStatus::accepted, {}, number, now, now});
  }

  // --- Store ---
  StoredEvent make(std::uint32_t ordinal, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1) {
    StoredEvent event;
    event.run = RunOrdinal{ordinal};
    event.type = type;
    event.step = step;
    event.logical_attempt = attempt;
    event.event_id = uuid_v4_from(++ids_, ordinal);
    event.emitted_at = now;
    // What tells keys apart in production: run, step, attempt and type.
    event.idempotency_key = sha256(to_string(runs_[ordinal].run_id) + "|" + std::to_string(step.value) + "|" +
                                   std::to_string(attempt) + "|" + std::string(to_string(type)));
    return event;
  }
  /// Commits, and acknowledges a millisecond later.
  StoredEvent append(std::uint32_t ordinal, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1) {
    const StoredEvent event = commit(make(ordinal, type, step, attempt));
    pass(milliseconds(1));
    acknowledge(event, false);
    return event;
  }
  StoredEvent commit(StoredEvent event) {
    Run& r = runs_[event.run.value];
    event.position = ++position_;
    event.run_seq = ++r.seq;
    event.persisted_at = now;
    out_->event_committed(event);
    log_.push_back(event);
    return event;
  }
  void acknowledge(const StoredEvent& event, bool idempotent) {
    AppendFact fact;
    fact.event = event;
    fact.issued_at = fact.at = now;
    fact.ok = true;
    fact.receipt = {event.event_id, event.run_seq, event.persisted_at, event.position, idempotent, true};
    out_->append_done(fact);
  }
  void refuse(const NewEvent& event, StoreError error = StoreError::unavailable) {
    AppendFact fact;
    fact.event = event;
    fact.issued_at = fact.at = now;
    fact.error = error;
    out_->append_done(fact);
  }
  /// Its write took too long, and a worker keeps it.
  void fail_open(const NewEvent& event) {
    refuse(event, StoreError::timeout);
    out_->spool_changed({event, SpoolStep::spooled, 0, ++spooled_, now});
  }
  /// It is written late.
  void reconcile(const StoredEvent& event) {
    acknowledge(commit(event), false);
    out_->spool_changed({event, SpoolStep::reconciled, 0, --spooled_, now});
  }
  void lose_spooled(const NewEvent& event) { out_->spool_changed({event, SpoolStep::lost, 0, --spooled_, now}); }
  std::uint64_t spooled() const { return spooled_; }

  // --- Engine ---
  void start(std::uint32_t ordinal) { out_->run_started(RunOrdinal{ordinal}, {}, now); }
  void workflow_task(std::uint32_t ordinal, std::uint32_t replayed = 0) {
    WorkflowTaskFact fact;
    fact.run = RunOrdinal{ordinal};
    fact.task = ++runs_[ordinal].task;
    fact.replayed_events = replayed;
    fact.scheduled_at = fact.at = now;
    out_->workflow_task_scheduled(fact);
    pass(milliseconds(1));
    fact.at = now;
    out_->workflow_task_started(fact);
    pass(milliseconds(1));
    fact.at = now;
    out_->workflow_task_completed(fact);
  }
  ActivityFact activity(std::uint32_t ordinal, ActivityKind kind, const char* type, StepIndex step = kNoStep) {
    ActivityFact fact;
    fact.run = RunOrdinal{ordinal};
    fact.activity = ++runs_[ordinal].activity;
    fact.kind = kind;
    fact.type = type;
    fact.step = step;
    schedule(fact);
    return fact;
  }
  void schedule(ActivityFact& fact) {
    fact.scheduled_at = fact.at = now;
    out_->activity_scheduled(fact);
  }
  void begin(ActivityFact& fact) {
    pass(milliseconds(5));
    fact.started_at = fact.at = now;
    out_->activity_started(fact);
  }
  void end(ActivityFact& fact, ActivityOutcome outcome = ActivityOutcome::completed) {
    fact.at = now;
    out_->activity_closed(fact, outcome, {});
  }
  void retry(ActivityFact& fact, Duration after, std::uint32_t max = 3) {
    fact.at = now;
    out_->activity_retry(fact, "timeout", now + after, max);
  }
  /// The emitEvent activity with its append.
  void emit(std::uint32_t ordinal, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1) {
    ActivityFact fact = activity(ordinal, ActivityKind::control, "emitEvent", step);
    begin(fact);
    append(ordinal, type, step, attempt);
    end(fact);
    workflow_task(ordinal);
  }
  void execute(std::uint32_t ordinal, std::uint32_t step) {
    ActivityFact fact = activity(ordinal, ActivityKind::step, "executeStep", StepIndex{step});
    begin(fact);
    pass(seconds(3));
    end(fact);
    workflow_task(ordinal);
  }
  /// A layer of one step.
  void layer(std::uint32_t ordinal, std::uint32_t step) {
    emit(ordinal, EventType::step_started, StepIndex{step});
    execute(ordinal, step);
    emit(ordinal, EventType::step_completed, StepIndex{step});
  }
  /// Accepted, started, RunStarted written.
  void open(std::uint32_t ordinal) {
    accept(ordinal);
    admit(ordinal);
    start(ordinal);
    workflow_task(ordinal);
    emit(ordinal, EventType::run_started);
  }
  void close(std::uint32_t ordinal, RunOutcome outcome) {
    RunClosed closed;
    closed.run = RunOrdinal{ordinal};
    closed.outcome = outcome;
    closed.error_class = outcome == RunOutcome::failed ? ErrorClass::engine : ErrorClass::none;
    closed.error_code = "NONE";
    closed.requested_at = runs_[ordinal].requested_at;
    closed.closed_at = now;
    out_->run_closed(closed);
  }
  void complete(std::uint32_t ordinal) {
    emit(ordinal, EventType::run_completed);
    close(ordinal, RunOutcome::completed);
  }
  void tell_paused(std::uint32_t ordinal) { out_->run_paused(RunOrdinal{ordinal}, now); }
  /// The gate: RunPaused, the interpreter stands.
  void stand(std::uint32_t ordinal, std::uint32_t pause = 1) {
    emit(ordinal, EventType::run_paused, kNoStep, pause);
    out_->run_paused(RunOrdinal{ordinal}, now);
  }
  void go_on(std::uint32_t ordinal, std::uint32_t pause = 1) {
    emit(ordinal, EventType::run_resumed, kNoStep, pause);
    out_->run_resumed(RunOrdinal{ordinal}, now);
  }

  // --- Projector ---
  /// Folds everything committed and not yet projected.
  void project() {
    std::vector<StoredEvent> events;
    std::map<std::uint32_t, SnapshotFact> facts;
    for (; projected_ < log_.size(); ++projected_) {
      const StoredEvent& event = log_[projected_];
      Run& r = runs_[event.run.value];
      apply_event(r.read_model, event.type, event.step, event.logical_attempt, event.emitted_at);
      r.projected_seq = event.run_seq;
      events.push_back(event);
      facts[event.run.value] = {event.run, event.run_seq, &r.read_model, 0};
    }
    std::vector<SnapshotFact> snapshots;
    for (const auto& [ordinal, fact] : facts) snapshots.push_back(fact);
    out_->snapshots_committed(0, position_, events, snapshots, now);
  }

  void lay_out(std::uint32_t partitions) { out_->projector_laid_out(partitions, now); }
  /// Of a run whose events are all projected.
  void resync(std::uint32_t ordinal) {
    const Run& r = runs_.at(ordinal);
    out_->run_resynced({r.run, false, r.projected_seq, r.projected_seq, now});
  }

  // --- Outbox and bus ---
  void lease(std::uint32_t relay, std::uint64_t position, Duration time = seconds(30)) {
    out_->outbox_leased(relay, position, now + time, now);
  }
  /// The relay gives the row back.
  void release(std::uint64_t position) { out_->outbox_released(position, now); }
  void publish(std::uint64_t position) { out_->outbox_published(event(position), now); }
  void deliver(std::uint64_t position, bool first = true) {
    for (std::uint32_t s = 0; s < subscriptions; ++s) {
      if (first) out_->event_consumed(s, event(position), now);
      out_->delivered(s, event(position), 1, first, now);
    }
  }
  /// Leases, publishes and delivers everything that has not been.
  void relay() {
    pass(milliseconds(100));
    for (; relayed_ < log_.size(); ++relayed_) {
      const std::uint64_t position = log_[relayed_].position;
      lease(0, position);
      publish(position);
      deliver(position);
    }
  }
  const StoredEvent& event(std::uint64_t position) const { return log_.at(position - 1); }
  std::uint64_t committed() const { return position_; }

  /// After the clean day: a run one of whose steps tells its start late.
  void late_start() {
    open(3);
    const StoredEvent started = make(3, EventType::step_started, StepIndex{0});
    fail_open(started);
    execute(3, 0);
    emit(3, EventType::step_completed, StepIndex{0});
    reconcile(started);
    complete(3);
    project();
    relay();
  }

  /// A whole day in the life of three runs: one pauses twice, one is cancelled in time, one fails a step after a retry;
  /// then everything is projected and delivered.
  void clean_day() {
    lay_out(1);
    for (std::uint32_t r : {0U, 1U, 2U}) open(r);
    layer(0, 0);
    const std::uint64_t pause = signal(0, SignalType::pause);
    applied(0, SignalType::pause, pause);
    stand(0, 1);
    project();
    pass(minutes(2));
    applied(0, SignalType::resume, deferred_signal(0, SignalType::resume));
    go_on(0, 1);
    layer(0, 1);
    applied(0, SignalType::pause, signal(0, SignalType::pause));
    stand(0, 2);
    pass(minutes(1));
    applied(0, SignalType::resume, signal(0, SignalType::resume));
    go_on(0, 2);
    layer(0, 2);
    relay();

    layer(1, 0);
    applied(1, SignalType::cancel, signal(1, SignalType::cancel));
    emit(1, EventType::run_cancelled);
    close(1, RunOutcome::cancelled);

    emit(2, EventType::step_started, StepIndex{0});
    ActivityFact step = activity(2, ActivityKind::step, "executeStep", StepIndex{0});
    begin(step);
    pass(minutes(30));
    end(step, ActivityOutcome::timed_out_start_to_close);
    retry(step, seconds(1));
    pass(seconds(1));
    ++step.attempt;
    schedule(step);
    begin(step);
    end(step, ActivityOutcome::failed);
    workflow_task(2, 40);
    out_->timer_fired(RunOrdinal{2}, now, now);
    emit(2, EventType::step_failed, StepIndex{0});
    emit(2, EventType::run_failed);
    close(2, RunOutcome::failed);

    const StoredEvent completed = make(0, EventType::run_completed);
    ActivityFact last = activity(0, ActivityKind::control, "emitEvent");
    begin(last);
    const StoredEvent stored = commit(completed);
    acknowledge(stored, false);
    acknowledge(stored, true);  // the worker asked again
    end(last);
    close(0, RunOutcome::completed);
    project();
    resync(0);
    relay();
    pass(seconds(1));
  }

 private:
  std::uint64_t spooled_ = 0;
  Telemetry* out_;
  std::map<std::uint32_t, Run> runs_;
  std::vector<StoredEvent> log_;
  std::size_t projected_ = 0;
  std::size_t relayed_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t ids_ = 0;
  std::uint64_t signals_ = 0;
};

}  // namespace dvt::test
